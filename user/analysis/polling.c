// SPDX-License-Identifier: BSD-2-Clause
/*
 * Blind polling: a thread sleeps, looks whether something has happened, and sleeps again. It is
 * told in two ways: by what it costs the CPU, if it does so very often; and if it is slower, by
 * what it costs others, who wait for it to look.
 */
#include <string.h>

#include "analysis/internal.h"
#include "base/units.h"

static const struct wait *sleeps_of(const struct thread *t)
{
	for (size_t i = 0; i < t->n_waits; i++) {
		if (t->waits[i].cause == CAUSE_TIMER_SLEEP)
			return &t->waits[i];
	}
	return NULL;
}

/* Whoever sleeps in a library of its language has not asked for it: Go's runtime has such a thread.
 * If no sleep was looked at, that is not known. */
static bool is_languages_doing(const struct findings *f, const struct thread *t)
{
	const struct model *m = f->model;
	bool was_looked_at = false;

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];

		if (s->what != SITE_WAIT || s->thread_id != t->id || s->cause != CAUSE_TIMER_SLEEP)
			continue;
		if (own_frame(m, &m->stacks[s->stack]) >= 0)
			return false;
		was_looked_at = true;
	}
	return was_looked_at;
}

#define LEADS_TO_SHARE 0.25 /* of its looks, that something comes of, at most */

/* Who produces something at each tick writes it, or wakes somebody for it. */
static bool hands_on(const struct findings *f, const struct thread *t)
{
	const struct model *m = f->model;
	double most = LEADS_TO_SHARE * sleeps_of(t)->count, woken = 0;

	for (size_t i = 0; i < m->n_wakes; i++)
		woken += m->wakes[i].waker_id == t->id ? m->wakes[i].waits : 0;
	return woken > most || (t->flags & THREAD_IO_COUNTED && t->witness.writes > most);
}

/* --- so often that it costs ------------------------------------------------------------ */

#define POLLS_LEAST	100
#define POLLS_PER_S	400
#define POLL_COST	0.02 /* of its life, in CPU time, at least: or nobody would notice */
#define POLL_WORK_SHARE 0.2  /* of the thread's life: a look, not work */

static bool is_costly(const struct findings *f, const struct thread *t)
{
	const struct wait *w = sleeps_of(t);

	return w && t->lifetime_ns && w->count >= POLLS_LEAST &&
	       w->count * 1000000000.0 >= (double)POLLS_PER_S * t->lifetime_ns &&
	       t->state_ns[TS_RUNNING] >= POLL_COST * t->lifetime_ns &&
	       t->state_ns[TS_RUNNING] <= POLL_WORK_SHARE * t->lifetime_ns && !hands_on(f, t) &&
	       !is_languages_doing(f, t);
}

/* --- so slowly that it keeps others waiting ------------------------------------------------ */

#define NAPS_LEAST     300
#define NAP_MOST       100000000 /* on average */
#define NAP_LONGEST    5	 /* times the average: of one length, but for a late timer */
#define NAPPING_SHARE  0.95	 /* of its waiting, asleep */
#define NAP_WORK_SHARE 0.02	 /* ... computing: more is work */
#define NAP_WORK_MOST  100000	 /* ns of it after each: a look is cheap */
#define START_NS       100000000 /* an interpreter's start takes as long */
#define STANDSTILL     0.1	 /* of the wall time in which all wait for a time to come */

/* Waits that are no sleeps: had a look led to something, that would mostly be seen by one. */
static uint64_t other_waits(const struct findings *f)
{
	uint64_t n = 0;

	for (int c = 0; c < CAUSE_COUNT; c++)
		n += c == CAUSE_TIMER_SLEEP ? 0 : f->totals.waits[c].count;
	return n;
}

/* Nothing comes of most of its looks: it writes nothing, nobody is woken by it. A thread that has
 * something to do at each tick mostly does. */
static bool is_in_vain(const struct findings *f, const struct thread *t)
{
	return t->flags & THREAD_IO_COUNTED && !hands_on(f, t) &&
	       other_waits(f) <= LEADS_TO_SHARE * sleeps_of(t)->count;
}

/* What it computed after its sleeps, at most; a program's first thread has started it, too. */
static double work_of(const struct thread *t)
{
	double ran = t->state_ns[TS_RUNNING], start = t->flags & THREAD_LEADER ? START_NS : 0;

	return ran > start ? ran - start : 0;
}

static bool keeps_waiting(const struct findings *f, const struct thread *t)
{
	const struct wait *w = sleeps_of(t);

	return w && t->lifetime_ns && w->count >= NAPS_LEAST &&
	       w->ns < (double)NAP_MOST * w->count &&
	       w->max_ns <= (double)NAP_LONGEST * w->ns / w->count &&
	       w->ns >= NAPPING_SHARE * t->state_ns[TS_BLOCKED] &&
	       work_of(t) <= NAP_WORK_SHARE * t->lifetime_ns &&
	       work_of(t) <= (double)NAP_WORK_MOST * w->count &&
	       f->model->wall.row_ns[ROW_TIMER] >= STANDSTILL * f->model->wall_ns &&
	       is_in_vain(f, t) && !is_languages_doing(f, t);
}

/* ---------------------------------------------------------------------------------------- */

/* The thread that does so most often, and how many do. */
static const struct thread *
most_often(const struct findings *f, bool (*polls)(const struct findings *, const struct thread *),
	   size_t *ret_n)
{
	const struct thread *most = NULL;

	*ret_n = 0;
	for (size_t i = 0; i < f->model->n_threads; i++) {
		const struct thread *t = &f->model->threads[i];

		if (!polls(f, t))
			continue;
		++*ret_n;
		if (!most || sleeps_of(t)->count > sleeps_of(most)->count)
			most = t;
	}
	return most;
}

static void say_where(struct finding *to, const struct findings *f)
{
	char place[128];

	for (size_t i = 0; i < f->sites.n_hot_waits; i++) {
		const struct hot *h = &f->sites.hot_waits[i];

		if (h->cause != CAUSE_TIMER_SLEEP)
			continue;
		if (h->frame && h->frame->function[0])
			evidence_add(to, "wait_sites.waits", estimate_whole(h->waits),
				     "most of the time asleep is in %s or called by it",
				     place_words(place, sizeof(place), h->frame));
		return;
	}
}

static void say(struct findings *f, const struct thread *t, size_t n, struct finding *to)
{
	const struct wait *w = sleeps_of(t);
	char sleeps[UNITS_SIZE], slept[UNITS_SIZE], worked[UNITS_SIZE];

	memcpy(to->subject, t->comm, sizeof(t->comm));
	evidence_add(to, "threads.blocked.timer.sleep.count", w->count,
		     "%s sleeps of %s on average, and up to %s of work after each",
		     units_count(sleeps, w->count), units_ns(slept, w->ns / w->count, true),
		     units_ns(worked, t->state_ns[TS_RUNNING] / w->count, true));
	evidence_add(to, "threads.blocked.timer.sleep.ns", w->ns / w->count / 2,
		     "what happens meanwhile it learns %s later on average",
		     units_ns(slept, w->ns / w->count / 2, true));
	say_where(to, f);
	if (n > 1)
		evidence_add(to, "threads", n, "%zu threads do so", n);
}

void polling_find(struct findings *f)
{
	size_t n;
	const struct thread *costly = most_often(f, is_costly, &n);
	const struct thread *most = costly ? costly : most_often(f, keeps_waiting, &n);
	struct finding *to;
	char times[UNITS_SIZE];

	if (!most)
		return;
	to = finding_add(f, "timer.polling", costly ? SEVERITY_WARNING : SEVERITY_NOTE);
	units_count(times, sleeps_of(most)->count * 1e9 / most->lifetime_ns);
	if (costly)
		finding_title(to, "sleeps, looks and sleeps again, %s times a second", times);
	else
		finding_title(to,
			      "wakes up from a sleep %s times a second, and does nothing that "
			      "is seen",
			      times);
	say(f, most, n, to);
	finding_advice(to,
		       "If it looks whether something has happened, wait for that instead: a "
		       "condition, an eventfd, poll, inotify, waitpid. It then learns of it at "
		       "once, and costs nothing until then.%s",
		       costly ? ""
			      : " If it has something to do each time, such as to send a message, "
				"all is well: that is not seen.");
}
