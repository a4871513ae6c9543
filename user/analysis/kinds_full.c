// SPDX-License-Identifier: BSD-2-Clause
/*
 * Pools of threads that hardly ever wait for work, as their queue is always full. What is left to tell
 * them by: they are alike in who made them and in their names, each has waited at one place where nobody
 * else did (for the first work, or for the last), and either that place is a library's queue, or they
 * passed it on to each other and ended waits of others again and again: for results. Without these, such
 * threads may as well have waited there to begin, and each do what is its own: they may be a pool.
 */
#include "analysis/kinds.h"

#include <stdlib.h>

#define MEMBERS_LEAST 2
#define RESULTS_LEAST 3	   /* of each */
#define PART_LEAST    0.5  /* of those who are alike: so many have waited there, have results */
#define WAITS_MOST    3	   /* on average; who waits more often, and is no pool, takes turns */
#define WAKER_MOST    0.34 /* of the waits there, by one member: else it is a barrier */

struct full {
	struct kinds *k;
	size_t lock;
	size_t *threads, n; /* alike */
	bool *is_member;    /* by thread */
	uint64_t *by;	    /* ... so many waits that it ended */
	size_t n_waiters;   /* of the members, there */
	double waits, ns;   /* theirs */
};

static bool is_alike(const struct kinds *k, size_t a, size_t b)
{
	const struct thread *t = &k->f->model->threads[a], *u = &k->f->model->threads[b];

	return !k->taken[b] && !(u->flags & (THREAD_LEADER | THREAD_KERNEL)) &&
	       t->process == u->process && t->creator_id == u->creator_id &&
	       !kinds_compare_names(t->comm, u->comm);
}

static void gather(struct full *g, size_t first)
{
	const struct model *m = g->k->f->model;

	g->n = 0;
	for (size_t i = 0; i < m->n_threads; i++) {
		g->by[i] = 0;
		g->is_member[i] = is_alike(g->k, first, i);
		if (g->is_member[i])
			g->threads[g->n++] = i;
	}
}

/* Nobody else waits there but who made them, and most of them do, a few times. */
static bool is_theirs(struct full *g)
{
	const struct model *m = g->k->f->model;
	const struct lock *l = &m->locks[g->lock];
	size_t maker = kinds_thread(g->k, m->threads[g->threads[0]].creator_id);

	g->n_waiters = 0;
	g->waits = g->ns = 0;
	for (size_t i = 0; i < l->n_waiters; i++) {
		const struct lock_waiter *w = &l->waiters[i];

		if (w->thread == NO_THREAD || (!g->is_member[w->thread] && w->thread != maker))
			return false;
		if (w->thread == maker)
			continue;
		g->n_waiters++;
		g->waits += (double)w->waits;
		g->ns += (double)w->ns;
	}
	return g->n_waiters >= MEMBERS_LEAST && (double)g->n_waiters >= PART_LEAST * (double)g->n &&
	       g->waits < WAITS_MOST * (double)g->n;
}

/* Who ended their waits there. */
enum ended {
	ENDED_UNKNOWN,
	ENDED_OUTSIDE,	 /* by others */
	ENDED_PASSED_ON, /* by one of them each: the next one */
	ENDED_BARRIER,	 /* ... all by the last */
};

static enum ended ended_of(struct full *g)
{
	const struct model *m = g->k->f->model;
	double known = 0, inside = 0, most = 0;

	for (size_t i = 0; i < m->n_wakes; i++) {
		const struct wake *w = &m->wakes[i];

		if (w->lock != g->lock || w->waiter == NO_THREAD || w->waker == NO_THREAD ||
		    !g->is_member[w->waiter])
			continue;
		known += (double)w->waits;
		if (!g->is_member[w->waker])
			continue;
		inside += (double)w->waits;
		g->by[w->waker] += w->waits;
		if ((double)g->by[w->waker] > most)
			most = (double)g->by[w->waker];
	}
	for (size_t i = 0; i < g->n; i++)
		g->by[g->threads[i]] = 0;
	if (known < PART_LEAST * g->waits)
		return ENDED_UNKNOWN;
	if (inside < PART_LEAST * known)
		return ENDED_OUTSIDE;
	return most <= 1 + WAKER_MOST * known ? ENDED_PASSED_ON : ENDED_BARRIER;
}

/* Waits of others of the process, which members ended; *ret_n: members that ended some of them. */
static uint64_t results_of(struct full *g, size_t *ret_n)
{
	const struct model *m = g->k->f->model;
	uint64_t sum = 0;

	*ret_n = 0;
	for (size_t i = 0; i < m->n_wakes; i++) {
		const struct wake *w = &m->wakes[i];

		if (w->lock == NO_LOCK || w->lock == g->lock || w->waiter == NO_THREAD ||
		    w->waker == NO_THREAD || !g->is_member[w->waker] || g->is_member[w->waiter] ||
		    m->threads[w->waiter].process != m->threads[w->waker].process ||
		    !kinds_hands_over(&m->locks[w->lock]))
			continue;
		g->by[w->waker] += w->waits;
		sum += w->waits;
	}
	for (size_t i = 0; i < g->n; i++)
		*ret_n += g->by[g->threads[i]] >= RESULTS_LEAST;
	return sum;
}

/* A wait there shows a library's queue; NULL: none does. */
static const char *queue_of(const struct full *g)
{
	const struct model *m = g->k->f->model;

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];
		const char *by = s->what == SITE_WAIT && s->lock == g->lock
					 ? kinds_queue_in(m, &m->stacks[s->stack])
					 : NULL;

		if (by)
			return by;
	}
	return NULL;
}

static void add_pool(struct full *g, const char *by, uint64_t results)
{
	struct kind_row *row = kinds_add(g->k, KIND_POOL, g->threads, g->n);

	row->how = KIND_BY_LOCK;
	row->lock = g->lock;
	row->by = by;
	row->waits = estimate_whole(g->waits);
	row->idle_ns = estimate_whole(g->ns);
	if (row->idle_ns > row->life_ns)
		row->idle_ns = row->life_ns;
	row->results = results;
	row->is_named = kinds_matter(g->k, row->life_ns - row->idle_ns, row->running_ns);
}

static void note_maybe(struct full *g)
{
	const struct model *m = g->k->f->model;
	struct maybe *to = &g->k->maybe[m->threads[g->threads[0]].process];

	if (g->n > to->members)
		*to = (struct maybe){ g->lock, g->n };
}

/* As seen from one who waits there. */
static bool find_full(struct full *g, size_t first)
{
	const struct model *m = g->k->f->model;
	enum ended ended;
	uint64_t results;
	const char *by;
	size_t n;

	if (first == NO_THREAD || !is_alike(g->k, first, first))
		return false;
	gather(g, first);
	if (g->n < MEMBERS_LEAST || !is_theirs(g) || !kinds_live_together(m, g->threads, g->n))
		return false;
	by = queue_of(g);
	ended = ended_of(g);
	results = results_of(g, &n);
	if (by || (ended == ENDED_PASSED_ON && (double)n >= PART_LEAST * (double)g->n))
		add_pool(g, by, results);
	else if (ended != ENDED_BARRIER)
		note_maybe(g);
	return true;
}

void kinds_find_full(struct kinds *k)
{
	const struct model *m = k->f->model;
	struct full g = {
		.k = k,
		.threads = zeroed(m->n_threads, sizeof(*g.threads)),
		.is_member = zeroed(m->n_threads, sizeof(*g.is_member)),
		.by = zeroed(m->n_threads, sizeof(*g.by)),
	};

	for (g.lock = 0; g.lock < m->n_locks; g.lock++) {
		const struct lock *l = &m->locks[g.lock];

		if (l->n_waiters < MEMBERS_LEAST || !kinds_hands_over(l))
			continue;
		/* The first may be who made the others. */
		if (!find_full(&g, l->waiters[0].thread))
			find_full(&g, l->waiters[1].thread);
	}
	free(g.threads);
	free(g.is_member);
	free(g.by);
}
