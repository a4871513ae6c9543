// SPDX-License-Identifier: BSD-2-Clause
/* Threads as one look found them, and who could end their waits. */
#include "model/internal.h"

#include <stdlib.h>
#include <string.h>

int on_stand(struct model_builder *b, const struct event *head)
{
	const struct ev_stand *ev = (const struct ev_stand *)head;

	*vec_add(&b->stands) = (struct stand){
		.thread_id = ev->thread_id,
		.other_id = ev->other_id,
		.state = ev->state,
		.is_asked = ev->is_asked,
		.for_ns = ev->for_ns,
		.is_timed = ev->is_timed,
		.left_ns = ev->left_ns,
		.other_is = ev->other_is,
		.other_nr = ev->other_nr,
		.readers = ev->readers,
		.fd = ev->fd,
		.fd_is = ev->fd_is,
		.n_fds = ev->n_fds,
		.text = obstack_copy0(strings_of(b), ev->text, strlen(ev->text)),
	};
	return 0;
}

int on_need(struct model_builder *b, const struct event *head)
{
	const struct ev_need *ev = (const struct ev_need *)head;
	struct stand_need *n = vec_add(&b->stand_needs);

	*n = (struct stand_need){
		.thread_id = ev->thread_id,
		.process_id = ev->process_id,
		.pid = ev->pid,
		.how = ev->how,
	};
	memcpy(n->comm, ev->comm, sizeof(n->comm));
	return 0;
}

static int by_thread(const void *a, const void *b)
{
	const struct stand *s = a, *t = b;

	return s->thread < t->thread ? -1 : s->thread > t->thread;
}

static int needs_by_thread(const void *a, const void *b)
{
	const struct stand_need *n = a, *o = b;

	if (n->thread_id != o->thread_id)
		return n->thread_id < o->thread_id ? -1 : 1;
	return n->pid < o->pid ? -1 : n->pid > o->pid;
}

static size_t place_of(const struct map *places, uint64_t id, size_t none)
{
	const uint64_t *place = id ? map_find(places, id) : NULL;

	return place ? *place : none;
}

/* Those of threads that there are, each thread once. */
static void settle_stands(struct model_builder *b, const struct map *threads)
{
	struct model *m = b->m;
	size_t n = 0;

	for (size_t i = 0; i < b->stands.n; i++) {
		struct stand s = b->stands.items[i];

		s.thread = place_of(threads, s.thread_id, NO_THREAD);
		s.other = place_of(threads, s.other_id, NO_THREAD);
		s.lock = NO_LOCK;
		if (s.thread != NO_THREAD)
			b->stands.items[n++] = s;
	}
	m->stands = b->stands.items;
	if (n)
		qsort(m->stands, n, sizeof(*m->stands), by_thread);
	for (size_t i = 0; i < n; i++) {
		if (!m->n_stands || m->stands[m->n_stands - 1].thread != m->stands[i].thread)
			m->stands[m->n_stands++] = m->stands[i];
	}
}

static void settle_needs(struct model_builder *b, const struct map *processes,
			 const struct map *stands)
{
	struct model *m = b->m;

	m->stand_needs = b->stand_needs.items;
	m->n_stand_needs = b->stand_needs.n;
	if (m->n_stand_needs)
		qsort(m->stand_needs, m->n_stand_needs, sizeof(*m->stand_needs), needs_by_thread);
	for (size_t i = 0; i < m->n_stand_needs; i++) {
		struct stand_need *n = &m->stand_needs[i];
		size_t place = place_of(stands, n->thread_id, SIZE_MAX);

		n->process = place_of(processes, n->process_id, NO_PROCESS);
		if (place == SIZE_MAX)
			continue;
		if (!m->stands[place].n_needs++)
			m->stands[place].needs = n;
	}
}

static void settle_locks(struct model *m, const struct map *stands)
{
	for (size_t i = 0; i < m->n_lock_waiters; i++) {
		const struct lock_waiter *w = &m->lock_waiters[i];
		size_t place = place_of(stands, w->thread_id, SIZE_MAX);

		if (w->is_open && place != SIZE_MAX)
			m->stands[place].lock = w->lock;
	}
}

void stands_build(struct model_builder *b)
{
	struct map threads = { 0 }, processes = { 0 }, stands = { 0 };
	struct model *m = b->m;

	for (size_t i = 0; i < m->n_threads && b->stands.n; i++)
		*map_add(&threads, m->threads[i].id) = i;
	for (size_t i = 0; i < m->n_processes && b->stand_needs.n; i++)
		*map_add(&processes, m->processes[i].id) = i;
	settle_stands(b, &threads);
	for (size_t i = 0; i < m->n_stands; i++)
		*map_add(&stands, m->stands[i].thread_id) = i;
	settle_needs(b, &processes, &stands);
	settle_locks(m, &stands);
	map_free(&threads);
	map_free(&processes);
	map_free(&stands);
}
