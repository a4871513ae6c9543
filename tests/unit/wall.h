/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the tests of wall_*() share: a few threads as the probes know them, and a
 * history that keeps where each one was, which is integrated afterwards. */
#include <criterion/criterion.h>

#include "bpf/state.h"
#include "random.h"

#define US	  1000ULL
#define MS	  1000000ULL
#define SECOND	  1000000000ULL
#define THREADS	  8
#define STEPS	  400
#define LONG_DAYS (300 * 86400 * SECOND)
#define START	  (LONG_DAYS / 3) /* the machine has been up for long */

/* What a probe keeps of each thread. */
struct who {
	__u32 pos, row;
	__u64 mark, since;
};

struct world {
	struct wall wall;
	struct who who[THREADS];
};

static inline __u64 standstill(const struct wall_sums *s)
{
	__u64 ns = s->still_ns;

	for (int r = 0; r < ROW_COUNT; r++)
		ns += s->row_ns[r] + s->pending_ns[r];
	return ns;
}

static inline __u64 running(const struct wall_sums *s)
{
	__u64 ns = 0;

	for (int n = 1; n < WALL_COUNTS; n++)
		ns += s->by_count[n];
	return ns;
}

static inline void check(const struct wall *w)
{
	const struct wall_sums *s = &w->sums;

	cr_assert_eq(s->by_count[0], 0);
	cr_assert_eq(running(s) + s->runnable_ns + standstill(s), s->at - s->start_at);
	cr_assert_leq(s->serialised_ns + s->convoy_ns, running(s), "one or the other");
	cr_assert_leq(s->convoy_still_ns, standstill(s) + s->runnable_ns);
	cr_assert_leq(s->latency_ns + s->limit_ns, s->runnable_ns);
	cr_assert_leq(w->queued_ns, s->runnable_ns - s->latency_ns - s->limit_ns);
	cr_assert_geq(s->busy_ns, running(s));
}

static inline struct world world(void)
{
	struct world g = { .wall.cpus_allowed = 4 };

	wall_start(&g.wall, START);
	return g;
}

/* One thread moves, as at a wake-up or where the other one of a switch is not tracked. */
static inline void move(struct world *g, int i, __u64 ns, __u32 pos, __u32 row)
{
	struct who *t = &g->who[i];
	bool waited = t->pos >= POS_BLOCKED;

	wall_advance(&g->wall, START + ns);
	wall_move(&g->wall, t->pos, pos, waited ? t->row : ROW_UNKNOWN,
		  waited ? t->mark : g->wall.pending_ever);
	t->pos = pos;
	t->since = START + ns;
	if (pos >= POS_BLOCKED) {
		t->row = row;
		t->mark = g->wall.pending_ever;
	}
	check(&g->wall);
}

static inline void wake(struct world *g, int i, __u64 ns)
{
	move(g, i, ns, POS_RUNNABLE, ROW_UNKNOWN);
	move(g, i, ns, POS_RUNNING, ROW_UNKNOWN);
}

static inline void block_for(struct world *g, int i, __u64 ns, __u32 row)
{
	move(g, i, ns, row_position(row), row);
}

static inline void block(struct world *g, int i, __u64 ns, __u32 cause)
{
	block_for(g, i, ns, row_of_cause(cause));
}

/* As the model does at the end: what is pending keeps the row of what ended it. */
static inline __u64 row(const struct world *g, enum wall_row r)
{
	return g->wall.sums.row_ns[r] + g->wall.sums.pending_ns[r];
}

static inline void check_rows(const struct world *g, enum wall_row only, __u64 ns)
{
	for (int r = 0; r < ROW_COUNT; r++) {
		cr_assert_eq(row(g, r), (int)only == r ? ns : 0, "row %d has %llu ns", r,
			     row(g, r));
	}
}

/* Where each thread was after each step: all of it is kept, and integrated afterwards. */
struct moment {
	__u64 at;
	__u32 pos[THREADS];
};

struct history {
	struct moment moments[2 * STEPS]; /* a step may tell of a missed one before */
	int n;
	/* known later to have been one thread's running: of the queueing, of standstills, and of
	 * what of those was a convoy's */
	__u64 queued_ns, still_ns, convoy_ns;
};

static inline int how_many(const __u32 *all, enum position pos)
{
	int n = 0;

	for (int i = 0; i < THREADS; i++)
		n += all[i] == pos;
	return n;
}

static inline void integrate(const struct history *h, __u32 cpus, struct wall_sums *ret,
			     __u64 *still)
{
	for (int k = 0; k + 1 < h->n; k++) {
		const __u32 *pos = h->moments[k].pos;
		__u64 ns = h->moments[k + 1].at - h->moments[k].at;
		int runs = how_many(pos, POS_RUNNING), queued = how_many(pos, POS_RUNNABLE);

		if (runs) {
			ret->by_count[runs] += ns;
			ret->busy_ns += runs * ns;
			if (runs + queued >= (int)cpus)
				continue;
			if (how_many(pos, POS_BLOCKED_LOCK))
				ret->serialised_ns += ns;
			else if (how_many(pos, POS_BLOCKED_CONVOY))
				ret->convoy_ns += ns;
		} else if (queued) {
			ret->runnable_ns += ns;
		} else {
			*still += ns;
			if (how_many(pos, POS_BLOCKED_CONVOY))
				ret->convoy_still_ns += ns;
		}
	}
}
