// SPDX-License-Identifier: BSD-2-Clause
/* Deadlocks that were proved: who waits for whom, by which of the four conditions, and what to do. */
#include "analysis/deadlocks.h"
#include "analysis/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/sentence.h"
#include "base/units.h"

#define SAID_MAX 4	       /* members and those behind them */
#define FINDINGS 8	       /* more are only counted */
#define DEATH_NS 1000000000ull /* from the end of its wait to that of its thread, which is killed */
#define SAME_NS	 1000000       /* clocks of several CPUs */

static const char *lock_name(const struct findings *f, const struct stuck_wait *w)
{
	if (w->lock == NO_LOCK)
		return w->want == WANT_CHILD ? "a child" : "a pipe";
	return f->locks[f->lock_rank[w->lock]].name;
}

/* It needs the end of a thread, or of a child. */
static bool is_for_end(const struct stuck_wait *w)
{
	return w->want == WANT_CHILD || (w->want == WANT_HOLDER && w->hints & LOCK_HINT_JOIN);
}

static bool is_for_pipe(const struct stuck_wait *w)
{
	return w->want == WANT_READER || w->want == WANT_WRITER;
}

static bool is_for_file(const struct stuck_wait *w)
{
	return w->want == WANT_FILE_LOCK;
}

/* It can be seen from one wait alone: its thread waits for itself. */
static bool is_alone(const struct stuck_wait *w)
{
	return w->holder_id == w->thread_id;
}

/* A file that was never seen by its name has that of a function. */
static void add_lock(struct sentence *s, const struct findings *f, const struct stuck_wait *w)
{
	if (!is_for_file(w))
		sentence_add(s, "%.60s", lock_name(f, w));
	else if (f->model->locks[w->lock].variable)
		sentence_add(s, "a lock of the file %.40s", lock_name(f, w));
	else
		sentence_add(s, "a lock of a file");
}

char *stuck_name(char *buf, size_t size, const struct model *m, size_t thread)
{
	if (thread == NO_THREAD)
		snprintf(buf, size, "a thread");
	else
		snprintf(buf, size, "%s (%u)", m->threads[thread].comm, m->threads[thread].tid);
	return buf;
}

const struct frame *stuck_frame(const struct model *m, const struct stuck_wait *w)
{
	const struct stack *s = w->stack == NO_STACK ? NULL : &m->stacks[w->stack];
	ptrdiff_t own = s ? own_frame(m, s) : -1;

	return own < 0 ? NULL : &m->frames[s->frames[own]];
}

/* --- the four conditions --------------------------------------------------------------- */

static void add_more(struct sentence *s, const struct deadlock *d)
{
	if (d->n_members > SAID_MAX)
		sentence_add(s, ", and %zu more", d->n_members - SAID_MAX);
}

static size_t said_members(const struct deadlock *d)
{
	return d->n_members < SAID_MAX ? d->n_members : SAID_MAX;
}

static void say_exclusion(struct sentence *s, const struct findings *f, const struct deadlock *d)
{
	char name[48], other[48];

	for (size_t i = 0; i < (d->kind == DEADLOCK_CYCLE ? said_members(d) : 1); i++) {
		const struct stuck_wait *w = &d->waits[i];

		if (is_for_end(w))
			sentence_add(s, "%snobody but %s itself can bring about its end",
				     i ? "; " : "",
				     stuck_name(name, sizeof(name), f->model, w->holder));
		else if (is_for_pipe(w))
			sentence_add(s, "%snobody who can go on has the other end of %s's pipe",
				     i ? "; " : "",
				     stuck_name(name, sizeof(name), f->model, w->thread));
		else if (is_for_file(w))
			sentence_add(s, "%swhat %s has leaves no room for what %s wants",
				     i ? "; " : "",
				     stuck_name(name, sizeof(name), f->model, w->holder),
				     stuck_name(other, sizeof(other), f->model, w->thread));
		else
			sentence_add(s, "%s%.60s (%s) is one thread's at a time", i ? "; " : "",
				     lock_name(f, w),
				     lock_kind_name(f->model->locks[w->lock].kind));
	}
	add_more(s, d);
}

static void say_holding(struct sentence *s, const struct findings *f, const struct deadlock *d)
{
	char name[48];

	if (d->kind == DEADLOCK_ABANDONED) {
		sentence_add(s, "thread %u has %.60s, and %s", d->waits[0].holder_nr,
			     lock_name(f, d->waits),
			     d->waits[0].holder_is == HOLDER_IS_FOREIGN
				     ? "is of another process: this one has a copy, since a fork"
				     : "is dead");
		return;
	}
	for (size_t i = 0; i < said_members(d); i++) {
		const struct stuck_wait *w = &d->waits[i];
		const struct stuck_wait *for_it = &d->waits[(i + d->n_members - 1) % d->n_members];

		sentence_add(s, "%s%s ", i ? "; " : "",
			     stuck_name(name, sizeof(name), f->model, w->thread));
		if (is_for_end(for_it)) {
			sentence_add(s, "has not ended");
		} else if (is_for_pipe(for_it)) {
			sentence_add(s, "is to %s a pipe",
				     for_it->want == WANT_READER ? "read" : "write");
		} else {
			sentence_add(s, "has ");
			add_lock(s, f, for_it);
		}
		sentence_add(s, " and waits");
	}
	add_more(s, d);
}

static void say_preemption(struct sentence *s, const struct findings *f, const struct deadlock *d)
{
	(void)f;
	(void)d;
	sentence_add(s, "no wait has a time-out, and nobody takes away what a thread has");
}

static void say_circle(struct sentence *s, const struct findings *f, const struct deadlock *d)
{
	char name[48];

	if (d->kind == DEADLOCK_ABANDONED) {
		sentence_add(
			s,
			"no circle: nobody is left who could let it go; two looks found the same");
		return;
	}
	sentence_add(s, "%s", stuck_name(name, sizeof(name), f->model, d->waits[0].thread));
	for (size_t i = 0; i < said_members(d); i++)
		sentence_add(s, "%s waits for %s", i ? ", which" : "",
			     stuck_name(name, sizeof(name), f->model, d->waits[i].holder));
	if (d->n_members > SAID_MAX)
		sentence_add(s, ", and so on, back to the first");
	sentence_add(s, "; two looks found the same waits");
}

const struct deadlock_condition deadlock_conditions[DEADLOCK_CONDITIONS] = {
	{ "mutual_exclusion", "mutual exclusion" },
	{ "hold_and_wait", "hold and wait" },
	{ "no_preemption", "no preemption" },
	{ "circular_wait", "circular wait" },
};

char *deadlock_condition(char *buf, size_t size, const struct findings *f, const struct deadlock *d,
			 size_t condition)
{
	static void (*const say[DEADLOCK_CONDITIONS])(struct sentence *, const struct findings *,
						      const struct deadlock *) = {
		say_exclusion,
		say_holding,
		say_preemption,
		say_circle,
	};
	struct sentence s = sentence_in(buf, size);

	say[condition](&s, f, d);
	return buf;
}

/* --- the finding ------------------------------------------------------------------------ */

static void say_member(struct finding *to, const struct findings *f, const struct deadlock *d,
		       size_t i)
{
	const struct model *m = f->model;
	const struct stuck_wait *w = &d->waits[i];
	const struct frame *in = stuck_frame(m, w);
	char waits[48], holder[48], place[96] = "", lock[64];
	struct sentence named = sentence_in(lock, sizeof(lock));

	if (in && in->function[0])
		place_words(place, sizeof(place), in);
	stuck_name(waits, sizeof(waits), m, w->thread);
	stuck_name(holder, sizeof(holder), m, w->holder);
	add_lock(&named, f, w);
	if (is_for_end(w) || is_for_pipe(w))
		evidence_add(to, "deadlocks.cycle", d->seen_ns - w->since_ns,
			     "%s waits for %s %s%s%.50s", waits,
			     is_for_end(w)	      ? "the end of"
			     : w->want == WANT_READER ? "a pipe to be read by"
						      : "a pipe to be written by",
			     w->holder_id == w->thread_id ? "itself" : holder,
			     *place ? ", in " : "", place);
	else if (d->kind == DEADLOCK_ABANDONED)
		evidence_add(to, "deadlocks.cycle", d->seen_ns - w->since_ns,
			     "%s waits for %.40s%s%.60s", waits, lock_name(f, w),
			     *place ? ", in " : "", place);
	else
		evidence_add(to, "deadlocks.cycle", d->seen_ns - w->since_ns,
			     "%s waits for %.46s, which %s has%s%.50s", waits, lock,
			     w->holder_id == w->thread_id ? "it" : holder, *place ? "; in " : "",
			     place);
}

static void say_behind(struct finding *to, const struct findings *f, const struct deadlock *d)
{
	char text[128], name[48];
	struct sentence s = sentence_in(text, sizeof(text));
	size_t n = d->n - d->n_members;

	if (!n)
		return;
	for (size_t i = 0; i < n && i < 3; i++)
		sentence_add(&s, "%s%s", i ? ", " : "",
			     stuck_name(name, sizeof(name), f->model,
					d->waits[d->n_members + i].thread));
	evidence_add(to, "deadlocks.behind", n, "%zu more wait%s behind %s: %s%s", n,
		     n == 1 ? "s" : "", d->n_members == 1 ? "it" : "them", text,
		     n > 3 ? " ..." : "");
}

static bool is_stuck(const struct model *m, size_t thread)
{
	for (size_t i = 0; i < m->n_stuck; i++) {
		if (m->stuck[i].thread == thread)
			return true;
	}
	return false;
}

/* To its end at least: what it was in when it died is not known. */
static bool ran_since(const struct thread *t, uint64_t since_ns)
{
	return t->end_ns > since_ns &&
	       (!(t->flags & THREAD_OPEN_WAIT) || t->open_for_ns < t->end_ns - since_ns);
}

/* The part of the program that goes on. */
static void say_others(struct finding *to, const struct findings *f, const struct deadlock *d)
{
	const struct model *m = f->model;
	size_t n = 0, most = NO_THREAD;
	char name[48];

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (!ran_since(t, d->since_ns) || is_stuck(m, i))
			continue;
		n++;
		if (most == NO_THREAD ||
		    t->state_ns[TS_RUNNING] > m->threads[most].state_ns[TS_RUNNING])
			most = i;
	}
	if (n)
		evidence_add(to, "threads", n, "%zu other thread%s ran after that%s%s", n,
			     n == 1 ? "" : "s", n == 1 ? ": " : ", most of all ",
			     stuck_name(name, sizeof(name), m, most));
	else
		evidence_add(to, "threads", 0, "no other thread of it has run since");
}

static bool any_is(const struct deadlock *d, bool (*is)(const struct stuck_wait *w))
{
	for (size_t i = 0; i < d->n_members; i++) {
		if (is(&d->waits[i]))
			return true;
	}
	return false;
}

/* What to do, by what its members wait for: the first row that fits. */
static const struct {
	bool (*is)(const struct stuck_wait *w);
	bool (*is_too)(const struct stuck_wait *w);
	const char *text;
} advices[] = {
	{ is_for_file, is_for_pipe, "Let the file's lock go before waiting for who needs it." },
	{ is_for_pipe, NULL,
	  "A pipe holds 64 KiB: read from all pipes while writing (poll, a thread for each, "
	  "subprocess.communicate), before waiting for the end of who writes, and close the ends "
	  "that a process does not need." },
	{ is_for_end, NULL, "Let a lock go before waiting for the end of who needs it." },
	{ is_for_file, is_alone,
	  "Such a lock belongs to the open file, not to the process, which gets in its own "
	  "way if it opens the file once more: use one descriptor, or a copy of it (dup)." },
	{ is_for_file, NULL,
	  "Take locks of files in one order everywhere, or try (LOCK_NB) and give back what one "
	  "has; let a lock to read go before taking one to write." },
	{ is_alone, NULL,
	  "A thread that has this lock must not take it again: call a function that expects it to "
	  "be taken, or make it recursive." },
};

static const char *advice(const struct deadlock *d)
{
	if (d->kind == DEADLOCK_ABANDONED && d->waits[0].holder_is == HOLDER_IS_FOREIGN)
		return "A fork copies locks as they are, and only the thread that forks: the child "
		       "of a program with threads may call nothing that takes a lock before it "
		       "executes another program. Use posix_spawn, or fork before the first "
		       "thread.";
	if (d->kind == DEADLOCK_ABANDONED)
		return "Who took the lock has ended without letting it go: let it go on every way "
		       "out, or make it robust (PTHREAD_MUTEX_ROBUST), which tells the next one.";
	for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
		if (any_is(d, advices[i].is) &&
		    (!advices[i].is_too || any_is(d, advices[i].is_too)))
			return advices[i].text;
	}
	return "Take these locks in one order everywhere, by address for example "
	       "(std::scoped_lock does that), or do not hold one while taking the next.";
}

static uint64_t longest_wait(const struct thread *t)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < t->n_waits; i++)
		longest = t->waits[i].max_ns > longest ? t->waits[i].max_ns : longest;
	return longest;
}

/* It was in that wait when it died with its process, or when the measurement ended. */
static bool is_in_it_to_the_end(const struct model *m, const struct stuck_wait *w)
{
	const struct thread *t = w->thread == NO_THREAD ? NULL : &m->threads[w->thread];

	if (!t)
		return false;
	if (t->flags & THREAD_OPEN_WAIT)
		return t->open_for_ns + SAME_NS >= t->end_ns - w->since_ns;
	return t->flags & THREAD_CUT_OFF && longest_wait(t) + DEATH_NS >= t->end_ns - w->since_ns;
}

static bool stood_to_the_end(const struct model *m, const struct deadlock *d)
{
	for (size_t i = 0; i < d->n_members; i++) {
		if (!is_in_it_to_the_end(m, &d->waits[i]))
			return false;
	}
	return true;
}

/* It ended all the same: somebody else let go, or the threads were killed. */
static void say_ended(struct finding *to, const struct findings *f, const struct deadlock *d)
{
	char one[48];

	stuck_name(one, sizeof(one), f->model, d->waits[0].thread);
	if (d->kind == DEADLOCK_ABANDONED || d->n_members == 1)
		finding_title(to,
			      "%s waited for %.60s, which nobody could let go, until it was ended",
			      one, lock_name(f, d->waits));
	else
		finding_title(to, "%zu threads waited for each other, until they were ended",
			      d->n_members);
}

static void say_title(struct finding *to, const struct findings *f, const struct deadlock *d)
{
	char one[48], other[48];

	if (!stood_to_the_end(f->model, d)) {
		say_ended(to, f, d);
		return;
	}
	stuck_name(one, sizeof(one), f->model, d->waits[0].thread);
	if (d->kind == DEADLOCK_ABANDONED)
		finding_title(to, "%s will wait for ever for %.60s, which nobody can let go", one,
			      lock_name(f, d->waits));
	else if (d->n_members == 1)
		finding_title(to, "%s will wait for ever, for %s", one,
			      is_for_pipe(d->waits) ? "what only it can do"
						    : "a lock that it has itself");
	else if (d->n_members == 2)
		finding_title(to, "%s and %s wait for each other, for ever", one,
			      stuck_name(other, sizeof(other), f->model, d->waits[1].thread));
	else
		finding_title(to, "%zu threads wait for each other, for ever", d->n_members);
}

/* A wait that was under way when its thread was attached to may have begun any time before. */
static bool is_older(const struct findings *f, const struct deadlock *d)
{
	for (size_t i = 0; i < d->n_members; i++) {
		const struct model *m = f->model;
		const struct thread *t =
			d->waits[i].thread == NO_THREAD ? NULL : &m->threads[d->waits[i].thread];

		if (!t || !(t->flags & THREAD_ATTACHED) || t->switches)
			return false;
	}
	return true;
}

static void say_since(struct finding *to, const struct findings *f, const struct deadlock *d)
{
	char at[UNITS_SIZE], stood[UNITS_SIZE], since[64];

	snprintf(since, sizeof(since), "so since %s after the start",
		 units_ns(at, d->since_ns, true));
	evidence_add(to, "deadlocks.since_ns", d->since_ns, "%s, and still %s later: the last look",
		     is_older(f, d) ? "so since before concprof came" : since,
		     units_ns(stood, d->seen_ns - d->since_ns, true));
}

static void say(struct finding *to, const struct findings *f, const struct deadlock *d)
{

	say_title(to, f, d);
	for (size_t i = 0; i < said_members(d); i++)
		say_member(to, f, d, i);
	if (d->n_members > SAID_MAX)
		evidence_add(to, "deadlocks.cycle", d->n_members, "and %zu more",
			     d->n_members - SAID_MAX);
	say_behind(to, f, d);
	say_since(to, f, d);
	say_others(to, f, d);
	finding_advice(to, "%s", advice(d));
}

const struct deadlock *deadlock_deciding(const struct findings *f)
{
	const struct model *m = f->model;

	for (size_t i = 0; i < m->n_deadlocks; i++) {
		if (stood_to_the_end(m, &m->deadlocks[i]))
			return &m->deadlocks[i];
	}
	return NULL;
}

void deadlock_say_verdict(struct finding *to, const struct findings *f)
{
	say(to, f, deadlock_deciding(f));
}

void deadlocks_say(struct findings *f)
{
	const struct model *m = f->model;
	const struct deadlock *said =
		f->verdict.class == CLASS_DEADLOCKED ? deadlock_deciding(f) : NULL;

	for (size_t i = 0; i < m->n_deadlocks && i < FINDINGS; i++) {
		if (&m->deadlocks[i] != said)
			say(finding_add(f, "deadlock", SEVERITY_ERROR), f, &m->deadlocks[i]);
	}
}
