// SPDX-License-Identifier: BSD-2-Clause
/* From the records of threads at a lock to what the report is to say of it. */
#include "locks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EACH (20 * US) /* what a wait's clocks may differ by */

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t tolerance(int64_t ns, int64_t count)
{
	return larger(ns / 50, count * EACH);
}

static int64_t slack_of(const struct row *row, const struct tally *t)
{
	return tolerance(t->ns, t->count) + row->unsure * t->longest.max;
}

static const char *row_path(const struct row *row, const char *rest)
{
	return truth_path("locks[%s].%s", row->which, rest);
}

struct tally tally_of(const struct record *r, int party)
{
	struct tally sum = { 0 };

	for (int i = 0; i < r->waits; i++) {
		const struct wait *w = &r->wait[i];

		if (party != NOBODY && w->party != party)
			continue;
		sum.count += w->count;
		sum.ns += w->ns;
		sum.timeouts += w->timed_out;
		sum.longest.min = larger(sum.longest.min, w->ns / w->count);
		sum.longest.max = larger(sum.longest.max, w->ns);
	}
	return sum;
}

static int by_begin(const void *a, const void *b)
{
	const struct wait *x = a, *y = b;

	return (x->from > y->from) - (x->from < y->from);
}

int64_t waited_wall(const struct record *r)
{
	struct wait *sorted = malloc(sizeof(r->wait));
	int64_t wall = 0, end = 0;

	must(sorted ? 0 : -1, "malloc");
	memcpy(sorted, r->wait, sizeof(r->wait));
	qsort(sorted, (size_t)r->waits, sizeof(sorted[0]), by_begin);
	for (int i = 0; i < r->waits; i++) {
		int64_t to = sorted[i].from + sorted[i].ns;

		wall += larger(to - larger(end, sorted[i].from), 0);
		end = larger(end, to);
	}
	free(sorted);
	return wall;
}

/* who: whose stolen time looks to their own clocks as if they waited. */
static void expect_ns(const char *path, const char *who, struct bounds ns, int64_t slack,
		      const char *why)
{
	truth_expect((struct expectation){
		.path = path,
		.in = { 0, ns.max + slack },
		.zero_if_absent = true,
		.why = why,
	});
	if (ns.min <= slack)
		return;
	truth_expect((struct expectation){
		.path = path,
		.plus = { thread_path(who, "cpu.stolen_ns") },
		.in = { ns.min - slack, MANY },
		.zero_if_absent = true,
		.why = why,
	});
}

static void expect_count(const char *path, int64_t count, int64_t unsure)
{
	truth_expect((struct expectation){
		.path = path,
		.in = { count - count / 50 - unsure, count + count / 50 + unsure },
		.zero_if_absent = true,
		.why = "growth of ru_nvcsw over the calls; 2 %",
	});
}

static void expect_waiters(const struct record *r, const struct row *row)
{
	for (int i = 0; i < r->parties; i++) {
		struct tally t = tally_of(r, i);
		char path[128];

		snprintf(path, sizeof(path), "locks[%s].waiters[tid=%d]", row->which,
			 r->party[i].tid);
		if (t.count <= row->unsure)
			continue;
		expect_count(truth_path("%s.waits", path), t.count, row->unsure);
		expect_ns(truth_path("%s.wait_ns", path), row->who, (struct bounds){ t.ns, t.ns },
			  slack_of(row, &t),
			  "the thread's own clock over the calls that slept; 2 % or 20 us a wait");
	}
}

void expect_row(const struct record *r, const struct row *row)
{
	struct tally all = tally_of(r, NOBODY);
	int64_t slack = slack_of(row, &all);
	int64_t wall = waited_wall(r);

	truth_equals(row_path(row, "kind"), row->kind, "the lock that it made");
	truth_number(row_path(row, "shared"), row->shared, "whether processes share it");
	expect_waiters(r, row);
	if (row->others)
		return;
	expect_count(row_path(row, "waits"), all.count, row->unsure);
	expect_ns(row_path(row, "wait_ns"), row->who, (struct bounds){ all.ns, all.ns }, slack,
		  "the threads' own clocks over the calls that slept, less CPU time and run-queue "
		  "delay; 2 % or 20 us a wait");
	expect_ns(row_path(row, "max_wait_ns"), row->who, all.longest,
		  tolerance(all.longest.max, 1),
		  "the longest call, or its share if it slept more than once; 2 % or 20 us");
	expect_ns(row_path(row, "waited_wall_ns"), row->who, (struct bounds){ wall, wall }, slack,
		  "from the times of all waits; 2 % or 20 us a wait");
	truth_expect((struct expectation){
		.path = row_path(row, "timeouts"),
		.in = { all.timeouts, all.timeouts },
		.zero_if_absent = true,
		.why = "calls that slept and then said that their time was over",
	});
}

/* Ways to blame; which is best is not for the workload to say. */
enum way {
	BLAME_FIRST, /* who held it when the wait began: a word says it */
	BLAME_EACH,  /* all who held it during the wait, each until the next one had it */
	BLAME_NEXT, /* the same, each from when it could have it: it was let go, and it was woken */
	BLAME_LAST, /* who held it when the wait ended, and so ended it */
	BLAME_WAYS,
};

struct blame {
	int64_t ns[BLAME_WAYS][PARTIES];
	int64_t count[PARTIES];
	int64_t total;
};

static int taken_last(const struct record *r, const struct wait *w)
{
	int i = 0;

	while (i + 1 < r->takings && r->taking[i + 1].at <= w->from)
		i++;
	/* Its own: who took it next had not written it down yet. */
	if (i + 1 < r->takings && r->taking[i].party == w->party)
		i++;
	return i;
}

static void blame_for(struct blame *b, const struct record *r, const struct wait *w)
{
	int64_t each[PARTIES] = { 0 }, fore[PARTIES] = { 0 }, at = w->from, end = w->from + w->ns;
	int i = taken_last(r, w), first = r->taking[i].party, last = first;

	for (; at < end; i++) {
		int64_t next = i + 1 < r->takings ? r->taking[i + 1].at : end;

		int64_t until = r->taking[i].until ? r->taking[i].until : next;
		int after = i + 1 < r->takings ? r->taking[i + 1].party : r->taking[i].party;

		last = r->taking[i].party;
		next = larger(at, smaller(next, end));
		until = larger(at, smaller(until, next));
		each[last] += next - at;
		fore[last] += until - at;
		fore[after] += next - until;
		at = next;
	}
	for (int p = 0; p < PARTIES; p++) {
		b->ns[BLAME_EACH][p] += each[p];
		b->ns[BLAME_NEXT][p] += fore[p];
		/* Of several sleeps in one call each has a holder of its own. */
		b->ns[BLAME_FIRST][p] += w->count > 1 ? each[p] : p == first ? w->ns : 0;
		b->ns[BLAME_LAST][p] += w->count > 1 ? each[p] : p == last ? w->ns : 0;
	}
	b->count[first] += w->count;
	b->total += w->ns;
}

static struct blame blame_of(const struct record *r)
{
	struct blame b = { 0 };

	for (int i = 0; i < r->waits && r->takings; i++)
		blame_for(&b, r, &r->wait[i]);
	return b;
}

static struct bounds blame_on(const struct blame *b, const struct row *row, int party)
{
	bool by_word = row->how && !strncmp(row->how, "owner-word", 10);
	bool by_waker = row->how && !by_word;
	struct bounds ns = { b->ns[BLAME_EACH][party], b->ns[BLAME_EACH][party] };

	for (int way = by_waker ? BLAME_EACH : BLAME_FIRST;
	     way < (by_word ? BLAME_LAST : BLAME_WAYS); way++) {
		ns.min = smaller(ns.min, b->ns[way][party]);
		ns.max = larger(ns.max, b->ns[way][party]);
	}
	return ns;
}

static int64_t blame_slack(const struct blame *b, int party)
{
	return b->total / 100 + tolerance(b->ns[BLAME_EACH][party], b->count[party]);
}

static const char *holder_path(const struct row *row, pid_t tid, const char *key)
{
	return truth_path("locks[%s].holders[tid=%d]*.%s", row->which, tid, key);
}

static void expect_how(const struct row *row, pid_t tid)
{
	if (row->how)
		truth_one_of(truth_path("locks[%s].holders[tid=%d].how", row->which, tid), row->how,
			     "whether this kind of lock says who has it");
}

void expect_holders(const struct record *r, const struct row *row)
{
	struct blame b = blame_of(r);

	for (int i = 0; i < r->parties; i++) {
		struct bounds ns = blame_on(&b, row, i);

		if (ns.min <= blame_slack(&b, i))
			continue;
		expect_how(row, r->party[i].tid);
		expect_ns(holder_path(row, r->party[i].tid, "blamed_ns"), row->who, ns,
			  blame_slack(&b, i),
			  "the waits in which it held the lock, as written down under it: for its "
			  "time, or all of those whose first (by a word) or last (by the waker) "
			  "holder it was; 1 % of all, and 2 % or 20 us a wait");
	}
}

void expect_culprit(const struct record *r, const struct row *row, pid_t tid)
{
	struct tally all = tally_of(r, NOBODY);

	expect_how(row, tid);
	expect_ns(holder_path(row, tid, "blamed_ns"), row->who, (struct bounds){ all.ns, all.ns },
		  all.ns / 100 + tolerance(all.ns, all.count),
		  "nobody else could end these waits; 1 %, and 2 % or 20 us a wait");
}

/* What it was blocked for is in four parts. */
static void expect_part(const struct row *row, pid_t tid, const char *key, bool blocked,
			struct bounds in)
{
	const char *stolen = thread_path(row->who, "cpu.stolen_ns");
	struct expectation e = {
		.path = holder_path(row, tid, key),
		.in = { MANY * -1, in.max },
		.zero_if_absent = true,
		.why = "one waiter at a time: at most what it did of this with the lock in its "
		       "hands, at least what is blamed on it less all else that it did or that "
		       "is not known; the tolerance of the blame",
	};
	int n = 0;

	if (blocked) {
		e.plus[n++] = holder_path(row, tid, "sleep_ns");
		e.plus[n++] = holder_path(row, tid, "lock_ns");
		e.plus[n++] = holder_path(row, tid, "other_ns");
	}
	truth_expect(e);
	e.plus[n++] = stolen;
	e.plus[n++] = holder_path(row, tid, "unknown_ns");
	e.in = (struct bounds){ in.min, MANY };
	truth_expect(e);
}

void expect_doing(const struct record *r, const struct row *row, int party)
{
	const struct account *held = &r->party[party].held;
	struct blame b = blame_of(r);
	const int64_t did[] = { held->cpu, held->delay, account_blocked(*held) };
	const char *const keys[] = { "running_ns", "queued_ns", "io_ns" };
	int64_t all = did[0] + did[1] + did[2];
	int64_t blamed = blame_on(&b, row, party).min;
	int64_t slack = blame_slack(&b, party);

	for (int i = 0; i < 3; i++)
		expect_part(row, r->party[party].tid, keys[i], i == 2,
			    (struct bounds){ larger(0, blamed - (all - did[i])) - slack,
					     did[i] + slack });
}

static void expect_cause(const struct record *r, const struct row *row, const char *cause,
			 const char *or_cause)
{
	struct tally all = tally_of(r, NOBODY);
	int64_t slack = slack_of(row, &all);
	const char *who = row->who;
	const char *ns = blocked_path(who, cause, "ns");
	const char *or_ns = or_cause ? blocked_path(who, or_cause, "ns") : NULL;
	const char *stolen = thread_path(who, "cpu.stolen_ns");

	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "count"),
		.plus = { or_cause ? blocked_path(who, or_cause, "count") : NULL },
		.in = { all.count - all.count / 50 - row->unsure,
			all.count + all.count / 50 + row->unsure },
		.zero_if_absent = true,
		.why = "growth of ru_nvcsw over the calls; 2 %",
	});
	truth_expect((struct expectation){
		.path = ns,
		.plus = { or_ns },
		.in = { 0, all.ns + slack },
		.zero_if_absent = true,
		.why = "the threads' own clocks over these calls; 2 % or 20 us a wait",
	});
	truth_expect((struct expectation){
		.path = ns,
		.plus = { stolen, or_ns },
		.in = { all.ns - slack, MANY },
		.zero_if_absent = true,
		.why = "the threads' own clocks over these calls, with what was stolen from them; "
		       "2 % or 20 us a wait",
	});
}

void expect_ledger(const struct record *r, const struct row *row, const char *cause)
{
	expect_cause(r, row, cause, NULL);
}

void expect_ledger_or_futex(const struct record *r, const struct row *row, const char *cause)
{
	expect_cause(r, row, cause, "sync.futex");
}

void expect_no_row(const char *which, const char *why)
{
	truth_absent(truth_path("locks[%s].waits", which), why);
}

void expect_no_contention(const char *why)
{
	static const char *const causes[] = { "lock.mutex", "lock.rwlock", "lock.pi", "lock.file" };

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		truth_expect((struct expectation){
			.path = truth_path("totals.blocked[\"%s\"].count", causes[i]),
			.in = { 0, 0 },
			.zero_if_absent = true,
			.why = why,
		});
	truth_finding("lock.contention", false, why);
}

void expect_no_deadlock(const char *why)
{
	truth_expect((struct expectation){
		.path = "deadlocks", .in = { 0, 0 }, .zero_if_absent = true, .why = why });
}
