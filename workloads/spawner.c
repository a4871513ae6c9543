// SPDX-License-Identifier: BSD-2-Clause
/* spawner [COUNT]: runs /bin/true over and over, one after another. */
#include "truth.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#define COMM "spawner"

extern char **environ;

static void run_true(void)
{
	char *argv[] = { "true", NULL };
	pid_t child;
	int status;

	must0(posix_spawn(&child, "/bin/true", NULL, NULL, argv, environ), "/bin/true");
	must(waitpid(child, &status, 0), "waitpid");
	if (status) {
		fprintf(stderr, "true failed: wait status %d\n", status);
		exit(EXIT_FAILURE);
	}
}

static void expect_waits(struct account span, long count)
{
	int64_t blocked = account_blocked(span), slack = 2 * MS + 100 * span.voluntary;

	truth_expect((struct expectation){
		.path = blocked_path(COMM, "child.vfork", "count"),
		.in = { count - count / 20 - 1, count },
		.why = "posix_spawn waits like vfork() once for each child; 5 % may exec before "
		       "the parent sleeps",
	});
	truth_expect((struct expectation){
		.path = blocked_path(COMM, "child.wait", "count"),
		.in = { 0, span.voluntary },
		.zero_if_absent = true,
		.why = "ru_nvcsw; none if each child has exited before it is waited for",
	});
	truth_expect((struct expectation){
		.path = blocked_path(COMM, "child.wait", "ns"),
		.plus = { blocked_path(COMM, "child.vfork", "ns") },
		.in = { 0, blocked + slack },
		.zero_if_absent = true,
		.why = "at most the wall time less CPU time and run delay; 2 ms and 100 ns a "
		       "switch",
	});
	truth_expect((struct expectation){
		.path = blocked_path(COMM, "child.wait", "ns"),
		.plus = { blocked_path(COMM, "child.vfork", "ns"),
			  thread_path(COMM, "cpu.stolen_ns") },
		.in = { blocked - blocked / 20 - slack, MANY },
		.zero_if_absent = true,
		.why = "at least 95 % of the wall time less CPU time, run delay and stolen time: "
		       "the rest may be locks of the address space",
	});
}

int main(int argc, char **argv)
{
	struct account from = account_now(), before, span;
	long count = argc > 1 ? (long)number_arg(argv[1], 1, 1000000) : 200;

	name_thread(COMM);
	before = account_now();
	for (long i = 0; i < count; i++)
		run_true();
	span = account_since(before);

	truth_begin("spawner");
	truth_thread(COMM, from, account_now());
	truth_expect((struct expectation){
		.path = "totals.processes",
		.in = { count + 1, count + 1 },
		.why = "the children and their parent",
	});
	truth_expect((struct expectation){
		.path = "totals.threads",
		.in = { count + 1, count + 1 },
		.why = "the children and their parent, one thread each",
	});
	truth_expect((struct expectation){
		.path = "processes[comm=true]*.exit.code",
		.in = { 0, 0 },
		.why = "each child was seen to exit with 0",
	});
	expect_waits(span, count);
	return truth_end();
}
