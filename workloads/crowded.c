// SPDX-License-Identifier: BSD-2-Clause
/*
 * crowded [fit | nap]: eight computing threads for each allowed CPU; or one for each; or eight of
 * which each sleeps nearly all the time.
 */
#include "truth.h"

#include <stdlib.h>
#include <string.h>

#define COMM "crowd"

#define EACH   8
#define STEPS  (800L * 1000) /* of computing for each CPU, divided among its threads */
#define NAPS   25
#define NAP    (40 * MS)
#define STINT  200 /* of computing before each nap */
#define OTHERS "more threads than CPUs, but others held these for more than 10 % of the time"

static struct account *accounts;
static long steps;
static bool naps;

static void *body(void *arg)
{
	struct account *mine = arg, before = account_now();

	name_thread(COMM);
	if (!naps)
		burn(steps);
	for (int i = 0; naps && i < NAPS; i++) {
		burn(STINT);
		sleep_ns(NAP);
	}
	*mine = account_since(before);
	return NULL;
}

static void expect_naps(int threads, struct account sum)
{
	truth_waits(COMM "*", "timer.sleep", sum,
		    (struct bounds){ (int64_t)threads * NAPS, (int64_t)threads * NAPS },
		    "each nanosleep blocks once, and no signal interrupts it");
	truth_verdict("sleep-bound", "as many threads, but at nearly any time all of them sleep");
}

static void expect_busy(int threads, int cpus, struct account sum, int64_t wall)
{
	truth_expect((struct expectation){
		.path = "wall.running_ns",
		.in = { sum.cpu / cpus * 9 / 10, wall + wall / 20 + 10 * MS },
		.why = "at least the threads' CPU time, had at once on all CPUs; 10 % for a "
		       "switch-in that the kernel may hide (the report counts these as lost)",
	});
	if (threads == cpus)
		truth_verdict_of("cpu-bound", sum, "a computing thread for each allowed CPU");
	else if (sum.cpu < (wall * cpus) * 9 / 10)
		truth_verdict("oversubscribed|cpu-bound|starved|mixed", OTHERS);
	else
		truth_verdict("oversubscribed", "eight computing threads for each allowed CPU");
}

static struct account run(int threads)
{
	pthread_t *ids = calloc((size_t)threads, sizeof(*ids));
	struct account sum = { 0 };

	must(ids ? 0 : -1, "calloc");
	for (int i = 0; i < threads; i++)
		ids[i] = start_thread(body, &accounts[i]);
	for (int i = 0; i < threads; i++) {
		join_thread(ids[i]);
		account_add(&sum, accounts[i]);
	}
	free(ids);
	return sum;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	int cpus = cpus_allowed(), threads = strcmp(mode, "fit") ? EACH * cpus : cpus;
	struct account before, sum, span;

	naps = !strcmp(mode, "nap");
	steps = STEPS * cpus / threads;
	accounts = calloc((size_t)threads, sizeof(*accounts));
	must(accounts ? 0 : -1, "calloc");
	before = account_now();
	sum = run(threads);
	span = account_since(before);

	truth_begin(truth_path("crowded %s", mode));
	truth_threads(COMM "*", threads, sum);
	truth_number("totals.threads", threads + 1, "the threads that were started, and main()");
	if (naps)
		expect_naps(threads, sum);
	else
		expect_busy(threads, cpus, sum, span.wall);
	return truth_end();
}
