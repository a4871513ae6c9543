// SPDX-License-Identifier: BSD-2-Clause
/* The verdict: a table of classes, each with its share of the deciding time, its
 * evidence in numbers, and what to try. */
#include "analysis/internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below this a program shows its start-up and nothing else. */
#define TOO_SHORT_NS 10000000.0
/* A class decides with this share of the time, or else together with a second one. */
#define DECIDES 0.6
#define MATTERS 0.2

static const char *const class_names[CLASS_COUNT] = {
	[CLASS_UNKNOWN] = "unknown",
	[CLASS_CPU_BOUND] = "cpu-bound",
	[CLASS_IO_BOUND] = "io-bound",
	[CLASS_LOCK_BOUND] = "lock-bound",
	[CLASS_OVERSUBSCRIBED] = "oversubscribed",
	[CLASS_STARVED] = "starved",
	[CLASS_SLEEP_BOUND] = "sleep-bound",
	[CLASS_IDLE] = "idle",
	[CLASS_MIXED] = "mixed",
	[CLASS_DEADLOCKED] = "deadlocked",
};

const char *class_name(enum verdict_class c)
{
	return (unsigned int)c < CLASS_COUNT ? class_names[c] : "unknown";
}

const char *severity_name(enum severity s)
{
	static const char *const names[] = { "note", "warning", "error" };

	return names[s];
}

static double of_cpu(const struct shares *s)
{
	return s->cpu;
}

static double of_io(const struct shares *s)
{
	return s->io;
}

static double of_lock(const struct shares *s)
{
	return s->lock;
}

static double of_crowd(const struct shares *s)
{
	return s->oversubscribed;
}

static double of_starving(const struct shares *s)
{
	return s->starved;
}

static double of_sleep(const struct shares *s)
{
	return s->sleep;
}

static double of_idle(const struct shares *s)
{
	return s->idle;
}

struct rule {
	enum verdict_class class;
	const char *id;
	double (*time)(const struct shares *s);
	const char *what; /* that decides */
	const char *advice;
};

static const struct rule rules[] = {
	{ CLASS_CPU_BOUND, "verdict.cpu", of_cpu, "computing",
	  "Make the computation cheaper: a profile of where the CPU time goes comes first. More "
	  "waiting "
	  "threads would not help." },
	{ CLASS_IO_BOUND, "verdict.io", of_io, "waiting for input and output",
	  "Do the waiting at the same time: read ahead, write behind, batch small requests, or "
	  "have "
	  "several in flight (threads, coroutines, an event loop or io_uring). A faster CPU or "
	  "fewer "
	  "instructions would not help." },
	{ CLASS_LOCK_BOUND, "verdict.lock", of_lock, "waiting for locks",
	  "Hold the lock for shorter, or for less: move work out of the critical section, split "
	  "the lock, "
	  "or give each thread data of its own. More threads would make it worse." },
	{ CLASS_OVERSUBSCRIBED, "verdict.crowd", of_crowd, "more busy threads than CPUs",
	  "Use as many busy threads or processes as there are allowed CPUs; more of them only take "
	  "turns." },
	{ CLASS_STARVED, "verdict.starved", of_starving, "being ready without getting a CPU",
	  "Other programs, or a CPU limit, hold the CPUs: measure on a quiet machine, or give it "
	  "more." },
	{ CLASS_SLEEP_BOUND, "verdict.sleep", of_sleep, "sleeping, as the program asked to",
	  "Look for sleeps and timers that could be an event to wait for, or shorter; nothing else "
	  "limits "
	  "it." },
	{ CLASS_IDLE, "verdict.idle", of_idle, "waiting for something to do",
	  "There is nothing to speed up while nothing is asked of it: measure it under load." },
};

#define RULES (sizeof(rules) / sizeof(*rules))

struct ranking {
	const struct rule *first, *second;
	double first_share, second_share;
};

static void rank(struct ranking *ret, const struct shares *s)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < RULES; i++) {
		double share = rules[i].time(s) / s->all;

		if (share > 1) /* sums that contradict the wall time */
			share = 1;

		if (!ret->first || share > ret->first_share) {
			ret->second = ret->first;
			ret->second_share = ret->first_share;
			ret->first = &rules[i];
			ret->first_share = share;
		} else if (!ret->second || share > ret->second_share) {
			ret->second = &rules[i];
			ret->second_share = share;
		}
	}
}

enum verdict_class classify(const struct shares *s, double *ret_margin,
			    enum verdict_class *ret_runner_up, enum verdict_class ret_parts[2])
{
	struct ranking r;

	*ret_margin = 0;
	*ret_runner_up = CLASS_UNKNOWN;
	if (s->all < TOO_SHORT_NS || (s->unknown + s->other) / s->all > 0.5)
		return CLASS_UNKNOWN;
	rank(&r, s);
	if (r.first_share < MATTERS)
		return CLASS_UNKNOWN;
	if (r.first_share < DECIDES && r.second_share >= MATTERS) {
		/* It stops being a mixture when the first decides or the second does not matter. */
		double to_first = DECIDES - r.first_share, to_none = r.second_share - MATTERS;

		ret_parts[0] = r.first->class;
		ret_parts[1] = r.second->class;
		*ret_runner_up = r.first->class;
		*ret_margin = to_first < to_none ? to_first : to_none;
		return CLASS_MIXED;
	}
	/* Whatever goes from the first to the second makes it a mixture before the second wins. */
	*ret_runner_up = CLASS_MIXED;
	*ret_margin = r.first_share - DECIDES > MATTERS - r.second_share ? r.first_share - DECIDES
									 : MATTERS - r.second_share;
	return r.first->class;
}

static const struct rule *rule_of(enum verdict_class class)
{
	for (size_t i = 0; i < RULES; i++) {
		if (rules[i].class == class)
			return &rules[i];
	}
	return NULL;
}

__attribute__((format(printf, 4, 5))) static void
add_evidence(struct finding *to, const char *metric, uint64_t value, const char *fmt, ...)
{
	struct evidence *e;
	va_list ap;

	if (to->n_evidence == EVIDENCE_MAX)
		return;
	e = &to->evidence[to->n_evidence++];
	snprintf(e->metric, sizeof(e->metric), "%s", metric);
	e->value = value;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
}

/* Which thread computed most, if there is more than one. */
static void add_busiest(struct finding *to, const struct findings *f)
{
	const struct model *m = f->model;
	const struct thread *busiest = NULL;
	uint64_t all = f->totals.state_ns[TS_RUNNING], most;

	for (size_t i = 0; i < m->n_threads; i++) {
		if (!busiest || m->threads[i].state_ns[TS_RUNNING] > busiest->state_ns[TS_RUNNING])
			busiest = &m->threads[i];
	}
	most = busiest ? busiest->state_ns[TS_RUNNING] : 0;
	if (m->n_threads < 2 || most < all / 20)
		return;
	add_evidence(to, "threads.states.running_ns", most,
		     "%.0f %% of the computing was done by one thread, %s", 100.0 * most / all,
		     busiest->comm);
}

/* The rows of the wall time that matter, largest first. */
static void add_rows(struct finding *to, const struct findings *f)
{
	static const char *const words[ROW_COUNT] = {
		[ROW_IO] = "waiting for input and output",
		[ROW_TIMER] = "sleeping, as it asked to",
		[ROW_LOCK] = "standing still for a lock",
		[ROW_SYNC] = "waiting for another thread's work, with none running",
		[ROW_EVENT] = "waiting for events",
		[ROW_CHILD] = "waiting for a child",
		[ROW_OTHER] = "waiting for something else",
		[ROW_UNKNOWN] = "waiting, for what is not known",
	};
	const struct wall_sums *w = &f->model->wall;
	double all = f->model->wall_ns;
	bool done[ROW_COUNT] = { false };

	if (f->running_ns >= all / 100)
		add_evidence(
			to, "wall.running_ns", f->running_ns,
			"%.0f %% of the time at least one thread computed, %.2f at once on average",
			100 * f->running_ns / all,
			f->running_ns ? (double)w->busy_ns / f->running_ns : 0);
	if (w->serialised_ns >= all / 100)
		add_evidence(to, "wall.serialised_ns", w->serialised_ns,
			     "%.0f %% of the time a thread waited for a lock while a CPU was free",
			     100 * w->serialised_ns / all);
	if (w->runnable_ns >= all / 100)
		add_evidence(to, "wall.runnable_ns", w->runnable_ns,
			     "%.0f %% of the time threads were ready and none had a CPU",
			     100 * w->runnable_ns / all);
	for (;;) {
		char metric[48];
		int best = -1;

		for (int r = 0; r < ROW_COUNT; r++) {
			if (!done[r] && w->row_ns[r] >= all / 100 &&
			    (best < 0 || w->row_ns[r] > w->row_ns[best]))
				best = r;
		}
		if (best < 0)
			return;
		done[best] = true;
		snprintf(metric, sizeof(metric), "wall.%s_ns", row_name(best));
		add_evidence(to, metric, w->row_ns[best], "%.0f %% of the time %s",
			     100 * w->row_ns[best] / all, words[best]);
	}
}

static void describe_unknown(struct finding *to, const struct findings *f, const struct shares *s)
{
	to->rule = "verdict.unknown";
	if (s->all < TOO_SHORT_NS) {
		snprintf(to->title, sizeof(to->title), "too short a run to tell");
		snprintf(to->advice, sizeof(to->advice),
			 "Give it more work to do: what is measured here is mostly the start of a "
			 "program.");
		return;
	}
	snprintf(to->title, sizeof(to->title),
		 "nothing that is understood here takes enough of the time");
	snprintf(to->advice, sizeof(to->advice), "The waits below are all that is known.");
	(void)f;
}

static void describe_cpu(struct finding *to, const struct findings *f)
{
	double parallel = f->running_ns ? (double)f->model->wall.busy_ns / f->running_ns : 0;

	if (parallel < 1.2 && f->cpus_allowed > 1) {
		snprintf(to->title, sizeof(to->title),
			 "most of the time goes to computing, by one thread at a time");
		snprintf(to->advice, sizeof(to->advice),
			 "Make the computation cheaper, or divide it among up to %.0f threads or "
			 "processes: "
			 "that is how many CPUs it may use.",
			 f->cpus_allowed);
	} else if (parallel >= 0.9 * f->cpus_allowed) {
		snprintf(to->title, sizeof(to->title),
			 "most of the time goes to computing, on all CPUs that it may use");
		snprintf(to->advice, sizeof(to->advice),
			 "Make the computation cheaper, or give it more CPUs. More threads would "
			 "only take turns.");
	}
}

static void describe(struct finding *to, const struct findings *f, const struct shares *s)
{
	const struct verdict *v = &f->verdict;
	const struct rule *rule = rule_of(v->class);

	snprintf(to->subject, sizeof(to->subject), "program");
	if (v->class == CLASS_MIXED) {
		const struct rule *a = rule_of(v->parts[0]), *b = rule_of(v->parts[1]);

		to->rule = "verdict.mixed";
		snprintf(to->title, sizeof(to->title), "two things take the time: %s, and %s",
			 a->what, b->what);
		snprintf(to->advice, sizeof(to->advice), "%s", a->advice);
	} else if (rule) {
		to->rule = rule->id;
		snprintf(to->title, sizeof(to->title), "most of the time goes to %s", rule->what);
		snprintf(to->advice, sizeof(to->advice), "%s", rule->advice);
		if (v->class == CLASS_CPU_BOUND) {
			describe_cpu(to, f);
			add_busiest(to, f);
		}
	} else {
		describe_unknown(to, f, s);
	}
	if (f->model->wall_ns)
		add_rows(to, f);
}

void verdict_find(struct findings *f)
{
	struct shares s;

	shares_of_program(&s, f);
	f->verdict.class =
		classify(&s, &f->verdict.margin, &f->verdict.runner_up, f->verdict.parts);
	f->list = calloc(1, sizeof(*f->list));
	if (!f->list)
		abort();
	f->n_list = 1;
	describe(&f->list[0], f, &s);
	f->verdict.rule = f->list[0].rule;
}
