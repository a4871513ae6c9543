/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What is waited for at one lock, or at anything else that a futex stands for: how long by
 * whom, and what the thread that held it did meanwhile.
 *
 * Between two events (a thread begins to wait, or is woken) nothing is known to change: the
 * time between them, times the threads that wait, is the holder's, as far as one is known,
 * and is divided as that thread's own ledger has grown. So nobody is charged for more than
 * was waited, and each instant is charged to one thread.
 */
#include "event_lock.h"
#include "track.h"

/* glibc's conditions and read-write locks are waited at in two words each, side by side. */
#define LOCK_HINTS_OF_PAIRS (LOCK_HINT_CONVOY | LOCK_HINT_RWLOCK | LOCK_HINT_GLIBC)

/* include/uapi/linux/futex.h */
#define FUTEX_TID_MASK 0x3fffffff

/* Where the tid of the thread stands that is waited for at this word; 0: nowhere.
 * nptl/bits/struct_mutex.h: two words behind the lock. Of a PI or robust one it is in the lock
 * itself; of a thread whose end is waited for, its tid is there. */
static __always_inline __u64 owner_address(__u64 word, __u32 hints)
{
	if (hints & (LOCK_HINT_PI | LOCK_HINT_ROBUST | LOCK_HINT_JOIN))
		return word;
	if (hints & LOCK_HINT_WORD)
		return word + 8;
	if (hints & LOCK_HINT_RWLOCK) /* see is_rwlock(): who writes, if somebody does */
		return word + (word & 4 ? 12 : 16);
	return 0;
}

/* Waits for what others have, or for an end: with no time-out they may be for ever. */
#define HINTS_ENDLESS                                                                              \
	(LOCK_HINT_WORD | LOCK_HINT_ROBUST | LOCK_HINT_PI | LOCK_HINT_RWLOCK | LOCK_HINT_JOIN |    \
	 LOCK_HINT_FILE)

static __always_inline __u32 may_be_endless(__u32 hints)
{
	return hints & HINTS_ENDLESS && !(hints & LOCK_HINT_TIMED);
}

/* Between two instants, or since the beginning. */
struct doing {
	__u64 ns[DOING_COUNT];
};

/* A thread by the number that stands in the locks that it holds: as its own PID namespace has it. */
struct number {
	__u32 ns; /* the inode of that */
	__u32 nr; /* 0: none */
};

struct lock_owner {
	__u64 id; /* of a thread; 0: none is known */
	struct number number;
	__u32 how; /* enum holder_how */
	__u32 pad;
};

struct lock_state {
	struct bpf_spin_lock guard;
	__u32 waiters;	/* threads that wait now */
	__u64 at;	/* the last event */
	__u64 any_ns;	/* somebody waited */
	__u64 owned_ns; /* ... and a holder was known */
	struct lock_owner owner;
	struct doing mark; /* what it had done by then */
	__u64 waits, timeouts;
	__u32 hints;	       /* enum lock_hint */
	__u32 known;	       /* threads that have waited here before */
	__u32 away_most, late; /* see struct ev_lock */
	__u32 histogram[LOCK_BUCKETS];
};

/* A thread that has waited at a lock, or held it. */
struct lock_pair {
	struct lock_key lock;
	__u64 thread_id;
};

struct lock_waits {
	__u64 waits, ns, max_ns;
	__u32 cause, is_open;
};

struct lock_blame {
	__u64 ns[HOLDER_COUNT]; /* by how it is known */
	struct doing doing;	/* part of all but HOLDER_WAKER */
};

/* A thread that has one lock, for which others wait, waits for the other. */
struct lock_order_key {
	struct lock_key held, wanted;
};

/* What is to be charged to a holder. */
struct lock_charge {
	__u64 ns;
	struct doing doing;
};

/* All that a thread has done up to `now`, as far as its ledger and the kernel's stamps say. */
struct lock_stand {
	__u64 now;
	__u64 arrived; /* on a CPU since; 0: it is off */
	__u64 delay;   /* it was queued since its last switch-out */
};

/* From a table: each answer of a switch would be a way of its own to the verifier. */
static __always_inline __u32 doing_of_row(__u32 row)
{
	static const __u8 doing[ROW_COUNT] = {
		[ROW_IO] = DOING_IO,	    [ROW_TIMER] = DOING_SLEEP,	 [ROW_LOCK] = DOING_LOCK,
		[ROW_SYNC] = DOING_OTHER,   [ROW_EVENT] = DOING_OTHER,	 [ROW_CHILD] = DOING_OTHER,
		[ROW_OTHER] = DOING_OTHER,  [ROW_UNKNOWN] = DOING_OTHER, [ROW_PEER] = DOING_IO,
		[ROW_DEMAND] = DOING_IO,    [ROW_FAULT] = DOING_IO,	 [ROW_CONVOY] = DOING_LOCK,
		[ROW_SIGNAL] = DOING_OTHER, [ROW_QUEUE] = DOING_OTHER,	 [ROW_TICK] = DOING_SLEEP,
	};

	return row < ROW_COUNT ? doing[row] : DOING_OTHER;
}

static __always_inline void doing_so_far(struct doing *ret, const struct track *t,
					 const struct lock_stand *s)
{
	const struct ledger *l = &t->ledger;
	const __u64 *row = l->row_ns;
	__u64 off_end = s->arrived ? s->arrived : s->now;
	__u64 off = off_end > t->last_out ? off_end - t->last_out : 0;
	__u64 queued = t->off == OFF_BLOCKED ? (s->delay < off ? s->delay : off) : off;
	__u32 kind = doing_of_row(t->row);

	ret->ns[DOING_RUNNING] = l->state_ns[TS_RUNNING];
	if (s->arrived && s->now > s->arrived)
		ret->ns[DOING_RUNNING] += s->now - s->arrived;
	ret->ns[DOING_QUEUED] = l->state_ns[TS_WOKEN] + l->state_ns[TS_PREEMPTED] +
				l->state_ns[TS_YIELDED] + queued;
	ret->ns[DOING_IO] = row[ROW_IO] + row[ROW_PEER] + row[ROW_DEMAND] + row[ROW_FAULT];
	ret->ns[DOING_SLEEP] = row[ROW_TIMER] + row[ROW_TICK];
	ret->ns[DOING_LOCK] = row[ROW_LOCK] + row[ROW_CONVOY];
	ret->ns[DOING_OTHER] = l->state_ns[TS_BLOCKED] + l->state_ns[TS_UNKNOWN] -
			       ret->ns[DOING_IO] - ret->ns[DOING_SLEEP] - ret->ns[DOING_LOCK];
	if (t->off == OFF_BLOCKED || t->off == OFF_THROTTLED)
		ret->ns[kind & (DOING_SLOTS - 1)] += off - queued;
}

/* The two have no common moment: what another CPU has just changed may be seen in part. */
static __always_inline __u64 grown(__u64 to, __u64 from)
{
	return (__s64)(to - from) > 0 ? to - from : 0;
}

/* What was done in so many nanoseconds, times n. More cannot have been: what is too much comes
 * from stamps of several clocks, and of where a wake-up ends. */
static __always_inline void doing_between(struct doing *ret, const struct doing *to,
					  const struct doing *from, __u64 ns, __u32 n)
{
	static const __u8 surest_last[DOING_COUNT] = {
		DOING_QUEUED, DOING_LOCK, DOING_OTHER, DOING_SLEEP, DOING_IO, DOING_RUNNING,
	};
	__u64 sum = 0, cut;

	for (int i = 0; i < DOING_COUNT; i++) {
		ret->ns[i] = grown(to->ns[i], from->ns[i]);
		sum += ret->ns[i];
	}
	for (int i = 0; i < DOING_COUNT; i++) {
		__u64 *part = &ret->ns[surest_last[i]];

		cut = sum > ns ? sum - ns : 0;
		if (cut > *part)
			cut = *part;
		*part = (*part - cut) * n;
		sum -= cut;
	}
}

/*
 * An event: `more` threads wait from now on, 1 or -1. `did` is what its owner (of this id and no
 * other) has done by now, NULL if that is not known; the next owner has done `has`. What is
 * to be charged to the owner so far goes to `charge`. Returns owned_ns.
 */
static __always_inline __u64 lock_turn(struct lock_state *l, __u64 now, __s32 more,
				       const struct lock_owner *next, __u64 did_id,
				       const struct doing *did, const struct doing *has,
				       struct lock_charge *charge)
{
	__u64 ns = l->waiters && now > l->at ? now - l->at : 0;

	charge->ns = l->owner.id ? ns * l->waiters : 0;
	l->any_ns += ns;
	if (l->owner.id)
		l->owned_ns += ns;
	if (l->owner.id && l->owner.id == did_id)
		doing_between(&charge->doing, did, &l->mark, ns, l->waiters);
	l->mark = *has;
	if (now > l->at)
		l->at = now;
	l->waiters += more;
	l->owner = *next;
	return l->owned_ns;
}

/* Until then a woken thread was not queued yet: it still waits, though for nobody. */
static __always_inline void lock_late(struct lock_state *l, __u64 woken_at, __u64 end)
{
	__u64 from = l->at > woken_at ? l->at : woken_at;

	if (l->waiters || end <= from)
		return;
	l->any_ns += end - from;
	l->at = end;
}

/* Powers of two, from 1 us on. */
static __always_inline __u32 lock_bucket(__u64 ns)
{
	__u64 us = ns >> 10;
	__u32 bucket = us != 0;

	for (__u32 bits = 16; bits; bits /= 2) {
		if (us >> bits) {
			us >>= bits;
			bucket += bits;
		}
	}
	return bucket < LOCK_BUCKETS ? bucket : LOCK_BUCKETS - 1;
}
