// SPDX-License-Identifier: BSD-2-Clause
/* Classes of threads and processes: waits for another's end count as what it did. */
#include <time.h>

#include "findings.h"

/* Lived for the whole second, and waited for most of it. */
static struct ev_thread waiter(uint64_t id, uint64_t creator, uint64_t process, enum cause cause)
{
	struct ev_thread t = thread(id, creator, process, 0, SECOND);

	waited(&t, cause, 990 * MS, 10);
	return t;
}

static struct ev_thread computer(uint64_t id, uint64_t creator, uint64_t process)
{
	return thread(id, creator, process, 0, SECOND);
}

static enum verdict_class thread_class(uint64_t id)
{
	for (size_t i = 0; i < m->n_threads; i++) {
		if (m->threads[i].id == id)
			return f->thread_class[i];
	}
	cr_assert(false, "no thread %llu", (unsigned long long)id);
	return CLASS_UNKNOWN;
}

static enum verdict_class process_class(uint64_t id)
{
	for (size_t i = 0; i < m->n_processes; i++) {
		if (m->processes[i].id == id)
			return f->process_class[i];
	}
	cr_assert(false, "no process %llu", (unsigned long long)id);
	return CLASS_UNKNOWN;
}

static void has_class(uint64_t id, enum verdict_class class)
{
	enum verdict_class is = thread_class(id);

	cr_assert_eq(is, class, "thread %llu: %s", (unsigned long long)id, class_name(is));
}

static void process_has_class(uint64_t id, enum verdict_class class)
{
	enum verdict_class is = process_class(id);

	cr_assert_eq(is, class, "process %llu: %s", (unsigned long long)id, class_name(is));
}

static void again(void)
{
	teardown();
	setup();
}

/* --- joins ---------------------------------------------------------------------- */

Test(join, is_what_the_joined_do, .init = setup, .fini = teardown)
{
	static const struct {
		enum cause cause;
		enum verdict_class class;
	} doing[] = {
		{ CAUSE_IO_DISK, CLASS_IO_BOUND },	  { CAUSE_TIMER_SLEEP, CLASS_SLEEP_BOUND },
		{ CAUSE_LOCK_MUTEX, CLASS_LOCK_BOUND },	  { CAUSE_EVENT_EPOLL, CLASS_IDLE },
		{ CAUSE_KERNEL_THROTTLE, CLASS_STARVED },
	};

	for (size_t i = 0; i < sizeof(doing) / sizeof(*doing); i++) {
		put_thread(waiter(1, 0, 0, CAUSE_SYNC_JOIN));
		for (int id = 2; id < 6; id++)
			put_thread(waiter(id, 1, 1, doing[i].cause));
		analyse(wall(SECOND));
		has_class(2, doing[i].class);
		has_class(1, doing[i].class);
		again();
	}
	analyse(wall(0));
}

Test(join, of_who_computes, .init = setup, .fini = teardown)
{
	put_thread(waiter(1, 0, 0, CAUSE_SYNC_JOIN));
	put_thread(computer(2, 1, 1));
	put_thread(computer(3, 1, 1));
	analyse(wall(SECOND));
	has_class(1, CLASS_CPU_BOUND);
}

/* Joined itself by the one that was there first: all is known of it by then. */
Test(join, of_who_joins, .init = setup, .fini = teardown)
{
	put_thread(waiter(1, 0, 0, CAUSE_SYNC_JOIN));
	put_thread(waiter(2, 1, 1, CAUSE_SYNC_JOIN));
	put_thread(waiter(3, 2, 1, CAUSE_SYNC_JOIN));
	put_thread(waiter(4, 3, 1, CAUSE_IO_SOCKET));
	analyse(wall(SECOND));
	for (int id = 1; id <= 4; id++)
		has_class(id, CLASS_IO_BOUND);
}

Test(join, of_two_kinds_is_a_mixture, .init = setup, .fini = teardown)
{
	put_thread(waiter(1, 0, 0, CAUSE_SYNC_JOIN));
	put_thread(computer(2, 1, 1));
	put_thread(waiter(3, 1, 1, CAUSE_IO_DISK));
	analyse(wall(SECOND));
	has_class(1, CLASS_MIXED);
}

/* It created others too, which wait for something to do. */
Test(join, idle_threads_do_not_outweigh_who_computes, .init = setup, .fini = teardown, .signal = 0)
{
	put_thread(waiter(1, 0, 0, CAUSE_SYNC_JOIN));
	put_thread(computer(2, 1, 1));
	for (int id = 3; id < 12; id++)
		put_thread(waiter(id, 1, 1, CAUSE_EVENT_EPOLL));
	analyse(wall(SECOND));
	has_class(1, CLASS_CPU_BOUND);
}

/* Whose work a condition waits for is not known. */
Test(join, other_waits_for_threads_are_none, .init = setup, .fini = teardown)
{
	static const enum cause causes[] = { CAUSE_SYNC_COND, CAUSE_SYNC_SEM, CAUSE_SYNC_BARRIER,
					     CAUSE_SYNC_FUTEX };

	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
		put_thread(waiter(1, 0, 0, causes[i]));
		put_thread(computer(2, 1, 1));
		analyse(wall(SECOND));
		has_class(1, CLASS_IDLE);
		again();
	}
	analyse(wall(0));
}

Test(join, of_somebody_elses_threads, .init = setup, .fini = teardown)
{
	put_thread(computer(1, 0, 0));
	put_thread(waiter(2, 1, 1, CAUSE_SYNC_JOIN));
	put_thread(computer(3, 1, 1));
	analyse(wall(SECOND));
	has_class(2, CLASS_IDLE);
	has_class(1, CLASS_CPU_BOUND);
}

/* Its ledger was lost, or it was there before the measurement. */
Test(join, creator_that_is_not_in_the_list, .init = setup, .fini = teardown)
{
	put_thread(waiter(5, 77, 4, CAUSE_SYNC_JOIN));
	put_thread(waiter(6, 78, 4, CAUSE_IO_DISK));
	put_thread(computer(7, 5, 4));
	put_thread(computer(8, ~0ULL, 9));
	analyse(wall(SECOND));
	has_class(5, CLASS_CPU_BOUND);
	has_class(6, CLASS_IO_BOUND);
	has_class(8, CLASS_CPU_BOUND);
}

/* It joined for longer than it waited: a stream that contradicts itself. */
Test(join, longer_than_the_waits, .init = setup, .fini = teardown)
{
	struct ev_thread t = waiter(1, 0, 0, CAUSE_IO_DISK);

	t.ledger.cause[CAUSE_SYNC_JOIN].ns = 700 * MS;
	put(&t);
	put_thread(computer(2, 1, 1));
	analyse(wall(SECOND));
	has_class(1, CLASS_IO_BOUND);
}

/* --- children --------------------------------------------------------------------- */

Test(child, is_what_the_child_does, .init = setup, .fini = teardown)
{
	static const enum cause causes[] = { CAUSE_CHILD_WAIT, CAUSE_CHILD_VFORK };

	for (size_t i = 0; i < 2; i++) {
		put_thread(waiter(1, 0, 0, causes[i]));
		put_thread(waiter(2, 1, 0, CAUSE_IO_DISK));
		analyse(wall(SECOND));
		has_class(1, CLASS_IO_BOUND);
		process_has_class(1, CLASS_IO_BOUND);
		process_has_class(2, CLASS_IO_BOUND);
		again();
	}
	analyse(wall(0));
}

/* poll() on a pidfd: what it is for counts, not what it waits in. */
Test(child, by_what_the_wait_is_for, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);

	waited(&t, CAUSE_EVENT_POLL, 950 * MS, 1);
	t.ledger.row_ns[ROW_EVENT] = 0;
	t.ledger.row_ns[ROW_CHILD] = 950 * MS;
	put(&t);
	put_thread(waiter(2, 1, 0, CAUSE_IO_DISK));
	analyse(wall(SECOND));
	has_class(1, CLASS_IO_BOUND);
}

/* sh -c 'sh -c "dd ..."' */
Test(child, of_a_child, .init = setup, .fini = teardown)
{
	put_thread(waiter(1, 0, 0, CAUSE_CHILD_WAIT));
	put_thread(waiter(2, 1, 0, CAUSE_CHILD_WAIT));
	put_thread(waiter(3, 2, 0, CAUSE_IO_DISK));
	analyse(wall(SECOND));
	for (int id = 1; id <= 3; id++) {
		has_class(id, CLASS_IO_BOUND);
		process_has_class(id, CLASS_IO_BOUND);
	}
}

/* The one that lives longer weighs more. */
Test(child, one_after_the_other, .init = setup, .fini = teardown)
{
	struct ev_thread first = thread(2, 1, 0, 0, 100 * MS);
	struct ev_thread second = thread(3, 1, 0, 100 * MS, SECOND);

	waited(&second, CAUSE_IO_SOCKET, 880 * MS, 10);
	put_thread(waiter(1, 0, 0, CAUSE_CHILD_WAIT));
	put(&first);
	put(&second);
	analyse(wall(SECOND));
	has_class(1, CLASS_IO_BOUND);
	has_class(2, CLASS_CPU_BOUND);
}

/* By a thread that is not the first, of a thread that is not the first. */
Test(child, of_threads, .init = setup, .fini = teardown)
{
	put_thread(waiter(1, 0, 0, CAUSE_SYNC_JOIN));
	put_thread(waiter(2, 1, 1, CAUSE_CHILD_WAIT));
	put_thread(waiter(3, 2, 0, CAUSE_SYNC_JOIN));
	put_thread(waiter(4, 3, 3, CAUSE_IO_DISK));
	analyse(wall(SECOND));
	for (int id = 1; id <= 4; id++)
		has_class(id, CLASS_IO_BOUND);
	process_has_class(1, CLASS_IO_BOUND);
	process_has_class(3, CLASS_IO_BOUND);
}

Test(child, that_is_not_known, .init = setup, .fini = teardown)
{
	put_thread(waiter(1, 0, 0, CAUSE_CHILD_WAIT));
	put_thread(computer(2, 0, 0));
	analyse(wall(SECOND));
	has_class(1, CLASS_UNKNOWN);
	process_has_class(1, CLASS_UNKNOWN);
}

/* A child that claims to be its parent's parent. */
Test(child, no_loops, .init = setup, .fini = teardown)
{
	put_thread(waiter(1, 2, 0, CAUSE_CHILD_WAIT));
	put_thread(waiter(2, 1, 0, CAUSE_CHILD_WAIT));
	put_thread(waiter(3, 3, 0, CAUSE_CHILD_WAIT));
	analyse(wall(SECOND));
	has_class(3, CLASS_UNKNOWN);
}

/* --- processes --------------------------------------------------------------------- */

Test(process, only_one_is_the_program, .init = setup, .fini = teardown)
{
	struct ev_wall w = wall(SECOND);

	stood(&w, &w.sums.row_ns[ROW_TIMER], 900 * MS);
	put_thread(computer(1, 0, 0));
	put_thread(computer(2, 1, 1));
	analyse(w);
	process_has_class(1, CLASS_SLEEP_BOUND);
	has_class(1, CLASS_CPU_BOUND);
}

/* Process 2 has one thread that does something, and many that wait for work. */
static void pool_and(struct ev_thread worker)
{
	static const enum cause idle[] = { CAUSE_SYNC_COND, CAUSE_EVENT_EPOLL, CAUSE_IPC_SYSV_MSG };

	put_thread(waiter(1, 0, 0, CAUSE_TIMER_SLEEP));
	put(&worker);
	for (int id = 3; id < 60; id++) {
		struct ev_thread t = thread(id, 2, 2, 0, SECOND);

		waited(&t, idle[id % 3], SECOND - 100000, 1);
		put(&t);
	}
	analyse(wall(SECOND));
}

Test(process, idle_pool_does_not_outweigh_who_computes, .init = setup, .fini = teardown)
{
	pool_and(computer(2, 1, 0));
	process_has_class(2, CLASS_CPU_BOUND);
	process_has_class(1, CLASS_SLEEP_BOUND);
	has_class(3, CLASS_IDLE);
}

Test(process, idle_pool_does_not_outweigh_who_reads, .init = setup, .fini = teardown)
{
	pool_and(waiter(2, 1, 0, CAUSE_IO_DISK));
	process_has_class(2, CLASS_IO_BOUND);
}

Test(process, idle_pool_does_not_outweigh_who_does_both, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(2, 1, 0, 0, SECOND);

	waited(&t, CAUSE_IO_DISK, 690 * MS, 100);
	pool_and(t);
	process_has_class(2, CLASS_IO_BOUND);
}

Test(process, pool_alone_is_idle, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(2, 1, 0, 0, SECOND);

	waited(&t, CAUSE_SYNC_COND, SECOND - 100000, 1);
	pool_and(t);
	process_has_class(2, CLASS_IDLE);
}

Test(process, whose_threads_never_ran, .init = setup, .fini = teardown)
{
	put_thread(computer(1, 0, 0));
	for (int id = 2; id < 5; id++) {
		struct ev_thread t = thread(id, id > 2 ? 2 : 1, 2, 0, SECOND);

		waited(&t, CAUSE_IO_DISK, SECOND, 1);
		put(&t);
	}
	analyse(wall(SECOND));
	process_has_class(2, CLASS_IO_BOUND);
}

/* Who joins the one that computes does not compute as well. */
Test(process, joined_work_counts_once, .init = setup, .fini = teardown)
{
	struct ev_thread main = thread(2, 1, 0, 0, SECOND), worker = thread(3, 2, 2, 0, SECOND);

	waited(&main, CAUSE_SYNC_JOIN, SECOND, 1);
	waited(&worker, CAUSE_IO_DISK, 650 * MS, 10);
	put_thread(computer(1, 0, 0));
	put(&main);
	put(&worker);
	analyse(wall(SECOND));
	has_class(2, CLASS_IO_BOUND);
	process_has_class(2, CLASS_IO_BOUND);
}

Test(process, of_no_length, .init = setup, .fini = teardown)
{
	put_thread(computer(1, 0, 0));
	put_thread(thread(2, 1, 0, 10, 10));
	put_thread(thread(3, 2, 2, 10, 10));
	analyse(wall(SECOND));
	process_has_class(2, CLASS_UNKNOWN);
}

/* --- many ---------------------------------------------------------------------------- */

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Of each name `like`; returns what the analysis took. */
static double many(int n, int like)
{
	double from;

	for (int id = 1; id <= n; id++) {
		struct ev_thread t = waiter(id, 1, 1, CAUSE_SYNC_JOIN);

		snprintf(t.comm, sizeof(t.comm), "w%d", id / like);
		put(&t);
	}
	from = cpu_seconds();
	analyse(wall(SECOND));
	return cpu_seconds() - from;
}

Test(many, twenty_thousand_threads_of_one_name, .init = setup, .fini = teardown)
{
	many(20000, 30000);
	has_class(20000, CLASS_IDLE);
	cr_assert_eq(f->totals.threads, 20000);
}

/* Four times as many take four times as long, not sixteen times. */
Test(many, twenty_thousand_threads_each_of_its_name, .init = setup, .fini = teardown, .signal = 0)
{
	double few = many(5000, 1), all;

	again();
	all = many(20000, 1);
	cr_assert_lt(all, 8 * few + 0.1, "%g s, and %g s", few, all);
}

Test(many, twenty_thousand_processes, .init = setup, .fini = teardown)
{
	put_thread(waiter(1, 0, 0, CAUSE_CHILD_WAIT));
	for (int id = 10; id < 20000; id++)
		put_thread(waiter(id, id / 10, 0, id > 2000 ? CAUSE_IO_DISK : CAUSE_CHILD_WAIT));
	analyse(wall(SECOND));
	process_has_class(1, CLASS_IO_BOUND);
}
