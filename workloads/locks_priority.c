// SPDX-License-Identifier: BSD-2-Clause
/*
 * Three threads of fixed priorities on one CPU: the highest waits for the lowest, which cannot go on
 * because of the one between, unless the mutex lends it the waiter's priority.
 */
#include "locks.h"

#include <errno.h>
#include <sched.h>

#define ROUNDS	4
#define ROUND	(80 * MS)
#define HELD	(10 * MS)
#define BETWEEN (30 * MS)

/* Not static: their names are to be found in the report. */
pthread_mutex_t bus_lock, lending_bus_lock;

static pthread_mutex_t *mutex;
static int64_t begin;

static void sleep_until(int64_t at)
{
	struct timespec t = { .tv_sec = at / SEC, .tv_nsec = at % SEC };

	must0(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), "clock_nanosleep");
}

static void compute(int64_t ns)
{
	int64_t end = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		burn(20);
}

static void be_fifo(int priority)
{
	const struct sched_param p = { .sched_priority = priority };

	bind_to_one_cpu();
	must(sched_setscheduler(0, SCHED_FIFO, &p), "sched_setscheduler");
}

static void lock(void)
{
	must0(pthread_mutex_lock(mutex), "pthread_mutex_lock");
}

static void unlock(void)
{
	must0(pthread_mutex_unlock(mutex), "pthread_mutex_unlock");
}

static void be_low(struct record *r, int party)
{
	be_fifo(10);
	for (int i = 0; i < ROUNDS; i++) {
		sleep_until(begin + i * ROUND);
		call_begins();
		lock();
		call_ends(r, party);
		hold_begins(r, party);
		compute(HELD);
		hold_ends(r, party);
		unlock();
	}
}

static void be_middle(struct record *unused, int party)
{
	(void)unused, (void)party;
	be_fifo(20);
	for (int i = 0; i < ROUNDS; i++) {
		sleep_until(begin + i * ROUND + HELD / 2);
		compute(BETWEEN);
	}
}

static void be_high(struct record *r, int party)
{
	be_fifo(30);
	for (int i = 0; i < ROUNDS; i++) {
		sleep_until(begin + i * ROUND + HELD / 4);
		call_begins();
		lock();
		call_ends(r, party);
		unlock();
	}
}

static bool may_be_fifo(void)
{
	const struct sched_param other = { 0 }, fifo = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &fifo) == -1)
		return false;
	must(sched_setscheduler(0, SCHED_OTHER, &other), "sched_setscheduler");
	return true;
}

static const char *run(pthread_mutex_t *m, int protocol, const struct row *row, const char *cause)
{
	struct record *r = record_new();
	struct actor actors[] = {
		{ .comm = "low", .body = be_low, .record = r },
		{ .comm = "middle", .body = be_middle },
		{ .comm = "high", .body = be_high, .record = r },
	};
	pthread_mutexattr_t attr;

	if (!may_be_fifo())
		return "a fixed priority needs CAP_SYS_NICE, and a share of real time";
	must0(pthread_mutexattr_init(&attr), "pthread_mutexattr_init");
	must0(pthread_mutexattr_setprotocol(&attr, protocol), "pthread_mutexattr_setprotocol");
	must0(pthread_mutex_init(m, &attr), "pthread_mutex_init");
	mutex = m;
	begin = clock_ns(CLOCK_MONOTONIC) + 10 * MS;
	for (int i = 0; i < 3; i++)
		actor_start(&actors[i]);
	for (int i = 0; i < 3; i++)
		actor_end(&actors[i]);
	expect_row(r, row);
	expect_culprit(r, row, actors[0].tid);
	expect_doing(r, row, r->party[0].tid == actors[0].tid ? 0 : 1);
	expect_ledger(r, row, cause);
	truth_finding("lock.inversion", protocol == PTHREAD_PRIO_NONE,
		      "who is between them takes the CPU from the holder, if nobody lends it more");
	return NULL;
}

static const char *run_inversion(void)
{
	const struct row row = {
		.how = "owner-word", .which = "name=bus_lock", .kind = "mutex", .who = "high"
	};

	return run(&bus_lock, PTHREAD_PRIO_NONE, &row, "lock.mutex");
}

static const char *run_inheritance(void)
{
	const struct row row = {
		.how = "owner-word", .which = "name=lending_bus_lock", .kind = "pi", .who = "high"
	};

	return run(&lending_bus_lock, PTHREAD_PRIO_INHERIT, &row, "lock.pi");
}

const struct mode priority_modes[] = {
	{ "inversion", run_inversion },
	{ "inheritance", run_inheritance },
	{ 0 },
};
