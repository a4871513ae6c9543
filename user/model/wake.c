// SPDX-License-Identifier: BSD-2-Clause
/* Who ended whose waits, and who sent signals to whom. */
#include "model/internal.h"

#include <stdlib.h>
#include <string.h>

int on_wake(struct model_builder *b, const struct event *head)
{
	const struct ev_wake *ev = (const struct ev_wake *)head;

	*vec_add(&b->wakes) = (struct wake){
		.io = ev->target ? ev->target : NO_IO,
		.lock = ev->target ? NO_LOCK : lock_number(b, &ev->key),
		.writes = ev->writes != 0,
		.waiter_id = ev->waiter_id,
		.waker_id = ev->waker_id,
		.outside_pid = ev->waker_pid,
		.outside_comm = obstack_copy0(strings_of(b), ev->comm, strlen(ev->comm)),
		.waits = ev->waits,
		.ns = ev->ns,
		.max_ns = ev->max_ns,
	};
	return 0;
}

int on_signal(struct model_builder *b, const struct event *head)
{
	const struct ev_signal *ev = (const struct ev_signal *)head;

	*vec_add(&b->signals) = (struct signal){
		.from_id = ev->from_id,
		.to_id = ev->to_id,
		.outside_pid = ev->from_pid,
		.outside_comm = obstack_copy0(strings_of(b), ev->comm, strlen(ev->comm)),
		.number = ev->number,
		.sent = ev->sent,
		.merged = ev->merged,
		.ignored = ev->ignored,
	};
	return 0;
}

/* SIZE_MAX: it is not listed. */
static size_t place_of(const struct map *places, uint64_t id)
{
	const uint64_t *place = map_find(places, id);

	return place ? *place : SIZE_MAX;
}

static int most_first(const void *a, const void *b)
{
	const struct signal *x = a, *y = b;

	if (x->sent != y->sent)
		return x->sent > y->sent ? -1 : 1;
	if (x->to_id != y->to_id)
		return x->to_id < y->to_id ? -1 : 1;
	if (x->from_id != y->from_id)
		return x->from_id < y->from_id ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void build_signals(struct model_builder *b)
{
	struct model *m = b->m;
	struct map places = { 0 };

	for (size_t i = 0; i < m->n_processes; i++)
		*map_add(&places, m->processes[i].id) = i;
	for (size_t i = 0; i < b->signals.n; i++) {
		struct signal *s = &b->signals.items[i];

		s->from = place_of(&places, s->from_id);
		s->to = place_of(&places, s->to_id);
	}
	map_free(&places);
	if (b->signals.n)
		qsort(b->signals.items, b->signals.n, sizeof(*b->signals.items), most_first);
	m->signals = b->signals.items;
	m->n_signals = b->signals.n;
}

void wakes_build(struct model_builder *b)
{
	struct model *m = b->m;
	struct map places = { 0 };

	for (size_t i = 0; i < m->n_threads; i++)
		*map_add(&places, m->threads[i].id) = i;
	for (size_t i = 0; i < b->wakes.n; i++) {
		struct wake *w = &b->wakes.items[i];

		w->waiter = place_of(&places, w->waiter_id);
		w->waker = place_of(&places, w->waker_id);
	}
	map_free(&places);
	m->wakes = b->wakes.items;
	m->n_wakes = b->wakes.n;
	build_signals(b);
}
