// SPDX-License-Identifier: BSD-2-Clause
/*
 * mutex [THREADS [ROUNDS [rust]]]: threads contend for one mutex, held 20 us of every 22. It is
 * glibc's, or one that asks the kernel for what that of Rust's library does.
 */
#include "truth.h"

#include <linux/futex.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_THREADS 64
#define COMM	    "contender"
#define INSIDE	    20
#define OUTSIDE	    2

struct contender {
	struct account span, end;
	int64_t locking; /* in pthread_mutex_lock */
};

/* Not static: its name is to be found in the report. */
pthread_mutex_t account_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_barrier_t start;
static struct contender contenders[MAX_THREADS];
static long rounds = 5000;
static bool is_rust;
static uint32_t rust_lock; /* 0: free, 1: locked, 2: locked, with waiters */

static bool is_taken(uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&rust_lock, &from, to, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static void lock(void)
{
	if (!is_rust) {
		must0(pthread_mutex_lock(&account_lock), "pthread_mutex_lock");
		return;
	}
	if (is_taken(0, 1))
		return;
	while (__atomic_exchange_n(&rust_lock, 2, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, &rust_lock, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 2, NULL,
			NULL, FUTEX_BITSET_MATCH_ANY);
}

static void unlock(void)
{
	if (!is_rust)
		must0(pthread_mutex_unlock(&account_lock), "pthread_mutex_unlock");
	else if (__atomic_exchange_n(&rust_lock, 0, __ATOMIC_RELEASE) == 2)
		must(syscall(SYS_futex, &rust_lock, FUTEX_WAKE_PRIVATE, 1), "futex");
}

static void contend(struct contender *self)
{
	for (long i = 0; i < rounds; i++) {
		int64_t before = clock_ns(CLOCK_MONOTONIC);

		lock();
		self->locking += clock_ns(CLOCK_MONOTONIC) - before;
		burn(INSIDE);
		unlock();
		burn(OUTSIDE);
	}
}

static void *body(void *arg)
{
	struct contender *self = arg;
	struct account before;
	int rc;

	name_thread(COMM);
	rc = pthread_barrier_wait(&start);
	must0(rc == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : rc, "pthread_barrier_wait");
	before = account_now();
	contend(self);
	self->span = account_since(before);
	self->end = account_now();
	return NULL;
}

static void expect(int threads)
{
	struct account span = { 0 }, end = { 0 };
	int64_t locking = 0;

	for (int i = 0; i < threads; i++) {
		account_add(&span, contenders[i].span);
		account_add(&end, contenders[i].end);
		locking += contenders[i].locking;
	}
	truth_begin("mutex");
	truth_waits(COMM "*", "lock.mutex", span,
		    (struct bounds){ span.voluntary - span.voluntary / 100 - threads -
					     (is_rust ? threads : 0),
				     span.voluntary + threads },
		    "ru_nvcsw of the rounds, in which only the mutex blocks; 1 % may be woken "
		    "before it sleeps; Rust's is known by a thread's second wait");
	truth_expect((struct expectation){
		.path = blocked_path(COMM "*", "lock.mutex", "ns"),
		.in = { 0, locking + MS },
		.zero_if_absent = true,
		.why = "the time inside pthread_mutex_lock, which holds run delay and work too",
	});
	truth_expect((struct expectation){
		.path = thread_path(COMM "*", "states.running_ns"),
		.minus = thread_path(COMM "*", "cpu.stolen_ns"),
		.in = { end.cpu - end.cpu / 100, end.cpu + end.cpu / 100 + threads * 2 * MS },
		.why = "CLOCK_THREAD_CPUTIME_ID of all; 1 %, and 2 ms for each exit",
	});
	truth_expect((struct expectation){
		.path = "totals.threads",
		.in = { threads + 1, threads + 1 },
		.why = "the contenders and main()",
	});
	if (span.delay > span.cpu / 4)
		truth_verdict("lock-bound|cpu-bound|oversubscribed|starved|mixed",
			      "others held the CPUs for more than a quarter of its own time");
	else
		truth_verdict(
			"lock-bound|cpu-bound",
			"one runs at a time while the others wait for the lock; with one CPU, "
			"or with most waits spent queued for a CPU, computing decides");
}

int main(int argc, char **argv)
{
	pthread_t ids[MAX_THREADS];
	int threads = argc > 1 ? (int)number_arg(argv[1], 1, MAX_THREADS) : 4;

	if (argc > 2)
		rounds = (long)number_arg(argv[2], 1, 1000000000);
	is_rust = argc > 3 && !strcmp(argv[3], "rust");
	must0(pthread_barrier_init(&start, NULL, (unsigned int)threads), "pthread_barrier_init");
	for (int i = 0; i < threads; i++)
		ids[i] = start_thread(body, &contenders[i]);
	for (int i = 0; i < threads; i++)
		join_thread(ids[i]);
	expect(threads);
	return truth_end();
}
