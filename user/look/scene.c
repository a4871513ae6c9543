// SPDX-License-Identifier: BSD-2-Clause
/* All threads of the processes that are looked at, at one moment. */
#include "look/internal.h"

#include <stdlib.h>

#include "base/clock.h"

void scene_free(struct scene *s)
{
	for (size_t i = 0; i < s->threads.n; i++)
		free(s->threads.items[i].text);
	free(s->threads.items);
	free(s->ends.items);
	free(s->needs.items);
	free(s->file_locks.items);
	map_free(&s->by_number);
	map_free(&s->by_tid);
	map_free(&s->first_of);
	*s = (struct scene){ 0 };
}

static uint64_t number_key(uint32_t ns, uint32_t nr)
{
	return (uint64_t)ns << 32 | nr;
}

static int add_thread(void *ctx, const struct seen *seen)
{
	struct look_around *l = ctx;
	struct scene *s = &l->scene;
	struct looked *t = vec_add(&s->threads);
	size_t place = s->threads.n - 1;
	uint64_t *first = map_add(&s->first_of, seen->pid);

	*t = (struct looked){ .seen = *seen, .holder = LOOKED_NONE };
	if (*first == MAP_NONE || seen->tid == seen->pid)
		*first = place;
	s->has_several_ns |= seen->pid_ns != s->threads.items[0].seen.pid_ns;
	*map_add(&s->by_tid, seen->tid) = place;
	*map_add(&s->by_number, number_key(seen->pid_ns, seen->own_tid)) = place;
	return 0;
}

/* Memory may be shared with another PID namespace, where who has the lock has that number: that is
 * not known. It is all but certain if the number is the waiter's own, as the first of each
 * namespace has the number 1. */
static bool may_be_of_other_ns(const struct look_around *l, const struct looked *t,
			       const struct looked *holder)
{
	return t->key.space & LOCK_SHARED &&
	       (l->scene.has_several_ns || (holder == t && t->seen.pid_ns != l->pid_ns));
}

/* Of a word of one process's memory it is a thread of that process, or of another one if that has
 * forked it: then it has only a copy. */
static void find_holder(struct look_around *l, struct looked *t)
{
	const struct scene *s = &l->scene;
	uint64_t key = number_key(t->seen.pid_ns, t->wait.holder_nr);
	const uint64_t *place = map_find(&s->by_number, key);
	const struct looked *holder = place ? &s->threads.items[*place] : NULL;

	t->holder_is = HOLDER_IS_UNKNOWN;
	if (may_be_of_other_ns(l, t, holder))
		return;
	if (!holder) {
		t->holder_is = t->key.space & LOCK_SHARED ? HOLDER_IS_UNKNOWN : HOLDER_IS_NOBODY;
		return;
	}
	if (!(t->key.space & LOCK_SHARED) && holder->seen.pid != t->seen.pid) {
		t->holder_is = HOLDER_IS_FOREIGN;
		return;
	}
	t->holder_is = HOLDER_IS_THREAD;
	t->holder = *place;
}

/* nptl/pthreadP.h and bits/struct_rwlock.h: their number stands before both words that are waited
 * at, above three bits. */
static uint32_t readers_of(const struct looked *t)
{
	uint64_t word = t->wait.word;

	return proc_word(t->seen.pid, word - (word & 4 ? 12 : 8)) >> 3;
}

static void find_lock(struct look_around *l, struct looked *t)
{
	if (!t->wait.hints || t->wait.state != STAND_BLOCKED)
		return;
	t->key = t->wait.is_shared ? shared_key(l, t->seen.pid, t->wait.word)
				   : (struct lock_key){ t->seen.pid, t->wait.word };
	if (t->wait.holder_nr)
		find_holder(l, t);
	else if (t->wait.hints & LOCK_HINT_RWLOCK)
		t->readers = readers_of(t);
}

int scene_look(struct look_around *l)
{
	struct scene *s = &l->scene;
	int error;

	scene_free(s);
	error = looker_tasks(l->looker, add_thread, l);
	if (error)
		return error;
	l->lag = looker_clock_lag(l->looker);
	l->now = l->lag ? clock_ns() - (uint64_t)l->lag : 0;
	/* The wait points into the thread, which stays where it is from here on. */
	for (size_t i = 0; i < s->threads.n; i++)
		seen_wait_of(&s->threads.items[i].seen, &s->threads.items[i].wait);
	for (size_t i = 0; i < s->threads.n; i++)
		find_lock(l, &s->threads.items[i]);
	return scene_find_needs(l);
}
