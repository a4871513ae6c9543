// SPDX-License-Identifier: BSD-2-Clause
/* Deadlocks that are not of mutexes alone; and a mutex that nobody can let go. */
#include "deadlocks.h"

#include <unistd.h>

/* Not static: their names are to be found in the report. */
pthread_rwlock_t left_table = PTHREAD_RWLOCK_INITIALIZER, right_table = PTHREAD_RWLOCK_INITIALIZER;
pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER, left_behind = PTHREAD_MUTEX_INITIALIZER;

static void run_rwlock(void)
{
	const struct thing things[] = { { take_to_write, take_to_write, &left_table },
					{ take_to_write, take_to_write, &right_table } };

	add_ring("writer", things, 2);
	threads_stand();
}

static void run_mixed(void)
{
	const struct thing things[] = { mutex_thing(&table_lock),
					{ take_to_write, take_to_write, &left_table } };

	add_ring("mixed", things, 2);
	threads_stand();
}

/* One waits to read what the other writes. */
static void run_reader(void)
{
	const struct thing things[] = { mutex_thing(&table_lock),
					{ take_to_write, take_to_read, &left_table } };

	add_ring("mixed", things, 2);
	threads_stand();
}

static void await_end(void *thread)
{
	join_thread(*(pthread_t *)thread);
}

/* The one has the mutex and waits for the end of the other, which wants the mutex. */
static void run_join(void)
{
	const struct thing things[] = { mutex_thing(&table_lock),
					{ NULL, await_end, &scene->seat[1].thread } };

	add_ring("join", things, 2);
	threads_stand();
}

static pid_t dead;

static void *take_and_end(void *unused)
{
	name_thread("leaver");
	dead = gettid();
	take_mutex(&left_behind);
	return unused;
}

static void run_dead(void)
{
	join_thread(start_thread(take_and_end, NULL));
	add_abandoned("heir", mutex_thing(&left_behind), dead);
	threads_stand();
}

const struct mode other_modes[] = {
	{ "rwlock", run_rwlock }, { "mixed", run_mixed }, { "reader", run_reader },
	{ "join", run_join },	  { "dead", run_dead },	  { 0 },
};
