// SPDX-License-Identifier: BSD-2-Clause
/* Deadlocks of processes. */
#include "deadlocks.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* Not static: its name is to be found in the report. */
pthread_mutex_t copied_lock = PTHREAD_MUTEX_INITIALIZER;

static void add_shared_pair(int robust, void (*want)(void *))
{
	const struct mutex_kind kind = { .robust = robust, .shared = PTHREAD_PROCESS_SHARED };
	pthread_mutex_t *locks = shared_memory(2 * sizeof(*locks));
	const struct thing things[] = { { take_mutex, want, &locks[0] },
					{ take_mutex, want, &locks[1] } };

	make_mutex(&locks[0], kind);
	make_mutex(&locks[1], kind);
	add_ring("process", things, 2);
}

static void run_shared(void)
{
	add_shared_pair(PTHREAD_MUTEX_STALLED, take_mutex);
	processes_stand();
}

static void run_shared_rwlock(void)
{
	pthread_rwlock_t *locks = shared_memory(2 * sizeof(*locks));
	const struct thing things[] = { { take_to_write, take_to_write, &locks[0] },
					{ take_to_write, take_to_write, &locks[1] } };

	make_shared_rwlock(&locks[0]);
	make_shared_rwlock(&locks[1]);
	add_ring("process", things, 2);
	processes_stand();
}

/* Goes on when the other is dead, and a good while after that. */
static void inherit(void *mutex)
{
	must(pthread_mutex_lock(mutex) == EOWNERDEAD ? 0 : -1, "the owner's death");
	must0(pthread_mutex_consistent(mutex), "pthread_mutex_consistent");
	scene->over = true;
	sleep_ns(2 * STUCK_NS);
}

/* The deadlock was one, but has come to an end: one of the two is killed. */
static void run_rescued(void)
{
	add_shared_pair(PTHREAD_MUTEX_ROBUST, inherit);
	seats_start_processes();
	sleep_ns(STUCK_NS);
	must(kill(scene->child[1], SIGKILL), "kill");
	sleep_ns(STUCK_NS);
	must(scene->over ? 0 : -1, "the other one's rescue");
	expect_knots();
	truth_one_of("findings[rule=deadlock].severity", "error",
		     "it stood for more than a second");
}

static pid_t holder;

static void *take_and_keep(void *has)
{
	name_thread("keeper");
	holder = gettid();
	take_mutex(&copied_lock);
	__atomic_store_n((bool *)has, true, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
	return NULL;
}

/* The child has a copy of the lock as the other thread has it; that one is not in the child. */
static void run_forked(void)
{
	bool has = false;

	start_thread(take_and_keep, &has);
	while (!__atomic_load_n(&has, __ATOMIC_SEQ_CST))
		sleep_ns(100 * US);
	add_abandoned("forked", mutex_thing(&copied_lock), holder);
	processes_stand();
}

const struct mode process_modes[] = {
	{ "shared", run_shared },
	{ "shared-rwlock", run_shared_rwlock },
	{ "forked", run_forked },
	{ "rescued", run_rescued },
	{ 0 },
};
