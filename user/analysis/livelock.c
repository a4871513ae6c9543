// SPDX-License-Identifier: BSD-2-Clause
/*
 * Threads that try locks, give up and try again: a livelock, if each has what the other one wants.
 * Whether a try fails is not seen, since it does not wait. What is seen: that threads of one process
 * are nearly always in functions that try locks, where they sleep or take and leave locks, over and
 * over, and hardly ever wait for one. Threads that look into queues do the same.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"
#include "base/map.h"
#include "base/units.h"
#include "event/trylock.h"

#define THREADS_LEAST 2
#define NAMED	      4	  /* threads */
#define SHARE_LEAST   0.8 /* of what a thread computes and waits: in such functions */
#define WORK_MOST     0.5 /* ... that it computes there, in neither a lock's function nor the kernel */
#define LOCK_MOST     0.1 /* ... that it waits for locks */
#define SLEEPS_LEAST  50
#define OWN_BETWEEN   2	 /* functions of the program, from the one that tries to where it sleeps */
#define SAMPLES_LEAST 12 /* by the clock, of one that does not sleep */

/* What one thread does in functions that try locks. */
struct trying {
	double sleep_ns, sleeps;
	double cpu_ns, work_ns; /* the latter: part of the former */
	uint64_t samples;	/* of cpu_ns */
	const struct frame *frame;
	double frame_ns; /* the most of one site */
};

static bool has_name(const struct frame *f)
{
	return f->function[0] && frame_is_own(f);
}

/* The place of the function in the stack; -1: there is none. It may have tried in what is inlined into
 * it, a library's or not. */
static ptrdiff_t trying_frame(const struct model *m, const struct stack *s)
{
	bool tries = false;
	size_t own = 0;

	for (size_t i = 0; i < s->n && own <= OWN_BETWEEN; i++) {
		const struct frame *f = &m->frames[s->frames[i]];
		bool is_try = is_trylock(f->function);

		tries |= is_try || f->flags & FRAME_TRIES_LOCK;
		if (is_try || !has_name(f))
			continue;
		if (tries)
			return i;
		own++;
	}
	return -1;
}

const struct frame *frame_that_tries(const struct model *m, const struct stack *s)
{
	ptrdiff_t at = trying_frame(m, s);

	return at < 0 ? NULL : &m->frames[s->frames[at]];
}

/* Neither the kernel's code nor a lock's. */
static bool is_work(const struct model *m, const struct stack *s, size_t inner)
{
	for (size_t i = 0; i < inner; i++) {
		const struct frame *f = &m->frames[s->frames[i]];

		if (f->flags & FRAME_KERNEL || frame_is_of_lock(f))
			return false;
	}
	return true;
}

static void add_site(struct trying *to, const struct findings *f, size_t i)
{
	const struct model *m = f->model;
	const struct site *site = &m->sites[i];
	const struct stack *stack = &m->stacks[site->stack];
	ptrdiff_t at = trying_frame(m, stack);
	double ns = f->sites.ns[i];

	if (at < 0)
		return;
	if (site->what == SITE_WAIT && site->cause == CAUSE_TIMER_SLEEP) {
		to->sleep_ns += ns;
		to->sleeps += f->sites.count[i];
	} else if (site->what == SITE_CPU) {
		to->cpu_ns += ns;
		to->samples += site->samples;
		to->work_ns += is_work(m, stack, at) ? ns : 0;
	} else {
		return;
	}
	if (!to->frame || ns > to->frame_ns) {
		to->frame = &m->frames[stack->frames[at]];
		to->frame_ns = ns;
	}
}

/* By place in model.threads. */
static struct trying *add_sites(const struct findings *f)
{
	const struct model *m = f->model;
	struct trying *of = zeroed(m->n_threads, sizeof(*of));
	struct map thread_by_id = { 0 };

	for (size_t i = 0; i < m->n_threads; i++) {
		if (m->threads[i].id != MAP_NONE)
			*map_add(&thread_by_id, m->threads[i].id) = i;
	}
	for (size_t i = 0; i < m->n_sites; i++) {
		uint64_t id = m->sites[i].thread_id,
			 *place = id && id != MAP_NONE ? map_find(&thread_by_id, id) : NULL;

		if (place)
			add_site(&of[*place], f, i);
	}
	map_free(&thread_by_id);
	return of;
}

/* Without what it had to wait for a CPU. */
static double active_ns(const struct thread *t)
{
	return (double)t->state_ns[TS_RUNNING] + t->state_ns[TS_BLOCKED] + t->state_ns[TS_UNKNOWN];
}

static bool only_tries(const struct thread *t, const struct trying *s)
{
	double all = active_ns(t);

	return s->frame && (s->sleeps >= SLEEPS_LEAST || s->samples >= SAMPLES_LEAST) &&
	       s->sleep_ns + s->cpu_ns >= SHARE_LEAST * all && s->work_ns <= WORK_MOST * all &&
	       t->row_ns[ROW_LOCK] <= LOCK_MOST * all;
}

static void say_thread(struct finding *to, const struct thread *t, const struct trying *s)
{
	char count[UNITS_SIZE], mean[UNITS_SIZE], part[UNITS_SIZE], name[128];
	double all = active_ns(t);

	units_percent(part, (s->sleep_ns + s->cpu_ns) / (all > 0 ? all : 1));
	place_words(name, sizeof(name), s->frame);
	if (s->sleeps >= SLEEPS_LEAST)
		evidence_add(to, "wait_sites.waits", estimate_whole(s->sleeps),
			     "%.15s (%u): %s of its time, with %s sleeps of %s each, is in %s",
			     t->comm, t->tid, part, units_count(count, estimate_whole(s->sleeps)),
			     units_ns(mean, estimate_whole(s->sleep_ns / s->sleeps), true), name);
	else
		evidence_add(to, "cpu_sites.samples", s->samples,
			     "%.15s (%u): %s of its time, computing by %s samples, is in %s",
			     t->comm, t->tid, part, units_count(count, s->samples), name);
}

#define REST_NS 5000000 /* between two tries */

static bool is_restless(const struct trying *s)
{
	return s->sleep_ns < (double)REST_NS * s->sleeps || !s->sleeps;
}

static void say(struct findings *f, const struct trying *of, size_t process, size_t n)
{
	const struct model *m = f->model;
	struct finding *to = finding_add(f, "livelock", SEVERITY_NOTE);
	size_t named = 0;
	uint64_t ns = 0;
	char text[UNITS_SIZE];

	finding_title(
		to, "%zu threads do little but try locks, again and again: a livelock, or polling",
		n);
	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (t->process != process || !only_tries(t, &of[i]))
			continue;
		ns += t->row_ns[ROW_LOCK];
		if (is_restless(&of[i])) /* who looks into a queue now and then rests longer */
			to->severity = SEVERITY_WARNING;
		if (named++ < NAMED)
			say_thread(to, t, &of[i]);
	}
	if (n > NAMED)
		evidence_add(to, "threads", n - NAMED, "%zu more do so", n - NAMED);
	evidence_add(to, "threads.waited_for.lock_ns", ns, "all of them waited for locks for %s",
		     units_ns(text, ns, true));
	finding_advice(to,
		       "Whether a try fails cannot be seen: threads that look into queues do the "
		       "same. If each has what the other one wants, and gives it back, and so on: "
		       "take the locks in one order everywhere, or wait for a lock instead of "
		       "trying it, or let each rest for a random time before it tries again.");
}

void livelock_find(struct findings *f)
{
	const struct model *m = f->model;
	struct trying *of = add_sites(f);
	size_t *n = zeroed(m->n_processes, sizeof(*n)), most = 0;

	for (size_t i = 0; i < m->n_threads; i++) {
		size_t process = m->threads[i].process;

		if (only_tries(&m->threads[i], &of[i]) && ++n[process] > n[most])
			most = process;
	}
	if (m->n_processes && n[most] >= THREADS_LEAST)
		say(f, of, most, n[most]);
	free(n);
	free(of);
}
