// SPDX-License-Identifier: BSD-2-Clause
/* What is expected of a loop's row in the report, by what its threads wrote down. */
#include "loops.h"

#include <stdio.h>
#include <stdlib.h>

#define AWAY_EACH  (100 * US) /* what the clocks of once away may differ by */
#define AWAY_SHARE 20	      /* ... and one of so many parts */

/* The time from the end of one wait to the beginning of the next that blocked. */
struct stretch {
	struct bounds ns, running, queued;
	int64_t stops, stop_ns;
};

/* A journal, added up. */
struct sums {
	int64_t waits;	/* calls that blocked */
	int64_t sleeps; /* more than that if nothing was left for one that was woken */
	int64_t ns, longest;
	int64_t timeouts; /* of the calls that blocked */
	int64_t calls, events, empty;
	struct bounds turn_max; /* from a call's return to the next call */
	int stretches;
	struct stretch sum, max; /* max: of each, by itself */
};

static struct stretch stretch[LOG];

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool has_slept(const struct turn *t)
{
	return account_between(t->before, t->after).voluntary > 0;
}

/*
 * From the wake-up in a to the sleep in b. What they computed is partly before the sleep of
 * the one and after that of the other; what they queued, too, if they were preempted.
 */
static struct stretch stretch_of(const struct turn *a, const struct turn *b)
{
	struct account between = account_between(a->after, b->before);
	struct account first = account_between(a->before, a->after);
	struct account last = account_between(b->before, b->after);
	struct bounds cpu = { 0, first.cpu + last.cpu };
	struct bounds queued = { first.involuntary ? 0 : first.delay,
				 first.delay + (last.involuntary ? last.delay : 0) };
	struct stretch s = {
		.ns = { between.wall + cpu.min + queued.min, between.wall + cpu.max + queued.max },
		.running = { between.cpu + cpu.min, between.cpu + cpu.max },
		.queued = { between.delay + queued.min, between.delay + queued.max },
	};

	for (const struct turn *t = a + 1; t <= b; t++) {
		s.stops += t->stops;
		s.stop_ns += t->stop_ns;
	}
	return s;
}

static void add_bounds(struct bounds *sum, struct bounds b)
{
	sum->min += b.min;
	sum->max += b.max;
}

static void add_stretch(struct sums *sums, struct stretch s)
{
	stretch[sums->stretches++] = s;
	add_bounds(&sums->sum.ns, s.ns);
	add_bounds(&sums->sum.running, s.running);
	add_bounds(&sums->sum.queued, s.queued);
	sums->sum.stops += s.stops;
	sums->sum.stop_ns += s.stop_ns;
	sums->max.ns.min = larger(sums->max.ns.min, s.ns.min);
	sums->max.ns.max = larger(sums->max.ns.max, s.ns.max);
}

static void add_call(struct sums *sums, const struct turn *t, const struct turn *before)
{
	int64_t ns;

	sums->calls++;
	sums->events += t->ready;
	sums->empty += t->ready == 0;
	if (!before)
		return;
	/* Not from the wake-up, but from the return, which is when it has the CPU again. */
	ns = account_between(before->after, t->before).wall;
	sums->turn_max.min = larger(sums->turn_max.min, ns);
	sums->turn_max.max = larger(sums->turn_max.max, stretch_of(before, t).ns.max);
}

static void add_wait(struct sums *sums, const struct turn *t)
{
	struct account span = account_between(t->before, t->after);

	if (!has_slept(t))
		return;
	sums->waits++;
	sums->sleeps += span.voluntary;
	sums->ns += account_blocked(span);
	sums->longest = larger(sums->longest, account_blocked(span));
	sums->timeouts += t->ready == 0;
}

static struct sums sums_of(struct journal *const *journals, int n)
{
	struct sums sums = { 0 };

	for (int k = 0; k < n; k++) {
		const struct journal *j = journals[k];
		const struct turn *slept = NULL;

		for (int i = 0; i < j->turns; i++) {
			const struct turn *t = &j->turn[i];

			add_call(&sums, t, i ? t - 1 : NULL);
			add_wait(&sums, t);
			if (slept && has_slept(t) && n == 1)
				add_stretch(&sums, stretch_of(slept, t));
			slept = has_slept(t) ? t : slept;
		}
	}
	return sums;
}

/* --- rows ----------------------------------------------------------------------------------- */

const char *row_of(const struct watch *w)
{
	static char rows[4][64];
	static int next;
	char *row = rows[next++ % 4];

	if (w->epoll != -1)
		snprintf(row, sizeof(rows[0]), "loops[fd=%d]", w->epoll);
	else
		snprintf(row, sizeof(rows[0]), "loops[call=%s]", watch_call(w));
	return row;
}

void expect_rows(int n)
{
	truth_number("loops", n, "so many loops there are");
}

void expect_watch(const char *row, const struct watch *w)
{
	truth_equals(truth_path("%s.call", row), watch_call(w), "the call that it makes");
	truth_number(truth_path("%s.watches", row), w->n, "descriptors that it watches");
	if (w->epoll != -1)
		truth_number(truth_path("%s.fd", row), w->epoll, "by epoll_create1()");
}

/* One thread's calls sleep for nothing else, so its counts are exact; a herd meets at locks. */
static int64_t count_slack(int n, int64_t count)
{
	if (n == 1)
		return 0;
	return count > 200 ? count / 100 : 2;
}

static void expect_count(const char *path, struct bounds n, int64_t slack, const char *why)
{
	truth_expect((struct expectation){
		.path = path, .in = { larger(n.min - slack, 0), n.max + slack }, .why = why });
}

/* What was stolen from a thread looks to its own clocks as if it waited. */
static void expect_waited(const char *path, const char *who, int64_t ns, int64_t slack,
			  const char *why)
{
	truth_expect((struct expectation){ .path = path, .in = { 0, ns + slack }, .why = why });
	truth_expect((struct expectation){
		.path = path,
		.plus = { thread_path(who, "cpu.stolen_ns") },
		.in = { ns - slack, MANY },
		.why = why,
	});
}

/* ... and does not belong to what its CPU clock counts. */
static void expect_spent(const char *path, const char *who, struct bounds ns, int64_t slack,
			 const char *why)
{
	truth_expect((struct expectation){
		.path = path, .in = { larger(ns.min - slack, 0), MANY }, .why = why });
	truth_expect((struct expectation){
		.path = path,
		.minus = thread_path(who, "cpu.stolen_ns"),
		.in = { -MANY, ns.max + slack },
		.why = why,
	});
}

static const char waited[] = "the thread's own clocks over the calls that slept, less CPU time and "
			     "run-queue delay; 2 % or 20 us a wait";

static void expect_waits(const char *row, const char *who, const struct sums *sums, int n)
{
	int64_t slack = count_slack(n, sums->sleeps);

	expect_count(truth_path("%s.waits", row), (struct bounds){ sums->waits, sums->sleeps },
		     slack, "growth of ru_nvcsw over the calls");
	/* One that sleeps on in its call was woken for what others took, then or just before; and what
	 * was ready when it woke they may have taken when it looks: it returns 0 all the same. */
	expect_count(truth_path("%s.empty", row),
		     (struct bounds){ sums->timeouts, sums->timeouts + sums->sleeps - sums->waits },
		     larger(slack, 2),
		     "calls that blocked and returned 0, and those that slept on");
	expect_waited(truth_path("%s.wait_ns", row), who, sums->ns,
		      tolerance(sums->ns, sums->sleeps), waited);
	if (sums->sleeps == sums->waits)
		expect_waited(truth_path("%s.max_wait_ns", row), who, sums->longest,
			      tolerance(sums->longest, 1), waited);
	truth_number(truth_path("%s.open", row), 0, "all of them have ended");
}

static const char ran[] =
	"CLOCK_THREAD_CPUTIME_ID from its call's return to the next that blocked, "
	"and at most what these took";
static const char queued[] = "growth of the run-queue delay since the wake-up";
static const char stopped[] = "what it blocked in by its own clocks, less CPU time and run-queue "
			      "delay";

static int by_length(const void *a, const void *b)
{
	const struct stretch *one = a, *two = b;

	return (one->ns.max > two->ns.max) - (one->ns.max < two->ns.max);
}

/* The longest, if there is no doubt which one that is. */
static void expect_longest(const char *row, const char *who, const struct sums *sums,
			   const char *cause)
{
	const struct stretch *s = &stretch[sums->stretches - 1];
	int64_t slack = AWAY_EACH + s->ns.max / AWAY_SHARE;

	if (sums->stretches > 1 && s[-1].ns.max + 2 * slack > s->ns.min)
		return;
	expect_spent(truth_path("%s.away.longest.ns", row), who, s->ns, slack, "the longest");
	expect_spent(truth_path("%s.away.longest.running_ns", row), who, s->running, slack, ran);
	expect_count(truth_path("%s.away.longest.queued_ns", row), s->queued, slack, queued);
	expect_waited(truth_path("%s.away.longest.blocked_ns", row), who, s->stop_ns, slack,
		      stopped);
	if (cause && s->stops)
		truth_equals(truth_path("%s.away.longest.cause", row), cause,
			     "what it blocked in then");
}

/* A histogram tells it to a factor of two, and one or two in a hundred may be in doubt. */
static void expect_p99(const char *row, const struct sums *sums)
{
	const struct stretch *low = &stretch[larger(sums->stretches * 97 / 100 - 1, 0)];

	truth_expect((struct expectation){
		.path = truth_path("%s.away.p99_ns", row),
		.in = { low->ns.min / 2 - AWAY_EACH, 2 * sums->max.ns.max + AWAY_EACH },
		.why = "of the times by its own clocks; a factor of two",
	});
}

static void expect_away(const char *row, const char *who, struct sums *sums)
{
	int64_t slack = tolerance(sums->sum.ns.max, sums->waits);

	truth_number(truth_path("%s.away.times", row), sums->stretches,
		     "between the calls that blocked");
	expect_spent(truth_path("%s.away.ns", row), who, sums->sum.ns, slack,
		     "from the wake-up in a call to the next that blocked, by its own clocks; 2 % "
		     "or 20 us each");
	expect_spent(truth_path("%s.away.max_ns", row), who, sums->max.ns,
		     AWAY_EACH + sums->max.ns.max / AWAY_SHARE,
		     "the longest of them; 5 % and 100 us");
	expect_spent(truth_path("%s.away.running_ns", row), who, sums->sum.running, slack, ran);
	expect_count(truth_path("%s.away.queued_ns", row), sums->sum.queued, slack, queued);
	expect_waited(truth_path("%s.away.blocked_ns", row), who, sums->sum.stop_ns,
		      tolerance(sums->sum.stop_ns, sums->sum.stops + 1), stopped);
}

/* What it blocks in while it is away. */
static void expect_stops(const char *row, const char *who, const struct sums *sums,
			 const char *cause)
{
	truth_number(truth_path("%s.blocked[cause=%s]*.waits", row, cause), sums->sum.stops,
		     "growth of ru_nvcsw over what blocks");
	expect_waited(truth_path("%s.blocked[cause=%s]*.wait_ns", row, cause), who,
		      sums->sum.stop_ns, tolerance(sums->sum.stop_ns, sums->sum.stops), stopped);
}

static void expect_one(const char *row, const char *who, pid_t pid)
{
	truth_number(truth_path("%s.threads", row), 1, "one thread waits in it");
	truth_equals(truth_path("%s.comm", row), who, "... of this name");
	truth_number(truth_path("%s.pid", row), pid, "... of this process");
}

static void expect_turns(const char *row, const char *who, const struct sums *sums)
{
	if (with_calls)
		expect_spent(truth_path("%s.calls.turn_max_ns", row), who, sums->turn_max,
			     AWAY_EACH + sums->turn_max.max / AWAY_SHARE,
			     "the longest time from a call's return to the next; 5 % and 100 us");
}

void expect_loop(const char *row, const char *who, struct journal *j, const char *cause)
{
	struct sums sums = sums_of(&j, 1);

	expect_one(row, who, j->pid);
	expect_waits(row, who, &sums, 1);
	expect_away(row, who, &sums);
	expect_turns(row, who, &sums);
	if (cause)
		expect_stops(row, who, &sums, cause);
	if (!sums.stretches)
		return;
	qsort(stretch, (size_t)sums.stretches, sizeof(stretch[0]), by_length);
	expect_p99(row, &sums);
	expect_longest(row, who, &sums, cause);
}

void expect_crowd(const char *row, const char *who, struct journal *const *j, int n)
{
	struct sums sums = sums_of(j, n);

	truth_number(truth_path("%s.threads", row), n, "so many threads wait in it");
	expect_waits(row, who, &sums, n);
}

int64_t slept_on(struct journal *const *j, int n)
{
	struct sums sums = sums_of(j, n);

	return sums.sleeps - sums.waits;
}

void expect_calls(const char *row, struct journal *const *j, int n)
{
	struct sums sums = sums_of(j, n);

	if (!with_calls)
		return;
	truth_number(truth_path("%s.calls.seen", row), sums.calls, "calls that it made");
	truth_number(truth_path("%s.calls.events", row), sums.events, "what they returned");
	truth_number(truth_path("%s.calls.empty", row), sums.empty, "those that returned 0");
	expect_count(truth_path("%s.calls.at_once", row),
		     (struct bounds){ sums.calls - sums.waits, sums.calls - sums.waits },
		     count_slack(n, sums.calls), "those over which ru_nvcsw did not grow");
}

void expect_waiter(const char *who, const char *cause, struct journal *const *j, int n)
{
	struct sums sums = sums_of(j, n);

	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "count"),
		.in = { sums.waits, sums.sleeps },
		.zero_if_absent = true,
		.why = "growth of ru_nvcsw over the calls",
	});
	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "ns"),
		.in = { 0, sums.ns + tolerance(sums.ns, sums.sleeps) },
		.zero_if_absent = true,
		.why = "the thread's own clocks over the calls that slept; 2 % or 20 us a wait",
	});
}
