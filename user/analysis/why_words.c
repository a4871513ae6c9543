// SPDX-License-Identifier: BSD-2-Clause
/* What one thread waits for, in a sentence. */
#include "analysis/why.h"

#include <stdio.h>

#include "analysis/deadlocks.h"
#include "analysis/internal.h"
#include "base/sentence.h"

#define NAMED 3 /* processes that could end a wait */

struct says {
	struct sentence *to;
	const struct findings *f;
	const struct stand *stand;
	bool many;
};

static enum cause cause_of(const struct says *s)
{
	return s->f->model->threads[s->stand->thread].open_cause;
}

/* "waits", of several "wait" */
static void verb(const struct says *s, const char *one)
{
	sentence_add(s->to, "%s%s", one, s->many ? "" : "s");
}

static void add_other(const struct says *s)
{
	char name[48];

	sentence_add(s->to, "%s",
		     s->stand->other == s->stand->thread
			     ? "it itself"
			     : stuck_name(name, sizeof(name), s->f->model, s->stand->other));
}

/* "cat (12), head (13) and 2 more" */
static void add_needs(const struct says *s)
{
	const struct stand *st = s->stand;

	for (size_t i = 0; i < st->n_needs && i < NAMED; i++) {
		const struct stand_need *n = &st->needs[i];

		sentence_add(s->to, "%s%s%s%u%s", i ? ", " : "", n->comm, n->comm[0] ? " (" : "",
			     n->pid, n->comm[0] ? ")" : "");
	}
	if (st->n_needs > NAMED)
		sentence_add(s->to, " and %zu more", st->n_needs - NAMED);
}

static void add_descriptor(const struct says *s)
{
	const struct stand *st = s->stand;

	if (st->text[0])
		sentence_add(s->to, " %.200s", st->text);
	if (st->fd >= 0)
		sentence_add(s->to, "%s (descriptor %d)", st->text[0] ? "" : " something", st->fd);
}

/* --- locks ----------------------------------------------------------------------------------- */

static void add_lock(const struct says *s)
{
	const struct model *m = s->f->model;
	const struct lock *l = &m->locks[s->stand->lock];

	sentence_add(s->to, "%.80s (%s)", s->f->locks[s->f->lock_rank[s->stand->lock]].name,
		     lock_kind_name(l->kind));
}

static void add_holder(const struct says *s)
{
	switch (s->stand->other_is) {
	case HOLDER_IS_THREAD:
		sentence_add(s->to, ", which ");
		add_other(s);
		sentence_add(s->to, " has");
		break;
	case HOLDER_IS_NOBODY:
		sentence_add(s->to,
			     "; %u stands there as who has it, and this process has no such thread",
			     s->stand->other_nr);
		break;
	case HOLDER_IS_FOREIGN:
		sentence_add(s->to,
			     "; who has it, %u, is a thread of another process: a fork has left "
			     "this one a copy of the lock",
			     s->stand->other_nr);
		break;
	default:
		if (s->stand->readers)
			sentence_add(s->to, ", which %u reader%s: it does not say who",
				     s->stand->readers, s->stand->readers == 1 ? " has" : "s have");
		else
			sentence_add(s->to, "; who has it cannot be told");
	}
}

static void say_lock(const struct says *s)
{
	verb(s, "wait");
	sentence_add(s->to, " for ");
	if (s->stand->lock == NO_LOCK)
		sentence_add(s->to, "%s", cause_words(cause_of(s)));
	else
		add_lock(s);
	add_holder(s);
}

static void say_file_lock(const struct says *s)
{
	verb(s, "wait");
	sentence_add(s->to, " for a lock of");
	add_descriptor(s);
	if (!s->stand->n_needs) {
		sentence_add(s->to, "; who has it cannot be told");
		return;
	}
	sentence_add(s->to, ", which ");
	add_needs(s);
	sentence_add(s->to, " %s", s->stand->n_needs == 1 ? "has" : "have");
}

static void say_join(const struct says *s)
{
	verb(s, "wait");
	sentence_add(s->to, " for ");
	if (s->stand->other == NO_THREAD) {
		sentence_add(s->to, "another thread to end");
		return;
	}
	add_other(s);
	sentence_add(s->to, " to end");
}

/* Not for one who has it, but for somebody who does something. */
static void say_sync(const struct says *s)
{
	verb(s, "wait");
	sentence_add(s->to, " for %s", cause_words(cause_of(s)));
	if (s->stand->lock != NO_LOCK) {
		sentence_add(s->to, ": ");
		add_lock(s);
	}
}

/* --- descriptors --------------------------------------------------------------------------- */

static void say_pipe(const struct says *s)
{
	const struct stand *st = s->stand;

	if (st->fd < 0) {
		verb(s, "wait");
		sentence_add(s->to, " for somebody to open the other end of %s%.200s",
			     st->text[0] ? "the named pipe " : "a named pipe", st->text);
		return;
	}
	if (!st->n_needs) {
		verb(s, "wait");
		sentence_add(s->to, " for the other end of");
		add_descriptor(s);
		return;
	}
	if (st->needs[0].how == NEED_READER) {
		verb(s, "write");
		sentence_add(s->to, " to");
		add_descriptor(s);
		sentence_add(s->to, ", which is full and to be read by ");
	} else {
		verb(s, "read");
		sentence_add(s->to, " from");
		add_descriptor(s);
		sentence_add(s->to, ", which is empty and to be written by ");
	}
	add_needs(s);
}

static void say_socket(const struct says *s)
{
	const struct stand *st = s->stand;

	verb(s, "wait");
	sentence_add(s->to, st->fd_is == STAND_FD_LISTENER ? " for clients at" : " for");
	add_descriptor(s);
	if (!st->n_needs)
		return;
	sentence_add(s->to, ", whose other end has ");
	add_needs(s);
}

static void say_fd(const struct says *s)
{
	verb(s, "wait");
	sentence_add(s->to, " for %s", cause_words(cause_of(s)));
	if (s->stand->fd >= 0 && s->stand->text[0]) {
		sentence_add(s->to, ":");
		add_descriptor(s);
	}
}

/* Of one descriptor as if it were read. */
static void say_events(const struct says *s)
{
	static void (*const as_read[STAND_FD_COUNT])(const struct says *s) = {
		[STAND_FD_PIPE] = say_pipe,
		[STAND_FD_SOCKET] = say_socket,
		[STAND_FD_LISTENER] = say_socket,
	};
	const struct stand *st = s->stand;

	if (st->n_fds == 1 && as_read[st->fd_is]) {
		as_read[st->fd_is](s);
		return;
	}
	verb(s, "wait");
	sentence_add(s->to, " for %s", cause_words(cause_of(s)));
	if (st->n_fds)
		sentence_add(s->to, " at %u descriptor%s", st->n_fds, st->n_fds == 1 ? "" : "s");
}

/* --- others -------------------------------------------------------------------------------- */

static void say_child(const struct says *s)
{
	verb(s, "wait");
	if (!s->stand->n_needs) {
		sentence_add(s->to, " for a child process to end");
		return;
	}
	sentence_add(s->to, " for %s to end: ",
		     s->stand->n_needs == 1 ? "its child" : "one of its children");
	add_needs(s);
}

static void say_tracer(const struct says *s)
{
	sentence_add(s->to, "%s held by ", s->many ? "are" : "is");
	if (s->stand->n_needs)
		add_needs(s);
	else
		sentence_add(s->to, "a debugger");
}

static void say_stop(const struct says *s)
{
	sentence_add(s->to, "%s stopped by a signal, until a SIGCONT", s->many ? "are" : "is");
}

static void say_sleep(const struct says *s)
{
	const struct model *m = s->f->model;
	size_t stack = m->threads[s->stand->thread].stack;
	const struct frame *f = stack == NO_STACK ? NULL : frame_that_tries(m, &m->stacks[stack]);

	verb(s, "sleep");
	if (f)
		sentence_add(s->to, " in %.80s, which tries a lock", f->function);
}

static void say_plain(const struct says *s)
{
	verb(s, "wait");
	sentence_add(s->to, " for %s", cause_words(cause_of(s)));
}

static void (*const say_cause[CAUSE_COUNT])(const struct says *s) = {
	[CAUSE_LOCK_MUTEX] = say_lock,	 [CAUSE_LOCK_RWLOCK] = say_lock,
	[CAUSE_LOCK_PI] = say_lock,	 [CAUSE_LOCK_FILE] = say_file_lock,
	[CAUSE_SYNC_JOIN] = say_join,	 [CAUSE_SYNC_COND] = say_sync,
	[CAUSE_SYNC_SEM] = say_sync,	 [CAUSE_SYNC_BARRIER] = say_sync,
	[CAUSE_SYNC_FUTEX] = say_sync,	 [CAUSE_IO_PIPE] = say_pipe,
	[CAUSE_IO_SOCKET] = say_socket,	 [CAUSE_IO_FILE] = say_fd,
	[CAUSE_IO_DISK] = say_fd,	 [CAUSE_IO_TTY] = say_fd,
	[CAUSE_EVENT_EVENTFD] = say_fd,	 [CAUSE_EVENT_EPOLL] = say_events,
	[CAUSE_EVENT_POLL] = say_events, [CAUSE_EVENT_SELECT] = say_events,
	[CAUSE_CHILD_WAIT] = say_child,	 [CAUSE_SIGNAL_PTRACE] = say_tracer,
	[CAUSE_SIGNAL_STOP] = say_stop,	 [CAUSE_TIMER_SLEEP] = say_sleep,
};

/* Of a process whose first thread has ended before others there is nothing to be waited for yet. */
static void say_dead(const struct says *s)
{
	const struct model *m = s->f->model;

	if (m->processes[m->threads[s->stand->thread].process].n_threads > s->many + 1u) {
		sentence_add(s->to, "%s ended, before others of the process",
			     s->many ? "have" : "has");
		return;
	}
	sentence_add(s->to, "%s dead, and %.80s has not waited for %s", s->many ? "are" : "is",
		     s->stand->text[0] ? s->stand->text : "the parent", s->many ? "them" : "it");
}

static void say_blocked(const struct says *s)
{
	void (*say)(const struct says *) = say_cause[cause_of(s)];

	(say ? say : say_plain)(s);
}

char *why_words(char *buf, size_t size, const struct findings *f, const struct stand *st, bool many)
{
	struct sentence to = sentence_in(buf, size);
	struct says s = { &to, f, st, many };

	switch (st->state) {
	case STAND_RUNNING:
		verb(&s, "run");
		break;
	case STAND_QUEUED:
		verb(&s, "wait");
		sentence_add(&to, " for a CPU");
		break;
	case STAND_DEAD:
		say_dead(&s);
		break;
	default:
		say_blocked(&s);
	}
	return buf;
}
