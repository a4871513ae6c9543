// SPDX-License-Identifier: BSD-2-Clause
/* The calling thread's own account, by the kernel's clocks and counters. */
#include "truth.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

int64_t delay_of(pid_t tid)
{
	char name[64];
	long long run, delay = 0;
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/schedstat", tid);
	f = fopen(name, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%lld %lld", &run, &delay) != 2)
		delay = 0;
	hope(fclose(f), name);
	return delay;
}

static struct account account_once(void)
{
	struct account a;
	struct rusage u;

	a.delay = delay_of(gettid());
	must(getrusage(RUSAGE_THREAD, &u), "getrusage");
	a.voluntary = u.ru_nvcsw;
	a.involuntary = u.ru_nivcsw;
	a.major_faults = u.ru_majflt;
	a.cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	a.wall = clock_ns(CLOCK_MONOTONIC);
	return a;
}

struct account account_now(void)
{
	struct rusage before, after;
	struct account a;

	/* All of one moment: once more if it lost the CPU between two of the readings. */
	do {
		must(getrusage(RUSAGE_THREAD, &before), "getrusage");
		a = account_once();
		must(getrusage(RUSAGE_THREAD, &after), "getrusage");
	} while (before.ru_nvcsw != after.ru_nvcsw || before.ru_nivcsw != after.ru_nivcsw);
	return a;
}

int64_t children_cpu(void)
{
	struct rusage u;

	must(getrusage(RUSAGE_CHILDREN, &u), "getrusage");
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * SEC +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * US;
}

static struct account minus(struct account to, struct account from)
{
	return (struct account){
		.wall = to.wall - from.wall,
		.cpu = to.cpu - from.cpu,
		.delay = to.delay - from.delay,
		.voluntary = to.voluntary - from.voluntary,
		.involuntary = to.involuntary - from.involuntary,
		.major_faults = to.major_faults - from.major_faults,
	};
}

struct account account_since(struct account from)
{
	return minus(account_now(), from);
}

struct account account_between(struct account from, struct account to)
{
	return minus(to, from);
}

void account_add(struct account *sum, struct account span)
{
	*sum = minus(*sum, minus((struct account){ 0 }, span));
}

int64_t account_blocked(struct account span)
{
	return span.wall - span.cpu - span.delay;
}
