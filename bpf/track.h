/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The state machine of one thread.
 *
 *          wake-up                 switch in              switch out
 *   NEW ─────────► WOKEN ─────────► RUNNING ─────────► BLOCKED(cause) ─► WOKEN
 *                                      │  ▲    ├─────► PREEMPTED ─► RUNNING
 *                                      ▼  │    ├─────► YIELDED ───► RUNNING
 *                                    (dead)    └─────► dead
 *
 * Everything is added up at the switch-out, from the stamps that the kernel
 * itself keeps (sched_info.last_arrival, run_delay), so nothing rests on having
 * seen the switch-in. The states sum to the lifetime whatever is passed in: a
 * stamp that contradicts the last one is moved to it.
 */
#include "event.h"
#ifndef __bpf__
#include <linux/bpf.h>
#endif

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* The way that a switch takes as a rule lies close together. */
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* How a thread left the CPU last, that is, what its time off the CPU is. */
enum off_kind {
	OFF_NEW = 0,	 /* it has not run yet */
	OFF_BLOCKED = 1, /* the part until its wake-up is blocked, the rest woken */
	OFF_PREEMPTED = 2,
	OFF_YIELDED = 3,
	OFF_THROTTLED =
		4, /* its CPU limit is used up: blocked, although the kernel calls it runnable */
};

/* Who had the CPU while a thread was queued. */
enum behind {
	BEHIND_UNKNOWN = 0, /* its switch-in was not seen: it counts as other programs */
	BEHIND_OTHERS = 1,  /* other programs, for behind_ns at most, and before that own threads */
	BEHIND_OWN = 2,	    /* own threads, for behind_ns at most, and else other programs */
	BEHIND_IDLE = 3,    /* nobody: it was on its way to an idle CPU */
	BEHIND_LIMIT = 4,   /* the CPU limit: it was throttled */
};

struct track {
	__u64 last_out;	 /* instant of the last switch-out; start_at before the first */
	__u64 run_delay; /* the kernel's sum at last_out */
	__u32 off;	 /* enum off_kind */
	__u32 cause;	 /* enum cause, of OFF_BLOCKED and OFF_THROTTLED */
	__u32 row;	 /* enum wall_row, of the same: what the wait is for */
	__u32 behind;	 /* enum behind: set at the switch-in */
	__u32 pad;
	__u64 behind_ns;
	struct ledger ledger;
};

struct departure {
	__u64 now;	  /* rq->clock at the switch-out */
	__u64 arrived;	  /* sched_info.last_arrival */
	__u64 run_delay;  /* sched_info.run_delay */
	__u64 stolen;	  /* growth of rq->clock - rq->clock_task since the arrival */
	__u64 kernel_ran; /* growth of se.sum_exec_runtime since the last switch-out */
	__u64 unseen; /* switch-outs that the kernel counted since the last one but we did not see */
	__u32 off;    /* enum off_kind: what it does from now on */
	__u32 cause;
	__u32 row;
};

static __always_inline void ledger_add_wait(struct ledger *l, __u32 cause, __u32 row, __u64 ns)
{
	struct ledger_cause *c;

	if (cause >= CAUSE_COUNT)
		cause = CAUSE_UNKNOWN;
	c = &l->cause[cause];
	c->ns += ns;
	if (ns > c->max_ns)
		c->max_ns = ns;
	__asm__ volatile("" : "+r"(row)); /* what is checked is what is used, for 6.1's verifier */
	if (row >= ROW_COUNT)
		row = ROW_UNKNOWN;
	l->row_ns[row] += ns;
	l->state_ns[cause == CAUSE_UNKNOWN ? TS_UNKNOWN : TS_BLOCKED] += ns;
}

/* Adds one thread's ledger and the kernel's accounting of it to a sum of several. Such
 * a sum has no start of its own: end_at - start_at is the sum of their lifetimes. */
static __always_inline void thread_sum(struct ev_thread *to, const struct ledger *l,
				       const struct witness *w, __u64 count)
{
	struct ledger *sum = &to->ledger;

	to->count += count;
	to->witness.run_ns += w->run_ns;
	to->witness.delay_ns += w->delay_ns;
	to->witness.voluntary += w->voluntary;
	to->witness.involuntary += w->involuntary;
	to->witness.migrations += w->migrations;
	to->witness.reads += w->reads;
	to->witness.read_bytes += w->read_bytes;
	to->witness.writes += w->writes;
	to->witness.written_bytes += w->written_bytes;
	sum->end_at += l->end_at - l->start_at;
	sum->stolen_ns += l->stolen_ns;
	sum->moving_ns += l->moving_ns;
	sum->queued_own_ns += l->queued_own_ns;
	sum->queued_idle_ns += l->queued_idle_ns;
	sum->uncharged_ns += l->uncharged_ns;
	sum->switches += l->switches;
	sum->yields += l->yields;
	sum->blocks += l->blocks;
	sum->preempts += l->preempts;
	sum->preempted_run_ns += l->preempted_run_ns;
	if (l->longest_run_ns > sum->longest_run_ns)
		sum->longest_run_ns = l->longest_run_ns;
	for (int i = 0; i < TS_COUNT; i++)
		sum->state_ns[i] += l->state_ns[i];
	for (int i = 0; i < CAUSE_COUNT; i++) {
		sum->cause[i].ns += l->cause[i].ns;
		sum->cause[i].count += l->cause[i].count;
		if (l->cause[i].max_ns > sum->cause[i].max_ns)
			sum->cause[i].max_ns = l->cause[i].max_ns;
	}
	for (int i = 0; i < ROW_COUNT; i++)
		sum->row_ns[i] += l->row_ns[i];
}

static __always_inline void track_charge_queued(struct track *t, __u32 state, __u64 ns)
{
	struct ledger *l = &t->ledger;
	__u64 part = t->behind_ns < ns ? t->behind_ns : ns;

	l->state_ns[state] += ns;
	if (t->behind == BEHIND_OWN)
		l->queued_own_ns += part;
	else if (t->behind == BEHIND_OTHERS)
		l->queued_own_ns += ns - part;
	else if (t->behind == BEHIND_IDLE)
		l->queued_idle_ns += ns;
}

/* Charges the time from the last switch-out to `arrived`; `delay` of it the thread was queued. */
static __always_inline void track_charge_off(struct track *t, __u64 off_ns, __u64 delay)
{
	struct ledger *l = &t->ledger;

	__u64 queued = delay < off_ns ? delay : off_ns;

	switch (t->off) {
	case OFF_BLOCKED:
		track_charge_queued(t, TS_WOKEN, queued);
		ledger_add_wait(l, t->cause, t->row, off_ns - queued);
		return;
	case OFF_THROTTLED:
		ledger_add_wait(l, t->cause, t->row, off_ns);
		return;
	case OFF_PREEMPTED:
		track_charge_queued(t, TS_PREEMPTED, off_ns);
		break;
	case OFF_YIELDED:
		l->state_ns[TS_YIELDED] += off_ns;
		break;
	default:
		track_charge_queued(t, TS_WOKEN, off_ns);
	}
	l->moving_ns += off_ns - queued;
}

/* The thread leaves the CPU. */
static __always_inline void track_depart(struct track *t, const struct departure *d)
{
	struct ledger *l = &t->ledger;
	__u64 delay = d->run_delay - t->run_delay;
	__u64 arrived = d->arrived, now = d->now;

	if (unlikely(!l->start_at)) {
		/* The kernel queued it when it woke it first: its life begins there. */
		if (delay >= arrived)
			delay = 0;
		l->start_at = arrived - delay;
		t->last_out = l->start_at;
	}
	if (unlikely(arrived < t->last_out))
		arrived = t->last_out;
	if (unlikely(now < arrived))
		now = arrived;
	if (unlikely(d->unseen))
		l->state_ns[TS_UNKNOWN] += arrived - t->last_out;
	else
		track_charge_off(t, arrived - t->last_out, delay);
	l->state_ns[TS_RUNNING] += now - arrived;
	l->stolen_ns += d->stolen;
	if (unlikely(now - arrived > d->stolen + d->kernel_ran && !d->unseen))
		l->uncharged_ns += now - arrived - d->stolen - d->kernel_ran;
	l->switches++;
	if (now - arrived > l->longest_run_ns)
		l->longest_run_ns = now - arrived;
	if (d->off == OFF_PREEMPTED) {
		l->preempts++;
		l->preempted_run_ns += now - arrived;
	}
	if (d->off == OFF_YIELDED)
		l->yields++;
	if ((d->off == OFF_BLOCKED || d->off == OFF_THROTTLED) && d->cause < CAUSE_COUNT) {
		l->blocks++;
		l->cause[d->cause].count++;
	}
	t->last_out = now;
	t->run_delay = d->run_delay;
	t->off = d->off;
	t->cause = d->cause;
	t->row = d->row;
	t->behind = BEHIND_UNKNOWN;
	l->end_at = now;
}

/* Where a thread stands at the end of the measurement, if it is still alive. What
 * came after the end is cut off, so stamps of a later moment do no harm. */
struct standing {
	__u64 end;	  /* the end of the measurement */
	__u64 queued_at;  /* woken or created at; 0: not since its last switch-out */
	__u64 arrived_at; /* on the CPU since; 0: it is off the CPU */
};

static __always_inline __u64 between(__u64 low, __u64 x, __u64 high)
{
	return x < low ? low : x > high ? high : x;
}

/* Charges a living thread's open interval up to the end. */
static __always_inline void track_finish(struct track *t, const struct standing *s)
{
	struct ledger *l = &t->ledger;
	__u64 from, end = s->end, off_end, queued;

	if (!l->start_at) {
		l->start_at = s->queued_at ? between(0, s->queued_at, end) : end;
		t->last_out = l->start_at;
	}
	from = t->last_out;
	if (end < from)
		end = from;
	off_end = s->arrived_at ? between(from, s->arrived_at, end) : end;
	queued = s->queued_at ? between(from, s->queued_at, off_end) : off_end;
	track_charge_off(t, off_end - from, off_end - queued);
	l->state_ns[TS_RUNNING] += end - off_end;
	t->last_out = end;
	l->end_at = end;
}

/*
 * A lock made of a condition with a time-out (the interpreter lock of CPython is one)
 * looks like any wait for another thread. What gives it away is how it is taken: the
 * thread waits in a train of short waits on one word, each of which times out and
 * leads to nothing but the next, and when it has got through, it computes. A thread
 * that only looks for work in a queue does not compute after each train; one that does
 * is told apart by what the others do meanwhile (analysis/convoy.c).
 */
#define TRAIN_TIMEOUT_NS 150000000ull /* at most, for a wait to belong to a train */
#define TRAIN_LOOK_NS	 100000ull    /* less run time than this between two waits is a look */
#define TRAIN_WORK_NS	 1000000ull   /* from here on it is work */

struct train {
	__u64 word;	   /* of the last short wait */
	__u64 run_ns;	   /* the thread's run time then */
	__u64 convoy_word; /* one that it has waited for in a train, and worked then */
	__u32 waits;	   /* of the train so far */
	__u32 pad;
};

/* glibc's conditions use two words in turn, which lie side by side. */
static __always_inline int train_same(__u64 a, __u64 b)
{
	return a - b + 8 <= 16;
}

static __always_inline __u32 train_row(const struct train *t, __u64 word)
{
	return t->convoy_word && train_same(word, t->convoy_word) ? ROW_CONVOY : ROW_SYNC;
}

/* A wait on this word begins, of a thread that has run for so long; returns its row. Not
 * all who wait for such a lock need keep the time (in Ruby, one does), so any wait on
 * the word may end a train; but others do not, since they may be part of letting go. */
static __always_inline __u32 track_train(struct train *t, __u64 word, __u64 run_ns, int is_short)
{
	__u64 ran = run_ns - t->run_ns;

	if (!train_same(word, t->word)) {
		if (!is_short)
			return train_row(t, word);
		t->waits = 0;
	} else if (ran >= TRAIN_LOOK_NS) {
		if (t->waits >= 2 && ran >= TRAIN_WORK_NS)
			t->convoy_word = word;
		t->waits = 0;
	}
	t->waits += is_short;
	t->word = word;
	t->run_ns = run_ns;
	return train_row(t, word);
}

/*
 * The mutex of Rust's library waits by FUTEX_WAIT_BITSET for its word to be no longer 2,
 * "locked, with waiters" (library/std/src/sys/sync/mutex/futex.rs). So do conditions that
 * count their signals in the word, when the second has come; but not twice.
 */
struct locked_words {
	__u32 last[4]; /* low halves of the words at which it waited so last */
};

/* The thread waits for a word that says 2: has it done so before? */
static __always_inline int track_locked(struct locked_words *l, __u64 word)
{
	__u32 *last = &l->last[(word >> 3 ^ word >> 6) & 3];
	int again = *last == (__u32)word;

	*last = word;
	return again;
}
