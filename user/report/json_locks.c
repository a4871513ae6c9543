// SPDX-License-Identifier: BSD-2-Clause
/* Where threads waited for each other, and for whom. */
#include "report/json_parts.h"

#include <inttypes.h>
#include <stdio.h>

#include "report/frames.h"
#include "report/words.h"

static void put_thread(struct json *j, const struct model *m, uint64_t id, size_t place)
{
	char text[24];

	snprintf(text, sizeof(text), "t%" PRIu64, id);
	json_string(j, "thread", text);
	if (place == NO_THREAD)
		return;
	json_u64(j, "tid", m->threads[place].tid);
	json_string(j, "comm", m->threads[place].comm);
}

static void put_waiters(struct json *j, const struct model *m, const struct lock *l, struct room *r)
{
	size_t n = room_for(r, ROOM_WAITERS, l->n_waiters);

	json_array(j, "waiters");
	for (size_t i = 0; i < n; i++) {
		const struct lock_waiter *w = &l->waiters[i];

		json_line_object(j, NULL);
		put_thread(j, m, w->thread_id, w->thread);
		json_u64(j, "waits", w->waits);
		json_u64(j, "wait_ns", w->ns);
		json_u64(j, "max_wait_ns", w->max_ns);
		json_bool(j, "open", w->is_open);
		json_end(j);
	}
	json_end(j);
}

static void put_holders(struct json *j, const struct model *m, const struct lock *l, struct room *r)
{
	size_t n = room_for(r, ROOM_HOLDERS, l->n_holders);
	char key[32];

	json_array(j, "holders");
	for (size_t i = 0; i < n; i++) {
		const struct lock_holder *h = &l->holders[i];
		uint64_t known = 0;

		json_line_object(j, NULL);
		put_thread(j, m, h->thread_id, h->thread);
		json_u64(j, "blamed_ns", h->ns);
		json_string(j, "how", holder_how_name(h->how));
		for (int k = 0; k < DOING_COUNT; k++) {
			snprintf(key, sizeof(key), "%s_ns", doing_kind_name(k));
			json_u64(j, key, h->doing_ns[k]);
			known += h->doing_ns[k];
		}
		json_u64(j, "unknown_ns", h->ns > known ? h->ns - known : 0);
		json_end(j);
	}
	json_end(j);
}

void json_histogram(struct json *j, const char *key, const uint64_t *waits, size_t n)
{
	while (n && !waits[n - 1])
		n--;
	json_line_array(j, key);
	for (size_t i = 0; i < n; i++)
		json_u64(j, NULL, waits[i]);
	json_end(j);
}

static bool is_memory(const struct lock *l)
{
	return l->kind != LOCK_KIND_FILE && l->kind != LOCK_KIND_SYSV &&
	       l->kind != LOCK_KIND_KERNEL;
}

static void put_sites(struct json *j, const struct lock_row *row, struct room *r)
{
	size_t n = room_for(r, ROOM_LOCK_SITES, row->n_sites);
	char text[FRAME_TEXT_SIZE];

	json_array(j, "sites");
	for (size_t i = 0; i < n; i++) {
		json_line_object(j, NULL);
		json_string(j, "function", frame_text(text, sizeof(text), row->sites[i].frame));
		json_u64(j, "waits", estimate_whole(row->sites[i].waits));
		json_u64(j, "wait_ns", estimate_whole(row->sites[i].ns));
		json_end(j);
	}
	json_end(j);
}

/* Who has it while others wait at the end. */
static void put_owner(struct json *j, const struct model *m, const struct lock *l)
{
	if (l->owner == NO_THREAD) {
		json_string(j, "owner", NULL);
		return;
	}
	json_line_object(j, "owner");
	put_thread(j, m, m->threads[l->owner].id, l->owner);
	json_string(j, "how", holder_how_name(l->owner_how));
	json_end(j);
}

static void put_calls(struct json *j, const struct model *m, const struct lock *l)
{
	if (!m->calls.windows && !m->calls.all_time) {
		json_string(j, "calls", NULL);
		return;
	}
	json_line_object(j, "calls");
	json_u64(j, "waits", l->calls.waits);
	json_u64(j, "again", l->calls.again);
	json_u64(j, "wakes", l->calls.wakes);
	json_u64(j, "woken", l->calls.woken);
	json_u64(j, "wakes_without_waiter", l->calls.wake_none);
	json_end(j);
}

static void put_lock(struct json *j, const struct findings *f, const struct lock_row *row, size_t i,
		     struct room *r)
{
	const struct model *m = f->model;
	const struct lock *l = row->lock;
	char text[FRAME_TEXT_SIZE];

	json_object(j, NULL);
	snprintf(text, sizeof(text), "l%zu", i + 1);
	json_string(j, "id", text);
	json_string(j, "name", row->name);
	json_string(j, "kind", lock_kind_name(l->kind));
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)l->key.word);
	json_string(j, "address", is_memory(l) ? text : NULL);
	json_bool(j, "shared", l->key.space & LOCK_SHARED && l->kind != LOCK_KIND_KERNEL);
	json_string(j, "object", l->object);
	json_string(j, "file", l->file && l->file[0] ? l->file : NULL);
	json_string(j, "waited_in", row->place ? frame_text(text, sizeof(text), row->place) : NULL);
	json_string(j, "held_in",
		    row->held_in ? frame_text(text, sizeof(text), row->held_in) : NULL);
	json_u64(j, "waits", l->waits);
	json_u64(j, "wait_ns", l->ns);
	json_u64(j, "max_wait_ns", l->max_ns);
	json_u64(j, "waited_wall_ns", l->any_ns);
	json_u64(j, "blamed_ns", l->blamed_ns);
	json_u64(j, "timeouts", l->timeouts);
	json_u64(j, "open_waits", l->open);
	put_owner(j, m, l);
	put_calls(j, m, l);
	json_histogram(j, "wait_histogram_log2_ns", l->histogram, LOCK_BUCKETS);
	put_sites(j, row, r);
	put_waiters(j, m, l, r);
	put_holders(j, m, l, r);
	json_end(j);
}

/* Both of the first n locks: what is named is there. */
static bool is_listed(const struct findings *f, const struct lock_order *o, size_t n)
{
	return f->lock_rank[o->held] < n && f->lock_rank[o->wanted] < n;
}

static void put_order(struct json *j, const struct findings *f, const struct lock_order *o)
{
	char id[24];

	json_line_object(j, NULL);
	snprintf(id, sizeof(id), "l%zu", f->lock_rank[o->held] + 1);
	json_string(j, "held", id);
	snprintf(id, sizeof(id), "l%zu", f->lock_rank[o->wanted] + 1);
	json_string(j, "wanted", id);
	json_u64(j, "count", o->count);
	json_end(j);
}

static void put_orders(struct json *j, const struct findings *f, size_t n, struct room *r)
{
	const struct model *m = f->model;
	size_t listed = 0, left;

	for (size_t i = 0; i < m->n_lock_orders; i++)
		listed += is_listed(f, &m->lock_orders[i], n);
	r->left_out[ROOM_LOCK_ORDERS] += m->n_lock_orders - listed;
	left = room_for(r, ROOM_LOCK_ORDERS, listed);
	json_array(j, "lock_orders");
	for (size_t i = 0; i < m->n_lock_orders && left; i++) {
		if (!is_listed(f, &m->lock_orders[i], n))
			continue;
		put_order(j, f, &m->lock_orders[i]);
		left--;
	}
	json_end(j);
}

void json_locks(struct json *j, const struct findings *f, struct room *r)
{
	size_t n = room_for(r, ROOM_LOCKS, f->n_locks);

	json_array(j, "locks");
	for (size_t i = 0; i < n; i++)
		put_lock(j, f, &f->locks[i], i, r);
	json_end(j);
	put_orders(j, f, n, r);
	json_deadlocks(j, f, n, r);
}
