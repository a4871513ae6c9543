// SPDX-License-Identifier: BSD-2-Clause
/* Who ended whose waits. */
#include "model/internal.h"

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

static size_t place_of(const struct map *places, uint64_t id)
{
	const uint64_t *place = map_find(places, id);

	return place ? *place : NO_THREAD;
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
}
