// SPDX-License-Identifier: BSD-2-Clause
/* A FIFO that is opened and closed all the time, signals in both directions and in a storm, and
 * both ends in one thread. */
#include "channels.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPENS  200
#define PINGS  80
#define STORM  5000
#define ROUNDS 1000

static struct end *ends;
static struct record *records[ROLES];
static char path[64];
static int *closed; /* so often, in memory that both share */

static void by_two(void (*read_all)(void *), void (*write_all)(void *))
{
	pid_t children[ROLES];

	ends = ends_new(ROLES);
	for (int role = 0; role < ROLES; role++)
		records[role] = record_new();
	children[READER] = start_end(&ends[READER], "reader", read_all, NULL);
	children[WRITER] = start_end(&ends[WRITER], "writer", write_all, NULL);
	for (int role = 0; role < ROLES; role++)
		reap_child(children[role]);
}

static void expect_role(enum role role, const char *kind, const char *side, const char *which,
			const char *cause)
{
	struct flow f = { &ends[role], &ends[!role], kind, side, which, cause, records[role] };

	expect_end(&f, 1);
	expect_cause(&f, 1);
}

/* --- a FIFO ------------------------------------------------------------------------------------ */

/* It waits for the writer: to open it, for the byte, and for the end, so that the next one that it
 * finds is not this one still. */
static void read_anew(void *unused)
{
	(void)unused;
	record_enter(records[READER]);
	for (int i = 0; i < OPENS; i++) {
		char byte;
		int fd;

		call_begins();
		fd = (int)must(open(path, O_RDONLY | O_CLOEXEC), path);
		must(read(fd, &byte, 1) == 1 ? 0 : -1, "read");
		must(read(fd, &byte, 1) ? -1 : 0, "read at the end");
		call_ends(records[READER], 0);
		close_end(fd);
		__atomic_store_n(closed, i + 1, __ATOMIC_SEQ_CST);
	}
}

/* Only when the reader has closed it is what is written safe from going with that. */
static void write_anew(void *unused)
{
	(void)unused;
	record_enter(records[WRITER]);
	for (int i = 0; i < OPENS; i++) {
		int fd;

		do
			sleep_ns(MS);
		while (__atomic_load_n(closed, __ATOMIC_SEQ_CST) < i);
		call_begins();
		fd = (int)must(open(path, O_WRONLY | O_CLOEXEC), path);
		must(write(fd, "x", 1), "write");
		call_ends(records[WRITER], 0);
		close_end(fd);
	}
}

static const char *run_fifo(void)
{
	const char *which = "kind=fifo";

	snprintf(path, sizeof(path), "/tmp/concprof-anew.%d", getpid());
	must(mkfifo(path, 0600), path);
	closed = shared_memory(sizeof(*closed));
	by_two(read_anew, write_anew);
	hope(unlink(path), path);
	expect_role(READER, "fifo", "reads", which, "io.pipe");
	expect_role(WRITER, "fifo", "writes", which, "io.pipe");
	truth_number("channels", 1, "it is the same FIFO each time");
	truth_equals("channels[kind=fifo].name", path, "its path");
	return NULL;
}

/* --- signals ----------------------------------------------------------------------------------- */

static void await_signal(enum role role)
{
	sigset_t set = one_signal();

	call_begins();
	must(sigwaitinfo(&set, NULL), "sigwaitinfo");
	call_ends(records[role], 0);
}

static void find(enum role other)
{
	while (!__atomic_load_n(&ends[other].tid, __ATOMIC_SEQ_CST))
		sleep_ns(100 * US);
}

static void answer_pings(void *unused)
{
	(void)unused;
	record_enter(records[READER]);
	find(WRITER);
	for (int i = 0; i < PINGS; i++) {
		await_signal(READER);
		sleep_ns(MS);
		must(kill(ends[WRITER].pid, SIGRTMIN), "kill");
	}
}

static void send_pings(void *unused)
{
	(void)unused;
	record_enter(records[WRITER]);
	find(READER);
	for (int i = 0; i < PINGS; i++) {
		sleep_ns(2 * MS);
		must(kill(ends[READER].pid, SIGRTMIN), "kill");
		await_signal(WRITER);
	}
}

static const char *run_ping(void)
{
	/* By both, before there are any. */
	block_signal();
	by_two(answer_pings, send_pings);
	/* Each waits for what the other sends: who does, reads. */
	for (int role = 0; role < ROLES; role++)
		expect_role(
			role, "signal", "reads",
			truth_path("kind=\"signal\" and flows.waiter.comm=\"%s\"", ends[role].comm),
			"signal.wait");
	return NULL;
}

static void take_storm(void *unused)
{
	(void)unused;
	record_enter(records[READER]);
	for (int i = 0; i < STORM; i++)
		await_signal(READER);
}

/* Those that are queued are only so many. */
static void make_storm(void *unused)
{
	union sigval none = { 0 };

	(void)unused;
	find(READER);
	for (int i = 0; i < STORM; i++) {
		/* Every hundredth after a pause, so that there is a wait. */
		if (i % 100 == 0)
			sleep_ns(2 * MS);
		while (sigqueue(ends[READER].pid, SIGRTMIN, none)) {
			must(errno == EAGAIN ? 0 : -1, "sigqueue");
			sleep_ns(100 * US);
		}
	}
}

static const char *run_storm(void)
{
	/* By both, before there are any. */
	block_signal();
	by_two(take_storm, make_storm);
	expect_role(READER, "signal", "reads", "kind=signal", "signal.wait");
	return NULL;
}

/* --- alone --------------------------------------------------------------------------------------- */

static const char *run_one_thread(void)
{
	int fd[ROLES];

	small_pipe(fd);
	for (int i = 0; i < ROUNDS; i++) {
		put_page(fd[WRITER], 'x');
		take_page(fd[READER]);
	}
	truth_number("channels", 0, "who has both ends waits for nobody");
	truth_finding("pipeline.bottleneck", false, "there are no stages");
	return NULL;
}

const struct mode other_channels[] = {
	{ "fifo-anew", run_fifo },
	{ "signal-ping", run_ping },
	{ "signal-storm", run_storm },
	{ "one-thread", run_one_thread },
	{ 0 },
};
