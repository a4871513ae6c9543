// SPDX-License-Identifier: BSD-2-Clause
/* Event loops: what they waited for, and what kept them away. */
#include "model/internal.h"

#include <stdlib.h>

/* Below which 99 of 100 lie: the upper edge of a part of the histogram. */
static uint64_t p99_of(const __u64 *histogram, uint64_t max_ns)
{
	double all = 0, rest = 0;
	uint32_t i = LOOP_BUCKETS;
	uint64_t edge;

	for (uint32_t k = 0; k < LOOP_BUCKETS; k++)
		all += (double)histogram[k];
	while (i && rest * 100 <= all)
		rest += (double)histogram[--i];
	if (all <= 0 || i >= LOOP_BUCKETS - 4) /* the last power of two has no end */
		return max_ns;
	edge = i < 4 ? 1024 : (4ull + i % 4 + 1) << (i / 4 + 7);
	return edge < max_ns ? edge : max_ns;
}

static struct loop_wait wait_of(struct model_builder *b, uint32_t cause, uint32_t target)
{
	return (struct loop_wait){ .cause = cause,
				   .target = target ? target_name_of(b, target, cause) : NULL };
}

static int longest_first(const void *a, const void *b)
{
	const struct loop_wait *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	return x->cause < y->cause ? -1 : x->cause > y->cause;
}

static void add_blocked(struct model_builder *b, struct event_loop *l,
			const struct loop_blocks *blocks)
{
	for (size_t i = 0; i < LOOP_BLOCKS && blocks->items[i].waits; i++) {
		const struct loop_block *from = &blocks->items[i];
		struct loop_wait *w = &l->blocked[l->n_blocked++];

		*w = wait_of(b, from->cause, from->target);
		w->waits = from->waits;
		w->ns = from->ns;
		w->max_ns = from->max_ns;
	}
	qsort(l->blocked, l->n_blocked, sizeof(*l->blocked), longest_first);
}

int on_loop(struct model_builder *b, const struct event *head)
{
	*vec_add(&b->loops) = obstack_copy(strings_of(b), head, head->size);
	return 0;
}

static void put_away(struct model_builder *b, struct event_loop *l, const struct loop_away *away)
{
	uint64_t from = away->longest.from;

	l->away = *away;
	l->away.longest.from = from > b->origin ? from - b->origin : 0;
	from = away->open.from;
	l->away.open.from = from > b->origin ? from - b->origin : 0;
	l->away_p99_ns = p99_of(away->histogram, away->longest.ns);
	add_blocked(b, l, &away->blocks);
	l->worst = wait_of(b, away->longest.worst_cause, away->longest.worst_target);
	l->worst.ns = away->longest.worst_ns;
	l->open = wait_of(b, away->open.worst_cause, away->open.worst_target);
	l->open.ns = away->open.worst_ns;
}

static void put_loop(struct model_builder *b, struct event_loop *l, const struct ev_loop *ev,
		     const struct map *places)
{
	const uint64_t *place = map_find(places, ev->users[0]);

	*l = (struct event_loop){
		.cause = ev->cause,
		.pid = ev->pid,
		.fd = ev->fd,
		.thread_id = ev->users[0],
		.thread = place ? *place : NO_THREAD,
		.n_users = ev->n_users,
		.watched = ev->watched,
		.edge = ev->edge,
		.waits = ev->waits,
		.ns = ev->ns,
		.max_ns = ev->max_ns,
		.empty = ev->empty,
		.open_waits = ev->open,
		.reach = ev->reach,
		.calls = ev->calls,
		.turn_p99_ns = p99_of(ev->calls.histogram, ev->calls.max_ns),
	};
	if (l->n_users == 1)
		put_away(b, l, &ev->away);
}

static int most_seen_first(const void *a, const void *b)
{
	const struct event_loop *x = a, *y = b;
	uint64_t seen_x = x->ns + x->away.ns, seen_y = y->ns + y->away.ns;

	if (seen_x != seen_y)
		return seen_x > seen_y ? -1 : 1;
	if (x->thread_id != y->thread_id)
		return x->thread_id < y->thread_id ? -1 : 1;
	return x->cause < y->cause ? -1 : x->cause > y->cause;
}

void loops_build(struct model_builder *b)
{
	struct model *m = b->m;
	struct map places = { 0 };

	for (size_t i = 0; i < m->n_threads; i++)
		*map_add(&places, m->threads[i].id) = i;
	m->loops = calloc(b->loops.n + 1, sizeof(*m->loops));
	if (!m->loops)
		out_of_memory();
	m->n_loops = b->loops.n;
	for (size_t i = 0; i < m->n_loops; i++)
		put_loop(b, &m->loops[i], b->loops.items[i], &places);
	if (m->n_loops)
		qsort(m->loops, m->n_loops, sizeof(*m->loops), most_seen_first);
	map_free(&places);
	free(b->loops.items);
}
