// SPDX-License-Identifier: BSD-2-Clause
/* wall_woken() and wall_hand_over() of bpf/wall.h: wake-ups that are not looked at, and
 * switches that take no lock. See test_wall.c for the rest of wall_*(). */
#include <stdlib.h>

#include "wall.h"

/* As a switch from an idle CPU to a thread whose wake-up was not looked at. */
static void come(struct world *g, int i, __u64 ns, __u64 queued_at)
{
	wall_advance(&g->wall, START + ns);
	wall_woken(&g->wall, queued_at);
	check(&g->wall);
	move(g, i, ns, POS_RUNNING, ROW_UNKNOWN);
}

/* Thread 1, hidden, is queued until `ns`, since a moment at which 0, which leaves at 100, ran. */
static struct world queued_while_still(__u64 ns, __u64 queued_at)
{
	struct world g = world();

	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 1, 10, CAUSE_IO_DISK);
	block(&g, 0, 100, CAUSE_CHILD_WAIT);
	come(&g, 1, ns, queued_at);
	cr_assert_eq(g.wall.sums.by_count[1] + g.wall.sums.by_count[2], 100);
	return g;
}

/* The same, but thread 0 comes back first, from a wait for `cause` that ends at 300. */
static struct world ended_by_another(__u32 cause)
{
	struct world g = world();

	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 1, 10, CAUSE_CHILD_WAIT);
	block(&g, 0, 100, cause);
	wake(&g, 0, 300);
	return g;
}

/* --- a standstill that is open ---------------------------------------------- */

Test(woken, open_standstill_was_all_queued)
{
	struct world g = queued_while_still(700, START + 50);

	cr_assert_eq(g.wall.sums.runnable_ns, 600);
	check_rows(&g, ROW_COUNT, 0);
	cr_assert_eq(g.wall.sums.still_ns, 0);
	cr_assert_eq(g.wall.running, 1);
}

Test(woken, queued_as_the_standstill_began)
{
	struct world g = queued_while_still(700, START + 100);

	cr_assert_eq(g.wall.sums.runnable_ns, 600);
	check_rows(&g, ROW_COUNT, 0);
}

/* Clocks of two CPUs, or a probe that the kernel left out. */
Test(woken, open_standstill_was_partly_queued)
{
	struct world g = queued_while_still(700, START + 650);

	cr_assert_eq(g.wall.sums.runnable_ns, 50);
	check_rows(&g, ROW_IO, 550);
	cr_assert_eq(g.wall.piece_ns, 550, "a tick is measured by what is left");
}

Test(woken, at_this_moment_or_later)
{
	for (__u64 later = 0; later < 3; later++) {
		struct world g = queued_while_still(700, START + 700 + later * later * SECOND);

		cr_assert_eq(g.wall.sums.runnable_ns, 0);
		check_rows(&g, ROW_IO, 600);
	}
}

Test(woken, since_the_clock_began)
{
	struct world g = queued_while_still(700, 0);

	cr_assert_eq(g.wall.sums.runnable_ns, 600);
	check_rows(&g, ROW_COUNT, 0);
}

Test(woken, nothing_was_ever_still)
{
	struct world g = world();
	struct wall before;

	wake(&g, 0, 0);
	wall_advance(&g.wall, START + 500);
	before = g.wall;
	for (__u64 at = 0; at <= 500; at += 100)
		wall_woken(&g.wall, START + at);
	wall_woken(&g.wall, 0);
	cr_assert_arr_eq(&g.wall, &before, sizeof(before));
}

Test(woken, time_of_a_seen_wakeup_is_not_taken_twice)
{
	struct world g = world();

	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 1, 10, CAUSE_IO_DISK);
	block(&g, 0, 100, CAUSE_IO_DISK);
	move(&g, 0, 300, POS_RUNNABLE, ROW_UNKNOWN);
	come(&g, 1, 700, START + 50);
	cr_assert_eq(g.wall.sums.runnable_ns, 600);
	check_rows(&g, ROW_COUNT, 0);
}

/* --- the last one ------------------------------------------------------------ */

Test(woken, last_standstill_was_all_queued)
{
	struct world g = ended_by_another(CAUSE_IO_DISK);

	check_rows(&g, ROW_IO, 200);
	come(&g, 1, 400, START + 50);
	check_rows(&g, ROW_COUNT, 0);
	cr_assert_eq(g.wall.sums.runnable_ns, 200);
	cr_assert_eq(g.wall.sums.by_count[1], 90 + 100);
	cr_assert_eq(g.wall.piece_ns, 0, "it is not taken again");
}

Test(woken, last_standstill_was_partly_queued)
{
	struct world g = ended_by_another(CAUSE_IO_DISK);

	come(&g, 1, 400, START + 270);
	check_rows(&g, ROW_IO, 170);
	cr_assert_eq(g.wall.sums.runnable_ns, 30);
}

Test(woken, after_the_last_standstill)
{
	for (__u64 at = 300; at <= 400; at += 50) {
		struct world g = ended_by_another(CAUSE_IO_DISK);

		come(&g, 1, 400, START + at);
		check_rows(&g, ROW_IO, 200);
		cr_assert_eq(g.wall.sums.runnable_ns, 0);
	}
}

Test(woken, two_that_were_queued_all_along)
{
	struct world g = ended_by_another(CAUSE_IO_DISK);

	block(&g, 2, 300, CAUSE_IO_DISK);
	come(&g, 1, 400, START + 50);
	come(&g, 2, 400, START + 60);
	check_rows(&g, ROW_COUNT, 0);
	cr_assert_eq(g.wall.sums.runnable_ns, 200);
}

Test(woken, older_standstills_keep_their_row)
{
	struct world g = ended_by_another(CAUSE_IO_DISK);

	block(&g, 0, 400, CAUSE_IO_DISK);
	wake(&g, 0, 450);
	come(&g, 1, 500, START + 50);
	check_rows(&g, ROW_IO, 200);
	cr_assert_eq(g.wall.sums.runnable_ns, 50, "only the last one");
}

Test(woken, open_and_last_one_together)
{
	struct world g = ended_by_another(CAUSE_IO_DISK);

	block(&g, 0, 400, CAUSE_IO_DISK);
	come(&g, 1, 450, START + 50);
	check_rows(&g, ROW_COUNT, 0);
	cr_assert_eq(g.wall.sums.runnable_ns, 250);
}

Test(woken, ticking_ender_is_left_alone)
{
	static const __u32 tickers[] = { CAUSE_TIMER_SLEEP, CAUSE_EVENT_EPOLL, CAUSE_SYNC_COND };

	for (int i = 0; i < 3; i++) {
		struct world g = ended_by_another(tickers[i]);

		come(&g, 1, 400, START + 50);
		check_rows(&g, row_of_cause(tickers[i]), 200);
		cr_assert_eq(g.wall.sums.runnable_ns, 0);
	}
}

/* What was decided long ago stays: the timer's look of 200 is pending, its 10 ms are not. */
Test(woken, undecided_piece_is_not_taken_from_a_decided_one)
{
	struct world g = world();
	__u64 ns = 10 * MS;

	wake(&g, 0, 0);
	block(&g, 0, 0, CAUSE_TIMER_SLEEP);
	wake(&g, 0, ns);
	wake(&g, 1, ns);
	block(&g, 1, 2 * ns, CAUSE_CHILD_WAIT);
	block(&g, 0, 2 * ns, CAUSE_TIMER_SLEEP); /* 10 ms of work: decided */
	cr_assert_eq(g.wall.sums.row_ns[ROW_TIMER], ns);
	wake(&g, 0, 2 * ns + 200);
	block(&g, 0, 2 * ns + 201, CAUSE_TIMER_SLEEP); /* a look */
	come(&g, 1, 2 * ns + 300, START + ns + ns / 2);
	cr_assert_eq(g.wall.sums.row_ns[ROW_TIMER], ns, "it is %llu",
		     g.wall.sums.row_ns[ROW_TIMER]);
}

Test(woken, conserves_whatever_it_is_given)
{
	for (int seed = 0; seed < 2000; seed++) {
		struct rng r = rng_seed(seed);
		struct world g = world();
		__u64 ns = 0;

		for (int k = 0; k < 200; k++) {
			int i = rng_below(&r, THREADS);
			__u64 still, span = 1ULL << rng_below(&r, 30);

			ns += rng_below(&r, span);
			wall_advance(&g.wall, START + ns);
			still = standstill(&g.wall.sums);
			if (rng_one_in(&r, 2))
				wall_woken(&g.wall,
					   START + ns - rng_below(&r, 2 * span) + span / 2);
			cr_assert_leq(standstill(&g.wall.sums), still);
			for (int n = 0; n < ROW_COUNT; n++)
				cr_assert_leq(g.wall.sums.row_ns[n], ns, "underflow");
			move(&g, i, ns, rng_below(&r, POS_BLOCKED_CONVOY + 1),
			     rng_below(&r, ROW_COUNT));
			if (rng_one_in(&r, 2))
				wall_queued(&g.wall, rng_below(&r, 5));
		}
	}
}

/* --- from one thread to another ---------------------------------------------- */

static const __u32 all_positions[] = { POS_GONE, POS_RUNNABLE, POS_BLOCKED, POS_BLOCKED_LOCK,
				       POS_BLOCKED_CONVOY };

#define POSITIONS 5

/* Whoever waits at one of these makes it matter who is queued. */
static bool is_counted(__u32 pos)
{
	return pos == POS_BLOCKED_LOCK || pos == POS_BLOCKED_CONVOY;
}

/* Thread 0 runs, 1 is at `from`; others wait at `at`. All since 100, now is 300. */
static struct world before_hand_over(__u32 from, int waiters, __u32 at)
{
	struct world g = world();

	wake(&g, 0, 0);
	move(&g, 1, 100, from, ROW_IO);
	for (int i = 0; i < waiters; i++)
		move(&g, 2 + i, 100, at, at == POS_BLOCKED_LOCK ? ROW_LOCK : ROW_CONVOY);
	move(&g, 7, 100, POS_RUNNABLE, ROW_UNKNOWN);
	return g;
}

static void check_hand_over(__u32 to, __u32 from, int waiters, __u32 at)
{
	struct world g = before_hand_over(from, waiters, at);
	struct wall before = g.wall;
	bool counts = is_counted(to) || is_counted(from) || waiters;
	bool taken = wall_hand_over(&g.wall, to, from, START + 100);
	__u32 locks = at == POS_BLOCKED_LOCK ? waiters : 0;

	cr_assert_eq(taken, to == from || !counts, "%u to %u beside %d at %u", from, to, waiters,
		     at);
	cr_assert_arr_eq(&g.wall.sums, &before.sums, sizeof(before.sums), "no time passes");
	if (!taken) {
		cr_assert_arr_eq(&g.wall, &before, sizeof(before));
		return;
	}
	cr_assert_eq(g.wall.running, 1);
	cr_assert_eq(g.wall.runnable, 1 + (to == POS_RUNNABLE));
	cr_assert_eq(g.wall.lock_waiters, locks + (to == POS_BLOCKED_LOCK));
	cr_assert_eq(g.wall.convoy_waiters, waiters - locks + (to == POS_BLOCKED_CONVOY));
	g.who[0] = (struct who){ .pos = to, .row = ROW_IO };
	g.who[1].pos = POS_RUNNING;
	block(&g, 1, 500, CAUSE_IO_DISK);
	cr_assert_eq(g.wall.sums.by_count[1], 500, "nothing is lost");
	cr_assert_eq(g.wall.sums.busy_ns, 500);
	cr_assert_eq(g.wall.running, 0);
}

Test(hand_over, each_pair_of_positions)
{
	for (int k = 0; k < POSITIONS * POSITIONS; k++) {
		__u32 to = all_positions[k / POSITIONS], from = all_positions[k % POSITIONS];

		for (int waiters = 0; waiters < 3; waiters++) {
			check_hand_over(to, from, waiters, POS_BLOCKED_LOCK);
			check_hand_over(to, from, waiters, POS_BLOCKED_CONVOY);
		}
	}
}

Test(hand_over, of_two_kinds_while_one_waits_for_a_lock)
{
	for (__u32 at = POS_BLOCKED_LOCK; at <= POS_BLOCKED_CONVOY; at++) {
		struct world g = before_hand_over(POS_RUNNABLE, 1, at);

		cr_assert_not(wall_hand_over(&g.wall, POS_BLOCKED, POS_RUNNABLE, START),
			      "serialised hangs on it, or the convoy");
		cr_assert(wall_hand_over(&g.wall, POS_RUNNABLE, POS_RUNNABLE, START));
		cr_assert_eq(g.wall.lock_waiters + g.wall.convoy_waiters, 1);
	}
}

/* It may have been queued, unseen, in a standstill that has ended meanwhile. */
Test(hand_over, to_one_that_has_waited_through_a_standstill)
{
	struct world g = world();

	wake(&g, 0, 0);
	block(&g, 1, 100, CAUSE_IO_PIPE);
	block(&g, 0, 200, CAUSE_IO_DISK);
	wake(&g, 0, 300);
	cr_assert_not(wall_hand_over(&g.wall, POS_BLOCKED, POS_BLOCKED, START + 100));
	wall_woken(&g.wall, START + 150);
	cr_assert_eq(g.wall.sums.runnable_ns, 100, "none of it was still");
	cr_assert(wall_hand_over(&g.wall, POS_BLOCKED, POS_BLOCKED, START + 300));
}

/* What began before the last standstill is not put right, but known. */
Test(woken, queued_through_two_standstills)
{
	struct world g = world();

	wake(&g, 0, 0);
	block(&g, 1, 100, CAUSE_IO_PIPE);
	for (int ns = 200; ns <= 600; ns += 400) {
		block(&g, 0, ns, CAUSE_IO_DISK);
		wake(&g, 0, ns + 100);
	}
	wall_advance(&g.wall, START + 800);
	wall_woken(&g.wall, START + 150);
	cr_assert_eq(g.wall.sums.runnable_ns, 100, "the last one");
	cr_assert_eq(g.wall.hidden_ns, 600 - 150, "in this the other one was");
	check_rows(&g, ROW_IO, 100);
}

/* The one that comes is said to run already: its switch-out was never seen. From here on
 * one runs, so this must go the long way, or the count never heals. */
Test(hand_over, to_one_whose_switch_out_was_not_seen)
{
	for (int to = 0; to < POSITIONS; to++) {
		struct world g = before_hand_over(POS_RUNNING, 0, POS_BLOCKED_LOCK);

		cr_assert_not(wall_hand_over(&g.wall, all_positions[to], POS_RUNNING, START),
			      "to %u", all_positions[to]);
	}
}

/* --- n threads on m CPUs, against all that really was ------------------------- */

/*
 * The probes as they are: a wake-up counts only while no thread of the program
 * runs; at a switch the one that comes is corrected by wall_woken(); a hand-over
 * takes no lock. A thread is *hidden* while it is queued, but its position is
 * still that of its wait: since a wake-up beside a running thread.
 *
 * Exact, always: the time by count (the number that run never depends on who is
 * queued) and with it what is runnable and still together.
 *
 * Runnable and still apart: a standstill of the probes was really none if a thread
 * was hidden in it, and then in all of it, because none becomes hidden while none
 * runs, and a hidden one stops to be by coming to a CPU, which ends it. So all of
 * it is wrong or nothing, and only one way: too much standstill, never too little.
 *   - The hidden thread ends it by coming: it is the open one, all is corrected.
 *   - A wake-up that is seen ends it (a device or another program: no thread of
 *     the program runs), and the next to come is hidden: it is the last one,
 *     corrected unless its ender may tick.
 *   - It is ended so, and another comes first: corrected if the hidden one comes
 *     before the next one ends, and if the ender does not tick.
 * So the error is at most the length of the standstills beside a hidden thread
 * that a seen wake-up ended, without those of the second kind, and that of the one
 * that is open at the end. But for that one it is 0 if only the program's own
 * threads wake each other, or if no CPU is free while a thread is queued and no
 * other program has one. It is never more than the time in which threads were
 * hidden, which their ledgers have as TS_WOKEN.
 *
 * Serialised time: hidden threads are missing from the queue, and a hidden waiter
 * for a lock still is one. Too much of it, never too little, by no more than the
 * time in which somebody is hidden. The same holds for it and the convoy's time
 * together; a hidden waiter for a lock takes from the convoy's.
 *
 * Whose CPU it was: all is latency if only idle CPUs keep threads waiting, and
 * nothing if none is idle while a thread is queued.
 */
#define CPUS  4
#define IDLE  -1
#define OTHER -2 /* a thread of another program */

struct machine {
	struct world world;	/* what the probes know */
	struct history history; /* what is */
	__u32 real[THREADS];
	__u64 queued_at[THREADS];
	int cpu[CPUS]; /* a thread, IDLE or OTHER */
	int cpus;
	__u64 ns; /* since START */
	struct rng rng;
	/* what there is */
	bool others;  /* other programs */
	bool devices; /* wake-ups by somebody outside, while a thread is queued */
	bool slow;    /* a CPU stays idle for a while after a wake-up */
	bool locks;
	/* what may be wrong */
	__u64 hidden_ns; /* any thread was hidden */
	__u64 error_ns;	 /* ... in a standstill that came out as one for good */
	__u64 queue_ns;	 /* hidden threads, each: as in their ledgers */
	__u64 still_since;
	__u64 open_ns;	/* ... in the one that is open at the end */
	__u64 in_doubt; /* a standstill that a seen wake-up has ended beside a hidden thread */
};

static bool is_hidden(const struct machine *m, int i)
{
	return m->real[i] == POS_RUNNABLE && m->world.who[i].pos >= POS_BLOCKED;
}

static int n_hidden(const struct machine *m)
{
	int n = 0;

	for (int i = 0; i < THREADS; i++)
		n += is_hidden(m, i);
	return n;
}

static bool looks_busy(const struct machine *m)
{
	return m->world.wall.running + m->world.wall.runnable;
}

/* cp_wakeup() */
static void probe_wakeup(struct machine *m, int i)
{
	int hidden = n_hidden(m) - is_hidden(m, i);

	if (m->world.wall.running && !m->world.wall.lock_waiters)
		return;
	if (m->world.who[i].pos < POS_BLOCKED)
		return;
	if (!looks_busy(m) && hidden)
		m->in_doubt = m->ns - m->still_since;
	move(&m->world, i, m->ns, POS_RUNNABLE, ROW_UNKNOWN);
}

/* move_both() */
static void probe_both(struct machine *m, int p, int n, __u32 to, __u32 behind)
{
	struct world *g = &m->world;

	wall_advance(&g->wall, START + m->ns);
	if (n >= 0) {
		struct who *t = &g->who[n];

		if (!is_hidden(m, n) || g->wall.ender_ticks)
			m->error_ns += m->in_doubt;
		m->in_doubt = 0;
		if (t->pos >= POS_BLOCKED)
			wall_woken(&g->wall, m->queued_at[n]);
		wall_queued(&g->wall, behind);
		wall_move(&g->wall, t->pos, POS_RUNNING, t->row, t->mark);
	}
	if (p >= 0)
		wall_move(&g->wall, POS_RUNNING, to, ROW_UNKNOWN, g->wall.pending_ever);
	if (!looks_busy(m))
		m->still_since = m->ns;
	check(&g->wall);
}

/* on_switch(): from p to n, each -1 if it is not of the program. */
static void probe_switch(struct machine *m, int p, int n, __u32 to, __u32 row)
{
	struct world *g = &m->world;
	__u32 behind = p >= 0 ? BEHIND_OWN : p == IDLE ? BEHIND_IDLE : BEHIND_OTHERS;

	if (p < 0 && n < 0)
		return;
	if (p < 0 || n < 0 || to == POS_GONE ||
	    !wall_hand_over(&g->wall, to, g->who[n].pos, g->who[n].since))
		probe_both(m, p, n, to, behind);
	if (n >= 0)
		g->who[n].pos = POS_RUNNING;
	if (p >= 0)
		g->who[p] = (struct who){ to, row, g->wall.pending_ever, START + m->ns };
}

static void machine_remember(struct machine *m)
{
	struct moment *k = &m->history.moments[m->history.n++];
	const struct wall *w = &m->world.wall;
	int hidden_lock = 0, hidden_convoy = 0;

	k->at = START + m->ns;
	for (int i = 0; i < THREADS; i++) {
		k->pos[i] = m->real[i];
		hidden_lock += is_hidden(m, i) && m->world.who[i].pos == POS_BLOCKED_LOCK;
		hidden_convoy += is_hidden(m, i) && m->world.who[i].pos == POS_BLOCKED_CONVOY;
	}
	cr_assert_eq(w->running, how_many(m->real, POS_RUNNING));
	cr_assert_eq(w->runnable, how_many(m->real, POS_RUNNABLE) - n_hidden(m));
	cr_assert_eq(w->lock_waiters, how_many(m->real, POS_BLOCKED_LOCK) + hidden_lock);
	cr_assert_eq(w->convoy_waiters, how_many(m->real, POS_BLOCKED_CONVOY) + hidden_convoy);
}

static int machine_pick(struct machine *m, __u32 first, __u32 last)
{
	int start = rng_below(&m->rng, THREADS);

	for (int k = 0; k < THREADS; k++) {
		int i = (start + k) % THREADS;

		if (m->real[i] >= first && m->real[i] <= last)
			return i;
	}
	return -1;
}

static int pick_next(struct machine *m)
{
	int next = machine_pick(m, POS_RUNNABLE, POS_RUNNABLE);

	if (m->others && rng_one_in(&m->rng, 3))
		return OTHER;
	if (next < 0 || (m->slow && rng_one_in(&m->rng, 3)))
		return IDLE;
	return next;
}

/* What the thread does from now on; it stays if it is to be preempted by nobody. */
static __u32 pick_departure(struct machine *m, int next, __u32 *ret_row)
{
	static const __u32 rows[] = { ROW_IO,	 ROW_PEER, ROW_CHILD, ROW_TIMER,
				      ROW_EVENT, ROW_LOCK, ROW_LOCK,  ROW_CONVOY };
	__u64 die = rng_below(&m->rng, 12);

	*ret_row = rows[rng_below(&m->rng, m->locks ? 8 : 5)];
	if (!die)
		return POS_GONE;
	if (die < 4)
		return next == IDLE ? POS_RUNNING : POS_RUNNABLE;
	return row_position(*ret_row);
}

static void machine_switch(struct machine *m, int cpu)
{
	int prev = m->cpu[cpu], next = pick_next(m);
	__u32 to = POS_GONE, row = ROW_UNKNOWN;

	if (prev >= 0) {
		to = pick_departure(m, next, &row);
		if (to == POS_RUNNING)
			return;
	}
	probe_switch(m, prev, next, to, row);
	if (next >= 0)
		m->real[next] = POS_RUNNING;
	if (prev >= 0) {
		m->real[prev] = to;
		m->queued_at[prev] = START + m->ns;
	}
	m->cpu[cpu] = next;
}

/* By another thread of the program, or by somebody outside. */
static void machine_wake(struct machine *m)
{
	int i = machine_pick(m, POS_BLOCKED, POS_BLOCKED_CONVOY);
	bool alone = !how_many(m->real, POS_RUNNING);

	if (i < 0 || rng_one_in(&m->rng, 8)) {
		int born = machine_pick(m, POS_GONE, POS_GONE);

		/* cp_newtask(): the creator runs, but for the first one. */
		if (born >= 0 && (!alone || how_many(m->real, POS_GONE) == THREADS)) {
			m->real[born] = POS_RUNNABLE;
			move(&m->world, born, m->ns, POS_RUNNABLE, ROW_UNKNOWN);
		}
		return;
	}
	if (alone && !m->devices && how_many(m->real, POS_RUNNABLE))
		return;
	m->real[i] = POS_RUNNABLE;
	m->queued_at[i] = START + m->ns;
	probe_wakeup(m, i);
}

static void machine_time(struct machine *m)
{
	__u64 ns = rng_one_in(&m->rng, 6) ? 0 : rng_below(&m->rng, 1ULL << rng_below(&m->rng, 24));

	m->ns += ns;
	m->hidden_ns += n_hidden(m) ? ns : 0;
	m->queue_ns += n_hidden(m) * ns;
}

static void machine_step(struct machine *m)
{
	machine_time(m);
	if (rng_one_in(&m->rng, 3))
		machine_wake(m);
	else
		machine_switch(m, rng_below(&m->rng, m->cpus));
	/* No CPU is idle while a thread is queued. */
	for (int c = 0; c < m->cpus && !m->slow; c++) {
		int next = machine_pick(m, POS_RUNNABLE, POS_RUNNABLE);

		if (m->cpu[c] != IDLE || next < 0)
			continue;
		probe_switch(m, IDLE, next, POS_GONE, ROW_UNKNOWN);
		m->real[next] = POS_RUNNING;
		m->cpu[c] = next;
	}
	machine_remember(m);
}

static struct machine *machine_run(int seed, struct machine how)
{
	struct machine *m = malloc(sizeof(*m));

	*m = how;
	m->world = world();
	m->rng = rng_seed(seed);
	m->cpus = 1 + seed % CPUS;
	m->world.wall.cpus_allowed = m->cpus;
	for (int c = 0; c < CPUS; c++)
		m->cpu[c] = IDLE;
	machine_remember(m);
	while (m->history.n < 2 * STEPS)
		machine_step(m);
	wall_advance(&m->world.wall, START + m->ns);
	if (!looks_busy(m) && n_hidden(m))
		m->open_ns = m->ns - m->still_since;
	m->error_ns += m->in_doubt + m->open_ns;
	return m;
}

/* What was charged wrong, summed up over all runs; without what is open at the end. */
struct errors {
	__u64 wall_ns, runnable_ns, hidden_ns; /* what was */
	__u64 split_ns, bound_ns, serialised_ns;
	int wrong; /* runs */
};

static void check_machine(const struct machine *m, struct errors *e)
{
	const struct wall_sums *s = &m->world.wall.sums;
	struct wall_sums is = {};
	__u64 still = 0, split;

	integrate(&m->history, m->cpus, &is, &still);
	for (int n = 1; n < WALL_COUNTS; n++)
		cr_assert_eq(s->by_count[n], is.by_count[n], "%d running", n);
	cr_assert_eq(s->busy_ns, is.busy_ns);
	cr_assert_eq(s->runnable_ns + standstill(s), is.runnable_ns + still);
	cr_assert_geq(standstill(s), still);
	split = standstill(s) - still;
	cr_assert_geq(split, m->open_ns);
	cr_assert_leq(split, m->error_ns, "%llu, not %llu", split, m->error_ns);
	if (!n_hidden(m)) /* what of them was wrong is found when they come to a CPU */
		cr_assert_leq(split, m->world.wall.hidden_ns + m->in_doubt);
	cr_assert_leq(m->error_ns, m->hidden_ns);
	cr_assert_leq(m->hidden_ns, m->queue_ns);
	cr_assert_geq(s->serialised_ns, is.serialised_ns);
	cr_assert_leq(s->serialised_ns - is.serialised_ns, m->hidden_ns);
	cr_assert_geq(s->serialised_ns + s->convoy_ns, is.serialised_ns + is.convoy_ns);
	cr_assert_leq(s->serialised_ns + s->convoy_ns,
		      is.serialised_ns + is.convoy_ns + m->hidden_ns);
	cr_assert_geq(s->convoy_still_ns, is.convoy_still_ns);
	if (!m->locks)
		cr_assert_eq(s->serialised_ns + s->convoy_ns + s->convoy_still_ns, 0);
	cr_assert_eq(s->limit_ns, 0);
	if (!m->slow)
		cr_assert_eq(s->latency_ns, 0, "%llu ns", s->latency_ns);
	else if (!m->others && !m->devices)
		cr_assert_eq(s->latency_ns + m->world.wall.queued_ns, s->runnable_ns);
	e->wall_ns += m->ns;
	e->runnable_ns += is.runnable_ns;
	e->hidden_ns += m->hidden_ns;
	e->split_ns += split - m->open_ns;
	e->bound_ns += m->error_ns - m->open_ns;
	e->serialised_ns += s->serialised_ns - is.serialised_ns;
	e->wrong += split > m->open_ns;
}

static struct errors run_machines(const char *what, struct machine how)
{
	struct errors e = {};

	for (int seed = 0; seed < 800; seed++) {
		struct machine *m;

		how.locks = seed / CPUS % 2;
		m = machine_run(seed, how);
		check_machine(m, &e);
		free(m);
	}
	cr_log_info("%s: of %llu ms, runnable %llu ms, hidden %llu ms; charged as standstill "
		    "%.3f %% (bound %.3f %%), in %d runs; serialised too long by %.3f %%\n",
		    what, e.wall_ns / MS, e.runnable_ns / MS, e.hidden_ns / MS,
		    100.0 * e.split_ns / e.wall_ns, 100.0 * e.bound_ns / e.wall_ns, e.wrong,
		    100.0 * e.serialised_ns / e.wall_ns);
	return e;
}

Test(machine, of_its_own_is_exact)
{
	struct errors e = run_machines("alone", (struct machine){ .devices = true });

	cr_assert_gt(e.hidden_ns, 0, "there is something to find");
	cr_assert_eq(e.split_ns, 0);
	cr_assert_eq(e.serialised_ns, 0, "who is queued finds all CPUs taken");
}

Test(machine, threads_that_only_wake_each_other_are_exact)
{
	struct errors e = run_machines("busy, own wake-ups", (struct machine){ .others = true });
	struct errors slow = run_machines("slow, own wake-ups", (struct machine){ .slow = true });

	cr_assert_gt(e.runnable_ns, 0);
	cr_assert_eq(e.split_ns, 0);
	cr_assert_gt(slow.runnable_ns, 0);
	cr_assert_eq(slow.split_ns, 0);
}

Test(machine, slow_to_wake_up)
{
	run_machines("slow", (struct machine){ .slow = true, .devices = true });
}

Test(machine, busy_with_other_programs)
{
	struct errors e;

	e = run_machines("busy", (struct machine){ .others = true, .devices = true });
	cr_assert_gt(e.split_ns, 0, "the bound bounds something");
	cr_assert_lt(10 * e.split_ns, e.runnable_ns, "most of it is found");
	run_machines("busy and slow",
		     (struct machine){ .others = true, .slow = true, .devices = true });
}
