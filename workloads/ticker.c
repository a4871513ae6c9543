// SPDX-License-Identifier: BSD-2-Clause
/*
 * ticker disk|compute|lock: a thread that looks every 50 ms and an acceptor to which nobody
 * connects, beside a worker that waits for the disk, or computes, or beside two that share a
 * mutex.
 */
#include "truth.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define TICKER	 "tick-thread"
#define ACCEPTOR "acceptor"
#define WORKER	 "worker"
#define PERIOD	 (50 * MS)
#define ROUNDS	 1800 /* of both workers, 500 us of each under the mutex */
#define INSIDE	 500
#define OUTSIDE	 50

struct part {
	struct account span;
	int64_t count;
};

/* Not static: its name is to be found in the report. */
pthread_mutex_t ledger_lock = PTHREAD_MUTEX_INITIALIZER;

static struct part ticker, acceptor, workers[2];
static struct device device;
static int listener, rounds;
static bool done;

static void *tick(void *unused)
{
	struct account before = account_now();

	name_thread(TICKER);
	for (; !__atomic_load_n(&done, __ATOMIC_SEQ_CST); ticker.count++)
		sleep_ns(PERIOD);
	ticker.span = account_since(before);
	return unused;
}

static void *await_client(void *unused)
{
	struct account before = account_now();

	name_thread(ACCEPTOR);
	/* main() shuts the socket down. */
	must(accept(listener, NULL, NULL) == -1 && errno == EINVAL ? 0 : -1, "accept");
	acceptor.span = account_since(before);
	return unused;
}

static void *wait_for_disk(void *arg)
{
	struct part *self = arg;
	struct account before = account_now();

	name_thread(WORKER);
	device_read_for(&device, SEC);
	self->span = account_since(before);
	return NULL;
}

static void *compute(void *arg)
{
	struct part *self = arg;
	struct account before = account_now();

	name_thread(WORKER);
	burn(1000 * 1000);
	self->span = account_since(before);
	return NULL;
}

static void *contend(void *arg)
{
	struct part *self = arg;
	struct account before = account_now();

	name_thread(WORKER);
	/* On a CPU of its own, so that nothing but the mutex can be in its way. */
	bind_to_cpu((int)(self - workers));
	for (bool more = true; more;) {
		must0(pthread_mutex_lock(&ledger_lock), "pthread_mutex_lock");
		more = rounds++ < ROUNDS;
		burn(INSIDE);
		must0(pthread_mutex_unlock(&ledger_lock), "pthread_mutex_unlock");
		burn(OUTSIDE);
	}
	self->span = account_since(before);
	return NULL;
}

static void run(void *(*work)(void *), int count)
{
	pthread_t ids[2], idle[2];

	listener = listen_at(0);
	idle[0] = start_thread(tick, NULL);
	idle[1] = start_thread(await_client, NULL);
	for (int i = 0; i < count; i++)
		ids[i] = start_thread(work, &workers[i]);
	for (int i = 0; i < count; i++)
		join_thread(ids[i]);
	__atomic_store_n(&done, true, __ATOMIC_SEQ_CST);
	must(shutdown(listener, SHUT_RD), "shutdown");
	join_thread(idle[0]);
	join_thread(idle[1]);
}

static void expect_idle(void)
{
	truth_threads(TICKER, 1, ticker.span);
	truth_threads(ACCEPTOR, 1, acceptor.span);
	truth_waits(TICKER, "timer.sleep", ticker.span,
		    (struct bounds){ ticker.count, ticker.count }, "each nanosleep blocks once");
	truth_waits(ACCEPTOR, "io.socket", acceptor.span, (struct bounds){ 1, 1 },
		    "nobody connects, so that it blocks once");
	truth_finding("timer.polling", false, "twenty looks in a second are no polling");
}

static void expect_disk(struct account span)
{
	truth_threads(WORKER, 1, span);
	truth_waits(WORKER, "io.disk", span,
		    (struct bounds){ span.voluntary - span.voluntary / 50 - 2, span.voluntary + 2 },
		    "ru_nvcsw: it waits for the device, read by read; 2 % may be a lock's");
	truth_expect((struct expectation){
		.path = "wall.io_ns",
		.in = { account_blocked(span) * 9 / 10, span.wall },
		.why = "all stand still until the device answers, whoever sleeps beside; 10 % may "
		       "be the ticker's doing",
	});
	truth_verdict_of_disk(span);
}

static void expect_compute(struct account span)
{
	truth_threads(WORKER, 1, span);
	truth_verdict_of("cpu-bound", span,
			 "one thread computes; what the others do decides nothing");
}

static void expect_lock(void)
{
	struct account sum = workers[0].span;
	int64_t waits;

	account_add(&sum, workers[1].span);
	waits = sum.voluntary;
	truth_threads(WORKER "*", 2, sum);
	truth_waits(WORKER "*", "lock.mutex", sum,
		    (struct bounds){ waits - waits / 50 - 2, waits + 2 },
		    "ru_nvcsw of both, which only the mutex blocks; 2 % may be woken before they "
		    "sleep");
	if (cpus_allowed() == 1)
		truth_verdict_of("cpu-bound|lock-bound|oversubscribed", sum,
				 "with one CPU there is no waiting for "
				 "a lock that computing would not do");
	else
		truth_verdict_of("lock-bound", sum,
				 "one of two holds the mutex, and the other waits");
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "compute";
	bool disk = !strcmp(mode, "disk"), lock = !strcmp(mode, "lock");
	bool waits = disk && device_open(&device, "ticker");

	if (waits)
		run(wait_for_disk, 1);
	else if (!disk)
		run(lock ? contend : compute, lock ? 2 : 1);
	truth_begin(truth_path("ticker %s", mode));
	if (disk && !waits) {
		truth_skip("the current directory has no device that reads would wait for");
		return truth_end();
	}
	expect_idle();
	truth_number("totals.threads", 4 + lock, "main(), ticker, acceptor and the workers");
	if (disk)
		expect_disk(workers[0].span);
	else if (lock)
		expect_lock();
	else
		expect_compute(workers[0].span);
	return truth_end();
}
