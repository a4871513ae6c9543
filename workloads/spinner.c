// SPDX-License-Identifier: BSD-2-Clause
/*
 * spinner [block]: threads wait for what main() computes: they spin with sched_yield(2), or block
 * on a condition. They are one more than there are allowed CPUs: two of them share one then, where
 * each yield is a switch.
 */
#include "truth.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define COMM  "spin-wait"
#define MAIN  "spin-main"
#define STEPS (700L * 1000)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static bool done, blocks;
static struct account sum;
static int64_t yields;

static int64_t spin(void)
{
	int64_t calls = 0;

	for (; !__atomic_load_n(&done, __ATOMIC_SEQ_CST); calls++)
		must(sched_yield(), "sched_yield");
	return calls;
}

static void *body(void *unused)
{
	struct account before = account_now();
	int64_t calls = 0;

	name_thread(COMM);
	if (!blocks)
		calls = spin();
	must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
	while (!done)
		must0(pthread_cond_wait(&condition, &mutex), "pthread_cond_wait");
	account_add(&sum, account_since(before));
	yields += calls;
	must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
	return unused;
}

static void set_done(void)
{
	must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
	__atomic_store_n(&done, true, __ATOMIC_SEQ_CST);
	must0(pthread_cond_broadcast(&condition), "pthread_cond_broadcast");
	must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
}

static void expect_blocked(struct account all)
{
	int64_t blocked = account_blocked(sum);

	truth_expect((struct expectation){
		.path = blocked_path(COMM "*", "sync.cond", "ns"),
		.plus = { blocked_path(COMM "*", "sync.futex", "ns") },
		.in = { blocked - blocked / 100 - 10 * MS, blocked + 10 * MS },
		.zero_if_absent = true,
		.why = "the wall time less CPU time and run delay; sync.futex where the kind of "
		       "wait "
		       "cannot be told; 1 % and 10 ms for the mutex at the end",
	});
	truth_finding("cpu.spinning", false, "those that wait are asleep");
	truth_verdict_of("cpu-bound", all, "one thread computes, and the others wait for it");
}

static void expect_spun(struct account all, int threads)
{
	truth_expect((struct expectation){
		.path = thread_path(COMM "*", "switches.yields"),
		.in = { sum.involuntary * 9 / 10 - 10 * threads, yields },
		.why = "ru_nivcsw, of which 10 % may be preemptions; not each call of sched_yield "
		       "leads to a switch",
	});
	truth_expect((struct expectation){
		.path = thread_path(COMM "*", "states.blocked_ns"),
		.in = { 0, all.wall / 100 },
		.why = "a spinning thread does not block; 1 % for starting and ending",
	});
	if (all.cpu + sum.cpu < all.wall * cpus_allowed() * 9 / 10) {
		truth_verdict("cpu-bound|starved|mixed",
			      "others held the CPUs for more than 10 %, though these never rest");
		return;
	}
	/* With one CPU main() has it after each yield, and nothing is burnt. */
	if (cpus_allowed() > 1)
		truth_finding("cpu.spinning", true,
			      truth_path("%ld calls of sched_yield", (long)yields));
	truth_verdict("cpu-bound", "one thread computes, and the others burn what is left");
}

int main(int argc, char **argv)
{
	struct account from = account_now(), end;
	int threads = cpus_allowed() + 1;
	pthread_t *ids = calloc((size_t)threads, sizeof(*ids));

	must(ids ? 0 : -1, "calloc");
	blocks = argc > 1 && !strcmp(argv[1], "block");
	name_thread(MAIN);
	for (int i = 0; i < threads; i++)
		ids[i] = start_thread(body, NULL);
	burn(STEPS);
	set_done();
	for (int i = 0; i < threads; i++)
		join_thread(ids[i]);
	free(ids);

	truth_begin(blocks ? "spinner block" : "spinner");
	end = account_now();
	truth_thread(MAIN, from, end);
	truth_threads(COMM "*", threads, sum);
	truth_number("totals.threads", threads + 1, "the threads that wait, and main()");
	if (blocks)
		expect_blocked(account_since(from));
	else
		expect_spun(account_since(from), threads);
	return truth_end();
}
