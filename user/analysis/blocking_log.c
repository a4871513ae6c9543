// SPDX-License-Identifier: BSD-2-Clause
/*
 * A log, or other output by lines, that holds up those who write it: several threads wait in writes
 * to one thing; others wait for a lock that one has who does; or a call of a log waits. Only what is
 * plainly such: short writes, for the end of a file, a terminal, or standard output.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"
#include "../bpf/wall.h"
#include "base/units.h"
#include "model/target.h"

#define WALL_SHARE  0.1	 /* of the wall time */
#define LINE_MOST   1024 /* bytes of a write, on average */
#define WAITS_LEAST 20
#define TARGET_MOST 0.8 /* of the waits of its kind: it is what those threads wait for */
#define OF_THREAD   0.1 /* of such waits, for a thread to count */
#define FOR_HOLDER  0.5 /* of the waits for a lock: its holder was in such a write */
#define NAME_MOST   60

struct log {
	const struct io *target;     /* NULL: not known */
	const struct lock_row *lock; /* that others wait for meanwhile; NULL: none */
	const char *call;	     /* "syslog"; NULL: a write */
	const struct site *most;
	double ns, waits; /* in writes */
	size_t threads;
	double wall_ns; /* somebody waited, at most */
};

/* Standard output and its like: another pipe may be a queue between threads. */
static bool is_output(const struct io *io)
{
	if (io->kind == TARGET_FILE || io->kind == TARGET_TTY)
		return true;
	for (size_t i = 0; i < io->n_users && i < TARGET_USERS; i++) {
		if (io->users[i].fd == 1 || io->users[i].fd == 2)
			return io->kind == TARGET_PIPE;
	}
	return false;
}

/* What is waited for by nearly all waits of this cause; NULL: there is none, or it is no output. */
static const struct io *target_of(const struct findings *f, enum cause cause)
{
	const struct model *m = f->model;

	for (size_t i = 0; i < m->n_ios; i++) {
		const struct io *io = &m->ios[i];

		if (io->cause == cause && io->objects == 1 &&
		    io->ns >= TARGET_MOST * f->totals.waits[cause].ns)
			return is_output(io) ? io : NULL;
	}
	return NULL;
}

/* It writes lines, and not blocks. */
static bool writes_lines(const struct thread *t)
{
	return t && t->flags & THREAD_IO_COUNTED && t->witness.writes &&
	       t->witness.written_bytes <= (double)LINE_MOST * t->witness.writes;
}

static bool is_write(const struct model *m, const struct site *s)
{
	return s->what == SITE_WAIT && row_kind(row_of_cause(s->cause)) == ROW_IO &&
	       call_is_write(m, &m->stacks[s->stack]);
}

/* --- several threads in writes to one thing --------------------------------------------------- */

struct writer {
	uint64_t thread_id;
	double ns;
};

static int by_thread(const void *a, const void *b)
{
	const struct writer *v = a, *w = b;

	return v->thread_id < w->thread_id ? -1 : v->thread_id > w->thread_id;
}

/* How many of them wait for a good part of the time. */
static size_t count_writers(const struct model *m, struct writer *list, size_t n, double all)
{
	size_t count = 0;

	if (n)
		qsort(list, n, sizeof(*list), by_thread);
	for (size_t i = 0, next; i < n; i = next) {
		double ns = 0;

		for (next = i; next < n && list[next].thread_id == list[i].thread_id; next++)
			ns += list[next].ns;
		count += ns >= OF_THREAD * all && writes_lines(listed_thread(m, list[i].thread_id));
	}
	return count;
}

static void find_writers(struct log *ret, const struct findings *f, enum cause cause)
{
	const struct model *m = f->model;
	struct writer *list = zeroed(m->n_sites, sizeof(*list));
	size_t n = 0;

	memset(ret, 0, sizeof(*ret));
	ret->target = target_of(f, cause);
	for (size_t i = 0; ret->target && i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];

		if (s->cause != cause || !is_write(m, s))
			continue;
		ret->ns += f->sites.ns[i];
		ret->waits += f->sites.count[i];
		list[n++] = (struct writer){ s->thread_id, f->sites.ns[i] };
		if (!ret->most || s->ns > ret->most->ns)
			ret->most = s;
	}
	ret->threads = count_writers(m, list, n, ret->ns);
	ret->wall_ns = ret->target ? ret->target->any_ns : 0;
	free(list);
}

/* --- a lock that one has who writes ------------------------------------------------------------ */

static bool is_behind_io(const struct findings *f, const struct lock *l)
{
	return lock_is_contended(l) && l->doing_ns[DOING_IO] >= FOR_HOLDER * l->ns &&
	       l->any_ns >= WALL_SHARE * f->model->wall_ns;
}

static void find_holder(struct log *ret, const struct findings *f, const struct lock_row *row)
{
	const struct model *m = f->model;
	size_t lock = row->lock - m->locks;

	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];

		if (s->held != lock || !is_write(m, s) ||
		    !writes_lines(listed_thread(m, s->thread_id)))
			continue;
		ret->ns += f->sites.ns[i];
		ret->waits += f->sites.count[i];
		if (!ret->most || s->ns > ret->most->ns)
			ret->most = s;
	}
	if (!ret->most)
		return;
	ret->target = target_of(f, ret->most->cause);
	ret->lock = row;
	ret->threads = row->lock->n_waiters;
	ret->wall_ns = row->lock->any_ns;
}

/* --- a call of a log -------------------------------------------------------------------------- */

static void find_call(struct log *ret, const struct findings *f)
{
	const struct model *m = f->model;

	memset(ret, 0, sizeof(*ret));
	ret->threads = 1;
	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];
		const char *call =
			s->what == SITE_WAIT ? call_of_log(m, &m->stacks[s->stack]) : NULL;

		if (!call || s->cause == CAUSE_TIMER_SLEEP)
			continue;
		ret->ns += f->sites.ns[i];
		ret->waits += f->sites.count[i];
		ret->call = call;
		if (!ret->most || s->ns > ret->most->ns)
			ret->most = s;
	}
	ret->wall_ns = ret->ns < m->wall_ns ? ret->ns : m->wall_ns;
}

/* ---------------------------------------------------------------------------------------------- */

static void say_where(struct finding *to, const struct findings *f, const struct site *s)
{
	const struct stack *stack = &f->model->stacks[s->stack];
	ptrdiff_t own = own_frame(f->model, stack);
	char place[128];

	if (own >= 0 && f->model->frames[stack->frames[own]].function[0])
		evidence_add(
			to, "wait_sites.wait_ns", s->ns, "most of it began in %s",
			place_words(place, sizeof(place), &f->model->frames[stack->frames[own]]));
}

/* A pipe has no name, but a meaning. */
static const char *words_for(const struct io *io)
{
	if (!io || io->path)
		return io ? target_end_of(io->name, NAME_MOST) : "";
	for (size_t i = 0; i < io->n_users && i < TARGET_USERS; i++) {
		if (io->users[i].fd == 2)
			return "standard error";
	}
	return "standard output";
}

static void say_title(struct finding *to, const struct log *l)
{
	const char *name = words_for(l->target);

	if (l->call)
		finding_title(to, "it waits in %s for its log", l->call);
	else if (l->lock)
		finding_title(to, "threads wait for one that writes lines to %s, and has a lock",
			      name);
	else
		finding_title(to, "%zu threads wait again and again to write lines to %s",
			      l->threads, name);
}

static void say(struct findings *f, const struct log *l)
{
	struct finding *to = finding_add(f, "io.log", SEVERITY_WARNING);
	char waits[UNITS_SIZE], total[UNITS_SIZE], mean[UNITS_SIZE];

	say_title(to, l);
	evidence_add(to, "wait_sites.wait_ns", (uint64_t)l->ns,
		     "%s waits in writes took %s, %s each",
		     units_count(waits, estimate_whole(l->waits)),
		     units_ns(total, (uint64_t)l->ns, true),
		     units_ns(mean, (uint64_t)(l->ns / l->waits), true));
	if (l->lock)
		evidence_add(to, "locks.wait_ns", l->lock->lock->ns,
			     "%s waits took %s at %.60s meanwhile",
			     units_count(waits, l->lock->lock->waits),
			     units_ns(total, l->lock->lock->ns, true), l->lock->name);
	say_where(to, f, l->most);
	finding_advice(
		to, "If this is a log, let a thread of its own write it, from a queue that drops "
		    "or counts what is too much; or write many lines at once from a buffer. Make "
		    "the lines outside of the lock. Log less, or to something that does not make "
		    "the program wait.");
	finding_gain(to, f, l->wall_ns, "by never waiting for it");
}

static bool matters(const struct findings *f, const struct log *l)
{
	return l->most && l->waits >= WAITS_LEAST && l->wall_ns >= WALL_SHARE * f->model->wall_ns;
}

void blocking_log_find(struct findings *f)
{
	static const enum cause causes[] = { CAUSE_IO_PIPE, CAUSE_IO_TTY, CAUSE_IO_FILE,
					     CAUSE_IO_DISK };
	struct log l;

	find_call(&l, f);
	if (matters(f, &l)) {
		say(f, &l);
		return;
	}
	for (size_t i = 0; i < f->n_locks; i++) {
		if (!is_behind_io(f, f->locks[i].lock))
			continue;
		find_holder(&l, f, &f->locks[i]);
		if (l.target && matters(f, &l)) {
			say(f, &l);
			return;
		}
	}
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
		find_writers(&l, f, causes[i]);
		if (l.threads > 1 && matters(f, &l)) {
			say(f, &l);
			return;
		}
	}
}
