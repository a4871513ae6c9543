// SPDX-License-Identifier: BSD-2-Clause
/* What is said beside the verdict: for each rule a stream that it is for, and others that
 * look like it. */
#include "findings.h"

static const struct finding *find(const char *rule)
{
	for (size_t i = 0; i < f->n_list; i++) {
		if (!strcmp(f->list[i].rule, rule))
			return &f->list[i];
	}
	return NULL;
}

static const struct finding *fires(const char *rule)
{
	const struct finding *found = find(rule);

	cr_assert(found, "%s does not fire", rule);
	return found;
}

static void is_silent(const char *rule)
{
	cr_assert(!find(rule), "%s fires: %s", rule, find(rule)->title);
}

/* Nothing but the verdict. */
static void says_nothing_else(void)
{
	cr_assert_eq(f->n_list, 1, "%s", f->n_list > 1 ? f->list[1].rule : "");
}

/* A new stream, after the one that has been looked at. */
static void again(void)
{
	teardown();
	setup();
}

static void named(struct ev_thread *t, const char *name)
{
	snprintf(t->comm, sizeof(t->comm), "%.15s", name);
}

/* --- process.startup --------------------------------------------------------------- */

/* A shell that runs n programs, one after the other, each of which computes for so long
 * and then waits for so long; and that does so much itself. */
static void script(int n, uint64_t ran, uint64_t waits_for, uint64_t itself)
{
	uint64_t each = ran + waits_for, all = n * each + itself;
	struct ev_thread shell = thread(1, 0, 0, 0, all);
	struct ev_wall w = wall(all);

	waited(&shell, CAUSE_CHILD_WAIT, n * each, n);
	put(&shell);
	for (int i = 0; i < n; i++) {
		struct ev_thread t = thread(2 + i, 1, 0, i * each, (i + 1) * each);

		waited(&t, CAUSE_IO_DISK, waits_for, 1);
		put(&t);
	}
	stood(&w, &w.sums.row_ns[ROW_IO], n * waits_for);
	analyse(w);
}

Test(startup, of_a_script, .init = setup, .fini = teardown)
{
	const struct finding *it;

	script(50, 4 * MS, MS, 10 * MS);
	it = fires("process.startup");
	cr_assert_eq(it->gain_at_most_ns, 200 * MS);
	cr_assert_eq(it->evidence[0].value, 50);
}

Test(startup, look_alikes, .init = setup, .fini = teardown)
{
	script(19, 4 * MS, MS, 0);
	is_silent("process.startup"); /* few */
	again();
	script(50, 11 * MS, 0, 0);
	is_silent("process.startup"); /* they work */
	again();
	script(50, 4 * MS, 0, SECOND);
	is_silent("process.startup"); /* the shell itself does most of it */
	again();
	script(50, MS, 20 * MS, 0);
	is_silent("process.startup"); /* they wait */
}

Test(startup, threads_are_no_processes, .init = setup, .fini = teardown)
{
	put_thread(thread(1, 0, 0, 0, 50 * MS));
	for (int i = 2; i < 100; i++)
		put_thread(thread(i, 1, 1, 0, 4 * MS));
	analyse(wall(400 * MS));
	is_silent("process.startup");
}

Test(startup, servers_that_live_on, .init = setup, .fini = teardown)
{
	put_thread(thread(1, 0, 0, 0, 10 * MS));
	for (int i = 2; i < 60; i++) {
		struct ev_thread t = thread(i, 1, 0, 0, SECOND);

		waits(&t, CAUSE_EVENT_EPOLL, 8 * MS);
		put(&t);
	}
	analyse(wall(SECOND));
	is_silent("process.startup");
}

/* --- cpu.spinning -------------------------------------------------------------------- */

/* One of two threads, of which the other computes, yields so often in so many switches. */
static void yielder(uint64_t yields, uint64_t switches, uint64_t ran)
{
	struct ev_thread t = thread(2, 1, 1, 0, SECOND);

	put_thread(thread(1, 0, 0, 0, SECOND));
	waited(&t, CAUSE_TIMER_SLEEP, SECOND - ran, 1);
	t.ledger.yields = yields;
	t.ledger.switches = switches;
	put(&t);
	analyse(wall(SECOND));
}

Test(spinning, by_yields, .init = setup, .fini = teardown)
{
	yielder(5000, 5200, 800 * MS);
	cr_assert_eq(fires("cpu.spinning")->evidence[0].value, 5000);
	cr_assert_eq(fires("cpu.spinning")->evidence[1].value, 800 * MS);
	again();
	yielder(200, 400, 100 * MS);
	fires("cpu.spinning");
}

Test(spinning, look_alikes, .init = setup, .fini = teardown)
{
	yielder(199, 199, 800 * MS);
	is_silent("cpu.spinning"); /* seldom */
	again();
	yielder(5000, 10002, 800 * MS);
	is_silent("cpu.spinning"); /* it mostly waits */
	again();
	yielder(5000, 5000, 40 * MS);
	is_silent("cpu.spinning"); /* it takes hardly any time */
	again();
	yielder(0, 100000, 800 * MS);
	is_silent("cpu.spinning");
}

/* --- timer.polling -------------------------------------------------------------------- */

/* So many waits in two seconds, and so much work. */
static void sleeper(enum cause cause, uint32_t waits, uint64_t ran)
{
	struct ev_thread t = thread(1, 0, 0, 0, 2 * SECOND);
	struct ev_wall w = wall(2 * SECOND);

	named(&t, "poller");
	waited(&t, cause, 2 * SECOND - ran, waits);
	stood(&w, &w.sums.row_ns[row_of_cause(cause)], 2 * SECOND - ran);
	put(&t);
	analyse(w);
}

Test(polling, in_short_sleeps, .init = setup, .fini = teardown)
{
	const struct finding *it;

	sleeper(CAUSE_TIMER_SLEEP, 2000, 100 * MS);
	it = fires("timer.polling");
	cr_assert_str_eq(it->subject, "poller");
	cr_assert_eq(it->evidence[0].value, 2000);
	again();
	sleeper(CAUSE_TIMER_SLEEP, 2000, 400 * MS);
	fires("timer.polling");
}

Test(polling, look_alikes, .init = setup, .fini = teardown)
{
	sleeper(CAUSE_TIMER_SLEEP, 700, 100 * MS);
	is_silent("timer.polling"); /* a game loop, on a fast screen */
	again();
	sleeper(CAUSE_TIMER_SLEEP, 2000, 410 * MS);
	is_silent("timer.polling"); /* it works in between */
	again();
	sleeper(CAUSE_TIMER_TIMERFD, 2000, 100 * MS);
	is_silent("timer.polling"); /* its timer wakes it when there is something to do */
	again();
	sleeper(CAUSE_EVENT_EPOLL, 20000, 100 * MS);
	is_silent("timer.polling"); /* a busy server */
	again();
	sleeper(CAUSE_SYNC_COND, 20000, 100 * MS);
	is_silent("timer.polling");
}

/* At each tick it has something for another thread. */
Test(polling, a_producer, .init = setup, .fini = teardown)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_OTHER, SECOND);
	struct ev_lock_waiter waiter = lock_waiter(64, 2, CAUSE_SYNC_FUTEX, 600, SECOND);
	struct ev_wake w = wake(0, 2, 1, 600, SECOND);

	w.key = l.key;
	put_thread(thread(2, 1, 1, 0, 2 * SECOND));
	put(&l);
	put(&waiter);
	put(&w);
	sleeper(CAUSE_TIMER_SLEEP, 2000, 100 * MS);
	is_silent("timer.polling");
}

/* Often, but hardly ever: a thread that lives for a moment. */
Test(polling, short_life, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(2, 1, 1, 0, 50 * MS);

	put_thread(thread(1, 0, 0, 0, SECOND));
	waited(&t, CAUSE_TIMER_SLEEP, 49 * MS, 99);
	put(&t);
	analyse(wall(SECOND));
	is_silent("timer.polling");
}

/* --- pool.large -------------------------------------------------------------------------- */

struct pool {
	int threads;
	enum cause cause;
	uint64_t waits, life;
	const char *name; /* with a %d, or without */
};

/* Beside a thread that computes. */
static void pool(struct pool p)
{
	char name[32];

	put_thread(thread(1, 0, 0, 0, SECOND));
	for (int i = 0; i < p.threads; i++) {
		struct ev_thread t = thread(2 + i, 1, 1, 0, p.life);

		waited(&t, p.cause, p.waits, 20);
		snprintf(name, sizeof(name), p.name, i);
		named(&t, name);
		put(&t);
	}
	analyse(wall(SECOND));
}

static const struct pool idle_pool = { 16, CAUSE_SYNC_COND, 950 * MS, SECOND, "worker" };

Test(pool, of_idle_workers, .init = setup, .fini = teardown)
{
	struct pool p = idle_pool;
	const struct finding *it;

	pool(p);
	it = fires("pool.large");
	cr_assert_str_eq(it->subject, "worker");
	cr_assert_eq(it->evidence[0].value, 16 * 950 * MS);
	again();
	p.threads = 4;
	p.waits = 750 * MS;
	pool(p);
	fires("pool.large");
}

Test(pool, look_alikes, .init = setup, .fini = teardown)
{
	struct pool p = idle_pool;

	p.threads = 3;
	pool(p);
	is_silent("pool.large");
	again();
	p = idle_pool;
	p.waits = 700 * MS;
	pool(p);
	is_silent("pool.large"); /* busy enough */
	again();
	p = idle_pool;
	p.life = 500 * MS;
	p.waits = 490 * MS;
	pool(p);
	is_silent("pool.large"); /* they come and go */
	again();
	p = idle_pool;
	p.cause = CAUSE_EVENT_EPOLL;
	pool(p);
	is_silent("pool.large"); /* clients could come */
	again();
	p = idle_pool;
	p.name = "w%d";
	pool(p);
	is_silent("pool.large"); /* each is something else */
}

/* Each process has one, and they are not one pool. */
Test(pool, not_across_processes, .init = setup, .fini = teardown)
{
	put_thread(thread(1, 0, 0, 0, SECOND));
	for (int i = 2; i < 20; i += 2) {
		struct ev_thread t = thread(i + 1, i, i, 0, SECOND);

		put_thread(thread(i, 1, 0, 0, SECOND));
		named(&t, "worker");
		waited(&t, CAUSE_SYNC_COND, 950 * MS, 20);
		put(&t);
	}
	analyse(wall(SECOND));
	is_silent("pool.large");
}

/* Nothing is asked of the program: then its pool is as large as it is. */
Test(pool, of_an_idle_program, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);

	waited(&t, CAUSE_EVENT_EPOLL, 950 * MS, 20);
	put(&t);
	for (int i = 2; i < 20; i++) {
		struct ev_thread worker = thread(i, 1, 1, 0, SECOND);

		named(&worker, "worker");
		waited(&worker, CAUSE_SYNC_COND, 999 * MS, 20);
		put(&worker);
	}
	stood(&w, &w.sums.row_ns[ROW_EVENT], 950 * MS);
	analyse(w);
	is_silent("pool.large");
}

/* --- lock.contention ------------------------------------------------------------------------ */

/* Four threads that compute, and wait so often, each so long in all. */
static void contend(enum cause cause, uint32_t waits, uint64_t ns)
{
	for (int i = 1; i <= 4; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, SECOND);

		waited(&t, cause, ns, waits);
		put(&t);
	}
	analyse(wall(SECOND));
}

Test(contention, beside_the_verdict, .init = setup, .fini = teardown)
{
	contend(CAUSE_LOCK_MUTEX, 500, 50 * MS);
	cr_assert_eq(fires("lock.contention")->evidence[0].value, 200 * MS);
	again();
	contend(CAUSE_LOCK_FILE, 3, 25 * MS);
	fires("lock.contention");
}

Test(contention, look_alikes, .init = setup, .fini = teardown)
{
	static const enum cause others[] = { CAUSE_SYNC_COND, CAUSE_SYNC_BARRIER, CAUSE_SYNC_FUTEX,
					     CAUSE_KERNEL_LOCK, CAUSE_IO_DISK };

	contend(CAUSE_LOCK_MUTEX, 2, 50 * MS);
	is_silent("lock.contention"); /* at the start, or once by chance */
	again();
	contend(CAUSE_LOCK_MUTEX, 5000, 24 * MS);
	is_silent("lock.contention"); /* often, but for a moment */
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		again();
		contend(others[i], 500, 100 * MS);
		is_silent("lock.contention");
	}
}

/* Then it is what the verdict says. */
Test(contention, is_not_said_twice, .init = setup, .fini = teardown)
{
	struct ev_wall w = wall(SECOND);

	w.sums.serialised_ns = 900 * MS;
	for (int i = 1; i <= 4; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, SECOND);

		waited(&t, CAUSE_LOCK_MUTEX, 700 * MS, 1000);
		put(&t);
	}
	analyse(w);
	cr_assert_eq(f->verdict.class, CLASS_LOCK_BOUND);
	is_silent("lock.contention");
}

/* --- from outside: cpu.limit, machine.busy, handover.latency ---------------------------------- */

/* One thread that computes, and was ready for so long while nothing ran: behind others, the
 * limit, or on its way to an idle CPU. */
static void ready_for(uint64_t others, uint64_t limit, uint64_t latency)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);

	waited(&t, CAUSE_KERNEL_THROTTLE, limit, 10);
	queued(&t, TS_PREEMPTED, others);
	queued(&t, TS_WOKEN, latency);
	t.ledger.queued_idle_ns = latency;
	stood(&w, &w.sums.runnable_ns, others + limit + latency);
	w.sums.limit_ns = limit;
	w.sums.latency_ns = latency;
	put(&t);
	analyse(w);
}

static const struct {
	uint64_t others, limit, latency;
	const char *rule; /* the only one */
} ready[] = {
	{ 0, 0, 0, NULL },
	{ 49 * MS, 0, 0, NULL },
	{ 51 * MS, 0, 0, "machine.busy" },
	{ 0, 49 * MS, 0, NULL },
	{ 0, 51 * MS, 0, "cpu.limit" },
	{ 0, 0, 149 * MS, NULL },
	{ 0, 0, 151 * MS, "handover.latency" },
	{ 200 * MS, 0, 0, "machine.busy" },
	{ 0, 200 * MS, 0, "cpu.limit" },
	{ 0, 0, 500 * MS, "handover.latency" },
	/* then the verdict says it */
	{ 700 * MS, 0, 0, NULL },
	{ 0, 700 * MS, 0, NULL },
};

Test(outside, one_rule_for_each, .init = setup, .fini = teardown)
{
	for (size_t i = 0; i < sizeof(ready) / sizeof(*ready); i++) {
		ready_for(ready[i].others, ready[i].limit, ready[i].latency);
		if (ready[i].rule) {
			fires(ready[i].rule);
			cr_assert_eq(f->n_list, 2, "row %zu: also %s", i, f->list[2].rule);
		} else {
			cr_assert_eq(f->n_list, 1, "row %zu: %s", i, f->list[1].rule);
		}
		again();
	}
	analyse(wall(0));
}

/* A queue of its own making. */
Test(outside, its_own_threads_are_no_busy_machine, .init = setup, .fini = teardown)
{
	struct ev_wall w = wall(SECOND);

	on_cpus(1);
	for (int i = 1; i <= 2; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, SECOND);

		crowded(&t, TS_PREEMPTED, 500 * MS);
		put(&t);
	}
	analyse(w);
	says_nothing_else();
}

/* Throttled threads while others of the program run: the limit is felt all the same. */
Test(outside, limit_beside_running_threads, .init = setup, .fini = teardown)
{
	for (int i = 1; i <= 4; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, SECOND);

		waited(&t, CAUSE_KERNEL_THROTTLE, 60 * MS, 10);
		put(&t);
	}
	analyse(wall(SECOND));
	fires("cpu.limit");
}

/* --- memory.faults ------------------------------------------------------------------------------ */

static void wait_for_memory(uint64_t faults, uint64_t disk, enum cause cause)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);

	if (faults)
		waited(&t, cause, faults, 100);
	waited(&t, CAUSE_IO_DISK, disk, 100);
	stood(&w, &w.sums.row_ns[row_of_cause(cause)], faults);
	stood(&w, &w.sums.row_ns[ROW_IO], disk);
	put(&t);
	analyse(w);
}

Test(faults, beside_the_disk, .init = setup, .fini = teardown)
{
	wait_for_memory(300 * MS, 400 * MS, CAUSE_FAULT_MAJOR);
	cr_assert_eq(fires("memory.faults")->evidence[0].value, 300 * MS);
	cr_assert_eq(fires("memory.faults")->gain_at_most_ns, 300 * MS);
}

Test(faults, look_alikes, .init = setup, .fini = teardown)
{
	wait_for_memory(49 * MS, 600 * MS, CAUSE_FAULT_MAJOR);
	is_silent("memory.faults");
	again();
	wait_for_memory(0, 900 * MS, CAUSE_FAULT_MAJOR);
	is_silent("memory.faults");
	again();
	wait_for_memory(300 * MS, 400 * MS, CAUSE_FAULT_MINOR);
	is_silent("memory.faults");
}

/* Most of what an io-bound program waits for: the verdict says it. */
Test(faults, are_not_said_twice, .init = setup, .fini = teardown)
{
	wait_for_memory(600 * MS, 100 * MS, CAUSE_FAULT_MAJOR);
	cr_assert_eq(f->verdict.class, CLASS_IO_BOUND);
	cr_assert_not_null(strstr(f->list[0].title, "memory"), "%s", f->list[0].title);
	is_silent("memory.faults");
}

/* Of a program that mostly computes, the verdict does not say it. */
Test(faults, beside_computing, .init = setup, .fini = teardown)
{
	wait_for_memory(300 * MS, 0, CAUSE_FAULT_MAJOR);
	cr_assert_eq(f->verdict.class, CLASS_CPU_BOUND);
	fires("memory.faults");
}

/* --- all ------------------------------------------------------------------------------------------- */

Test(rules, none_for_a_program_that_computes, .init = setup, .fini = teardown)
{
	for (int i = 1; i <= 4; i++)
		put_thread(thread(i, i > 1, 1, 0, SECOND));
	analyse(wall(SECOND));
	says_nothing_else();
}

/* Whatever it was, it was too short to speak of. */
Test(rules, none_for_a_moment, .init = setup, .fini = teardown)
{
	struct ev_thread t = thread(1, 0, 0, 0, 9 * MS);
	struct ev_wall w = wall(9 * MS);

	waited(&t, CAUSE_TIMER_SLEEP, 8 * MS, 1000);
	t.ledger.yields = t.ledger.switches = 1000;
	stood(&w, &w.sums.runnable_ns, 5 * MS);
	w.sums.latency_ns = 5 * MS;
	put(&t);
	analyse(w);
	says_nothing_else();
}

Test(rules, each_at_most_once, .init = setup, .fini = teardown)
{
	for (int i = 1; i <= 40; i++) {
		struct ev_thread t = thread(i, i > 1, i % 4 ? i / 4 * 4 : i, 0, SECOND);

		waited(&t, CAUSE_TIMER_SLEEP, 500 * MS, 1000);
		waited(&t, CAUSE_LOCK_MUTEX, 400 * MS, 1000);
		t.ledger.yields = t.ledger.switches = 1000;
		put(&t);
	}
	analyse(wall(SECOND));
	for (size_t i = 0; i < f->n_list; i++) {
		for (size_t k = 0; k < i; k++)
			cr_assert_str_neq(f->list[i].rule, f->list[k].rule);
	}
	cr_assert_geq(f->n_list, 4);
}
