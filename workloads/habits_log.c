// SPDX-License-Identifier: BSD-2-Clause
/* Threads that write lines to a pipe that is read slowly. */
#include "habits.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINES	300 /* of each thread */
#define WRITERS 2
#define PAUSE	(2 * MS)
#define FULL	4096 /* read at once */

static int to = STDOUT_FILENO;

/* Not static: its name is to be found in the report. */
pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

/* As slowly as a terminal over a network; to the end. */
static void *read_slowly(void *arg)
{
	static char buffer[FULL];
	int fd = *(int *)arg;

	name_thread("slow-reader");
	while (must(read(fd, buffer, sizeof(buffer)), "read") > 0)
		sleep_ns(PAUSE);
	return NULL;
}

/* Full, so that lines wait from the first on. */
static pthread_t open_log(int as)
{
	static char zeros[FULL];
	static int ends[2];
	pthread_t reader;

	must(pipe(ends), "pipe");
	for (int i = 0; i < 16; i++)
		must(write(ends[1], zeros, sizeof(zeros)), "write");
	reader = start_thread(read_slowly, &ends[0]);
	must(dup2(ends[1], as), "dup2");
	must(close(ends[1]), "close");
	to = as;
	return reader;
}

static void write_line(void)
{
	static const char line[512] = "a line";

	must(write(to, line, sizeof(line)), "write");
}

static void *log_lines(void *unused)
{
	for (int i = 0; i < LINES * 4; i++)
		write_line();
	return unused;
}

static void *log_locked(void *unused)
{
	for (int i = 0; i < LINES * 4; i++) {
		must0(pthread_mutex_lock(&log_lock), "pthread_mutex_lock");
		write_line();
		must0(pthread_mutex_unlock(&log_lock), "pthread_mutex_unlock");
		burn(20);
	}
	return unused;
}

static void run_with(void *(*body)(void *), int as)
{
	int kept = dup(as); /* -1: it was not open */
	pthread_t reader = open_log(as), ids[WRITERS];

	for (int i = 0; i < WRITERS; i++)
		ids[i] = start_thread(body, NULL);
	for (int i = 0; i < WRITERS; i++)
		join_thread(ids[i]);
	must(kept == -1 ? close(as) : dup2(kept, as), "the end of the log");
	join_thread(reader);
}

static void run_log(void)
{
	run_with(log_lines, STDOUT_FILENO);
}

static void run_lock(void)
{
	run_with(log_locked, STDOUT_FILENO);
}

static void expect_log(void)
{
	truth_finding("io.log", true, "two threads wait to write lines to standard output");
}

static void expect_lock(void)
{
	truth_finding("io.log", true, "one writes to standard output under a mutex, one waits");
}

static void run_queue(void)
{
	run_with(log_lines, 100);
}

static void expect_queue(void)
{
	truth_finding("io.log", false, "what they write to may be a queue");
}

const struct habit log_habits[] = {
	{ "log", run_log, expect_log },
	{ "log-lock", run_lock, expect_lock },
	{ "queue", run_queue, expect_queue },
	{ 0 },
};
