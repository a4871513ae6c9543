// SPDX-License-Identifier: BSD-2-Clause
/* Timed waits in trains: a lock's, as an interpreter has one, or a look for work. */
#include "findings.h"

/* In one process: threads that wait so, and each ran for so long of a second. */
static void process_of(uint64_t first, uint64_t creator, int threads, uint64_t ran)
{
	for (int i = 0; i < threads; i++) {
		struct ev_thread t = thread(first + i, i ? first : creator, first, 0, SECOND);

		waited(&t, CAUSE_SYNC_COND, SECOND - ran, 1000);
		t.ledger.row_ns[ROW_SYNC] = 0;
		t.ledger.row_ns[ROW_CONVOY] = SECOND - ran;
		put(&t);
	}
}

/* One second in which one thread ran at a time, or none for `still`; the convoy's part of it. */
static struct ev_wall one_at_a_time(uint64_t convoy, uint64_t still)
{
	struct ev_wall w = wall(SECOND);

	stood(&w, &w.sums.row_ns[ROW_CONVOY], still);
	w.sums.convoy_ns = convoy;
	w.sums.convoy_still_ns = still;
	return w;
}

static void is_lock(size_t threads)
{
	cr_assert(f->convoy.is_lock);
	cr_assert_eq(f->convoy.threads, threads, "%zu", f->convoy.threads);
}

static enum verdict_class class_of_thread(size_t i)
{
	return f->thread_class[i];
}

/* --- locks --------------------------------------------------------------------- */

Test(lock, two_threads_that_compute_in_turns, .init = setup, .fini = teardown)
{
	process_of(1, 0, 2, 500 * MS);
	analyse(one_at_a_time(950 * MS, 0));
	is_lock(2);
	cr_assert_eq(f->verdict.class, CLASS_LOCK_BOUND, "%s", class_name(f->verdict.class));
	cr_assert_not_null(strstr(f->list[0].title, "a lock lets one at a time"), "%s",
			   f->list[0].title);
	cr_assert_eq(f->list[0].gain_at_most_ns, 950 * MS / 4 * 3, "as on four CPUs");
	cr_assert_eq(class_of_thread(0), CLASS_MIXED);
}

Test(lock, four_threads, .init = setup, .fini = teardown)
{
	process_of(1, 0, 4, 250 * MS);
	analyse(one_at_a_time(950 * MS, 0));
	is_lock(4);
	cr_assert_eq(f->verdict.class, CLASS_LOCK_BOUND);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(class_of_thread(i), CLASS_LOCK_BOUND);
}

/* Each of them has less than a tenth. */
Test(lock, sixteen_threads, .init = setup, .fini = teardown)
{
	process_of(1, 0, 16, SECOND / 16);
	analyse(one_at_a_time(950 * MS, 0));
	is_lock(16);
}

/* One that hardly runs waits for the same lock, and counts for nothing. */
Test(lock, and_one_that_hardly_runs, .init = setup, .fini = teardown)
{
	process_of(1, 0, 2, 480 * MS);
	process_of(3, 1, 1, 10 * MS);
	analyse(one_at_a_time(950 * MS, 0));
	is_lock(2);
}

/* Beside the interpreter, a process that computes on as many CPUs as there are. */
Test(lock, beside_a_process_without, .init = setup, .fini = teardown)
{
	struct ev_wall w = one_at_a_time(900 * MS, 0);

	process_of(1, 0, 2, 500 * MS);
	for (int id = 3; id < 6; id++)
		put_thread(thread(id, id > 3 ? 3 : 1, 3, 0, SECOND));
	w.sums.by_count[1] = 0;
	w.sums.by_count[3] = SECOND;
	w.sums.busy_ns = 3 * SECOND;
	analyse(w);
	is_lock(2);
}

/* Two interpreters: two threads run at once, but one of each. */
Test(lock, of_two_processes_each, .init = setup, .fini = teardown)
{
	struct ev_wall w = one_at_a_time(950 * MS, 0);

	process_of(1, 0, 2, 500 * MS);
	process_of(3, 1, 2, 500 * MS);
	w.sums.by_count[1] = 0;
	w.sums.by_count[2] = SECOND;
	w.sums.busy_ns = 2 * SECOND;
	analyse(w);
	is_lock(4);
	cr_assert_eq(f->verdict.class, CLASS_LOCK_BOUND);
}

/* It waits for a device as well now and then: nobody runs meanwhile, nor waits for the lock. */
Test(lock, with_some_input, .init = setup, .fini = teardown)
{
	struct ev_wall w = one_at_a_time(700 * MS, 20 * MS);

	process_of(1, 0, 2, 400 * MS);
	stood(&w, &w.sums.row_ns[ROW_IO], 180 * MS);
	analyse(w);
	is_lock(2);
	cr_assert_eq(f->verdict.class, CLASS_LOCK_BOUND, "%s", class_name(f->verdict.class));
}

/* --- and none ------------------------------------------------------------------- */

static void is_none(void)
{
	cr_assert_not(f->convoy.is_lock);
	cr_assert_neq(f->verdict.class, CLASS_LOCK_BOUND);
	for (size_t i = 0; i < m->n_threads; i++)
		cr_assert_neq(f->thread_class[i], CLASS_LOCK_BOUND);
}

/* Look for work each 5 ms, find some now and then; mostly all of them wait. */
Test(none, pollers, .init = setup, .fini = teardown)
{
	process_of(1, 0, 4, 100 * MS);
	analyse(one_at_a_time(300 * MS, 600 * MS));
	is_none();
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(class_of_thread(i), CLASS_IDLE);
}

/* ... which is resting, as far as the program goes, and nothing unknown. */
Test(none, pollers_rest, .init = setup, .fini = teardown)
{
	process_of(1, 0, 4, 50 * MS);
	analyse(one_at_a_time(150 * MS, 800 * MS));
	is_none();
	cr_assert(f->verdict.class == CLASS_IDLE || f->verdict.class == CLASS_SLEEP_BOUND, "%s",
		  class_name(f->verdict.class));
}

/* Workers that find work nearly always, and do it at the same time. */
Test(none, two_at_once, .init = setup, .fini = teardown)
{
	struct ev_wall w = one_at_a_time(100 * MS, 0);

	process_of(1, 0, 2, 900 * MS);
	w.sums.by_count[1] = 200 * MS;
	w.sums.by_count[2] = 800 * MS;
	w.sums.busy_ns = 1800 * MS;
	analyse(w);
	is_none();
	cr_assert_eq(f->verdict.class, CLASS_CPU_BOUND);
}

/* One poller beside the thread that computes. */
Test(none, one_thread, .init = setup, .fini = teardown)
{
	put_thread(thread(1, 0, 0, 0, SECOND));
	process_of(2, 1, 1, 200 * MS);
	analyse(one_at_a_time(800 * MS, 0));
	is_none();
}

Test(none, one_that_computes_and_pollers_that_do_not, .init = setup, .fini = teardown)
{
	process_of(1, 0, 1, 900 * MS);
	for (int i = 2; i < 8; i++) {
		struct ev_thread t = thread(i, 1, 1, 0, SECOND);

		waited(&t, CAUSE_SYNC_COND, 999 * MS, 200);
		t.ledger.row_ns[ROW_SYNC] = 0;
		t.ledger.row_ns[ROW_CONVOY] = 999 * MS;
		put(&t);
	}
	analyse(one_at_a_time(900 * MS, 0));
	is_none();
	cr_assert_eq(f->verdict.class, CLASS_CPU_BOUND);
}

/* Two of those look for longer than usual, as on a slow machine; who computes never waits. */
Test(none, pollers_of_which_two_were_slow, .init = setup, .fini = teardown)
{
	struct ev_thread busy = thread(1, 0, 1, 0, SECOND);

	put(&busy);
	for (int i = 2; i < 5; i++) {
		struct ev_thread t = thread(i, 1, 1, 0, SECOND);

		waited(&t, CAUSE_SYNC_COND, 970 * MS, 200);
		t.ledger.row_ns[ROW_SYNC] = 0;
		t.ledger.row_ns[ROW_CONVOY] = 970 * MS;
		put(&t);
	}
	analyse(one_at_a_time(900 * MS, 0));
	is_none();
	cr_assert_eq(f->verdict.class, CLASS_CPU_BOUND);
}

/* On one CPU there is nobody whom a lock keeps from another. */
Test(none, one_cpu, .init = setup, .fini = teardown)
{
	on_cpus(1);
	process_of(1, 0, 4, 240 * MS);
	analyse(one_at_a_time(960 * MS, 0));
	is_none();
}

/* In two processes, one thread of each. */
Test(none, one_thread_each, .init = setup, .fini = teardown)
{
	process_of(1, 0, 1, 500 * MS);
	process_of(2, 1, 1, 500 * MS);
	analyse(one_at_a_time(950 * MS, 0));
	is_none();
}

/* No CPU was ever free: what they lose to the lock, others would have taken. */
Test(none, all_cpus_are_busy, .init = setup, .fini = teardown)
{
	on_cpus(1);
	process_of(1, 0, 2, 500 * MS);
	analyse(one_at_a_time(0, 0));
	is_none();
	cr_assert_eq(f->verdict.class, CLASS_CPU_BOUND);
}

Test(none, nobody_waits_so, .init = setup, .fini = teardown)
{
	put_thread(thread(1, 0, 0, 0, SECOND));
	analyse(wall(SECOND));
	is_none();
	cr_assert_eq(f->convoy.threads, 0);
}

Test(none, no_threads, .init = setup, .fini = teardown)
{
	analyse(one_at_a_time(900 * MS, 0));
	is_none();
}

/* --- limits ----------------------------------------------------------------------- */

Test(limit, standstill_of_a_tenth, .init = setup, .fini = teardown)
{
	for (int more = 0; more < 2; more++) {
		process_of(1, 0, 2, 400 * MS);
		analyse(one_at_a_time(800 * MS, 80 * MS + more));
		cr_assert_eq(f->convoy.is_lock, !more);
		teardown();
		setup();
	}
	analyse(wall(0));
}

Test(limit, a_little_at_once, .init = setup, .fini = teardown)
{
	for (int more = 0; more < 2; more++) {
		process_of(1, 0, 2, 575 * MS + more);
		analyse(one_at_a_time(800 * MS, 0));
		cr_assert_eq(f->convoy.is_lock, !more);
		teardown();
		setup();
	}
	analyse(wall(0));
}
