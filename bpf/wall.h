/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The program as a whole. Takes each thread from its own recorded position to a
 * new one, so a missed event heals with the next. All of it adds up to
 * at - start_at, whatever the order of the calls.
 */
#include "track.h"

/* Where a thread stands in the program's sums. */
enum position {
	POS_GONE = 0, /* not created yet, or dead */
	POS_RUNNING = 1,
	POS_RUNNABLE = 2,
	POS_BLOCKED = 3,
	POS_BLOCKED_LOCK = 4,
	POS_BLOCKED_CONVOY = 5,
};

struct wall {
	struct wall_sums sums;
	__u32 running, runnable, lock_waiters, convoy_waiters;
	__u32 cpus_allowed;
	__u32 alive;	     /* tracked threads */
	__u32 command_alive; /* of them, in the command's own process */
	__u32 ender_row;     /* of the wait that ended the last standstill */
	__u32 ender_ticks;   /* it may have been one of a ticker: not decided yet */
	__u64 convoy_ns;     /* part of convoy_still_ns: in the open standstill */
	__u64 queued_ns;     /* part of runnable_ns: since the last switch-in */
	__u64 piece_ns;	     /* the last standstill */
	__u64 piece_at;	     /* its end */
	__u64 hidden_ns;     /* queueing taken for a standstill, at most: see wall_woken() */
	__u64 none_ran_at;   /* until then none ran, the last time */
	__u64 burst_ns;	     /* running time since it ended */
	__u64 ender_mark;    /* pending_ever when the ender's wait began */
	__u64 pending_ever;  /* all that was ever added to pending_ns */
	/* pending_ever after the last addition to each row; one more for the verifier, see of_row() */
	__u64 pending_last[ROW_MASK + 1];
};

/* What a wait of this cause is for, as far as the cause tells. */
static __always_inline __u32 row_of_cause(__u32 cause)
{
	if (cause >= CAUSE_COUNT)
		return ROW_UNKNOWN;
	switch (cause) {
	case CAUSE_LOCK_MUTEX ... CAUSE_LOCK_FILE:
		return ROW_LOCK;
	case CAUSE_SYNC_COND ... CAUSE_SYNC_FUTEX:
	case CAUSE_IPC_SYSV_SEM:
		return ROW_SYNC;
	case CAUSE_IPC_SYSV_MSG:
	case CAUSE_IPC_POSIX_MQ:
		return ROW_QUEUE;
	case CAUSE_IO_PIPE:
	case CAUSE_IO_TTY:
		return ROW_DEMAND;
	case CAUSE_IO_SOCKET:
		return ROW_PEER;
	case CAUSE_IO_DISK:
	case CAUSE_IO_FILE:
	case CAUSE_IO_URING ... CAUSE_IO_AIO:
		return ROW_IO;
	case CAUSE_FAULT_MAJOR:
		return ROW_FAULT;
	case CAUSE_SIGNAL_WAIT:
		return ROW_SIGNAL;
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

/* The kind that a row belongs to. */
static __always_inline __u32 row_kind(__u32 row)
{
	static const __u8 kinds[ROW_COUNT] = {
		ROW_IO, ROW_TIMER, ROW_LOCK, ROW_SYNC, ROW_EVENT, ROW_CHILD, ROW_OTHER, ROW_UNKNOWN,
		ROW_IO, ROW_IO,	   ROW_IO,   ROW_SYNC, ROW_OTHER, ROW_SYNC,  ROW_EVENT,
	};

	return row < ROW_COUNT ? kinds[row] : ROW_UNKNOWN;
}

/* A wait that can end without anything having happened: by its own time-out. */
static const __u8 tick_rows[] = { ROW_TIMER, ROW_SYNC, ROW_EVENT, ROW_CONVOY, ROW_TICK };

static __always_inline int row_may_tick(__u32 row)
{
	for (unsigned int i = 0; i < sizeof(tick_rows); i++) {
		if (row == tick_rows[i])
			return 1;
	}
	return 0;
}

/* A wait that another thread of the program ends: why that came only now is not told by
 * it, so it decides about no standstill but the one that it ended. */
static __always_inline int row_depends(__u32 row)
{
	return row == ROW_SYNC || row == ROW_CONVOY || row == ROW_LOCK || row == ROW_CHILD;
}

static __always_inline __u32 row_position(__u32 row)
{
	return row == ROW_LOCK	   ? POS_BLOCKED_LOCK
	       : row == ROW_CONVOY ? POS_BLOCKED_CONVOY
				   : POS_BLOCKED;
}

/* The time of a row. Without the barrier the mask, which 6.1's verifier needs, goes. */
static __always_inline __u64 *of_row(__u64 *rows, __u32 row)
{
	asm volatile("" : "+r"(row));
	return &rows[row & ROW_MASK];
}

/* Read again, it is any row to the verifier, which else walks what follows for each. */
static __always_inline __u32 any_row(const __u32 *row)
{
	return *(const volatile __u32 *)row;
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
		if (w->running >= w->cpus_allowed)
			return;
		if (w->running + w->runnable < w->cpus_allowed) {
			if (w->lock_waiters)
				s->serialised_ns += ns;
			else if (w->convoy_waiters)
				s->convoy_ns += ns;
		} else if (w->lock_waiters) {
			s->stacked_ns += ns;
		}
		return;
	}
	w->none_ran_at = now;
	if (w->runnable) {
		s->runnable_ns += ns;
		w->queued_ns += ns;
	} else {
		s->still_ns += ns;
		if (w->convoy_waiters) {
			s->convoy_still_ns += ns;
			w->convoy_ns += ns;
		}
	}
}

/* The open standstill, with what those did in it who only looked and slept again. */
static __always_inline __u64 wall_standstill(const struct wall_sums *s)
{
	__u64 ns = s->still_ns;

	for (int i = 0; i < ROW_COUNT; i++)
		ns += s->pending_ns[i];
	return ns;
}

/* What is no standstill leaves the open one. */
static __always_inline void wall_take_still(struct wall *w, __u64 ns)
{
	struct wall_sums *s = &w->sums;

	s->still_ns -= ns;
	if (w->convoy_ns > s->still_ns) {
		s->convoy_still_ns -= w->convoy_ns - s->still_ns;
		w->convoy_ns = s->still_ns;
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

	for (unsigned int i = 0; i < sizeof(tick_rows); i++) {
		__u32 r = tick_rows[i];
		__u64 mine = s->pending_ns[r], last = w->pending_last[r];
		__u64 newer = last > mark ? last - mark : 0;
		__u64 moved = mine < left ? mine : left;

		if (newer < moved)
			moved = newer;
		left -= moved;
		*of_row(s->row_ns, row) += moved;
		s->row_ns[r] += mine - moved;
		s->pending_ns[r] = 0;
	}
}

/* A standstill as short as this may be one thread of the program waking another: until an
 * idle CPU has heard of it, the thread counts as blocked. */
#define HAND_OVER_NS 200000

/* A standstill ends, by the end of a wait of this row that began at mark. Whether
 * a wait that may tick was the reason for it shows only in what follows. */
static __always_inline void wall_end_still(struct wall *w, __u32 row, __u64 mark)
{
	struct wall_sums *s = &w->sums;

	if (row >= ROW_COUNT)
		row = ROW_UNKNOWN;
	if (row_depends(row) || s->still_ns < HAND_OVER_NS)
		mark = w->pending_ever;
	w->piece_ns = s->still_ns;
	w->piece_at = s->at;
	w->burst_ns = 0;
	w->ender_row = row;
	w->ender_mark = mark;
	w->ender_ticks = row_may_tick(row);
	row = any_row(&w->ender_row);
	if (w->ender_ticks) {
		*of_row(s->pending_ns, row) += s->still_ns;
		w->pending_ever += s->still_ns;
		*of_row(w->pending_last, row) = w->pending_ever;
	} else {
		if (w->pending_ever != mark)
			wall_commit(w, row, mark);
		*of_row(s->row_ns, row) += s->still_ns;
	}
	s->still_ns = 0;
	w->convoy_ns = 0;
}

/* Work below a hundredth of the wait before it is a look, not progress. */
#define TICK_SHARE 100

static __always_inline void wall_begin_still(struct wall *w)
{
	/* What works at a time-out has waited for that, and not for the event. */
	if (w->ender_row == ROW_TICK && w->burst_ns * TICK_SHARE >= w->piece_ns)
		w->ender_row = ROW_TIMER;
	/* No length: a hand-over that the clocks of two CPUs put at one instant. */
	if (w->ender_ticks && w->piece_ns && w->burst_ns * TICK_SHARE >= w->piece_ns)
		wall_commit(w, any_row(&w->ender_row), w->ender_mark);
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
	else if (pos == POS_BLOCKED_CONVOY)
		w->convoy_waiters += by;
}

/* One thread of the program leaves a CPU to `to`, and another takes it over from
 * `from`, where it has been since `since`: as many run as before. Without the lock and without wall_advance(), if
 * that is all that changes; returns whether it was. How many are queued is of no
 * importance while a thread runs, unless one waits for a lock. */
static __always_inline int wall_hand_over(struct wall *w, __u32 to, __u32 from, __u64 since)
{
	if (from == POS_RUNNING) /* its switch-out was not seen: to be put right with the lock */
		return 0;
	if (from >= POS_BLOCKED && since < w->piece_at) /* a case for wall_woken() */
		return 0;
	if (to != from) {
		if (to >= POS_BLOCKED_LOCK || from >= POS_BLOCKED_LOCK || w->lock_waiters ||
		    w->convoy_waiters)
			return 0;
		if (to == POS_RUNNABLE)
			__sync_fetch_and_add(&w->runnable, 1);
		else if (from == POS_RUNNABLE)
			__sync_fetch_and_add(&w->runnable, -1);
	}
	return 1;
}

/* A thread comes to a CPU whose wake-up was not seen: as long as a thread of the
 * program runs, or no probe is attached to wake-ups, none is looked at. It was queued
 * since `queued_at`, so a standstill that is open was none from then on; nor was the last
 * one, if it came before the thread that ended it. Any before that stay as they are, and
 * count as hidden. After wall_advance(), before wall_move(). */
static __always_inline void wall_woken(struct wall *w, __u64 queued_at)
{
	struct wall_sums *s = &w->sums;
	__u32 row = w->ender_row & ROW_MASK;
	__u64 moved;

	if (queued_at < s->start_at)
		queued_at = s->start_at;
	if (queued_at >= s->at)
		return;
	moved = s->at - queued_at;
	if (moved > s->still_ns)
		moved = s->still_ns;
	wall_take_still(w, moved);
	s->runnable_ns += moved;
	w->queued_ns += moved;
	if (queued_at >= w->piece_at)
		return;
	moved = w->piece_at - queued_at;
	if (w->ender_ticks) {
		w->hidden_ns += moved;
		return;
	}
	if (moved > w->piece_ns) {
		w->hidden_ns += moved - w->piece_ns;
		moved = w->piece_ns;
	}
	if (moved > s->row_ns[row])
		moved = s->row_ns[row];
	w->piece_ns -= moved;
	s->row_ns[row] -= moved;
	s->runnable_ns += moved;
	w->queued_ns += moved;
}

/* A thread comes to a CPU: what the program was queued for meanwhile. */
static __always_inline void wall_queued(struct wall *w, __u32 behind)
{
	if (behind == BEHIND_IDLE)
		w->sums.latency_ns += w->queued_ns;
	else if (behind == BEHIND_LIMIT)
		w->sums.limit_ns += w->queued_ns;
	w->queued_ns = 0;
}

/* Takes a thread from one position to another; row and mark are those of the
 * wait that it comes from, if it comes from one. Call wall_advance() before. */
static __always_inline void wall_move(struct wall *w, __u32 from, __u32 to, __u32 row, __u64 mark)
{
	__u32 busy = w->running + w->runnable;

	wall_count(w, from, -1);
	wall_count(w, to, 1);
	/* One that leaves a CPU ends no standstill, one that comes to it begins none: where that is
	 * a constant, nothing of it is left for the verifier to walk. */
	if (from != POS_RUNNING && !busy && w->running + w->runnable)
		wall_end_still(w, row, mark);
	else if (to != POS_RUNNING && busy && !(w->running + w->runnable))
		wall_begin_still(w);
}

/* A thread has run since before the end of what was taken for a standstill, which another
 * one seemed to end: its own wait for `row` had ended it. */
static __always_inline void wall_ended_before(struct wall *w, __u32 row)
{
	struct wall_sums *s = &w->sums;
	__u32 ender = w->ender_row & ROW_MASK;
	__u64 moved = w->piece_ns;

	if (moved > s->row_ns[ender])
		moved = s->row_ns[ender];
	s->row_ns[ender] -= moved;
	*of_row(s->row_ns, row) += moved;
	w->ender_row = row;
}

/* A thread has run since `arrived`, while none seemed to: what was taken for queueing or a
 * standstill, back to the last switch-in that was seen. Returns how much that was. */
static __always_inline __u64 wall_ran_alone(struct wall *w, __u64 arrived)
{
	struct wall_sums *s = &w->sums;
	__u64 ns = s->at - arrived, most = w->runnable ? w->queued_ns : s->still_ns;

	if (w->running)
		return 0;
	if (ns > most)
		ns = most;
	if (w->runnable) {
		w->queued_ns -= ns;
		s->runnable_ns -= ns;
	} else {
		wall_take_still(w, ns);
	}
	s->by_count[1] += ns;
	s->busy_ns += ns;
	return ns;
}

/* A thread's switch-in was never seen (some kernels emit none when certain tasks
 * leave the CPU): now, at its switch-out, it is known that it has run since
 * `arrived`, after a wait for `row`. What the rows say since the last event is still
 * open and comes out right, and so does what none seemed to run in; what else is older
 * stays as it is, and is counted. Before wall_advance(). */
static __always_inline void wall_missed(struct wall *w, __u32 from, __u64 arrived, __u32 row,
					__u64 mark)
{
	struct wall_sums *s = &w->sums;

	s->missed_in++;
	if (s->at > arrived) {
		__u64 alone = wall_ran_alone(w, arrived);

		s->missed_ns += s->at - arrived - alone;
		if (w->none_ran_at > arrived + alone)
			s->missed_rows_ns += w->none_ran_at - arrived - alone;
	}
	if (from < POS_BLOCKED || row >= ROW_COUNT) {
		row = ROW_UNKNOWN;
		mark = w->pending_ever;
	} else if (arrived < w->piece_at && !w->ender_ticks) {
		wall_ended_before(w, row);
	}
	wall_advance(w, arrived);
	wall_queued(w, BEHIND_UNKNOWN);
	wall_move(w, from, POS_RUNNING, row, mark);
}
