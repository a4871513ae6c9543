// SPDX-License-Identifier: BSD-2-Clause
/*
 * What kind of thing a word is that threads wait at: by the function of the library through
 * which they came to wait, where a wait was looked at; else by what the wait itself says.
 * What the probes could only call sync.futex has its true cause then, to the nanosecond: the
 * waits of each thread at each word are known.
 */
#include "model/internal.h"

#include <stdlib.h>
#include <string.h>

#define DEEPEST 12 /* frames: what waits is not far below the function that is called */

const char *lock_kind_name(enum lock_kind kind)
{
	static const char *const names[LOCK_KIND_COUNT] = {
		[LOCK_KIND_UNKNOWN] = "futex", [LOCK_KIND_MUTEX] = "mutex",
		[LOCK_KIND_RWLOCK] = "rwlock", [LOCK_KIND_PI] = "pi",
		[LOCK_KIND_FILE] = "file",     [LOCK_KIND_SYSV] = "sysv-sem",
		[LOCK_KIND_KERNEL] = "kernel", [LOCK_KIND_GIL] = "gil",
		[LOCK_KIND_ONCE] = "once",     [LOCK_KIND_COND] = "cond",
		[LOCK_KIND_SEM] = "sem",       [LOCK_KIND_BARRIER] = "barrier",
		[LOCK_KIND_JOIN] = "join",     [LOCK_KIND_START] = "start",
	};

	return names[kind];
}

struct way {
	const char *function; /* without the underscores that it may begin with */
	enum lock_kind kind;
	bool is_prefix;
};

static const struct way ways[] = {
	/* glibc, musl */
	{ "pthread_cond_", LOCK_KIND_COND, true },
	{ "cnd_wait", LOCK_KIND_COND, false },
	{ "cnd_timedwait", LOCK_KIND_COND, false },
	{ "pthread_rwlock_", LOCK_KIND_RWLOCK, true },
	{ "pthread_barrier_wait", LOCK_KIND_BARRIER, false },
	{ "new_sem_wait", LOCK_KIND_SEM, true },
	{ "sem_wait", LOCK_KIND_SEM, false },
	{ "sem_timedwait", LOCK_KIND_SEM, false },
	{ "sem_clockwait", LOCK_KIND_SEM, false },
	{ "pthread_once", LOCK_KIND_ONCE, true },
	{ "call_once", LOCK_KIND_ONCE, false },
	{ "pthread_join", LOCK_KIND_JOIN, false },
	{ "pthread_timedjoin_np", LOCK_KIND_JOIN, false },
	{ "pthread_clockjoin", LOCK_KIND_JOIN, true },
	{ "thrd_join", LOCK_KIND_JOIN, false },
	{ "pthread_create", LOCK_KIND_START, true },
	{ "pthread_mutex_", LOCK_KIND_MUTEX, true },
	{ "mtx_lock", LOCK_KIND_MUTEX, false },
	{ "GI___pthread_mutex_", LOCK_KIND_MUTEX, true },
	/* GNU's and LLVM's C++ */
	{ "cxa_guard_acquire", LOCK_KIND_ONCE, false },
	{ "std::__atomic_semaphore", LOCK_KIND_SEM, true },
	{ "std::counting_semaphore", LOCK_KIND_SEM, true },
	{ "std::__1::counting_semaphore", LOCK_KIND_SEM, true },
	{ "std::barrier", LOCK_KIND_BARRIER, true },
	{ "std::__1::barrier", LOCK_KIND_BARRIER, true },
	/* Rust: the type is a part of the name, in one of two spellings */
	{ "std::sys::sync::mutex::futex::", LOCK_KIND_MUTEX, true },
	{ "<std::sys::sync::mutex::futex::", LOCK_KIND_MUTEX, true },
	{ "std::sys::sync::rwlock::futex::", LOCK_KIND_RWLOCK, true },
	{ "<std::sys::sync::rwlock::futex::", LOCK_KIND_RWLOCK, true },
	{ "std::sys::sync::condvar::futex::", LOCK_KIND_COND, true },
	{ "<std::sys::sync::condvar::futex::", LOCK_KIND_COND, true },
	{ "std::sys::sync::once::futex::", LOCK_KIND_ONCE, true },
	{ "<std::sys::sync::once::futex::", LOCK_KIND_ONCE, true },
	/* Go's runtime: its own locks, and its threads that have nothing to do */
	{ "runtime.lock2", LOCK_KIND_MUTEX, false },
	{ "runtime.notesleep", LOCK_KIND_COND, false },
	{ "runtime.notetsleep", LOCK_KIND_COND, true },
	{ "runtime.semasleep", LOCK_KIND_SEM, false },
	/* CPython */
	{ "take_gil", LOCK_KIND_GIL, false },
};

static enum lock_kind kind_of_function(const char *function)
{
	while (*function == '_')
		function++;
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		const struct way *w = &ways[i];
		size_t n = strlen(w->function);

		/* a version, or a part that the compiler has moved, may follow */
		if (!strncmp(function, w->function, n) &&
		    (w->is_prefix || !function[n] || strchr("@.(", function[n])))
			return w->kind;
	}
	return LOCK_KIND_UNKNOWN;
}

/* The interpreter's lock is made of a condition and a mutex: who calls these decides. */
static enum lock_kind kind_of_stack(const struct model *m, const struct stack *s)
{
	enum lock_kind found = LOCK_KIND_UNKNOWN;

	for (size_t i = 0; i < s->n && i < DEEPEST; i++) {
		enum lock_kind kind = kind_of_function(m->frames[s->frames[i]].function);

		if (kind == LOCK_KIND_GIL)
			return kind;
		if (!found)
			found = kind;
	}
	return found;
}

static const struct hinted {
	uint32_t hint;
	enum lock_kind kind;
} hinted[] = {
	{ LOCK_HINT_CONVOY, LOCK_KIND_GIL },	{ LOCK_HINT_JOIN, LOCK_KIND_JOIN },
	{ LOCK_HINT_PI, LOCK_KIND_PI },		{ LOCK_HINT_RWLOCK, LOCK_KIND_RWLOCK },
	{ LOCK_HINT_REQUEUE, LOCK_KIND_COND },	{ LOCK_HINT_WORD, LOCK_KIND_MUTEX },
	{ LOCK_HINT_ROBUST, LOCK_KIND_MUTEX },	{ LOCK_HINT_AGAIN, LOCK_KIND_MUTEX },
	{ LOCK_HINT_FILE, LOCK_KIND_FILE },	{ LOCK_HINT_SYSV, LOCK_KIND_SYSV },
	{ LOCK_HINT_KERNEL, LOCK_KIND_KERNEL },
};

static enum lock_kind kind_of_hints(uint32_t hints)
{
	for (size_t i = 0; i < sizeof(hinted) / sizeof(*hinted); i++) {
		if (hints & hinted[i].hint)
			return hinted[i].kind;
	}
	return LOCK_KIND_UNKNOWN;
}

/* A PI mutex is told by its calls, not by its functions; a lock that is made of timed waits, by
 * what its threads do: but on a busy machine a semaphore may look like one, which no such lock is
 * made of. */
static bool is_settled(const struct lock *l, enum lock_kind by_stacks)
{
	if (l->hints & LOCK_HINT_CONVOY)
		return by_stacks != LOCK_KIND_SEM && by_stacks != LOCK_KIND_BARRIER;
	return l->hints &
	       (LOCK_HINT_PI | LOCK_HINT_JOIN | LOCK_HINT_FILE | LOCK_HINT_SYSV | LOCK_HINT_KERNEL);
}

void lock_kinds_find(struct model *m)
{
	uint64_t(*ns)[LOCK_KIND_COUNT] = calloc(m->n_locks + 1, sizeof(*ns));

	if (!ns)
		out_of_memory();
	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];

		if (s->what == SITE_WAIT && s->lock != NO_LOCK)
			ns[s->lock][kind_of_stack(m, &m->stacks[s->stack])] += s->ns + 1;
	}
	for (size_t i = 0; i < m->n_locks; i++) {
		struct lock *l = &m->locks[i];
		enum lock_kind best = LOCK_KIND_UNKNOWN;

		for (int k = LOCK_KIND_UNKNOWN + 1; k < LOCK_KIND_COUNT; k++) {
			if (ns[i][k] > (best ? ns[i][best] : 0))
				best = k;
		}
		l->kind = best && !is_settled(l, best) ? best : kind_of_hints(l->hints);
	}
	free(ns);
}

/* What a wait at such a lock is called; CAUSE_UNKNOWN: as the probes say. Only within one row of
 * the wall time, which was added up by what the probes said. */
static enum cause cause_at(const struct lock *l, enum cause said)
{
	static const enum cause of_kind[LOCK_KIND_COUNT] = {
		[LOCK_KIND_MUTEX] = CAUSE_LOCK_MUTEX,	  [LOCK_KIND_RWLOCK] = CAUSE_LOCK_RWLOCK,
		[LOCK_KIND_PI] = CAUSE_LOCK_PI,		  [LOCK_KIND_COND] = CAUSE_SYNC_COND,
		[LOCK_KIND_SEM] = CAUSE_SYNC_SEM,	  [LOCK_KIND_JOIN] = CAUSE_SYNC_JOIN,
		[LOCK_KIND_BARRIER] = CAUSE_SYNC_BARRIER,
	};
	enum cause cause = of_kind[l->kind];

	if (said != CAUSE_SYNC_FUTEX && said != CAUSE_LOCK_MUTEX)
		return CAUSE_UNKNOWN;
	return cause && row_of_cause(cause) == row_of_cause(said) && cause != said ? cause
										   : CAUSE_UNKNOWN;
}

static struct wait *wait_of(struct thread *t, enum cause cause)
{
	for (size_t i = 0; i < t->n_waits; i++) {
		if (t->waits[i].cause == cause)
			return &t->waits[i];
	}
	return NULL;
}

static struct wait *add_wait(struct model_builder *b, struct thread *t, enum cause cause)
{
	struct wait *w = wait_of(t, cause), *waits;

	if (w)
		return w;
	waits = obstack_alloc(strings_of(b), (t->n_waits + 1) * sizeof(*waits));
	memcpy(waits, t->waits, t->n_waits * sizeof(*waits));
	waits[t->n_waits] = (struct wait){ .cause = cause };
	t->waits = waits;
	return &waits[t->n_waits++];
}

static void move_wait(struct model_builder *b, struct lock_waiter *w, enum cause to)
{
	struct thread *t = &b->m->threads[w->thread];
	struct wait *from = wait_of(t, w->cause), *rest;
	uint64_t count, ns;

	if (!from)
		return;
	count = w->waits < from->count ? w->waits : from->count;
	ns = w->ns < from->ns && count < from->count ? w->ns : from->ns;
	from->count -= count;
	from->ns -= ns;
	from->max_ns = from->max_ns < from->ns ? from->max_ns : from->ns;
	rest = add_wait(b, t, to);
	rest->count += count;
	rest->ns += ns;
	if (w->max_ns > rest->max_ns)
		rest->max_ns = w->max_ns < rest->ns ? w->max_ns : rest->ns;
	if (w->is_open && t->flags & THREAD_OPEN_WAIT && t->open_cause == w->cause) {
		wait_of(t, w->cause)->open = false;
		rest->open = true;
		t->open_cause = to;
	}
	w->cause = to;
}

/* In order again, without those that have nothing left. */
static void tidy(struct thread *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n_waits; i++) {
		if (t->waits[i].count || t->waits[i].ns || t->waits[i].open)
			t->waits[n++] = t->waits[i];
	}
	t->n_waits = n;
	if (n)
		qsort(t->waits, n, sizeof(*t->waits), longest_wait_first);
}

void lock_causes_settle(struct model_builder *b)
{
	struct model *m = b->m;

	for (size_t i = 0; i < m->n_lock_waiters; i++) {
		struct lock_waiter *w = &m->lock_waiters[i];
		enum cause cause = cause_at(&m->locks[w->lock], w->cause);

		if (cause && w->thread != NO_THREAD)
			move_wait(b, w, cause);
	}
	for (size_t i = 0; i < m->n_lock_waiters; i++) {
		if (m->lock_waiters[i].thread != NO_THREAD)
			tidy(&m->threads[m->lock_waiters[i].thread]);
	}
	for (size_t i = 0; i < m->n_sites; i++) {
		struct site *s = &m->sites[i];
		enum cause cause =
			s->lock == NO_LOCK ? CAUSE_UNKNOWN : cause_at(&m->locks[s->lock], s->cause);

		if (cause)
			s->cause = cause;
	}
}
