// SPDX-License-Identifier: BSD-2-Clause
/* A pipe with several writers. */
#include "channels.h"

#include <stdio.h>

#define WRITERS 4
#define TURNS	30 /* of each writer */
#define PERIOD	(2 * MS)
#define WHICH	"kind=pipe"

static int fd[ROLES];
static int64_t begin;
static struct end *ends; /* the writers, and then the reader */
static struct record *gave[WRITERS];
static struct record *got[WRITERS]; /* the reader's, by who wrote what ended the wait */
static bool slow_reader;

static void sleep_until(int64_t at)
{
	struct timespec t = { .tv_sec = at / SEC, .tv_nsec = at % SEC };

	must0(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL), "clock_nanosleep");
}

/* In turns, by the clock; or as fast as there is room. */
static void write_all(void *number)
{
	int which = *(int *)number;

	close_end(fd[READER]);
	record_enter(gave[which]);
	for (int i = 0; i < TURNS; i++) {
		if (!slow_reader)
			sleep_until(begin + (i * WRITERS + which) * PERIOD);
		call_begins();
		put_page(fd[WRITER], (char)which);
		call_ends(gave[which], 0);
	}
}

static void read_all(void *unused)
{
	(void)unused;
	close_end(fd[WRITER]);
	for (int i = 0; i < WRITERS; i++)
		record_enter(got[i]);
	for (int i = 0; i < WRITERS * TURNS; i++) {
		int which;

		if (slow_reader)
			sleep_ns(PERIOD);
		call_begins();
		which = take_page(fd[READER]);
		call_ends(got[which], 0);
	}
}

static struct flow flow_of(const struct end *waiter, const struct end *source, const char *side,
			   const struct record *r)
{
	return (struct flow){ waiter, source, "pipe", side, WHICH, "io.pipe", r };
}

static void expect_crowd(void)
{
	const struct end *reader = &ends[WRITERS];
	struct flow reads[WRITERS];

	for (int i = 0; i < WRITERS; i++) {
		struct flow writes = flow_of(&ends[i], reader, "writes", gave[i]);

		reads[i] = flow_of(reader, &ends[i], "reads", got[i]);
		expect_end(&writes, 1);
		expect_cause(&writes, 1);
	}
	expect_end(reads, WRITERS);
	expect_cause(reads, WRITERS);
	truth_number("channels", 1, "all of them have one pipe");
}

static void run(bool reader_is_slow)
{
	static int numbers[WRITERS] = { 0, 1, 2, 3 };
	pid_t children[WRITERS + 1];

	slow_reader = reader_is_slow;
	small_pipe(fd);
	ends = ends_new(WRITERS + 1);
	for (int i = 0; i < WRITERS; i++) {
		gave[i] = record_new();
		got[i] = record_new();
	}
	begin = clock_ns(CLOCK_MONOTONIC) + 10 * MS;
	for (int i = 0; i < WRITERS; i++)
		children[i] =
			start_end(&ends[i], truth_path("writer-%d", i), write_all, &numbers[i]);
	children[WRITERS] = start_end(&ends[WRITERS], "reader", read_all, NULL);
	for (int role = 0; role < ROLES; role++)
		close_end(fd[role]);
	for (int i = 0; i <= WRITERS; i++)
		reap_child(children[i]);
	expect_crowd();
}

static const char *run_in_turns(void)
{
	run(false);
	return NULL;
}

static const char *run_for_room(void)
{
	run(true);
	return NULL;
}

const struct mode crowd_channels[] = {
	{ "writers-in-turns", run_in_turns },
	{ "writers-for-room", run_for_room },
	{ 0 },
};
