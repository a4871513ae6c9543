/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The state machine of one thread and of the program as a whole, as pure
 * functions: compiled into the probes and into the tests alike, so that what
 * is tested is what runs.
 *
 *          wake-up                 switch in              switch out
 *   NEW ─────────► WOKEN ─────────► RUNNING ─────────► BLOCKED(cause) ─► WOKEN
 *                                      │  ▲    ├─────► PREEMPTED ─► RUNNING
 *                                      ▼  │    ├─────► YIELDED ───► RUNNING
 *                                    (dead)    └─────► dead
 *
 * track_*(): one thread. Everything is added up at the switch-out, from the
 * stamps that the kernel itself keeps (sched_info.last_arrival, run_delay), so
 * nothing rests on having seen the switch-in. The states sum to the lifetime
 * whatever is passed in: a stamp that contradicts the last one is moved to it.
 *
 * wall_*(): the program. Takes each thread from its own recorded position to a
 * new one, so a missed event heals with the next. All of it adds up to
 * at - start_at, whatever the order of the calls.
 */
#include "event.h"
#ifndef __bpf__
#include <linux/bpf.h>
#endif

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* How a thread left the CPU last, that is, what its time off the CPU is. */
enum off_kind {
	OFF_NEW = 0,	 /* it has not run yet */
	OFF_BLOCKED = 1, /* the part until its wake-up is blocked, the rest woken */
	OFF_PREEMPTED = 2,
	OFF_YIELDED = 3,
	OFF_THROTTLED =
		4, /* its CPU limit is used up: blocked, although the kernel calls it runnable */
};

struct track {
	__u64 last_out;	 /* instant of the last switch-out; start_at before the first */
	__u64 run_delay; /* the kernel's sum at last_out */
	__u32 off;	 /* enum off_kind */
	__u32 cause;	 /* enum cause, of OFF_BLOCKED and OFF_THROTTLED */
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
};

static __always_inline void ledger_add_wait(struct ledger *l, __u32 cause, __u64 ns)
{
	struct ledger_cause *c;

	if (cause >= CAUSE_COUNT)
		cause = CAUSE_UNKNOWN;
	c = &l->cause[cause];
	c->ns += ns;
	if (ns > c->max_ns)
		c->max_ns = ns;
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
	sum->end_at += l->end_at - l->start_at;
	sum->stolen_ns += l->stolen_ns;
	sum->moving_ns += l->moving_ns;
	sum->uncharged_ns += l->uncharged_ns;
	sum->switches += l->switches;
	sum->yields += l->yields;
	sum->blocks += l->blocks;
	for (int i = 0; i < TS_COUNT; i++)
		sum->state_ns[i] += l->state_ns[i];
	for (int i = 0; i < CAUSE_COUNT; i++) {
		sum->cause[i].ns += l->cause[i].ns;
		sum->cause[i].count += l->cause[i].count;
		if (l->cause[i].max_ns > sum->cause[i].max_ns)
			sum->cause[i].max_ns = l->cause[i].max_ns;
	}
}

/* Charges the time from the last switch-out to `arrived`; `delay` of it the thread was queued. */
static __always_inline void track_charge_off(struct track *t, __u64 off_ns, __u64 delay)
{
	struct ledger *l = &t->ledger;

	__u64 queued = delay < off_ns ? delay : off_ns;

	switch (t->off) {
	case OFF_BLOCKED:
		l->state_ns[TS_WOKEN] += queued;
		ledger_add_wait(l, t->cause, off_ns - queued);
		return;
	case OFF_THROTTLED:
		ledger_add_wait(l, t->cause, off_ns);
		return;
	case OFF_PREEMPTED:
		l->state_ns[TS_PREEMPTED] += off_ns;
		break;
	case OFF_YIELDED:
		l->state_ns[TS_YIELDED] += off_ns;
		break;
	default:
		l->state_ns[TS_WOKEN] += off_ns;
	}
	l->moving_ns += off_ns - queued;
}

/* The thread leaves the CPU. */
static __always_inline void track_depart(struct track *t, const struct departure *d)
{
	struct ledger *l = &t->ledger;
	__u64 delay = d->run_delay - t->run_delay;
	__u64 arrived = d->arrived, now = d->now;

	if (!l->start_at) {
		/* The kernel queued it when it woke it first: its life begins there. */
		if (delay >= arrived)
			delay = 0;
		l->start_at = arrived - delay;
		t->last_out = l->start_at;
	}
	if (arrived < t->last_out)
		arrived = t->last_out;
	if (now < arrived)
		now = arrived;
	if (d->unseen)
		l->state_ns[TS_UNKNOWN] += arrived - t->last_out;
	else
		track_charge_off(t, arrived - t->last_out, delay);
	l->state_ns[TS_RUNNING] += now - arrived;
	l->stolen_ns += d->stolen;
	if (now - arrived > d->stolen + d->kernel_ran && !d->unseen)
		l->uncharged_ns += now - arrived - d->stolen - d->kernel_ran;
	l->switches++;
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

/* ------------------------------------------------------------------------- */

/* Where a thread stands in the program's sums. */
enum position {
	POS_GONE = 0, /* not created yet, or dead */
	POS_RUNNING = 1,
	POS_RUNNABLE = 2,
	POS_BLOCKED = 3,
	POS_BLOCKED_LOCK = 4,
};

struct wall {
	struct wall_sums sums;
	__u32 running, runnable, lock_waiters;
	__u32 cpus_allowed;
	__u32 alive;		       /* tracked threads */
	__u32 command_alive;	       /* of them, in the command's own process */
	__u32 ender_row;	       /* of the wait that ended the last standstill */
	__u32 ender_ticks;	       /* it may have been one of a ticker: not decided yet */
	__u64 piece_ns;		       /* the last standstill */
	__u64 piece_at;		       /* its end */
	__u64 hidden_ns;	       /* what wall_woken() has put right */
	__u64 burst_ns;		       /* running time since it ended */
	__u64 ender_mark;	       /* pending_ever when the ender's wait began */
	__u64 pending_ever;	       /* all that was ever added to pending_ns */
	__u64 pending_last[ROW_COUNT]; /* pending_ever after the last addition to each row */
};

static __always_inline __u32 row_of_cause(__u32 cause)
{
	if (cause >= CAUSE_COUNT)
		return ROW_UNKNOWN;
	switch (cause) {
	case CAUSE_LOCK_MUTEX ... CAUSE_LOCK_FILE:
		return ROW_LOCK;
	case CAUSE_SYNC_COND ... CAUSE_SYNC_FUTEX:
	case CAUSE_IPC_SYSV_MSG ... CAUSE_IPC_POSIX_MQ:
		return ROW_SYNC;
	case CAUSE_IO_DISK ... CAUSE_IO_AIO:
	case CAUSE_FAULT_MAJOR:
		return ROW_IO;
	case CAUSE_EVENT_EPOLL ... CAUSE_EVENT_INOTIFY:
		return ROW_EVENT;
	case CAUSE_TIMER_SLEEP ... CAUSE_TIMER_ITIMER:
		return ROW_TIMER;
	case CAUSE_CHILD_WAIT ... CAUSE_CHILD_VFORK:
		return ROW_CHILD;
	case CAUSE_UNKNOWN:
		return ROW_UNKNOWN;
	default:
		return ROW_OTHER;
	}
}

/* A wait that can end without anything having happened: by its own time-out. */
static __always_inline int row_may_tick(__u32 row)
{
	return row == ROW_TIMER || row == ROW_EVENT || row == ROW_SYNC;
}

static __always_inline void wall_start(struct wall *w, __u64 now)
{
	w->sums.start_at = now;
	w->sums.at = now;
}

/* Charges the time up to now to what the program has been doing since the last call. */
static __always_inline void wall_advance(struct wall *w, __u64 now)
{
	struct wall_sums *s = &w->sums;
	__u64 ns = now - s->at;
	__u32 n = w->running;

	/* Clocks of two CPUs may differ by a little; and before the start there is nothing. */
	if (now <= s->at || !s->start_at)
		return;
	s->at = now;
	if (n) {
		if (n >= WALL_COUNTS)
			n = WALL_COUNTS - 1;
		asm volatile("" : "+r"(n)); /* or the mask, which 6.1's verifier needs, goes */
		s->by_count[n % WALL_COUNTS] += ns;
		s->busy_ns += ns * w->running;
		w->burst_ns += ns;
		if (w->lock_waiters && w->running + w->runnable < w->cpus_allowed)
			s->serialised_ns += ns;
	} else if (w->runnable) {
		s->runnable_ns += ns;
	} else {
		s->still_ns += ns;
	}
}

/* What is pending goes to `row`, as far as it came since the wait that ended it
 * had begun (mark); what is older keeps the row of the wait that ended it. A row
 * that has both, and is not the only one, is split by what is known: no more came
 * to it since the mark than to all, and nothing after its last addition. */
static __always_inline void wall_commit(struct wall *w, __u32 row, __u64 mark)
{
	struct wall_sums *s = &w->sums;
	__u64 left = w->pending_ever - mark;

	for (int r = 0; r < ROW_COUNT; r++) {
		__u64 mine = s->pending_ns[r], last = w->pending_last[r];
		__u64 newer = last > mark ? last - mark : 0;
		__u64 moved = mine < left ? mine : left;

		if (newer < moved)
			moved = newer;
		left -= moved;
		s->row_ns[row & 7] += moved;
		s->row_ns[r] += mine - moved;
		s->pending_ns[r] = 0;
	}
}

/* A standstill ends, by the end of a wait for cause that began at mark. Whether
 * a wait that may tick was the reason for it shows only in what follows. */
static __always_inline void wall_end_still(struct wall *w, __u32 cause, __u64 mark)
{
	struct wall_sums *s = &w->sums;
	__u32 row = row_of_cause(cause);

	w->piece_ns = s->still_ns;
	w->piece_at = s->at;
	w->burst_ns = 0;
	w->ender_row = row;
	w->ender_mark = mark;
	w->ender_ticks = row_may_tick(row);
	if (w->ender_ticks) {
		s->pending_ns[row & 7] += s->still_ns;
		w->pending_ever += s->still_ns;
		w->pending_last[row & 7] = w->pending_ever;
	} else {
		if (w->pending_ever != mark)
			wall_commit(w, row, mark);
		s->row_ns[row & 7] += s->still_ns;
	}
	s->still_ns = 0;
}

/* Work below a hundredth of the wait before it is a look, not progress. */
#define TICK_SHARE 100

static __always_inline void wall_begin_still(struct wall *w)
{
	/* No length: a hand-over that the clocks of two CPUs put at one instant. */
	if (w->ender_ticks && w->piece_ns && w->burst_ns * TICK_SHARE >= w->piece_ns)
		wall_commit(w, w->ender_row, w->ender_mark);
	else if (w->ender_ticks)
		w->piece_ns = 0; /* it stays pending: not for wall_woken() to correct */
	w->ender_ticks = 0;
}

static __always_inline void wall_count(struct wall *w, __u32 pos, __u32 by)
{
	if (pos == POS_RUNNING)
		w->running += by;
	else if (pos == POS_RUNNABLE)
		__sync_fetch_and_add(&w->runnable, by); /* as in wall_hand_over() */
	else if (pos == POS_BLOCKED_LOCK)
		w->lock_waiters += by;
}

/* One thread of the program leaves a CPU to `to`, and another takes it over from
 * `from`: as many run as before. Without the lock and without wall_advance(), if
 * that is all that changes; returns whether it was. How many are queued is of no
 * importance while a thread runs, unless one waits for a lock. */
static __always_inline int wall_hand_over(struct wall *w, __u32 to, __u32 from)
{
	if (from == POS_RUNNING) /* its switch-out was not seen: to be put right with the lock */
		return 0;
	if (to != from) {
		if (to == POS_BLOCKED_LOCK || from == POS_BLOCKED_LOCK || w->lock_waiters)
			return 0;
		if (to == POS_RUNNABLE)
			__sync_fetch_and_add(&w->runnable, 1);
		else if (from == POS_RUNNABLE)
			__sync_fetch_and_add(&w->runnable, -1);
	}
	return 1;
}

/* A thread comes to a CPU whose wake-up was not seen: as long as a thread of the
 * program runs, or no probe is attached to wake-ups, none is looked at. It was queued since `queued_at`, so a standstill
 * that is open was none from then on; nor was the last one, if it came before the
 * thread that ended it. After wall_advance(), before wall_move(). */
static __always_inline void wall_woken(struct wall *w, __u64 queued_at)
{
	struct wall_sums *s = &w->sums;
	__u32 row = w->ender_row & 7;
	__u64 moved;

	if (queued_at >= s->at)
		return;
	moved = s->at - queued_at;
	if (moved > s->still_ns)
		moved = s->still_ns;
	s->still_ns -= moved;
	s->runnable_ns += moved;
	w->hidden_ns += moved;
	if (queued_at >= w->piece_at || w->ender_ticks)
		return;
	moved = w->piece_at - queued_at;
	if (moved > w->piece_ns)
		moved = w->piece_ns;
	if (moved > s->row_ns[row])
		moved = s->row_ns[row];
	w->piece_ns -= moved;
	s->row_ns[row] -= moved;
	s->runnable_ns += moved;
	w->hidden_ns += moved;
}

/* Takes a thread from one position to another; cause and mark are those of the
 * wait that it comes from, if it comes from one. Call wall_advance() before. */
static __always_inline void wall_move(struct wall *w, __u32 from, __u32 to, __u32 cause, __u64 mark)
{
	__u32 busy = w->running + w->runnable;

	wall_count(w, from, -1);
	wall_count(w, to, 1);
	if (!busy && w->running + w->runnable)
		wall_end_still(w, cause, mark);
	else if (busy && !(w->running + w->runnable))
		wall_begin_still(w);
}

/* A thread's switch-in was never seen (some kernels emit none when certain tasks
 * leave the CPU): now, at its switch-out, it is known that it has run since
 * `arrived`. What the rows say since the last event is still open and comes out
 * right; what is older stays as it is, and is counted. Before wall_advance(). */
static __always_inline void wall_missed(struct wall *w, __u32 from, __u64 arrived)
{
	w->sums.missed_in++;
	if (w->sums.at > arrived)
		w->sums.missed_ns += w->sums.at - arrived;
	wall_advance(w, arrived);
	wall_move(w, from, POS_RUNNING, CAUSE_UNKNOWN, w->pending_ever);
}

/* ------------------------------------------------------------------------- */
/* What the maps hold: one struct tracked in the task storage of each tracked
 * thread, and one struct program. */

enum thread_role {
	ROLE_TRACKED = 0,
	ROLE_HELD = 1,	/* the command before its release: its next switch-in is the start */
	ROLE_CLOCK = 2, /* the collector: its switch-ins relate the two clocks, see clock_pair */
};

struct tracked {
	struct track track;
	/* since the last switch-in */
	__u64 arrived;	   /* rq->clock then; 0: off the CPU, or its switch-in was never seen */
	__u64 stolen_mark; /* rq->clock - rq->clock_task then */
	/* since the last switch-out */
	__u64 kernel_switches; /* nvcsw + nivcsw then */
	__u64 kernel_run_ns;   /* se.sum_exec_runtime then */
	__u64 pending_mark;    /* for the wall rows: see wall_end_still() */
	__u32 voluntary;       /* low half of nvcsw then */
	__u32 position;	       /* enum position */
	__u64 kernel_lock;     /* the lock, between contention_begin and contention_end */
	__u32 last_call_cause; /* of the last wait inside a system call */
	__u32 window;	       /* of calls: the last one in which it made one */
	__u64 window_blocks;   /* ledger.blocks after that call */
	/* identity */
	__u64 id, creator_id, process_id;
	__u32 role; /* enum thread_role */
	__u32 tid, pid;
	__u32 flags;	  /* enum thread_flags */
	__u64 open_since; /* with THREAD_OPEN_WAIT */
	__u64 sent;	  /* 1: its ledger went out */
	__u64 rss_before; /* pages: the peak that its process had before it executed its program */
	struct witness base; /* the kernel's accounting where the life that we account for began */
};

struct program {
	struct bpf_spin_lock lock;
	struct wall wall;
};

/* Where a function of the kernel lies; start 0: not known. */
struct code {
	__u64 start, end;
};

/* The scheduler's clock and CLOCK_MONOTONIC at one moment. */
struct clock_pair {
	__u64 sched_ns, monotonic_ns;
};

/* Our own cost: one run in COST_SAMPLE is timed. */
struct probe_cost {
	__u64 samples, ns;
};

enum costed_probe {
	COST_SWITCH,
	COST_WAKEUP,
	COST_ELSEWHERE, /* either of them, of threads that are not tracked */
	COST_COUNT,
};

#define COST_SAMPLE 64
