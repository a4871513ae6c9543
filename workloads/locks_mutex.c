// SPDX-License-Identifier: BSD-2-Clause
/* glibc's mutexes: their kinds, where they lie, and time-outs. */
#include "locks.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* Not static: their names are to be found in the report. */
pthread_mutex_t account_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t tree_lock, journal_lock, counter_lock, session_lock, audio_lock, estate_lock;
pthread_mutex_t quota_lock = PTHREAD_MUTEX_INITIALIZER;
struct {
	long balance;
	pthread_mutex_t lock;
} accounts[8];

/* The one of the mode. */
static pthread_mutex_t *mutex = &account_lock;
static struct record *record;
static bool is_held;

static void lock(pthread_mutex_t *m)
{
	must0(pthread_mutex_lock(m), "pthread_mutex_lock");
}

static void unlock(pthread_mutex_t *m)
{
	must0(pthread_mutex_unlock(m), "pthread_mutex_unlock");
}

static void take(int seat)
{
	(void)seat;
	lock(mutex);
}

static void drop(int seat)
{
	(void)seat;
	unlock(mutex);
}

static void init(pthread_mutex_t *m, int type, int robust, int protocol)
{
	pthread_mutexattr_t attr;

	must0(pthread_mutexattr_init(&attr), "pthread_mutexattr_init");
	must0(pthread_mutexattr_settype(&attr, type), "pthread_mutexattr_settype");
	must0(pthread_mutexattr_setrobust(&attr, robust), "pthread_mutexattr_setrobust");
	must0(pthread_mutexattr_setprotocol(&attr, protocol), "pthread_mutexattr_setprotocol");
	must0(pthread_mutex_init(m, &attr), "pthread_mutex_init");
	mutex = m;
}

static const char *contest_for(const struct contest *c, struct row row, const char *cause)
{
	struct record *r = contest_of_threads(c);

	row.who = CONTENDER "*";
	expect_row(r, &row);
	expect_holders(r, &row);
	expect_ledger(r, &row, cause);
	expect_no_deadlock("each holds one lock at most");
	return NULL;
}

static const char *contest_of_mutex(const char *which)
{
	const struct contest c = { .take = take, .drop = drop, CONTEST_OF(2) };
	const struct row row = { .how = "owner-word", .which = which, .kind = "mutex" };

	return contest_for(&c, row, "lock.mutex");
}

static const char *run_many(void)
{
	const struct contest c = { .take = take, .drop = drop, CONTEST_OF(4) };
	const struct row row = { .how = "owner-word|woken",
				 .which = "name=account_lock",
				 .kind = "mutex" };

	return contest_for(&c, row, "lock.mutex");
}

static const char *run_mutex(void)
{
	return contest_of_mutex("name=account_lock");
}

static const char *run_errorcheck(void)
{
	init(&journal_lock, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	return contest_of_mutex("name=journal_lock");
}

static const char *run_adaptive(void)
{
	init(&counter_lock, PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	return contest_of_mutex("name=counter_lock");
}

static const char *run_robust(void)
{
	init(&session_lock, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
	return contest_of_mutex("name=session_lock");
}

static const char *run_pi(void)
{
	const struct contest c = { .take = take, .drop = drop, .hold = hold_asleep, CONTEST_OF(2) };
	const struct row row = { .how = "owner-word", .which = "name=audio_lock", .kind = "pi" };

	init(&audio_lock, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
	return contest_for(&c, row, "lock.pi");
}

/* Taken once more by who has it, which never waits. */
static void hold_twice(int seat)
{
	lock(mutex);
	burn(500 * (seat + 1));
	unlock(mutex);
}

static const char *run_recursive(void)
{
	const struct row row = { .how = "owner-word",
				 .which = "name=tree_lock",
				 .kind = "mutex",
				 .who = CONTENDER "*" };
	const struct contest c = { .take = take, .drop = drop, .hold = hold_twice, CONTEST_OF(2) };
	struct record *r;

	init(&tree_lock, PTHREAD_MUTEX_RECURSIVE, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	r = contest_of_threads(&c);
	expect_row(r, &row);
	expect_holders(r, &row);
	expect_ledger(r, &row, "lock.mutex");
	expect_no_deadlock("who has a recursive mutex may take it again");
	return NULL;
}

/* Locks without a symbol go by the function that contends for them. */
__attribute__((noinline)) void take_heap_lock(int seat)
{
	(void)seat;
	must0(pthread_mutex_lock(mutex), "pthread_mutex_lock");
}

__attribute__((noinline)) void take_stack_lock(int seat)
{
	(void)seat;
	must0(pthread_mutex_lock(mutex), "pthread_mutex_lock");
}

static const char *contest_without_symbol(void (*taker)(int), const char *which)
{
	const struct row row = {
		.how = "owner-word", .which = which, .kind = "mutex", .who = CONTENDER "*"
	};
	const struct contest c = { .take = taker, .drop = drop, CONTEST_OF(2) };
	struct record *r = contest_of_threads(&c);

	expect_row(r, &row);
	expect_holders(r, &row);
	expect_ledger(r, &row, "lock.mutex");
	return NULL;
}

static const char *run_heap(void)
{
	pthread_mutex_t *m = malloc(sizeof(*m));

	must(m ? 0 : -1, "malloc");
	init(m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	contest_without_symbol(take_heap_lock, "name=take_heap_lock");
	free(m);
	return NULL;
}

static const char *run_stack(void)
{
	pthread_mutex_t m;

	init(&m, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	return contest_without_symbol(take_stack_lock, "name=take_stack_lock");
}

static const char *run_array(void)
{
	init(&accounts[3].lock, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	return contest_of_mutex("name=\"accounts[3].lock\"");
}

#define TIMED_TRIES 8

static void hold_long(struct record *unused, int party)
{
	(void)unused, (void)party;
	lock(mutex);
	tell(&is_held);
	sleep_ns(100 * MS);
	unlock(mutex);
}

static void try_for_a_time(struct record *r, int party)
{
	await(&is_held);
	for (int i = 0; i < TIMED_TRIES; i++) {
		struct timespec t = deadline(CLOCK_REALTIME, 5 * MS);
		int error;

		call_begins();
		error = pthread_mutex_timedlock(&quota_lock, &t);
		must0(error == ETIMEDOUT ? 0 : EBUSY, "pthread_mutex_timedlock");
		call_times_out(r, party);
	}
	call_begins();
	lock(&quota_lock);
	call_ends(r, party);
	unlock(&quota_lock);
}

/* Two threads, of which one waits for what the other does. */
static pid_t run_pair(void (*holder)(struct record *, int), void (*waiter)(struct record *, int))
{
	struct actor h = { .comm = "holder", .body = holder };
	struct actor w = { .comm = "waiter", .body = waiter };

	w.record = record = record_new();
	actor_start(&h);
	actor_start(&w);
	actor_end(&h);
	actor_end(&w);
	return h.tid;
}

static const char *run_timed(void)
{
	const struct row row = {
		.how = "owner-word", .which = "name=quota_lock", .kind = "mutex", .who = "waiter"
	};
	pid_t holder;

	mutex = &quota_lock;
	holder = run_pair(hold_long, try_for_a_time);
	expect_row(record, &row);
	expect_culprit(record, &row, holder);
	expect_ledger_or_futex(record, &row, "lock.mutex");
	return NULL;
}

static void die_with_it(struct record *unused, int party)
{
	(void)unused, (void)party;
	lock(mutex);
	tell(&is_held);
	sleep_ns(50 * MS);
}

static void inherit(struct record *r, int party)
{
	int error;

	await(&is_held);
	call_begins();
	error = pthread_mutex_lock(mutex);
	call_ends(r, party);
	must0(error == EOWNERDEAD ? 0 : EBUSY, "pthread_mutex_lock");
	must0(pthread_mutex_consistent(mutex), "pthread_mutex_consistent");
	unlock(mutex);
}

static const char *run_robust_death(void)
{
	const struct row row = {
		.how = "owner-word", .which = "name=estate_lock", .kind = "mutex", .who = "waiter"
	};
	pid_t holder;

	init(&estate_lock, PTHREAD_MUTEX_NORMAL, PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
	holder = run_pair(die_with_it, inherit);
	expect_row(record, &row);
	expect_culprit(record, &row, holder);
	expect_ledger(record, &row, "lock.mutex");
	return NULL;
}

const struct mode mutex_modes[] = {
	{ "mutex", run_mutex },
	{ "mutex-many", run_many },
	{ "recursive", run_recursive },
	{ "errorcheck", run_errorcheck },
	{ "adaptive", run_adaptive },
	{ "robust", run_robust },
	{ "robust-death", run_robust_death },
	{ "pi", run_pi },
	{ "timed", run_timed },
	{ "heap", run_heap },
	{ "stack", run_stack },
	{ "array", run_array },
	{ 0 },
};
