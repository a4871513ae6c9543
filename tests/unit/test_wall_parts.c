// SPDX-License-Identifier: BSD-2-Clause
/* What parts of the program's sums are: wall_queued(), and waits in a convoy. See
 * test_wall.c for the sums themselves. */
#include "wall.h"

/* As a switch: thread i comes to a CPU that it was queued for. */
static void arrive(struct world *g, int i, __u64 ns, __u32 behind)
{
	wall_advance(&g->wall, START + ns);
	wall_queued(&g->wall, behind);
	move(g, i, ns, POS_RUNNING, ROW_UNKNOWN);
}

/* --- whose CPU it was ----------------------------------------------------------- */

static const struct {
	__u32 behind;
	__u64 latency, limit; /* of 100 */
} whose[] = {
	{ BEHIND_OTHERS, 0, 0 },  { BEHIND_OWN, 0, 0 }, { BEHIND_IDLE, 100, 0 },
	{ BEHIND_LIMIT, 0, 100 }, { 77, 0, 0 },
};

Test(queued, behind_whom)
{
	for (size_t i = 0; i < sizeof(whose) / sizeof(*whose); i++) {
		struct world g = world();

		move(&g, 0, 0, POS_RUNNABLE, ROW_UNKNOWN);
		arrive(&g, 0, 100, whose[i].behind);
		cr_assert_eq(g.wall.sums.runnable_ns, 100);
		cr_assert_eq(g.wall.sums.latency_ns, whose[i].latency, "%u", whose[i].behind);
		cr_assert_eq(g.wall.sums.limit_ns, whose[i].limit, "%u", whose[i].behind);
		cr_assert_eq(g.wall.queued_ns, 0);
	}
}

/* Each stretch by itself, and nothing while one runs. */
Test(queued, one_after_the_other)
{
	struct world g = world();

	move(&g, 0, 0, POS_RUNNABLE, ROW_UNKNOWN);
	arrive(&g, 0, 100, BEHIND_IDLE);
	move(&g, 1, 100, POS_RUNNABLE, ROW_UNKNOWN);
	arrive(&g, 1, 500, BEHIND_LIMIT);
	cr_assert_eq(g.wall.sums.limit_ns, 0, "thread 0 ran meanwhile");
	move(&g, 0, 600, POS_RUNNABLE, ROW_UNKNOWN);
	move(&g, 1, 600, POS_RUNNABLE, ROW_UNKNOWN);
	arrive(&g, 1, 620, BEHIND_OTHERS);
	move(&g, 1, 700, POS_RUNNABLE, ROW_UNKNOWN);
	arrive(&g, 0, 703, BEHIND_LIMIT);
	cr_assert_eq(g.wall.sums.runnable_ns, 100 + 20 + 3);
	cr_assert_eq(g.wall.sums.latency_ns, 100);
	cr_assert_eq(g.wall.sums.limit_ns, 3);
}

/* Nobody has come to a CPU yet. */
Test(queued, open_at_the_end)
{
	struct world g = world();

	move(&g, 0, 0, POS_RUNNABLE, ROW_UNKNOWN);
	wall_advance(&g.wall, START + 100);
	check(&g.wall);
	cr_assert_eq(g.wall.sums.runnable_ns, 100);
	cr_assert_eq(g.wall.sums.latency_ns + g.wall.sums.limit_ns, 0);
}

/* What wall_woken() finds was queued behind the same. */
Test(queued, with_what_was_hidden)
{
	struct world g = world();

	wake(&g, 0, 0);
	block(&g, 0, 100, CAUSE_IO_DISK);
	wall_advance(&g.wall, START + 500);
	wall_woken(&g.wall, START + 200);
	arrive(&g, 0, 500, BEHIND_IDLE);
	cr_assert_eq(g.wall.sums.runnable_ns, 300);
	cr_assert_eq(g.wall.sums.latency_ns, 300);
	cr_assert_eq(row(&g, ROW_IO), 100);
}

Test(queued, whose_switch_in_was_missed_is_not_known)
{
	struct world g = world();

	move(&g, 0, 0, POS_RUNNABLE, ROW_UNKNOWN);
	wall_missed(&g.wall, POS_RUNNABLE, START + 100, ROW_UNKNOWN, 0);
	g.who[0].pos = POS_RUNNING;
	move(&g, 1, 200, POS_RUNNABLE, ROW_UNKNOWN);
	arrive(&g, 1, 200, BEHIND_IDLE);
	cr_assert_eq(g.wall.sums.runnable_ns, 100);
	cr_assert_eq(g.wall.sums.latency_ns, 0, "behind others, as what is not known");
}

/* --- in a convoy ------------------------------------------------------------------ */

/* Thread 0 runs on one of so many CPUs, 1 waits at `pos`, from 0 to 100. */
static struct world beside(__u32 cpus, __u32 row)
{
	struct world g = world();

	g.wall.cpus_allowed = cpus;
	wake(&g, 0, 0);
	block_for(&g, 1, 0, row);
	wall_advance(&g.wall, START + 100);
	check(&g.wall);
	return g;
}

Test(convoy, only_beside_a_free_cpu)
{
	for (__u32 cpus = 1; cpus < 4; cpus++) {
		struct world g = beside(cpus, ROW_CONVOY);

		cr_assert_eq(g.wall.sums.convoy_ns, cpus > 1 ? 100 : 0, "%u", cpus);
		cr_assert_eq(g.wall.sums.serialised_ns, 0);
		cr_assert_eq(g.wall.sums.convoy_still_ns, 0);
	}
}

Test(convoy, not_while_a_thread_is_queued_for_the_free_cpu)
{
	struct world g = beside(2, ROW_CONVOY);

	move(&g, 2, 100, POS_RUNNABLE, ROW_UNKNOWN);
	wall_advance(&g.wall, START + 150);
	cr_assert_eq(g.wall.sums.convoy_ns, 100);
}

Test(convoy, other_waits_are_none)
{
	for (__u32 r = 0; r < ROW_COUNT; r++) {
		struct world g = beside(2, r);

		cr_assert_eq(g.wall.sums.convoy_ns, r == ROW_CONVOY ? 100 : 0, "row %u", r);
		cr_assert_eq(g.wall.sums.serialised_ns, r == ROW_LOCK ? 100 : 0, "row %u", r);
	}
}

/* A lock that is known to be one takes precedence: no time is in both. */
Test(convoy, beside_a_lock)
{
	struct world g = beside(4, ROW_CONVOY);

	block(&g, 2, 100, CAUSE_LOCK_MUTEX);
	wake(&g, 2, 130);
	wall_advance(&g.wall, START + 180);
	check(&g.wall);
	cr_assert_eq(g.wall.sums.serialised_ns, 30);
	cr_assert_eq(g.wall.sums.convoy_ns, 100 + 50);
}

Test(convoy, standstill)
{
	struct world g = beside(2, ROW_CONVOY);

	block(&g, 0, 100, CAUSE_IO_DISK);
	wall_advance(&g.wall, START + 300);
	check(&g.wall);
	cr_assert_eq(g.wall.sums.convoy_still_ns, 200);
	wake(&g, 0, 300);
	block(&g, 1, 300, CAUSE_IO_DISK);
	block(&g, 0, 400, CAUSE_IO_DISK);
	wall_advance(&g.wall, START + 600);
	cr_assert_eq(g.wall.sums.convoy_still_ns, 200, "nobody is in one any more");
	cr_assert_eq(g.wall.sums.convoy_ns, 100);
}

/* Who is queued does not stand still. */
Test(convoy, queue_is_no_standstill)
{
	struct world g = beside(2, ROW_CONVOY);

	move(&g, 0, 100, POS_RUNNABLE, ROW_UNKNOWN);
	wall_advance(&g.wall, START + 300);
	cr_assert_eq(g.wall.sums.convoy_still_ns, 0);
}

/* As an interpreter's lock: each of two threads computes for 5 ms, hands it over, and
 * waits; the other one is woken before, which nobody looks at. */
Test(convoy, two_threads_and_one_lock)
{
	struct world g = world();

	wake(&g, 0, 0);
	block_for(&g, 1, 0, ROW_CONVOY);
	for (int i = 1; i <= 100; i++) {
		int from = i % 2 ? 0 : 1;
		__u64 ns = i * 5 * MS;

		cr_assert_not(wall_hand_over(&g.wall, POS_BLOCKED_CONVOY, POS_RUNNABLE, START));
		wall_advance(&g.wall, START + ns);
		wall_woken(&g.wall, START + ns - 10 * US);
		arrive(&g, 1 - from, ns, BEHIND_IDLE);
		block_for(&g, from, ns + 10 * US, ROW_CONVOY);
	}
	cr_assert_eq(g.wall.sums.convoy_ns, 500 * MS - 99 * 10 * US);
	cr_assert_eq(g.wall.sums.convoy_still_ns, 0);
	cr_assert_eq(g.wall.sums.by_count[2], 100 * 10 * US);
}

/* The other one is queued behind another program while none runs: that is no wait. */
Test(convoy, standstill_that_was_none)
{
	struct world g = world();

	wake(&g, 0, 0);
	block_for(&g, 1, 0, ROW_CONVOY);
	block_for(&g, 0, 5 * MS, ROW_CONVOY);
	wall_advance(&g.wall, START + 8 * MS);
	wall_woken(&g.wall, START + 5 * MS);
	arrive(&g, 1, 8 * MS, BEHIND_OTHERS);
	cr_assert_eq(g.wall.sums.runnable_ns, 3 * MS);
	cr_assert_eq(g.wall.sums.convoy_still_ns, 0, "%llu ns", g.wall.sums.convoy_still_ns);
}

/* --- for long ----------------------------------------------------------------------- */

/* 64 bits hold 584 years of thread-time: 300 days of 711 threads. */
Test(long, three_hundred_days_of_700_threads)
{
	struct wall w = { .cpus_allowed = 1000 };

	wall_start(&w, START);
	for (int i = 0; i < 700; i++)
		wall_move(&w, POS_GONE, POS_RUNNING, ROW_UNKNOWN, 0);
	for (int day = 1; day <= 300; day++)
		wall_advance(&w, START + day * 86400 * SECOND);
	check(&w);
	cr_assert_eq(w.sums.by_count[WALL_COUNTS - 1], LONG_DAYS);
	cr_assert_eq(w.sums.busy_ns, 700 * LONG_DAYS);
	cr_assert_eq(w.burst_ns, LONG_DAYS);
	cr_assert_lt(w.burst_ns, ~0ULL / TICK_SHARE);
}

Test(long, three_hundred_days_of_each_row)
{
	for (__u32 r = 0; r < ROW_COUNT; r++) {
		struct world g = world();

		wake(&g, 0, 0);
		block_for(&g, 0, 0, r);
		wake(&g, 0, LONG_DAYS);
		block_for(&g, 0, 2 * LONG_DAYS, r);
		check_rows(&g, r == ROW_TICK ? ROW_TIMER : r, LONG_DAYS);
		cr_assert_eq(g.wall.sums.convoy_still_ns, r == ROW_CONVOY ? LONG_DAYS : 0);
	}
}
