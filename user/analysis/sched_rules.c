// SPDX-License-Identifier: BSD-2-Clause
/* Threads that wait for a CPU because of how they, or others, are scheduled. */
#include "analysis/internal.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

static bool is_real_time(unsigned int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR || policy == SCHED_DEADLINE;
}

static double share(const struct findings *f, double ns)
{
	return f->model->wall_ns ? ns / f->model->wall_ns : 0;
}

static const char *name_of(const struct model *m, const struct taker *t)
{
	return t->by == NO_THREAD ? t->comm : m->threads[t->by].comm;
}

/* --- a real-time thread has the CPU ---------------------------------------------------- */

#define STARVED_SHARE	0.1	 /* of the wall time, of one thread */
#define STARVED_LONGEST 20000000 /* at a time: what plays sound is done in less than one */

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What a real-time thread had of a thread's time, and the longest of it. One that takes a CPU for a
 * moment, after which others have it, is none: of those of the program it is known how long they ran at
 * a time, of others what they certainly had. The kernel's own, which move threads between CPUs, are not
 * meant. */
static bool add_starved(const struct model *m, const struct taker *t, uint64_t *ns,
			uint64_t *longest)
{
	uint64_t all = t->certain_ns, max = t->certain_max_ns;

	if (!is_real_time(t->policy) || t->is == TAKER_IS_KERNEL)
		return false;
	if (t->by != NO_THREAD) {
		all = at_most(t->ns, m->threads[t->by].state_ns[TS_RUNNING]);
		max = at_most(t->max_ns, m->threads[t->by].longest_run_ns);
	}
	*ns += all;
	if (max > *longest)
		*longest = max;
	return true;
}

struct starved {
	uint64_t ns, longest;
	const struct taker *by; /* the one with most of it */
};

static struct starved *find_starved(const struct model *m)
{
	struct starved *each = zeroed(m->n_threads, sizeof(*each));

	for (size_t i = 0; i < m->n_takers; i++) {
		const struct taker *t = &m->takers[i];
		struct starved *s = t->thread == NO_THREAD ? NULL : &each[t->thread];

		if (!s || is_real_time(m->threads[t->thread].policy))
			continue;
		if (add_starved(m, t, &s->ns, &s->longest) && !s->by)
			s->by = t;
	}
	return each;
}

static void say_starved(struct findings *f, const struct thread *t, const struct starved *s,
			size_t others)
{
	struct finding *to = finding_add(f, "sched.starved_by_rt", SEVERITY_WARNING);
	char sum[UNITS_SIZE], longest[UNITS_SIZE];

	snprintf(to->subject, sizeof(to->subject), "%s", t->comm);
	if (others)
		finding_title(to, "a real-time thread keeps it and %zu more from the CPU", others);
	else
		finding_title(to, "a real-time thread keeps it from the CPU");
	evidence_add(to, "takers.ns", s->ns,
		     "it was ready for %s (%.0f %% of the time) while %s%s had its CPU",
		     units_ns(sum, s->ns, true), 100 * share(f, s->ns), name_of(f->model, s->by),
		     s->by->is == TAKER_IS_OWN ? "" : ", of another program,");
	evidence_add(to, "takers.max_ns", s->longest, "at the longest for %s at a time",
		     units_ns(longest, s->longest, true));
	evidence_add(to, "takers.rt_priority", s->by->rt_priority,
		     "%s has %s, priority %u; it has none", name_of(f->model, s->by),
		     s->by->policy == SCHED_FIFO ? "SCHED_FIFO"
		     : s->by->policy == SCHED_RR ? "SCHED_RR"
						 : "SCHED_DEADLINE",
		     s->by->rt_priority);
	finding_advice(to, "Let the real-time thread only do what is urgent, and sleep; give its "
			   "long computing to a thread without real-time priority, or keep both on "
			   "different CPUs (taskset, sched_setaffinity).");
}

void starved_by_rt_find(struct findings *f)
{
	const struct model *m = f->model;
	struct starved *each = find_starved(m);
	size_t n = 0, worst = 0;

	for (size_t i = 0; i < m->n_threads; i++) {
		if (share(f, each[i].ns) < STARVED_SHARE || each[i].longest < STARVED_LONGEST)
			continue;
		if (!n++ || each[i].ns > each[worst].ns)
			worst = i;
	}
	if (n)
		say_starved(f, &m->threads[worst], &each[worst], n - 1);
	free(each);
}

/* How it is scheduled at its end is how it was nearly all its life. */
#define SETTLED 0.1

static bool is_settled(const struct thread *t)
{
	return !t->n_changes || (double)t->changes[t->n_changes - 1].at_ns - (double)t->start_ns <=
					SETTLED * (double)t->lifetime_ns;
}

/* --- a low priority of its own --------------------------------------------------------- */

#define NICED_SHARE 0.2 /* of the wall time, that one thread was queued behind better ones */
#define AT_THE_END  0.9 /* of the wall time: until then it was busy, so the end came after it */
#define NICED_BUSY  0.5 /* of its life: it computed, or would have */

/* Does this task go before a thread because of its nice value? */
static bool is_better(const struct model *m, const struct taker *by, const struct thread *t)
{
	if (!*name_of(m, by) || is_real_time(by->policy) || by->is == TAKER_IS_KERNEL ||
	    by->policy == SCHED_IDLE)
		return false;
	return by->nice < t->nice || (t->policy == SCHED_IDLE);
}

static bool is_low(const struct findings *f, const struct thread *t)
{
	uint64_t busy = t->state_ns[TS_RUNNING] + t->state_ns[TS_WOKEN] + t->state_ns[TS_PREEMPTED];

	return (t->nice > 0 || t->policy == SCHED_IDLE) && !is_real_time(t->policy) &&
	       is_settled(t) && share(f, t->end_ns) >= AT_THE_END &&
	       (double)busy >= NICED_BUSY * (double)t->lifetime_ns;
}

static void say_niced(struct findings *f, const struct thread *t, uint64_t ns,
		      const struct taker *by)
{
	struct finding *to = finding_add(f, "sched.niced", SEVERITY_NOTE);
	char had[32], queued[UNITS_SIZE];

	snprintf(to->subject, sizeof(to->subject), "%s", t->comm);
	if (t->policy == SCHED_IDLE)
		snprintf(had, sizeof(had), "SCHED_IDLE");
	else
		snprintf(had, sizeof(had), "nice %d", t->nice);
	finding_title(to, "with %s, it waits for others to leave it a CPU", had);
	evidence_add(to, "takers.ns", ns,
		     "it was ready for %s (%.0f %% of the time) without a CPU that such as %s "
		     "(nice %d) had taken",
		     units_ns(queued, ns, true), 100 * share(f, ns), name_of(f->model, by),
		     by->nice);
	evidence_add(to, "threads.states.running_ns", t->state_ns[TS_RUNNING],
		     "it computed for %.0f %% of the time, up to the end of the program",
		     100 * share(f, t->state_ns[TS_RUNNING]));
	finding_advice(to, "If its result is waited for, start it without nice, or move what is "
			   "in its way; if it is to stay in the background, all is as it should "
			   "be.");
	finding_gain(to, f, ns, "by a better priority");
}

void niced_find(struct findings *f)
{
	const struct model *m = f->model;
	uint64_t *ns = zeroed(m->n_threads, sizeof(*ns));
	const struct taker **by = zeroed(m->n_threads, sizeof(*by));
	size_t worst = NO_THREAD;

	for (size_t i = 0; i < m->n_takers; i++) {
		const struct taker *t = &m->takers[i];

		if (t->thread == NO_THREAD || !is_better(m, t, &m->threads[t->thread]))
			continue;
		ns[t->thread] += t->ns;
		if (!by[t->thread])
			by[t->thread] = t;
	}
	for (size_t i = 0; i < m->n_threads; i++) {
		if (share(f, ns[i]) < NICED_SHARE || !is_low(f, &m->threads[i]))
			continue;
		if (worst == NO_THREAD || ns[i] > ns[worst])
			worst = i;
	}
	if (worst != NO_THREAD)
		say_niced(f, &m->threads[worst], ns[worst], by[worst]);
	free(ns);
	free(by);
}

/* --- bound to a CPU that is busy, while others are not ---------------------------------- */

#define PINNED_SHARE 0.1 /* of the wall time, for certain */
#define IDLE_TICK_NS                                                                               \
	20000000.0 /* by which idle time, counted in ticks, may be too long on each CPU */

/* For how long the thread was ready while a CPU was idle that it may not use: at least. Of the idle
 * time, what may have been its own CPUs' while it neither ran nor was ready is left out; the rest, spread
 * over the other CPUs, and the thread's own waiting cannot both be in the wall time without that overlap. */
static double idle_meanwhile(const struct findings *f, const struct thread *t)
{
	const struct model *m = f->model;
	double wall = m->wall_ns, all = m->run.cpus_allowed, own = t->n_cpus;
	double queued =
		(double)t->state_ns[TS_WOKEN] + t->state_ns[TS_PREEMPTED] - t->queued_idle_ns;
	double own_idle = own * (wall - queued) - t->state_ns[TS_RUNNING];
	double idle = m->end.idle_ns - IDLE_TICK_NS * all;

	if (!own || own >= all || !is_settled(t) || queued < 0)
		return 0;
	return (idle - own_idle) / (all - own) + queued - wall;
}

static bool has_quota(const struct model *m)
{
	return m->run.quota_us > 0 && m->run.period_us > 0;
}

void pinned_find(struct findings *f)
{
	const struct model *m = f->model;
	const struct thread *worst = NULL;
	double most = PINNED_SHARE * m->wall_ns;
	char queued[UNITS_SIZE], idle[UNITS_SIZE];
	uint64_t ns;
	struct finding *to;

	if (!m->end.idle_known || has_quota(m))
		return;
	for (size_t i = 0; i < m->n_threads; i++) {
		double at_least = idle_meanwhile(f, &m->threads[i]);

		if (at_least <= most)
			continue;
		most = at_least;
		worst = &m->threads[i];
	}
	if (!worst)
		return;
	ns = worst->state_ns[TS_WOKEN] + worst->state_ns[TS_PREEMPTED];
	to = finding_add(f, "sched.pinned", SEVERITY_WARNING);
	snprintf(to->subject, sizeof(to->subject), "%s", worst->comm);
	finding_title(to, "it may use %u of %u CPUs, and waits for %s while others are idle",
		      worst->n_cpus, m->run.cpus_allowed,
		      worst->n_cpus == 1 ? "that one" : "those");
	evidence_add(to, "threads.states.preempted_ns", ns,
		     "it was ready for %s (%.0f %% of the time) without a CPU",
		     units_ns(queued, ns, true), 100 * share(f, ns));
	evidence_add(to, "measurement.idle_ns", m->end.idle_ns,
		     "the CPUs were idle for %s in all: for at least %.0f %% of the time while it "
		     "was ready",
		     units_ns(idle, m->end.idle_ns, true), 100 * most / m->wall_ns);
	finding_advice(to, "Let it use more CPUs (taskset, sched_setaffinity, OMP_PROC_BIND), or "
			   "bind each busy thread to a CPU of its own.");
	finding_gain(to, f, ns, "by letting it use the idle CPUs");
}
