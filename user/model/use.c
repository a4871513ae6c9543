// SPDX-License-Identifier: BSD-2-Clause
/* How threads do their input and output, by samples of what they compute. */
#include "model/internal.h"

#include <stdlib.h>

int on_use(struct model_builder *b, const struct event *head)
{
	const struct ev_use *ev = (const struct ev_use *)head;

	*vec_add(&b->uses) = (struct use){
		.thread_id = ev->thread_id,
		.thread = NO_THREAD,
		.what = ev->what,
		.call = ev->call,
		.flags = ev->flags,
		.fd = ev->fd,
		.io = ev->target ? ev->target : NO_IO, /* its place: ios_build() */
		.cause = ev->cause,
		.count = ev->count,
	};
	return 0;
}

/* The clock finds whoever runs, all threads alike: a sample stands for the same time of any of them. By
 * the thread's own samples those of threads too short-lived to have one would stand for nothing. */
static double sample_ns(const struct model *m, uint64_t samples)
{
	double running = (double)m->unsent.state_ns[TS_RUNNING];

	for (size_t i = 0; i < m->n_threads; i++)
		running += (double)m->threads[i].state_ns[TS_RUNNING];
	return samples ? running / (double)samples : 0;
}

static bool is_sample(const struct use *u)
{
	return u->what == USE_RUNNING || u->what == USE_CALL;
}

static void add_to_target(struct model_builder *b, const struct use *u)
{
	const uint64_t *number = u->io == NO_IO ? NULL : map_find(&b->ios_by_target, u->io);

	if (!number)
		return;
	b->ios.items[*number].samples += u->count;
	b->ios.items[*number].running_ns += u->ns;
}

void uses_build(struct model_builder *b)
{
	struct model *m = b->m;
	struct map places = { 0 };
	uint64_t *all = calloc(m->n_threads + 1, sizeof(*all)), samples = 0;
	double one;

	if (!all)
		out_of_memory();
	for (size_t i = 0; i < m->n_threads; i++)
		*map_add(&places, m->threads[i].id) = i;
	m->uses = b->uses.items;
	m->n_uses = b->uses.n;
	for (size_t i = 0; i < m->n_uses; i++) {
		const uint64_t *place = map_find(&places, m->uses[i].thread_id);

		if (place)
			m->uses[i].thread = *place;
		if (!is_sample(&m->uses[i]))
			continue;
		samples += m->uses[i].count;
		if (place)
			all[*place] += m->uses[i].count;
	}
	one = sample_ns(m, samples);
	for (size_t i = 0; i < m->n_uses; i++) {
		struct use *u = &m->uses[i];

		if (!is_sample(u) || u->thread == NO_THREAD)
			continue;
		u->ns = (uint64_t)((double)u->count * one);
		u->of = all[u->thread];
		if (u->what == USE_CALL)
			add_to_target(b, u);
	}
	map_free(&places);
	free(all);
}
