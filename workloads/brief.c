// SPDX-License-Identifier: BSD-2-Clause
/* brief [COUNT]: processes that do nothing but exit, one after another. */
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMM	 "brief"
#define STATUSES 3

static int64_t voluntary_switches(void)
{
	struct rusage usage;

	must(getrusage(RUSAGE_SELF, &usage), "getrusage");
	return usage.ru_nvcsw;
}

/* How often vfork() put its caller to sleep: the child may be done before it comes to that. */
static int64_t run_child(int status)
{
	int64_t before = voluntary_switches(), slept;
	pid_t child = vfork();
	int seen;

	if (!child)
		_exit(status);
	slept = voluntary_switches() - before;
	must(child, "vfork");
	must(waitpid(child, &seen, 0), "waitpid");
	if (!WIFEXITED(seen) || WEXITSTATUS(seen) != status) {
		fprintf(stderr, "a child ended with wait status %d\n", seen);
		exit(EXIT_FAILURE);
	}
	return slept;
}

static void expect_number(const char *path, int64_t number, const char *why)
{
	truth_expect((struct expectation){ .path = path, .in = { number, number }, .why = why });
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? (long)number_arg(argv[1], 1, 10000000) : 20000;
	int64_t statuses = 0, slept = 0;

	name_thread(COMM); /* the others inherit it */
	for (long i = 0; i < count; i++) {
		slept += run_child((int)(i % STATUSES));
		statuses += i % STATUSES;
	}
	truth_begin("brief");
	expect_number("totals.processes", count + 1, "the children and their parent");
	expect_number("totals.threads", count + 1,
		      "the children and their parent, one thread each");
	expect_number("omitted", 0, "all of them are listed");
	expect_number("processes[comm=" COMM "]*.exit.code", statuses, "each child's own status");
	truth_expect((struct expectation){
		.path = blocked_path(COMM "*", "child.vfork", "count"),
		.in = { slept - slept / 1000 - 1, slept },
		.zero_if_absent = true,
		.why = "the growth of ru_nvcsw over the calls of vfork(); 0.1 % for a lock of the "
		       "address space",
	});
	return truth_end();
}
