// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where threads wait and compute. Of a thread's waits for one cause some were looked at,
 * of its computing some moments; its ledger knows all of it. So each site of it has the
 * same share of the exact sum that it has of the samples'.
 */
#include "analysis/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/map.h"
#include "base/vec.h"

/* The waits of one thread for one cause, or its computing. */
struct sum {
	double ns, waits;	      /* by the samples */
	double exact_ns, exact_waits; /* by the ledger */
};

struct search {
	struct findings *f;
	struct map thread_by_id; /* its place in model->threads */
	struct map sum_by_key;
	VEC(struct unsited) unsited;
	VEC(struct sum) sums;
	size_t *alike; /* of each stack, the first with the same frames */
	struct map row_by_key;
	VEC(struct site_row) rows;
	double sited_ns, own_ns;
};

#define COMPUTING CAUSE_COUNT
#define SEVERAL	  0

/* A number for each thread whose ledger is there; the others are one, and so are those whose
 * sites are not known one by one (thread_id 0). */
static uint64_t number_of(const struct search *s, uint64_t thread_id)
{
	uint64_t *place = thread_id == MAP_NONE ? NULL : map_find(&s->thread_by_id, thread_id);

	return thread_id && place ? *place + 1 : SEVERAL;
}

static void number_threads(struct search *s)
{
	const struct model *m = s->f->model;

	for (size_t i = 0; i < m->n_threads; i++) {
		if (m->threads[i].id != MAP_NONE)
			*map_add(&s->thread_by_id, m->threads[i].id) = i;
	}
}

static uint64_t sum_key(uint64_t number, unsigned int cause)
{
	return number * (CAUSE_COUNT + 1) + cause;
}

static struct sum *sum_of(struct search *s, const struct site *site)
{
	unsigned int cause = site->what == SITE_CPU ? COMPUTING : site->cause;
	uint64_t *place = map_add(&s->sum_by_key, sum_key(number_of(s, site->thread_id), cause));

	if (*place == MAP_NONE) {
		*place = s->sums.n;
		*vec_add(&s->sums) = (struct sum){ 0 };
	}
	return &s->sums.items[*place];
}

static void sum_samples(struct search *s)
{
	const struct model *m = s->f->model;

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *site = &m->sites[i];
		struct sum *sum = sum_of(s, site);

		if (site->what == SITE_CPU) {
			sum->ns += site->samples;
			s->f->sites.cpu_samples += site->samples;
			continue;
		}
		sum->ns += site->ns;
		sum->waits += site->waits;
		s->f->sites.is_sampled |= site->samples < site->waits;
	}
}

/* What the samples say nothing about: all of it, its waits, or nothing. */
static void add_unsited(struct search *s, const struct sum *sum, struct unsited u)
{
	if (sum && sum->ns > 0)
		u.ns = 0;
	if (sum && sum->waits > 0)
		u.count = 0;
	if (u.ns || u.count)
		*vec_add(&s->unsited) = u;
}

/* To the thread's own sum, or to that of those that are not known one by one. */
static void add_exact(struct search *s, const struct thread *t, unsigned int cause, uint64_t ns,
		      uint64_t waits)
{
	uint64_t number = t == &s->f->model->unsent ? SEVERAL : number_of(s, t->id);
	uint64_t *own = map_find(&s->sum_by_key, sum_key(number, cause));
	uint64_t *place = own ? own : map_find(&s->sum_by_key, sum_key(SEVERAL, cause));
	struct sum *sum = place ? &s->sums.items[*place] : NULL;

	if (sum) {
		sum->exact_ns += ns;
		sum->exact_waits += waits;
	}
	add_unsited(s, sum,
		    (struct unsited){
			    .thread = t,
			    .what = cause == COMPUTING ? SITE_CPU : SITE_WAIT,
			    .cause = cause == COMPUTING ? CAUSE_UNKNOWN : cause,
			    .ns = ns,
			    .count = waits,
		    });
}

static void sum_ledger(struct search *s, const struct thread *t)
{
	add_exact(s, t, COMPUTING, t->state_ns[TS_RUNNING], 0);
	for (size_t i = 0; i < t->n_waits; i++) {
		const struct wait *w = &t->waits[i];

		s->f->sites.wait_ns += w->ns;
		add_exact(s, t, w->cause, w->ns, w->count);
	}
}

static void sum_ledgers(struct search *s)
{
	const struct model *m = s->f->model;

	for (size_t i = 0; i < m->n_threads; i++)
		sum_ledger(s, &m->threads[i]);
	if (m->n_unsent)
		sum_ledger(s, &m->unsent);
	s->f->sites.unsited = s->unsited.items;
	s->f->sites.n_unsited = s->unsited.n;
}

uint64_t estimate_whole(double estimate)
{
	return estimate < 0x1p64 - 0x1p12 ? (uint64_t)(estimate + 0.5) : UINT64_MAX;
}

static double share(double part, double sampled, double exact)
{
	return sampled > 0 ? part / sampled * exact : 0;
}

static void divide_exact(struct search *s)
{
	const struct model *m = s->f->model;
	struct sites *to = &s->f->sites;

	to->ns = zeroed(m->n_sites, sizeof(*to->ns));
	to->count = zeroed(m->n_sites, sizeof(*to->count));
	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *site = &m->sites[i];
		const struct sum *sum = sum_of(s, site);
		double part = site->what == SITE_CPU ? site->samples : site->ns;

		to->ns[i] = share(part, sum->ns, sum->exact_ns);
		to->count[i] = share(site->waits, sum->waits, sum->exact_waits);
	}
}

static void find_alike(struct search *s)
{
	const struct model *m = s->f->model;
	size_t *first = zeroed(m->n_stacks, sizeof(*first));
	struct intern keys = { .list = { 0 } };

	s->alike = zeroed(m->n_stacks, sizeof(*s->alike));
	for (size_t i = 0; i < m->n_stacks; i++) {
		const struct stack *stack = &m->stacks[i];
		uint32_t key[STACK_MAX + 1] = { stack->end };
		size_t known = keys.list.n, number;

		memcpy(key + 1, stack->frames, stack->n * sizeof(*key));
		number = intern(&keys, key, (stack->n + 1) * sizeof(*key));
		if (number == known)
			first[number] = i;
		s->alike[i] = first[number];
	}
	free(first);
	intern_free(&keys);
}

static struct site_row *row_of(struct search *s, const struct site *site)
{
	size_t stack = s->alike[site->stack];
	uint64_t *place = map_add(&s->row_by_key, stack * CAUSE_COUNT + site->cause);
	const struct model *m = s->f->model;

	if (*place == MAP_NONE) {
		*place = s->rows.n;
		*vec_add(&s->rows) = (struct site_row){
			.cause = site->cause,
			.stack = &m->stacks[stack],
			.own = own_frame(m, &m->stacks[stack]),
		};
	}
	return &s->rows.items[*place];
}

static void add(struct search *s, size_t i)
{
	const struct site *site = &s->f->model->sites[i];
	struct site_row *row = row_of(s, site);
	struct sites *to = &s->f->sites;

	row->samples += site->samples;
	row->ns += to->ns[i];
	row->waits += to->count[i];
	if (site->max_ns > row->max_ns)
		row->max_ns = site->max_ns;
	if (site->what == SITE_CPU)
		return;
	s->sited_ns += to->ns[i];
	if (row->own >= 0 && s->f->model->frames[row->stack->frames[row->own]].function[0])
		s->own_ns += to->ns[i];
}

static int most_samples_first(const void *a, const void *b)
{
	const struct site_row *r = a, *q = b;

	if (r->samples != q->samples)
		return r->samples > q->samples ? -1 : 1;
	return r->stack < q->stack ? -1 : r->stack > q->stack;
}

static int longest_first(const void *a, const void *b)
{
	const struct site_row *r = a, *q = b;

	if (r->ns != q->ns)
		return r->ns > q->ns ? -1 : 1;
	return most_samples_first(a, b);
}

static struct site_row *rows_of(struct search *s, enum site_what what, size_t *ret_n)
{
	const struct model *m = s->f->model;

	s->rows.items = NULL;
	s->rows.n = s->rows.room = 0;
	for (size_t i = 0; i < m->n_sites; i++) {
		if (m->sites[i].what == what)
			add(s, i);
	}
	map_free(&s->row_by_key);
	if (s->rows.n)
		qsort(s->rows.items, s->rows.n, sizeof(*s->rows.items),
		      what == SITE_CPU ? most_samples_first : longest_first);
	*ret_n = s->rows.n;
	return s->rows.items;
}

void sites_find(struct findings *f)
{
	struct search s = { .f = f };

	number_threads(&s);
	sum_samples(&s);
	sum_ledgers(&s);
	divide_exact(&s);
	find_alike(&s);
	f->sites.waits = rows_of(&s, SITE_WAIT, &f->sites.n_waits);
	f->sites.cpu = rows_of(&s, SITE_CPU, &f->sites.n_cpu);
	f->sites.sited_ns = estimate_whole(s.sited_ns);
	f->sites.own_ns = estimate_whole(s.own_ns);
	f->sites.hot_waits = hot_find(f->model, SITE_WAIT, f->sites.waits, f->sites.n_waits,
				      &f->sites.n_hot_waits);
	f->sites.hot_cpu =
		hot_find(f->model, SITE_CPU, f->sites.cpu, f->sites.n_cpu, &f->sites.n_hot_cpu);
	map_free(&s.thread_by_id);
	map_free(&s.sum_by_key);
	free(s.sums.items);
	free(s.alike);
}

void sites_forget(struct sites *s)
{
	free(s->ns);
	free(s->count);
	free(s->unsited);
	free(s->waits);
	free(s->cpu);
	free(s->hot_waits);
	free(s->hot_cpu);
}
