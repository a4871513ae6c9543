// SPDX-License-Identifier: BSD-2-Clause
/* Children that die when they are told, what they know of it, and what follows for the report. */
#include "lives.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void die(struct life *l)
{
	l->last = clock_ns(CLOCK_MONOTONIC);
	_exit(EXIT_SUCCESS);
}

void sleep_until(int64_t ns)
{
	struct timespec t = { .tv_sec = ns / SEC, .tv_nsec = ns % SEC };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

int open_pidfd(pid_t pid)
{
	return (int)must(syscall(SYS_pidfd_open, pid, 0), "pidfd_open");
}

void see_death(struct life *l, int pidfd)
{
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

	while (poll(&poll_fd, 1, -1) != 1)
		must(errno == EINTR ? 0 : -1, "poll");
	l->dead_by = clock_ns(CLOCK_MONOTONIC);
	must(close(pidfd), "close");
}

pid_t bear(struct life *l, void (*body)(struct life *))
{
	pid_t pid;

	l->born_from = clock_ns(CLOCK_MONOTONIC);
	pid = (pid_t)must(fork(), "fork");
	if (!pid) {
		l->pid = getpid(); /* whoever comes first */
		body(l);
		die(l);
	}
	l->born_to = clock_ns(CLOCK_MONOTONIC);
	l->pid = pid;
	return pid;
}

void reap_life(struct life *l)
{
	l->reap_from = clock_ns(CLOCK_MONOTONIC);
	must(waitpid(l->pid, NULL, 0), "waitpid");
	l->reap_to = l->dead_by = clock_ns(CLOCK_MONOTONIC);
}

struct brood *brood_new(int n)
{
	struct brood *b = shared_memory(sizeof(*b));

	must(n <= BROOD_MAX ? 0 : -1, "so many children");
	b->n = n;
	must(pipe(b->gate), "pipe");
	return b;
}

static void wait_at_gate(struct brood *b, int nth)
{
	char byte;

	name_thread("lives-child");
	must(close(b->gate[1]), "close");
	must(read(b->gate[0], &byte, 1), "read");
	sleep_until(b->die_at + nth * b->gap);
}

void brood_bear(struct brood *b, void (*body)(struct life *))
{
	for (int i = 0; i < b->n; i++) {
		struct life *l = &b->life[i];
		pid_t pid = (pid_t)must(fork(), "fork");

		if (!pid) {
			wait_at_gate(b, i);
			if (body)
				body(l);
			die(l);
		}
		l->pid = pid;
		b->pidfd[i] = open_pidfd(pid);
	}
}

static void *watch(void *arg)
{
	struct brood *b = arg;
	struct pollfd fds[BROOD_MAX];
	int left = b->n;

	name_thread("lives-watch");
	for (int i = 0; i < b->n; i++)
		fds[i] = (struct pollfd){ .fd = b->pidfd[i], .events = POLLIN };
	while (left) {
		must(poll(fds, (nfds_t)b->n, -1), "poll");
		for (int i = 0; i < b->n; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			b->life[i].dead_by = clock_ns(CLOCK_MONOTONIC);
			fds[i].fd = -1;
			left--;
		}
	}
	return NULL;
}

void brood_release(struct brood *b, int64_t delay, int64_t gap)
{
	b->watcher = start_thread(watch, b);
	b->die_at = clock_ns(CLOCK_MONOTONIC) + delay;
	b->gap = gap;
	must(close(b->gate[1]), "close");
}

void brood_seen(struct brood *b)
{
	join_thread(b->watcher);
}

struct life *brood_find(struct brood *b, pid_t pid)
{
	for (int i = 0; i < b->n; i++)
		if (b->life[i].pid == pid)
			return &b->life[i];
	must(-1, "a child that nobody knows");
	return NULL;
}

struct life *brood_reap(struct brood *b, pid_t pid, int options)
{
	int64_t before = clock_ns(CLOCK_MONOTONIC);
	pid_t got = (pid_t)must(waitpid(pid, NULL, options), "waitpid");
	int64_t after = clock_ns(CLOCK_MONOTONIC);
	struct life *l;

	if (!got)
		return NULL;
	l = brood_find(b, got);
	l->reap_from = before;
	l->reap_to = after;
	return l;
}

void brood_reap_all(struct brood *b, pid_t pid, int n)
{
	for (int i = 0; i < n; i++)
		brood_reap(b, pid, 0);
}

/* --- what follows for the report -------------------------------------------------- */

void expect_between(const char *from_path, const char *to_path, struct bounds from,
		    struct bounds to, const char *why)
{
	truth_expect((struct expectation){
		.path = to_path,
		.minus = from_path,
		.in = { to.min - from.max - SLACK,
			to.max == MANY ? MANY : to.max - from.min + SLACK },
		.why = why,
	});
}

static const char *zombie_path(const struct life *l, const char *key)
{
	return truth_path("lifecycle.zombies[pid=%d].%s", l->pid, key);
}

void expect_reaper(const struct life *l, pid_t reaper)
{
	truth_number(truth_path("processes[pid=%d].life.reaper_pid", l->pid), reaper,
		     "who called waitpid()");
}

void expect_zombie(const struct life *l, const char *doing)
{
	struct bounds reaped = { l->reap_from, l->reap_to };

	if (!l->reap_from)
		reaped = (struct bounds){ clock_ns(CLOCK_MONOTONIC), MANY };
	expect_between(zombie_path(l, "from_ns"), zombie_path(l, "to_ns"),
		       (struct bounds){ l->last, l->dead_by }, reaped,
		       "from its own last look at the clock, and by when its pidfd told its "
		       "death, to before and after the call that reaped it; 1 ms");
	truth_number(zombie_path(l, "reaped"), l->reap_from != 0, "whether its parent waited");
	if (doing)
		truth_equals(zombie_path(l, "parent_doing"), doing,
			     "what its parent did for most of that time, or when it died");
}

void expect_all_zombies(const struct brood *b, const char *doing)
{
	for (int i = 0; i < b->n; i++)
		expect_zombie(&b->life[i], doing);
	truth_number("lifecycle.zombies", b->n, "each of the children");
	truth_number("lifecycle.zombies_at_once", b->n, "all were dead before one was reaped");
	truth_finding("lifecycle.zombies", true, "they lay for much longer than 10 ms");
}

void expect_no_zombies(const char *why)
{
	truth_number("lifecycle.zombies", 0, why);
	truth_number("lifecycle.zombies_at_once", 0, why);
	truth_finding("lifecycle.zombies", false, why);
}

void expect_orphan(const struct life *parent, const struct life *orphan)
{
	struct bounds from = { parent->last, parent->dead_by };
	const char *at = truth_path("lifecycle.orphans[pid=%d].at_ns", orphan->pid);

	truth_expect((struct expectation){
		.path = truth_path("lifecycle.orphans[pid=%d].outlived_ns", orphan->pid),
		.in = { orphan->last - from.max - SLACK, orphan->dead_by - from.min + SLACK },
		.why = "from its parent's end, by its last look at the clock and its pidfd, to "
		       "its own; 1 ms",
	});
	expect_between(truth_path("processes[pid=%d].start_ns", orphan->pid), at,
		       (struct bounds){ orphan->born_from, orphan->born_to }, from,
		       "from before and after fork() to its parent's end; 1 ms");
	truth_number(truth_path("lifecycle.orphans[pid=%d].parent", orphan->pid), parent->pid,
		     "who forked it");
	truth_number(truth_path("lifecycle.orphans[pid=%d].adopted_by", orphan->pid), orphan->heir,
		     "getppid() before its end");
}
