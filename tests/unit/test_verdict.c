// SPDX-License-Identifier: BSD-2-Clause
/* The verdict in its clear cases: where its thresholds lie is not tested here. */
#include "any.h"

static void is(enum verdict_class class, const char *rule)
{
	cr_assert_eq(f->verdict.class, class, "%s", class_name(f->verdict.class));
	cr_assert_str_eq(f->verdict.rule, rule);
}

static bool evidence(const char *metric, uint64_t value)
{
	for (size_t i = 0; i < f->list[0].n_evidence; i++) {
		const struct evidence *e = &f->list[0].evidence[i];

		if (!strcmp(e->metric, metric) && e->value == value)
			return true;
	}
	return false;
}

/* One second in which n threads wanted to compute, and `at_once` of them did at any time. */
static void crowd(unsigned int n, unsigned int at_once)
{
	struct ev_wall w = wall(SECOND);

	for (unsigned int i = 1; i <= n; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, SECOND);

		crowded(&t, TS_PREEMPTED, SECOND / n * (n - at_once));
		put(&t);
	}
	w.sums.by_count[1] = 0;
	w.sums.by_count[at_once] = SECOND;
	w.sums.busy_ns = at_once * SECOND;
	analyse(w);
}

/* One second of one thread, which waited for `ns` of it and computed otherwise. */
static void stands(enum wall_row row, enum cause cause, uint64_t ns)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);

	waited(&t, cause, ns, 10);
	stood(&w, &w.sums.row_ns[row], ns);
	put(&t);
	analyse(w);
}

/* --- computing ------------------------------------------------------------------- */

Test(cpu, serial, .init = setup, .fini = teardown)
{
	crowd(1, 1);
	is(CLASS_CPU_BOUND, "verdict.cpu");
	cr_assert(evidence("wall.running_ns", SECOND));
	cr_assert_eq(f->verdict.runner_up, CLASS_MIXED, "on the way to any other");
	cr_assert_gt(f->verdict.margin, 0.3);
	cr_assert_eq(f->thread_class[0], CLASS_CPU_BOUND);
	cr_assert_eq(f->process_class[0], CLASS_CPU_BOUND);
}

/* Three that computed one after another, `apart` or all there the whole time. */
static const char *advice_of_three(bool apart)
{
	for (unsigned int i = 1; i <= 3; i++) {
		uint64_t from = apart && i > 1 ? (i - 1) * SECOND / 3 : 0;
		struct ev_thread t = thread(i, i > 1, 1, from, SECOND);

		waited(&t, CAUSE_SYNC_FUTEX, SECOND - from - SECOND / 3, 10);
		put(&t);
	}
	analyse(wall(SECOND));
	is(CLASS_CPU_BOUND, "verdict.cpu");
	return f->list[0].advice;
}

Test(cpu, in_turns, .init = setup, .fini = teardown)
{
	cr_assert(strstr(advice_of_three(false), "3 threads share the work"));
}

Test(cpu, one_after_another_is_not_in_turns, .init = setup, .fini = teardown)
{
	cr_assert(strstr(advice_of_three(true), "divide the work"));
}

Test(cpu, parallel, .init = setup, .fini = teardown)
{
	char serial[sizeof(f->list[0].advice)];

	crowd(1, 1);
	memcpy(serial, f->list[0].advice, sizeof(serial));
	teardown();
	setup();
	crowd(4, 4);
	is(CLASS_CPU_BOUND, "verdict.cpu");
	cr_assert_eq(f->n_counts, 5);
	cr_assert_str_neq(f->list[0].advice, serial, "what is parallel needs no more threads");
}

Test(cpu, five_threads_on_four_cpus_are_no_crowd, .init = setup, .fini = teardown)
{
	crowd(5, 4);
	is(CLASS_CPU_BOUND, "verdict.cpu");
}

Test(crowd, four_threads_on_two_cpus, .init = setup, .fini = teardown)
{
	on_cpus(2);
	crowd(4, 2);
	is(CLASS_OVERSUBSCRIBED, "verdict.crowd");
}

Test(crowd, sixteen_threads_on_two_cpus, .init = setup, .fini = teardown)
{
	on_cpus(2);
	crowd(16, 2);
	is(CLASS_OVERSUBSCRIBED, "verdict.crowd");
	cr_assert_gt(f->verdict.margin, 0.3);
}

/* From a quarter more threads than CPUs on, up to three quarters. */
Test(crowd, is_one_by_degrees, .init = setup, .fini = teardown)
{
	static const double crowding[] = { [4] = 0, [5] = 0, [6] = 0.5, [7] = 1, [8] = 1 };

	for (unsigned int n = 4; n <= 8; n++) {
		crowd(n, 4);
		cr_assert_float_eq(f->crowding, crowding[n], 1e-6, "%u: %g", n, f->crowding);
		cr_assert_eq(f->held_back, 0);
		teardown();
		setup();
	}
	analyse(wall(0));
}

/* Others keep three of four CPUs busy, and the two threads share the fourth. */
Test(crowd, is_none_that_an_empty_machine_could_serve, .init = setup, .fini = teardown)
{
	crowd(2, 1);
	cr_assert_eq(f->crowding, 0);
	is(CLASS_CPU_BOUND, "verdict.cpu");
}

/* Four threads on two CPUs take turns on one, behind each other; the other one was idle for
 * so long. They may run on `cpus`. */
static void pile_up(uint64_t idle_ns, uint64_t cpus)
{
	struct ev_wall w = wall(SECOND);

	on_cpus(2);
	for (unsigned int i = 1; i <= 4; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, SECOND);

		crowded(&t, TS_PREEMPTED, SECOND / 4 * 3);
		t.cpus[0] = cpus;
		put(&t);
	}
	analyse_idle(w, &idle_ns);
}

Test(starved, piled_up_on_what_others_left, .init = setup, .fini = teardown)
{
	pile_up(0, 3);
	is(CLASS_STARVED, "verdict.starved");
	cr_assert_float_eq(f->held_back, 0.5, 1e-6, "of two CPUs it had one: %g", f->held_back);
	cr_assert_eq(f->list[0].gain_at_most_ns, SECOND / 2, "it would need half the time");
}

Test(starved, not_while_a_cpu_is_idle, .init = setup, .fini = teardown)
{
	pile_up(SECOND, 3);
	cr_assert_neq(f->verdict.class, CLASS_STARVED);
	cr_assert_lt(f->held_back, 0.05);
}

/* Who restricts itself to one CPU is not kept from the other. */
Test(crowd, on_the_cpu_that_it_chose, .init = setup, .fini = teardown)
{
	pile_up(0, 2);
	is(CLASS_OVERSUBSCRIBED, "verdict.crowd");
	cr_assert_eq(f->cpus_allowed, 1);
	cr_assert_eq(f->held_back, 0);
}

/* As long as they have a CPU each, or others have it, they are no crowd. */
Test(crowd, is_who_is_queued_behind_its_own, .init = setup, .fini = teardown)
{
	struct ev_wall w = wall(SECOND);

	on_cpus(2);
	for (int i = 1; i <= 8; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, SECOND);

		queued(&t, TS_PREEMPTED, 750 * MS);
		put(&t);
	}
	w.sums.by_count[1] = 0;
	w.sums.by_count[2] = SECOND;
	w.sums.busy_ns = 2 * SECOND;
	analyse(w);
	is(CLASS_STARVED, "verdict.starved");
}

/* Four threads yield to each other all the time: none was taken a CPU away. */
Test(crowd, is_not_who_gives_the_cpu_away, .init = setup, .fini = teardown)
{
	struct ev_wall w = wall(SECOND);

	on_cpus(2);
	for (int i = 1; i <= 4; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, SECOND);

		queued(&t, TS_YIELDED, 500 * MS);
		put(&t);
	}
	w.sums.by_count[1] = 0;
	w.sums.by_count[2] = SECOND;
	w.sums.busy_ns = 2 * SECOND;
	analyse(w);
	is(CLASS_CPU_BOUND, "verdict.cpu");
}

/* One thread that wants one of four CPUs, and nobody of its own in its way. */
Test(starved, by_others, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);

	queued(&t, TS_PREEMPTED, 800 * MS);
	stood(&w, &w.sums.runnable_ns, 800 * MS);
	put(&t);
	analyse(w);
	is(CLASS_STARVED, "verdict.starved");
	cr_assert(evidence("wall.runnable_ns", 800 * MS));
	cr_assert_eq(f->thread_class[0], CLASS_STARVED);
}

/* A quota of half a CPU, for one thread that computes. */
Test(starved, by_the_cpu_limit, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);
	struct ev_run r = run();

	r.quota_us = 50000;
	r.period_us = 100000;
	put(&r);
	waited(&t, CAUSE_KERNEL_THROTTLE, 500 * MS, 10);
	stood(&w, &w.sums.runnable_ns, 500 * MS);
	w.sums.limit_ns = 500 * MS;
	put(&t);
	analyse(w);
	is(CLASS_STARVED, "verdict.starved");
	cr_assert_eq(f->cpus_allowed, 0.5);
	cr_assert(evidence("wall_parts.runnable_limit_ns", 500 * MS));
	cr_assert_not_null(strstr(f->list[0].title, "limit"), "%s", f->list[0].title);
	cr_assert_eq(f->thread_class[0], CLASS_STARVED);
}

static const char *named(void)
{
	for (size_t i = 0; i < f->list[0].n_evidence; i++) {
		if (!strcmp(f->list[0].evidence[i].metric, "others.cpu_ns"))
			return f->list[0].evidence[i].text;
	}
	return NULL;
}

static void starve(uint64_t others, uint64_t limit)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);

	waited(&t, CAUSE_KERNEL_THROTTLE, limit, 10);
	queued(&t, TS_PREEMPTED, others);
	stood(&w, &w.sums.runnable_ns, others + limit);
	w.sums.limit_ns = limit;
	put(&t);
	analyse(w);
	is(CLASS_STARVED, "verdict.starved");
}

static void put_others(const uint64_t *cpu_ns, int n)
{
	for (int i = 0; i < n; i++) {
		struct ev_other o = other(10 + i, cpu_ns[i]);

		put(&o);
	}
}

/* Three at most, of a twentieth of a CPU at least. */
Test(starved, by_whom, .init = setup, .fini = teardown)
{
	static const uint64_t four[] = { 50 * MS, 710 * MS, 60 * MS, 1200 * MS };
	static const uint64_t two[] = { 49 * MS, 710 * MS };

	put_others(four, 4);
	starve(800 * MS, 0);
	cr_assert(evidence("others.cpu_ns", 1200 * MS));
	cr_assert_str_eq(named(), "other programs meanwhile: o13 (pid 13) 1.20 of a CPU, "
				  "o11 (pid 11) 0.71, o12 (pid 12) 0.06");
	teardown();
	setup();
	put_others(two, 2);
	starve(800 * MS, 0);
	cr_assert_str_eq(named(), "other programs meanwhile: o11 (pid 11) 0.71 of a CPU");
}

Test(starved, by_nobody_in_particular, .init = setup, .fini = teardown)
{
	static const uint64_t little = 49 * MS, much = 900 * MS;

	put_others(&little, 1);
	starve(800 * MS, 0);
	cr_assert_null(named());
	teardown();
	setup();
	put_others(&much, 1);
	starve(0, 800 * MS);
	cr_assert_null(named(), "its own limit: %s", named());
}

/* A woken thread on its way to an idle CPU is neither: what is left decides. */
Test(starved, not_on_the_way_to_an_idle_cpu, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);

	queued(&t, TS_WOKEN, 500 * MS);
	t.ledger.queued_idle_ns = 500 * MS;
	waited(&t, CAUSE_IO_SOCKET, 450 * MS, 10000);
	stood(&w, &w.sums.runnable_ns, 500 * MS);
	stood(&w, &w.sums.row_ns[ROW_PEER], 450 * MS);
	w.sums.latency_ns = 500 * MS;
	put(&t);
	analyse(w);
	is(CLASS_IO_BOUND, "verdict.io");
	cr_assert_gt(f->verdict.margin, 0.25, "of 500 ms");
	cr_assert(evidence("wall_parts.runnable_latency_ns", 500 * MS));
	cr_assert_eq(f->thread_class[0], CLASS_IO_BOUND);
}

/* --- waiting --------------------------------------------------------------------- */

Test(waiting, input_and_output, .init = setup, .fini = teardown)
{
	stands(ROW_IO, CAUSE_IO_DISK, 950 * MS);
	is(CLASS_IO_BOUND, "verdict.io");
	cr_assert(evidence("wall_parts.io_device_ns", 950 * MS));
	cr_assert_eq(f->thread_class[0], CLASS_IO_BOUND);
}

Test(waiting, memory_from_the_disk, .init = setup, .fini = teardown)
{
	stands(ROW_FAULT, CAUSE_FAULT_MAJOR, 950 * MS);
	is(CLASS_IO_BOUND, "verdict.io");
	cr_assert_eq(f->thread_class[0], CLASS_IO_BOUND);
}

Test(waiting, sleep, .init = setup, .fini = teardown)
{
	stands(ROW_TIMER, CAUSE_TIMER_SLEEP, 950 * MS);
	is(CLASS_SLEEP_BOUND, "verdict.sleep");
	cr_assert_eq(f->thread_class[0], CLASS_SLEEP_BOUND);
}

Test(waiting, events, .init = setup, .fini = teardown)
{
	stands(ROW_EVENT, CAUSE_EVENT_EPOLL, 950 * MS);
	is(CLASS_IDLE, "verdict.idle");
	cr_assert_eq(f->thread_class[0], CLASS_IDLE);
}

/* Nothing has ended it: it is what the program still waits for. */
Test(waiting, open_at_the_end, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);

	waits(&t, CAUSE_TIMER_SLEEP, 50 * MS);
	stood(&w, &w.sums.still_ns, 950 * MS);
	put(&t);
	analyse(w);
	is(CLASS_SLEEP_BOUND, "verdict.sleep");
}

/* The one thread that matters, among many that wait for work. */
Test(waiting, idle_pool_does_not_outweigh_it, .init = setup, .fini = teardown)
{
	put_thread(thread(1, 0, 0, 0, SECOND));
	for (int i = 2; i < 50; i++) {
		struct ev_thread t = thread(i, 1, 1, 0, SECOND);

		waited(&t, CAUSE_EVENT_EPOLL, SECOND, 1);
		put(&t);
	}
	analyse(wall(SECOND));
	is(CLASS_CPU_BOUND, "verdict.cpu");
	cr_assert_eq(f->thread_class[0], CLASS_CPU_BOUND);
	cr_assert_eq(f->thread_class[1], CLASS_IDLE);
}

/* A pipe or a terminal to read is something to do, or nothing; so is a message. */
Test(waiting, something_to_do, .init = setup, .fini = teardown)
{
	static const enum cause causes[] = { CAUSE_IO_PIPE, CAUSE_IO_TTY, CAUSE_SIGNAL_WAIT,
					     CAUSE_IPC_POSIX_MQ };

	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
		stands(row_of_cause(causes[i]), causes[i], 950 * MS);
		is(CLASS_IDLE, "verdict.idle");
		cr_assert_eq(f->thread_class[0], CLASS_IDLE);
		teardown();
		setup();
	}
	analyse(wall(0));
}

Test(waiting, peers, .init = setup, .fini = teardown)
{
	stands(ROW_PEER, CAUSE_IO_SOCKET, 950 * MS);
	is(CLASS_IO_BOUND, "verdict.io");
	cr_assert(evidence("wall_parts.io_peer_ns", 950 * MS));
	cr_assert_eq(f->thread_class[0], CLASS_IO_BOUND);
}

Test(lock, standstill, .init = setup, .fini = teardown)
{
	stands(ROW_LOCK, CAUSE_LOCK_FILE, 950 * MS);
	is(CLASS_LOCK_BOUND, "verdict.lock");
	cr_assert_eq(f->thread_class[0], CLASS_LOCK_BOUND);
}

/* Four threads and one mutex, whose holder nearly always runs. */
Test(lock, serialised, .init = setup, .fini = teardown)
{
	struct ev_wall w = wall(SECOND);

	for (int i = 1; i <= 4; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, SECOND);

		waited(&t, CAUSE_LOCK_MUTEX, 750 * MS, 1000);
		put(&t);
	}
	w.sums.serialised_ns = 950 * MS;
	analyse(w);
	is(CLASS_LOCK_BOUND, "verdict.lock");
	cr_assert(evidence("wall.serialised_ns", 950 * MS));
	for (int i = 0; i < 4; i++)
		cr_assert_eq(f->thread_class[i], CLASS_LOCK_BOUND);
	cr_assert_eq(f->process_class[0], CLASS_LOCK_BOUND);
}

/* --- two that matter, or none ---------------------------------------------------- */

Test(mixed, half_and_half, .init = setup, .fini = teardown)
{
	stands(ROW_IO, CAUSE_IO_DISK, 510 * MS);
	is(CLASS_MIXED, "verdict.mixed");
	cr_assert_eq(f->verdict.parts[0], CLASS_IO_BOUND, "the larger one first");
	cr_assert_eq(f->verdict.parts[1], CLASS_CPU_BOUND);
	cr_assert(f->verdict.runner_up == CLASS_IO_BOUND ||
		  f->verdict.runner_up == CLASS_CPU_BOUND);
	cr_assert(f->verdict.margin > 0 && f->verdict.margin < 0.5);
	cr_assert(evidence("wall_parts.io_device_ns", 510 * MS));
	cr_assert(evidence("wall.running_ns", 490 * MS));
	cr_assert_eq(f->thread_class[0], CLASS_MIXED);
}

Test(mixed, two_waits, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);

	waited(&t, CAUSE_IO_SOCKET, 450 * MS, 10);
	waited(&t, CAUSE_TIMER_SLEEP, 520 * MS, 10);
	stood(&w, &w.sums.row_ns[ROW_PEER], 450 * MS);
	stood(&w, &w.sums.row_ns[ROW_TIMER], 520 * MS);
	put(&t);
	analyse(w);
	is(CLASS_MIXED, "verdict.mixed");
	cr_assert_eq(f->verdict.parts[0], CLASS_SLEEP_BOUND);
	cr_assert_eq(f->verdict.parts[1], CLASS_IO_BOUND);
}

Test(mixed, runner_up_and_margin_of_a_clear_case, .init = setup, .fini = teardown)
{
	double clear;

	stands(ROW_IO, CAUSE_IO_DISK, 970 * MS);
	clear = f->verdict.margin;
	teardown();
	setup();
	stands(ROW_IO, CAUSE_IO_DISK, 850 * MS);
	is(CLASS_IO_BOUND, "verdict.io");
	cr_assert(f->verdict.runner_up == CLASS_CPU_BOUND || f->verdict.runner_up == CLASS_MIXED);
	cr_assert(f->verdict.margin > 0 && f->verdict.margin < clear);
}

Test(unknown, too_short, .init = setup, .fini = teardown)
{
	put_thread(thread(1, 0, 0, 0, 2 * MS));
	analyse(wall(2 * MS));
	is(CLASS_UNKNOWN, "verdict.unknown");
	cr_assert_eq(f->verdict.margin, 0);
	cr_assert_eq(f->verdict.runner_up, CLASS_UNKNOWN);
	cr_assert_eq(f->thread_class[0], CLASS_UNKNOWN);
	cr_assert_eq(f->process_class[0], CLASS_UNKNOWN);
}

Test(unknown, most_waits_have_no_cause, .init = setup, .fini = teardown)
{
	stands(ROW_UNKNOWN, CAUSE_UNKNOWN, 800 * MS);
	is(CLASS_UNKNOWN, "verdict.unknown");
	cr_assert(evidence("wall.unknown_ns", 800 * MS));
	cr_assert_eq(f->thread_class[0], CLASS_UNKNOWN);
}

/* Switch-outs that were not seen: what it did between them is not known. */
Test(unknown, most_of_a_thread, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);

	t.ledger.state_ns[TS_RUNNING] = 400 * MS;
	t.ledger.state_ns[TS_UNKNOWN] = 600 * MS;
	put(&t);
	analyse(wall(SECOND));
	cr_assert_eq(f->thread_class[0], CLASS_UNKNOWN, "%s", class_name(f->thread_class[0]));
}

/* --- threads and processes ------------------------------------------------------- */

Test(class, each_of_its_own, .init = setup, .fini = teardown)
{
	struct ev_thread computes = thread(1, 0, 0, 0, SECOND), reads = thread(2, 1, 1, 10, SECOND);
	struct ev_thread sleeps = thread(3, 1, 0, 20, SECOND), too = thread(4, 3, 3, 30, SECOND);
	struct ev_thread short_one = thread(5, 1, 0, 40, MS);

	waited(&reads, CAUSE_IO_SOCKET, 950 * MS, 10);
	waited(&sleeps, CAUSE_TIMER_SLEEP, 950 * MS, 10);
	waits(&too, CAUSE_TIMER_TIMERFD, 50 * MS);
	put(&short_one);
	put(&too);
	put(&sleeps);
	put(&reads);
	put(&computes);
	analyse(wall(SECOND));
	cr_assert_eq(m->n_processes, 3);
	cr_assert_eq(f->thread_class[0], CLASS_CPU_BOUND);
	cr_assert_eq(f->thread_class[1], CLASS_IO_BOUND);
	cr_assert_eq(f->thread_class[2], CLASS_SLEEP_BOUND);
	cr_assert_eq(f->thread_class[3], CLASS_SLEEP_BOUND);
	cr_assert_eq(f->thread_class[4], CLASS_UNKNOWN);
	cr_assert_eq(f->process_class[1], CLASS_SLEEP_BOUND);
	cr_assert_eq(f->process_class[2], CLASS_UNKNOWN);
	is(CLASS_CPU_BOUND, "verdict.cpu");
}

/* --- sums that contradict each other --------------------------------------------- */

/* check() looks at the margin, and the sanitizers at the rest. */
Test(contradiction, any_sums)
{
	struct rng rng = rng_seed(7);

	for (int round = 0; round < 20000; round++) {
		setup();
		analyse_any(&rng);
		teardown();
	}
}

Test(contradiction, waits_longer_than_the_thread_lived, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);

	t.ledger.cause[CAUSE_IO_SOCKET].ns = 50 * SECOND;
	t.ledger.row_ns[ROW_PEER] = 50 * SECOND;
	t.ledger.state_ns[TS_RUNNING] = 0;
	put(&t);
	analyse(wall(SECOND));
	cr_assert_eq(f->thread_class[0], CLASS_IO_BOUND);
	cr_assert_eq(f->process_class[0], f->verdict.class, "the only one is the program");
	cr_assert_eq(f->trust.residual_ns, SECOND);
}

Test(contradiction, serialised_for_longer_than_it_ran, .init = setup, .fini = teardown)
{
	struct ev_wall w = wall(SECOND);

	stood(&w, &w.sums.row_ns[ROW_TIMER], 900 * MS);
	w.sums.serialised_ns = 5 * SECOND;
	analyse(w);
}
