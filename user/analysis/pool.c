// SPDX-License-Identifier: BSD-2-Clause
/* A pool of threads that is larger than its work: threads of one process and one name. */
#include "analysis/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define POOL_LEAST	4
#define POOL_BUSY_SHARE 0.25 /* of its threads, at most */

struct group {
	const struct thread *first;
	size_t n;
	double life, idle, sync;
};

static int by_group(const void *a, const void *b)
{
	const struct thread *t = *(const struct thread *const *)a;
	const struct thread *u = *(const struct thread *const *)b;

	if (t->process != u->process)
		return t->process < u->process ? -1 : 1;
	return strcmp(t->comm, u->comm);
}

static void add(struct group *to, const struct thread *t)
{
	to->n++;
	to->life += t->lifetime_ns;
	to->idle += t->row_ns[ROW_SYNC] + t->row_ns[ROW_EVENT] + t->row_ns[ROW_TICK] +
		    t->row_ns[ROW_DEMAND] + t->row_ns[ROW_QUEUE];
	to->sync += t->row_ns[ROW_SYNC];
}

/* Its threads live for most of the run, wait for each other, and hardly work. */
static bool is_large(const struct group *g, const struct model *m)
{
	return g->n >= POOL_LEAST && g->life > 0.5 * g->n * m->wall_ns && g->sync > g->life / 2 &&
	       g->life - g->idle <= POOL_BUSY_SHARE * g->life;
}

/* The largest of such. */
static void find_group(struct group *ret, const struct model *m)
{
	const struct thread **sorted = zeroed(m->n_threads, sizeof(*sorted));
	size_t n = 0;

	for (size_t i = 0; i < m->n_threads; i++) {
		if (!(m->threads[i].flags & THREAD_LEADER))
			sorted[n++] = &m->threads[i];
	}
	qsort(sorted, n, sizeof(*sorted), by_group);
	for (size_t i = 0, next; i < n; i = next) {
		struct group g = { .first = sorted[i] };

		for (next = i; next < n && !by_group(&sorted[i], &sorted[next]); next++)
			add(&g, sorted[next]);
		if (g.n > ret->n && is_large(&g, m))
			*ret = g;
	}
	free(sorted);
}

void pool_find(struct findings *f)
{
	enum verdict_class class = f->verdict.class;
	struct group g = { 0 };
	struct finding *to;
	char busy[UNITS_SIZE];

	/* Of a program that does nothing, it says nothing that its pool does neither. */
	if (class == CLASS_IDLE || class == CLASS_SLEEP_BOUND)
		return;
	find_group(&g, f->model);
	if (!g.n)
		return;
	to = finding_add(f, "pool.large", SEVERITY_NOTE);
	memcpy(to->subject, g.first->comm, sizeof(g.first->comm));
	finding_title(to, "%zu threads of this name, of which %s were busy on average", g.n,
		      units_mean(busy, (g.life - g.idle) / f->model->wall_ns));
	evidence_add(to, "threads.waited_for", (uint64_t)g.idle,
		     "%.0f %% of their lives they waited for something to do",
		     100 * g.idle / g.life);
	finding_advice(to,
		       "If this is a pool of workers, it is larger than the work needs, or the "
		       "work does not reach it: see what hands it out. Idle threads cost memory, "
		       "not time.");
}
