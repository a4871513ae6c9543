// SPDX-License-Identifier: BSD-2-Clause
/*
 * The kind of concurrency that a program shows: what its threads and processes are like, and not what
 * it is called. What a runtime, a pool or an event loop explains is left out of what remains: threads
 * and processes.
 */
#include "analysis/kinds.h"

#include <stdlib.h>
#include <string.h>

#define SHARE_LEAST 0.1 /* of the most active thread: less is no part of what a program does */

const char *concurrency_name(enum concurrency kind)
{
	static const char *const names[KIND_COUNT] = {
		[KIND_SINGLE] = "single",	[KIND_THREADS] = "threads",
		[KIND_PROCESSES] = "processes", [KIND_POOL] = "pool",
		[KIND_LOOP] = "event-loop",	[KIND_COROUTINES] = "coroutines",
		[KIND_MN] = "mn-threads",
	};

	return kind < KIND_COUNT ? names[kind] : NULL;
}

const char *concurrency_how_name(enum kind_how how)
{
	static const char *const names[KIND_HOW_COUNT] = {
		[KIND_BY_NUMBER] = "number",	   [KIND_BY_LOCK] = "lock",
		[KIND_BY_OWN_LOCKS] = "own-locks", [KIND_BY_TARGET] = "target",
		[KIND_BY_RESULTS] = "results",	   [KIND_BY_WATCHING] = "watching",
		[KIND_BY_FUNCTION] = "function",   [KIND_BY_LIBRARY] = "library",
		[KIND_BY_STACKS] = "stacks",
	};

	return how < KIND_HOW_COUNT ? names[how] : NULL;
}

size_t kinds_thread(const struct kinds *k, uint64_t id)
{
	const uint64_t *place = id && id != MAP_NONE ? map_find(&k->places, id) : NULL;

	return place ? *place : NO_THREAD;
}

/* --- what is at work ------------------------------------------------------------------------ */

bool waits_for_others(enum cause c)
{
	static const bool yes[CAUSE_COUNT] = {
		[CAUSE_SYNC_COND] = true,     [CAUSE_SYNC_SEM] = true,
		[CAUSE_SYNC_BARRIER] = true,  [CAUSE_SYNC_JOIN] = true,
		[CAUSE_SYNC_FUTEX] = true,    [CAUSE_IO_PIPE] = true,
		[CAUSE_IO_TTY] = true,	      [CAUSE_EVENT_EPOLL] = true,
		[CAUSE_EVENT_POLL] = true,    [CAUSE_EVENT_SELECT] = true,
		[CAUSE_EVENT_EVENTFD] = true, [CAUSE_EVENT_SIGNALFD] = true,
		[CAUSE_EVENT_INOTIFY] = true, [CAUSE_CHILD_WAIT] = true,
		[CAUSE_CHILD_VFORK] = true,   [CAUSE_SIGNAL_WAIT] = true,
		[CAUSE_SIGNAL_STOP] = true,   [CAUSE_SIGNAL_PTRACE] = true,
		[CAUSE_IPC_SYSV_MSG] = true,  [CAUSE_IPC_SYSV_SEM] = true,
		[CAUSE_IPC_POSIX_MQ] = true,
	};

	return yes[c];
}

/* It ran, or waited for what is its own: a device, a lock, time to pass. Waits at a socket are for
 * others if they are for who comes. */
static uint64_t active_of(const struct thread *t)
{
	uint64_t own = t->state_ns[TS_RUNNING], socket = 0, demand = t->row_ns[ROW_DEMAND];

	for (size_t i = 0; i < t->n_waits; i++) {
		const struct wait *w = &t->waits[i];

		if (!waits_for_others(w->cause))
			own += w->ns;
		if (w->cause == CAUSE_IO_SOCKET)
			socket = w->ns;
		if (w->cause == CAUSE_IO_PIPE || w->cause == CAUSE_IO_TTY)
			demand -= demand < w->ns ? demand : w->ns;
	}
	return own - (demand < socket ? demand : socket);
}

static void learn(struct kinds *k)
{
	const struct model *m = k->f->model;

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (t->id != MAP_NONE)
			*map_add(&k->places, t->id) = i;
		if (t->flags & THREAD_KERNEL)
			continue;
		k->active[i] = active_of(t);
		k->most = k->active[i] > k->most ? k->active[i] : k->most;
		if (t->state_ns[TS_RUNNING] > k->most_running)
			k->most_running = t->state_ns[TS_RUNNING];
	}
}

/* --- rows ------------------------------------------------------------------------------------- */

struct change {
	uint64_t at;
	int by;
};

static int earlier_first(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->by - y->by;
}

/* How many of these lived at once; consumes the order of `changes`. */
static size_t most_at_once(struct change *changes, size_t n)
{
	size_t most = 0, now = 0;

	if (n)
		qsort(changes, n, sizeof(*changes), earlier_first);
	for (size_t i = 0; i < n; i++) {
		now += changes[i].by;
		most = now > most ? now : most;
	}
	return most;
}

/* Of threads; of their processes, each once, if these are the members. */
static size_t lives_at_once(const struct model *m, const size_t *threads, size_t n,
			    bool of_processes, size_t *ret_members)
{
	struct change *changes = zeroed(2 * n, sizeof(*changes));
	bool *seen = zeroed(m->n_processes, sizeof(*seen));
	size_t members = 0, most;

	for (size_t i = 0; i < n; i++) {
		const struct thread *t = &m->threads[threads[i]];
		const struct process *p = &m->processes[t->process];

		if (of_processes && seen[t->process])
			continue;
		seen[t->process] = true;
		changes[2 * members] =
			(struct change){ of_processes ? p->start_ns : t->start_ns, 1 };
		changes[2 * members++ + 1] =
			(struct change){ of_processes ? p->end_ns : t->end_ns, -1 };
	}
	most = most_at_once(changes, 2 * members);
	free(changes);
	free(seen);
	*ret_members = members;
	return most;
}

struct kind_row *kinds_add(struct kinds *k, enum concurrency kind, const size_t *threads, size_t n)
{
	const struct model *m = k->f->model;
	struct kind_row *row = vec_add(&k->rows);
	uint64_t from = UINT64_MAX, to = 0;

	*row = (struct kind_row){
		.kind = kind,
		.thread = threads[0],
		.process = m->threads[threads[0]].process,
		.lock = NO_LOCK,
		.io = NO_IO,
		.maybe_lock = NO_LOCK,
	};
	for (size_t i = 0; i < n; i++) {
		const struct thread *t = &m->threads[threads[i]];

		if (t->process != row->process)
			row->process = NO_PROCESS;
		row->life_ns += t->lifetime_ns;
		row->running_ns += t->state_ns[TS_RUNNING];
		row->active_ns += k->active[threads[i]];
		from = t->start_ns < from ? t->start_ns : from;
		to = t->end_ns > to ? t->end_ns : to;
		k->taken[threads[i]] = kind;
		if (kind == KIND_POOL)
			k->f->pool_of[threads[i]] = threads[0];
	}
	row->wall_ns = to > from ? to - from : 0;
	row->of_processes = row->process == NO_PROCESS;
	row->at_once = lives_at_once(m, threads, n, row->of_processes, &row->members);
	return row;
}

bool kinds_matter(const struct kinds *k, uint64_t active_ns, uint64_t running_ns)
{
	return (active_ns && (double)active_ns >= SHARE_LEAST * (double)k->most) ||
	       (running_ns && (double)running_ns >= SHARE_LEAST * (double)k->most_running);
}

bool kinds_live_together(const struct model *m, const size_t *threads, size_t n)
{
	size_t members;

	return 2 * lives_at_once(m, threads, n, false, &members) >= n;
}

/* --- what it comes to ----------------------------------------------------------------------------- */

static int named_first(const void *a, const void *b)
{
	const struct kind_row *x = a, *y = b;

	if (x->is_named != y->is_named)
		return x->is_named ? -1 : 1;
	if (x->active_ns != y->active_ns)
		return x->active_ns > y->active_ns ? -1 : 1;
	return x->thread != y->thread ? (x->thread < y->thread ? -1 : 1)
				      : (int)x->kind - (int)y->kind;
}

static void settle(struct kinds *k)
{
	struct findings *f = k->f;
	uint32_t named = 0;

	f->kinds = k->rows.items;
	f->n_kinds = k->rows.n;
	if (f->n_kinds)
		qsort(f->kinds, f->n_kinds, sizeof(*f->kinds), named_first);
	for (size_t i = 0; i < f->n_kinds && f->kinds[i].is_named; i++) {
		if (!(named >> f->kinds[i].kind & 1))
			f->kind_names[f->n_kind_names++] = f->kinds[i].kind;
		named |= 1u << f->kinds[i].kind;
	}
}

static void count_lives(struct findings *f)
{
	const struct model *m = f->model;
	size_t *threads = zeroed(m->n_threads, sizeof(*threads)), n = 0, members;

	for (size_t i = 0; i < m->n_threads; i++) {
		if (!(m->threads[i].flags & THREAD_KERNEL))
			threads[n++] = i;
	}
	f->threads_at_once = lives_at_once(m, threads, n, false, &members);
	free(threads);
}

void kinds_find(struct findings *f)
{
	const struct model *m = f->model;
	struct kinds k = {
		.f = f,
		.active = zeroed(m->n_threads, sizeof(*k.active)),
		.taken = zeroed(m->n_threads, sizeof(*k.taken)),
		.of_thread = zeroed(m->n_threads, sizeof(*k.of_thread)),
		.of_process = zeroed(m->n_processes, sizeof(*k.of_process)),
		.maybe = zeroed(m->n_processes, sizeof(*k.maybe)),
	};

	f->pool_of = zeroed(m->n_threads, sizeof(*f->pool_of));
	for (size_t i = 0; i < m->n_threads; i++)
		f->pool_of[i] = NO_THREAD;
	learn(&k);
	kinds_see_runtimes(&k);
	kinds_find_runtimes(&k);
	/* Before pools: who waits for many things waits not for work alone. */
	kinds_find_loops(&k);
	kinds_find_pools(&k);
	kinds_find_full(&k);
	kinds_find_results(&k);
	kinds_find_rest(&k);
	settle(&k);
	count_lives(f);
	map_free(&k.places);
	free(k.active);
	free(k.taken);
	free(k.of_thread);
	free(k.of_process);
	free(k.maybe);
}
