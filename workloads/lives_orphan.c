// SPDX-License-Identifier: BSD-2-Clause
/* Those who outlive their parents, and the command. */
#include "lives.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONG (200 * MS)

/* A parent that dies first, and its child. */
struct pair {
	struct life parent, child;
};

static void live_on(struct life *l)
{
	name_thread("lives-orphan");
	sleep_ns(LONG);
	l->heir = getppid();
}

static void fork_and_die(struct life *l)
{
	name_thread("lives-middle");
	bear(&((struct pair *)l)->child, live_on);
}

static struct pair *bear_pair(void (*body)(struct life *))
{
	struct pair *p = shared_memory(sizeof(*p));

	bear(&p->parent, body);
	reap_life(&p->parent);
	return p;
}

static void run_orphan(void)
{
	struct pair *p = bear_pair(fork_and_die);

	see_death(&p->child, open_pidfd(p->child.pid));
	sleep_ns(LONG);
	expect_orphan(&p->parent, &p->child);
	truth_number("lifecycle.orphans", 1, "one outlived its parent");
	truth_number("lifecycle.survivors", 0, "it ended before the command");
	truth_finding("lifecycle.orphans", true, "it lived on for much longer than 10 ms");
	truth_finding("lifecycle.survivors", false, "it ended before the command");
}

static void adopt(void)
{
	must(prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");
}

static void reap_adopted(struct life *l)
{
	l->reap_from = clock_ns(CLOCK_MONOTONIC);
	must(waitpid(-1, NULL, 0) == l->pid ? 0 : -1, "waitpid");
	l->reap_to = clock_ns(CLOCK_MONOTONIC);
}

static void run_subreaper(void)
{
	struct pair *p;

	adopt();
	p = bear_pair(fork_and_die);
	reap_adopted(&p->child);
	p->child.dead_by = p->child.reap_to;
	expect_orphan(&p->parent, &p->child);
	truth_number(truth_path("lifecycle.orphans[pid=%d].adopted_by", p->child.pid), getpid(),
		     "the nearest subreaper");
	expect_no_zombies("who adopted it was blocked in waitpid()");
	expect_reaper(&p->child, getpid());
	truth_number("lifecycle.reaping.count", 2, "the parent, and the orphan");
}

static void run_subreaper_late(void)
{
	struct pair *p;

	adopt();
	p = bear_pair(fork_and_die);
	see_death(&p->child, open_pidfd(p->child.pid));
	sleep_ns(LATE);
	reap_adopted(&p->child);
	expect_orphan(&p->parent, &p->child);
	expect_zombie(&p->child, NULL);
	expect_reaper(&p->child, getpid());
	truth_number("lifecycle.zombies", 1, "who adopted it was late");
}

static void neglect_and_die(struct life *l)
{
	struct pair *p = (struct pair *)l;

	bear(&p->child, live_on);
	see_death(&p->child, open_pidfd(p->child.pid));
	sleep_ns(LONG);
}

/* Dead for long when its parent dies; then another reaps both. */
static void run_inherited(void)
{
	struct pair *p;

	adopt();
	p = bear_pair(neglect_and_die);
	reap_adopted(&p->child);
	p->child.reap_from = p->parent.last;
	expect_zombie(&p->child, NULL);
	expect_reaper(&p->child, getpid());
	truth_number("lifecycle.zombies", 1, "its parent never waited");
	truth_number("lifecycle.orphans", 0, "it was dead before its parent");
}

/* --- a tree, three deep ----------------------------------------------------------- */

#define DEEP 3
#define STEP (40 * MS)

struct tree {
	struct life life[DEEP];	 /* each is the parent of the next */
	int order[DEEP];	 /* when it dies */
	int born[2], started[2]; /* pipes: the last one is there; the watcher is */
	int64_t start;
};

static struct tree *tree;

static void grow(struct life *l)
{
	int level = (int)(l - tree->life);

	if (level + 1 < DEEP)
		bear(l + 1, grow);
	else
		must(write(tree->born[1], "x", 1), "write");
	sleep_until(tree->start + (tree->order[level] + 1) * STEP);
	l->heir = getppid();
}

static void *watch_tree(void *unused)
{
	int fd[DEEP];

	for (int i = 0; i < DEEP; i++)
		fd[i] = open_pidfd(tree->life[i].pid);
	must(write(tree->started[1], "x", 1), "write");
	for (int turn = 0; turn < DEEP; turn++)
		for (int i = 0; i < DEEP; i++)
			if (tree->order[i] == turn)
				see_death(&tree->life[i], fd[i]);
	return unused;
}

/* Who adopts them is always there to reap them. */
static void reap_tree(void)
{
	pthread_t watcher;
	char byte;

	must(read(tree->born[0], &byte, 1), "read");
	watcher = start_thread(watch_tree, NULL);
	must(read(tree->started[0], &byte, 1), "read");
	for (pid_t pid; (pid = waitpid(-1, NULL, 0)) > 0;)
		for (int i = 0; i < DEEP; i++)
			if (tree->life[i].pid == pid)
				tree->life[i].reap_to = clock_ns(CLOCK_MONOTONIC);
	join_thread(watcher);
}

/* Each child outlives its parent, or is its zombie. */
static int expect_tree(void)
{
	int orphans = 0;

	for (int i = 1; i < DEEP; i++) {
		struct life *parent = &tree->life[i - 1], *l = &tree->life[i];

		if (tree->order[i] > tree->order[i - 1]) {
			expect_orphan(parent, l);
			orphans++;
			continue;
		}
		/* Who adopts it then reaps it at once. */
		l->reap_from = parent->last;
		expect_zombie(l, "timer.sleep");
	}
	return orphans;
}

static void run_deep(void)
{
	static const int orders[][DEEP] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					    { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	int n = sizeof(orders) / sizeof(orders[0]), orphans = 0;

	adopt();
	for (int i = 0; i < n; i++) {
		tree = shared_memory(sizeof(*tree));
		memcpy(tree->order, orders[i], sizeof(tree->order));
		must(pipe(tree->born), "pipe");
		must(pipe(tree->started), "pipe");
		tree->start = clock_ns(CLOCK_MONOTONIC) + STEP;
		bear(&tree->life[0], grow);
		reap_tree();
		orphans += expect_tree();
	}
	truth_number("lifecycle.orphans", orphans, "those who died after their parents");
	truth_number("lifecycle.zombies", n * (DEEP - 1) - orphans,
		     "those who died before their parents");
}

/* --- beyond the command's end ----------------------------------------------------- */

static void live_for_a_second(struct life *l)
{
	name_thread("lives-survivor");
	must(setsid(), "setsid");
	l->heir = getpid();
	sleep_ns(SEC);
}

static void run_survivor(void)
{
	struct life *l = shared_memory(sizeof(*l));

	bear(l, live_for_a_second);
	sleep_ns(LONG);
	truth_number("lifecycle.survivors", 1, "it lives on");
	truth_number(truth_path("lifecycle.survivors[pid=%d].pid", l->pid), l->pid, "it lives on");
	truth_expect((struct expectation){
		.path = truth_path("lifecycle.survivors[pid=%d].age_ns", l->pid),
		.in = { clock_ns(CLOCK_MONOTONIC) - l->born_to - SLACK, SEC },
		.why = "from fork() to the end of the command",
	});
	truth_number(truth_path("processes[pid=%d].life.session", l->pid), l->pid, "setsid()");
	truth_number("lifecycle.zombies", 0, "it is alive");
	truth_finding("lifecycle.survivors", true, "it lives on");
	truth_finding("lifecycle.orphans", false, "it is told of as a survivor");
}

const struct mode orphan_modes[] = {
	{ "orphan", run_orphan },
	{ "subreaper", run_subreaper },
	{ "subreaper-late", run_subreaper_late },
	{ "inherited", run_inherited },
	{ "deep", run_deep },
	{ "survivor", run_survivor },
	{ NULL, NULL },
};
