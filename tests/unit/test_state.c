// SPDX-License-Identifier: BSD-2-Clause
/* track_*() of bpf/track.h: the ledger of one thread. See test_train.c for track_train(),
 * test_wall.c for wall_*(). */
#include <criterion/criterion.h>
#include <string.h>

#include "bpf/state.h"
#include "random.h"

#define MS 1000000ULL

/* Causes' time, and that of the rows, is what is blocked, and what is unknown but for `gap_ns`: the time around
 * switch-outs that were not seen, which is no wait. */
static void check(const struct track *t, __u64 gap_ns)
{
	const struct ledger *l = &t->ledger;
	__u64 states = 0, causes = 0, counts = 0, rows = 0;

	for (int i = 0; i < TS_COUNT; i++)
		states += l->state_ns[i];
	for (int i = 0; i < ROW_COUNT; i++)
		rows += l->row_ns[i];
	for (int i = 0; i < CAUSE_COUNT; i++) {
		causes += l->cause[i].ns;
		counts += l->cause[i].count;
		cr_assert_leq(l->cause[i].max_ns, l->cause[i].ns);
	}
	cr_assert_geq(l->end_at, l->start_at);
	cr_assert_eq(states, l->end_at - l->start_at, "states %llu, lifetime %llu", states,
		     l->end_at - l->start_at);
	cr_assert_eq(causes + gap_ns, l->state_ns[TS_BLOCKED] + l->state_ns[TS_UNKNOWN]);
	cr_assert_eq(l->cause[CAUSE_UNKNOWN].ns + gap_ns, l->state_ns[TS_UNKNOWN]);
	cr_assert_eq(rows, causes);
	cr_assert_leq(l->queued_own_ns + l->queued_idle_ns,
		      l->state_ns[TS_WOKEN] + l->state_ns[TS_PREEMPTED]);
	cr_assert_eq(counts, l->blocks);
	cr_assert_leq(l->yields, l->switches);
	cr_assert_leq(l->blocks, l->switches);
	cr_assert_leq(l->preempts, l->switches);
	cr_assert_leq(l->preempted_run_ns, l->state_ns[TS_RUNNING]);
	cr_assert_leq(l->longest_run_ns, l->state_ns[TS_RUNNING]);
}

/* A thread that was queued at 1000 for 100, ran for 400, and left the CPU at 1500. */
static struct track departed(__u32 off, __u32 cause)
{
	struct departure d = { .now = 1500, .arrived = 1100, .run_delay = 100 };
	struct track t = { .behind_ns = ~0ULL };

	d.off = off;
	d.cause = cause;
	d.row = row_of_cause(cause);
	track_depart(&t, &d);
	check(&t, 0);
	return t;
}

/* It comes back at `arrived` after being queued for `delay`, and runs until `now`. */
static void come_back(struct track *t, __u64 arrived, __u64 delay, __u64 now)
{
	struct departure d = { .now = now, .arrived = arrived, .off = OFF_PREEMPTED };

	d.run_delay = t->run_delay + delay;
	track_depart(t, &d);
}

Test(track, first_departure_starts_life_at_its_wakeup)
{
	struct track t = departed(OFF_BLOCKED, CAUSE_IO_PIPE);

	cr_assert_eq(t.ledger.start_at, 1000);
	cr_assert_eq(t.ledger.end_at, 1500);
	cr_assert_eq(t.ledger.state_ns[TS_WOKEN], 100);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], 400);
	cr_assert_eq(t.ledger.switches, 1);
	cr_assert_eq(t.ledger.blocks, 1);
	cr_assert_eq(t.ledger.cause[CAUSE_IO_PIPE].count, 1);
	cr_assert_eq(t.ledger.cause[CAUSE_IO_PIPE].ns, 0);
}

Test(track, first_departure_leaves_out_the_delay_before)
{
	/* A forked thread inherits nothing, but its base need not be zero. */
	struct departure d = { .now = 1500, .arrived = 1100, .run_delay = 700, .off = OFF_YIELDED };
	struct track t = { .run_delay = 600 };

	track_depart(&t, &d);
	check(&t, 0);
	cr_assert_eq(t.ledger.start_at, 1000);
	cr_assert_eq(t.ledger.state_ns[TS_WOKEN], 100);
	cr_assert_eq(t.ledger.yields, 1);
}

Test(track, blocked_splits_at_the_wakeup)
{
	struct track t = departed(OFF_BLOCKED, CAUSE_LOCK_MUTEX);

	come_back(&t, 2500, 300, 2600);
	check(&t, 0);
	cr_assert_eq(t.ledger.state_ns[TS_WOKEN], 400);
	cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], 700);
	cr_assert_eq(t.ledger.cause[CAUSE_LOCK_MUTEX].ns, 700);
	cr_assert_eq(t.ledger.cause[CAUSE_LOCK_MUTEX].max_ns, 700);
	cr_assert_eq(t.ledger.cause[CAUSE_LOCK_MUTEX].count, 1);
	cr_assert_eq(t.ledger.row_ns[ROW_LOCK], 700);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], 500);
	cr_assert_eq(t.ledger.state_ns[TS_PREEMPTED], 0);
}

static const struct {
	__u32 off;
	int state; /* that all its time off the CPU goes to */
} plain[] = {
	{ OFF_NEW, TS_WOKEN },
	{ OFF_PREEMPTED, TS_PREEMPTED },
	{ OFF_YIELDED, TS_YIELDED },
};

Test(track, queued_all_the_time)
{
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct track t = departed(plain[i].off, 0);
		__u64 before = t.ledger.state_ns[plain[i].state];

		/* Whatever the kernel's run_delay says: half, all, or more than there is. */
		come_back(&t, 2500, 500 * i, 2600);
		check(&t, 0);
		cr_assert_eq(t.ledger.state_ns[plain[i].state] - before, 1000);
		cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], 0);
		cr_assert_eq(t.ledger.blocks, 0);
		cr_assert_eq(t.ledger.yields, plain[i].off == OFF_YIELDED);
	}
}

Test(track, throttled_is_blocked_though_the_kernel_calls_it_queued)
{
	struct track t = departed(OFF_THROTTLED, CAUSE_KERNEL_THROTTLE);

	come_back(&t, 2500, 1000, 2600);
	check(&t, 0);
	cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], 1000);
	cr_assert_eq(t.ledger.cause[CAUSE_KERNEL_THROTTLE].ns, 1000);
	cr_assert_eq(t.ledger.state_ns[TS_PREEMPTED], 0);
}

/* The row is what the wait is for, whatever it waits in: decided when it ends. */
Test(track, row_may_change_while_it_waits)
{
	struct track t = departed(OFF_BLOCKED, CAUSE_EVENT_EPOLL);

	t.row = ROW_PEER;
	come_back(&t, 2500, 300, 2600);
	check(&t, 0);
	cr_assert_eq(t.ledger.row_ns[ROW_PEER], 700);
	cr_assert_eq(t.ledger.row_ns[ROW_EVENT], 0);
	cr_assert_eq(t.ledger.cause[CAUSE_EVENT_EPOLL].ns, 700);
}

Test(track, row_out_of_range_is_unknown)
{
	static const __u32 rows[] = { ROW_COUNT, ROW_MASK, ROW_MASK + 1, 0xffffffff };

	for (int i = 0; i < 4; i++) {
		struct track t = departed(OFF_BLOCKED, CAUSE_IO_DISK);

		t.row = rows[i];
		come_back(&t, 2500, 0, 2600);
		check(&t, 0);
		cr_assert_eq(t.ledger.row_ns[ROW_UNKNOWN], 1000);
		cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], 1000, "its cause is known");
	}
}

/* --- queued: behind whom ----------------------------------------------------- */

static const struct {
	__u32 off;
	__u64 queued; /* of 1000 off the CPU, 300 of them in the kernel's queue */
} queues[] = {
	{ OFF_NEW, 1000 },  { OFF_BLOCKED, 300 }, { OFF_PREEMPTED, 1000 },
	{ OFF_YIELDED, 0 }, { OFF_THROTTLED, 0 },
};

/* It is queued behind `behind`, with behind_ns of ns. */
static void check_behind(__u32 off, __u32 behind, __u64 ns, __u64 own, __u64 idle)
{
	struct track t = departed(off, off == OFF_THROTTLED ? CAUSE_KERNEL_THROTTLE : 0);

	t.behind = behind;
	t.behind_ns = ns;
	come_back(&t, 2500, 300, 2600);
	check(&t, 0);
	cr_assert_eq(t.ledger.queued_own_ns, own, "%u behind %u: %llu", off, behind,
		     t.ledger.queued_own_ns);
	cr_assert_eq(t.ledger.queued_idle_ns, idle, "%u behind %u", off, behind);
	cr_assert_eq(t.behind, BEHIND_UNKNOWN, "known anew for each time");
}

Test(queued, behind_whom)
{
	for (size_t i = 0; i < sizeof(queues) / sizeof(*queues); i++) {
		__u32 off = queues[i].off;
		__u64 all = queues[i].queued;

		check_behind(off, BEHIND_OWN, ~0ULL, all, 0);
		check_behind(off, BEHIND_IDLE, ~0ULL, 0, all);
		check_behind(off, BEHIND_OTHERS, ~0ULL, 0, 0);
		check_behind(off, BEHIND_LIMIT, ~0ULL, 0, 0);
		check_behind(off, 77, ~0ULL, 0, 0);
	}
}

/* First behind its own, then behind others; or the other way round. */
Test(queued, behind_one_and_then_the_other)
{
	for (size_t i = 0; i < sizeof(queues) / sizeof(*queues); i++) {
		__u64 all = queues[i].queued, part = all ? 200 : 0;

		check_behind(queues[i].off, BEHIND_OWN, 200, part, 0);
		check_behind(queues[i].off, BEHIND_OTHERS, 200, all - part, 0);
		check_behind(queues[i].off, BEHIND_OWN, 0, 0, 0);
		check_behind(queues[i].off, BEHIND_OTHERS, 0, all, 0);
		check_behind(queues[i].off, BEHIND_IDLE, 200, 0, all);
	}
}

/* The switch-in before the first switch-out. */
Test(queued, first_time)
{
	struct departure d = { .now = 1500, .arrived = 1100, .run_delay = 100 };
	struct track t = { .behind = BEHIND_OWN, .behind_ns = ~0ULL };

	d.off = OFF_PREEMPTED;
	track_depart(&t, &d);
	check(&t, 0);
	cr_assert_eq(t.ledger.queued_own_ns, 100);
}

Test(queued, not_what_is_not_known)
{
	struct departure d = { .now = 2600, .arrived = 2500, .run_delay = 900, .unseen = 1 };
	struct track t = departed(OFF_PREEMPTED, 0);

	t.behind = BEHIND_OWN;
	t.behind_ns = ~0ULL;
	track_depart(&t, &d);
	check(&t, 1000);
	cr_assert_eq(t.ledger.queued_own_ns, 0);
}

/* Nobody has taken over from anybody yet. */
Test(queued, still_at_the_end)
{
	struct standing s = { .end = 4000 };
	struct track t = departed(OFF_PREEMPTED, 0);

	track_finish(&t, &s);
	check(&t, 0);
	cr_assert_eq(t.ledger.state_ns[TS_PREEMPTED], 2500);
	cr_assert_eq(t.ledger.queued_own_ns + t.ledger.queued_idle_ns, 0);
}

Test(queued, running_at_the_end)
{
	struct standing s = { .end = 4000, .arrived_at = 2500 };
	struct track t = departed(OFF_PREEMPTED, 0);

	t.behind = BEHIND_OWN;
	t.behind_ns = ~0ULL;
	track_finish(&t, &s);
	check(&t, 0);
	cr_assert_eq(t.ledger.queued_own_ns, 1000);
}

/* A thread that has not come to a CPU yet, or was not seen to, is behind nobody known. */
Test(queued, before_the_first_switch_in)
{
	struct departure d = { .now = 1500, .arrived = 1100, .run_delay = 100 };
	struct standing s = { .end = 4000, .queued_at = 3000 };
	struct track unseen = {}, created = {};

	d.off = OFF_PREEMPTED;
	track_depart(&unseen, &d);
	check(&unseen, 0);
	cr_assert_eq(unseen.ledger.queued_own_ns, 0);
	track_finish(&created, &s);
	check(&created, 0);
	cr_assert_eq(created.ledger.queued_own_ns, 0);
}

/* --- one after the other ----------------------------------------------------- */

Test(track, longest_wait)
{
	static const __u64 waits[] = { 30, 500, 40 };
	struct track t = departed(OFF_BLOCKED, CAUSE_IO_DISK);

	for (int i = 0; i < 3; i++) {
		struct departure d = { .off = OFF_BLOCKED, .cause = CAUSE_IO_DISK };

		d.arrived = t.last_out + waits[i];
		d.now = d.arrived + 7;
		d.run_delay = t.run_delay;
		track_depart(&t, &d);
	}
	check(&t, 0);
	cr_assert_eq(t.ledger.cause[CAUSE_IO_DISK].ns, 570);
	cr_assert_eq(t.ledger.cause[CAUSE_IO_DISK].max_ns, 500);
	cr_assert_eq(t.ledger.cause[CAUSE_IO_DISK].count, 4);
	cr_assert_eq(t.ledger.blocks, 4);
}

Test(track, held_command_begins_at_its_release)
{
	struct departure d = { .now = 5400, .arrived = 5000, .run_delay = 900 };
	struct track t = { .last_out = 5000, .run_delay = 900, .ledger.start_at = 5000 };

	d.off = OFF_BLOCKED;
	d.cause = CAUSE_IO_DISK;
	track_depart(&t, &d);
	check(&t, 0);
	cr_assert_eq(t.ledger.start_at, 5000);
	cr_assert_eq(t.ledger.state_ns[TS_WOKEN], 0);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], 400);
}

Test(track, arrival_before_the_last_switch_out_moves_to_it)
{
	struct track t = departed(OFF_BLOCKED, CAUSE_IO_PIPE);

	come_back(&t, 1400, 300, 1900);
	check(&t, 0);
	cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], 0);
	cr_assert_eq(t.ledger.state_ns[TS_WOKEN], 100);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], 800);
}

Test(track, departure_before_its_arrival_moves_to_it)
{
	struct track t = departed(OFF_BLOCKED, CAUSE_IO_PIPE);

	come_back(&t, 2500, 0, 2400);
	check(&t, 0);
	cr_assert_eq(t.ledger.end_at, 2500);
	cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], 1000);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], 400);
}

Test(track, both_stamps_before_the_last_switch_out)
{
	struct track t = departed(OFF_BLOCKED, CAUSE_IO_PIPE);

	come_back(&t, 200, 0, 300);
	check(&t, 0);
	cr_assert_eq(t.ledger.end_at, 1500);
	cr_assert_eq(t.last_out, 1500);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], 400);
}

Test(track, delay_longer_than_the_time_off)
{
	struct track t = departed(OFF_BLOCKED, CAUSE_IO_PIPE);

	come_back(&t, 2500, 5000, 2600);
	check(&t, 0);
	cr_assert_eq(t.ledger.state_ns[TS_WOKEN], 1100);
	cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], 0);
}

Test(track, delay_that_shrinks)
{
	struct track t = departed(OFF_BLOCKED, CAUSE_IO_PIPE);

	come_back(&t, 2500, (__u64)-50, 2600);
	check(&t, 0);
	cr_assert_eq(t.ledger.end_at, 2600);
}

/* More delay than the clock has run: the life cannot begin before the clock did, nor, by
 * wrapping, after the thread's own departure. */
Test(track, first_departure_with_more_delay_than_time)
{
	struct departure d = { .now = 1500, .arrived = 1100, .run_delay = 2000 };
	struct track t = {};

	d.off = OFF_PREEMPTED;
	track_depart(&t, &d);
	check(&t, 0);
	cr_assert_leq(t.ledger.start_at, 1100, "starts at %llu", t.ledger.start_at);
	come_back(&t, 2500, 0, 2600);
	check(&t, 0);
	cr_assert_eq(t.ledger.end_at, 2600);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], 500);
}

/* A life that begins at instant 0 must not begin once more. */
Test(track, first_departure_with_delay_since_the_clock_began)
{
	struct departure d = { .now = 1500, .arrived = 1100, .run_delay = 1100 };
	struct track t = {};

	d.off = OFF_PREEMPTED;
	track_depart(&t, &d);
	come_back(&t, 2500, 1000, 2600);
	check(&t, 0);
}

Test(track, unseen_switches_make_the_gap_unknown)
{
	struct departure d = { .now = 2600, .arrived = 2500, .run_delay = 150, .unseen = 3 };
	struct track t = departed(OFF_BLOCKED, CAUSE_IO_PIPE);

	d.off = OFF_BLOCKED;
	d.cause = CAUSE_IO_DISK;
	track_depart(&t, &d);
	check(&t, 1000);
	cr_assert_eq(t.ledger.state_ns[TS_UNKNOWN], 1000);
	cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], 0);
	cr_assert_eq(t.ledger.state_ns[TS_WOKEN], 100);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], 500);
	cr_assert_eq(t.ledger.cause[CAUSE_IO_PIPE].ns, 0);
	come_back(&t, 3000, 0, 3000);
	check(&t, 1000);
	cr_assert_eq(t.ledger.cause[CAUSE_IO_DISK].ns, 400, "the next wait is known again");
}

Test(track, unknown_cause_is_the_state_unknown)
{
	struct track t = departed(OFF_BLOCKED, CAUSE_UNKNOWN);

	come_back(&t, 2500, 300, 2600);
	check(&t, 0);
	cr_assert_eq(t.ledger.state_ns[TS_UNKNOWN], 700);
	cr_assert_eq(t.ledger.state_ns[TS_WOKEN], 400);
	cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], 0);
	cr_assert_eq(t.ledger.cause[CAUSE_UNKNOWN].ns, 700);
	cr_assert_eq(t.ledger.cause[CAUSE_UNKNOWN].count, 1);
	cr_assert_eq(t.ledger.blocks, 1);
}

Test(track, cause_out_of_range_is_unknown)
{
	static const __u32 causes[] = { CAUSE_COUNT, CAUSE_COUNT + 1, 0x7fffffff, 0xffffffff };

	for (int i = 0; i < 4; i++) {
		struct track t = departed(OFF_BLOCKED, causes[i]);

		come_back(&t, 2500, 0, 2600);
		check(&t, 0);
		cr_assert_eq(t.ledger.state_ns[TS_UNKNOWN], 1000);
		cr_assert_eq(t.ledger.cause[CAUSE_UNKNOWN].ns, 1000);
	}
}

Test(track, off_kind_out_of_range_keeps_the_sums)
{
	struct track t = departed(77, CAUSE_IO_PIPE);

	come_back(&t, 2500, 300, 2600);
	check(&t, 0);
	cr_assert_eq(t.ledger.end_at, 2600);
}

Test(track, stolen_time_adds_up)
{
	struct departure d = { .now = 2600, .arrived = 2500, .run_delay = 100, .stolen = 30 };
	struct track t = departed(OFF_PREEMPTED, 0);

	track_depart(&t, &d);
	d.arrived = 2700;
	d.now = 2800;
	d.stolen = 12;
	track_depart(&t, &d);
	check(&t, 0);
	cr_assert_eq(t.ledger.stolen_ns, 42);
	cr_assert_eq(t.ledger.switches, 3);
}

Test(track, zero_length)
{
	struct departure d = { .now = 1000, .arrived = 1000, .off = OFF_BLOCKED };
	struct track t = {};

	for (int i = 0; i < 3; i++)
		track_depart(&t, &d);
	check(&t, 0);
	cr_assert_eq(t.ledger.start_at, 1000);
	cr_assert_eq(t.ledger.end_at, 1000);
	cr_assert_eq(t.ledger.switches, 3);
}

Test(track, three_hundred_days)
{
	__u64 days = 300ULL * 86400 * 1000 * MS;
	struct track t = departed(OFF_BLOCKED, CAUSE_EVENT_EPOLL);

	come_back(&t, 1500 + days, 0, 1500 + 2 * days);
	check(&t, 0);
	cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], days);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], days + 400);
	cr_assert_eq(t.ledger.cause[CAUSE_EVENT_EPOLL].max_ns, days);
}

/* Doing it twice adds nothing: the iterator may come to a thread again. */
static void finish_twice(struct track *t, const struct standing *s)
{
	struct track once;

	track_finish(t, s);
	once = *t;
	track_finish(t, s);
	cr_assert(!memcmp(&once, t, sizeof(once)), "the second time added something");
	check(t, 0);
	cr_assert_eq(t->ledger.end_at, s->end);
}

Test(finish, running)
{
	struct standing s = { .end = 4000, .queued_at = 2300, .arrived_at = 2500 };
	struct track t = departed(OFF_BLOCKED, CAUSE_IO_PIPE);

	finish_twice(&t, &s);
	cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], 800);
	cr_assert_eq(t.ledger.state_ns[TS_WOKEN], 300);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], 1900);
	cr_assert_eq(t.ledger.switches, 1);
	cr_assert_eq(t.ledger.cause[CAUSE_IO_PIPE].count, 1);
}

Test(finish, queued)
{
	struct standing s = { .end = 4000, .queued_at = 3900 };
	struct track t = departed(OFF_BLOCKED, CAUSE_IO_PIPE);

	finish_twice(&t, &s);
	cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], 2400);
	cr_assert_eq(t.ledger.state_ns[TS_WOKEN], 200);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], 400);
}

Test(finish, blocked)
{
	struct standing s = { .end = 4000 };
	struct track t = departed(OFF_BLOCKED, CAUSE_LOCK_MUTEX);

	finish_twice(&t, &s);
	cr_assert_eq(t.ledger.state_ns[TS_BLOCKED], 2500, "an open wait counts up to the end");
	cr_assert_eq(t.ledger.cause[CAUSE_LOCK_MUTEX].ns, 2500);
	cr_assert_eq(t.ledger.cause[CAUSE_LOCK_MUTEX].max_ns, 2500);
	cr_assert_eq(t.ledger.cause[CAUSE_LOCK_MUTEX].count, 1);
}

Test(finish, preempted_and_yielded_and_throttled)
{
	static const __u32 kinds[] = { OFF_PREEMPTED, OFF_YIELDED, OFF_THROTTLED };
	static const int states[] = { TS_PREEMPTED, TS_YIELDED, TS_BLOCKED };

	for (int i = 0; i < 3; i++) {
		struct standing s = { .end = 4000 };
		struct track t = departed(kinds[i], CAUSE_KERNEL_THROTTLE);

		finish_twice(&t, &s);
		cr_assert_eq(t.ledger.state_ns[states[i]], 2500);
	}
}

Test(finish, never_run)
{
	struct standing s = { .end = 4000, .queued_at = 3000 };
	struct track t = {};

	finish_twice(&t, &s);
	cr_assert_eq(t.ledger.start_at, 3000);
	cr_assert_eq(t.ledger.state_ns[TS_WOKEN], 1000);
	cr_assert_eq(t.ledger.switches, 0);
}

Test(finish, first_run_is_open)
{
	struct standing s = { .end = 4000, .queued_at = 3000, .arrived_at = 3100 };
	struct track t = {};

	finish_twice(&t, &s);
	cr_assert_eq(t.ledger.state_ns[TS_WOKEN], 100);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], 900);
}

Test(finish, created_after_the_end)
{
	struct standing s = { .end = 4000, .queued_at = 4100 };
	struct track t = {};

	finish_twice(&t, &s);
	cr_assert_eq(t.ledger.start_at, 4000);
}

Test(finish, held_command_still_running)
{
	struct standing s = { .end = 6000, .arrived_at = 5000 };
	struct track t = { .last_out = 5000, .ledger.start_at = 5000 };

	finish_twice(&t, &s);
	cr_assert_eq(t.ledger.state_ns[TS_RUNNING], 1000);
}

Test(finish, before_the_last_switch_out)
{
	struct standing s = { .end = 1200, .queued_at = 1100, .arrived_at = 1150 };
	struct track t = departed(OFF_BLOCKED, CAUSE_IO_PIPE);

	track_finish(&t, &s);
	check(&t, 0);
	cr_assert_eq(t.ledger.end_at, 1500);
}

Test(finish, stamps_outside_the_open_interval)
{
	struct standing late = { .end = 4000, .queued_at = 9000, .arrived_at = 9500 };
	struct standing early = { .end = 4000, .queued_at = 10, .arrived_at = 20 };
	struct standing crossed = { .end = 4000, .queued_at = 3500, .arrived_at = 3000 };
	struct track a = departed(OFF_BLOCKED, CAUSE_IO_PIPE), b = a, c = a;

	finish_twice(&a, &late);
	cr_assert_eq(a.ledger.state_ns[TS_BLOCKED], 2500);
	finish_twice(&b, &early);
	cr_assert_eq(b.ledger.state_ns[TS_RUNNING], 2900);
	finish_twice(&c, &crossed);
	cr_assert_eq(c.ledger.state_ns[TS_BLOCKED], 1500);
	cr_assert_eq(c.ledger.state_ns[TS_RUNNING], 1400);
}

/* --- lives that make sense, told as the kernel does, against the truth ----- */

struct life {
	struct track track;
	struct rng rng;
	__u64 now, run_delay, gap_ns;
	__u64 truth[TS_COUNT];
	__u64 cause_ns[CAUSE_COUNT], cause_max[CAUSE_COUNT];
	__u32 cause_count[CAUSE_COUNT];
	__u64 row_ns[ROW_COUNT];
	__u64 behind_ns[BEHIND_LIMIT + 1];
	__u64 switches;
	__u32 off, cause, row;
};

static __u64 some_time(struct rng *r)
{
	return rng_below(r, 1ULL << rng_below(r, 40));
}

static void wait_for(struct life *l, __u64 ns)
{
	l->truth[l->cause == CAUSE_UNKNOWN ? TS_UNKNOWN : TS_BLOCKED] += ns;
	l->cause_ns[l->cause] += ns;
	l->row_ns[l->row] += ns;
	if (ns > l->cause_max[l->cause])
		l->cause_max[l->cause] = ns;
	l->now += ns;
}

/* Others and then its own, its own and then others, or all behind one. */
static void be_behind(struct life *l, __u64 ns)
{
	__u64 part = l->track.behind_ns < ns ? l->track.behind_ns : ns;

	switch (l->track.behind) {
	case BEHIND_OWN:
	case BEHIND_OTHERS:
		l->behind_ns[l->track.behind] += part;
		l->behind_ns[BEHIND_OWN + BEHIND_OTHERS - l->track.behind] += ns - part;
		break;
	default:
		l->behind_ns[l->track.behind] += ns;
	}
}

static void be_queued(struct life *l)
{
	static const int as[] = { TS_WOKEN, TS_WOKEN, TS_PREEMPTED, TS_YIELDED };
	__u64 ns = some_time(&l->rng);

	l->run_delay += ns;
	if (l->off == OFF_THROTTLED) {
		wait_for(l, ns);
		return;
	}
	l->truth[as[l->off]] += ns;
	if (l->off != OFF_YIELDED)
		be_behind(l, ns);
	l->now += ns;
}

/* The time off the CPU: first blocked, if it is, then queued. */
static void be_off(struct life *l)
{
	if (l->off == OFF_BLOCKED)
		wait_for(l, some_time(&l->rng));
	be_queued(l);
}

/* Switch-outs that the probe did not see: anything may have happened. */
static __u64 be_unseen(struct life *l)
{
	__u64 ns = some_time(&l->rng);

	l->now += ns;
	l->gap_ns += ns;
	l->truth[TS_UNKNOWN] += ns;
	l->run_delay += rng_below(&l->rng, ns + 1);
	return 1 + rng_below(&l->rng, 5);
}

static void live_once(struct life *l)
{
	struct departure d = {};
	__u64 ran = some_time(&l->rng);

	l->track.behind = rng_below(&l->rng, BEHIND_LIMIT + 1);
	l->track.behind_ns = rng_one_in(&l->rng, 2) ? ~0ULL : some_time(&l->rng);
	if (l->switches && rng_one_in(&l->rng, 20))
		d.unseen = be_unseen(l);
	else
		be_off(l);
	d.arrived = l->now;
	d.now = l->now += ran;
	l->truth[TS_RUNNING] += ran;
	d.run_delay = l->run_delay;
	d.off = 1 + rng_below(&l->rng, 4);
	d.cause = rng_below(&l->rng, CAUSE_COUNT);
	d.row = rng_below(&l->rng, ROW_COUNT);
	l->off = d.off;
	l->cause = d.cause;
	l->row = d.row;
	l->switches++;
	if (d.off == OFF_BLOCKED || d.off == OFF_THROTTLED)
		l->cause_count[d.cause]++;
	track_depart(&l->track, &d);
}

/* The measurement ends in the middle of what the thread does: blocked, queued or running. */
static void live_on(struct life *l)
{
	struct standing s = {};
	__u64 doing = rng_below(&l->rng, 3), ran;

	if (l->off == OFF_BLOCKED || l->off == OFF_THROTTLED)
		wait_for(l, some_time(&l->rng));
	if (doing >= 1 && l->off != OFF_THROTTLED) {
		s.queued_at = l->off == OFF_BLOCKED || !l->switches ? l->now : 0;
		be_queued(l);
	}
	if (doing >= 2) {
		s.arrived_at = l->now;
		ran = some_time(&l->rng);
		l->truth[TS_RUNNING] += ran;
		l->now += ran;
	}
	s.end = l->now;
	if (!l->switches && !s.queued_at)
		s.queued_at = s.end;
	track_finish(&l->track, &s);
	track_finish(&l->track, &s);
}

static void compare(const struct life *l)
{
	const struct ledger *is = &l->track.ledger;

	check(&l->track, l->gap_ns);
	for (int i = 0; i < TS_COUNT; i++)
		cr_assert_eq(is->state_ns[i], l->truth[i], "state %d", i);
	for (int i = 0; i < CAUSE_COUNT; i++) {
		cr_assert_eq(is->cause[i].ns, l->cause_ns[i], "cause %d", i);
		cr_assert_eq(is->cause[i].max_ns, l->cause_max[i], "cause %d", i);
		cr_assert_eq(is->cause[i].count, l->cause_count[i], "cause %d", i);
	}
	for (int i = 0; i < ROW_COUNT; i++)
		cr_assert_eq(is->row_ns[i], l->row_ns[i], "row %d", i);
	cr_assert_eq(is->queued_own_ns, l->behind_ns[BEHIND_OWN]);
	cr_assert_eq(is->queued_idle_ns, l->behind_ns[BEHIND_IDLE]);
	cr_assert_eq(is->switches, l->switches);
}

Test(property, the_ledger_is_the_truth)
{
	for (int seed = 0; seed < 4000; seed++) {
		struct life l = { .rng = rng_seed(seed), .now = 1 + (seed % 7) * MS };
		__u64 turns = rng_below(&l.rng, 60);

		if (seed % 3 == 0) { /* it was held */
			l.run_delay = l.track.run_delay = 1 + some_time(&l.rng);
			l.track.last_out = l.track.ledger.start_at = l.now;
		}
		for (__u64 i = 0; i < turns; i++)
			live_once(&l);
		live_on(&l);
		compare(&l);
	}
}

/* --- what makes no sense: the sums hold all the same ------------------------ */

static __u64 any_number(struct rng *r, __u64 near)
{
	switch (rng_below(r, 8)) {
	case 0:
		return 0;
	case 1:
		return rng_next(r) >> rng_below(r, 64);
	case 2:
		return near - rng_below(r, near + 1);
	default:
		return near + some_time(r);
	}
}

static struct departure any_departure(struct rng *r, const struct track *t)
{
	struct departure d;

	d.arrived = any_number(r, t->last_out) & ~(1ULL << 63);
	d.now = any_number(r, d.arrived) & ~(1ULL << 63);
	d.run_delay = any_number(r, t->run_delay);
	d.stolen = rng_below(r, 1000);
	d.unseen = rng_one_in(r, 6) ? any_number(r, 1) : 0;
	d.off = rng_one_in(r, 9) ? rng_next(r) : rng_below(r, 5);
	d.cause = rng_one_in(r, 9) ? rng_next(r) : rng_below(r, CAUSE_COUNT);
	d.row = rng_one_in(r, 9) ? rng_next(r) : rng_below(r, ROW_COUNT);
	if (!t->ledger.start_at)
		d.arrived |= 1; /* the clock has begun */
	return d;
}

Test(property, any_departures_and_standing_keep_the_sums)
{
	for (int seed = 0; seed < 20000; seed++) {
		struct rng r = rng_seed(seed);
		__u64 turns = rng_below(&r, 30), gap_ns = 0;
		struct standing s = {};
		struct track t = {};

		for (__u64 i = 0; i < turns; i++) {
			struct departure d = any_departure(&r, &t);
			__u64 unknown = t.ledger.state_ns[TS_UNKNOWN];

			t.behind = rng_below(&r, BEHIND_LIMIT + 2);
			t.behind_ns = any_number(&r, 0);
			track_depart(&t, &d);
			if (d.unseen)
				gap_ns += t.ledger.state_ns[TS_UNKNOWN] - unknown;
			check(&t, gap_ns);
		}
		s.end = any_number(&r, t.last_out) & ~(1ULL << 63);
		s.queued_at = any_number(&r, t.last_out);
		s.arrived_at = any_number(&r, t.last_out);
		track_finish(&t, &s);
		check(&t, gap_ns);
	}
}

/* --- several threads as one ----------------------------------------------------- */

/* Every number of it, told apart by its place. */
static void fill(void *numbers, size_t size, __u64 seed)
{
	__u64 *n = numbers;

	for (size_t i = 0; i < size / sizeof(*n); i++)
		n[i] = seed * 1000 + i;
}

#define IS_SUM(field) cr_assert_eq(sum.field, a.field + b.field, #field)

static void check_sum(struct ev_thread sum, const struct witness *v, const struct witness *w,
		      const struct ledger *l, const struct ledger *m)
{
	struct ev_thread a = { .witness = *v, .ledger = *l }, b = { .witness = *w, .ledger = *m };

	IS_SUM(witness.run_ns);
	IS_SUM(witness.delay_ns);
	IS_SUM(witness.voluntary);
	IS_SUM(witness.involuntary);
	IS_SUM(witness.migrations);
	IS_SUM(witness.reads);
	IS_SUM(witness.read_bytes);
	IS_SUM(witness.writes);
	IS_SUM(witness.written_bytes);
	for (int i = 0; i < TS_COUNT; i++)
		IS_SUM(ledger.state_ns[i]);
	IS_SUM(ledger.stolen_ns);
	IS_SUM(ledger.uncharged_ns);
	IS_SUM(ledger.moving_ns);
	IS_SUM(ledger.queued_own_ns);
	IS_SUM(ledger.queued_idle_ns);
	IS_SUM(ledger.switches);
	IS_SUM(ledger.yields);
	IS_SUM(ledger.blocks);
	for (int i = 0; i < CAUSE_COUNT; i++) {
		IS_SUM(ledger.cause[i].ns);
		IS_SUM(ledger.cause[i].count);
		cr_assert_eq(sum.ledger.cause[i].max_ns, b.ledger.cause[i].max_ns, "the longer");
	}
	for (int i = 0; i < ROW_COUNT; i++)
		IS_SUM(ledger.row_ns[i]);
}

Test(sum, of_everything)
{
	struct ev_thread sum = {};
	struct witness v, w;
	struct ledger l, m;

	fill(&v, sizeof(v), 1);
	fill(&w, sizeof(w), 5);
	fill(&l, sizeof(l), 2);
	fill(&m, sizeof(m), 7);
	l.start_at = 1000;
	l.end_at = 1400;
	m.start_at = 50;
	m.end_at = 7050;
	thread_sum(&sum, &l, &v, 1);
	thread_sum(&sum, &m, &w, 20);
	cr_assert_eq(sum.count, 21);
	cr_assert_eq(sum.ledger.start_at, 0);
	cr_assert_eq(sum.ledger.end_at, 400 + 7000, "their lifetimes");
	check_sum(sum, &v, &w, &l, &m);
}

Test(property, between_stays_between)
{
	cr_assert_eq(between(3, 2, 9), 3);
	cr_assert_eq(between(3, 5, 9), 5);
	cr_assert_eq(between(3, 10, 9), 9);
	cr_assert_eq(between(3, 3, 3), 3);
}

/* --- times on a CPU -------------------------------------------------------------------- */

Test(slices, end_by_preemption_or_not)
{
	struct track t = departed(OFF_BLOCKED, CAUSE_IO_DISK); /* 400 */

	cr_assert_eq(t.ledger.longest_run_ns, 400);
	cr_assert_eq(t.ledger.preempts, 0);
	cr_assert_eq(t.ledger.preempted_run_ns, 0);
	come_back(&t, 2000, 0, 2900);
	come_back(&t, 3000, 0, 3100);
	cr_assert_eq(t.ledger.longest_run_ns, 900);
	cr_assert_eq(t.ledger.preempts, 2);
	cr_assert_eq(t.ledger.preempted_run_ns, 1000);
}

Test(slices, are_summed)
{
	struct track t = departed(OFF_PREEMPTED, CAUSE_UNKNOWN),
		     u = departed(OFF_YIELDED, CAUSE_UNKNOWN);
	struct ev_thread sum = { .flags = THREAD_UNSENT };
	struct witness w = { 0 };

	come_back(&t, 2000, 0, 2900);
	thread_sum(&sum, &t.ledger, &w, 1);
	thread_sum(&sum, &u.ledger, &w, 1);
	cr_assert_eq(sum.ledger.longest_run_ns, 900);
	cr_assert_eq(sum.ledger.preempts, 2);
	cr_assert_eq(sum.ledger.preempted_run_ns, 1300);
}
