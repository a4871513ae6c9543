// SPDX-License-Identifier: BSD-2-Clause
/* Zombies, and the ways to wait: which of several is it that a call reaps? */
#include "lives.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define HALF   5
#define FORKED (50 * MS)

#define ID_PIDFD ((idtype_t)3) /* P_PIDFD, which older headers do not have */

static struct brood *bear_two_groups(void)
{
	struct brood *b = brood_new(2 * HALF);

	brood_bear(b, NULL);
	for (int i = 0; i < 2 * HALF; i++)
		must(setpgid(b->life[i].pid, b->life[i % 2].pid), "setpgid");
	return b;
}

static struct brood *two(void)
{
	struct brood *b = brood_new(2);

	brood_bear(b, NULL);
	return b;
}

/* The second group first; those of the two were born by turns. */
static void run_group(void)
{
	struct brood *b = bear_two_groups();

	brood_release(b, FORKED, 0);
	sleep_ns(FORKED + LATE);
	brood_seen(b);
	for (int i = 2 * HALF; i--;) {
		brood_reap(b, -b->life[i >= HALF].pid, 0);
		sleep_ns(2 * MS);
	}
	expect_all_zombies(b, "timer.sleep");
}

/* The first is dead while its parent waits for the second: that one it reaps at once. */
static void wait_beside(struct brood *b, pid_t who)
{
	brood_release(b, FORKED, 200 * MS);
	brood_reap(b, who, 0);
	brood_seen(b);
	brood_reap(b, b->life[0].pid, 0);
	expect_zombie(&b->life[0], "child.wait");
	truth_number("lifecycle.zombies", 1, "the other one was waited for");
	truth_number("lifecycle.reaping.count", 1, "the other one was waited for");
}

static void run_beside_pid(void)
{
	struct brood *b = two();

	wait_beside(b, b->life[1].pid);
}

static void run_beside_group(void)
{
	struct brood *b = two();

	must(setpgid(b->life[0].pid, 0), "setpgid");
	must(setpgid(b->life[1].pid, 0), "setpgid");
	wait_beside(b, -b->life[1].pid);
}

static void look_with(idtype_t type, id_t id, int options)
{
	siginfo_t info;

	must(waitid(type, id, &info, options), "waitid");
}

static void look_for_stopped(idtype_t type, id_t id)
{
	siginfo_t info;
	int result = waitid(type, id, &info, WSTOPPED | WNOHANG);

	must(result == -1 && errno == ECHILD ? 0 : -1, "waitid, WSTOPPED");
}

static void run_waitid(void)
{
	struct brood *b = two();

	brood_release(b, FORKED, 0);
	sleep_ns(FORKED + 100 * MS);
	brood_seen(b);
	/* A look does not reap; nor does a wait for those that stop. */
	look_with(P_ALL, 0, WEXITED | WNOWAIT);
	look_with(P_PID, (id_t)b->life[1].pid, WEXITED | WNOWAIT);
	look_for_stopped(P_ALL, 0);
	look_for_stopped(P_PID, b->life[1].pid);
	sleep_ns(LATE);
	for (int i = 2; i--;) {
		struct life *l = &b->life[i];

		l->reap_from = clock_ns(CLOCK_MONOTONIC);
		look_with(ID_PIDFD, (id_t)b->pidfd[i], WEXITED);
		l->reap_to = clock_ns(CLOCK_MONOTONIC);
		sleep_ns(10 * MS);
	}
	expect_all_zombies(b, "timer.sleep");
}

/* Blocked in a look; reaped much later. */
static void run_look(void)
{
	struct brood *b = brood_new(1);

	brood_bear(b, NULL);
	brood_release(b, FORKED, 0);
	look_with(P_ALL, 0, WEXITED | WNOWAIT);
	brood_seen(b);
	sleep_ns(LATE);
	brood_reap(b, -1, 0);
	expect_all_zombies(b, "timer.sleep");
}

static void *reap_half(void *arg)
{
	struct brood *b = arg;

	name_thread("lives-reaper");
	brood_reap_all(b, -1, HALF);
	sleep_ns(5 * MS);
	for (int i = HALF; i < 2 * HALF; i++) {
		brood_reap(b, b->life[i].pid, 0);
		sleep_ns(2 * MS);
	}
	return NULL;
}

/* Not the thread that created them. */
static void run_thread(void)
{
	struct brood *b = brood_new(2 * HALF);

	brood_bear(b, NULL);
	brood_release(b, FORKED, 0);
	sleep_ns(FORKED + LATE);
	brood_seen(b);
	join_thread(start_thread(reap_half, b));
	expect_all_zombies(b, "timer.sleep");
	for (int i = 0; i < b->n; i++)
		expect_reaper(&b->life[i], getpid());
}

static void *reap_one(void *arg)
{
	brood_reap(arg, -1, 0);
	return NULL;
}

/* It is blocked in the wait when they die. */
static void run_thread_waits(void)
{
	struct brood *b = two();

	brood_release(b, FORKED, 30 * MS);
	join_thread(start_thread(reap_one, b));
	join_thread(start_thread(reap_one, b));
	brood_seen(b);
	expect_no_zombies("a thread was blocked in waitpid() for them");
	truth_number("lifecycle.reaping.count", 2, "each by a thread");
}

static void nap(struct life *unused)
{
	(void)unused;
	sleep_ns(20 * MS);
}

static void nothing(struct life *unused)
{
	(void)unused;
}

static void neglect(struct life *l)
{
	struct life *child = l + 1;

	bear(child, nothing);
	see_death(child, open_pidfd(child->pid));
	sleep_ns(LATE);
	child->reap_from = clock_ns(CLOCK_MONOTONIC);
	must(waitpid(child->pid, NULL, 0), "waitpid");
	child->reap_to = clock_ns(CLOCK_MONOTONIC);
}

/* A wait for another's child fails, and reaps nothing. */
static void run_not_mine(void)
{
	struct life *all = shared_memory(2 * sizeof(*all));

	bear(&all[0], neglect);
	sleep_ns(LATE / 2);
	must(waitpid(all[1].pid, NULL, 0) == -1 && errno == ECHILD ? 0 : -1, "waitpid");
	reap_life(&all[0]);
	expect_zombie(&all[1], NULL);
	expect_reaper(&all[1], all[0].pid);
	truth_number("lifecycle.zombies", 1, "the grandchild");
}

static void wait_and_end(struct life *l)
{
	bear(l + 1, nap);
	must(waitpid(l[1].pid, NULL, 0), "waitpid");
}

/* To wait is the last that it does. */
static void run_last_act(void)
{
	struct life *all = shared_memory(2 * HALF * sizeof(*all));

	for (int i = 0; i < 2 * HALF; i += 2) {
		bear(&all[i], wait_and_end);
		reap_life(&all[i]);
	}
	expect_no_zombies("all were waited for");
	truth_number("lifecycle.reaping.count", 2 * HALF, "all were waited for");
	for (int i = 1; i < 2 * HALF; i += 2)
		expect_reaper(&all[i], all[i - 1].pid);
}

static void wait_for_ever(struct life *unused)
{
	(void)unused;
	sleep_ns(10 * SEC);
}

/* The younger is waited for; the elder dies right after that, and is reaped too. */
static void run_closely(void)
{
	struct life *all = shared_memory(2 * HALF * sizeof(*all));

	for (struct life *l = all; l < all + 2 * HALF; l += 2) {
		bear(&l[0], wait_for_ever);
		bear(&l[1], nap);
		must(waitpid(-1, NULL, 0) == l[1].pid ? 0 : -1, "waitpid");
		must(kill(l[0].pid, SIGKILL), "kill");
		sleep_ns(50 * MS);
		must(waitpid(l[0].pid, NULL, 0), "waitpid");
	}
	truth_number("lifecycle.reaping.count", HALF, "the younger ones were waited for");
	truth_number("lifecycle.zombies", HALF, "the elder lay for 50 ms each");
	for (int i = 0; i < 2 * HALF; i++)
		expect_reaper(&all[i], getpid());
	for (int i = 0; i < 2 * HALF; i += 2)
		truth_number(truth_path("lifecycle.zombies[pid=%d].reaped", all[i].pid), 1,
			     "the elder lay for 50 ms each");
}

const struct mode wait_modes[] = {
	{ "group", run_group },
	{ "beside-pid", run_beside_pid },
	{ "beside-group", run_beside_group },
	{ "waitid", run_waitid },
	{ "look", run_look },
	{ "thread", run_thread },
	{ "thread-waits", run_thread_waits },
	{ "not-mine", run_not_mine },
	{ "closely", run_closely },
	{ "last-act", run_last_act },
	{ NULL, NULL },
};
