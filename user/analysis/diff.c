// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/gate_eval.h"
#include "analysis/internal.h"
#include "analysis/sheet.h"

static double mean(const double *values, size_t from, size_t to)
{
	double sum = 0;

	for (size_t i = from; i < to; i++)
		sum += values[i];
	return to > from ? sum / (double)(to - from) : 0;
}

static void summarise(struct diff_side *ret, const double *values, size_t from, size_t to)
{
	ret->n = to - from;
	ret->mean = mean(values, from, to);
	ret->low = ret->high = values[from];
	for (size_t i = from; i < to; i++) {
		ret->low = values[i] < ret->low ? values[i] : ret->low;
		ret->high = values[i] > ret->high ? values[i] : ret->high;
	}
}

double diff_ratio(const struct diff_row *r)
{
	if (r->base.mean > 0)
		return r->head.mean / r->base.mean - 1;
	return r->head.mean > 0 ? INFINITY : 0;
}

static int largest_first(const void *a, const void *b)
{
	const struct diff_row *r = a, *q = b;
	double x = fabs(r->head.mean - r->base.mean), y = fabs(q->head.mean - q->base.mean);
	bool time = r->type == GATE_TIME;

	if (time != (q->type == GATE_TIME))
		return time ? -1 : 1;
	if (x != y)
		return x > y ? -1 : 1;
	return strcmp(r->name, q->name);
}

/* To be freed; NULL: not known. */
static char *text_of(const struct findings *f, enum text_kind kind)
{
	const char *text = f->model->texts[kind];

	return text ? gate_words("%s", text) : NULL;
}

static char *arch(const struct findings *f)
{
	return text_of(f, TEXT_ARCH);
}

static char *host(const struct findings *f)
{
	return text_of(f, TEXT_HOST);
}

static char *kernel(const struct findings *f)
{
	return text_of(f, TEXT_KERNEL);
}

static char *cpus(const struct findings *f)
{
	return gate_words("%.4g", f->cpus_allowed);
}

/* What makes times of two machines another thing. */
static const struct trait {
	const char *name;
	char *(*of)(const struct findings *f);
} traits[] = {
	{ "architecture", arch },
	{ "machine", host },
	{ "kernel", kernel },
	{ "number of allowed CPUs", cpus },
};

static bool is_alike(const struct trait *t, const struct findings *a, const struct findings *b)
{
	char *x = t->of(a), *y = t->of(b);
	bool ret = !strcmp(x ? x : "", y ? y : "");

	free(x);
	free(y);
	return ret;
}

/* How many runs of these are like the first of them. */
static size_t count_alike(const struct trait *t, const struct findings *const *runs, size_t n)
{
	size_t alike = 0;

	for (size_t i = 0; i < n; i++)
		alike += is_alike(t, runs[0], runs[i]);
	return alike;
}

static void compare_machines(struct sheet *s)
{
	const struct findings *const *head = s->runs + s->n_base;
	size_t n_head = s->n - s->n_base;
	struct diff *d = s->d;

	for (size_t i = 0; i < sizeof(traits) / sizeof(*traits) && !d->differs; i++) {
		const struct trait *t = &traits[i];

		if (count_alike(t, s->runs, s->n) == s->n)
			continue;
		d->differs = t->name;
		if (count_alike(t, s->runs, s->n_base) == s->n_base &&
		    count_alike(t, head, n_head) == n_head) {
			d->base_has = t->of(s->runs[0]);
			d->head_has = t->of(head[0]);
		}
	}
}

static bool is_same_run(const struct model *a, const struct model *b)
{
	return a->run.realtime_ns && a->run.realtime_ns == b->run.realtime_ns &&
	       a->wall_ns == b->wall_ns && a->n_threads == b->n_threads;
}

static bool is_repeated(const struct sheet *s, size_t run)
{
	for (size_t i = 0; i < run; i++) {
		if (is_same_run(s->runs[i]->model, s->runs[run]->model))
			return true;
	}
	return false;
}

static void look_at_runs(struct sheet *s)
{
	struct diff *d = s->d;

	for (size_t i = 0; i < s->n; i++) {
		const struct model *m = s->runs[i]->model;
		bool is_head = i >= s->n_base;

		d->verdicts[is_head][s->runs[i]->verdict.class]++;
		d->failed[is_head] += m->complete && m->end.status > 0;
		d->cut[is_head] += !m->complete;
		d->repeated += is_repeated(s, i);
	}
}

static void sum_up(struct sheet *s)
{
	struct diff *d = s->d;

	for (size_t i = 0; i < d->n_rows; i++) {
		summarise(&d->rows[i].base, s->values[i], 0, s->n_base);
		summarise(&d->rows[i].head, s->values[i], s->n_base, s->n);
	}
}

static void forget_values(struct sheet *s)
{
	for (size_t i = 0; i < s->d->n_rows; i++)
		free(s->values[i]);
	free(s->values);
}

struct diff *diff_new(const struct findings *const *base, size_t n_base,
		      const struct findings *const *head, size_t n_head, const struct gates *gates)
{
	struct diff *d = zeroed(1, sizeof(*d));
	const struct findings **runs = zeroed(n_base + n_head, sizeof(*runs));
	struct sheet s = { .d = d, .runs = runs, .n = n_base + n_head, .n_base = n_base };

	d->n_base = n_base;
	d->n_head = n_head;
	memcpy(runs, base, n_base * sizeof(*runs));
	memcpy(runs + n_base, head, n_head * sizeof(*runs));
	look_at_runs(&s);
	compare_machines(&s);
	sheet_fill(&s, gates);
	sum_up(&s);
	sheet_test(&s);
	if (gates) {
		d->gates = diff_judge(gates, &s);
		d->n_gates = gates->n;
	}
	forget_values(&s);
	qsort(d->rows + 1, d->n_rows - 1, sizeof(*d->rows), largest_first);
	free(runs);
	return d;
}

void diff_free(struct diff *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n_rows; i++) {
		if (d->rows[i].brief != d->rows[i].name)
			free(d->rows[i].brief);
		free(d->rows[i].name);
	}
	free(d->rows);
	gate_results_free(d->gates, d->n_gates);
	free(d->base_has);
	free(d->head_has);
	free(d);
}
