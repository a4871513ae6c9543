// SPDX-License-Identifier: BSD-2-Clause
/* Threads that wait for ever, but nothing in memory says for whom. */
#include "deadlocks.h"

#include <semaphore.h>
#include <signal.h>

/* Not static: their names would be found in the report. */
pthread_rwlock_t upgraded = PTHREAD_RWLOCK_INITIALIZER;
sem_t left_slot, right_slot;
pthread_mutex_t left_pi, right_pi;
pthread_mutex_t signalled_left = PTHREAD_MUTEX_INITIALIZER,
		signalled_right = PTHREAD_MUTEX_INITIALIZER;

static void *upgrade(void *unused)
{
	name_thread("upgrader");
	take_to_read(&upgraded);
	take_to_write(&upgraded);
	return unused;
}

static void run_readers(void)
{
	start_thread(upgrade, NULL);
	sleep_ns(STUCK_NS);
	expect_no_deadlock("a read-write lock only counts its readers");
}

static void take_slot(void *slot)
{
	must(sem_wait(slot), "sem_wait");
}

static void start_both_and_leave(const struct thing *things)
{
	add_ring("unknown", things, 2);
	scene->knots = 0; /* it is one, but nobody can know */
	seats_start_threads();
	sleep_ns(STUCK_NS);
}

static void run_semaphore(void)
{
	const struct thing things[] = { { take_slot, take_slot, &left_slot },
					{ take_slot, take_slot, &right_slot } };

	must(sem_init(&left_slot, 0, 1), "sem_init");
	must(sem_init(&right_slot, 0, 1), "sem_init");
	start_both_and_leave(things);
	expect_no_deadlock("anybody may post a semaphore");
}

/* The kernel refuses the wait that would close the circle, and glibc lets that thread sleep for
 * ever, at a word of its own (nptl/pthread_mutex_lock.c, "Delay the thread indefinitely"). */
static void run_pi_refused(void)
{
	const struct mutex_kind pi = { .protocol = PTHREAD_PRIO_INHERIT };
	const struct thing things[] = { mutex_thing(&left_pi), mutex_thing(&right_pi) };

	make_mutex(&left_pi, pi);
	make_mutex(&right_pi, pi);
	start_both_and_leave(things);
	expect_no_deadlock("one of the two no longer waits for the other's lock");
}

static void go_on(int signal)
{
	(void)signal;
}

/* One of the two gets a signal now and then, as from a timer of the program's own. */
static void run_signalled(void)
{
	const struct sigaction act = { .sa_handler = go_on, .sa_flags = SA_RESTART };
	const struct thing things[] = { mutex_thing(&signalled_left),
					mutex_thing(&signalled_right) };

	must(sigaction(SIGUSR1, &act, NULL), "sigaction");
	add_ring("unknown", things, 2);
	scene->knots = 0;
	seats_start_threads();
	for (int64_t at = 0; at < STUCK_NS; at += 50 * MS) {
		sleep_ns(50 * MS);
		must0(pthread_kill(scene->seat[0].thread, SIGUSR1), "pthread_kill");
	}
	expect_no_deadlock("after a signal a wait begins anew, so no two looks see the same one");
}

const struct mode unknown_modes[] = {
	{ "readers", run_readers },
	{ "semaphore", run_semaphore },
	{ "pi-refused", run_pi_refused },
	{ "signalled", run_signalled },
	{ 0 },
};
