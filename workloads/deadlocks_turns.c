// SPDX-License-Identifier: BSD-2-Clause
/* Threads that wait for their turn, for work, or for each other's end. */
#include "deadlocks.h"

#define QUEUE 8

/* Not static: their names would be found in the report. */
pthread_mutex_t work_lock = PTHREAD_MUTEX_INITIALIZER, convoy_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t work_there = PTHREAD_COND_INITIALIZER;

static int work;

static void *consume(void *unused)
{
	name_thread("consumer");
	take_mutex(&work_lock);
	for (int left = 2; left; left--) {
		while (!work)
			must0(pthread_cond_wait(&work_there, &work_lock), "pthread_cond_wait");
		work--;
	}
	drop_mutex(&work_lock);
	return unused;
}

static void run_cond(void)
{
	pthread_t consumer = start_thread(consume, NULL);

	for (int i = 0; i < 2; i++) {
		sleep_ns(700 * MS);
		take_mutex(&work_lock);
		work++;
		must0(pthread_cond_signal(&work_there), "pthread_cond_signal");
		drop_mutex(&work_lock);
	}
	join_thread(consumer);
	expect_no_deadlock("the producer is slow, but it produces");
}

static void run_daemon(void)
{
	start_thread(consume, NULL);
	sleep_ns(STUCK_NS);
	expect_no_deadlock("anybody may signal a condition, and nobody has to");
}

static void *convoy(void *unused)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC) + SEC;

	name_thread("convoy");
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		take_mutex(&convoy_lock);
		sleep_ns(20 * MS);
		drop_mutex(&convoy_lock);
	}
	return unused;
}

static void run_convoy(void)
{
	pthread_t threads[QUEUE];

	for (int i = 0; i < QUEUE; i++)
		threads[i] = start_thread(convoy, NULL);
	for (int i = 0; i < QUEUE; i++)
		join_thread(threads[i]);
	expect_no_deadlock("each gets it in its turn");
}

static void *end_of_chain(void *unused)
{
	name_thread("chain-2");
	sleep_ns(SEC);
	return unused;
}

static void *middle_of_chain(void *unused)
{
	name_thread("chain-1");
	join_thread(start_thread(end_of_chain, NULL));
	return unused;
}

static void *begin_of_chain(void *unused)
{
	name_thread("chain-0");
	join_thread(start_thread(middle_of_chain, NULL));
	return unused;
}

static void run_join_chain(void)
{
	join_thread(start_thread(begin_of_chain, NULL));
	expect_no_deadlock("the last of the chain only sleeps");
}

const struct mode turns_modes[] = {
	{ "cond", run_cond },
	{ "daemon", run_daemon },
	{ "convoy", run_convoy },
	{ "join-chain", run_join_chain },
	{ 0 },
};
