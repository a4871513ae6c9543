// SPDX-License-Identifier: BSD-2-Clause
/* What there is to say about the lock that costs most: who had it, what that did, what to do. */
#include <stdio.h>

#include "analysis/internal.h"
#include "base/units.h"

#define SMALL 0.01 /* of the wall time */
#define MOST  0.5  /* of what is known */

const char *doing_words(enum doing_kind doing)
{
	static const char *const words[DOING_COUNT] = {
		[DOING_RUNNING] = "computing",
		[DOING_QUEUED] = "queued for a CPU",
		[DOING_IO] = "in input or output",
		[DOING_SLEEP] = "asleep",
		[DOING_LOCK] = "waiting for another lock",
		[DOING_OTHER] = "waiting for something else",
	};

	return words[doing];
}

enum doing_kind doing_most(const uint64_t ns[DOING_COUNT], uint64_t *known)
{
	enum doing_kind most = DOING_RUNNING;

	*known = 0;
	for (int k = 0; k < DOING_COUNT; k++) {
		*known += ns[k];
		if (ns[k] > ns[most])
			most = k;
	}
	return most;
}

static const struct lock_row *worst(const struct findings *f)
{
	const struct lock_row *row = f->n_locks ? &f->locks[0] : NULL;

	return row && lock_is_contended(row->lock) &&
			       row->lock->any_ns >= SMALL * (double)f->model->wall_ns
		       ? row
		       : NULL;
}

static double share_of(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

/* ", which was in input or output for 83 % of it"; empty if most is not known. */
static char *doing_so(char *buf, size_t size, const uint64_t ns[DOING_COUNT], uint64_t all,
		      const char *verb)
{
	uint64_t known;
	enum doing_kind most = doing_most(ns, &known);

	buf[0] = '\0';
	if (known >= MOST * (double)all)
		snprintf(buf, size, ", which %s %s for %.0f %% of it", verb, doing_words(most),
			 share_of(ns[most], known));
	return buf;
}

/* ", mostly in write_log (log.c:12)"; empty if that is not known. */
static char *mostly_in(char *buf, size_t size, const struct lock_row *row)
{
	char name[128];

	buf[0] = '\0';
	if (row->held_in && row->held_in->function[0])
		snprintf(buf, size, ", mostly in %s",
			 place_words(name, sizeof(name), row->held_in));
	return buf;
}

static void say_holder(struct finding *to, const struct lock_row *row)
{
	char doing[96], place[144];

	evidence_add(to, "locks.holders", row->holder_ns, "%.0f %% of that was for %s%s%s%s",
		     share_of(row->holder_ns, row->lock->ns), row->holder->comm,
		     row->holder_threads > 1 ? " threads" : "",
		     doing_so(doing, sizeof(doing), row->holder_doing_ns, row->holder_ns,
			      row->holder_threads > 1 ? "were" : "was"),
		     mostly_in(place, sizeof(place), row));
}

static void say_holders(struct finding *to, const struct lock_row *row)
{
	const struct lock *l = row->lock;
	char doing[96], place[144];

	if (l->blamed_ns >= MOST * (double)l->ns)
		evidence_add(to, "locks.holders", l->blamed_ns,
			     "%.0f %% of that was for one of %zu threads%s%s",
			     share_of(l->blamed_ns, l->ns), l->n_holders,
			     doing_so(doing, sizeof(doing), l->doing_ns, l->blamed_ns, "were"),
			     mostly_in(place, sizeof(place), row));
}

/* The lock that holders of this one waited for most; NULL: none is known. */
static const struct lock_row *next_of(const struct findings *f, const struct lock_row *row)
{
	const struct model *m = f->model;

	for (size_t i = 0; i < m->n_lock_orders; i++) {
		const struct lock_order *o = &m->lock_orders[i];

		if (&m->locks[o->held] == row->lock && o->wanted != o->held)
			return &f->locks[f->lock_rank[o->wanted]];
	}
	return NULL;
}

#define CHAIN_MAX 4 /* locks behind one another */

/* A holder that waits for another lock has a reason in turn. */
static void say_chain(struct finding *to, const struct findings *f, const struct lock_row *row)
{
	const struct lock_row *first = row; /* both orders: that is said elsewhere */
	uint64_t known;

	for (int i = 0; i < CHAIN_MAX; i++) {
		const struct lock_row *next = next_of(f, row);
		char doing[96], place[144];

		if (doing_most(row->lock->doing_ns, &known) != DOING_LOCK || !next || next == first)
			return;
		row = next;
		evidence_add(to, "locks.orders", row->lock->ns,
			     "that other lock is %.80s (%s)%s%s%s%s", row->name,
			     lock_kind_name(row->lock->kind), row->holder ? ": mostly for " : "",
			     row->holder ? row->holder->comm : "",
			     doing_so(doing, sizeof(doing), row->holder_doing_ns, row->holder_ns,
				      row->holder_threads > 1 ? "were" : "was"),
			     mostly_in(place, sizeof(place), row));
	}
}

void lock_say(struct finding *to, const struct findings *f)
{
	const struct lock_row *row = worst(f);
	const struct lock *l = row ? row->lock : NULL;
	char waits[UNITS_SIZE], sum[UNITS_SIZE], most[UNITS_SIZE], any[UNITS_SIZE];

	if (!row)
		return;
	evidence_add(to, "locks", l->ns,
		     "%s (%s): %s wait%s took %s in all, the longest %s; somebody waited in %s of "
		     "the wall time",
		     row->name, lock_kind_name(l->kind), units_count(waits, l->waits),
		     l->waits == 1 ? "" : "s", units_ns(sum, l->ns, true),
		     units_ns(most, l->max_ns, true), units_ns(any, l->any_ns, true));
	if (row->holder && row->holder_ns >= MOST * (double)l->blamed_ns)
		say_holder(to, row);
	else
		say_holders(to, row);
	say_chain(to, f, row);
}

#define SHORT_NS 100000 /* a wait: most of it is the wake-up */

static bool is_short(const struct lock *l)
{
	return l->waits && l->ns / l->waits < SHORT_NS;
}

/* Queued after it was woken to have the lock, and not while it had it. */
static bool is_handed_over(const struct lock *l)
{
	uint64_t woken = 0, all = 0;

	for (size_t i = 0; i < l->n_holders; i++) {
		const struct lock_holder *h = &l->holders[i];

		all += h->doing_ns[DOING_QUEUED];
		woken += h->how == HOLDER_WOKEN ? h->doing_ns[DOING_QUEUED] : 0;
	}
	return woken > MOST * (double)all;
}

static bool is_any(const struct lock *l)
{
	(void)l;
	return true;
}

/* By what its holders did most; the first that fits. */
static const struct remedy {
	enum doing_kind doing;
	bool (*fits)(const struct lock *l);
	const char *advice;
} remedies[] = {
	{ DOING_RUNNING, is_short,
	  "Its critical sections are short, and there are too many of them: take it once for "
	  "several pieces of work, give each thread data of its own, or use atomic operations." },
	{ DOING_RUNNING, is_any,
	  "Do less under the lock: move work out of the critical section, split the lock, or give "
	  "each thread data of its own." },
	{ DOING_QUEUED, is_handed_over,
	  "A convoy: whoever is to have the lock next has to wait for a CPU first, while nobody "
	  "else gets it. Use fewer threads, or take the lock less often and do more each time." },
	{ DOING_QUEUED, is_any,
	  "Its holder loses the CPU while it has the lock, and all others wait until it gets one "
	  "again: use no more computing threads than there are CPUs, and do less under the lock." },
	{ DOING_IO, is_any,
	  "Move the input and output out of the critical section: prepare it under the lock, and "
	  "do it afterwards." },
	{ DOING_SLEEP, is_any,
	  "Nobody should sleep with the lock: let it go first, or wait at a condition, which "
	  "does." },
	{ DOING_LOCK, is_any,
	  "Its holder waits for another lock: look at that one first, or do not hold both." },
	{ DOING_OTHER, is_any,
	  "Its holder waits for something else while it has the lock: let it go first." },
};

const char *lock_advice(const struct findings *f)
{
	const struct lock_row *row = worst(f);
	enum doing_kind most;
	uint64_t known;

	if (!row || row->lock->kind == LOCK_KIND_GIL)
		return NULL;
	most = doing_most(row->lock->doing_ns, &known);
	if (row->lock->doing_ns[most] < MOST * (double)row->lock->ns)
		return NULL;
	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++) {
		if (remedies[i].doing == most && remedies[i].fits(row->lock))
			return remedies[i].advice;
	}
	return NULL;
}
