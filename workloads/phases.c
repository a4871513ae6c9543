// SPDX-License-Identifier: BSD-2-Clause
/*
 * phases: a second of computing on all allowed CPUs, then a second of waiting for the disk; of
 * sleep where there is no disk to wait for.
 */
#include "truth.h"

#include <stdlib.h>
#include <unistd.h>

#define COMM  "phases"
#define STEPS (1000L * 1000)

struct stretch {
	struct account span; /* of main() */
	int64_t cpu;	     /* of all threads */
};

static void *compute(void *unused)
{
	burn(STEPS);
	return unused;
}

static struct stretch compute_on(int cpus)
{
	pthread_t *ids = calloc((size_t)cpus, sizeof(*ids));
	int64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	struct account before = account_now();

	must(ids ? 0 : -1, "calloc");
	for (int i = 1; i < cpus; i++)
		ids[i] = start_thread(compute, NULL);
	compute(NULL);
	for (int i = 1; i < cpus; i++)
		join_thread(ids[i]);
	free(ids);
	return (struct stretch){ account_since(before), clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu };
}

/* False if there is no disk to wait for. */
static bool await_disk(struct account *ret)
{
	struct account before = account_now();
	struct device device;

	if (!device_open(&device, "phases"))
		return false;
	device_read_for(&device, SEC);
	must(close(device.fd), "close"); /* which may wait for the device, too */
	*ret = account_since(before);
	return true;
}

static struct account sleep_instead(void)
{
	struct account before = account_now();

	sleep_ns(SEC);
	return account_since(before);
}

static void expect_waits(struct account wait, const char *class)
{
	bool disk = class[0] == 'i';
	int64_t blocked = account_blocked(wait);

	truth_expect((struct expectation){
		.path = disk ? "wall.io_ns" : "wall.timer_ns",
		.in = { blocked - blocked / 50 - 2 * MS, wait.wall + 10 * MS },
		.why = "all the waiting is in the second half; 2 %",
	});
	truth_waits(COMM, disk ? "io.disk" : "timer.sleep", wait,
		    (struct bounds){ wait.voluntary - wait.voluntary / 20 - 2, wait.voluntary + 2 },
		    "ru_nvcsw of the second half; 5 % may be a lock's or the allocator's");
}

static void expect_phases(struct stretch first, struct account wait, const char *class)
{
	double busy = (double)first.cpu / (double)first.span.wall;
	int64_t end = first.span.wall + wait.wall;

	truth_expect((struct expectation){
		.path = "phases", .in = { 2, 3 }, .why = "two halves, and what is between them" });
	truth_equals("phases[0].class", "cpu-bound", "a second of computing comes first");
	truth_fraction("phases[0].parallelism", busy * 0.9, busy * 1.1,
		       "CPU time of all threads by the wall time; 10 %");
	truth_expect((struct expectation){
		.path = "phases[0].end_ns",
		.in = { first.span.wall * 9 / 10, first.span.wall * 11 / 10 + 50 * MS },
		.why = "the end of the computing; 10 %",
	});
	truth_expect((struct expectation){
		.path = truth_path("phases[class=%s].end_ns", class),
		.in = { end - end / 20, MANY },
		.why = "the waiting comes last; 5 %",
	});
}

int main(void)
{
	struct account from = account_now(), wait;
	int cpus = cpus_allowed();
	const char *class = "io-bound";
	struct stretch first;

	name_thread(COMM);
	first = compute_on(cpus);
	if (!await_disk(&wait)) {
		class = "sleep-bound";
		wait = sleep_instead();
	}

	truth_begin(truth_path("phases, then %s", class));
	truth_number("totals.threads", cpus, "main() and the threads that compute");
	expect_waits(wait, class);
	if (first.cpu < first.span.wall * cpus * 9 / 10) {
		truth_verdict("mixed|io-bound|sleep-bound|starved|cpu-bound",
			      "others held the CPUs for more than 10 % of the first half");
		return truth_end();
	}
	truth_verdict("mixed", "a second of each");
	expect_phases(first, wait, class);
	truth_thread(COMM, from, account_now());
	return truth_end();
}
