// SPDX-License-Identifier: BSD-2-Clause
/*
 * targets MODE [ROUNDS]: a thread waits for one thing again and again, and a partner keeps it
 * waiting for milliseconds each time. Without MODE: lists them.
 */
#include "targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAITER "waiter"
#define LATER  3 /* of two objects the second one is so much slower */

struct object objects[2];

static const struct target *const tables[] = { file_targets,   event_targets, socket_targets,
					       mapped_targets, async_targets, told_targets };
#define TABLES (sizeof(tables) / sizeof(tables[0]))

static const struct target *target;
static long rounds = 150;

int64_t pause_ns(long n)
{
	int64_t x = (uint32_t)n * 2654435761u >> 22; /* below 1024 */

	return MS + 3 * MS * x * x / (1024 * 1024);
}

static struct object *object_of(long i)
{
	return &objects[target->replaced ? i % 2 : 0];
}

static int n_objects(void)
{
	return target->replaced ? 2 : 1;
}

/* --- what is done ----------------------------------------------------------------------- */

/* By sleeping alone, so that it never waits for the waiter. */
static void let_all(struct record *unused, int party)
{
	long n = rounds * (target->shared ? 2 : 1);

	(void)unused, (void)party;
	for (long i = 0; i < n; i++) {
		struct object *o = object_of(i);

		sleep_ns(pause_ns(i) * (o == &objects[0] ? 1 : LATER));
		target->let(o, i);
	}
}

static void wait_all(struct record *unused, int party)
{
	(void)unused;
	for (long i = 0; i < rounds; i++) {
		struct object *o = object_of(i);

		if (target->before)
			target->before(o, i);
		call_begins();
		target->wait(o, i);
		call_ends(o->record, party);
		if (target->after)
			target->after(o, i);
	}
}

static void wait_in_main(void)
{
	name_thread(WAITER);
	for (int i = 0; i < n_objects(); i++)
		record_enter(objects[i].record);
	wait_all(NULL, 0);
}

static void wait_in_two(void)
{
	struct record *r = objects[0].record;
	struct actor waiters[] = {
		{ .comm = WAITER "-0", .body = wait_all, .record = r },
		{ .comm = WAITER "-1", .body = wait_all, .record = r },
	};

	for (int i = 0; i < 2; i++) {
		actor_start(&waiters[i]);
		/* In the order of their names. */
		while (__atomic_load_n(&r->parties, __ATOMIC_SEQ_CST) <= i)
			sleep_ns(100 * US);
	}
	for (int i = 0; i < 2; i++)
		actor_end(&waiters[i]);
}

static const char *run(void)
{
	struct actor partner = { .comm = "partner", .body = let_all };
	const char *reason;

	for (int i = 0; i < n_objects(); i++) {
		objects[i].record = record_new();
		objects[i].size = target->size;
	}
	reason = target->make();
	if (reason)
		return reason;
	if (target->let)
		actor_start(&partner);
	if (target->shared)
		wait_in_two();
	else
		wait_in_main();
	if (target->let)
		actor_end(&partner);
	if (target->end)
		target->end();
	return NULL;
}

/* --- what is expected ------------------------------------------------------------------- */

static const char *waiter_name(int party)
{
	return target->shared ? truth_path(WAITER "-%d", party) : WAITER;
}

static void expect_count(const char *path, int64_t count)
{
	int64_t slack = count > 200 ? count / 100 : 2;

	truth_expect((struct expectation){
		.path = path,
		.in = { count - slack, count + slack },
		.why = "growth of ru_nvcsw over the operations; 1 % or 2",
	});
}

/* What was stolen from the waiters looks to their own clocks as if they waited. */
static void expect_ns(const char *path, struct bounds ns, int64_t slack)
{
	const char *why = "the waiter's own clocks over the operations that slept, less CPU time "
			  "and run-queue delay; 2 % or 20 us a wait";
	const char *stolen = thread_path(waiter_name(0), "cpu.stolen_ns");

	truth_expect((struct expectation){ .path = path, .in = { 0, ns.max + slack }, .why = why });
	truth_expect((struct expectation){
		.path = path,
		.plus = { stolen,
			  target->shared ? thread_path(waiter_name(1), "cpu.stolen_ns") : NULL },
		.in = { ns.min - slack, MANY },
		.why = why,
	});
}

static void expect_sum(const char *path, int64_t ns, int64_t count)
{
	expect_ns(path, (struct bounds){ ns, ns }, tolerance(ns, count));
}

static const char *const keys[] = { "path", "local", "peer" };

static const char *row_of(const struct object *o)
{
	if (target->by == BY_KIND)
		return truth_path("io[kind=%s]", target->kind);
	/* Without a name, only the time of its waits tells it from the other one. */
	if (target->by == BY_ORDER)
		return truth_path("io[%d]", o == &objects[0] ? 1 : 0);
	return truth_path("io[%s=\"%s\"]", keys[target->by], o->text[target->by]);
}

/* The clock may have found it in a call on a file that it maps: a row without waits. */
static const char *waits_row_of(const struct object *o)
{
	if (!target->mapped)
		return row_of(o);
	return truth_path("io[%s=\"%s\" and cause=\"%s\"]", keys[target->by], o->text[target->by],
			  target->cause);
}

static void expect_identity(const struct object *o, const char *row)
{
	truth_equals(truth_path("%s.kind", row), target->kind, "the thing that it made");
	truth_equals(truth_path("%s.cause", row), target->cause, "what waiting for it is");
	for (int i = 0; i < TEXTS; i++)
		if (*o->text[i])
			truth_equals(truth_path("%s.%s", row, keys[i]), o->text[i],
				     "by getsockname(), or the name that it opened");
	truth_number(truth_path("%s.pids", row), 1, "one process waits");
	truth_number(truth_path("%s.pids[0]", row), getpid(), "the waiter's process");
}

static void expect_descriptors(const struct object *o, const char *row)
{
	if (target->many)
		truth_expect((struct expectation){
			.path = truth_path("%s.descriptors", row),
			.in = { o->record->waits, MANY },
			.why = "a connection for each operation, and those that slept are known",
		});
	else
		truth_number(truth_path("%s.descriptors", row), 1, "one thing is waited for");
	if (target->reopened)
		truth_expect((struct expectation){
			.path = truth_path("%s.fds", row),
			.in = { 2, MANY },
			.why = "it has another number for each operation",
		});
	else if (target->mapped)
		truth_number(truth_path("%s.fds", row), 0, "it is closed when it is waited for");
	else if (!target->many)
		truth_number(truth_path("%s.fds[0]", row), o->fd, "the waiter's descriptor");
}

static void expect_object(const struct object *o)
{
	struct tally t = tally_of(o->record, NOBODY);
	char row[192];

	snprintf(row, sizeof(row), "%s", waits_row_of(o));
	expect_identity(o, row);
	expect_descriptors(o, row);
	expect_count(truth_path("%s.waits", row), t.count);
	expect_sum(truth_path("%s.wait_ns", row), t.ns, t.count);
	expect_ns(truth_path("%s.max_wait_ns", row), t.longest, tolerance(t.longest.max, 1));
	expect_sum(truth_path("%s.waited_wall_ns", row), waited_wall(o->record), t.count);
	if (target->by != BY_ORDER && !target->mixed)
		truth_expect((struct expectation){
			.path = truth_path("%s*.waits", row_of(o)),
			.minus = truth_path("%s.waits", row),
			.in = { 0, 0 },
			.why = "all that is waited for here is in one row",
		});
}

/* The same waits in the waiter's ledger, of all the objects together. */
static void expect_waiter(int party)
{
	int64_t ns = 0, count = 0;
	const char *who, *in = target->blocked ? target->blocked : target->cause;

	for (int i = 0; i < n_objects(); i++) {
		struct tally t = tally_of(objects[i].record, party);

		ns += t.ns;
		count += t.count;
	}
	who = waiter_name(party);
	expect_count(blocked_path(who, in, "count"), count);
	expect_sum(blocked_path(who, in, "ns"), ns, count);
}

static void expect_all(struct account from)
{
	if (!target->shared)
		truth_thread(WAITER, from, account_now());
	for (int i = 0; i < (target->shared ? 2 : 1); i++)
		expect_waiter(i);
	for (int i = 0; i < n_objects(); i++)
		expect_object(&objects[i]);
}

/* --- modes ------------------------------------------------------------------------------ */

static const struct target *find_target(const char *name)
{
	for (size_t i = 0; i < TABLES; i++)
		for (const struct target *t = tables[i]; t->name; t++)
			if (!strcmp(t->name, name))
				return t;
	return NULL;
}

static int list_targets(void)
{
	for (size_t i = 0; i < TABLES; i++)
		for (const struct target *t = tables[i]; t->name; t++)
			puts(t->name);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct account from = account_now();
	const char *reason;

	if (argc < 2)
		return list_targets();
	target = find_target(argv[1]);
	if (!target) {
		fprintf(stderr, "targets: no mode '%s'; without one it lists them\n", argv[1]);
		return EXIT_FAILURE;
	}
	if (argc > 2)
		rounds = (long)number_arg(argv[2], 2, LOG / 2);
	truth_begin(truth_path("targets %s", target->name));
	reason = run();
	remove_names();
	if (reason)
		truth_skip(reason);
	else
		expect_all(from);
	return truth_end();
}
