// SPDX-License-Identifier: BSD-2-Clause
/* Three stages, one after the other, with pipes between them: one of them is slow. */
#include "channels.h"

#include <stdio.h>
#include <unistd.h>

#define PAGES 100
#define QUICK 20 /* steps for a page, of about 1 us each */
#define SLOW  2000

enum stage { PRODUCE, TRANSFORM, CONSUME, STAGES };

static const char *const names[] = { "produce", "transform", "consume" };
static enum stage slow;
static bool sleeps;

static int joint[STAGES - 1][ROLES]; /* each pipe's ends */
static struct end *ends;
static struct record *got[STAGES], *gave[STAGES];
static enum stage self;

static void work(void)
{
	if (self != slow)
		burn(QUICK);
	else if (sleeps)
		sleep_ns(2 * MS);
	else
		burn(SLOW);
}

static void get(void)
{
	call_begins();
	take_page(joint[self - 1][READER]);
	call_ends(got[self], 0);
}

static void give(void)
{
	call_begins();
	put_page(joint[self][WRITER], 'x');
	call_ends(gave[self], 0);
}

/* Of each pipe it keeps no end but its own. */
static void keep_own_joints(void)
{
	for (int i = 0; i < STAGES - 1; i++)
		for (int role = 0; role < ROLES; role++)
			if ((int)self != (role == READER ? i + 1 : i))
				close_end(joint[i][role]);
}

static void run_stage(void *which)
{
	self = *(enum stage *)which;
	keep_own_joints();
	record_enter(got[self]);
	record_enter(gave[self]);
	for (int i = 0; i < PAGES; i++) {
		if (self != PRODUCE)
			get();
		work();
		if (self != CONSUME)
			give();
	}
}

static void expect_side(enum stage waiter, enum stage source, struct record *record)
{
	const char *from = names[waiter], *to = names[source];
	char which[128];
	struct flow f = {
		.waiter = &ends[waiter],
		.source = &ends[source],
		.kind = "pipe",
		.side = waiter > source ? "reads" : "writes",
		.which = which,
		.record = record,
	};

	snprintf(which, sizeof(which),
		 "kind=\"pipe\" and flows.waiter.comm=\"%s\" and flows.for.comm=\"%s\"", from, to);
	expect_end(&f, 1);
}

/* What it waited for on both sides. */
static void expect_stage(enum stage stage)
{
	struct flow flows[ROLES] = {
		{ .waiter = &ends[stage], .cause = "io.pipe", .record = got[stage] },
		{ .waiter = &ends[stage], .cause = "io.pipe", .record = gave[stage] },
	};

	expect_cause(flows, ROLES);
	if (stage != PRODUCE)
		expect_side(stage, stage - 1, got[stage]);
	if (stage != CONSUME)
		expect_side(stage, stage + 1, gave[stage]);
}

static const char *run(enum stage which, bool by_sleeping)
{
	static enum stage stages[] = { PRODUCE, TRANSFORM, CONSUME };
	pid_t children[STAGES];

	slow = which;
	sleeps = by_sleeping;
	ends = ends_new(STAGES);
	for (int i = 0; i < STAGES - 1; i++)
		small_pipe(joint[i]);
	for (int i = 0; i < STAGES; i++) {
		got[i] = record_new();
		gave[i] = record_new();
	}
	for (int i = 0; i < STAGES; i++)
		children[i] = start_end(&ends[i], names[i], run_stage, &stages[i]);
	for (int i = 0; i < STAGES - 1; i++)
		for (int role = 0; role < ROLES; role++)
			close_end(joint[i][role]);
	for (int i = 0; i < STAGES; i++)
		reap_child(children[i]);
	for (int i = 0; i < STAGES; i++)
		expect_stage(i);
	truth_equals("findings[rule=pipeline.bottleneck].subject", names[slow],
		     "the stage that takes a hundred times as long for a page");
	return NULL;
}

static const char *produce_computes(void)
{
	return run(PRODUCE, false);
}

static const char *transform_computes(void)
{
	return run(TRANSFORM, false);
}

static const char *consume_computes(void)
{
	return run(CONSUME, false);
}

static const char *produce_sleeps(void)
{
	return run(PRODUCE, true);
}

static const char *transform_sleeps(void)
{
	return run(TRANSFORM, true);
}

static const char *consume_sleeps(void)
{
	return run(CONSUME, true);
}

const struct mode pipeline_channels[] = {
	{ "pipeline-produce-computes", produce_computes },
	{ "pipeline-transform-computes", transform_computes },
	{ "pipeline-consume-computes", consume_computes },
	{ "pipeline-produce-sleeps", produce_sleeps },
	{ "pipeline-transform-sleeps", transform_sleeps },
	{ "pipeline-consume-sleeps", consume_sleeps },
	{ 0 },
};
