// SPDX-License-Identifier: BSD-2-Clause
/*
 * creation: what a thread costs against a process, a hundred of each one after another, by its own
 * clocks. And a process that crashes, which hurts nobody else; a thread would have taken all with
 * it.
 */
#include "truth.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAIN   "creator"
#define THREAD "made-thread"
#define CHILD  "made-process"
#define CRASH  "crashes"
#define COUNT  100
#define STEPS  100 /* of each */

struct cost {
	int64_t ns;    /* from creation to end, all of them */
	int64_t bytes; /* the largest resident set of a process; what one thread adds to it */
};

static void *thread(void *unused)
{
	name_thread(THREAD);
	burn(STEPS);
	return unused;
}

static void child(void *unused)
{
	(void)unused;
	name_thread(CHILD);
	burn(STEPS);
}

static void crash(void *unused)
{
	(void)unused;
	name_thread(CRASH);
	must(prctl(PR_SET_DUMPABLE, 0), "prctl"); /* no core file */
	must(signal(SIGSEGV, SIG_DFL) == SIG_ERR ? -1 : 0, "signal");
	must(raise(SIGSEGV), "raise");
}

static int64_t max_rss(int who)
{
	struct rusage use;

	must(getrusage(who, &use), "getrusage");
	return use.ru_maxrss * 1024;
}

static struct cost make_threads(void)
{
	struct cost cost = { .bytes = -max_rss(RUSAGE_SELF) };
	int64_t before = clock_ns(CLOCK_MONOTONIC);

	for (int i = 0; i < COUNT; i++)
		join_thread(start_thread(thread, NULL));
	cost.ns = clock_ns(CLOCK_MONOTONIC) - before;
	cost.bytes += max_rss(RUSAGE_SELF);
	return cost;
}

static struct cost make_processes(void)
{
	int64_t before = clock_ns(CLOCK_MONOTONIC);

	for (int i = 0; i < COUNT; i++)
		reap_child(start_child(child, NULL));
	return (struct cost){ .ns = clock_ns(CLOCK_MONOTONIC) - before,
			      .bytes = max_rss(RUSAGE_CHILDREN) };
}

static void see_crash(void)
{
	pid_t pid = start_child(crash, NULL);
	int status;

	must(waitpid(pid, &status, 0), "waitpid");
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV ? 0 : -1, "the crash");
}

static void expect(struct cost threads, struct cost processes)
{
	truth_number(
		"totals.threads", 2 * COUNT + 2,
		truth_path("main(), those of a process each, and %d made at %ld us and %ld KiB "
			   "each",
			   COUNT, (long)(threads.ns / COUNT / US), (long)(threads.bytes / 1024)));
	truth_number(
		"totals.processes", COUNT + 2,
		truth_path("main(), the one that crashed, and %d made at %ld us and %ld KiB each",
			   COUNT, (long)(processes.ns / COUNT / US),
			   (long)(processes.bytes / 1024)));
	truth_number("processes[comm=" MAIN "].threads", COUNT + 1, "its threads, and main()");
	truth_number("processes[comm=" CRASH "].exit.signal", SIGSEGV,
		     "a process crashes alone; a thread would have ended all of its process");
	truth_number("processes[comm=" CHILD "]*.exit.code", 0, "the others were not hurt");
	truth_number("processes[comm=" CHILD "]*.threads", COUNT, "one thread each");
	truth_number("processes[comm=" MAIN "].exit.code", 0, "nor was their parent");
}

int main(void)
{
	struct account from = account_now(), before, span;
	struct cost threads, processes;

	name_thread(MAIN);
	before = account_now();
	threads = make_threads();
	processes = make_processes();
	see_crash();
	span = account_since(before);
	/* It or what it made always runs: what is missing of that, they did not get. */
	span.delay = span.wall - clock_ns(CLOCK_PROCESS_CPUTIME_ID) - children_cpu();

	truth_begin("creation");
	truth_thread(MAIN, from, account_now());
	expect(threads, processes);
	truth_expect((struct expectation){
		.path = thread_path(MAIN, "blocked[\"child.wait\"].count"),
		.in = { 1, COUNT + 1 },
		.why = "once at most for each process",
	});
	truth_verdict_of("cpu-bound", span, "creating, computing and ending, one after another");
	return truth_end();
}
