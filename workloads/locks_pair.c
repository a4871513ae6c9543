// SPDX-License-Identifier: BSD-2-Clause
/* Who needs several locks: always in one order, or in both, but never at once; and who gets none. */
#include "locks.h"

#include <unistd.h>

#define PHILOSOPHERS 3
#define MEALS	     50

/* Not static: their names are to be found in the report. */
pthread_mutex_t fork_a = PTHREAD_MUTEX_INITIALIZER, fork_b = PTHREAD_MUTEX_INITIALIZER,
		fork_c = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t debit_lock = PTHREAD_MUTEX_INITIALIZER, credit_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t left_lock = PTHREAD_MUTEX_INITIALIZER, right_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t closed_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_mutex_t *const forks[PHILOSOPHERS] = { &fork_a, &fork_b, &fork_c };
static struct record *records[PHILOSOPHERS];

static void lock(pthread_mutex_t *m)
{
	must0(pthread_mutex_lock(m), "pthread_mutex_lock");
}

static void unlock(pthread_mutex_t *m)
{
	must0(pthread_mutex_unlock(m), "pthread_mutex_unlock");
}

static void take_fork(int fork, int party)
{
	call_begins();
	lock(forks[fork]);
	call_ends(records[fork], party);
	hold_begins(records[fork], party);
}

/* Between two forks, and the lower one first: so there is no circle. */
static void *dine(void *arg)
{
	int self = (int)(long)arg;
	int next = (self + 1) % PHILOSOPHERS;
	int low = self < next ? self : next, high = self < next ? next : self;
	int at_low, at_high;

	name_thread("philosopher");
	at_low = record_enter(records[low]);
	at_high = record_enter(records[high]);
	for (int i = 0; i < MEALS; i++) {
		take_fork(low, at_low);
		take_fork(high, at_high);
		sleep_ns(MS);
		unlock(forks[high]);
		unlock(forks[low]);
		sleep_ns(200 * US);
	}
	return NULL;
}

static const char *run_ordered(void)
{
	static const char *const names[] = { "name=fork_a", "name=fork_b", "name=fork_c" };
	pthread_t ids[PHILOSOPHERS];

	for (int i = 0; i < PHILOSOPHERS; i++)
		records[i] = record_new();
	for (long i = 0; i < PHILOSOPHERS; i++)
		ids[i] = start_thread(dine, (void *)i);
	for (int i = 0; i < PHILOSOPHERS; i++)
		join_thread(ids[i]);
	for (int i = 0; i < PHILOSOPHERS; i++) {
		const struct row row = { .how = "owner-word",
					 .which = names[i],
					 .kind = "mutex",
					 .who = "philosopher*" };

		expect_row(records[i], &row);
		expect_holders(records[i], &row);
	}
	truth_finding("lock.order", false, "the lower fork is always taken first");
	expect_no_deadlock("the lower fork is always taken first");
	return NULL;
}

static void transfer(pthread_mutex_t *from, pthread_mutex_t *to)
{
	for (int i = 0; i < 1000; i++) {
		lock(from);
		lock(to);
		burn(5);
		unlock(to);
		unlock(from);
	}
}

static void *transfer_there(void *unused)
{
	transfer(&debit_lock, &credit_lock);
	return unused;
}

static void *transfer_back(void *unused)
{
	transfer(&credit_lock, &debit_lock);
	return unused;
}

/* It would be a deadlock, were the threads there at once. */
static const char *run_both_orders(void)
{
	const char *why = "the second thread begins when the first has ended";

	join_thread(start_thread(transfer_there, NULL));
	join_thread(start_thread(transfer_back, NULL));
	expect_no_contention(why);
	expect_no_row("name=debit_lock", why);
	expect_no_row("name=credit_lock", why);
	expect_no_deadlock(why);
	return NULL;
}

/* So long that all the others are where they are to be. */
#define STEP (20 * MS)

struct crossing {
	pthread_mutex_t *first, *second;
	int64_t begin;
};

static void wait_until(const struct crossing *c, int step)
{
	sleep_ns(c->begin + step * STEP - clock_ns(CLOCK_MONOTONIC));
}

static void *take_both(void *arg)
{
	const struct crossing *c = arg;

	lock(c->first);
	wait_until(c, 2);
	lock(c->second);
	unlock(c->second);
	unlock(c->first);
	return NULL;
}

/* For the one that the other has, before that waits for the second, or after. */
static void *want_first(void *arg)
{
	const struct crossing *c = arg;

	wait_until(c, c->first == &left_lock ? 1 : 3);
	lock(c->first);
	unlock(c->first);
	return NULL;
}

static void cross(pthread_mutex_t *first, pthread_mutex_t *second)
{
	struct crossing c = { first, second, clock_ns(CLOCK_MONOTONIC) };
	pthread_t taker, wanter;

	lock(second);
	taker = start_thread(take_both, &c);
	wanter = start_thread(want_first, &c);
	wait_until(&c, 4);
	unlock(second);
	join_thread(taker);
	join_thread(wanter);
}

/* The same, but others wait meanwhile, so that it is seen. */
static const char *run_crossed(void)
{
	cross(&left_lock, &right_lock);
	cross(&right_lock, &left_lock);
	truth_finding("lock.order", true, "each is waited for by who has the other");
	truth_number("lock_orders", 2, "from one to the other, and back");
	expect_no_deadlock("one order at a time");
	return NULL;
}

static int64_t left_from;

static void wait_for_good(struct record *unused, int party)
{
	(void)unused, (void)party;
	left_from = clock_ns(CLOCK_MONOTONIC);
	lock(&closed_lock);
}

/* The program ends while it has the lock, and another waits for it. */
static const char *run_left(void)
{
	struct actor waiter = { .comm = "waiter", .body = wait_for_good };
	const char *why = "from before the call to the end of the program, that a few "
			  "milliseconds are left for";
	int64_t waited;

	lock(&closed_lock);
	actor_start(&waiter);
	sleep_ns(100 * MS);
	waited = clock_ns(CLOCK_MONOTONIC) - left_from;
	truth_equals("locks[name=closed_lock].kind", "mutex", "the lock that it made");
	truth_number("locks[name=closed_lock].waits", 1, "one wait, that nothing ended");
	truth_expect((struct expectation){ .path = "locks[name=closed_lock].wait_ns",
					   .in = { waited - waited / 50, waited + 20 * MS },
					   .why = why });
	truth_expect((struct expectation){
		.path = truth_path("locks[name=closed_lock].holders[tid=%d].blamed_ns", gettid()),
		.in = { waited - waited / 50, waited + 20 * MS },
		.why = why });
	truth_expect((struct expectation){ .path = blocked_path("waiter", "lock.mutex", "ns"),
					   .in = { waited - waited / 50, waited + 20 * MS },
					   .why = why });
	expect_no_deadlock("the holder waits for nothing");
	return NULL;
}

const struct mode pair_modes[] = {
	{ "ordered", run_ordered },
	{ "both-orders", run_both_orders },
	{ "crossed", run_crossed },
	{ "left", run_left },
	{ 0 },
};
