// SPDX-License-Identifier: BSD-2-Clause
/*
 * build: what make -j does. Compilers, two for each allowed CPU and as many at once as there are
 * CPUs, then one linker.
 */
#include "truth.h"

#include <sys/wait.h>
#include <unistd.h>

#define MAKE	"make"
#define COMPILE "cc1"
#define LINK	"ld"
#define STEPS	(250L * 1000) /* of each compiler */

static struct account *spans; /* the last is the linker's */

static void work(struct account *span, const char *comm, long steps)
{
	struct account before = account_now();

	name_thread(comm);
	burn(steps);
	*span = account_since(before);
}

static void compile(void *span)
{
	work(span, COMPILE, STEPS);
}

static void link_all(void *span)
{
	work(span, LINK, 2 * STEPS);
}

static void reap_any(void)
{
	int status;

	must(wait(&status), "wait");
	must(status ? -1 : 0, "a compiler");
}

/* The wall time of that. */
static int64_t compile_all(int jobs, int at_once)
{
	int64_t begin = clock_ns(CLOCK_MONOTONIC);

	for (int i = 0; i < jobs; i++) {
		if (i >= at_once)
			reap_any();
		start_child(compile, &spans[i]);
	}
	for (int i = 0; i < at_once; i++)
		reap_any();
	return clock_ns(CLOCK_MONOTONIC) - begin;
}

static void expect_phases(struct account sum, struct account linker, int64_t parallel_ns)
{
	double busy = (double)sum.cpu / (double)parallel_ns;

	truth_expect((struct expectation){
		.path = "phases", .in = { 2, 3 }, .why = "the compilers, and the linker" });
	truth_fraction("phases[0].parallelism", busy * 0.9, busy * 1.1,
		       "CPU time of the compilers by the wall time; 10 %");
	truth_fraction("phases[1].parallelism", 0.9, 1.1, "one process computes, and one only");
	truth_equals("phases[0].class", "cpu-bound", "a compiler for each allowed CPU");
	truth_equals("phases[1].class", "cpu-bound", "the linker computes");
	truth_expect((struct expectation){
		.path = "phases[1].start_ns",
		.in = { parallel_ns * 9 / 10, parallel_ns * 11 / 10 + 20 * MS },
		.why = "the end of the last compiler; 10 %",
	});
	truth_expect((struct expectation){
		.path = "phases[1].end_ns",
		.in = { parallel_ns + linker.wall * 9 / 10, MANY },
		.why = "the end of the linker; 10 %",
	});
}

static void expect(struct account sum, struct account linker, int jobs, int64_t parallel_ns)
{
	double all = (double)(sum.cpu + linker.cpu), wall = (double)(parallel_ns + linker.wall);
	bool quiet = sum.delay < sum.cpu / 10 && linker.delay < linker.cpu / 10;
	int cpus = cpus_allowed();

	truth_threads(COMPILE "*", jobs, sum);
	truth_threads(LINK, 1, linker);
	truth_number("totals.processes", jobs + 2, "the compilers, the linker, and their parent");
	truth_number("totals.threads", jobs + 2, "a thread for each process");
	truth_fraction("parallelism.mean", all / wall * 0.95, all / wall * 1.05,
		       "CPU time of all by the wall time; 5 %");
	truth_finding("process.startup", false, "each process computes for 250 ms or more");
	if (cpus > 1 && quiet)
		expect_phases(sum, linker, parallel_ns);
	account_add(&sum, linker);
	truth_verdict_of("cpu-bound", sum,
			 "all of it computes, and no more at once than there are "
			 "CPUs");
}

int main(void)
{
	int cpus = cpus_allowed(), jobs = 2 * cpus;
	struct account sum = { 0 };
	int64_t parallel_ns;

	name_thread(MAKE);
	spans = shared_memory((size_t)(jobs + 1) * sizeof(*spans));
	parallel_ns = compile_all(jobs, cpus);
	reap_child(start_child(link_all, &spans[jobs]));
	for (int i = 0; i < jobs; i++)
		account_add(&sum, spans[i]);
	truth_begin("build");
	expect(sum, spans[jobs], jobs, parallel_ns);
	return truth_end();
}
