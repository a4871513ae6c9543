// SPDX-License-Identifier: BSD-2-Clause
/* brief [COUNT]: processes that do nothing but exit, one after another. */
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMM	 "brief"
#define STATUSES 3

static void run_child(int status)
{
	pid_t child = vfork();
	int seen;

	if (!child)
		_exit(status);
	must(child, "vfork");
	must(waitpid(child, &seen, 0), "waitpid");
	if (!WIFEXITED(seen) || WEXITSTATUS(seen) != status) {
		fprintf(stderr, "a child ended with wait status %d\n", seen);
		exit(EXIT_FAILURE);
	}
}

static void expect_number(const char *path, int64_t number, const char *why)
{
	truth_expect((struct expectation){ .path = path, .in = { number, number }, .why = why });
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? (long)number_arg(argv[1], 1, 10000000) : 20000;
	int64_t statuses = 0;

	name_thread(COMM); /* the others inherit it */
	for (long i = 0; i < count; i++) {
		run_child((int)(i % STATUSES));
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
		.in = { count - count / 20 - 1, count },
		.zero_if_absent = true,
		.why = "vfork() waits once for each child; 5 % may exit before the parent sleeps",
	});
	return truth_end();
}
