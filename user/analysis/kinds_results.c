// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pools of processes that always find work, and so never wait for it: alike children of the one that made
 * them, who waits for results from all of them at one place. They read at least as often as they have one.
 */
#include "analysis/kinds.h"

#include <stdlib.h>

#define MEMBERS_LEAST 2
#define RESULTS_LEAST 3	 /* of each */
#define READS_LEAST   10 /* calls of each */

struct result {
	size_t io, lock, maker; /* where, and the process that waits for them */
	size_t by;		/* the thread */
	double number;
};

static int by_place(const void *a, const void *b)
{
	const struct result *x = a, *y = b;

	if (x->maker != y->maker)
		return x->maker < y->maker ? -1 : 1;
	if (x->io != y->io)
		return x->io < y->io ? -1 : 1;
	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	return x->by < y->by ? -1 : x->by > y->by;
}

/* By the only thread of a child that goes on with its parent's program. */
static bool is_result(const struct kinds *k, const struct wake *w)
{
	const struct model *m = k->f->model;
	const struct thread *by;
	const struct process *p;

	if (w->waiter == NO_THREAD || w->waker == NO_THREAD || k->taken[w->waker])
		return false;
	by = &m->threads[w->waker];
	p = &m->processes[by->process];
	return p->parent >= 0 && (size_t)p->parent == m->threads[w->waiter].process &&
	       p->n_threads == 1 && !p->life.n_execs && w->waits >= RESULTS_LEAST &&
	       by->flags & THREAD_IO_COUNTED && by->witness.reads >= READS_LEAST &&
	       by->witness.reads >= w->waits;
}

static uint64_t idle_of(const struct thread *t)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < t->n_waits; i++) {
		enum cause c = t->waits[i].cause;

		if (c == CAUSE_IO_PIPE || c == CAUSE_SYNC_SEM || c == CAUSE_SYNC_COND ||
		    c == CAUSE_SYNC_FUTEX)
			ns += t->waits[i].ns;
	}
	return ns;
}

static void add_pool(struct kinds *k, const struct result *results, size_t n)
{
	const struct model *m = k->f->model;
	size_t *threads = zeroed(n, sizeof(*threads));
	struct kind_row *row;

	for (size_t i = 0; i < n; i++)
		threads[i] = results[i].by;
	row = kinds_add(k, KIND_POOL, threads, n);
	row->how = KIND_BY_RESULTS;
	row->io = results->io;
	row->lock = results->lock;
	for (size_t i = 0; i < n; i++) {
		row->idle_ns += idle_of(&m->threads[threads[i]]);
		row->results += estimate_whole(results[i].number);
	}
	row->is_named = kinds_matter(k, row->active_ns, row->running_ns);
	free(threads);
}

void kinds_find_results(struct kinds *k)
{
	const struct model *m = k->f->model;
	struct result *results = zeroed(m->n_wakes, sizeof(*results));
	size_t n = 0;

	for (size_t i = 0; i < m->n_wakes; i++) {
		const struct wake *w = &m->wakes[i];

		if (is_result(k, w))
			results[n++] =
				(struct result){ w->io, w->lock, m->threads[w->waiter].process,
						 w->waker, (double)w->waits };
	}
	if (n)
		qsort(results, n, sizeof(*results), by_place);
	for (size_t i = 0, next; i < n; i = next) {
		size_t kept = 1;

		/* Several threads may wait there for the same one. */
		for (next = i + 1;
		     next < n && results[next].maker == results[i].maker &&
		     results[next].io == results[i].io && results[next].lock == results[i].lock;
		     next++) {
			if (results[next].by == results[i + kept - 1].by)
				results[i + kept - 1].number += results[next].number;
			else
				results[i + kept++] = results[next];
		}
		if (kept >= MEMBERS_LEAST && !k->taken[results[i].by])
			add_pool(k, &results[i], kept);
	}
	free(results);
}
