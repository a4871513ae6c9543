// SPDX-License-Identifier: BSD-2-Clause
/* A bounded queue of a producer and a consumer: first the one is slow, then the other. */
#include "locks.h"

#define CAPACITY 4
#define ITEMS	 60 /* of each half */

/* Not static: their names are to be found in the report. */
pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t queue_filled = PTHREAD_COND_INITIALIZER;
pthread_cond_t queue_emptied = PTHREAD_COND_INITIALIZER;

static struct record *filled, *emptied;
static int length;

static void lock(void)
{
	must0(pthread_mutex_lock(&queue_lock), "pthread_mutex_lock");
}

static void unlock(void)
{
	must0(pthread_mutex_unlock(&queue_lock), "pthread_mutex_unlock");
}

static void await_change(pthread_cond_t *cond, struct record *r, int party)
{
	call_begins();
	must0(pthread_cond_wait(cond, &queue_lock), "pthread_cond_wait");
	call_ends(r, party);
}

static void produce(struct record *r, int party)
{
	for (int i = 0; i < 2 * ITEMS; i++) {
		if (i < ITEMS)
			sleep_ns(3 * MS);
		lock();
		while (length == CAPACITY)
			await_change(&queue_emptied, r, party);
		length++;
		unlock();
		must0(pthread_cond_signal(&queue_filled), "pthread_cond_signal");
	}
}

static void consume(struct record *r, int party)
{
	for (int i = 0; i < 2 * ITEMS; i++) {
		lock();
		while (!length)
			await_change(&queue_filled, r, party);
		length--;
		unlock();
		must0(pthread_cond_signal(&queue_emptied), "pthread_cond_signal");
		if (i >= ITEMS)
			sleep_ns(3 * MS);
	}
}

static const char *run_queue(void)
{
	const struct row rows[] = {
		{ .how = "waker", .which = "name=queue_filled", .kind = "cond", .who = "consumer" },
		{ .how = "waker",
		  .which = "name=queue_emptied",
		  .kind = "cond",
		  .who = "producer" },
	};
	struct actor consumer = { .comm = "consumer", .body = consume };
	struct actor producer = { .comm = "producer", .body = produce };

	consumer.record = filled = record_new();
	producer.record = emptied = record_new();
	actor_start(&consumer);
	actor_start(&producer);
	actor_end(&consumer);
	actor_end(&producer);
	expect_row(filled, &rows[0]);
	expect_culprit(filled, &rows[0], producer.tid);
	expect_row(emptied, &rows[1]);
	expect_culprit(emptied, &rows[1], consumer.tid);
	expect_ledger_or_futex(filled, &rows[0], "sync.cond");
	expect_ledger_or_futex(emptied, &rows[1], "sync.cond");
	truth_finding("lock.contention", false, "each waits for the other's work");
	return NULL;
}

const struct mode queue_modes[] = {
	{ "queue", run_queue },
	{ 0 },
};
