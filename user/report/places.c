// SPDX-License-Identifier: BSD-2-Clause
#include "report/places.h"

#include <math.h>

#include "base/map.h"

#define SEVERAL	   "[several]"
#define NOT_LISTED "[not listed]"
#define NO_NAME	   "[no name]"

struct walk {
	const struct findings *f;
	struct map thread_by_id, process_by_id;
	void (*fn)(void *ctx, const struct place *p);
	void *ctx;
};

static void put_id(struct map *m, uint64_t id, size_t place)
{
	if (id != MAP_NONE)
		*map_add(m, id) = place;
}

static void index_ids(struct walk *w)
{
	const struct model *m = w->f->model;

	for (size_t i = 0; i < m->n_threads; i++)
		put_id(&w->thread_by_id, m->threads[i].id, i);
	for (size_t i = 0; i < m->n_processes; i++)
		put_id(&w->process_by_id, m->processes[i].id, i);
}

static const char *named(const char *comm)
{
	return *comm ? comm : NO_NAME;
}

static const char *process_name(const struct walk *w, uint64_t id)
{
	const uint64_t *place = id == MAP_NONE ? NULL : map_find(&w->process_by_id, id);

	return place ? named(w->f->model->processes[*place].comm) : SEVERAL;
}

static void put_thread(const struct walk *w, const struct thread *t, struct place p)
{
	bool is_listed = t != &w->f->model->unsent;

	p.thread = is_listed ? named(t->comm) : NOT_LISTED;
	p.process = is_listed ? process_name(w, t->process_id) : NOT_LISTED;
	if (p.ns > 0 || p.count > 0)
		w->fn(w->ctx, &p);
}

static void put_site(const struct walk *w, size_t i)
{
	const struct model *m = w->f->model;
	const struct site *s = &m->sites[i];
	bool computes = s->what == SITE_CPU;
	const uint64_t *thread =
		s->thread_id == MAP_NONE ? NULL : map_find(&w->thread_by_id, s->thread_id);
	struct place p = {
		.what = computes ? PLACE_RUNNING : s->cause,
		.stack = &m->stacks[s->stack],
		.ns = w->f->sites.ns[i],
		.count = computes ? (double)s->samples : w->f->sites.count[i],
	};

	if (thread) {
		put_thread(w, &m->threads[*thread], p);
	} else if (p.ns > 0 || p.count > 0) {
		p.thread = p.process = process_name(w, s->process_id);
		w->fn(w->ctx, &p);
	}
}

static void put_unsited(const struct walk *w, const struct unsited *u)
{
	put_thread(w, u->thread,
		   (struct place){
			   .what = u->what == SITE_CPU ? PLACE_RUNNING : u->cause,
			   .ns = u->ns,
			   .count = u->count,
		   });
}

static void put_queued(const struct walk *w, const struct thread *t)
{
	put_thread(w, t,
		   (struct place){
			   .what = PLACE_QUEUED,
			   .ns = (double)t->state_ns[TS_WOKEN] + (double)t->state_ns[TS_PREEMPTED] +
				 (double)t->state_ns[TS_YIELDED],
		   });
}

void places_each(const struct findings *f, void (*fn)(void *ctx, const struct place *p), void *ctx)
{
	struct walk w = { .f = f, .fn = fn, .ctx = ctx };
	const struct model *m = f->model;

	index_ids(&w);
	for (size_t i = 0; i < m->n_sites; i++)
		put_site(&w, i);
	for (size_t i = 0; i < f->sites.n_unsited; i++)
		put_unsited(&w, &f->sites.unsited[i]);
	for (size_t i = 0; i < m->n_threads; i++)
		put_queued(&w, &m->threads[i]);
	if (m->n_unsent)
		put_queued(&w, &m->unsent);
	map_free(&w.thread_by_id);
	map_free(&w.process_by_id);
}

const char *place_word(unsigned int what)
{
	return what == PLACE_RUNNING  ? "running"
	       : what == PLACE_QUEUED ? "queued"
				      : cause_name(what);
}

const char *place_cut(const struct place *p)
{
	static const char *const ends[STACK_END_COUNT] = {
		[STACK_CUT] = "[cut]",
		[STACK_NO_RULE] = "[cut: no-rule]",
		[STACK_GARBAGE] = "[cut: garbage]",
		[STACK_FULL] = "[cut: full]",
	};

	if (p->what == PLACE_QUEUED)
		return NULL;
	if (!p->stack || !p->stack->n)
		return "[no stack]";
	return ends[p->stack->end];
}

uint64_t place_units(double value, double *carry)
{
	double all = value + *carry, whole = floor(all + 0.5);

	if (whole < 1)
		whole = 0;
	if (whole >= (double)INT64_MAX) {
		*carry = 0;
		return INT64_MAX;
	}
	*carry = all - whole;
	return (uint64_t)whole;
}
