// SPDX-License-Identifier: BSD-2-Clause
/* Sleeps of one length, over and over: to look, or to do something each time. */
#include "habits.h"

#include <unistd.h>

#define NAPS 400
#define NAP  (4 * MS)

static int ends[2];
static struct account span;

static bool nothing_yet(void)
{
	return access("/nothing-of-this-name", F_OK) == -1;
}

/* Until it is there; it never is. */
static void run_looks(void)
{
	struct account before = account_now();

	for (int i = 0; i < NAPS && nothing_yet(); i++)
		sleep_ns(NAP);
	span = account_since(before);
}

static void expect_looks(void)
{
	if (span.cpu > NAPS * 80 * US)
		truth_skip("its looks took as long as work does");
	else
		truth_finding("timer.polling", true, "it looks for a file 250 times a second");
}

static void open_ends(void)
{
	must(pipe(ends), "pipe");
}

/* Writes what nobody waits for: the pipe has room for all of it. */
static void run_ticks(void)
{
	open_ends();
	for (int i = 0; i < NAPS; i++) {
		sleep_ns(NAP);
		must(write(ends[1], "x", 1), "write");
	}
}

static void expect_ticks(void)
{
	truth_finding("timer.polling", false, "it writes something each time");
}

static void *receive(void *unused)
{
	char byte;

	for (int i = 0; i < NAPS; i++)
		must(read(ends[0], &byte, 1), "read");
	return unused;
}

static void run_pace(void)
{
	pthread_t reader;

	open_ends();
	reader = start_thread(receive, NULL);
	for (int i = 0; i < NAPS; i++) {
		sleep_ns(NAP);
		must(write(ends[1], "x", 1), "write");
	}
	join_thread(reader);
}

static void expect_pace(void)
{
	truth_finding("timer.polling", false, "it gives another thread something to do each time");
}

static void run_work(void)
{
	for (int i = 0; i < NAPS; i++) {
		sleep_ns(NAP);
		burn(1500);
	}
}

static void expect_work(void)
{
	truth_finding("timer.polling", false, "it computes each time");
}

const struct habit nap_habits[] = {
	{ "looks", run_looks, expect_looks },
	{ "ticks", run_ticks, expect_ticks },
	{ "pace", run_pace, expect_pace },
	{ "work", run_work, expect_work },
	{ 0 },
};
