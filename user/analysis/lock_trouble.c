// SPDX-License-Identifier: BSD-2-Clause
/* What is wrong with how locks are used, whether they decide or not: a holder of low priority,
 * writers that readers do not let in, and two locks that are taken in both orders. */
#include <sched.h>
#include <string.h>

#include "analysis/internal.h"
#include "base/units.h"

#define WALL_LEAST   0.01	/* of the wall time, that somebody waited at the lock */
#define QUEUED_LEAST 0.25	/* of the waiting for a holder of lower priority */
#define NICE_LEAST   5		/* apart: else it is hardly meant */
#define WRITER_WAIT  50000000ll /* ns */

static bool matters(const struct findings *f, const struct lock_row *row)
{
	return lock_is_contended(row->lock) &&
	       (double)row->lock->any_ns >= WALL_LEAST * (double)f->model->wall_ns;
}

/* --- a holder of lower priority -------------------------------------------------------- */

/* Any fixed priority is above all of time-sharing, whose range is 40 (sched(7)). */
static int urgency(const struct thread *t)
{
	bool is_fixed = t->policy == SCHED_FIFO || t->policy == SCHED_RR;

	return is_fixed ? 100 + (int)t->rt_priority : -t->nice;
}

static bool is_above(const struct thread *t, const struct thread *u)
{
	return urgency(t) > 100 ? urgency(t) > urgency(u) : urgency(t) - urgency(u) >= NICE_LEAST;
}

/* The most urgent of those that wait there. */
static const struct lock_waiter *most_urgent(const struct model *m, const struct lock *l)
{
	const struct lock_waiter *most = NULL;

	for (size_t i = 0; i < l->n_waiters; i++) {
		const struct lock_waiter *w = &l->waiters[i];

		if (w->thread != NO_THREAD &&
		    (!most || urgency(&m->threads[w->thread]) > urgency(&m->threads[most->thread])))
			most = w;
	}
	return most;
}

static bool find_inversion(struct findings *f, const struct lock_row *row)
{
	const struct model *m = f->model;
	const struct lock *l = row->lock;
	const struct lock_waiter *w = most_urgent(m, l);
	char waited[UNITS_SIZE], queued[UNITS_SIZE];
	struct finding *to;

	for (size_t i = 0; w && i < l->n_holders; i++) {
		const struct lock_holder *h = &l->holders[i];
		uint64_t off = h->doing_ns[DOING_QUEUED];

		if (h->thread == NO_THREAD ||
		    !is_above(&m->threads[w->thread], &m->threads[h->thread]) ||
		    off < QUEUED_LEAST * (double)h->ns || off < WALL_LEAST * (double)m->wall_ns)
			continue;
		to = finding_add(f, "lock.inversion", SEVERITY_WARNING);
		finding_title(to, "%s waits for %s, which has a lower priority and no CPU",
			      m->threads[w->thread].comm, m->threads[h->thread].comm);
		evidence_add(to, "locks.waiters", w->ns, "%s waited %s at %.60s, which %s had",
			     m->threads[w->thread].comm, units_ns(waited, w->ns, true), row->name,
			     m->threads[h->thread].comm);
		evidence_add(to, "locks.holders", off,
			     "for %s of that, %s was ready and others had the CPUs",
			     units_ns(queued, off, true), m->threads[h->thread].comm);
		finding_advice(to,
			       "Make it a mutex that lends its holder the priority of who waits "
			       "(PTHREAD_PRIO_INHERIT), or give all who take it one priority.");
		return true;
	}
	return false;
}

/* --- writers that readers do not let in ------------------------------------------------- */

static bool is_writers(const struct model *m, const struct stack *s)
{
	static const char *const calls[] = { "rwlock_wrlock", "rwlock_timedwrlock",
					     "rwlock_clockwrlock", "RwLock::write" };

	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; k < sizeof(calls) / sizeof(*calls); k++) {
			if (strstr(m->frames[s->frames[i]].function, calls[k]))
				return true;
		}
	}
	return false;
}

static uint64_t by_writers(const struct lock *l)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < l->n_holders; i++)
		ns += l->holders[i].how == HOLDER_WORD ? l->holders[i].ns : 0;
	return ns;
}

static bool find_starved(struct findings *f, const struct lock_row *row)
{
	const struct model *m = f->model;
	double ns = 0, waits = 0;
	uint64_t longest = 0;
	char sum[UNITS_SIZE], most[UNITS_SIZE];
	struct finding *to;

	for (size_t i = 0; i < m->n_sites && row->lock->kind == LOCK_KIND_RWLOCK; i++) {
		const struct site *s = &m->sites[i];

		if (s->lock == NO_LOCK || &m->locks[s->lock] != row->lock || s->what != SITE_WAIT ||
		    !is_writers(m, &m->stacks[s->stack]))
			continue;
		ns += f->sites.ns[i];
		waits += f->sites.count[i];
		longest = s->max_ns > longest ? s->max_ns : longest;
	}
	if (longest < WRITER_WAIT || 2 * by_writers(row->lock) > row->lock->ns)
		return false;
	to = finding_add(f, "lock.starved", SEVERITY_WARNING);
	finding_title(to, "writers wait until no reader has %.80s", row->name);
	evidence_add(to, "locks.max_wait_ns", longest,
		     "%llu waits of writers took %s in all, the longest %s",
		     (unsigned long long)estimate_whole(waits),
		     units_ns(sum, estimate_whole(ns), true), units_ns(most, longest, true));
	finding_advice(to, "A read-write lock of glibc lets new readers in while a writer waits. "
			   "Let writers go first (pthread_rwlockattr_setkind_np, "
			   "PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP), or use a mutex, which "
			   "is as fast for short reads.");
	return true;
}

/* --- both orders ------------------------------------------------------------------------- */

static uint64_t count_of(const struct model *m, size_t held, size_t wanted)
{
	uint64_t count = 0;

	for (size_t i = 0; i < m->n_lock_orders; i++) {
		if (m->lock_orders[i].held == held && m->lock_orders[i].wanted == wanted)
			count += m->lock_orders[i].count;
	}
	return count;
}

static const char *name_of(const struct findings *f, size_t lock)
{
	return f->locks[f->lock_rank[lock]].name;
}

static void say_order(struct finding *to, const struct findings *f, size_t held, size_t wanted,
		      uint64_t count)
{
	evidence_add(
		to, "locks.orders", count,
		"%llu time%s a thread that had %.60s, for which others waited, waited for %.60s",
		(unsigned long long)count, count == 1 ? "" : "s", name_of(f, held),
		name_of(f, wanted));
}

/* Then there is nothing to warn of any more. */
static bool are_deadlocked(const struct model *m, size_t a, size_t b)
{
	for (size_t i = 0; i < m->n_deadlocks; i++) {
		const struct deadlock *d = &m->deadlocks[i];
		bool has_a = false, has_b = false;

		for (size_t k = 0; k < d->n_members; k++) {
			has_a |= d->waits[k].lock == a;
			has_b |= d->waits[k].lock == b;
		}
		if (has_a && has_b)
			return true;
	}
	return false;
}

/* The condition and the mutex that an interpreter makes its lock of. */
static bool are_one(const struct lock *a, const struct lock *b)
{
	return a->kind == LOCK_KIND_GIL && b->kind == LOCK_KIND_GIL && a->key.space == b->key.space;
}

static void find_orders(struct findings *f)
{
	const struct model *m = f->model;

	for (size_t i = 0; i < m->n_lock_orders; i++) {
		const struct lock_order *o = &m->lock_orders[i];
		uint64_t back = count_of(m, o->wanted, o->held);
		struct finding *to;

		if (o->held >= o->wanted || !back || !lock_is_contended(&m->locks[o->held]) ||
		    !lock_is_contended(&m->locks[o->wanted]) ||
		    are_one(&m->locks[o->held], &m->locks[o->wanted]) ||
		    are_deadlocked(m, o->held, o->wanted))
			continue;
		to = finding_add(f, "lock.order", SEVERITY_WARNING);
		finding_title(to, "two locks are taken in both orders, %.50s and %.50s",
			      name_of(f, o->held), name_of(f, o->wanted));
		say_order(to, f, o->held, o->wanted, o->count);
		say_order(to, f, o->wanted, o->held, back);
		finding_advice(to,
			       "If two threads do this at once, both wait for ever. Take them in "
			       "one order everywhere, by address for example.");
		return;
	}
}

/* Of each the lock that matters most: others like it would say the same. */
void lock_trouble_find(struct findings *f)
{
	bool inverted = false, starved = false;

	for (size_t i = 0; i < f->n_locks; i++) {
		const struct lock_row *row = &f->locks[i];

		if (!matters(f, row))
			continue;
		inverted = inverted || find_inversion(f, row);
		starved = starved || find_starved(f, row);
	}
	find_orders(f);
}
