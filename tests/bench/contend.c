// SPDX-License-Identifier: BSD-2-Clause
/*
 * contend ROUNDS: two threads contend for one mutex, which is held most of the time, and so briefly
 * that a futex call is made for every other operation or so. Each has a CPU of its own if there are
 * two: left to the scheduler, both may end up on one, where nobody contends.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define THREADS 2
#define INSIDE	200 /* multiplications, about 1.3 ns each */
#define OUTSIDE 50

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t start;
static long rounds;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void burn(int steps)
{
	uint64_t x = (uint64_t)steps;

	for (int i = 0; i < steps; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		__asm__ volatile("" : "+r"(x));
	}
}

static void bind_to_cpu(long index)
{
	cpu_set_t allowed, one;
	int cpu = -1;

	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return;
	for (long left = index % CPU_COUNT(&allowed); left >= 0; left--)
		do
			cpu++;
		while (!CPU_ISSET(cpu, &allowed));
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static void *body(void *arg)
{
	bind_to_cpu((long)arg);
	pthread_barrier_wait(&start);
	for (long i = 0; i < rounds; i++) {
		pthread_mutex_lock(&mutex);
		burn(INSIDE);
		pthread_mutex_unlock(&mutex);
		burn(OUTSIDE);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t ids[THREADS];
	double begin;

	rounds = argc > 1 ? atol(argv[1]) : 0;
	if (rounds < 1)
		return 2;
	pthread_barrier_init(&start, NULL, THREADS + 1);
	for (long i = 0; i < THREADS; i++)
		if (pthread_create(&ids[i], NULL, body, (void *)i))
			return 1;
	pthread_barrier_wait(&start);
	begin = now();
	for (int i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	fprintf(stderr, "%.1f ns per operation\n", (now() - begin) / (double)(THREADS * rounds));
	return 0;
}
