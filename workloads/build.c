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

/* Since the first compiler was started. */
struct moments {
	int64_t fewer;	  /* the first CPU had no further compiler */
	int64_t compiled; /* the last one was reaped */
	int64_t linked;
};

static struct moments build(int jobs, int at_once)
{
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	struct moments m = { 0 };

	for (int i = 0; i < jobs; i++) {
		if (i >= at_once)
			reap_any();
		start_child(compile, &spans[i]);
	}
	for (int i = 0; i < at_once; i++) {
		reap_any();
		m.compiled = clock_ns(CLOCK_MONOTONIC) - begin;
		if (i == 0)
			m.fewer = m.compiled;
	}
	reap_child(start_child(link_all, &spans[jobs]));
	m.linked = clock_ns(CLOCK_MONOTONIC) - begin;
	return m;
}

/* The phases part where one process computes: at the last compiler's end, or when it is alone. */
static void expect_phases(struct account sum, struct account linker, struct moments m)
{
	double least = (double)sum.cpu / (double)m.compiled;
	double most = (double)(sum.cpu - (m.compiled - m.fewer)) / (double)m.fewer;

	truth_expect((struct expectation){
		.path = "phases", .in = { 2, 3 }, .why = "the compilers, and the linker" });
	truth_fraction("phases[0].parallelism", least * 0.9, most * 1.1,
		       "CPU time of the compilers by the wall time; 10 %");
	truth_fraction("phases[1].parallelism", 0.9, 1.1, "one process computes, and one only");
	truth_equals("phases[0].class", "cpu-bound", "a compiler for each allowed CPU");
	truth_equals("phases[1].class", "cpu-bound", "the linker computes");
	truth_expect((struct expectation){
		.path = "phases[1].start_ns",
		.in = { m.fewer * 9 / 10, m.compiled * 11 / 10 + 20 * MS },
		.why = "the end of the last compiler but one, or of the last; 10 %",
	});
	truth_expect((struct expectation){
		.path = "phases[1].end_ns",
		.in = { m.compiled + linker.wall * 9 / 10, MANY },
		.why = "the end of the linker; 10 %",
	});
}

static void expect(struct account sum, struct account linker, int jobs, struct moments m)
{
	double all = (double)(sum.cpu + linker.cpu), wall = (double)m.linked;
	bool quiet = sum.delay < sum.cpu / 10 && linker.delay < linker.cpu / 10;
	int cpus = cpus_allowed();

	truth_threads(COMPILE "*", jobs, sum);
	truth_threads(LINK, 1, linker);
	truth_number("totals.processes", jobs + 2, "the compilers, the linker, and their parent");
	truth_number("totals.threads", jobs + 2, "a thread for each process");
	truth_fraction("parallelism.mean", all / (wall + 20 * MS) * 0.95, all / wall * 1.05,
		       "CPU time of all by the wall time, and 20 ms to start and end; 5 %");
	truth_finding("process.startup", false, "each process computes for 250 ms or more");
	if (cpus > 1 && quiet)
		expect_phases(sum, linker, m);
	account_add(&sum, linker);
	truth_verdict_of("cpu-bound", sum,
			 "all of it computes, and no more at once than there are "
			 "CPUs");
}

int main(void)
{
	int cpus = cpus_allowed(), jobs = 2 * cpus;
	struct account sum = { 0 };
	struct moments m;

	name_thread(MAKE);
	spans = shared_memory((size_t)(jobs + 1) * sizeof(*spans));
	m = build(jobs, cpus);
	for (int i = 0; i < jobs; i++)
		account_add(&sum, spans[i]);
	truth_begin("build");
	expect(sum, spans[jobs], jobs, m);
	return truth_end();
}
