// SPDX-License-Identifier: BSD-2-Clause
/* Deadlocks of mutexes alone. */
#include "deadlocks.h"

#define RING_MAX     1000
#define PHILOSOPHERS 5

/* Not static: their names are to be found in the report. */
pthread_mutex_t left_lock, right_lock, own_lock;
pthread_mutex_t ring_lock[RING_MAX];
pthread_mutex_t table_fork[PHILOSOPHERS];
pthread_mutex_t second_lock[2], queue_lock[3];

static const struct mutex_kind normal = { .type = PTHREAD_MUTEX_NORMAL };
static const struct mutex_kind checking = { .type = PTHREAD_MUTEX_ERRORCHECK };
static const struct mutex_kind robust = { .robust = PTHREAD_MUTEX_ROBUST };
static const struct mutex_kind pi = { .protocol = PTHREAD_PRIO_INHERIT };

static void add_mutex_ring(const char *stem, pthread_mutex_t *locks, int n)
{
	struct thing things[RING_MAX];

	for (int i = 0; i < n; i++) {
		make_mutex(&locks[i], normal);
		things[i] = mutex_thing(&locks[i]);
	}
	add_ring(stem, things, n);
}

static void add_pair(struct mutex_kind left, struct mutex_kind right)
{
	const struct thing things[] = { mutex_thing(&left_lock), mutex_thing(&right_lock) };

	make_mutex(&left_lock, left);
	make_mutex(&right_lock, right);
	add_ring("pair", things, 2);
}

static void run_two(void)
{
	add_pair(normal, normal);
	threads_stand();
}

static void run_n(void)
{
	add_mutex_ring("ring", ring_lock, 7);
	threads_stand();
}

static void run_hundred(void)
{
	add_mutex_ring("ring", ring_lock, 100);
	threads_stand();
}

static void run_thousand(void)
{
	add_mutex_ring("ring", ring_lock, 1000);
	threads_stand();
}

static void run_self(void)
{
	add_mutex_ring("twice", &own_lock, 1);
	threads_stand();
}

/* Of two PI mutexes the kernel refuses the wait that closes the circle: see pi-refused. */
static void run_pi(void)
{
	add_pair(pi, normal);
	threads_stand();
}

static void run_robust(void)
{
	add_pair(robust, robust);
	threads_stand();
}

/* It checks for its own owner only. */
static void run_errorcheck(void)
{
	add_pair(normal, checking);
	threads_stand();
}

/* Each takes the left fork, all have it, and each wants the right one. */
static void run_philosophers(void)
{
	add_mutex_ring("philosopher", table_fork, PHILOSOPHERS);
	threads_stand();
}

/* Two at a member's lock, and one at the lock of one of these. */
static void run_behind(void)
{
	for (int i = 0; i < 3; i++)
		make_mutex(&queue_lock[i], normal);
	add_pair(normal, normal);
	add_behind("behind-0", mutex_thing(&queue_lock[0]), 0);
	add_behind("behind-1", mutex_thing(&queue_lock[1]), 0);
	add_behind("behind-2", mutex_thing(&queue_lock[2]), 2);
	threads_stand();
}

static void *compute_in_turns(void *unused)
{
	name_thread("busy");
	for (;;) {
		burn(300);
		sleep_ns(MS);
	}
	return unused;
}

static void run_busy(void)
{
	for (int i = 0; i < 2; i++)
		start_thread(compute_in_turns, NULL);
	add_pair(normal, normal);
	threads_stand();
}

static void run_two_cycles(void)
{
	add_pair(normal, normal);
	add_mutex_ring("second", second_lock, 2);
	threads_stand();
}

const struct mode mutex_modes[] = {
	{ "two", run_two },
	{ "n", run_n },
	{ "hundred", run_hundred },
	{ "thousand", run_thousand },
	{ "self", run_self },
	{ "pi", run_pi },
	{ "robust", run_robust },
	{ "errorcheck", run_errorcheck },
	{ "philosophers", run_philosophers },
	{ "behind", run_behind },
	{ "busy", run_busy },
	{ "two-cycles", run_two_cycles },
	{ 0 },
};
