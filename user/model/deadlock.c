// SPDX-License-Identifier: BSD-2-Clause
/* Deadlocks, as they were proved while the program ran. */
#include "model/internal.h"

#include <stdlib.h>

int on_deadlock(struct model_builder *b, const struct event *head)
{
	const struct ev_deadlock *ev = (const struct ev_deadlock *)head;

	*vec_add(&b->stuck) = (struct stuck_wait){
		.number = ev->number,
		.place = b->stuck.n,
		.kind = ev->kind,
		.is_member = ev->is_member,
		.thread_id = ev->thread_id,
		.holder_id = ev->holder_id,
		.lock = stuck_is_for_lock(ev->want) ? lock_number(b, &ev->key) : NO_LOCK,
		.want = ev->want,
		.hints = ev->hints,
		.holder_is = ev->holder_is,
		.holder_nr = ev->holder_nr,
		.since_ns = ev->since,
		.proved_ns = ev->proved_at,
		.seen_ns = ev->seen_at,
		.stack = NO_STACK,
	};
	return 0;
}

void stuck_stack(struct model_builder *b, uint64_t thread_id, size_t stack)
{
	*map_add(&b->stuck_stacks, thread_id) = stack;
}

/* By deadlock, the members first; else as they came. */
static int in_order(const void *a, const void *b)
{
	const struct stuck_wait *v = a, *w = b;

	if (v->number != w->number)
		return v->number < w->number ? -1 : 1;
	if (v->is_member != w->is_member)
		return v->is_member ? -1 : 1;
	return v->place < w->place ? -1 : v->place > w->place;
}

static size_t place_of(const struct map *places, uint64_t key, size_t none)
{
	const uint64_t *place = map_find(places, key);

	return place ? *place : none;
}

static void settle_wait(struct model_builder *b, const struct map *threads, struct stuck_wait *w)
{
	w->thread = place_of(threads, w->thread_id, NO_THREAD);
	w->holder = w->holder_id ? place_of(threads, w->holder_id, NO_THREAD) : NO_THREAD;
	w->stack = place_of(&b->stuck_stacks, w->thread_id, NO_STACK);
	w->since_ns = w->since_ns > b->origin ? w->since_ns - b->origin : 0;
	w->proved_ns = w->proved_ns > b->origin ? w->proved_ns - b->origin : 0;
	w->seen_ns = w->seen_ns > b->origin ? w->seen_ns - b->origin : 0;
}

static struct deadlock begin(const struct stuck_wait *w)
{
	return (struct deadlock){
		.kind = w->kind,
		.waits = w,
		.since_ns = w->since_ns,
		.proved_ns = w->proved_ns,
		.seen_ns = w->seen_ns,
	};
}

/* It stands since the last of its members came; one that nobody lets go, since the first. */
static void add(struct deadlock *d, const struct stuck_wait *w)
{
	bool later = w->since_ns > d->since_ns;

	d->n++;
	if (!w->is_member)
		return;
	d->n_members++;
	if (d->kind == DEADLOCK_CYCLE ? later : !later)
		d->since_ns = w->since_ns;
}

void stuck_stacks_settle(struct model_builder *b)
{
	for (size_t i = 0; i < b->m->n_threads; i++)
		b->m->threads[i].stack = place_of(&b->stuck_stacks, b->m->threads[i].id, NO_STACK);
}

/* Of a stream that says so there may be one without members. */
static void settle(struct deadlock *d)
{
	if (d->seen_ns < d->since_ns)
		d->seen_ns = d->since_ns;
	for (size_t i = 0; i < d->n; i++)
		d->seen_ns = d->seen_ns < d->waits[i].since_ns ? d->waits[i].since_ns : d->seen_ns;
}

void deadlocks_build(struct model_builder *b)
{
	struct model *m = b->m;
	struct map threads = { 0 };
	size_t n = 0;

	if (!m->n_stuck)
		return;
	for (size_t i = 0; i < m->n_threads; i++)
		*map_add(&threads, m->threads[i].id) = i;
	qsort(m->stuck, m->n_stuck, sizeof(*m->stuck), in_order);
	m->deadlocks = calloc(m->n_stuck, sizeof(*m->deadlocks));
	if (!m->deadlocks)
		out_of_memory();
	for (size_t i = 0; i < m->n_stuck; i++) {
		struct stuck_wait *w = &m->stuck[i];

		settle_wait(b, &threads, w);
		if (!i || w[-1].number != w->number)
			m->deadlocks[n++] = begin(w);
		add(&m->deadlocks[n - 1], w);
	}
	for (size_t i = 0; i < n; i++) {
		settle(&m->deadlocks[i]);
		if (m->deadlocks[i].n_members)
			m->deadlocks[m->n_deadlocks++] = m->deadlocks[i];
	}
	map_free(&threads);
}
