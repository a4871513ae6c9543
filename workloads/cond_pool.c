// SPDX-License-Identifier: BSD-2-Clause
/* cond_pool: eight workers wait for a condition that comes only when main() has computed. */
#include "truth.h"

#define WORKERS 8
#define COMM	"pool-worker"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static bool done;
static int64_t done_at;
static struct account spans[WORKERS];
static int64_t contended[WORKERS]; /* from the broadcast on */

static void *body(void *arg)
{
	long index = (long)arg;
	struct account before;

	name_thread(COMM);
	before = account_now();
	must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
	while (!done)
		must0(pthread_cond_wait(&condition, &mutex), "pthread_cond_wait");
	must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
	spans[index] = account_since(before);
	contended[index] = clock_ns(CLOCK_MONOTONIC) - done_at;
	return NULL;
}

static void release(void)
{
	must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
	done = true;
	done_at = clock_ns(CLOCK_MONOTONIC);
	must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
	must0(pthread_cond_broadcast(&condition), "pthread_cond_broadcast");
}

static void expect(struct account span, int64_t lock_ns)
{
	int64_t blocked = account_blocked(span), slack = WORKERS * 2 * MS;

	truth_expect((struct expectation){
		.path = blocked_path(COMM "*", "sync.cond", "ns"),
		.plus = { blocked_path(COMM "*", "sync.futex", "ns") },
		.in = { blocked - lock_ns - blocked / 100 - slack, blocked + slack },
		.zero_if_absent = true,
		.why = "the workers' wall time less CPU time and run delay, less what they may "
		       "contend for the mutex when all are woken; 1 % and 2 ms each; sync.futex "
		       "where the kind of wait cannot be told",
	});
	truth_expect((struct expectation){
		.path = blocked_path(COMM "*", "lock.mutex", "ns"),
		.in = { 0, lock_ns + slack },
		.zero_if_absent = true,
		.why = "waiting for the condition is no contention; only the time after the "
		       "broadcast, and 2 ms each at the start, can be",
	});
	truth_expect((struct expectation){
		.path = "totals.threads",
		.in = { WORKERS + 1, WORKERS + 1 },
		.why = "the workers and main()",
	});
}

int main(void)
{
	struct account from = account_now(), span = { 0 }, end;
	pthread_t ids[WORKERS];
	int64_t lock_ns = 0;

	for (long i = 0; i < WORKERS; i++)
		ids[i] = start_thread(body, (void *)i);
	burn(1000 * 1000);
	release();
	for (int i = 0; i < WORKERS; i++) {
		join_thread(ids[i]);
		account_add(&span, spans[i]);
		lock_ns += contended[i];
	}
	name_thread("pool-main");
	end = account_now();

	truth_begin("cond_pool");
	truth_thread("pool-main", from, end);
	expect(span, lock_ns);
	if (end.delay > end.cpu / 10)
		truth_verdict("cpu-bound|starved|mixed", "one thread computes, but others held the "
							 "CPUs for more than 10 % of that");
	else
		truth_verdict("cpu-bound", "one thread computes; idle workers decide nothing");
	return truth_end();
}
