// SPDX-License-Identifier: BSD-2-Clause
/* Event loops, and what can be seen of the coroutines that may run on them. */
#include "analysis/kinds.h"

#include <string.h>

#define WATCHED_LEAST 4 /* descriptors: fewer are what a client or a session needs */
#define WAITS_LEAST   10
#define TIME_LEAST    0.5 /* of its waiting, or ... */
#define NUMBER_LEAST  0.5 /* ... of the number of waits, and */
#define TIME_SOME     0.1
#define SAMPLES_LEAST 3 /* of stacks, without any wait */
#define STACKS_LEAST  2 /* on stacks of its own */

/* Most of its waiting is there. */
static bool is_home(const struct thread *t, const struct event_loop *l)
{
	double ns = 0, number = 0;

	for (size_t i = 0; i < t->n_waits; i++) {
		ns += (double)t->waits[i].ns;
		number += (double)t->waits[i].count;
	}
	return (double)l->ns >= TIME_LEAST * ns ||
	       ((double)l->waits >= NUMBER_LEAST * number && (double)l->ns >= TIME_SOME * ns);
}

/* The one that the thread waits in most; NULL: in none. */
static const struct event_loop *loop_of(const struct model *m, size_t thread)
{
	for (size_t i = 0; i < m->n_loops; i++) {
		if (m->loops[i].thread == thread && m->loops[i].n_users == 1 &&
		    is_home(&m->threads[thread], &m->loops[i]))
			return &m->loops[i];
	}
	return NULL;
}

/* What its stacks say of a loop of a library; RUNTIME_EPOLL counts where it is epoll that it waits in. */
static enum runtime runtime_of(const struct runtimes *r, const struct event_loop *l)
{
	bool waits = l && l->waits + l->open_waits >= 1;

	if (r->has & RUNTIME_LOOP &&
	    (waits || r->samples[runtime_place(RUNTIME_LOOP)] >= SAMPLES_LEAST))
		return RUNTIME_LOOP;
	if (r->has & RUNTIME_EPOLL && l && l->cause == CAUSE_EVENT_EPOLL && l->waits >= WAITS_LEAST)
		return RUNTIME_EPOLL;
	return 0;
}

static bool is_many(const struct event_loop *l)
{
	return l && l->watched >= WATCHED_LEAST && l->waits >= WAITS_LEAST;
}

static void add_coroutines(struct kinds *k, size_t thread, enum kind_how how, const char *by,
			   uint64_t samples)
{
	enum concurrency taken = k->taken[thread];
	struct kind_row *row = kinds_add(k, KIND_COROUTINES, &thread, 1);

	row->how = how;
	row->by = by;
	row->samples = samples;
	row->is_named = kinds_matter(k, row->active_ns, row->running_ns);
	if (taken)
		k->taken[thread] = taken;
}

/* Python's asyncio has them if its loop is where the thread waits; greenlet runs each on the
 * thread's own stack, so that functions of it have to be seen. */
static void find_coroutines(struct kinds *k, size_t thread)
{
	const struct model *m = k->f->model;
	const struct runtimes *own = &k->of_thread[thread];
	const struct runtimes *process = &k->of_process[m->threads[thread].process];
	bool is_loop = k->taken[thread] == KIND_LOOP;
	size_t place = runtime_place(RUNTIME_COROUTINES);

	if (own->has & RUNTIME_COROUTINES)
		add_coroutines(k, thread, KIND_BY_FUNCTION, own->by[place], own->samples[place]);
	else if (is_loop && process->has & RUNTIME_ASYNCIO && own->has & RUNTIME_EPOLL)
		add_coroutines(k, thread, KIND_BY_LIBRARY, "asyncio", 0);
	else if (is_loop && process->has & RUNTIME_GREENLET)
		add_coroutines(k, thread, KIND_BY_LIBRARY, "greenlet", 0);
	else if (own->stacks >= STACKS_LEAST)
		add_coroutines(k, thread, KIND_BY_STACKS, NULL, own->stacks);
}

static void find_loop(struct kinds *k, size_t thread)
{
	const struct model *m = k->f->model;
	const struct event_loop *l = loop_of(m, thread);
	const struct runtimes *r = &k->of_thread[thread];
	enum runtime runtime = runtime_of(r, l);
	struct kind_row *row;

	if (!runtime && !is_many(l))
		return;
	row = kinds_add(k, KIND_LOOP, &thread, 1);
	row->how = runtime ? KIND_BY_FUNCTION : KIND_BY_WATCHING;
	row->by = runtime ? r->by[runtime_place(runtime)] : NULL;
	row->samples = runtime ? r->samples[runtime_place(runtime)] : 0;
	row->waits = l ? l->waits : 0;
	row->watched = l ? l->watched : 0;
	row->idle_ns = l ? l->ns : 0;
	row->is_named = kinds_matter(k, row->active_ns, row->running_ns);
}

void kinds_find_loops(struct kinds *k)
{
	const struct model *m = k->f->model;

	for (size_t i = 0; i < m->n_threads; i++) {
		if (k->taken[i] || m->threads[i].flags & THREAD_KERNEL)
			continue;
		find_loop(k, i);
		find_coroutines(k, i);
	}
}
