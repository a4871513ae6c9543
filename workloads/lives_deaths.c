// SPDX-License-Identifier: BSD-2-Clause
/* Processes that a signal ends: whose is it? */
#include "lives.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define GROUP	3
#define NAP	(50 * MS)

static void no_core_file(void)
{
	must(prctl(PR_SET_DUMPABLE, 0), "prctl");
}

static const char *death_path(const struct life *l, const char *key)
{
	return truth_path("lifecycle.deaths[pid=%d].%s", l->pid, key);
}

static void expect_death(const struct life *l, const char *how, int sig)
{
	truth_equals(death_path(l, "how"), how, "what was done to it");
	truth_number(death_path(l, "signal"), sig, "what was done to it");
	expect_between(truth_path("processes[pid=%d].start_ns", l->pid), death_path(l, "at_ns"),
		       (struct bounds){ l->born_from, l->born_to },
		       (struct bounds){ l->last, l->dead_by },
		       "from before and after fork() to its last look at the clock, and to its "
		       "end; 1 ms");
}

static void expect_deaths(int n, bool is_accident)
{
	truth_number("lifecycle.deaths", n, "so many ended by a signal");
	truth_finding(is_accident ? "lifecycle.crash" : "lifecycle.killed", true, "it ended so");
	truth_finding(is_accident ? "lifecycle.killed" : "lifecycle.crash", false,
		      "nothing else happened");
}

/* One child, of which the body ends by a signal of its own making. */
static struct life *see_end(void (*body)(struct life *))
{
	struct life *l = shared_memory(sizeof(*l));

	bear(l, body);
	reap_life(l);
	return l;
}

static void *nap(void *unused)
{
	sleep_ns(10 * SEC);
	return unused;
}

static void *crash(void *arg)
{
	struct life *l = arg;
	volatile int *volatile nowhere = NULL;

	name_thread("lives-crash");
	sleep_ns(NAP);
	l->last = clock_ns(CLOCK_MONOTONIC);
	*nowhere = 1;
	return NULL;
}

static void crash_in_thread(struct life *l)
{
	no_core_file();
	for (int i = 2; i < THREADS; i++)
		start_thread(nap, NULL);
	start_thread(crash, l);
	nap(NULL);
}

static void run_crash(void)
{
	struct life *l = see_end(crash_in_thread);

	expect_death(l, "crash", SIGSEGV);
	truth_number(death_path(l, "threads"), THREADS, "all of its threads");
	expect_deaths(1, true);
}

static void wait_for_end(struct life *l)
{
	(void)l;
	nap(NULL);
}

static void kill_and_reap(struct life *l, int sig)
{
	l->last = clock_ns(CLOCK_MONOTONIC);
	must(kill(l->pid, sig), "kill");
	reap_life(l);
}

static void kill_group(struct life *all)
{
	int64_t before;

	for (int i = 0; i < GROUP; i++) {
		bear(&all[i], wait_for_end);
		must(setpgid(all[i].pid, all[0].pid), "setpgid");
	}
	sleep_ns(NAP);
	before = clock_ns(CLOCK_MONOTONIC);
	must(kill(-all[0].pid, SIGKILL), "kill");
	for (int i = 0; i < GROUP; i++) {
		all[i].last = before;
		reap_life(&all[i]);
	}
}

static void run_killed(void)
{
	struct life *all = shared_memory((1 + GROUP) * sizeof(*all));

	bear(&all[0], wait_for_end);
	sleep_ns(NAP);
	kill_and_reap(&all[0], SIGTERM);
	kill_group(&all[1]);
	for (int i = 0; i <= GROUP; i++) {
		expect_death(&all[i], "process", i ? SIGKILL : SIGTERM);
		truth_number(death_path(&all[i], "by_pid"), getpid(), "its parent did it");
	}
	expect_deaths(1 + GROUP, false);
}

/* Signals that end nothing come first: handled, ignored, blocked, harmless. */
static void survive_some(struct life *l)
{
	sigset_t set;

	must(sigemptyset(&set), "sigemptyset");
	must(sigaddset(&set, SIGTERM), "sigaddset");
	must(sigprocmask(SIG_BLOCK, &set, NULL), "sigprocmask");
	must(signal(SIGHUP, SIG_IGN) == SIG_ERR ? -1 : 0, "signal");
	must(raise(SIGHUP), "raise");
	must(raise(SIGWINCH), "raise");
	must(raise(SIGCONT), "raise");
	l->heir = 1;
	nap(NULL);
}

static void run_blocked(void)
{
	struct life *l = shared_memory(sizeof(*l));

	bear(l, survive_some);
	while (!*(volatile pid_t *)&l->heir)
		sleep_ns(MS);
	sleep_ns(NAP);
	must(kill(l->pid, SIGTERM), "kill"); /* blocked: it stays pending */
	sleep_ns(NAP);
	kill_and_reap(l, SIGKILL);
	expect_death(l, "process", SIGKILL);
	truth_number(death_path(l, "by_pid"), getpid(), "its parent did it");
	expect_deaths(1, false);
}

static void write_to_nobody(struct life *l)
{
	int ends[2];

	must(pipe(ends), "pipe");
	must(close(ends[0]), "close");
	must(signal(SIGPIPE, SIG_DFL) == SIG_ERR ? -1 : 0, "signal");
	l->last = clock_ns(CLOCK_MONOTONIC);
	must(write(ends[1], "x", 1), "write");
}

static void run_pipe(void)
{
	expect_death(see_end(write_to_nobody), "pipe", SIGPIPE);
	expect_deaths(1, false);
}

static void give_up(struct life *l)
{
	no_core_file();
	l->last = clock_ns(CLOCK_MONOTONIC);
	abort();
}

static void run_abort(void)
{
	expect_death(see_end(give_up), "itself", SIGABRT);
	expect_deaths(1, true);
}

static void wait_for_alarm(struct life *l)
{
	struct itimerval soon = { .it_value.tv_usec = NAP / US };

	must(signal(SIGALRM, SIG_DFL) == SIG_ERR ? -1 : 0, "signal");
	l->last = clock_ns(CLOCK_MONOTONIC) + NAP;
	must(setitimer(ITIMER_REAL, &soon, NULL), "setitimer");
	nap(NULL);
}

static void run_alarm(void)
{
	expect_death(see_end(wait_for_alarm), "kernel", SIGALRM);
	expect_deaths(1, false);
}

static void die_with_parent(struct life *l)
{
	must(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
	l->heir = 1;
	nap(NULL);
}

static void leave_child(struct life *l)
{
	bear(l + 1, die_with_parent);
	while (!*(volatile pid_t *)&l[1].heir)
		sleep_ns(MS);
	sleep_ns(NAP);
}

static void run_pdeathsig(void)
{
	struct life *all = shared_memory(2 * sizeof(*all));
	int pidfd;

	must(prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");
	bear(&all[0], leave_child);
	while (!*(volatile pid_t *)&all[1].pid)
		sleep_ns(MS);
	pidfd = open_pidfd(all[1].pid);
	reap_life(&all[0]);
	see_death(&all[1], pidfd);
	must(waitpid(all[1].pid, NULL, 0), "waitpid");
	all[1].last = all[0].last;
	expect_death(&all[1], "parent-death", SIGKILL);
	expect_deaths(1, false);
}

const struct mode death_modes[] = {
	{ "crash", run_crash },		{ "killed", run_killed }, { "blocked", run_blocked },
	{ "pipe", run_pipe },		{ "abort", run_abort },	  { "alarm", run_alarm },
	{ "pdeathsig", run_pdeathsig }, { NULL, NULL },
};
