// SPDX-License-Identifier: BSD-2-Clause
/* How threads are scheduled, and who had the CPU that they were ready to use. */
#include "model/internal.h"

#include <stdlib.h>
#include <string.h>

int on_taker(struct model_builder *b, const struct event *head)
{
	const struct ev_taker *ev = (const struct ev_taker *)head;
	struct taker *t = vec_add(&b->takers);

	*t = (struct taker){
		.thread_id = ev->thread_id,
		.by_id = ev->by_id,
		.thread = NO_THREAD,
		.by = NO_THREAD,
		.how = ev->how,
		.by_pid = ev->by_pid,
		.policy = ev->policy,
		.nice = ev->nice,
		.rt_priority = ev->rt_priority,
		.is = ev->by_is,
		.count = ev->count,
		.ns = ev->ns,
		.max_ns = ev->max_ns,
		.certain_ns = ev->certain_ns,
		.certain_max_ns = ev->certain_max_ns,
	};
	memcpy(t->comm, ev->comm, sizeof(t->comm));
	return 0;
}

int on_change(struct model_builder *b, const struct event *head)
{
	const struct ev_change *ev = (const struct ev_change *)head;

	*vec_add(&b->changes) = (struct reschedule){
		.thread_id = ev->thread_id, .at_ns = ev->at, .was = ev->was, .now = ev->now
	};
	return 0;
}

static int longest_first(const void *a, const void *b)
{
	const struct taker *t = a, *u = b;

	if (t->ns != u->ns)
		return t->ns > u->ns ? -1 : 1;
	if (t->thread_id != u->thread_id)
		return t->thread_id < u->thread_id ? -1 : 1;
	return t->by_id < u->by_id ? -1 : t->by_id > u->by_id;
}

static int by_thread(const void *a, const void *b)
{
	const struct reschedule *c = a, *d = b;

	if (c->thread_id != d->thread_id)
		return c->thread_id < d->thread_id ? -1 : 1;
	return c->at_ns < d->at_ns ? -1 : c->at_ns > d->at_ns;
}

static size_t place_of(struct map *places, uint64_t id)
{
	const uint64_t *place = id ? map_find(places, id) : NULL;

	return place ? *place : NO_THREAD;
}

/* Of one of the program's own the probes may only have had the number. */
static void complete(struct taker *t, const struct model *m)
{
	const struct thread *by = t->by == NO_THREAD ? NULL : &m->threads[t->by];

	if (!by || t->by_pid)
		return;
	t->by_pid = by->pid;
	t->nice = by->nice;
	t->rt_priority = by->rt_priority;
}

static void place_takers(struct model_builder *b, struct map *places)
{
	struct model *m = b->m;

	m->takers = b->takers.items;
	m->n_takers = b->takers.n;
	for (size_t i = 0; i < m->n_takers; i++) {
		m->takers[i].thread = place_of(places, m->takers[i].thread_id);
		m->takers[i].by = place_of(places, m->takers[i].by_id);
		complete(&m->takers[i], m);
	}
	if (m->n_takers)
		qsort(m->takers, m->n_takers, sizeof(*m->takers), longest_first);
}

/* Each thread has its own, which lie together. */
static void place_changes(struct model_builder *b, struct map *places)
{
	struct model *m = b->m;

	m->changes = b->changes.items;
	m->n_changes = b->changes.n;
	if (m->n_changes)
		qsort(m->changes, m->n_changes, sizeof(*m->changes), by_thread);
	for (size_t i = 0; i < m->n_changes; i++) {
		struct reschedule *c = &m->changes[i];
		size_t place = place_of(places, c->thread_id);

		c->at_ns = c->at_ns > b->origin ? c->at_ns - b->origin : 0;
		if (place == NO_THREAD)
			continue;
		if (!m->threads[place].n_changes++)
			m->threads[place].changes = c;
	}
}

void schedules_build(struct model_builder *b)
{
	struct map places = { 0 };

	for (size_t i = 0; i < b->m->n_threads; i++)
		*map_add(&places, b->m->threads[i].id) = i;
	place_takers(b, &places);
	place_changes(b, &places);
	map_free(&places);
}
