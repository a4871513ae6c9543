/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A stream of events from setup() on, in which the command lives for a second; its stories
 * from done() on. */
#include <criterion/criterion.h>

#include "model/model.h"
#include "stream.h"

#define MS 1000000ULL

static struct model_builder *b;
static struct model *m;

static inline void put(const void *event)
{
	const struct event *ev = event;

	cr_assert(event_is_valid(ev, ev->size));
	cr_assert_eq(model_builder_event(b, ev), 0);
}

static inline void put_life(struct ev_life l)
{
	put(&l);
}

static inline void put_thread(struct ev_thread t)
{
	put(&t);
}

/* A process of one thread. */
static inline void process(__u64 id, __u64 creator, __u64 start_ms, __u64 end_ms)
{
	put_thread(thread(id, creator, 0, start_ms * MS, end_ms * MS));
}

/* Its last thread ended, and its creator's first thread was its parent. */
static inline void died(__u64 id, __u64 at_ms)
{
	put_life(life(LIFE_DIED, at_ms * MS, id));
}

static inline void setup(void)
{
	b = model_builder_new();
	process(COMMAND_ID, 0, 0, 1000);
}

static inline void teardown(void)
{
	model_free(m);
}

/* Also: what must hold of any story. */
static inline void done(void)
{
	struct ev_wall w = wall(1000 * MS);
	struct ev_end e = end(0);

	put(&w);
	put(&e);
	m = model_builder_finish(b);
	for (size_t i = 0; i < m->n_processes; i++) {
		const struct story *l = &m->processes[i].life;

		cr_assert_eq(l->is_dead, l->burial != BURIAL_NONE);
		cr_assert_leq(l->burial, BURIAL_LEFT);
		cr_assert_leq(l->parent_doing, CAUSE_COUNT);
		cr_assert_lt(l->birth, BIRTH_COUNT);
		cr_assert(l->is_dead || !l->killer.is_known);
		if (l->burial == BURIAL_REAPED || l->burial == BURIAL_LATER)
			cr_assert_geq(l->reaped_ns, l->died_ns);
	}
}

static inline const struct story *story(__u64 id)
{
	for (size_t i = 0; i < m->n_processes; i++) {
		if (m->processes[i].id == id)
			return &m->processes[i].life;
	}
	cr_assert_fail("there is no process %llu", (unsigned long long)id);
	return NULL;
}

static inline void was(__u64 id, enum burial burial, __u64 at_ms)
{
	const struct story *l = story(id);

	cr_assert_eq(l->burial, burial, "%llu: %d", (unsigned long long)id, l->burial);
	if (burial == BURIAL_REAPED || burial == BURIAL_LATER)
		cr_assert_eq(l->reaped_ns, at_ms * MS, "%llu: at %llu", (unsigned long long)id,
			     (unsigned long long)l->reaped_ns);
}

/* n children of the command, 2 and up, each dead after ten times its number of ms. */
static inline void children(unsigned int n)
{
	for (__u64 id = 2; id < 2 + n; id++) {
		process(id, COMMAND_ID, id, 10 * id);
		died(id, 10 * id);
	}
}

static inline void ended_by(__u64 id, __u32 status)
{
	struct ev_thread t = thread(id, COMMAND_ID, 0, id * MS, 50 * MS);

	t.exit_code = status;
	put(&t);
	died(id, 50);
}

static inline struct ev_life killed(__u64 id, __u64 at_ms, __u32 sig)
{
	struct ev_life l = life(LIFE_KILLED, at_ms * MS, id);

	l.code = sig;
	l.value = id;
	return l;
}
