// SPDX-License-Identifier: BSD-2-Clause
/* The critical path, and who woke whom, of steps that are written down here. */
#include "steps.h"

TestSuite(path, .init = begin_steps, .fini = end_steps);

static uint64_t on_path(size_t thread, enum path_what what, enum cause cause)
{
	for (size_t i = 0; i < f->path->n_parts; i++) {
		const struct path_part *p = &f->path->parts[i];

		if (p->thread == thread && p->what == what && p->cause == cause)
			return p->ns;
	}
	return 0;
}

static uint64_t blocked_at(size_t thread, __u32 place)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < f->path->n_parts; i++) {
		const struct path_part *p = &f->path->parts[i];

		if (p->thread == thread && p->what == PATH_BLOCKED && p->place == place)
			ns += p->ns;
	}
	return ns;
}

static uint64_t running(size_t thread)
{
	return on_path(thread, PATH_RUNNING, CAUSE_UNKNOWN);
}

static uint64_t queued_for(size_t thread)
{
	return on_path(thread, PATH_QUEUED, CAUSE_UNKNOWN);
}

static const struct path_hop *hop(size_t from, size_t to)
{
	for (size_t i = 0; i < f->path->n_hops; i++) {
		if (f->path->hops[i].from == from && f->path->hops[i].to == to)
			return &f->path->hops[i];
	}
	return NULL;
}

static void check_sums(void)
{
	uint64_t sum = 0, parts = 0;

	for (int what = 0; what < PATH_WHAT_COUNT; what++)
		sum += f->path->sums_ns[what];
	for (size_t i = 0; i < f->path->n_parts; i++)
		parts += f->path->parts[i].ns;
	cr_assert_eq(sum, f->path->end_ns - f->path->start_ns);
	cr_assert_eq(parts, sum);
}

/* 1 runs, waits for 2, which a disk holds up, and runs again. */
Test(path, over_to_who_woke_it_and_back)
{
	static const __u64 lives[][2] = { { 0, 100 * US }, { 20 * US, 80 * US } };

	step(0, 1, 30 * US, 30 * US, CAUSE_SYNC_JOIN);
	step(1, 2, 40 * US, 15 * US, CAUSE_IO_DISK)->queued = 5 * US;
	woken(step(1, 2, 80 * US, 20 * US, CAUSE_UNKNOWN), WOKEN_BY_INTERRUPT);
	woken_by(step(0, 1, 100 * US, 22 * US, CAUSE_UNKNOWN), 2, 2 * US);
	analyse_steps(lives, 2);
	check_sums();
	cr_assert_eq(f->path->last, 0);
	cr_assert_eq(f->path->start_ns, 0);
	cr_assert_eq(f->path->end_ns, 100 * US);
	/* Up to 20 the first; then the second, of which 5 in the queue; 16 were left of its last. */
	cr_assert_eq(running(0), 20 * US + 22 * US);
	cr_assert_eq(queued_for(0), 2 * US);
	cr_assert_eq(queued_for(1), 5 * US);
	cr_assert_eq(running(1), 15 * US + 16 * US);
	cr_assert_eq(on_path(1, PATH_BLOCKED, CAUSE_IO_DISK), 20 * US);
	cr_assert_eq(f->path->n_hops, 2);
	cr_assert(hop(0, 1)->created);
	cr_assert(!hop(1, 0)->created);
	cr_assert_eq(hop(1, 0)->cause, CAUSE_SYNC_JOIN);
	cr_assert_eq(f->path->n_wakings, 2);
	cr_assert_eq(f->path->wakings[0].thread, 0);
	cr_assert_eq(f->path->wakings[0].by, 1);
	cr_assert_eq(f->path->wakings[0].ns, 46 * US);
	cr_assert_eq(f->path->wakings[1].how, WOKEN_BY_INTERRUPT);
	cr_assert_eq(f->path->wakings[1].ns, 20 * US);
}

/* Who is woken while the waker has left the CPU already was on its way since. */
Test(path, a_late_wake_up)
{
	static const __u64 lives[][2] = { { 0, 100 * US }, { 0, 40 * US } };

	step(0, 1, 10 * US, 10 * US, CAUSE_SYNC_JOIN);
	step(1, 2, 40 * US, 40 * US, CAUSE_UNKNOWN);
	woken_by(step(0, 1, 100 * US, 50 * US, CAUSE_UNKNOWN), 2, 3 * US);
	analyse_steps(lives, 2);
	check_sums();
	cr_assert_eq(queued_for(0), 3 * US + 7 * US);
	cr_assert_eq(running(1), 40 * US);
}

/* Preempted: nobody woke it. */
Test(path, the_cpu_was_taken)
{
	static const __u64 lives[][2] = { { 0, 100 * US } };

	step(0, 1, 60 * US, 60 * US, CAUSE_UNKNOWN)->off = OFF_PREEMPTED;
	step(0, 1, 100 * US, 10 * US, CAUSE_UNKNOWN)->queued = 30 * US;
	analyse_steps(lives, 1);
	check_sums();
	cr_assert_eq(running(0), 70 * US);
	cr_assert_eq(queued_for(0), 30 * US);
	cr_assert_eq(f->path->n_wakings, 0);
}

/* What came before a switch that was not seen is not known. */
Test(path, unseen)
{
	static const __u64 lives[][2] = { { 0, 100 * US } };

	step(0, 1, 20 * US, 20 * US, CAUSE_IO_PIPE);
	step(0, 1, 100 * US, 10 * US, CAUSE_UNKNOWN)->unseen = 1;
	analyse_steps(lives, 1);
	check_sums();
	cr_assert_eq(f->path->sums_ns[PATH_UNKNOWN], 70 * US);
}

/* Two that say they woke each other at one moment: it ends, and adds up. */
Test(path, in_circles)
{
	static const __u64 lives[][2] = { { 0, 100 * US }, { 0, 100 * US } };

	for (__u64 at = 10; at <= 100; at += 10) {
		woken_by(step(0, 1, at * US, 0, CAUSE_SYNC_FUTEX), 2, 0);
		woken_by(step(1, 2, at * US, 0, CAUSE_SYNC_FUTEX), 1, 0);
	}
	analyse_steps(lives, 2);
	check_sums();
}

/* Without steps there is none. */
Test(path, none)
{
	put_thread(thread(1, 0, 0, 0, SECOND));
	analyse(wall(SECOND));
	cr_assert_null(f->path);
}

/* Waits at two places are told apart, and the place is that of the step that the wait ends before. */
Test(path, places)
{
	static const __u64 lives[][2] = { { 0, 100 * US } };

	step(0, 1, 10 * US, 10 * US, CAUSE_IO_FILE);
	step(0, 1, 40 * US, 10 * US, CAUSE_IO_FILE)->place = PLACE_OF_TARGET(7);  /* 20 waited */
	step(0, 1, 100 * US, 20 * US, CAUSE_UNKNOWN)->place = PLACE_OF_TARGET(8); /* 40 */
	analyse_steps(lives, 1);
	check_sums();
	cr_assert_eq(blocked_at(0, PLACE_OF_TARGET(7)), 20 * US);
	cr_assert_eq(blocked_at(0, PLACE_OF_TARGET(8)), 40 * US);
}
