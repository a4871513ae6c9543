// SPDX-License-Identifier: BSD-2-Clause
/* Long waits, and circles, that come to an end. */
#include "deadlocks.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not static: their names would be found in the report. */
pthread_mutex_t patient_lock = PTHREAD_MUTEX_INITIALIZER, hasty_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t slow_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t again_lock, inherited_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_barrier_t both;

static void meet(void)
{
	int error = pthread_barrier_wait(&both);

	must0(error == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : error, "pthread_barrier_wait");
}

static void run_together(void *(*one)(void *), void *(*other)(void *))
{
	pthread_t threads[2];

	must0(pthread_barrier_init(&both, NULL, 2), "pthread_barrier_init");
	threads[0] = start_thread(one, NULL);
	threads[1] = start_thread(other, NULL);
	join_thread(threads[0]);
	join_thread(threads[1]);
}

static void *wait_patiently(void *unused)
{
	name_thread("patient");
	take_mutex(&patient_lock);
	meet();
	take_mutex(&hasty_lock);
	drop_mutex(&hasty_lock);
	drop_mutex(&patient_lock);
	return unused;
}

static void *wait_a_while(void *unused)
{
	int64_t end;
	struct timespec until;

	name_thread("hasty");
	take_mutex(&hasty_lock);
	meet();
	end = clock_ns(CLOCK_REALTIME) + 700 * MS;
	until = (struct timespec){ .tv_sec = end / SEC, .tv_nsec = end % SEC };
	must(pthread_mutex_timedlock(&patient_lock, &until) == ETIMEDOUT ? 0 : -1, "a time-out");
	drop_mutex(&hasty_lock);
	return unused;
}

static void run_timed(void)
{
	run_together(wait_patiently, wait_a_while);
	expect_no_deadlock("one of the two gives up after 0.7 s");
}

/* Gives back what it has, and tries again. */
static void try_both(const char *comm, pthread_mutex_t *first, pthread_mutex_t *second)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC) + SEC;

	name_thread(comm);
	meet();
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		take_mutex(first);
		sleep_ns(MS);
		if (!pthread_mutex_trylock(second))
			drop_mutex(second);
		drop_mutex(first);
		sleep_ns(200 * US);
	}
}

static void *try_patient_first(void *unused)
{
	try_both("try-0", &patient_lock, &hasty_lock);
	return unused;
}

static void *try_hasty_first(void *unused)
{
	try_both("try-1", &hasty_lock, &patient_lock);
	return unused;
}

static void run_trylock(void)
{
	run_together(try_patient_first, try_hasty_first);
	expect_no_deadlock("who does not get the second lock gives back the first");
}

static void take_both(pthread_mutex_t *first, pthread_mutex_t *second)
{
	take_mutex(first);
	take_mutex(second);
	sleep_ns(600 * MS);
	drop_mutex(second);
	drop_mutex(first);
}

static void *go_first(void *unused)
{
	name_thread("first");
	take_both(&patient_lock, &hasty_lock);
	meet();
	sleep_ns(600 * MS);
	return unused;
}

static void *go_second(void *unused)
{
	name_thread("second");
	meet();
	take_both(&hasty_lock, &patient_lock);
	return unused;
}

static void run_opposite(void)
{
	run_together(go_first, go_second);
	expect_no_deadlock("one has both when the other begins, and never both at once");
}

static void *queue_up(void *unused)
{
	name_thread("queuer");
	take_mutex(&slow_lock);
	drop_mutex(&slow_lock);
	return unused;
}

static void run_slow_holder(void)
{
	pthread_t queuers[2];

	take_mutex(&slow_lock);
	for (int i = 0; i < 2; i++)
		queuers[i] = start_thread(queue_up, NULL);
	sleep_ns(1200 * MS);
	drop_mutex(&slow_lock);
	for (int i = 0; i < 2; i++)
		join_thread(queuers[i]);
	expect_no_deadlock("the holder sleeps, and lets it go then");
}

static void *want_again_lock(void *unused)
{
	name_thread("other");
	take_mutex(&again_lock);
	drop_mutex(&again_lock);
	return unused;
}

static void run_recursive(void)
{
	pthread_t other;

	make_mutex(&again_lock, (struct mutex_kind){ .type = PTHREAD_MUTEX_RECURSIVE });
	take_mutex(&again_lock);
	other = start_thread(want_again_lock, NULL);
	for (int i = 0; i < 3; i++) {
		sleep_ns(400 * MS);
		take_mutex(&again_lock);
	}
	for (int i = 0; i < 4; i++)
		drop_mutex(&again_lock);
	join_thread(other);
	expect_no_deadlock("it may be taken again by who has it");
}

static void hold_stopped(pthread_mutex_t *lock)
{
	name_thread("stopped");
	take_mutex(lock);
	must(raise(SIGSTOP), "SIGSTOP");
	drop_mutex(lock);
	_exit(EXIT_SUCCESS);
}

static void *want_shared(void *lock)
{
	name_thread("waiter");
	take_mutex(lock);
	drop_mutex(lock);
	return NULL;
}

static void run_stopped(void)
{
	pthread_mutex_t *lock = shared_memory(sizeof(*lock));
	pthread_t waiter;
	pid_t child;

	make_mutex(lock, (struct mutex_kind){ .shared = PTHREAD_PROCESS_SHARED });
	child = add_child();
	if (!child)
		hold_stopped(lock);
	must(waitpid(child, NULL, WUNTRACED), "waitpid");
	waiter = start_thread(want_shared, lock);
	sleep_ns(1200 * MS);
	must(kill(child, SIGCONT), "SIGCONT");
	join_thread(waiter);
	expect_no_deadlock("the holder goes on when it may");
}

/* What the thread that forks has, that of the child has then, under another number. */
static void go_on_with_it(void)
{
	pthread_t waiter = start_thread(want_shared, &inherited_lock);

	sleep_ns(1200 * MS);
	drop_mutex(&inherited_lock);
	join_thread(waiter);
	_exit(EXIT_SUCCESS);
}

static void run_inherited(void)
{
	take_mutex(&inherited_lock);
	if (!add_child())
		go_on_with_it();
	drop_mutex(&inherited_lock);
	sleep_ns(STUCK_NS);
	expect_no_deadlock("the child's first thread has it since the fork, and lets it go");
}

const struct mode alike_modes[] = {
	{ "timed", run_timed },		{ "trylock", run_trylock },
	{ "opposite", run_opposite },	{ "slow-holder", run_slow_holder },
	{ "recursive", run_recursive }, { "stopped", run_stopped },
	{ "inherited", run_inherited }, { 0 },
};
