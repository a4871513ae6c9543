// SPDX-License-Identifier: BSD-2-Clause
#include "waitfor/graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/vec.h"

struct watch {
	struct stuck *last; /* the look before */
	size_t n_last;
	struct map places; /* ... by thread */
	VEC(struct knot) found;
	uint64_t left_out; /* that found no room */
};

/* A look, while it is looked through. */
struct search {
	const struct look *look;
	const struct stuck *waits; /* its own */
	size_t n;
	bool *is_stuck;		  /* nothing but others like it can end it */
	struct map stuck_threads; /* of each process: how many are */
	struct map first_of;	  /* ... the place of its first wait */
	size_t *first_need;	  /* of each wait, in look->needs; GRAPH_NONE: it has none */
	struct map places;
	size_t *next;	/* whose end the wait needs; GRAPH_NONE: not known, or it may go on */
	size_t *circle; /* see graph_circles(); of a lock that nobody lets go as well */
	size_t *leads;
	size_t n_circles, n_cycles; /* those of locks that nobody lets go come last */
};

struct watch *watch_new(void)
{
	return calloc(1, sizeof(struct watch));
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->found.n; i++)
		free(w->found.items[i].waits);
	free(w->found.items);
	free(w->last);
	map_free(&w->places);
	free(w);
}

static bool is_same_lock(const struct stuck *a, const struct stuck *b)
{
	return a->key.space == b->key.space && a->key.word == b->key.word;
}

static bool is_same_wait(const struct stuck *a, const struct stuck *b)
{
	return a->thread_id == b->thread_id && a->since == b->since && a->blocks == b->blocks &&
	       is_same_lock(a, b);
}

/* In both looks the same wait, for the same thread. */
static bool is_steady(const struct watch *w, const struct stuck *s)
{
	const uint64_t *place = map_find(&w->places, s->thread_id);
	const struct stuck *before;

	if (!place || s->holder_is == HOLDER_IS_UNKNOWN)
		return false;
	before = &w->last[*place];
	return is_same_wait(before, s) && before->holder_is == s->holder_is &&
	       before->holder_id == s->holder_id && before->holder_nr == s->holder_nr;
}

/* Nobody can let it go: who had it is dead, or has another copy of it since a fork. Where what lies
 * there is a mutex in all its parts, or a read-write lock; a single word may be anything, and the
 * kernel tells of the end of who had a PI or robust lock, and of a thread that is waited for. */
static bool is_abandoned(const struct stuck *s)
{
	return (s->holder_is == HOLDER_IS_NOBODY || s->holder_is == HOLDER_IS_FOREIGN) &&
	       s->hints & (LOCK_HINT_WORD | LOCK_HINT_RWLOCK);
}

static size_t *new_places(size_t n)
{
	size_t *places = malloc((n + 1) * sizeof(*places));

	if (!places)
		out_of_memory();
	return places;
}

/* --- which threads need others of them alone ----------------------------------------- */

static void count_stuck(struct search *l)
{
	map_free(&l->stuck_threads);
	l->stuck_threads = (struct map){ 0 };
	for (size_t i = 0; i < l->n; i++) {
		uint64_t *count = map_add(&l->stuck_threads, l->waits[i].process_id);

		*count = (*count == MAP_NONE ? 0 : *count) + l->is_stuck[i];
	}
}

static bool is_whole(const struct search *l, uint64_t process_id, size_t threads)
{
	const uint64_t *count = map_find(&l->stuck_threads, process_id);

	return count && *count == threads;
}

/* The first wait of a process; GRAPH_NONE: there is none. */
static size_t wait_of(const struct search *l, uint64_t process_id)
{
	const uint64_t *place = map_find(&l->first_of, process_id);

	return place ? *place : GRAPH_NONE;
}

static bool all_are_stuck(const struct search *l, size_t wait)
{
	const struct look *look = l->look;
	size_t needs = 0;

	for (size_t i = l->first_need[wait]; i < look->n_needs && look->needs[i].wait == wait;
	     i++) {
		uint64_t process_id = look->needs[i].process_id;
		size_t one = process_id ? wait_of(l, process_id) : GRAPH_NONE;

		if (one == GRAPH_NONE || !is_whole(l, process_id, l->waits[one].threads))
			return false;
		needs++;
	}
	return needs > 0;
}

static bool is_still_stuck(const struct search *l, size_t i)
{
	const struct stuck *s = &l->waits[i];
	const uint64_t *holder;

	if (s->want != WANT_HOLDER)
		return all_are_stuck(l, i);
	if (is_abandoned(s))
		return true;
	holder = map_find(&l->places, s->holder_id);
	return s->holder_is == HOLDER_IS_THREAD && holder && l->is_stuck[*holder];
}

/* Those that others can help are not, nor are those that these can help. */
static void find_stuck(struct search *l, const struct watch *w)
{
	bool changed = true;

	for (size_t i = 0; i < l->n; i++)
		l->is_stuck[i] = is_steady(w, &l->waits[i]);
	while (changed) {
		changed = false;
		count_stuck(l);
		for (size_t i = 0; i < l->n; i++) {
			if (!l->is_stuck[i] || is_still_stuck(l, i))
				continue;
			l->is_stuck[i] = false;
			changed = true;
		}
	}
}

/* One of those that it needs: another process's, if there is any. */
static size_t next_of(const struct search *l, size_t i)
{
	const struct look *look = l->look;
	const struct stuck *s = &l->waits[i];
	size_t own = GRAPH_NONE;

	if (s->want == WANT_HOLDER)
		return is_abandoned(s) ? GRAPH_NONE : *map_find(&l->places, s->holder_id);
	for (size_t k = l->first_need[i]; k < look->n_needs && look->needs[k].wait == i; k++) {
		if (look->needs[k].process_id != s->process_id)
			return wait_of(l, look->needs[k].process_id);
		own = i;
	}
	return own;
}

static void index_look(struct search *l)
{
	for (size_t i = 0; i < l->n; i++) {
		uint64_t *first = map_add(&l->first_of, l->waits[i].process_id);

		*map_add(&l->places, l->waits[i].thread_id) = i;
		if (*first == MAP_NONE)
			*first = i;
		l->first_need[i] = GRAPH_NONE;
	}
	for (size_t i = l->look->n_needs; i--;)
		l->first_need[l->look->needs[i].wait] = i;
}

static void link_up(struct search *l, const struct watch *w)
{
	index_look(l);
	find_stuck(l, w);
	for (size_t i = 0; i < l->n; i++)
		l->next[i] = l->is_stuck[i] ? next_of(l, i) : GRAPH_NONE;
}

/* --- circles ---------------------------------------------------------------------------- */

/* All waits at one such lock are a circle of their own. */
static void add_abandoned(struct search *l, const struct watch *w)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!is_abandoned(&l->waits[i]) || !is_steady(w, &l->waits[i]))
			continue;
		for (size_t k = 0; k < i && l->circle[i] == GRAPH_NONE; k++) {
			if (l->circle[k] >= l->n_cycles && is_same_lock(&l->waits[k], &l->waits[i]))
				l->circle[i] = l->circle[k];
		}
		if (l->circle[i] == GRAPH_NONE)
			l->circle[i] = l->n_circles++;
	}
}

static void search_begin(struct search *l, const struct watch *w, const struct look *look)
{
	size_t n = look->n;

	*l = (struct search){ .look = look, .waits = look->waits, .n = n };
	l->is_stuck = calloc(n + 1, sizeof(*l->is_stuck));
	if (!l->is_stuck)
		out_of_memory();
	l->first_need = new_places(n);
	l->next = new_places(n);
	l->circle = new_places(n);
	l->leads = new_places(n);
	link_up(l, w);
	l->n_circles = l->n_cycles = graph_circles(l->next, n, l->circle);
	add_abandoned(l, w);
	graph_lead(l->next, n, l->circle, l->leads);
}

static void search_end(struct search *l)
{
	free(l->is_stuck);
	free(l->first_need);
	map_free(&l->stuck_threads);
	map_free(&l->first_of);
	free(l->next);
	free(l->circle);
	free(l->leads);
	map_free(&l->places);
}

/* Of those that could end it the one that comes next stands for all. */
static void put_wait(struct knot *d, const struct search *l, size_t i)
{
	struct stuck *s = &d->waits[d->n++];

	*s = l->waits[i];
	if (s->want == WANT_HOLDER || l->next[i] == GRAPH_NONE)
		return;
	s->holder_id = l->waits[l->next[i]].thread_id;
	s->holder_nr = l->waits[l->next[i]].tid;
}

static void put_cycle(struct knot *d, const struct search *l, size_t first)
{
	size_t at = first;

	do {
		put_wait(d, l, at);
		at = l->next[at];
	} while (at != first);
}

/* The members, the one with the lowest id first. */
static void put_members(struct knot *d, const struct search *l, size_t circle)
{
	size_t first = GRAPH_NONE;

	for (size_t i = 0; i < l->n; i++) {
		if (l->circle[i] != circle)
			continue;
		if (d->kind == DEADLOCK_ABANDONED)
			d->waits[d->n++] = l->waits[i];
		else if (first == GRAPH_NONE || l->waits[i].thread_id < l->waits[first].thread_id)
			first = i;
	}
	if (first != GRAPH_NONE)
		put_cycle(d, l, first);
	d->n_members = d->n;
}

static struct knot make(const struct search *l, size_t circle, uint64_t at)
{
	struct knot d = {
		.kind = circle < l->n_cycles ? DEADLOCK_CYCLE : DEADLOCK_ABANDONED,
		.waits = malloc((l->n + 1) * sizeof(*d.waits)),
		.proved_at = at,
		.seen_at = at,
	};

	if (!d.waits)
		out_of_memory();
	put_members(&d, l, circle);
	for (size_t i = 0; i < l->n; i++) {
		if (l->leads[i] == circle && l->circle[i] != circle)
			put_wait(&d, l, i);
	}
	return d;
}

/* Of a lock that nobody lets go more may come to wait. */
static bool is_same(const struct knot *a, const struct knot *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind == DEADLOCK_ABANDONED)
		return is_same_lock(&a->waits[0], &b->waits[0]) &&
		       a->waits[0].holder_nr == b->waits[0].holder_nr;
	if (a->n_members != b->n_members)
		return false;
	for (size_t i = 0; i < a->n_members; i++) {
		if (!is_same_wait(&a->waits[i], &b->waits[i]))
			return false;
	}
	return true;
}

/* Is it new? Takes what it is made of. */
static bool keep(struct watch *w, struct knot d)
{
	for (size_t i = 0; i < w->found.n; i++) {
		struct knot *known = &w->found.items[i];

		if (!is_same(known, &d))
			continue;
		d.proved_at = known->proved_at;
		free(known->waits);
		*known = d;
		return false;
	}
	if (w->found.n == KNOTS_MAX) {
		w->left_out++;
		free(d.waits);
		return false;
	}
	*vec_add(&w->found) = d;
	return true;
}

static void remember(struct watch *w, const struct search *l)
{
	free(w->last);
	map_free(&w->places);
	w->places = (struct map){ 0 };
	w->last = malloc((l->n + 1) * sizeof(*w->last));
	if (!w->last)
		out_of_memory();
	if (l->n)
		memcpy(w->last, l->waits, l->n * sizeof(*w->last));
	w->n_last = l->n;
	for (size_t i = 0; i < l->n; i++)
		*map_add(&w->places, l->waits[i].thread_id) = i;
}

size_t watch_look(struct watch *w, const struct look *look)
{
	struct search l;
	size_t new = 0;

	search_begin(&l, w, look);
	for (size_t i = 0; i < l.n_circles; i++)
		new += keep(w, make(&l, i, look->at));
	remember(w, &l);
	search_end(&l);
	return new;
}

const struct knot *watch_knots(const struct watch *w, size_t *ret_n)
{
	*ret_n = w->found.n;
	return w->found.items;
}

static int tell_lost(const struct watch *w, event_fn fn, void *ctx)
{
	struct ev_loss ev = { .head = { EV_LOSS, sizeof(ev) },
			      .what = LOSS_DEADLOCKS,
			      .count = w->left_out };

	return w->left_out ? fn(ctx, &ev.head) : 0;
}

int watch_tell(const struct watch *w, event_fn fn, void *ctx)
{
	int error = tell_lost(w, fn, ctx);

	for (size_t i = 0; i < w->found.n; i++) {
		const struct knot *d = &w->found.items[i];

		for (size_t k = 0; k < d->n && !error; k++) {
			const struct stuck *s = &d->waits[k];
			struct ev_deadlock ev = {
				.head = { EV_DEADLOCK, sizeof(ev) },
				.number = i + 1,
				.kind = d->kind,
				.is_member = k < d->n_members,
				.holder_is = s->holder_is,
				.thread_id = s->thread_id,
				.holder_id = s->holder_id,
				.key = s->key,
				.hints = s->hints,
				.holder_nr = s->holder_nr,
				.since = s->since,
				.proved_at = d->proved_at,
				.seen_at = d->seen_at,
				.want = s->want,
			};

			error = fn(ctx, &ev.head);
		}
	}
	return error;
}
