// SPDX-License-Identifier: BSD-2-Clause
/*
 * forkstorm [--exec | --work]: a few hundred children, one after another, that exit at once; or
 * that execute a program which does; or eight that compute.
 */
#include "truth.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARENT "storm-parent"
#define CHILD  "forkstorm"

#define CHILDREN 400
#define WORKERS	 8
#define STEPS	 (100 * 1000) /* of each worker */

static char self[4096];

static void body(void *mode)
{
	if (!mode) {
		name_thread(CHILD);
	} else if (!strcmp(mode, "--exec")) {
		execl(self, CHILD, "--return", (char *)NULL);
		_exit(EXIT_FAILURE);
	} else {
		name_thread(CHILD);
		burn(STEPS);
	}
}

static void expect_counts(int children)
{
	truth_number("totals.processes", children + 1, "the children and their parent");
	truth_number("totals.threads", children + 1, "one thread of each process");
	truth_number("processes[comm=" CHILD "]*.exit.code", 0, "each child was seen to exit so");
	truth_number("processes[comm=" CHILD "]*.threads", children, "a thread for each child");
}

static void expect_times(struct account span, int children, int64_t cpu)
{
	truth_waits(PARENT, "child.wait", span,
		    (struct bounds){ span.voluntary - span.voluntary / 20 - 2, span.voluntary + 2 },
		    "ru_nvcsw of the parent: 5 % may be locks of the address space");
	truth_expect((struct expectation){
		.path = thread_path(CHILD "*", "states.running_ns"),
		.minus = thread_path(CHILD "*", "cpu.stolen_ns"),
		.in = { cpu - cpu / 50 - children * US, cpu + cpu / 50 + children * 100 * US },
		.why = "ru_utime and ru_stime of the children; 2 %, a microsecond each of "
		       "rounding, and 100 us for what each does after that",
	});
}

static void expect_verdict(const char *mode, struct account span)
{
	if (mode && !strcmp(mode, "--work")) {
		truth_finding("process.startup", false, "each child computes for 100 ms");
		truth_verdict_of("cpu-bound", span, "its children compute, one after another");
		return;
	}
	truth_finding("process.startup", true,
		      "hundreds of processes, none of which does more than to start and end");
	truth_verdict_of("cpu-bound", span,
			 "starting and ending processes is computing, one after another");
}

int main(int argc, char **argv)
{
	struct account from = account_now(), before, span;
	const char *mode = argc > 1 ? argv[1] : NULL;
	int64_t cpu;
	int children = mode && !strcmp(mode, "--work") ? WORKERS : CHILDREN;

	if (mode && !strcmp(mode, "--return"))
		return EXIT_SUCCESS;
	/* Not by the link's own name: the children are to be called by the program's. */
	must(readlink("/proc/self/exe", self, sizeof(self) - 1), "/proc/self/exe");
	name_thread(PARENT);
	before = account_now();
	for (int i = 0; i < children; i++)
		reap_child(start_child(body, (void *)(uintptr_t)mode));
	span = account_since(before);
	cpu = children_cpu();

	truth_begin(truth_path("forkstorm %s", mode ? mode : ""));
	truth_thread(PARENT, from, account_now());
	expect_counts(children);
	expect_times(span, children, cpu);
	/* It or a child always runs: what is missing of that, they did not get. */
	span.delay = span.wall - span.cpu - cpu;
	expect_verdict(mode, span);
	return truth_end();
}
