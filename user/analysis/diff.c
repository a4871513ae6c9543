// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/diff.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bpf/wall.h"
#include "analysis/internal.h"

#define ROWS_MAX       200
#define LEAST_SHARE    0.01  /* of the wall time, for a quantity to be looked at */
#define LEAST_SPREAD   0.005 /* of a quantity: that it was less in a few runs is chance */
#define EXACT_RUNS     16    /* up to so many, all divisions are looked at */
#define SOME_DIVISIONS 20000 /* of more runs */

/* One column for each run, base first. */
struct sheet {
	struct diff *d;
	const struct findings *const *runs;
	size_t n, n_base;
	double *values[ROWS_MAX]; /* as d->rows */
};

/* --- what is compared ----------------------------------------------------------------- */

static size_t row_named(struct sheet *s, const char *name)
{
	struct diff *d = s->d;

	for (size_t i = 0; i < d->n_rows; i++) {
		if (!strcmp(d->rows[i].name, name))
			return i;
	}
	if (d->n_rows == ROWS_MAX)
		return ROWS_MAX;
	snprintf(d->rows[d->n_rows].name, sizeof(d->rows->name), "%s", name);
	s->values[d->n_rows] = zeroed(s->n, sizeof(double));
	return d->n_rows++;
}

static void add(struct sheet *s, size_t run, const char *name, double ns)
{
	size_t row;

	if (ns <= 0)
		return;
	row = row_named(s, name);
	if (row < ROWS_MAX)
		s->values[row][run] += ns;
}

static void add_wall(struct sheet *s, size_t run)
{
	const struct findings *f = s->runs[run];
	double kinds[ROW_KINDS] = { 0 };
	char name[96];

	add(s, run, "wall", (double)f->model->wall_ns);
	add(s, run, "wall.running", (double)f->running_ns);
	add(s, run, "wall.serialised", (double)f->serialised_ns);
	add(s, run, "wall.runnable", (double)f->model->wall.runnable_ns);
	for (unsigned int r = 0; r < ROW_COUNT; r++)
		kinds[row_kind(r)] += (double)f->model->wall.row_ns[r];
	for (unsigned int k = 0; k < ROW_KINDS; k++) {
		snprintf(name, sizeof(name), "wall.%s", kind_name(k));
		add(s, run, name, kinds[k]);
	}
}

static void add_totals(struct sheet *s, size_t run)
{
	const struct totals *t = &s->runs[run]->totals;
	char name[96];

	for (unsigned int i = 0; i < TS_COUNT; i++) {
		snprintf(name, sizeof(name), "totals.states.%s", state_name(i));
		if (i != TS_BLOCKED)
			add(s, run, name, (double)t->state_ns[i]);
	}
	for (unsigned int c = 0; c < CAUSE_COUNT; c++) {
		snprintf(name, sizeof(name), "totals.blocked[\"%s\"]", cause_name(c));
		add(s, run, name, (double)t->waits[c].ns);
	}
}

/* CPU time by program: what a build or a script spends it on. */
static void add_programs(struct sheet *s, size_t run)
{
	const struct model *m = s->runs[run]->model;
	char name[96];

	if (m->n_processes < 2)
		return;
	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		snprintf(name, sizeof(name), "program %s", m->processes[t->process].comm);
		add(s, run, name, (double)t->state_ns[TS_RUNNING]);
	}
}

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

/* Of what is too small to matter nothing is said, and the rest needs no correction for it. */
static void drop_small(struct sheet *s)
{
	double least = LEAST_SHARE * mean(s->values[0], 0, s->n);
	size_t kept = 1;

	for (size_t i = 1; i < s->d->n_rows; i++) {
		if (mean(s->values[i], 0, s->n_base) < least &&
		    mean(s->values[i], s->n_base, s->n) < least) {
			free(s->values[i]);
			continue;
		}
		s->values[kept] = s->values[i];
		s->d->rows[kept++] = s->d->rows[i];
	}
	s->d->n_rows = kept;
}

/* --- the test ---------------------------------------------------------------------------- */

/* The difference of the two groups' means by the spread within them. */
static double statistic(const double *values, size_t n, const bool *is_head, size_t n_head)
{
	double sum[2] = { 0 }, squares[2] = { 0 }, count[2], within = 0, least, m[2];

	count[1] = (double)n_head;
	count[0] = (double)(n - n_head);
	for (size_t i = 0; i < n; i++)
		sum[is_head[i]] += values[i];
	m[0] = sum[0] / count[0];
	m[1] = sum[1] / count[1];
	for (size_t i = 0; i < n; i++)
		squares[is_head[i]] += (values[i] - m[is_head[i]]) * (values[i] - m[is_head[i]]);
	if (n > 2)
		within = (squares[0] + squares[1]) / (double)(n - 2);
	least = LEAST_SPREAD * (sum[0] + sum[1]) / (double)n;
	if (least <= 0) /* all of it is 0 */
		return 0;
	return fabs(m[1] - m[0]) / sqrt((within + least * least) * (1 / count[0] + 1 / count[1]));
}

struct test {
	const struct sheet *s;
	bool *is_head;
	double *observed;  /* of each row */
	uint64_t *reached; /* of each: divisions in which some row came as far */
};

static void look_at_division(struct test *t)
{
	const struct sheet *s = t->s;
	double most = 0;

	for (size_t i = 0; i < s->d->n_rows; i++) {
		double x = statistic(s->values[i], s->n, t->is_head, s->n - s->n_base);

		most = x > most ? x : most;
	}
	for (size_t i = 0; i < s->d->n_rows; i++)
		t->reached[i] += most >= t->observed[i] * (1 - 1e-9);
	s->d->divisions++;
}

/* Each choice of so many of the runs from `from` on. */
static void choose(struct test *t, size_t from, size_t left)
{
	if (!left) {
		look_at_division(t);
		return;
	}
	for (size_t i = from; i + left <= t->s->n; i++) {
		t->is_head[i] = true;
		choose(t, i + 1, left - 1);
		t->is_head[i] = false;
	}
}

/* The same sequence each time: a report must not change when it is made again. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void choose_some(struct test *t, size_t n_head)
{
	uint64_t random = 0x9e3779b97f4a7c15ull;

	for (size_t i = 0; i < t->s->n; i++)
		t->is_head[i] = i >= t->s->n - n_head;
	look_at_division(t); /* the one that is there counts, or p could be 0 */
	for (size_t k = 1; k < SOME_DIVISIONS; k++) {
		for (size_t i = t->s->n - 1; i; i--) {
			size_t other = next_random(&random) % (i + 1);
			bool swap = t->is_head[i];

			t->is_head[i] = t->is_head[other];
			t->is_head[other] = swap;
		}
		look_at_division(t);
	}
}

static void run_test(struct sheet *s)
{
	struct diff *d = s->d;
	struct test t = { .s = s };

	t.is_head = zeroed(s->n, sizeof(*t.is_head));
	t.observed = zeroed(d->n_rows, sizeof(*t.observed));
	t.reached = zeroed(d->n_rows, sizeof(*t.reached));
	for (size_t i = s->n_base; i < s->n; i++)
		t.is_head[i] = true;
	for (size_t i = 0; i < d->n_rows; i++)
		t.observed[i] = statistic(s->values[i], s->n, t.is_head, d->n_head);
	d->is_exact = s->n <= EXACT_RUNS;
	memset(t.is_head, 0, s->n * sizeof(*t.is_head));
	if (d->is_exact)
		choose(&t, 0, d->n_head);
	else
		choose_some(&t, d->n_head);
	/* As far apart as can be is one division, or two if the groups are alike in size. */
	d->can_tell = (d->n_base == d->n_head ? 2 : 1) <= DIFF_LEVEL * (double)d->divisions;
	for (size_t i = 0; i < d->n_rows; i++) {
		d->rows[i].p = (double)t.reached[i] / (double)d->divisions;
		d->rows[i].is_change = d->can_tell && d->rows[i].p <= DIFF_LEVEL;
	}
	free(t.is_head);
	free(t.observed);
	free(t.reached);
}

/* --- the rest -------------------------------------------------------------------------------- */

static int largest_first(const void *a, const void *b)
{
	const struct diff_row *r = a, *q = b;
	double x = fabs(r->head.mean - r->base.mean), y = fabs(q->head.mean - q->base.mean);

	if (x != y)
		return x > y ? -1 : 1;
	return strcmp(r->name, q->name);
}

static const char *text_of(const struct findings *f, enum text_kind kind)
{
	return f->model->texts[kind] ? f->model->texts[kind] : "";
}

static const char *difference(const struct findings *a, const struct findings *b)
{
	if (strcmp(text_of(a, TEXT_ARCH), text_of(b, TEXT_ARCH)))
		return "architecture";
	if (strcmp(text_of(a, TEXT_HOST), text_of(b, TEXT_HOST)))
		return "machine";
	if (strcmp(text_of(a, TEXT_KERNEL), text_of(b, TEXT_KERNEL)))
		return "kernel";
	if (a->cpus_allowed != b->cpus_allowed)
		return "number of allowed CPUs";
	return NULL;
}

static void gather(struct sheet *s)
{
	struct diff *d = s->d;

	for (size_t i = 0; i < s->n; i++) {
		add_wall(s, i);
		add_totals(s, i);
		add_programs(s, i);
		d->verdicts[i >= s->n_base][s->runs[i]->verdict.class]++;
		if (!d->differs)
			d->differs = difference(s->runs[0], s->runs[i]);
	}
	if (!d->n_rows) /* no run took any time */
		(void)row_named(s, "wall");
	drop_small(s);
}

struct diff *diff_new(const struct findings *const *base, size_t n_base,
		      const struct findings *const *head, size_t n_head)
{
	struct diff *d = zeroed(1, sizeof(*d));
	const struct findings **runs = zeroed(n_base + n_head, sizeof(*runs));
	struct sheet s = { .d = d, .runs = runs, .n = n_base + n_head, .n_base = n_base };

	d->rows = zeroed(ROWS_MAX, sizeof(*d->rows));
	d->n_base = n_base;
	d->n_head = n_head;
	memcpy(runs, base, n_base * sizeof(*runs));
	memcpy(runs + n_base, head, n_head * sizeof(*runs));
	gather(&s);
	run_test(&s);
	for (size_t i = 0; i < d->n_rows; i++) {
		summarise(&d->rows[i].base, s.values[i], 0, n_base);
		summarise(&d->rows[i].head, s.values[i], n_base, s.n);
		free(s.values[i]);
	}
	qsort(d->rows + 1, d->n_rows - 1, sizeof(*d->rows), largest_first);
	free(runs);
	return d;
}

void diff_free(struct diff *d)
{
	if (!d)
		return;
	free(d->rows);
	free(d);
}
