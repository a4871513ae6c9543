// SPDX-License-Identifier: BSD-2-Clause
/*
 * polling blind|event: 200 items, one each 5 ms by a producer that sleeps. The consumer looks,
 * sleeps 200 us and looks again; or waits for a condition.
 */
#include "truth.h"

#include <string.h>

#define PRODUCER "producer"
#define CONSUMER "consumer"
#define ITEMS	 200
#define PERIOD	 (5 * MS)
#define NAP	 (200 * US)
#define STEPS	 20 /* to make an item, and to use it */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int queued;
static bool blind;
static int64_t naps;
static struct account produced, consumed;

static void *produce(void *unused)
{
	struct account before = account_now();

	name_thread(PRODUCER);
	for (int i = 0; i < ITEMS; i++) {
		sleep_ns(PERIOD);
		burn(STEPS);
		must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
		queued++;
		must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
		if (!blind)
			must0(pthread_cond_signal(&condition), "pthread_cond_signal");
	}
	produced = account_since(before);
	return unused;
}

/* How many items there were. */
static int look(void)
{
	int found;

	must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
	while (!blind && !queued)
		must0(pthread_cond_wait(&condition, &mutex), "pthread_cond_wait");
	found = queued;
	queued = 0;
	must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
	return found;
}

static void *consume(void *unused)
{
	struct account before = account_now();

	name_thread(CONSUMER);
	for (int left = ITEMS; left;) {
		int found = look();

		left -= found;
		burn(STEPS * found);
		if (!found) {
			sleep_ns(NAP);
			naps++;
		}
	}
	consumed = account_since(before);
	return unused;
}

static void expect_blind(void)
{
	truth_waits(CONSUMER, "timer.sleep", consumed, (struct bounds){ naps - naps / 50, naps },
		    "each nanosleep blocks once, but for 2 % that a late timer may overtake");
	truth_finding("timer.polling", true,
		      truth_path("%ld looks at a queue of %d items, for %ld switches and %ld us of "
				 "CPU time",
				 (long)naps, ITEMS, (long)consumed.voluntary,
				 (long)(consumed.cpu / US)));
	truth_verdict_of("sleep-bound", consumed, "all sleep, but for the looks");
}

static void expect_event(void)
{
	int64_t blocked = account_blocked(consumed), waits = consumed.voluntary;

	truth_expect((struct expectation){
		.path = blocked_path(CONSUMER, "sync.cond", "ns"),
		.plus = { blocked_path(CONSUMER, "sync.futex", "ns") },
		.in = { blocked - blocked / 50 - 2 * MS, blocked + 2 * MS },
		.zero_if_absent = true,
		.why = "the wall time less CPU time and run delay; sync.futex where the kind of "
		       "wait "
		       "cannot be told; 2 % may be the mutex's",
	});
	truth_expect((struct expectation){
		.path = blocked_path(CONSUMER, "sync.cond", "count"),
		.plus = { blocked_path(CONSUMER, "sync.futex", "count") },
		.in = { waits - waits / 50 - 2, waits + 2 },
		.zero_if_absent = true,
		.why = "ru_nvcsw; 2 % may be the mutex's",
	});
	truth_finding("timer.polling", false,
		      truth_path("a wait for each item: %ld switches and %ld us of CPU time",
				 (long)waits, (long)(consumed.cpu / US)));
	truth_verdict_of("sleep-bound", produced, "the consumer waits for a producer that sleeps");
}

int main(int argc, char **argv)
{
	pthread_t producer, consumer;
	int64_t asleep;

	blind = argc < 2 || strcmp(argv[1], "event") != 0;
	consumer = start_thread(consume, NULL);
	producer = start_thread(produce, NULL);
	join_thread(producer);
	join_thread(consumer);

	truth_begin(blind ? "polling blind" : "polling event");
	truth_threads(PRODUCER, 1, produced);
	truth_threads(CONSUMER, 1, consumed);
	truth_waits(PRODUCER, "timer.sleep", produced, (struct bounds){ ITEMS, ITEMS },
		    "each nanosleep blocks once");
	asleep = account_blocked(produced) - consumed.cpu - consumed.delay;
	truth_expect((struct expectation){
		.path = "wall.timer_ns",
		.in = { asleep - asleep / 20 - 2 * MS, produced.wall },
		.why = "the producer's sleep, less what the consumer did in it, is all that there "
		       "is of standstill; 5 %",
	});
	if (blind)
		expect_blind();
	else
		expect_event();
	return truth_end();
}
