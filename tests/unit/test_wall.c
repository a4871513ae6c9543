// SPDX-License-Identifier: BSD-2-Clause
/* wall_*() of bpf/wall.h: the program's sums. See test_state.c for track_*(). */
#include <stdlib.h>

#include "wall.h"

/* A thread that ticks: looks for `work` after each `period`, from `from` until `to`. */
static void tick(struct world *g, int i, __u64 from, __u64 to, __u64 period, __u64 work)
{
	for (__u64 ns = from + period; ns < to; ns += period) {
		wake(g, i, ns);
		block(g, i, ns + work, CAUSE_TIMER_SLEEP);
	}
}

/* --- one moment after the other --------------------------------------------- */

Test(sums, by_count_and_runnable)
{
	struct world g = world();
	struct wall_sums *s = &g.wall.sums;

	wake(&g, 0, 0);
	wake(&g, 1, 100);
	move(&g, 2, 300, POS_RUNNABLE, ROW_UNKNOWN);
	move(&g, 0, 600, POS_GONE, ROW_UNKNOWN);
	move(&g, 1, 700, POS_RUNNABLE, ROW_UNKNOWN);
	move(&g, 1, 900, POS_GONE, ROW_UNKNOWN);
	move(&g, 2, 950, POS_GONE, ROW_UNKNOWN);
	cr_assert_eq(s->by_count[1], 200);
	cr_assert_eq(s->by_count[2], 500);
	cr_assert_eq(s->busy_ns, 1200);
	cr_assert_eq(s->runnable_ns, 250);
	cr_assert_eq(standstill(s), 0);
	cr_assert_eq(g.wall.running + g.wall.runnable, 0);
}

Test(sums, nothing_before_the_start)
{
	struct wall w = {};

	wall_advance(&w, 5000);
	wall_move(&w, POS_GONE, POS_RUNNABLE, ROW_UNKNOWN, 0);
	wall_advance(&w, 6000);
	check(&w);
	cr_assert_eq(w.sums.at, 0);
	cr_assert_eq(w.sums.runnable_ns, 0);
}

Test(sums, backward_clock_charges_nothing)
{
	struct world g = world();

	wake(&g, 0, 1000);
	wake(&g, 1, 900);
	block(&g, 1, 400, CAUSE_IO_DISK);
	block(&g, 0, 1500, CAUSE_IO_DISK);
	cr_assert_eq(g.wall.sums.at, START + 1500);
	cr_assert_eq(g.wall.sums.by_count[1], 500);
	cr_assert_eq(g.wall.sums.by_count[2], 0);
}

Test(sums, serialised_only_while_an_allowed_cpu_is_free)
{
	struct world g = world();

	g.wall.cpus_allowed = 2;
	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 1, 100, CAUSE_LOCK_MUTEX);	     /* one runs, one waits for a lock: 200 */
	wake(&g, 2, 300);			     /* both CPUs are taken: 400 */
	move(&g, 2, 700, POS_RUNNABLE, ROW_UNKNOWN); /* a thread is queued for the free one: 50 */
	block(&g, 2, 750, CAUSE_IO_DISK);	     /* 250 */
	block(&g, 0, 1000, CAUSE_IO_DISK);	     /* a standstill is not serialised */
	wake(&g, 0, 1100);			     /* 30 */
	move(&g, 1, 1130, POS_RUNNABLE, ROW_UNKNOWN);
	cr_assert_eq(g.wall.sums.serialised_ns, 200 + 250 + 30);
}

Test(sums, thousand_running_threads)
{
	struct wall w = { .cpus_allowed = 1000 };

	wall_start(&w, START);
	for (int i = 0; i < 1000; i++)
		wall_move(&w, POS_GONE, POS_RUNNING, ROW_UNKNOWN, 0);
	wall_advance(&w, START + SECOND);
	for (int i = 0; i < 746; i++)
		wall_move(&w, POS_RUNNING, POS_GONE, ROW_UNKNOWN, 0);
	wall_advance(&w, START + 2 * SECOND);
	check(&w);
	cr_assert_eq(w.sums.by_count[WALL_COUNTS - 1], SECOND);
	cr_assert_eq(w.sums.by_count[254], SECOND);
	cr_assert_eq(w.sums.busy_ns, 1254 * SECOND, "the mean knows all of them");
}

Test(sums, counts_around_the_last_one)
{
	for (int n = WALL_COUNTS - 2; n <= WALL_COUNTS + 1; n++) {
		int last = n < WALL_COUNTS ? n : WALL_COUNTS - 1;
		struct wall w = {};

		wall_start(&w, START);
		for (int i = 0; i < n; i++)
			wall_move(&w, POS_GONE, POS_RUNNING, ROW_UNKNOWN, 0);
		wall_advance(&w, START + SECOND);
		check(&w);
		cr_assert_eq(w.sums.by_count[last], SECOND);
	}
}

Test(sums, three_hundred_days)
{
	struct world g = world();

	wake(&g, 0, 0);
	block(&g, 0, LONG_DAYS, CAUSE_TIMER_SLEEP);
	wake(&g, 0, 2 * LONG_DAYS);
	wake(&g, 1, 2 * LONG_DAYS);
	block(&g, 1, 3 * LONG_DAYS, CAUSE_IO_DISK);
	block(&g, 0, 3 * LONG_DAYS, CAUSE_IO_DISK);
	cr_assert_eq(g.wall.sums.by_count[1], LONG_DAYS);
	cr_assert_eq(g.wall.sums.by_count[2], LONG_DAYS);
	cr_assert_eq(g.wall.sums.busy_ns, 3 * LONG_DAYS);
	cr_assert_eq(g.wall.sums.row_ns[ROW_TIMER], LONG_DAYS, "so much work decides it");
}

Test(sums, row_of_each_cause)
{
	static const struct {
		__u32 first, last;
		enum wall_row row;
	} rows[] = {
		{ CAUSE_UNKNOWN, CAUSE_UNKNOWN, ROW_UNKNOWN },
		{ CAUSE_LOCK_MUTEX, CAUSE_LOCK_FILE, ROW_LOCK },
		{ CAUSE_SYNC_COND, CAUSE_SYNC_FUTEX, ROW_SYNC },
		{ CAUSE_IO_DISK, CAUSE_IO_FILE, ROW_IO },
		{ CAUSE_IO_PIPE, CAUSE_IO_PIPE, ROW_DEMAND },
		{ CAUSE_IO_SOCKET, CAUSE_IO_SOCKET, ROW_PEER },
		{ CAUSE_IO_TTY, CAUSE_IO_TTY, ROW_DEMAND },
		{ CAUSE_IO_URING, CAUSE_IO_AIO, ROW_IO },
		{ CAUSE_EVENT_EPOLL, CAUSE_EVENT_INOTIFY, ROW_EVENT },
		{ CAUSE_TIMER_SLEEP, CAUSE_TIMER_ITIMER, ROW_TIMER },
		{ CAUSE_CHILD_WAIT, CAUSE_CHILD_VFORK, ROW_CHILD },
		{ CAUSE_SIGNAL_WAIT, CAUSE_SIGNAL_WAIT, ROW_SIGNAL },
		{ CAUSE_SIGNAL_STOP, CAUSE_SIGNAL_PTRACE, ROW_OTHER },
		{ CAUSE_IPC_SYSV_MSG, CAUSE_IPC_SYSV_MSG, ROW_QUEUE },
		{ CAUSE_IPC_SYSV_SEM, CAUSE_IPC_SYSV_SEM, ROW_SYNC },
		{ CAUSE_IPC_POSIX_MQ, CAUSE_IPC_POSIX_MQ, ROW_QUEUE },
		{ CAUSE_FAULT_MAJOR, CAUSE_FAULT_MAJOR, ROW_FAULT },
		{ CAUSE_FAULT_MINOR, CAUSE_KERNEL_OTHER, ROW_OTHER },
	};
	__u32 next = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert_eq(rows[i].first, next, "the table leaves something out");
		for (__u32 c = rows[i].first; c <= rows[i].last; c++)
			cr_assert_eq(row_of_cause(c), rows[i].row, "cause %u", c);
		next = rows[i].last + 1;
	}
	cr_assert_eq(next, CAUSE_COUNT);
	cr_assert_eq(row_of_cause(CAUSE_COUNT), ROW_UNKNOWN);
	cr_assert_eq(row_of_cause(~0U), ROW_UNKNOWN);
}

Test(sums, kind_of_each_row)
{
	static const struct {
		__u32 row, kind;
	} kinds[] = {
		{ ROW_IO, ROW_IO },
		{ ROW_TIMER, ROW_TIMER },
		{ ROW_LOCK, ROW_LOCK },
		{ ROW_SYNC, ROW_SYNC },
		{ ROW_EVENT, ROW_EVENT },
		{ ROW_CHILD, ROW_CHILD },
		{ ROW_OTHER, ROW_OTHER },
		{ ROW_UNKNOWN, ROW_UNKNOWN },
		{ ROW_PEER, ROW_IO },
		{ ROW_DEMAND, ROW_IO },
		{ ROW_FAULT, ROW_IO },
		{ ROW_CONVOY, ROW_SYNC },
		{ ROW_SIGNAL, ROW_OTHER },
		{ ROW_QUEUE, ROW_SYNC },
		{ ROW_TICK, ROW_EVENT },
		{ ROW_COUNT, ROW_UNKNOWN },
		{ ROW_COUNT + 1, ROW_UNKNOWN },
		{ ROW_MASK, ROW_UNKNOWN },
		{ ~0U, ROW_UNKNOWN },
	};

	cr_assert_leq(ROW_COUNT, ROW_MASK + 1, "the mask would put one into another");
	for (__u32 i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		cr_assert(i >= ROW_COUNT || kinds[i].row == i, "the table leaves out row %u", i);
		cr_assert_eq(row_kind(kinds[i].row), kinds[i].kind, "row %u", kinds[i].row);
		cr_assert_lt(row_kind(kinds[i].row), ROW_KINDS);
	}
}

Test(sums, position_of_each_row)
{
	for (__u32 r = 0; r <= ROW_COUNT; r++) {
		__u32 pos = row_position(r);

		cr_assert_eq(pos == POS_BLOCKED_LOCK, r == ROW_LOCK, "row %u", r);
		cr_assert_eq(pos == POS_BLOCKED_CONVOY, r == ROW_CONVOY, "row %u", r);
		cr_assert_geq(pos, POS_BLOCKED);
	}
}

/* --- whose standstill it is ------------------------------------------------- */

Test(still, belongs_to_the_wait_that_ends_it)
{
	struct world g = world();

	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 1, 0, CAUSE_LOCK_MUTEX);
	block(&g, 0, 10, CAUSE_IO_DISK);
	wake(&g, 0, 5 * MS);
	check_rows(&g, ROW_IO, 5 * MS - 10);
	cr_assert_eq(g.wall.sums.row_ns[ROW_IO], 5 * MS - 10, "and for good");
}

Test(still, lock_held_by_somebody_outside)
{
	struct world g = world();

	wake(&g, 0, 0);
	block(&g, 0, 0, CAUSE_LOCK_FILE);
	wake(&g, 0, 5 * MS);
	check_rows(&g, ROW_LOCK, 5 * MS);
	cr_assert_eq(g.wall.sums.serialised_ns, 0);
}

Test(still, open_at_the_end)
{
	struct world g = world();

	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 0, 100, CAUSE_LOCK_MUTEX);
	block(&g, 1, 200, CAUSE_LOCK_MUTEX);
	wall_advance(&g.wall, START + SECOND);
	check(&g.wall);
	check_rows(&g, ROW_COUNT, 0);
	cr_assert_eq(g.wall.sums.still_ns, SECOND - 200);
}

/* Whatever may end by its own time-out. */
static const __u32 tickers[] = { CAUSE_TIMER_SLEEP, CAUSE_EVENT_EPOLL, CAUSE_SYNC_COND };

Test(still, ticker_beside_a_disk_wait)
{
	for (int i = 0; i < 3; i++) {
		struct world g = world();

		wake(&g, 0, 0);
		wake(&g, 1, 0);
		block(&g, 0, 0, CAUSE_IO_DISK);
		block(&g, 1, 0, tickers[i]);
		for (__u64 ns = 50 * MS; ns < 200 * MS; ns += 50 * MS) {
			wake(&g, 1, ns);
			block(&g, 1, ns + 20 * US, tickers[i]);
		}
		wake(&g, 0, 200 * MS);
		check_rows(&g, ROW_IO, 200 * MS - 3 * 20 * US);
		cr_assert_eq(g.wall.sums.by_count[1], 3 * 20 * US);
	}
}

Test(still, ticker_alone)
{
	struct world g = world();

	wake(&g, 0, 0);
	block(&g, 0, 0, CAUSE_TIMER_SLEEP);
	tick(&g, 0, 0, SECOND, 50 * MS, 20 * US);
	wake(&g, 0, SECOND);
	check_rows(&g, ROW_TIMER, SECOND - 19 * 20 * US);
}

Test(still, timer_that_leads_to_work)
{
	struct world g = world();

	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 0, 0, CAUSE_IO_DISK);
	block(&g, 1, 0, CAUSE_TIMER_SLEEP);
	wake(&g, 1, 50 * MS);
	block(&g, 1, 51 * MS, CAUSE_TIMER_SLEEP); /* 2 % of it: progress */
	wake(&g, 0, 200 * MS);
	cr_assert_eq(row(&g, ROW_TIMER), 50 * MS);
	cr_assert_eq(row(&g, ROW_IO), 149 * MS);
}

Test(still, a_hundredth_is_work)
{
	for (__u64 less = 0; less < 2; less++) {
		struct world g = world();

		wake(&g, 0, 0);
		wake(&g, 1, 0);
		block(&g, 0, 0, CAUSE_IO_DISK);
		block(&g, 1, 0, CAUSE_TIMER_SLEEP);
		wake(&g, 1, 50 * MS);
		block(&g, 1, 50 * MS + 500 * US - less, CAUSE_TIMER_SLEEP);
		wake(&g, 0, 100 * MS);
		cr_assert_eq(row(&g, ROW_TIMER), less ? 0 : 50 * MS);
	}
}

Test(still, work_of_whom_the_ticker_wakes_counts)
{
	struct world g = world();

	for (int i = 0; i < 3; i++)
		wake(&g, i, 0);
	block(&g, 0, 0, CAUSE_IO_DISK);
	block(&g, 1, 0, CAUSE_SYNC_COND);
	block(&g, 2, 0, CAUSE_TIMER_SLEEP);
	wake(&g, 2, 50 * MS);
	wake(&g, 1, 50 * MS + 10 * US);
	block(&g, 2, 50 * MS + 20 * US, CAUSE_TIMER_SLEEP);
	block(&g, 1, 60 * MS, CAUSE_SYNC_COND);
	wake(&g, 0, 100 * MS);
	cr_assert_eq(row(&g, ROW_TIMER), 50 * MS);
	cr_assert_eq(row(&g, ROW_IO), 40 * MS);
}

/* A frame each 16 ms, and one file at the end: its 5 ms are no 10 s of disk. */
Test(still, game_loop_that_reads_once)
{
	struct world g = world();
	__u64 frames = 625, end = frames * 16 * MS;

	wake(&g, 0, 0);
	block(&g, 0, 0, CAUSE_TIMER_SLEEP);
	tick(&g, 0, 0, end, 16 * MS, MS / 10);
	wake(&g, 0, end);
	block(&g, 0, end + MS / 10, CAUSE_IO_DISK);
	wake(&g, 0, end + MS / 10 + 5 * MS);
	cr_assert_eq(row(&g, ROW_IO), 5 * MS);
	cr_assert_eq(row(&g, ROW_TIMER), end - (frames - 1) * (MS / 10));
}

/* The same, but another thread reads, and the frames go on meanwhile. */
Test(still, game_loop_with_a_reader)
{
	struct world g = world();
	__u64 end = 625 * 16 * MS;

	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 1, 0, CAUSE_SYNC_COND);
	block(&g, 0, 0, CAUSE_TIMER_SLEEP);
	tick(&g, 0, 0, end, 16 * MS, MS / 10);
	wake(&g, 0, end);
	wake(&g, 1, end + 10 * US);
	block(&g, 1, end + 20 * US, CAUSE_IO_DISK);
	block(&g, 0, end + 100 * US, CAUSE_TIMER_SLEEP);
	tick(&g, 0, end, end + 40 * MS, 16 * MS, MS / 10);
	wake(&g, 1, end + 40 * MS);
	cr_assert_eq(row(&g, ROW_IO), 40 * MS - 3 * 100 * US);
	cr_assert_eq(row(&g, ROW_SYNC), 0);
	cr_assert_eq(row(&g, ROW_TIMER), end - 624 * (MS / 10));
}

/* What another thread ends tells nothing about the standstills before the last. */
Test(still, dependency_decides_only_about_the_one_that_it_ended)
{
	static const __u32 rows[] = { ROW_SYNC, ROW_CONVOY, ROW_LOCK, ROW_CHILD };

	for (int i = 0; i < 4; i++) {
		struct world g = world();

		wake(&g, 0, 0);
		wake(&g, 1, 0);
		block_for(&g, 1, 0, rows[i]);
		block(&g, 0, 0, CAUSE_TIMER_SLEEP);
		wake(&g, 0, 100 * MS);
		block(&g, 0, 100 * MS + 10 * US, CAUSE_TIMER_SLEEP);
		wake(&g, 1, 130 * MS);
		block_for(&g, 1, 140 * MS, rows[i]);
		cr_assert_eq(row(&g, ROW_TIMER), 100 * MS, "row %u", rows[i]);
		cr_assert_eq(row(&g, rows[i]), 30 * MS - 10 * US, "row %u", rows[i]);
	}
}

Test(still, idle_acceptor)
{
	struct world g = world();

	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 0, 0, CAUSE_EVENT_EPOLL);
	for (__u64 i = 0; i < 10; i++) {
		block(&g, 1, i * 10 * MS, CAUSE_IO_DISK);
		wake(&g, 1, i * 10 * MS + 6 * MS);
	}
	check_rows(&g, ROW_IO, 60 * MS);
}

Test(still, server_that_waits_for_clients)
{
	struct world g = world();

	wake(&g, 0, 0);
	for (__u64 i = 0; i < 10; i++) {
		block(&g, 0, i * 10 * MS, CAUSE_EVENT_EPOLL);
		wake(&g, 0, i * 10 * MS + 6 * MS);
	}
	check_rows(&g, ROW_EVENT, 60 * MS);
}

/* A switch from one thread of the program to the other: the one that comes is counted first. */
Test(still, hand_over_is_none)
{
	struct world g = world();

	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 0, 0, CAUSE_IO_DISK);
	block(&g, 1, 0, CAUSE_TIMER_SLEEP);
	wake(&g, 1, 50 * MS);
	/* The wake-up of 0 was missed: it comes in where 1 goes. */
	move(&g, 0, 50 * MS + 20 * US, POS_RUNNING, ROW_UNKNOWN);
	block(&g, 1, 50 * MS + 20 * US, CAUSE_TIMER_SLEEP);
	cr_assert_eq(g.wall.sums.pending_ns[ROW_TIMER], 50 * MS, "not decided before 0 blocks");
	cr_assert_eq(g.wall.piece_ns, 50 * MS);
	block(&g, 0, 60 * MS, CAUSE_IO_DISK);
	cr_assert_eq(g.wall.sums.row_ns[ROW_TIMER], 50 * MS);
}

/* A ticker of 100 ms, looked at once; then a wait of 30 ms for `late` that leads to work. */
static struct world two_kinds(__u32 early, __u32 late)
{
	struct world g = world();

	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 1, 0, CAUSE_CHILD_WAIT);
	block(&g, 0, 0, early);
	wake(&g, 0, 100 * MS);
	wake(&g, 1, 100 * MS);
	block(&g, 1, 100 * MS, late);
	block(&g, 0, 100 * MS, early);
	wake(&g, 1, 130 * MS);
	block(&g, 1, 140 * MS, late);
	cr_assert_eq(row(&g, row_of_cause(early)) + row(&g, row_of_cause(late)), 130 * MS);
	return g;
}

Test(still, work_does_not_take_what_is_older_than_its_wait)
{
	struct world g = two_kinds(CAUSE_EVENT_EPOLL, CAUSE_TIMER_SLEEP);

	cr_assert_eq(row(&g, ROW_EVENT), 100 * MS);
	cr_assert_eq(row(&g, ROW_TIMER), 30 * MS);
}

/* The same the other way round: the order of the rows' numbers must not matter. */
Test(still, work_does_not_take_what_is_older_in_any_row)
{
	struct world g = two_kinds(CAUSE_TIMER_SLEEP, CAUSE_EVENT_EPOLL);

	cr_assert_eq(row(&g, ROW_TIMER), 100 * MS, "it is %llu", row(&g, ROW_TIMER));
	cr_assert_eq(row(&g, ROW_EVENT), 30 * MS, "it is %llu", row(&g, ROW_EVENT));
}

/* 100 ms of timer, then a disk wait that an event's look of 30 ms cuts: 50 ms of disk. */
static struct world disk_beside_two_kinds(void)
{
	struct world g = world();

	for (int i = 0; i < 3; i++)
		wake(&g, i, 0);
	block(&g, 0, 0, CAUSE_TIMER_SLEEP);
	block(&g, 1, 0, CAUSE_EVENT_EPOLL);
	block(&g, 2, 0, CAUSE_SYNC_COND);
	wake(&g, 0, 100 * MS);
	wake(&g, 2, 100 * MS);
	block(&g, 2, 100 * MS + 10 * US, CAUSE_IO_DISK);
	block(&g, 0, 100 * MS + 20 * US, CAUSE_TIMER_SLEEP);
	wake(&g, 1, 130 * MS + 20 * US);
	block(&g, 1, 130 * MS + 40 * US, CAUSE_EVENT_EPOLL);
	wake(&g, 2, 150 * MS + 40 * US);
	return g;
}

Test(still, disk_gets_what_came_since_its_wait_began)
{
	struct world g = disk_beside_two_kinds();

	cr_assert_eq(row(&g, ROW_IO), 50 * MS);
	cr_assert_eq(row(&g, ROW_TIMER) + row(&g, ROW_EVENT), 100 * MS);
}

Test(still, older_rows_keep_their_own)
{
	struct world g = disk_beside_two_kinds();

	cr_assert_eq(row(&g, ROW_TIMER), 100 * MS, "it is %llu", row(&g, ROW_TIMER));
	cr_assert_eq(row(&g, ROW_EVENT), 0, "it is %llu", row(&g, ROW_EVENT));
}

/* --- a switch-in that was never seen ----------------------------------------- */

/* It ran from `arrived` to `left`, which is only seen now. */
static void missed(struct world *g, int i, __u64 arrived, __u64 left, __u32 cause)
{
	wall_missed(&g->wall, g->who[i].pos, START + arrived, g->who[i].row, g->who[i].mark);
	g->who[i].pos = POS_RUNNING;
	check(&g->wall);
	block(g, i, left, cause);
}

Test(missed, is_made_good_if_nothing_came_between)
{
	struct world g = world();

	wake(&g, 0, 0);
	block(&g, 0, 100, CAUSE_TIMER_SLEEP);
	missed(&g, 0, 300, 500, CAUSE_TIMER_SLEEP);
	cr_assert_eq(g.wall.sums.by_count[1], 100 + 200);
	cr_assert_eq(standstill(&g.wall.sums), 200);
	cr_assert_eq(g.wall.sums.missed_in, 1);
	cr_assert_eq(g.wall.sums.missed_ns, 0);
	cr_assert_eq(row(&g, ROW_TIMER), 200,
		     "its end was not seen, but what it waited for is known");
}

Test(missed, after_its_wakeup)
{
	struct world g = world();

	wake(&g, 0, 0);
	block(&g, 0, 100, CAUSE_IO_DISK);
	move(&g, 0, 250, POS_RUNNABLE, ROW_UNKNOWN);
	missed(&g, 0, 300, 500, CAUSE_IO_DISK);
	cr_assert_eq(g.wall.sums.by_count[1], 100 + 200);
	cr_assert_eq(g.wall.sums.runnable_ns, 50);
	cr_assert_eq(row(&g, ROW_IO), 150);
	cr_assert_eq(g.wall.sums.missed_in, 1);
	cr_assert_eq(g.wall.sums.missed_ns, 0);
}

Test(missed, what_is_older_than_the_last_event_is_counted)
{
	struct world g = world();

	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 0, 100, CAUSE_IO_DISK);
	block(&g, 1, 400, CAUSE_IO_DISK);
	missed(&g, 0, 300, 500, CAUSE_IO_DISK);
	cr_assert_eq(g.wall.sums.missed_in, 1);
	cr_assert_eq(g.wall.sums.missed_ns, 100, "from 300 to 400 two ran");
	cr_assert_eq(g.wall.sums.missed_rows_ns, 0, "and one as it seemed");
	cr_assert_eq(g.wall.sums.by_count[1], 300 + 100);
	cr_assert_eq(g.wall.sums.by_count[2], 100);
	cr_assert_eq(g.wall.running, 0);
}

/* What had ended before is not taken back, but known. */
Test(missed, ran_in_what_was_taken_for_a_standstill)
{
	struct world g = world();

	wake(&g, 0, 0);
	wake(&g, 1, 0);
	block(&g, 0, 100, CAUSE_IO_DISK);
	block(&g, 1, 150, CAUSE_IO_DISK);
	wake(&g, 1, 350);
	block(&g, 1, 400, CAUSE_IO_DISK);
	missed(&g, 0, 300, 500, CAUSE_IO_DISK);
	cr_assert_eq(g.wall.sums.missed_ns, 100, "from 300 to 400 it ran");
	cr_assert_eq(g.wall.sums.missed_rows_ns, 50, "and from 300 to 350 none seemed to");
	cr_assert_eq(standstill(&g.wall.sums), 200);
}

/* Another thread's events had moved the clock on meanwhile. */
Test(missed, ran_alone_in_what_was_taken_for_queueing)
{
	struct world g = world();

	wake(&g, 0, 0);
	move(&g, 0, 100, POS_RUNNABLE, ROW_UNKNOWN);
	wall_advance(&g.wall, START + 900);
	missed(&g, 0, 200, 1000, CAUSE_IO_DISK);
	cr_assert_eq(g.wall.sums.by_count[1], 100 + 800);
	cr_assert_eq(g.wall.sums.runnable_ns, 100);
	cr_assert_eq(g.wall.sums.missed_ns, 0);
}

Test(missed, lock_waiter_is_none_any_more)
{
	struct world g = world();

	wake(&g, 0, 0);
	block(&g, 0, 100, CAUSE_LOCK_MUTEX);
	missed(&g, 0, 300, 500, CAUSE_IO_DISK);
	cr_assert_eq(g.wall.lock_waiters, 0);
	cr_assert_eq(g.wall.running, 0);
}

/* --- n threads on m CPUs, against a slow model that is plainly right -------- */

static void remember(struct history *h, const struct world *g)
{
	struct moment *m = &h->moments[h->n++];

	m->at = g->wall.sums.at;
	for (int i = 0; i < THREADS; i++)
		m->pos[i] = g->who[i].pos;
}

static void compare(const struct history *h, const struct world *g)
{
	struct wall_sums is = {};
	__u64 still = 0;

	integrate(h, g->wall.cpus_allowed, &is, &still);
	is.by_count[1] += h->queued_ns + h->still_ns;
	is.busy_ns += h->queued_ns + h->still_ns;
	is.runnable_ns -= h->queued_ns;
	still -= h->still_ns;
	is.convoy_still_ns -= h->convoy_ns;
	for (int n = 1; n < WALL_COUNTS; n++)
		cr_assert_eq(g->wall.sums.by_count[n], is.by_count[n], "%d running", n);
	cr_assert_eq(g->wall.sums.busy_ns, is.busy_ns);
	cr_assert_eq(g->wall.sums.runnable_ns, is.runnable_ns);
	cr_assert_eq(g->wall.sums.serialised_ns, is.serialised_ns);
	cr_assert_eq(g->wall.sums.convoy_ns, is.convoy_ns);
	cr_assert_eq(g->wall.sums.convoy_still_ns, is.convoy_still_ns);
	cr_assert_eq(standstill(&g->wall.sums), still);
}

/* --- ... and for whose the standstills are: a list of them ------------------ */

struct piece {
	__u64 ns;
	__u32 row; /* of the wait that ended it, then where it went */
	bool settled;
};

struct pieces {
	struct piece list[2 * STEPS];
	int n;
	int began[THREADS]; /* how many there were when this thread's wait began */
	__u64 since, worked;
	__u32 ender_row;
	int ender_began; /* -1: it cannot tick */
};

/* Those that came since go to the row, the older ones stay where they are; all are settled. */
static void settle(struct pieces *p, __u32 row, int began)
{
	for (int i = 0; i < p->n; i++) {
		if (!p->list[i].settled && i >= began)
			p->list[i].row = row;
		p->list[i].settled = true;
	}
}

static bool ticks(__u32 row)
{
	return row == ROW_TIMER || row == ROW_EVENT || row == ROW_SYNC || row == ROW_CONVOY ||
	       row == ROW_TICK;
}

static bool any_open_since(const struct pieces *p, int began)
{
	for (int i = began; i < p->n; i++) {
		if (!p->list[i].settled && p->list[i].ns)
			return true;
	}
	return false;
}

static bool depends(__u32 row)
{
	return row == ROW_SYNC || row == ROW_CONVOY || row == ROW_LOCK || row == ROW_CHILD;
}

static void still_ends(struct pieces *p, __u64 at, __u32 row, int began)
{
	struct piece *last = &p->list[p->n];

	last->ns = at - p->since;
	if (depends(row) || last->ns < HAND_OVER_NS)
		began = p->n;
	last->row = p->ender_row = row;
	last->settled = !ticks(p->ender_row);
	p->ender_began = last->settled ? -1 : began;
	p->worked = 0;
	if (last->settled && any_open_since(p, began))
		settle(p, p->ender_row, began);
	p->n++;
}

static void still_begins(struct pieces *p, __u64 at)
{
	p->since = at;
	if (p->ender_began >= 0 && p->list[p->n - 1].ns && p->worked * 100 >= p->list[p->n - 1].ns)
		settle(p, p->ender_row, p->ender_began);
	p->ender_began = -1;
}

/* mixed: more than one row may tick; then only the rows of the others are compared. */
static void compare_pieces(const struct pieces *p, const struct world *g, bool mixed)
{
	__u64 rows[ROW_COUNT] = {};

	for (int i = 0; i < p->n; i++)
		rows[p->list[i].row] += p->list[i].ns;
	for (int r = 0; r < ROW_COUNT; r++) {
		if (mixed && ticks(r))
			continue;
		cr_assert_eq(row(g, r), rows[r], "row %d: %llu, not %llu", r, row(g, r), rows[r]);
	}
}

struct sim {
	struct world world;
	__u32 real[THREADS]; /* where the threads are, seen or not */
	__u64 arrived[THREADS];
	__u64 missed_in, missed_ns;
	struct history history;
	struct pieces pieces;
	struct rng rng;
	__u64 ns;   /* since START */
	bool lossy; /* switch-ins and wake-ups may go unseen */
	bool mixed; /* not only timers tick */
};

/* Tells the reference whether a standstill has begun or ended, and by the end of which wait. */
static void sim_note(struct sim *s, bool was_busy, __u32 row, int began)
{
	const struct wall *w = &s->world.wall;
	bool is_busy = w->running + w->runnable;

	if (!was_busy && is_busy)
		still_ends(&s->pieces, w->sums.at, row, began);
	else if (was_busy && !is_busy)
		still_begins(&s->pieces, w->sums.at);
}

static void sim_move(struct sim *s, int i, __u32 pos, __u32 row)
{
	struct world *g = &s->world;
	struct who t = g->who[i];
	__u64 last = g->wall.sums.at;
	bool was_busy = g->wall.running + g->wall.runnable, ran = g->wall.running;
	int began = t.pos >= POS_BLOCKED ? s->pieces.began[i] : s->pieces.n;

	move(g, i, s->ns, pos, row);
	if (ran)
		s->pieces.worked += g->wall.sums.at - last;
	sim_note(s, was_busy, t.pos >= POS_BLOCKED ? t.row : ROW_UNKNOWN, began);
	if (pos >= POS_BLOCKED)
		s->pieces.began[i] = s->pieces.n;
	remember(&s->history, g);
}

/* Since it came none seemed to run: so long it was queueing, or a standstill, by mistake. */
static __u64 ran_alone(struct history *h, const struct wall *before, __u64 arrived)
{
	__u64 ns = before->sums.at - arrived;
	__u64 most = before->runnable ? before->queued_ns : before->sums.still_ns;

	if (before->running)
		return 0;
	ns = ns < most ? ns : most;
	if (before->runnable) {
		h->queued_ns += ns;
	} else {
		__u64 left = before->sums.still_ns - ns;

		h->still_ns += ns;
		h->convoy_ns += before->convoy_ns > left ? before->convoy_ns - left : 0;
	}
	return ns;
}

/* As the probe does at the switch-out of a thread that it has not seen coming. */
static void sim_missed(struct sim *s, int i)
{
	struct world *g = &s->world;
	__u64 last = g->wall.sums.at, arrived = START + s->arrived[i];
	bool was_busy = g->wall.running + g->wall.runnable, ran = g->wall.running;
	bool waited = g->who[i].pos >= POS_BLOCKED;
	__u32 row = waited ? g->who[i].row : ROW_UNKNOWN;
	struct piece *piece = s->pieces.n ? &s->pieces.list[s->pieces.n - 1] : NULL;
	struct wall before;

	/* The last standstill ended after it had come: its wait was what ended it. */
	if (waited && piece && piece->settled && piece->ns && arrived < g->wall.piece_at)
		piece->row = s->pieces.ender_row = row;
	before = g->wall;
	wall_missed(&g->wall, g->who[i].pos, arrived, g->who[i].row, g->who[i].mark);
	g->who[i].pos = POS_RUNNING;
	check(&g->wall);
	s->missed_in++;
	s->missed_ns +=
		last > arrived ? last - arrived - ran_alone(&s->history, &before, arrived) : 0;
	if (ran)
		s->pieces.worked += g->wall.sums.at - last;
	sim_note(s, was_busy, row, waited ? s->pieces.began[i] : s->pieces.n);
	remember(&s->history, g);
}

/* A thread leaves the CPU, seen always: for a wait, for the queue, or for good. */
static void sim_leave(struct sim *s, int i)
{
	static const __u32 rows[] = { ROW_TIMER, ROW_TIMER, ROW_IO,    ROW_PEER,  ROW_LOCK,
				      ROW_CHILD, ROW_SYNC,  ROW_EVENT, ROW_EVENT, ROW_CONVOY };
	__u64 die = rng_below(&s->rng, 12);
	__u32 row = rows[rng_below(&s->rng, s->mixed ? 10 : 6)], pos = row_position(row);

	if (die == 0)
		pos = POS_GONE;
	else if (die < 4)
		pos = POS_RUNNABLE;
	if (s->world.who[i].pos != POS_RUNNING)
		sim_missed(s, i);
	s->real[i] = pos;
	sim_move(s, i, pos, row);
}

/* A thread comes to the CPU or into the queue: its event may be missing. */
static void sim_come(struct sim *s, int i, __u32 pos)
{
	s->real[i] = pos;
	s->arrived[i] = s->ns;
	if (!s->lossy || !rng_one_in(&s->rng, 4))
		sim_move(s, i, pos, ROW_UNKNOWN);
}

static int sim_pick(struct sim *s, __u32 first, __u32 last)
{
	int start = rng_below(&s->rng, THREADS);

	for (int k = 0; k < THREADS; k++) {
		int i = (start + k) % THREADS;

		if (s->real[i] >= first && s->real[i] <= last)
			return i;
	}
	return -1;
}

static void sim_time(struct sim *s)
{
	switch (rng_below(&s->rng, 8)) {
	case 0:
		return;
	case 1: /* the clock of another CPU */
		s->ns -= rng_below(&s->rng, s->ns < 500 ? s->ns + 1 : 500);
		return;
	default:
		s->ns += rng_below(&s->rng, 1ULL << rng_below(&s->rng, 28));
	}
}

static void sim_step(struct sim *s, int cpus)
{
	int in = sim_pick(s, POS_RUNNABLE, POS_RUNNABLE), out = sim_pick(s, POS_RUNNING, 1);
	int other = sim_pick(s, POS_BLOCKED, POS_BLOCKED_CONVOY), n = 0;

	for (int i = 0; i < THREADS; i++)
		n += s->real[i] == POS_RUNNING;
	sim_time(s);
	if (rng_one_in(&s->rng, 3)) {
		if (other < 0 || rng_one_in(&s->rng, 6))
			other = sim_pick(s, POS_GONE, POS_GONE);
		if (other >= 0)
			sim_come(s, other, POS_RUNNABLE);
	} else if (in >= 0 && n < cpus && rng_one_in(&s->rng, 2)) {
		sim_come(s, in, POS_RUNNING);
	} else if (out >= 0) {
		/* One switch: next comes first. */
		if (in >= 0 && rng_one_in(&s->rng, 2))
			sim_come(s, in, POS_RUNNING);
		sim_leave(s, out);
	}
}

static struct sim *simulate(int seed, bool lossy, bool mixed)
{
	struct sim *s = calloc(1, sizeof(*s));
	int cpus = 1 + seed % 5;

	s->world = world();
	s->rng = rng_seed(seed);
	s->world.wall.cpus_allowed = cpus;
	s->pieces.since = START;
	s->pieces.ender_began = -1;
	s->lossy = lossy;
	s->mixed = mixed;
	remember(&s->history, &s->world);
	while (s->history.n < 2 * STEPS - 3 * THREADS)
		sim_step(s, cpus);
	return s;
}

Test(simulation, sums_are_those_of_the_history)
{
	for (int seed = 0; seed < 1500; seed++) {
		struct sim *s = simulate(seed, false, seed % 2);

		compare(&s->history, &s->world);
		compare_pieces(&s->pieces, &s->world, seed % 2);
		free(s);
	}
}

Test(simulation, counts_heal_after_missed_events)
{
	for (int seed = 0; seed < 1500; seed++) {
		struct sim *s = simulate(seed, true, seed % 2);
		__u32 count[POS_BLOCKED_CONVOY + 1] = {};

		compare(&s->history, &s->world);
		cr_assert_eq(s->world.wall.sums.missed_in, s->missed_in);
		cr_assert_eq(s->world.wall.sums.missed_ns, s->missed_ns);
		cr_assert_leq(s->world.wall.sums.missed_rows_ns, s->missed_ns);
		/* Each one that runs is seen once more; each that waits gets the CPU, and is. */
		for (int i = 0; i < THREADS; i++) {
			if (s->real[i] != POS_GONE)
				sim_leave(s, i);
			cr_assert_eq(s->world.who[i].pos, s->real[i]);
			count[s->real[i]]++;
		}
		compare(&s->history, &s->world);
		compare_pieces(&s->pieces, &s->world, seed % 2);
		cr_assert_eq(s->world.wall.running, 0);
		cr_assert_eq(s->world.wall.runnable, count[POS_RUNNABLE]);
		cr_assert_eq(s->world.wall.lock_waiters, count[POS_BLOCKED_LOCK]);
		cr_assert_eq(s->world.wall.convoy_waiters, count[POS_BLOCKED_CONVOY]);
		free(s);
	}
}

/* Any thread goes from where it is said to be to anywhere, at any time, for anything. */
Test(property, any_moves_keep_the_sums)
{
	for (int seed = 0; seed < 3000; seed++) {
		struct rng r = rng_seed(seed);
		struct world g = world();
		__u64 ns = 0;

		for (int k = 0; k < 300; k++) {
			int i = rng_below(&r, THREADS);
			__u32 row = rng_one_in(&r, 9) ? rng_next(&r) : rng_below(&r, ROW_COUNT);

			if (rng_one_in(&r, 5))
				ns -= rng_below(&r, ns + 1);
			else
				ns += rng_below(&r, 1ULL << rng_below(&r, 36));
			move(&g, i, ns, rng_below(&r, POS_BLOCKED_CONVOY + 1), row);
			if (rng_one_in(&r, 3))
				wall_queued(&g.wall, rng_below(&r, 5));
			g.who[i].mark -= rng_below(&r, g.who[i].mark + 1) * rng_below(&r, 2);
			cr_assert_leq(g.wall.running + g.wall.runnable, THREADS);
			cr_assert_leq(g.wall.lock_waiters + g.wall.convoy_waiters, THREADS);
		}
	}
}
