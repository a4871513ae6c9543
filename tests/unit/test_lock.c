// SPDX-License-Identifier: BSD-2-Clause
/* What is charged to whom between the events of a lock: the functions that run in the kernel. */
#include <criterion/criterion.h>
#include <string.h>

#include "../bpf/lock.h"

#define A	     ((struct lock_owner){ .id = 1, .number = { 1, 11 }, .how = HOLDER_WORD })
#define B	     ((struct lock_owner){ .id = 2, .number = { 1, 12 }, .how = HOLDER_WOKEN })
#define NOBODY_KNOWN ((struct lock_owner){ 0 })

static struct lock_charge turn(struct lock_state *l, __u64 now, __s32 more, struct lock_owner next,
			       __u64 did_id, struct doing did, struct doing has)
{
	struct lock_charge charge = { 0 };

	lock_turn(l, now, more, &next, did_id, &did, &has, &charge);
	return charge;
}

static const struct doing nothing;

Test(turn, holder_is_charged_for_each_waiter)
{
	struct lock_state l = { 0 };
	struct lock_charge c;

	c = turn(&l, 100, 1, A, 0, nothing, (struct doing){ { 50 } });
	cr_assert_eq(c.ns, 0, "nobody had waited yet");
	c = turn(&l, 130, 1, A, 1, (struct doing){ { 80 } }, (struct doing){ { 80 } });
	cr_assert_eq(c.ns, 30);
	cr_assert_eq(c.doing.ns[DOING_RUNNING], 30);
	c = turn(&l, 150, -1, B, 1, (struct doing){ { 85, 0, 15 } }, nothing);
	cr_assert_eq(c.ns, 40, "two waited for 20");
	cr_assert_eq(c.doing.ns[DOING_RUNNING], 10);
	cr_assert_eq(c.doing.ns[DOING_IO], 30);
	cr_assert_eq(l.any_ns, 50);
	cr_assert_eq(l.owned_ns, 50);
	cr_assert_eq(l.waiters, 1);
	cr_assert_eq(l.owner.id, 2);
}

Test(turn, unknown_holder_is_charged_nothing)
{
	struct lock_state l = { 0 };
	struct lock_charge c;

	turn(&l, 100, 1, NOBODY_KNOWN, 0, nothing, nothing);
	c = turn(&l, 200, -1, NOBODY_KNOWN, 0, nothing, nothing);
	cr_assert_eq(c.ns, 0);
	cr_assert_eq(l.any_ns, 100, "somebody waited all the same");
	cr_assert_eq(l.owned_ns, 0);
}

/* Between the look at the holder and the lock's own guard it may have become another. */
Test(turn, what_another_did_is_not_taken_for_the_holders)
{
	struct lock_state l = { 0 };
	struct lock_charge c;

	turn(&l, 100, 1, A, 0, nothing, nothing);
	c = turn(&l, 200, -1, B, 2, (struct doing){ { 100 } }, nothing);
	cr_assert_eq(c.ns, 100);
	for (int i = 0; i < DOING_COUNT; i++)
		cr_assert_eq(c.doing.ns[i], 0);
}

Test(turn, nobody_waits_nothing_is_charged)
{
	struct lock_state l = { 0 };
	struct lock_charge c;

	turn(&l, 100, 1, A, 0, nothing, nothing);
	turn(&l, 110, -1, A, 1, (struct doing){ { 10 } }, (struct doing){ { 10 } });
	c = turn(&l, 500, 1, A, 1, (struct doing){ { 400 } }, (struct doing){ { 400 } });
	cr_assert_eq(c.ns, 0);
	cr_assert_eq(l.any_ns, 10);
}

/* Events of several CPUs may come out of order by microseconds. */
Test(turn, time_does_not_go_back)
{
	struct lock_state l = { 0 };
	struct lock_charge c;

	turn(&l, 100, 1, A, 0, nothing, nothing);
	turn(&l, 150, 1, A, 1, (struct doing){ { 50 } }, (struct doing){ { 50 } });
	c = turn(&l, 140, -1, A, 1, (struct doing){ { 45 } }, (struct doing){ { 45 } });
	cr_assert_eq(c.ns, 0);
	cr_assert_eq(c.doing.ns[DOING_RUNNING], 0, "nor does what it did");
	cr_assert_eq(l.at, 150);
	cr_assert_eq(l.any_ns, 50);
}

/* Stamps of several clocks may overlap: no more than the time itself was done in it. */
Test(turn, doing_is_no_more_than_the_time)
{
	struct lock_state l = { 0 };
	struct lock_charge c;

	turn(&l, 100, 1, A, 0, nothing, nothing);
	c = turn(&l, 200, -1, A, 1,
		 (struct doing){ { [DOING_RUNNING] = 60, [DOING_QUEUED] = 30, [DOING_IO] = 50 } },
		 nothing);
	cr_assert_eq(c.doing.ns[DOING_QUEUED], 0, "the least sure part gives way first");
	cr_assert_eq(c.doing.ns[DOING_IO], 40 + 0);
	cr_assert_eq(c.doing.ns[DOING_RUNNING], 60);
}

Test(late, counts_only_while_nobody_else_waits)
{
	struct lock_state l = { 0 };

	turn(&l, 100, 1, A, 0, nothing, nothing);
	turn(&l, 150, -1, A, 0, nothing, nothing);
	lock_late(&l, 150, 170);
	cr_assert_eq(l.any_ns, 70);
	turn(&l, 200, 1, A, 0, nothing, nothing);
	lock_late(&l, 150, 230);
	cr_assert_eq(l.any_ns, 70, "another waits: its time counts anyway");
	turn(&l, 250, -1, A, 0, nothing, nothing);
	cr_assert_eq(l.any_ns, 120);
}

/* A thread that has run from 100 on, was blocked from 150 to 180, queued to 190, and runs. */
static struct track running_since_190(void)
{
	struct track t = { .last_out = 150, .off = OFF_BLOCKED, .row = ROW_IO };

	t.ledger.state_ns[TS_RUNNING] = 50;
	return t;
}

Test(doing, of_one_that_runs)
{
	struct track t = running_since_190();
	struct lock_stand s = { .now = 230, .arrived = 190, .delay = 10 };
	struct doing d;

	doing_so_far(&d, &t, &s);
	cr_assert_eq(d.ns[DOING_RUNNING], 90);
	cr_assert_eq(d.ns[DOING_QUEUED], 10);
	cr_assert_eq(d.ns[DOING_IO], 30);
}

Test(doing, of_one_that_is_blocked)
{
	struct track t = running_since_190();
	struct lock_stand s = { .now = 175 };
	struct doing d;

	doing_so_far(&d, &t, &s);
	cr_assert_eq(d.ns[DOING_RUNNING], 50);
	cr_assert_eq(d.ns[DOING_IO], 25);
	cr_assert_eq(d.ns[DOING_QUEUED], 0);
}

Test(doing, of_one_that_was_preempted)
{
	struct track t = running_since_190();
	struct lock_stand s = { .now = 175, .delay = 3 };
	struct doing d;

	t.off = OFF_PREEMPTED;
	doing_so_far(&d, &t, &s);
	cr_assert_eq(d.ns[DOING_QUEUED], 25, "all of it, whatever run_delay has by now");
	cr_assert_eq(d.ns[DOING_IO], 0);
}

Test(doing, rows_fall_into_kinds)
{
	cr_assert_eq(doing_of_row(ROW_PEER), DOING_IO);
	cr_assert_eq(doing_of_row(ROW_FAULT), DOING_IO);
	cr_assert_eq(doing_of_row(ROW_TICK), DOING_SLEEP);
	cr_assert_eq(doing_of_row(ROW_CONVOY), DOING_LOCK);
	cr_assert_eq(doing_of_row(ROW_SYNC), DOING_OTHER);
	cr_assert_eq(doing_of_row(ROW_UNKNOWN), DOING_OTHER);
}

Test(bucket, by_powers_of_two)
{
	cr_assert_eq(lock_bucket(0), 0);
	cr_assert_eq(lock_bucket(1023), 0);
	cr_assert_eq(lock_bucket(1024), 1);
	cr_assert_eq(lock_bucket(2047), 1);
	cr_assert_eq(lock_bucket(2048), 2);
	cr_assert_eq(lock_bucket(1ull << 30), 21);
	cr_assert_eq(lock_bucket(~0ull), LOCK_BUCKETS - 1);
}
