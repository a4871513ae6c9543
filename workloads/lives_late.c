// SPDX-License-Identifier: BSD-2-Clause
/* Zombies: children that die, and that nobody waits for at first. */
#include "lives.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define FEW    5
#define CROWD  50
#define STORM  2000
#define LEFT   100
#define FORKED (50 * MS) /* from the release of the children to the first death */

static struct brood *let_die(int n, int64_t gap)
{
	struct brood *b = brood_new(n);

	brood_bear(b, NULL);
	brood_release(b, FORKED, gap);
	sleep_ns(FORKED + LATE);
	brood_seen(b);
	return b;
}

static void run_late(void)
{
	struct brood *b = let_die(FEW, 0);

	brood_reap_all(b, -1, FEW);
	expect_all_zombies(b, "timer.sleep");
	for (int i = 0; i < FEW; i++)
		expect_reaper(&b->life[i], getpid());
}

static void run_never(void)
{
	struct brood *b = let_die(FEW, 0);

	expect_all_zombies(b, "timer.sleep");
	for (int i = 0; i < FEW; i++)
		truth_expect((struct expectation){
			.path = "wall_ns",
			.minus = truth_path("lifecycle.zombies[pid=%d].to_ns", b->life[i].pid),
			.in = { 0, SLACK },
			.why = "to the end of its parent, which is the command; 1 ms",
		});
}

static void run_reverse(void)
{
	struct brood *b = let_die(CROWD, 0);

	for (int i = CROWD; i--;) {
		brood_reap(b, b->life[i].pid, 0);
		sleep_ns(2 * MS);
	}
	expect_all_zombies(b, "timer.sleep");
}

/* In the order of the kernel. */
static void run_many(void)
{
	struct brood *b = let_die(CROWD, 0);

	for (int i = 0; i < CROWD; i++) {
		brood_reap(b, -1, 0);
		burn(2000);
	}
	expect_all_zombies(b, "timer.sleep");
}

/* They die in the order of their creation, 3 ms apart. */
static void run_one_by_one(void)
{
	struct brood *b = let_die(FEW, 3 * MS);

	for (int i = 0; i < FEW; i++) {
		brood_reap(b, -1, WNOHANG);
		sleep_ns(5 * MS);
	}
	expect_all_zombies(b, "timer.sleep");
}

/* The parent computes meanwhile. */
static void run_computing(void)
{
	struct brood *b = brood_new(FEW);

	brood_bear(b, NULL);
	brood_release(b, FORKED, 0);
	while (clock_ns(CLOCK_MONOTONIC) < b->die_at + LATE)
		burn(1000);
	brood_seen(b);
	brood_reap_all(b, -1, FEW);
	expect_all_zombies(b, "running");
}

/* It sleeps again and again, and not for long. */
static void run_naps(void)
{
	struct brood *b = brood_new(FEW);

	brood_bear(b, NULL);
	brood_release(b, FORKED, 0);
	while (clock_ns(CLOCK_MONOTONIC) < b->die_at + LATE)
		sleep_ns(5 * MS);
	brood_seen(b);
	brood_reap_all(b, -1, FEW);
	expect_all_zombies(b, NULL);
}

static void *last_thread(void *arg)
{
	sleep_ns(200 * MS);
	die(arg);
}

/* Its first thread ends, and a second one lives on: no zombie up to then. */
static void leader_ends(struct life *l)
{
	start_thread(last_thread, l);
	pthread_exit(NULL);
}

static void run_leader_late(void)
{
	struct brood *b = brood_new(1);

	brood_bear(b, leader_ends);
	brood_release(b, FORKED, 0);
	sleep_ns(FORKED + 200 * MS + LATE);
	brood_seen(b);
	brood_reap_all(b, -1, 1);
	expect_all_zombies(b, "timer.sleep");
}

static void nothing(struct life *unused)
{
	(void)unused;
}

static void run_storm(void)
{
	struct life *all = shared_memory(STORM * sizeof(*all));
	struct brood *b = brood_new(LEFT);
	int slow = 0;

	for (int i = 0; i < STORM; i++) {
		bear(&all[i], nothing);
		reap_life(&all[i]);
		slow += all[i].reap_to - all[i].last > 9 * MS;
	}
	brood_bear(b, NULL);
	brood_release(b, FORKED, 0);
	sleep_ns(FORKED + 50 * MS);
	brood_seen(b);
	brood_reap_all(b, -1, LEFT);
	truth_expect((struct expectation){
		.path = "lifecycle.reaping.count",
		.in = { STORM - slow, STORM },
		.why = "reaped at once; by its own clocks some may have lain for 10 ms",
	});
	truth_expect((struct expectation){
		.path = "lifecycle.zombies",
		.in = { LEFT, LEFT + slow },
		.why = "left dead for 50 ms; of the others some may have lain for 10 ms",
	});
	for (int i = 0; i < LEFT; i++)
		expect_zombie(&b->life[i], NULL);
	truth_number("lifecycle.orphans", 0, "each was reaped by its parent");
	truth_number("totals.processes", STORM + LEFT + 1, "all of them, and main()");
}

const struct mode late_modes[] = {
	{ "late", run_late },
	{ "never", run_never },
	{ "many", run_many },
	{ "reverse", run_reverse },
	{ "one-by-one", run_one_by_one },
	{ "computing", run_computing },
	{ "naps", run_naps },
	{ "leader-late", run_leader_late },
	{ "storm", run_storm },
	{ NULL, NULL },
};
