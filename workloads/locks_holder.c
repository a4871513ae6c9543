// SPDX-License-Identifier: BSD-2-Clause
/* What holders do while others wait for them. */
#include "locks.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Not static: their names are to be found in the report. */
pthread_mutex_t busy_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t nap_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t crowded_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t relay_lock;

static pthread_mutex_t *mutex;
static int log_file;
static bool is_over;

static void take(int seat)
{
	(void)seat;
	must0(pthread_mutex_lock(mutex), "pthread_mutex_lock");
}

static void drop(int seat)
{
	(void)seat;
	must0(pthread_mutex_unlock(mutex), "pthread_mutex_unlock");
}

/* Two contend, so that never more than one waits. */
static const char *contest_of_two(struct contest c, pthread_mutex_t *m, const char *which)
{
	const struct row row = {
		.how = "owner-word", .which = which, .kind = "mutex", .who = CONTENDER "*"
	};
	struct record *r;

	mutex = m;
	c.take = take;
	c.drop = drop;
	c.seats = 2;
	r = contest_of_threads(&c);
	expect_row(r, &row);
	expect_holders(r, &row);
	expect_doing(r, &row, 0);
	expect_doing(r, &row, 1);
	expect_ledger(r, &row, "lock.mutex");
	return NULL;
}

static void expect_held_in(const char *which, const char *function)
{
	truth_begins(truth_path("locks[%s].held_in", which), function,
		     "there the holders were while they had it");
}

static const char *run_busy(void)
{
	expect_held_in("name=busy_lock", "burn (");
	return contest_of_two((struct contest){ .waits = 120, .pause = 100 * US }, &busy_lock,
			      "name=busy_lock");
}

static void nap(int seat)
{
	sleep_ns((seat + 1) * MS);
}

static const char *run_nap(void)
{
	expect_held_in("name=nap_lock", "sleep_ns (");
	return contest_of_two((struct contest){ .hold = nap, .waits = 120, .pause = 100 * US },
			      &nap_lock, "name=nap_lock");
}

static void write_log(int seat)
{
	char line[512];

	memset(line, 'a' + seat, sizeof(line));
	for (int i = 0; i <= seat; i++)
		must(write(log_file, line, sizeof(line)), "write");
}

static const char *run_io(void)
{
	log_file = nameless_file("locks", O_DSYNC | O_APPEND);
	return contest_of_two(
		(struct contest){ .hold = write_log, .waits = 120, .pause = 100 * US }, &log_lock,
		"name=log_lock");
}

#define CROWDED_ROUNDS 20

static void hold_in_crowd(struct record *r, int party)
{
	bind_to_cpu(0);
	for (int i = 0; i < CROWDED_ROUNDS; i++) {
		call_begins();
		take(0);
		call_ends(r, party);
		hold_begins(r, party);
		burn(5000);
		hold_ends(r, party);
		drop(0);
		sleep_ns(200 * US);
	}
	tell(&is_over);
}

static void want_from_crowd(struct record *r, int party)
{
	bind_to_cpu(1);
	while (!__atomic_load_n(&is_over, __ATOMIC_SEQ_CST)) {
		call_begins();
		take(0);
		call_ends(r, party);
		hold_begins(r, party);
		drop(0);
		sleep_ns(200 * US);
	}
}

static void crowd(struct record *unused, int party)
{
	(void)unused, (void)party;
	bind_to_cpu(0);
	while (!__atomic_load_n(&is_over, __ATOMIC_SEQ_CST))
		burn(100);
}

/* The holder's CPU is wanted by two that compute. */
static const char *run_preempted(void)
{
	const struct row row = { .how = "owner-word",
				 .which = "name=crowded_lock",
				 .kind = "mutex",
				 .who = CONTENDER "*" };
	struct record *r = record_new();
	struct actor actors[] = {
		{ .comm = "crowd", .body = crowd },
		{ .comm = "crowd", .body = crowd },
		{ .comm = CONTENDER, .body = hold_in_crowd, .record = r },
		{ .comm = CONTENDER, .body = want_from_crowd, .record = r },
	};

	mutex = &crowded_lock;
	for (int i = 0; i < 4; i++)
		actor_start(&actors[i]);
	for (int i = 0; i < 4; i++)
		actor_end(&actors[i]);
	expect_row(r, &row);
	expect_holders(r, &row);
	expect_doing(r, &row, r->party[0].tid == actors[2].tid ? 0 : 1);
	expect_ledger(r, &row, "lock.mutex");
	return NULL;
}

static void hold_shortly(int seat)
{
	(void)seat;
	burn(300);
}

/* A PI mutex is handed to who waits longest: with no time between, all but one always wait. */
static const char *run_convoy(void)
{
	const struct contest c = {
		.take = take, .drop = drop, .hold = hold_shortly, .seats = 4, .waits = 450
	};
	const struct row row = {
		.how = "owner-word", .which = "name=relay_lock", .kind = "pi", .who = CONTENDER "*"
	};
	pthread_mutexattr_t attr;
	struct record *r;

	must0(pthread_mutexattr_init(&attr), "pthread_mutexattr_init");
	must0(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT),
	      "pthread_mutexattr_setprotocol");
	must0(pthread_mutex_init(&relay_lock, &attr), "pthread_mutex_init");
	mutex = &relay_lock;
	r = contest_of_threads(&c);
	expect_row(r, &row);
	expect_holders(r, &row);
	expect_ledger(r, &row, "lock.pi");
	return NULL;
}

const struct mode holder_modes[] = {
	{ "holder-computes", run_busy }, { "holder-sleeps", run_nap },
	{ "holder-writes", run_io },	 { "holder-preempted", run_preempted },
	{ "convoy", run_convoy },	 { 0 },
};
