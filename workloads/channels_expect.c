// SPDX-License-Identifier: BSD-2-Clause
/* From what the ends of a channel wrote down to what the report is to say of it. */
#include "channels.h"

#include <stdio.h>

#define FEW 2 /* waits that may have been for something else: the kernel's own locks */

static struct tally tally_of_all(const struct flow *flows, int n)
{
	struct tally sum = { 0 };

	for (int i = 0; i < n; i++) {
		struct tally t = tally_of(flows[i].record, NOBODY);

		sum.count += t.count;
		sum.ns += t.ns;
		if (t.longest.min > sum.longest.min)
			sum.longest.min = t.longest.min;
		if (t.longest.max > sum.longest.max)
			sum.longest.max = t.longest.max;
	}
	return sum;
}

static void expect_count(const char *path, int64_t count)
{
	int64_t slack = count > 100 * FEW ? count / 100 : FEW;

	truth_expect((struct expectation){
		.path = path,
		.in = { count > slack ? count - slack : 0, count + slack },
		.zero_if_absent = count <= slack,
		.why = "growth of ru_nvcsw over the calls; 1 % or 2",
	});
}

/* What was stolen from the waiters looks to their own clocks as if they waited. */
static void expect_ns(const char *path, struct bounds ns, int64_t slack, const struct flow *flows,
		      int n)
{
	const char *why = "the waiter's own clocks over the calls that slept, less CPU time and "
			  "run-queue delay; 2 % or 20 us a wait";
	struct expectation least = {
		.path = path,
		.in = { ns.min - slack, MANY },
		.why = why,
	};

	for (int i = 0, plus = 0; i < n && plus < 5; i++)
		if (!i || flows[i].waiter != flows[i - 1].waiter)
			least.plus[plus++] =
				truth_path("threads[tid=%d].cpu.stolen_ns", flows[i].waiter->tid);
	truth_expect((struct expectation){ .path = path, .in = { 0, ns.max + slack }, .why = why });
	truth_expect(least);
}

static void expect_waits(const char *row, const struct tally *t, const struct flow *flows, int n)
{
	expect_count(truth_path("%s.waits", row), t->count);
	expect_ns(truth_path("%s.wait_ns", row), (struct bounds){ t->ns, t->ns },
		  tolerance(t->ns, t->count), flows, n);
}

static void expect_flow(const struct flow *f)
{
	struct tally t = tally_of(f->record, NOBODY);
	char row[256];

	if (t.count <= FEW)
		return;
	snprintf(row, sizeof(row),
		 "channels[%s].flows[waiter.comm=\"%s\" and for.comm=\"%s\" and side=\"%s\"]",
		 f->which, f->waiter->comm, f->source->comm, f->side);
	truth_number(truth_path("%s.waiter.pid", row), f->waiter->pid, "who waited");
	truth_number(truth_path("%s.for.pid", row), f->source->pid, "whom it waited for");
	expect_waits(row, &t, f, 1);
}

void expect_end(const struct flow *flows, int n)
{
	struct tally t = tally_of_all(flows, n);
	char end[192], side[256];

	snprintf(end, sizeof(end), "channels[%s].ends[comm=\"%s\"]", flows->which,
		 flows->waiter->comm);
	snprintf(side, sizeof(side), "%s.%s", end, flows->side);
	if (!t.count)
		truth_absent(truth_path("%s.waits", side), "it never waited there");
	if (t.count <= FEW)
		return;
	truth_equals(truth_path("channels[%s].kind", flows->which), flows->kind,
		     "the channel that it made");
	truth_number(truth_path("%s.pid", end), flows->waiter->pid, "the process that waited");
	expect_waits(side, &t, flows, n);
	expect_ns(truth_path("%s.max_wait_ns", side), t.longest, tolerance(t.longest.max, 1), flows,
		  n);
	for (int i = 0; i < n; i++)
		expect_flow(&flows[i]);
}

/* With --calls: each side made so many calls. */
void expect_messages(const struct flow *f, int n)
{
	truth_number(truth_path("channels[%s].messages.reads", f->which), n, "calls that took one");
	truth_number(truth_path("channels[%s].messages.writes", f->which), n,
		     "calls that gave one");
}

void expect_called(const struct flow *f, const char *name)
{
	if (name && tally_of(f->record, NOBODY).count > FEW)
		truth_equals(truth_path("channels[%s].name", f->which), name, "what it is called");
}

/* That a thread of one process waits for another's mutex now and then is no part of it. */
void expect_cause(const struct flow *flows, int n)
{
	struct tally t = tally_of_all(flows, n);
	const char *row;

	if (!flows->cause || t.count <= FEW)
		return;
	row = truth_path("threads[tid=%d].blocked[\"%s\"]", flows->waiter->tid, flows->cause);
	expect_count(truth_path("%s.count", row), t.count);
	expect_ns(truth_path("%s.ns", row), (struct bounds){ t.ns, t.ns }, tolerance(t.ns, t.count),
		  flows, n);
}

static void expect_in_io(const struct flow *flows, int n)
{
	struct tally t = tally_of_all(flows, n);

	if (t.count > FEW)
		expect_waits(truth_path("io[pids=\"%d\" and cause=\"%s\"]*", flows->waiter->pid,
					flows->cause),
			     &t, flows, n);
}

static void expect_in_locks(const struct flow *f)
{
	struct tally t = tally_of(f->record, NOBODY);

	if (t.count <= FEW)
		return;
	expect_waits(truth_path("locks[waiters.tid=\"%d\" and kind=\"%s\"].waiters[tid=%d]",
				f->waiter->tid, f->kind, f->waiter->tid),
		     &t, f, 1);
}

void expect_list(enum list list, const struct flow *flows, int n)
{
	if (list == IN_IO)
		expect_in_io(flows, n);
	for (int i = 0; i < n && list == IN_LOCKS; i++)
		expect_in_locks(&flows[i]);
}
