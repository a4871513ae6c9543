// SPDX-License-Identifier: BSD-2-Clause
/* Each hands over to the next, and the last one back to the first: actors with a mailbox each, and callbacks. And one
 * that gives work to several, who answer to its mailbox. */
#include "channels.h"

#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <unistd.h>

#define ACTORS 3
#define TURNS  40
#define SLOW   2 /* the actor that takes 6 ms, where the others take 1 */
#define BOSS   ACTORS

struct letter {
	long type;
	int from;
};

/* What an actor has its messages in. */
struct post {
	const char *kind, *cause;
	int (*make)(void);
	void (*send)(int box, int from);
	int (*take)(int box); /* from whom it was */
	void (*remove)(int box);
};

static const struct post *post;
static int boxes[ACTORS + 1]; /* the last one is the boss's */
static struct end *ends;
static struct record *records[ACTORS + 1];
static struct record *answered[ACTORS]; /* the boss's waits, by who ended them */

/* --- what they have their messages in ------------------------------------------------------------- */

static int make_queue(void)
{
	return (int)must(msgget(IPC_PRIVATE, 0600), "msgget");
}

static void send_letter(int box, int from)
{
	struct letter l = { .type = 1, .from = from };

	must(msgsnd(box, &l, sizeof(l) - sizeof(l.type), 0), "msgsnd");
}

static int take_letter(int box)
{
	struct letter l;

	must(msgrcv(box, &l, sizeof(l) - sizeof(l.type), 0, 0), "msgrcv");
	return l.from;
}

static void remove_queue(int box)
{
	hope(msgctl(box, IPC_RMID, NULL), "msgctl");
}

static const struct post queues = {
	"sysv-msg", "ipc.sysv_msg", make_queue, send_letter, take_letter, remove_queue,
};

static int make_counter(void)
{
	return (int)must(eventfd(0, EFD_CLOEXEC), "eventfd");
}

static void add_to_counter(int box, int from)
{
	must(eventfd_write(box, (eventfd_t)from + 1), "eventfd_write");
}

static int take_counter(int box)
{
	eventfd_t value;

	must(eventfd_read(box, &value), "eventfd_read");
	return (int)value - 1;
}

static const struct post counters = {
	"eventfd", "event.eventfd", make_counter, add_to_counter, take_counter, close_end,
};

/* --- what they do --------------------------------------------------------------------------------- */

static void work(int which)
{
	sleep_ns(which == SLOW ? 6 * MS : MS);
}

static void await_message(int which)
{
	call_begins();
	post->take(boxes[which]);
	call_ends(records[which], 0);
}

/* The first one begins, and the last message is to it. */
static void run_actor(void *number)
{
	int which = *(int *)number;

	record_enter(records[which]);
	for (int i = 0; i < TURNS; i++) {
		if (which)
			await_message(which);
		work(which);
		post->send(boxes[(which + 1) % ACTORS], which);
		if (!which)
			await_message(which);
	}
}

static void run_worker(void *number)
{
	int which = *(int *)number;

	record_enter(records[which]);
	for (int i = 0; i < TURNS; i++) {
		await_message(which);
		work(which);
		post->send(boxes[BOSS], which);
	}
}

/* One after the other, so that it is known for whom it waits. */
static void run_boss(void *unused)
{
	(void)unused;
	for (int i = 0; i < ACTORS; i++)
		record_enter(answered[i]);
	for (int i = 0; i < TURNS * ACTORS; i++) {
		int to = i % ACTORS;

		post->send(boxes[to], BOSS);
		call_begins();
		must(post->take(boxes[BOSS]) == to ? 0 : -1, "an answer");
		call_ends(answered[to], 0);
	}
}

/* --- what is expected ----------------------------------------------------------------------------- */

static void expect_actor(int which, int source)
{
	char row[96];
	struct flow f = { &ends[which], &ends[source], post->kind,    "reads",
			  row,		post->cause,   records[which] };

	snprintf(row, sizeof(row), "kind=\"%s\" and flows.waiter.comm=\"%s\"", post->kind,
		 ends[which].comm);
	expect_end(&f, 1);
	expect_cause(&f, 1);
}

static void expect_boss(void)
{
	struct flow flows[ACTORS];
	char row[96];

	snprintf(row, sizeof(row), "kind=\"%s\" and flows.waiter.comm=\"boss\"", post->kind);
	for (int i = 0; i < ACTORS; i++)
		flows[i] = (struct flow){ &ends[BOSS], &ends[i],    post->kind, "reads",
					  row,	       post->cause, answered[i] };
	expect_end(flows, ACTORS);
	expect_cause(flows, ACTORS);
}

static void make_boxes(const struct post *of)
{
	post = of;
	ends = ends_new(ACTORS + 1);
	for (int i = 0; i <= ACTORS; i++) {
		boxes[i] = post->make();
		records[i] = record_new();
	}
	for (int i = 0; i < ACTORS; i++)
		answered[i] = record_new();
}

static void play(void (*body)(void *), bool has_boss)
{
	static int numbers[ACTORS] = { 0, 1, 2 };
	pid_t children[ACTORS + 1];

	for (int i = 0; i < ACTORS; i++)
		children[i] = start_end(&ends[i], truth_path("actor-%d", i), body, &numbers[i]);
	if (has_boss)
		children[BOSS] = start_end(&ends[BOSS], "boss", run_boss, NULL);
	for (int i = 0; i < ACTORS + has_boss; i++)
		reap_child(children[i]);
	for (int i = 0; i <= ACTORS; i++)
		post->remove(boxes[i]);
	truth_number("channels", ACTORS + has_boss, "each has a box of its own");
	truth_equals("findings[rule=pipeline.bottleneck].subject", truth_path("actor-%d", SLOW),
		     "it takes six times as long as any other");
}

static const char *run_ring(const struct post *of)
{
	make_boxes(of);
	play(run_actor, false);
	for (int i = 0; i < ACTORS; i++)
		expect_actor(i, (i + ACTORS - 1) % ACTORS);
	return NULL;
}

static const char *run_actors_ring(void)
{
	return run_ring(&queues);
}

static const char *run_callbacks(void)
{
	return run_ring(&counters);
}

static const char *run_star(void)
{
	make_boxes(&queues);
	play(run_worker, true);
	for (int i = 0; i < ACTORS; i++)
		expect_actor(i, BOSS);
	expect_boss();
	return NULL;
}

const struct mode ring_channels[] = {
	{ "actors-ring", run_actors_ring },
	{ "actors-star", run_star },
	{ "callback-chain", run_callbacks },
	{ 0 },
};
