// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/places.h"

#include "../bpf/mark.h"

#define SEVERAL (MAP_NONE - 1) /* locks that cannot be told apart by it */

static uint64_t key_of(size_t thread, __u32 place)
{
	return (uint64_t)thread << 32 | place;
}

void places_begin(struct places *p, const struct findings *f)
{
	const struct model *m = f->model;

	*p = (struct places){ .f = f };
	for (size_t i = 0; i < m->n_lock_waiters; i++) {
		const struct lock_waiter *w = &m->lock_waiters[i];
		uint64_t *lock;

		if (w->thread == NO_THREAD)
			continue;
		lock = map_add(&p->locks, key_of(w->thread, place_of_lock(&m->locks[w->lock].key)));
		*lock = *lock == MAP_NONE || *lock == w->lock ? w->lock : SEVERAL;
	}
}

const struct lock *place_lock(const struct places *p, size_t thread, __u32 place)
{
	const uint64_t *lock =
		place & PLACE_IS_LOCK ? map_find(&p->locks, key_of(thread, place)) : NULL;

	return lock && *lock != SEVERAL ? &p->f->model->locks[*lock] : NULL;
}

const char *place_name(const struct places *p, size_t thread, __u32 place)
{
	const struct lock *lock = place_lock(p, thread, place);
	const uint64_t *io;

	if (lock)
		return p->f->locks[p->f->lock_rank[lock - p->f->model->locks]].name;
	if (!place || place & PLACE_IS_LOCK)
		return NULL;
	io = map_find(&p->f->model->ios_by_target, place >> 1);
	return io ? p->f->model->ios[*io].name : NULL;
}

void places_end(struct places *p)
{
	map_free(&p->locks);
}
