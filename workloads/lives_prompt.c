// SPDX-License-Identifier: BSD-2-Clause
/* What looks like zombies, and is none: children that are reaped when they die. */
#include "lives.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define FEW    5
#define FORKED (20 * MS)
#define GAP    (10 * MS)

static struct brood *brood;

static struct brood *begin(void)
{
	struct brood *b = brood_new(FEW);

	brood_bear(b, NULL);
	brood_release(b, FORKED, GAP);
	return b;
}

/* One that lay for longer than 10 ms by the workload's own clocks is one. */
static void expect_prompt(const struct brood *b, const char *why)
{
	int slow = 0;

	for (int i = 0; i < b->n; i++)
		slow += b->life[i].reap_to - b->life[i].last > 9 * MS;
	if (!slow)
		expect_no_zombies(why);
	truth_expect(
		(struct expectation){ .path = "lifecycle.zombies", .in = { 0, slow }, .why = why });
	truth_expect((struct expectation){
		.path = "lifecycle.reaping.count", .in = { b->n - slow, b->n }, .why = why });
}

static void run_prompt(void)
{
	struct brood *b = begin();

	for (int i = 0; i < FEW; i++)
		brood_reap(b, i % 2 ? -1 : b->life[i].pid, 0);
	brood_seen(b);
	expect_no_zombies("the parent was blocked in waitpid()");
	truth_number("lifecycle.reaping.count", FEW, "the parent was blocked in waitpid()");
	for (int i = 0; i < FEW; i++)
		expect_reaper(&b->life[i], getpid());
}

static void expect_unwanted(const struct brood *b)
{
	expect_no_zombies("the kernel reaps them itself");
	for (int i = 0; i < b->n; i++)
		truth_equals(truth_path("processes[pid=%d].life.end", b->life[i].pid), "unwanted",
			     "the kernel reaps them itself");
}

static void run_ignored(void)
{
	struct brood *b;

	must(signal(SIGCHLD, SIG_IGN) == SIG_ERR ? -1 : 0, "signal");
	b = begin();
	brood_seen(b);
	sleep_ns(LATE);
	expect_unwanted(b);
}

static void on_signal(int unused)
{
	(void)unused;
}

static void run_nocldwait(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_NOCLDWAIT };
	struct brood *b;

	must(sigaction(SIGCHLD, &action, NULL), "sigaction");
	b = begin();
	sleep_until(b->die_at + FEW * GAP + LATE);
	brood_seen(b);
	expect_unwanted(b);
}

/* Told so when they are dead, the kernel keeps them all the same. */
static void run_ignored_late(void)
{
	struct brood *b = brood_new(FEW);

	brood_bear(b, NULL);
	brood_release(b, FORKED, 0);
	sleep_ns(FORKED + LATE / 2);
	brood_seen(b);
	must(signal(SIGCHLD, SIG_IGN) == SIG_ERR ? -1 : 0, "signal");
	sleep_ns(LATE / 2);
	brood_reap_all(b, -1, FEW);
	expect_all_zombies(b, "timer.sleep");
}

static void *last_thread(void *arg)
{
	sleep_ns(200 * MS);
	die(arg);
}

static void leader_ends(struct life *l)
{
	start_thread(last_thread, l);
	pthread_exit(NULL);
}

static void run_leader(void)
{
	struct brood *b = brood_new(1);

	brood_bear(b, leader_ends);
	brood_release(b, FORKED, 0);
	brood_reap(b, -1, 0);
	brood_seen(b);
	expect_no_zombies("its second thread lived on, and its parent was blocked in waitpid()");
	truth_expect((struct expectation){
		.path = truth_path("processes[pid=%d].life.died_ns", b->life[0].pid),
		.minus = truth_path("processes[pid=%d].start_ns", b->life[0].pid),
		.in = { 200 * MS, MANY },
		.why = "it is dead when its last thread ends",
	});
}

static void run_wnohang(void)
{
	struct brood *b = begin();

	for (int n = 0; n < FEW; sleep_ns(MS))
		n += brood_reap(b, -1, WNOHANG) != NULL;
	brood_seen(b);
	expect_prompt(b, "the parent asked every millisecond");
}

static void run_wnohang_each(void)
{
	struct brood *b = begin();

	for (int n = 0; n < FEW; sleep_ns(MS))
		n += brood_reap(b, b->life[n].pid, WNOHANG) != NULL;
	brood_seen(b);
	expect_prompt(b, "the parent asked every millisecond");
}

static volatile sig_atomic_t reaped;

static void reap_dead(int unused)
{
	int saved = errno;

	(void)unused;
	for (struct life *l; reaped < FEW && (l = brood_reap(brood, -1, WNOHANG)); l = NULL)
		reaped++;
	errno = saved;
}

static void run_sigchld(void)
{
	struct sigaction action = { .sa_handler = reap_dead, .sa_flags = SA_RESTART };

	must(sigaction(SIGCHLD, &action, NULL), "sigaction");
	brood = begin();
	while (reaped < FEW)
		pause();
	brood_seen(brood);
	expect_prompt(brood, "SIGCHLD was handled");
}

/* An event loop: a pidfd says so, waitid() reaps. */
static void run_pidfd(void)
{
	struct brood *b = begin();

	for (int i = 0; i < FEW; i++) {
		struct pollfd fd = { .fd = b->pidfd[i], .events = POLLIN };

		must(poll(&fd, 1, -1), "poll");
		brood_reap(b, b->life[i].pid, WNOHANG);
	}
	brood_seen(b);
	expect_prompt(b, "the parent was told by a pidfd");
}

const struct mode prompt_modes[] = {
	{ "prompt", run_prompt },
	{ "ignored", run_ignored },
	{ "nocldwait", run_nocldwait },
	{ "ignored-late", run_ignored_late },
	{ "leader", run_leader },
	{ "wnohang", run_wnohang },
	{ "wnohang-each", run_wnohang_each },
	{ "sigchld", run_sigchld },
	{ "pidfd", run_pidfd },
	{ NULL, NULL },
};
