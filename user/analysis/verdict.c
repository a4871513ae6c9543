// SPDX-License-Identifier: BSD-2-Clause
/* The verdict in words: a table of classes, each with what it says and advises. */
#include "analysis/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* Of the time: with more of it unseen there is no verdict. */
#define UNSEEN_AT_MOST 0.25

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

/* --- evidence ------------------------------------------------------------------- */

static double percent(const struct findings *f, double ns)
{
	return 100 * ns / f->model->wall_ns;
}

/* Threads that ran at once, while any did. */
static double at_once(const struct findings *f)
{
	return f->running_ns ? (double)f->model->wall.busy_ns / f->running_ns : 0;
}

/* Which thread computed most, if there is more than one. */
static void add_busiest(struct finding *to, const struct findings *f)
{
	const struct model *m = f->model;
	const struct thread *busiest = NULL;
	uint64_t all = f->totals.state_ns[TS_RUNNING], most;
	char part[UNITS_SIZE];

	for (size_t i = 0; i < m->n_threads; i++) {
		if (!busiest || m->threads[i].state_ns[TS_RUNNING] > busiest->state_ns[TS_RUNNING])
			busiest = &m->threads[i];
	}
	most = busiest ? busiest->state_ns[TS_RUNNING] : 0;
	if (m->n_threads < 2 || !most || most < all / 2)
		return;
	evidence_add(to, "threads.states.running_ns", most,
		     "%s of the computing was done by one thread, %s (%u)",
		     units_percent(part, (double)most / all), busiest->comm, busiest->tid);
}

/* The rows of waits that matter, largest first. */
static void add_waits(struct finding *to, const struct findings *f)
{
	static const char *const words[ROW_COUNT] = {
		[ROW_IO] = "waiting for a disk or another device",
		[ROW_FAULT] = "waiting for memory from a disk (page faults)",
		[ROW_PEER] = "waiting for the other end of a socket or pipe: a server, a reader",
		[ROW_DEMAND] = "waiting for something to do: clients, a terminal, input",
		[ROW_TIMER] = "sleeping, as it asked to",
		[ROW_LOCK] = "standing still for a lock",
		[ROW_SYNC] = "waiting for another thread, with none running",
		[ROW_CONVOY] = "in short timed waits for another thread, with none running",
		[ROW_QUEUE] = "waiting for a message in a queue",
		[ROW_EVENT] = "waiting for an event",
		[ROW_TICK] = "waiting for an event, up to a time-out",
		[ROW_CHILD] = "waiting for a child",
		[ROW_SIGNAL] = "waiting for a signal",
		[ROW_OTHER] = "waiting for something else",
		[ROW_UNKNOWN] = "waiting, for what is not known",
	};
	const struct wall_sums *w = &f->model->wall;
	bool done[ROW_COUNT] = { false };

	for (;;) {
		char metric[48];
		int best = -1;

		for (int r = 0; r < ROW_COUNT; r++) {
			if (!done[r] && percent(f, w->row_ns[r]) >= 1 &&
			    (best < 0 || w->row_ns[r] > w->row_ns[best]))
				best = r;
		}
		if (best < 0)
			return;
		done[best] = true;
		snprintf(metric, sizeof(metric), "%s.%s_ns",
			 row_is_part(best) ? "wall_parts" : "wall", row_name(best));
		evidence_add(to, metric, w->row_ns[best], "%.0f %% of the time %s",
			     percent(f, w->row_ns[best]), words[best]);
	}
}

static void add_running(struct finding *to, const struct findings *f)
{
	const struct wall_sums *w = &f->model->wall;

	if (percent(f, f->running_ns) >= 1)
		evidence_add(to, "wall.running_ns", f->running_ns,
			     "%.0f %% of the time at least one thread computed, %.2f at once on "
			     "average",
			     percent(f, f->running_ns), at_once(f));
	if (percent(f, f->serialised_ns) >= 1)
		evidence_add(to, "wall.serialised_ns", f->serialised_ns,
			     "%.0f %% of the time a thread waited for a lock while a CPU was free",
			     percent(f, f->serialised_ns));
	if (f->convoy.is_lock && percent(f, w->convoy_ns) >= 1)
		evidence_add(
			to, "wall_parts.running_convoy_ns", w->convoy_ns,
			"%.0f %% of the time one of %zu threads computed, and others waited for "
			"it to let go, while a CPU was free",
			percent(f, w->convoy_ns), f->convoy.threads);
}

static void add_queued(struct finding *to, const struct findings *f)
{
	const struct wall_sums *w = &f->model->wall;
	uint64_t behind = f->totals.queued_own_ns;
	char mean[UNITS_SIZE];
	double others = (double)w->runnable_ns - w->limit_ns - w->latency_ns;

	if (f->crowding > 0.05)
		evidence_add(
			to, "totals.queued_behind.own_ns", behind,
			"%s threads on average had to wait for another thread of the program to "
			"leave a CPU",
			units_mean(mean, (double)behind / f->model->wall_ns));
	if (percent(f, w->limit_ns) >= 1)
		evidence_add(to, "wall_parts.runnable_limit_ns", w->limit_ns,
			     "%.0f %% of the time nothing ran, because its CPU limit was used up",
			     percent(f, w->limit_ns));
	if (percent(f, others) >= 1)
		evidence_add(
			to, "wall.runnable_ns", w->runnable_ns,
			"%.0f %% of the time threads were ready, and other programs had the CPUs",
			percent(f, others));
	if (percent(f, w->latency_ns) >= 1)
		evidence_add(to, "wall_parts.runnable_latency_ns", w->latency_ns,
			     "%.0f %% of the time a woken thread was on its way to an idle CPU",
			     percent(f, w->latency_ns));
}

/* --- what each class says --------------------------------------------------------- */

#define TURNS_SHARE 0.2 /* of the computing, for a thread to be one that takes turns */
#define TURNS_LIVES 0.8 /* of the run, in which each of them was there */
#define TURNS_WAITS 0.8 /* of the rest, that it was blocked: who is queued wants to run */

/* Threads that share the computing and were there all the time. */
static size_t sharers(const struct findings *f)
{
	const struct model *m = f->model;
	size_t n = 0;

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (t->state_ns[TS_RUNNING] >= TURNS_SHARE * f->totals.state_ns[TS_RUNNING] &&
		    t->lifetime_ns >= TURNS_LIVES * m->wall_ns &&
		    t->state_ns[TS_BLOCKED] >=
			    TURNS_WAITS * (t->lifetime_ns - t->state_ns[TS_RUNNING]))
			n++;
	}
	return n;
}

static void say_serial(struct finding *to, const struct findings *f)
{
	size_t n = sharers(f);

	finding_title(to, "most of the time goes to computing, by one thread at a time");
	if (n < 2) {
		finding_advice(
			to,
			"%s, or divide the work among up to %.4g threads or processes: that is "
			"how many CPUs it may use.",
			sites_advice(f), f->cpus_allowed);
		return;
	}
	finding_advice(to,
		       "%zu threads share the work and hardly ever compute at once: each waits "
		       "for what another does, or a lock lets one at a time (as in Ruby and "
		       "Python). Hand over more at a time, so that the next one can begin before "
		       "it is all done; or use processes, if it is an interpreter's lock.",
		       n);
}

static void say_cpu(struct finding *to, const struct findings *f, const struct shares *s)
{
	double spare = f->running_ns - f->model->wall.busy_ns / f->cpus_allowed;

	(void)s;
	if (at_once(f) < 1.2 && f->cpus_allowed > 1) {
		say_serial(to, f);
		finding_gain(to, f, spare, "by keeping all allowed CPUs busy");
	} else if (at_once(f) >= 0.85 * f->cpus_allowed) {
		finding_title(to,
			      "most of the time goes to computing, on all CPUs that it may use");
		finding_advice(to, "%s, or give it more CPUs. More threads would only take turns.",
			       sites_advice(f));
	} else {
		finding_title(to, "most of the time goes to computing, on %.2g of %.4g CPUs",
			      at_once(f), f->cpus_allowed);
		finding_advice(to,
			       "%s, or keep more CPUs busy: see which threads compute while the "
			       "others wait.",
			       sites_advice(f));
		finding_gain(to, f, spare, "by keeping all allowed CPUs busy");
	}
	add_busiest(to, f);
}

static void say_crowd(struct finding *to, const struct findings *f, const struct shares *s)
{
	double wanting = (double)f->running_ns + f->model->wall.runnable_ns;
	double wanted =
		wanting > 0 ? ((double)f->totals.queued_own_ns + f->model->wall.busy_ns) / wanting
			    : 0;

	(void)s;
	finding_title(to, "%.*f threads at a time want to compute, on %.4g CPU%s",
		      wanted < 100 ? 1 : 0, wanted, f->cpus_allowed,
		      f->cpus_allowed == 1 ? "" : "s");
	finding_advice(
		to,
		"Use as many computing threads or processes as there are CPUs allowed, %.4g (as "
		"in make -j, the size of a pool, OMP_NUM_THREADS). More of them only take turns, "
		"and take memory and caches from each other.",
		f->cpus_allowed);
}

static void say_starved(struct finding *to, const struct findings *f, const struct shares *s)
{
	char words[LIMIT_WORDS_SIZE];

	finding_gain(to, f, others_gain(f, s) + s->limit,
		     "by having the CPUs whenever it wants one");
	if (s->limit > s->others) {
		finding_title(to, "its CPU limit cost %.0f %% of the wall time",
			      percent(f, f->model->wall.limit_ns));
		finding_advice(to,
			       "%s. Raise the limit (cpu.max; --cpus of a "
			       "container), or use fewer threads, so that a period's share is not "
			       "spent at its beginning.",
			       limit_words(words, sizeof(words), f));
		return;
	}
	finding_title(to, "it wants to compute, but other programs have the CPUs");
	others_say(to, f, s);
	finding_advice(to, "Measure on a quiet machine, move the others elsewhere, or give this "
			   "program more weight (nice, cpu.weight). It is not the program itself "
			   "that is slow.");
}

static void say_io(struct finding *to, const struct findings *f, const struct shares *s)
{
	finding_gain(to, f, s->device + s->fault + s->peer, "by not waiting for it");
	if (s->fault >= s->device && s->fault >= s->peer) {
		finding_title(to, "most of the time goes to waiting for memory from a disk");
		finding_advice(to,
			       "Its pages are not in memory when it touches them: give it more "
			       "memory, touch less, or read ahead (madvise, MAP_POPULATE). More "
			       "threads would not help if memory is short.");
	} else if (s->peer > s->device) {
		peer_say(to, f);
	} else {
		device_say(to, f);
	}
}

static void say_lock(struct finding *to, const struct findings *f, const struct shares *s)
{
	const struct wall_sums *w = &f->model->wall;
	double all = f->cpus_allowed > 1 ? 1 - 1 / f->cpus_allowed : 0;
	const char *advice = lock_advice(f);

	(void)s;
	lock_say(to, f);
	finding_gain(to, f,
		     w->row_ns[ROW_LOCK] +
			     (f->serialised_ns + (f->convoy.is_lock ? w->convoy_ns : 0)) * all,
		     "by never waiting for a lock");
	if (f->convoy.is_lock && w->convoy_ns > f->serialised_ns + w->row_ns[ROW_LOCK]) {
		finding_title(to, "%zu threads want to compute, and a lock lets one at a time",
			      f->convoy.threads);
		finding_advice(to, "It looks like an interpreter's lock (of Python, of Ruby): use "
				   "processes instead of threads for what computes, or code that "
				   "releases the lock.");
		return;
	}
	finding_title(to, "most of the time threads wait for locks");
	finding_advice(to, "%s",
		       advice ? advice
			      : "Hold the lock for shorter, or for less: move work out of the "
				"critical section, split the lock, or give each thread data of its "
				"own. More threads would make it worse.");
}

static void say_sleep(struct finding *to, const struct findings *f, const struct shares *s)
{
	finding_gain(to, f, s->sleep, "by not sleeping");
	finding_title(to, "most of the time it sleeps, as it asked to");
	finding_advice(to, "Look for sleeps and timers that could be shorter, or an event to wait "
			   "for instead; nothing else limits it.");
}

/* Most of what it waited for to have something to do came through pipes. */
static bool waits_for_pipes(const struct findings *f)
{
	double pipes = f->totals.waits[CAUSE_IO_PIPE].ns;

	return pipes > 0.6 * f->totals.row_ns[ROW_DEMAND] &&
	       f->model->wall.row_ns[ROW_DEMAND] > 0.5 * f->model->wall_ns;
}

static void say_idle(struct finding *to, const struct findings *f, const struct shares *s)
{
	char busy[UNITS_SIZE];

	(void)s;
	if (waits_for_pipes(f)) {
		finding_title(to, "it waits for its input; busy %s of the time",
			      units_percent(busy, percent(f, f->running_ns) / 100));
		finding_advice(to, "Whatever writes to its input sets the pace: measure that "
				   "program. This one could be faster only by starting before all "
				   "of it is there.");
		return;
	}
	finding_title(to, "it waits for something to do; busy %s of the time",
		      units_percent(busy, percent(f, f->running_ns) / 100));
	finding_advice(to, "There is nothing to speed up while nothing is asked of it: measure it "
			   "under load.");
}

static void say_deadlock(struct finding *to, const struct findings *f, const struct shares *s)
{
	(void)s;
	deadlock_say_verdict(to, f);
}

struct class_words {
	void (*say)(struct finding *to, const struct findings *f, const struct shares *s);
	const char *rule;
	const char *what; /* as part of a mixture */
	enum severity severity;
};

static const struct class_words words[CLASS_COUNT] = {
	[CLASS_CPU_BOUND] = { say_cpu, "verdict.cpu", "computing", SEVERITY_NOTE },
	[CLASS_IO_BOUND] = { say_io, "verdict.io", "waiting for input and output", SEVERITY_NOTE },
	[CLASS_LOCK_BOUND] = { say_lock, "verdict.lock", "waiting for locks", SEVERITY_WARNING },
	[CLASS_OVERSUBSCRIBED] = { say_crowd, "verdict.crowd", "computing, in a crowd of threads",
				   SEVERITY_WARNING },
	[CLASS_STARVED] = { say_starved, "verdict.starved", "being ready without getting a CPU",
			    SEVERITY_WARNING },
	[CLASS_SLEEP_BOUND] = { say_sleep, "verdict.sleep", "sleeping", SEVERITY_NOTE },
	[CLASS_IDLE] = { say_idle, "verdict.idle", "waiting for something to do", SEVERITY_NOTE },
	[CLASS_DEADLOCKED] = { say_deadlock, "verdict.deadlock", "waiting for ever",
			       SEVERITY_ERROR },
};

/* The two come one after the other: hardly any of the time is a mixture of its own. */
static bool phases_part(const struct findings *f)
{
	uint64_t mixed = 0;

	for (size_t i = 0; i < f->n_phases; i++) {
		if (f->phases[i].class == CLASS_MIXED)
			mixed += f->phases[i].end_ns - f->phases[i].start_ns;
	}
	return f->n_phases > 1 && mixed < f->model->wall_ns / 3;
}

static void say_mixed(struct finding *to, const struct findings *f, const struct shares *s)
{
	const enum verdict_class *parts = f->verdict.parts;
	struct finding first = { 0 }, second = { 0 };

	finding_title(to, "two things take the time: %s, and %s", words[parts[0]].what,
		      words[parts[1]].what);
	if (parts[0] == CLASS_STARVED || parts[1] == CLASS_STARVED) {
		finding_advice(to, "Measure it again on a quiet machine, or without a CPU limit: "
				   "what remains then is its own.");
		return;
	}
	words[parts[0]].say(&first, f, s);
	words[parts[1]].say(&second, f, s);
	if (parts[0] == CLASS_LOCK_BOUND || parts[1] == CLASS_LOCK_BOUND) {
		finding_advice(to, "%s",
			       parts[0] == CLASS_LOCK_BOUND ? first.advice : second.advice);
		return;
	}
	finding_advice(to, "%s",
		       phases_part(f) ? "They come one after the other: see the phases. "
					"If they do not need each other, do them at the "
					"same time."
				      : "They take turns: if one need not wait for the "
					"other, do them at the same time (read ahead, "
					"write behind, a second thread).");
	if (first.has_gain && second.has_gain)
		finding_gain(to, f,
			     first.gain_at_most_ns < second.gain_at_most_ns
				     ? first.gain_at_most_ns
				     : second.gain_at_most_ns,
			     "by doing both at the same time");
}

/* The part of the time in which more may have run than was seen. */
static double unseen(const struct findings *f)
{
	const struct model *m = f->model;

	return m->wall_ns ? (double)m->wall.missed_rows_ns / m->wall_ns : 0;
}

static void say_unknown(struct finding *to, const struct findings *f, const struct shares *s)
{
	const struct wall_sums *w = &f->model->wall;

	if (s->all < 10e6) {
		finding_title(to, "too short a run to tell");
		finding_advice(to, "Give it more work to do: what is measured here is mostly the "
				   "start of a program.");
	} else if (unseen(f) > UNSEEN_AT_MOST) {
		finding_title(to, "the kernel has not announced when its threads got a CPU");
		finding_advice(to, "Measure it again. The times of the threads are right all the "
				   "same.");
	} else if (percent(f, w->row_ns[ROW_SYNC] + w->row_ns[ROW_CHILD]) > 50) {
		finding_title(to, "its threads wait for each other, and none of them runs");
		finding_advice(to,
			       "Nothing that could wake them was seen. If it stays so, it hangs.");
	} else {
		finding_title(to, "nothing that is understood here takes enough of the time");
		finding_advice(to, "The waits below are all that is known.");
	}
}

void verdict_find(struct findings *f)
{
	const struct class_words *class;
	struct finding *to;
	struct shares s;

	shares_of_program(&s, f);
	classify(&s, &f->verdict);
	f->verdict.margin = f->verdict.margin > unseen(f) ? f->verdict.margin - unseen(f) : 0;
	if (unseen(f) > UNSEEN_AT_MOST)
		f->verdict = (struct verdict){ .class = CLASS_UNKNOWN };
	if (deadlock_deciding(f)) /* whatever it did before */
		f->verdict = (struct verdict){ .class = CLASS_DEADLOCKED, .margin = 1 };
	class = &words[f->verdict.class];
	f->verdict.rule = f->verdict.class == CLASS_MIXED ? "verdict.mixed"
			  : class->rule			  ? class->rule
							  : "verdict.unknown";
	to = finding_add(f, f->verdict.rule, class->severity);
	if (f->verdict.class == CLASS_MIXED)
		say_mixed(to, f, &s);
	else if (class->say)
		class->say(to, f, &s);
	else
		say_unknown(to, f, &s);
	if (!f->model->wall_ns || f->verdict.class == CLASS_DEADLOCKED)
		return;
	add_running(to, f);
	add_queued(to, f);
	add_waits(to, f);
	sites_say(to, f);
}
