// SPDX-License-Identifier: BSD-2-Clause
/* Which locks matter, what they are called, and for whom their waiters waited. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"

/* What is waited for here is another thread's letting go, not its work. */
bool lock_is_contended(const struct lock *l)
{
	static const bool contended[LOCK_KIND_COUNT] = {
		[LOCK_KIND_MUTEX] = true, [LOCK_KIND_RWLOCK] = true, [LOCK_KIND_PI] = true,
		[LOCK_KIND_GIL] = true,	  [LOCK_KIND_FILE] = true,   [LOCK_KIND_KERNEL] = true,
	};

	return contended[l->kind];
}

static const struct thread *thread_at(const struct model *m, size_t place)
{
	return place == NO_THREAD ? NULL : &m->threads[place];
}

/* Threads of one name are one: "worker". */
static void find_holder(struct lock_row *row, const struct model *m)
{
	const struct lock *l = row->lock;
	uint64_t most = 0;

	for (size_t i = 0; i < l->n_holders && i < LOCK_HOLDERS_SEEN; i++) {
		const struct thread *t = thread_at(m, l->holders[i].thread);
		uint64_t ns = 0;

		for (size_t k = 0; t && k < l->n_holders; k++) {
			const struct thread *u = thread_at(m, l->holders[k].thread);

			if (u && !strcmp(t->comm, u->comm))
				ns += l->holders[k].ns;
		}
		if (ns <= most)
			continue;
		most = ns;
		row->holder = t;
	}
	row->holder_ns = most;
}

static void find_doing(struct lock_row *row, const struct model *m)
{
	const struct lock *l = row->lock;

	for (size_t i = 0; row->holder && i < l->n_holders; i++) {
		const struct thread *t = thread_at(m, l->holders[i].thread);

		if (!t || strcmp(t->comm, row->holder->comm))
			continue;
		row->holder_threads++;
		for (int k = 0; k < DOING_COUNT; k++)
			row->holder_doing_ns[k] += l->holders[i].doing_ns[k];
	}
}

/* By the file that its variable is of, or that its process executes. */
static const char *name_of_gil(const struct lock *l, const struct model *m)
{
	const struct thread *t = l->n_waiters ? thread_at(m, l->waiters[0].thread) : NULL;
	const char *files[] = { l->object, t ? m->processes[t->process].exe : NULL };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		const char *slash = files[i] ? strrchr(files[i], '/') : NULL;
		const char *file = slash ? slash + 1 : files[i];

		if (file && (!strncmp(file, "python", 6) || !strncmp(file, "libpython", 9)))
			return "the GIL";
		if (file && (!strncmp(file, "ruby", 4) || !strncmp(file, "libruby", 7)))
			return "the GVL";
	}
	return l->variable ? l->variable : "an interpreter's lock";
}

/* The same from run to run: an address is no name. */
static void find_name(struct lock_row *row, const struct model *m)
{
	const struct lock *l = row->lock;
	const struct thread *t = l->n_waiters ? thread_at(m, l->waiters[0].thread) : NULL;

	if (l->kind == LOCK_KIND_GIL)
		snprintf(row->name, sizeof(row->name), "%s", name_of_gil(l, m));
	else if (l->kind == LOCK_KIND_KERNEL && row->call)
		snprintf(row->name, sizeof(row->name), "in %s", row->call);
	else if (l->variable)
		snprintf(row->name, sizeof(row->name), "%s", l->variable);
	else if (row->place && row->place->function[0])
		snprintf(row->name, sizeof(row->name), "%s", row->place->function);
	else
		snprintf(row->name, sizeof(row->name), "a %s of %s", lock_kind_name(l->kind),
			 t ? t->comm : "a thread that is not listed");
}

static bool is_waiting(const struct lock_row *row)
{
	return row->lock->kind != LOCK_KIND_JOIN && row->lock->kind != LOCK_KIND_START;
}

/* Locks, then what is waited for as it should be, then the ends of threads. */
static int by_weight(const void *a, const void *b)
{
	const struct lock_row *v = a, *w = b;
	const struct lock *l = v->lock, *k = w->lock;

	if (lock_is_contended(l) != lock_is_contended(k))
		return lock_is_contended(l) ? -1 : 1;
	if (is_waiting(v) != is_waiting(w))
		return is_waiting(v) ? -1 : 1;
	if (l->any_ns != k->any_ns)
		return l->any_ns > k->any_ns ? -1 : 1;
	if (l->key.space != k->key.space)
		return l->key.space < k->key.space ? -1 : 1;
	return l->key.word < k->key.word ? -1 : l->key.word > k->key.word;
}

void locks_find(struct findings *f)
{
	const struct model *m = f->model;

	f->n_locks = m->n_locks;
	f->locks = zeroed(m->n_locks, sizeof(*f->locks));
	for (size_t i = 0; i < m->n_locks; i++)
		f->locks[i].lock = &m->locks[i];
	lock_places_find(f);
	for (size_t i = 0; i < m->n_locks; i++) {
		find_holder(&f->locks[i], m);
		find_doing(&f->locks[i], m);
		find_name(&f->locks[i], m);
	}
	if (m->n_locks)
		qsort(f->locks, m->n_locks, sizeof(*f->locks), by_weight);
	f->lock_rank = zeroed(m->n_locks, sizeof(*f->lock_rank));
	for (size_t i = 0; i < m->n_locks; i++)
		f->lock_rank[f->locks[i].lock - m->locks] = i;
}

void lock_sum_add(struct lock_sum *to, const struct lock *l)
{
	to->n++;
	to->waits += l->waits;
	to->timeouts += l->timeouts;
	to->open += l->open;
	to->ns += l->ns;
	to->max_ns = l->max_ns > to->max_ns ? l->max_ns : to->max_ns;
	to->blamed_ns += l->blamed_ns;
	to->any_ns += l->any_ns;
}

struct lock_sum lock_sum_of(const struct findings *f, const char *name)
{
	struct lock_sum sum = { 0 };

	for (size_t i = 0; i < f->n_locks; i++) {
		if (!strcmp(f->locks[i].name, name))
			lock_sum_add(&sum, f->locks[i].lock);
	}
	return sum;
}
