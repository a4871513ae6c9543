// SPDX-License-Identifier: BSD-2-Clause
#include "live/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bpf/io.h"
#include "model/target.h"

/* --- rows ------------------------------------------------------------------------------------- */

static struct live_row *row_of(struct live_table *t, enum live_view view, uint64_t key)
{
	uint64_t *place = map_add(&t->places[view], key);

	if (*place == MAP_NONE) {
		*place = t->rows[view].n;
		*vec_add(&t->rows[view]) = (struct live_row){ .key = key, .is_new = true };
	}
	return &t->rows[view].items[*place];
}

static double share(uint64_t now, uint64_t before, double ns)
{
	return now > before && ns > 0 ? (double)(now - before) / ns : 0;
}

static void remember(struct live_row *r, double value)
{
	if (r->n_history == LIVE_HISTORY) {
		memmove(r->history, r->history + 1, sizeof(r->history) - sizeof(*r->history));
		r->n_history--;
	}
	r->history[r->n_history++] = (float)value;
}

/* Since the last look, or since its beginning. */
static double since_last(const struct live_table *t, const struct live_row *r, uint64_t began_at)
{
	uint64_t from = r->look ? r->at : began_at > t->since ? began_at : t->since;

	return t->at > from ? (double)(t->at - from) : 0;
}

static void note_look(struct live_table *t, struct live_row *r)
{
	r->is_new = !r->look && t->look > 1;
	r->look = t->look;
	r->at = t->at;
}

static void note_causes(struct live_row *r, const struct ledger *l)
{
	uint64_t most = 0;

	r->mostly = CAUSE_UNKNOWN;
	for (int c = 0; c < CAUSE_COUNT; c++) {
		uint64_t ns = l->cause[c].ns - r->cause_ns[c];

		if (l->cause[c].ns > r->cause_ns[c] && ns > most) {
			most = ns;
			r->mostly = c;
		}
		r->cause_ns[c] = l->cause[c].ns;
	}
}

void live_see_thread(struct live_table *t, const struct peeked *seen)
{
	const struct ledger *l = &seen->thread.ledger;
	struct live_row *r = row_of(t, LIVE_THREADS, seen->thread.id);
	double ns = since_last(t, r, l->start_at);
	uint64_t queued =
		l->state_ns[TS_WOKEN] + l->state_ns[TS_PREEMPTED] + l->state_ns[TS_YIELDED];

	if (!r->look && t->look == 1) { /* from then on */
		r->running_ns = l->state_ns[TS_RUNNING];
		r->queued_ns = queued;
		r->waiting_ns = l->state_ns[TS_BLOCKED];
		r->count = l->switches;
	}
	note_look(t, r);
	r->tid = seen->thread.tid;
	snprintf(r->name, sizeof(r->name), "%.*s", (int)sizeof(seen->thread.comm),
		 seen->thread.comm);
	r->position = seen->position;
	r->cause = seen->cause < CAUSE_COUNT ? seen->cause : CAUSE_UNKNOWN;
	note_causes(r, l);
	r->running = share(l->state_ns[TS_RUNNING], r->running_ns, ns);
	r->queued = share(queued, r->queued_ns, ns);
	r->waiting = share(l->state_ns[TS_BLOCKED], r->waiting_ns, ns);
	r->rate = share(l->switches, r->count, ns) * 1e9;
	r->running_ns = l->state_ns[TS_RUNNING];
	r->queued_ns = queued;
	r->waiting_ns = l->state_ns[TS_BLOCKED];
	r->count = l->switches;
	remember(r, r->running);
}

/* Of a lock or a target: some thread waited there for so long, so often. */
static void see_waits(struct live_table *t, struct live_row *r, uint64_t any_ns, uint64_t waits)
{
	double ns = since_last(t, r, 0);

	if (!r->look && t->look == 1) {
		r->waiting_ns = any_ns;
		r->count = waits;
	}
	note_look(t, r);
	r->waiting = share(any_ns, r->waiting_ns, ns);
	r->rate = share(waits, r->count, ns) * 1e9;
	r->waiting_ns = any_ns;
	r->count = waits;
	remember(r, r->waiting);
}

static uint64_t hash_of(const struct lock_key *key)
{
	return map_hash(map_hash(0, key->space), key->word) >> 1;
}

static void see_lock(struct live_table *t, const struct ev_lock *ev)
{
	struct live_row *r = row_of(t, LIVE_LOCKS, hash_of(&ev->key));
	uint64_t *first = map_find(&t->places[LIVE_THREADS], ev->key.space);

	/* Memory is numbered by its first thread: see struct lock_key. */
	if (first)
		snprintf(r->name, sizeof(r->name), "%.32s %#llx",
			 t->rows[LIVE_THREADS].items[*first].name,
			 (unsigned long long)ev->key.word);
	else if (r->is_new)
		snprintf(r->name, sizeof(r->name), "%#llx", (unsigned long long)ev->key.word);
	see_waits(t, r, ev->any_ns, ev->waits);
}

static void see_waiter(struct live_table *t, const struct ev_lock_waiter *ev)
{
	uint64_t *place = map_find(&t->places[LIVE_LOCKS], hash_of(&ev->key));

	if (place && ev->cause < CAUSE_COUNT)
		t->rows[LIVE_LOCKS].items[*place].cause = ev->cause;
}

static void see_target(struct live_table *t, const struct ev_io *ev)
{
	struct live_row *r = row_of(t, LIVE_TARGETS, (uint64_t)ev->cause << 32 | ev->index);

	r->cause = ev->cause < CAUSE_COUNT ? ev->cause : CAUSE_UNKNOWN;
	if (ev->index < t->targets.n && t->targets.items[ev->index])
		snprintf(r->name, sizeof(r->name), "%s",
			 target_end_of(t->targets.items[ev->index], sizeof(r->name) - 1));
	else
		snprintf(r->name, sizeof(r->name), "%s",
			 ev->index ? cause_words(r->cause) : "files by name");
	see_waits(t, r, ev->any_ns, ev->waits);
}

void live_see(struct live_table *t, const struct event *ev)
{
	switch (ev->kind) {
	case EV_LOCK:
		see_lock(t, (const struct ev_lock *)ev);
		break;
	case EV_LOCK_WAITER:
		see_waiter(t, (const struct ev_lock_waiter *)ev);
		break;
	case EV_IO:
		see_target(t, (const struct ev_io *)ev);
	}
}

/* --- looks --------------------------------------------------------------------------------------- */

void live_begin_look(struct live_table *t, uint64_t now)
{
	t->since = t->at;
	t->at = now;
	t->look++;
}

/* Rows of threads that were not there this time stay for one look more. */
static void sweep(struct live_table *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->rows[LIVE_THREADS].n; i++) {
		struct live_row *r = &t->rows[LIVE_THREADS].items[i];

		if (r->look + 1 < t->look)
			continue;
		if (r->look < t->look) {
			r->has_ended = true;
			r->running = r->queued = r->waiting = r->rate = 0;
		}
		t->rows[LIVE_THREADS].items[kept++] = *r;
	}
	if (kept == t->rows[LIVE_THREADS].n)
		return;
	t->rows[LIVE_THREADS].n = kept;
	map_free(&t->places[LIVE_THREADS]);
	t->places[LIVE_THREADS] = (struct map){ 0 };
	for (size_t i = 0; i < kept; i++)
		*map_add(&t->places[LIVE_THREADS], t->rows[LIVE_THREADS].items[i].key) = i;
}

void live_end_look(struct live_table *t)
{
	sweep(t);
	t->running = t->queued = 0;
	t->n_threads = 0;
	for (size_t i = 0; i < t->rows[LIVE_THREADS].n; i++) {
		const struct live_row *r = &t->rows[LIVE_THREADS].items[i];

		t->running += r->running;
		t->queued += r->queued;
		t->n_threads += !r->has_ended;
	}
}

/* --- the stream ------------------------------------------------------------------------------------ */

void live_note(struct live_table *t, const struct event *ev)
{
	const struct ev_target *target = (const struct ev_target *)ev;
	char name[TARGET_NAME_SIZE];

	if (ev->kind != EV_TARGET || target->index >= IO_TARGETS ||
	    (target->kind == TARGET_OBJECT && !target->object))
		return;
	while (t->targets.n <= target->index)
		*vec_add(&t->targets) = NULL;
	free(t->targets.items[target->index]);
	t->targets.items[target->index] =
		strdup(target_name(name, sizeof(name), target, target->object));
}

/* --- order ------------------------------------------------------------------------------------------- */

struct ordering {
	const struct live_row *rows;
	enum live_sort by;
};

static double value_of(const struct live_row *r, enum live_sort by)
{
	switch (by) {
	case LIVE_BY_QUEUED:
		return r->queued;
	case LIVE_BY_WAITING:
		return r->waiting;
	case LIVE_BY_RATE:
		return r->rate;
	default:
		return r->running;
	}
}

static int highest_first(const void *a, const void *b, void *ctx)
{
	const struct ordering *o = ctx;
	const struct live_row *x = &o->rows[*(const size_t *)a], *y = &o->rows[*(const size_t *)b];
	int names = strcmp(x->name, y->name);
	double v = value_of(x, o->by), w = value_of(y, o->by);

	if (o->by == LIVE_BY_NAME && names)
		return names;
	if (v != w)
		return v > w ? -1 : 1;
	if (x->waiting != y->waiting)
		return x->waiting > y->waiting ? -1 : 1;
	return names ? names : x->tid < y->tid ? -1 : x->tid > y->tid;
}

size_t *live_order(const struct live_table *t, enum live_view view, enum live_sort by,
		   size_t *ret_n)
{
	size_t n = t->rows[view].n, *order = reallocarray(NULL, n + 1, sizeof(*order));
	struct ordering how = { t->rows[view].items, by };

	if (!order)
		out_of_memory();
	if (view != LIVE_THREADS && by < LIVE_BY_WAITING)
		how.by = LIVE_BY_WAITING;
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	if (n)
		qsort_r(order, n, sizeof(*order), highest_first, &how);
	*ret_n = n;
	return order;
}

void live_free(struct live_table *t)
{
	for (int view = 0; view < LIVE_VIEWS; view++) {
		free(t->rows[view].items);
		map_free(&t->places[view]);
	}
	for (size_t i = 0; i < t->targets.n; i++)
		free(t->targets.items[i]);
	free(t->targets.items);
}
