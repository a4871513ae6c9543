// SPDX-License-Identifier: BSD-2-Clause
/* Threads that wait for ever. */
#include "report/json_parts.h"

#include <inttypes.h>
#include <stdio.h>

#include "analysis/deadlocks.h"
#include "report/frames.h"

#define CONDITION_SIZE 1024

static void put_id(struct json *j, const char *key, uint64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "t%" PRIu64, id);
	json_string(j, key, id ? text : NULL);
}

/* Which of the locks that are listed; null: it is left out there. */
static void put_lock(struct json *j, const struct findings *f, const struct stuck_wait *w,
		     size_t n_locks)
{
	static const char *const others[WANT_COUNT] = {
		[WANT_READER] = "pipe-reader",
		[WANT_WRITER] = "pipe-writer",
		[WANT_CHILD] = "child",
	};
	size_t rank = w->lock == NO_LOCK ? 0 : f->lock_rank[w->lock];
	char id[24];

	if (w->lock == NO_LOCK) {
		json_string(j, "waits_for", NULL);
		json_string(j, "name", NULL);
		json_string(j, "kind", others[w->want]);
		return;
	}

	snprintf(id, sizeof(id), "l%zu", rank + 1);
	json_string(j, "waits_for", rank < n_locks ? id : NULL);
	json_string(j, "name", f->locks[rank].name);
	json_string(j, "kind", lock_kind_name(f->model->locks[w->lock].kind));
}

static void put_wait(struct json *j, const struct findings *f, const struct stuck_wait *w,
		     size_t n_locks)
{
	const struct model *m = f->model;

	json_line_object(j, NULL);
	put_id(j, "thread", w->thread_id);
	if (w->thread != NO_THREAD) {
		json_u64(j, "tid", m->threads[w->thread].tid);
		json_string(j, "comm", m->threads[w->thread].comm);
	}
	put_lock(j, f, w, n_locks);
	put_id(j, "holder", w->holder_is == HOLDER_IS_THREAD ? w->holder_id : 0);
	json_u64(j, "held_by", w->holder != NO_THREAD ? m->threads[w->holder].tid : w->holder_nr);
	json_u64(j, "since_ns", w->since_ns);
	json_stack(j, m, w->stack == NO_STACK ? NULL : &m->stacks[w->stack]);
	json_end(j);
}

static void put_waits(struct json *j, const char *key, const struct findings *f,
		      const struct stuck_wait *waits, size_t n, size_t n_locks)
{
	json_array(j, key);
	for (size_t i = 0; i < n; i++)
		put_wait(j, f, &waits[i], n_locks);
	json_end(j);
}

static void put_conditions(struct json *j, const struct findings *f, const struct deadlock *d)
{
	char text[CONDITION_SIZE];

	json_object(j, "conditions");
	for (size_t i = 0; i < DEADLOCK_CONDITIONS; i++)
		json_string(j, deadlock_conditions[i].key,
			    deadlock_condition(text, sizeof(text), f, d, i));
	json_end(j);
}

void json_deadlocks(struct json *j, const struct findings *f, size_t n_locks, struct room *r)
{
	static const char *const kinds[DEADLOCK_KIND_COUNT] = {
		[DEADLOCK_CYCLE] = "cycle",
		[DEADLOCK_ABANDONED] = "abandoned",
	};
	const struct model *m = f->model;
	size_t n = room_for(r, ROOM_DEADLOCKS, m->n_deadlocks);

	json_array(j, "deadlocks");
	for (size_t i = 0; i < n; i++) {
		const struct deadlock *d = &m->deadlocks[i];
		size_t members = room_for(r, ROOM_STUCK, d->n_members);
		size_t behind = room_for(r, ROOM_STUCK, d->n - d->n_members);

		json_object(j, NULL);
		json_bool(j, "confirmed", true);
		json_string(j, "kind", kinds[d->kind]);
		json_u64(j, "since_ns", d->since_ns);
		json_u64(j, "proved_ns", d->proved_ns);
		json_u64(j, "seen_ns", d->seen_ns);
		json_u64(j, "members", d->n_members);
		put_waits(j, "cycle", f, d->waits, members, n_locks);
		put_waits(j, "behind", f, d->waits + d->n_members, behind, n_locks);
		put_conditions(j, f, d);
		json_end(j);
	}
	json_end(j);
}
