// SPDX-License-Identifier: BSD-2-Clause
/* What workloads are made of: time, CPUs, threads and processes. */
#include "truth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

long must(long result, const char *what)
{
	if (result == -1) {
		perror(what);
		exit(EXIT_FAILURE);
	}
	return result;
}

void must0(int error, const char *what)
{
	if (error) {
		errno = error;
		must(-1, what);
	}
}

void hope(long result, const char *what)
{
	if (result == -1)
		perror(what);
}

int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	must(clock_gettime(clock, &t), "clock_gettime");
	return t.tv_sec * SEC + t.tv_nsec;
}

void sleep_ns(int64_t ns)
{
	struct timespec t = { .tv_sec = ns / SEC, .tv_nsec = ns % SEC };

	while (nanosleep(&t, &t))
		must(errno == EINTR ? 0 : -1, "nanosleep");
}

void burn(long steps)
{
	uint64_t x = (uint64_t)steps;

	/* Dependent multiplications: their speed depends on little but the clock rate. */
	for (long i = 0; i < steps * 750; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		/* Compilers know how to take several of these steps at once. */
		__asm__ volatile("" : "+r"(x));
	}
}

void name_thread(const char *comm)
{
	must0(pthread_setname_np(pthread_self(), comm), "pthread_setname_np");
}

static void allowed(cpu_set_t *set)
{
	must(sched_getaffinity(0, sizeof(*set), set), "sched_getaffinity");
}

int cpus_allowed(void)
{
	cpu_set_t set;

	allowed(&set);
	return CPU_COUNT(&set);
}

void bind_to_cpu(int nth)
{
	cpu_set_t set, one;
	int cpu = -1;

	allowed(&set);
	for (int left = nth % CPU_COUNT(&set); left >= 0; left -= CPU_ISSET(cpu, &set) != 0)
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	must(sched_setaffinity(0, sizeof(one), &one), "sched_setaffinity");
}

void bind_to_one_cpu(void)
{
	bind_to_cpu(0);
}

long long number_arg(const char *text, long long min, long long max)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (errno || end == text || *end || n < min || n > max) {
		fprintf(stderr, "'%s' is not a number from %lld to %lld\n", text, min, max);
		exit(EXIT_FAILURE);
	}
	return n;
}

void *shared_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(p == MAP_FAILED ? -1 : 0, "mmap");
	return p;
}

pid_t start_child(void (*body)(void *), void *arg)
{
	pid_t child = (pid_t)must(fork(), "fork");

	if (!child) {
		body(arg);
		_exit(EXIT_SUCCESS);
	}
	return child;
}

void reap_child(pid_t child)
{
	int status;

	must(waitpid(child, &status, 0), "waitpid");
	if (status) {
		fprintf(stderr, "a child failed: wait status %d\n", status);
		exit(EXIT_FAILURE);
	}
}

pthread_t start_thread(void *(*body)(void *), void *arg)
{
	pthread_t thread;

	must0(pthread_create(&thread, NULL, body, arg), "pthread_create");
	return thread;
}

void join_thread(pthread_t thread)
{
	must0(pthread_join(thread, NULL), "pthread_join");
}
