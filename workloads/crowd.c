// SPDX-License-Identifier: BSD-2-Clause
/* crowd [THREADS]: as many threads at once, which all meet at a barrier and then exit. */
#include "truth.h"

#include <stdlib.h>
#include <sys/resource.h>

#define COMM  "crowd"
#define STACK (64 << 10)

static pthread_barrier_t here, there;

static void meet(pthread_barrier_t *barrier)
{
	int rc = pthread_barrier_wait(barrier);

	must0(rc == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : rc, "pthread_barrier_wait");
}

static void *body(void *unused)
{
	meet(&here);
	meet(&there);
	return unused;
}

static pthread_t start_small(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	must0(pthread_attr_init(&attr), "pthread_attr_init");
	must0(pthread_attr_setstacksize(&attr, STACK), "pthread_attr_setstacksize");
	must0(pthread_create(&thread, &attr, body, NULL), "pthread_create");
	must0(pthread_attr_destroy(&attr), "pthread_attr_destroy");
	return thread;
}

static void expect(int threads, struct account from, int64_t cpu, struct rusage use)
{
	int64_t switches = use.ru_nvcsw + use.ru_nivcsw;

	truth_expect((struct expectation){
		.path = "totals.threads",
		.in = { threads + 1, threads + 1 },
		.why = "the threads that were started, and main()",
	});
	truth_expect((struct expectation){
		.path = "totals.processes",
		.in = { 1, 1 },
		.why = "they are all of one process",
	});
	truth_expect((struct expectation){
		.path = "omitted",
		.in = { 0, 0 },
		.why = "all of them are listed",
	});
	truth_expect((struct expectation){
		.path = "totals.switches.seen",
		.in = { switches - from.voluntary - from.involuntary, switches + threads + 8 },
		.why = "ru_nvcsw and ru_nivcsw of the process; a joined thread may have a last "
		       "switch before it",
	});
	truth_expect((struct expectation){
		.path = "totals.states.running_ns",
		.minus = thread_path(COMM "*", "cpu.stolen_ns"),
		.in = { cpu - cpu / 1000 - 100 * switches - from.cpu,
			cpu + cpu / 1000 + 100 * switches + threads * 100 * US + 2 * MS },
		.why = "CLOCK_PROCESS_CPUTIME_ID; 0.1 %, 100 ns a switch, and 100 us for what each "
		       "thread does after it was joined",
	});
}

int main(int argc, char **argv)
{
	struct account from = account_now();
	int threads = argc > 1 ? (int)number_arg(argv[1], 1, 30000) : 2000;
	pthread_t *ids = calloc((size_t)threads, sizeof(*ids));
	struct rusage use;

	must(ids ? 0 : -1, "calloc");
	name_thread(COMM); /* the others inherit it */
	must0(pthread_barrier_init(&here, NULL, (unsigned int)threads + 1), "pthread_barrier_init");
	must0(pthread_barrier_init(&there, NULL, (unsigned int)threads + 1),
	      "pthread_barrier_init");
	for (int i = 0; i < threads; i++)
		ids[i] = start_small();
	meet(&here);  /* all of them are there */
	meet(&there); /* and go */
	for (int i = 0; i < threads; i++)
		join_thread(ids[i]);
	free(ids);

	truth_begin("crowd");
	must(getrusage(RUSAGE_SELF, &use), "getrusage");
	expect(threads, from, clock_ns(CLOCK_PROCESS_CPUTIME_ID), use);
	return truth_end();
}
