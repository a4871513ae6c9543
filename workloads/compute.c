// SPDX-License-Identifier: BSD-2-Clause
/* compute [THREADS [MILLISECONDS]]: threads that compute, and nothing else. */
#include "truth.h"

#include <stdio.h>

#define MAX_THREADS 256

static long steps = 1000 * 1000;
static struct account accounts[MAX_THREADS];

static void *body(void *arg)
{
	long index = (long)arg;
	char comm[16];

	snprintf(comm, sizeof(comm), "compute-%ld", index);
	name_thread(comm);
	burn(steps);
	accounts[index] = account_now();
	return NULL;
}

/* had: the CPU time of all threads, as a share of what these CPUs had to give. */
static void expect_verdict(int threads, int cpus, int64_t cpu, int64_t delay, double had)
{
	if (threads > cpus && had < 0.9)
		truth_verdict("oversubscribed|cpu-bound|starved|mixed",
			      "more threads than allowed CPUs, but others held these for more "
			      "than 10 % of the time");
	else if (threads >= 2 * cpus)
		truth_verdict("oversubscribed", "at least two threads for each allowed CPU");
	else if (threads > cpus)
		truth_verdict("oversubscribed|cpu-bound", "more threads than allowed CPUs, but "
							  "fewer than two for each");
	else if (delay > cpu / 10)
		truth_verdict("cpu-bound|starved|mixed", "computes only, but others held the CPUs "
							 "for more than 10 % of that");
	else
		truth_verdict("cpu-bound", "computes only, and had the CPUs that it wanted");
}

static void expect(int threads, struct account from)
{
	int64_t cpu = 0, delay = 0, longest = 0;
	int64_t wall = accounts[0].wall - from.wall;
	int cpus = cpus_allowed();
	char comm[16];

	truth_begin("compute");
	for (int i = 0; i < threads; i++) {
		snprintf(comm, sizeof(comm), "compute-%d", i);
		truth_thread(comm, i ? (struct account){ 0 } : from, accounts[i]);
		cpu += accounts[i].cpu;
		delay += accounts[i].delay;
		longest = accounts[i].cpu > longest ? accounts[i].cpu : longest;
	}
	truth_expect((struct expectation){
		.path = "totals.threads",
		.in = { threads, threads },
		.why = "the threads that were started, and main()",
	});
	truth_expect((struct expectation){
		.path = "wall.running_ns",
		.in = { longest - longest / 1000 - from.cpu, cpu + cpu / 20 + 10 * MS },
		.why = "at least the longest thread's CPU time; at most all of them one after "
		       "another, 5 % of it stolen",
	});
	expect_verdict(threads, cpus, cpu, delay, (double)cpu / ((double)wall * cpus));
}

int main(int argc, char **argv)
{
	struct account from = account_now();
	pthread_t ids[MAX_THREADS];
	int threads = argc > 1 ? (int)number_arg(argv[1], 1, MAX_THREADS) : 1;

	if (argc > 2)
		steps = 1000 * (long)number_arg(argv[2], 1, 3600 * 1000);
	for (long i = 1; i < threads; i++)
		ids[i] = start_thread(body, (void *)i);
	burn(steps);
	for (int i = 1; i < threads; i++)
		join_thread(ids[i]);
	name_thread("compute-0");
	accounts[0] = account_now();
	expect(threads, from);
	return truth_end();
}
