// SPDX-License-Identifier: BSD-2-Clause
/*
 * convoy [THREADS]: threads that all want to compute under one interpreter lock, as CPython's 3.2
 * and later has it: who waits asks for the lock every 5 ms, and who holds it looks between two
 * steps whether one did, and then waits until another has had it.
 * convoy pollers: one thread computes, and three look every 5 ms for work that never comes.
 */
#include "truth.h"

#include <errno.h>
#include <string.h>

#define COMM	 "interpreter"
#define POLLER	 "poller"
#define THREADS	 4
#define POLLERS	 3
#define MAX	 64
#define INTERVAL (5 * MS)
#define STEPS	 20000 /* of all threads */
#define STEP	 50    /* the least that is computed under the lock */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, switch_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t released, work, switched = PTHREAD_COND_INITIALIZER;
static bool locked;
static int drop_request;
static long holder, switches; /* written under both mutexes, and read under either */
static int64_t timeouts, forced;

static int64_t polls[POLLERS];
static struct account spans[MAX];
static int threads = THREADS;
static bool done;

static void lock(pthread_mutex_t *m)
{
	must0(pthread_mutex_lock(m), "pthread_mutex_lock");
}

static void unlock(pthread_mutex_t *m)
{
	must0(pthread_mutex_unlock(m), "pthread_mutex_unlock");
}

/* True if nobody signalled it for the interval. */
static bool times_out(pthread_cond_t *cond, pthread_mutex_t *m)
{
	int64_t at = clock_ns(CLOCK_MONOTONIC) + INTERVAL;
	struct timespec t = { .tv_sec = at / SEC, .tv_nsec = at % SEC };
	int rc = pthread_cond_timedwait(cond, m, &t);

	must0(rc == ETIMEDOUT ? 0 : rc, "pthread_cond_timedwait");
	return rc == ETIMEDOUT;
}

static void take(long self)
{
	lock(&mutex);
	while (locked) {
		long before = switches;

		if (!times_out(&released, &mutex) || !locked || switches != before)
			continue;
		timeouts++;
		__atomic_store_n(&drop_request, 1, __ATOMIC_SEQ_CST);
	}
	lock(&switch_mutex);
	locked = true;
	switches += holder != self;
	holder = self;
	must0(pthread_cond_signal(&switched), "pthread_cond_signal");
	unlock(&switch_mutex);
	__atomic_store_n(&drop_request, 0, __ATOMIC_SEQ_CST);
	unlock(&mutex);
}

static void drop(void)
{
	lock(&mutex);
	locked = false;
	must0(pthread_cond_signal(&released), "pthread_cond_signal");
	unlock(&mutex);
}

/* So that another does get it. */
static void await_switch(long self)
{
	lock(&switch_mutex);
	if (holder == self) {
		__atomic_store_n(&drop_request, 0, __ATOMIC_SEQ_CST);
		must0(pthread_cond_wait(&switched, &switch_mutex), "pthread_cond_wait");
		forced++;
	}
	unlock(&switch_mutex);
}

static void *interpret(void *arg)
{
	struct account before = account_now();
	long self = (long)arg;

	name_thread(COMM);
	take(self);
	for (int i = 0; i < STEPS / threads; i++) {
		burn(STEP);
		if (!__atomic_load_n(&drop_request, __ATOMIC_SEQ_CST))
			continue;
		drop();
		await_switch(self);
		take(self);
	}
	drop();
	spans[self] = account_since(before);
	return NULL;
}

static void *poll_for_work(void *arg)
{
	name_thread(POLLER);
	lock(&mutex);
	for (; !done; polls[(long)arg]++)
		times_out(&work, &mutex);
	unlock(&mutex);
	return NULL;
}

static void end_pollers(void)
{
	lock(&mutex);
	done = true;
	must0(pthread_cond_broadcast(&work), "pthread_cond_broadcast");
	unlock(&mutex);
}

static void init_conditions(void)
{
	pthread_condattr_t attr;

	must0(pthread_condattr_init(&attr), "pthread_condattr_init");
	must0(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), "pthread_condattr_setclock");
	must0(pthread_cond_init(&released, &attr), "pthread_cond_init");
	must0(pthread_cond_init(&work, &attr), "pthread_cond_init");
}

/* The wall time of it. */
static int64_t run(int pollers)
{
	int64_t begin = clock_ns(CLOCK_MONOTONIC);
	pthread_t ids[MAX], others[POLLERS];

	for (long i = 0; i < pollers; i++)
		others[i] = start_thread(poll_for_work, (void *)i);
	for (long i = 0; i < threads; i++)
		ids[i] = start_thread(interpret, (void *)i);
	for (int i = 0; i < threads; i++)
		join_thread(ids[i]);
	begin = clock_ns(CLOCK_MONOTONIC) - begin;
	end_pollers();
	for (int i = 0; i < pollers; i++)
		join_thread(others[i]);
	return begin;
}

static void expect_blocked(struct account sum)
{
	int64_t blocked = account_blocked(sum), slack = threads * 2 * MS;

	truth_expect((struct expectation){
		.path = blocked_path(COMM "*", "sync.cond", "ns"),
		.plus = { blocked_path(COMM "*", "sync.futex", "ns"),
			  blocked_path(COMM "*", "lock.mutex", "ns"),
			  thread_path(COMM "*", "cpu.stolen_ns") },
		.in = { blocked - blocked / 50 - slack, blocked + blocked / 50 + slack },
		.zero_if_absent = true,
		.why = "the wall time less CPU time and run delay: the interpreter lock is a "
		       "condition, and nothing else is waited for; 2 % and 2 ms each",
	});
}

static void expect_convoy(struct account sum)
{
	const char *why = truth_path("one of %d has the interpreter lock, and the others wait for "
				     "it: %ld asked after 5 ms, %ld gave way",
				     threads, (long)timeouts, (long)forced);

	expect_blocked(sum);
	if (cpus_allowed() == 1)
		truth_verdict_of("cpu-bound|lock-bound|oversubscribed", sum,
				 "with one CPU there is no waiting for "
				 "a lock that computing would not do");
	else
		truth_verdict_of("lock-bound", sum, why);
}

static void expect_alone(struct account span, int pollers)
{
	for (int i = 1; i < pollers; i++)
		polls[0] += polls[i];
	if (pollers)
		truth_expect((struct expectation){
			.path = blocked_path(POLLER "*", "sync.cond", "count"),
			.plus = { blocked_path(POLLER "*", "sync.futex", "count") },
			.in = { polls[0] - polls[0] / 50 - pollers, polls[0] },
			.zero_if_absent = true,
			.why = "each look is one wait; 2 %; sync.futex where the kind of wait "
			       "cannot "
			       "be told",
		});
	truth_finding("lock.contention", false, "nobody else wants the lock");
	truth_verdict_of("cpu-bound", span, "one thread computes, and nobody is in its way");
}

int main(int argc, char **argv)
{
	bool polled = argc > 1 && !strcmp(argv[1], "pollers");
	int pollers = polled ? POLLERS : 0;
	struct account sum = { 0 };
	int64_t wall;

	threads = polled ? 1 : argc > 1 ? (int)number_arg(argv[1], 1, MAX) : THREADS;
	init_conditions();
	wall = run(pollers);
	for (int i = 0; i < threads; i++)
		account_add(&sum, spans[i]);

	truth_begin(truth_path("convoy %s", argc > 1 ? argv[1] : ""));
	truth_threads(COMM "*", threads, sum);
	truth_number("totals.threads", threads + pollers + 1,
		     "those that were started, and main()");
	truth_expect((struct expectation){
		.path = "wall.running_ns",
		.in = { sum.cpu * 4 / 5, wall + wall / 50 + 10 * MS },
		.why = "only one at a time computes: the CPU time of all of them, less 20 % for a "
		       "switch-in that the kernel may hide (the report counts these as lost)",
	});
	if (threads > 1)
		expect_convoy(sum);
	else
		expect_alone(sum, pollers);
	return truth_end();
}
