// SPDX-License-Identifier: BSD-2-Clause
#include "report/perfetto.h"

#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

enum { TRACK_UUID = 1, TRACK_NAME = 2, TRACK_THREAD = 4, TRACK_PARENT = 5 };
enum { OWNER_PID = 1, OWNER_TID = 2, OWNER_NAME = 5 };
enum { EVENT_TYPE = 9, EVENT_NAME = 10, EVENT_TRACK = 11 };
enum { EVENT_BEGIN = 1, EVENT_END = 2 };
enum { INTERNED_NAMES = 2 };
enum { NAME_NUMBER = 1, NAME_TEXT = 2 };

#define FLAG_NEEDS   2 /* what was interned before */
#define FLAG_CLEARED 3 /* ... which begins here */

#define KIND_SIZE 40
#define NAME_SIZE 400 /* what is longer ends at a whole character */

/* A thread's way off the CPU. */
struct waiting {
	uint64_t since; /* 0: it has not been on one */
	uint8_t off, cause;
	bool has_track;
	uint8_t last_cause; /* of the wait before ... */
	uint32_t last_place;
	uint64_t last_title; /* ... and its number; 0: there was none */
};

#define TRACK_OF(thread) ((uint64_t)(thread)*2 + 1) /* its own; one more: that of its waits */

static void put_event(struct tracing *t, uint64_t at, uint64_t type, uint64_t track, uint64_t name)
{
	struct proto event = { 0 }, packet = { 0 };

	proto_number(&packet, PACKET_TIMESTAMP, at);
	proto_number(&packet, PACKET_FLAGS, FLAG_NEEDS);
	proto_number(&event, EVENT_TYPE, type);
	if (name)
		proto_number(&event, EVENT_NAME, name);
	proto_number(&event, EVENT_TRACK, track);
	perfetto_put_part(t, &packet, PACKET_EVENT, &event);
}

/* From now on a number stands for a name; of FLAG_CLEARED what did before does no more. */
static void put_interned(struct tracing *t, uint64_t flags, uint64_t number, const char *text)
{
	struct proto name = { 0 }, interned = { 0 }, packet = { 0 };

	proto_number(&packet, PACKET_FLAGS, flags);
	proto_number(&name, NAME_NUMBER, number);
	proto_bytes(&name, NAME_TEXT, text, strlen(text));
	proto_element(&interned, INTERNED_NAMES, name.items, name.n);
	perfetto_put_part(t, &packet, PACKET_INTERNED, &interned);
	free(name.items);
}

/* The number of what a wait is called: "io.file orders.db". */
static uint64_t number_of(struct tracing *t, size_t thread, enum cause cause, uint32_t place)
{
	const struct lock *lock = place_lock(&t->places, thread, place);
	const char *kind = lock ? lock_kind_name(lock->kind) : cause_name(cause);
	const char *where = place_name(&t->places, thread, place);
	char text[KIND_SIZE + NAME_SIZE], shown[NAME_SIZE];
	size_t number;

	escape_text(shown, sizeof(shown), where ? where : "", 0, true);
	snprintf(text, sizeof(text), "%.*s%s%s", KIND_SIZE - 2, kind, where ? " " : "", shown);
	number = intern(&t->titles, text, strlen(text)) + 1;
	if (number > t->n_titles) {
		t->n_titles = number;
		put_interned(t, number == 1 ? FLAG_CLEARED : FLAG_NEEDS, number, text);
	}
	return number;
}

static void put_track(struct tracing *t, uint64_t number, uint64_t parent, const char *name,
		      const struct thread *of)
{
	struct proto owner = { 0 }, track = { 0 }, packet = { 0 };

	proto_number(&track, TRACK_UUID, number);
	if (name)
		proto_bytes(&track, TRACK_NAME, name, strlen(name));
	if (parent)
		proto_number(&track, TRACK_PARENT, parent);
	if (of) {
		proto_number(&owner, OWNER_PID, of->pid);
		proto_number(&owner, OWNER_TID, of->tid);
		proto_bytes(&owner, OWNER_NAME, of->comm, strlen(of->comm));
		proto_element(&track, TRACK_THREAD, owner.items, owner.n);
	}
	perfetto_put_part(t, &packet, PACKET_TRACK, &track);
	free(owner.items);
}

static void put_wait(struct tracing *t, size_t thread, uint64_t from, uint64_t to, uint32_t place)
{
	struct waiting *w = &t->threads[thread];

	if (!w->has_track) {
		put_track(t, TRACK_OF(thread), 0, NULL, &t->m->threads[thread]);
		put_track(t, TRACK_OF(thread) + 1, TRACK_OF(thread), "waits for", NULL);
		w->has_track = true;
	}
	if (!w->last_title || w->last_cause != w->cause || w->last_place != place) {
		w->last_title = number_of(t, thread, w->cause, place);
		w->last_cause = w->cause;
		w->last_place = place;
	}
	put_event(t, from, EVENT_BEGIN, TRACK_OF(thread) + 1, w->last_title);
	put_event(t, to, EVENT_END, TRACK_OF(thread) + 1, 0);
}

void perfetto_waits_step(struct tracing *t, const struct timeline_step *s)
{
	uint64_t arrived = since_start(t, s->mark.at - s->mark.ran);
	uint64_t ready = arrived > s->mark.queued ? arrived - s->mark.queued : 0;
	struct waiting *w = &t->threads[s->thread];
	bool has_begun = s->mark.kind != MARK_BEGIN;
	struct stay stay = { .since = w->since,
			     .arrived = arrived,
			     .left = since_start(t, s->mark.at),
			     .is_known = has_begun && !s->mark.unseen,
			     .was_blocked = w->off == OFF_BLOCKED,
			     .row = s->mark.was_row };

	stay.ready = ready = ready > w->since ? ready : w->since;
	if (has_begun)
		perfetto_counters_add(t, &stay);
	if (has_begun && w->off == OFF_BLOCKED && ready > w->since)
		put_wait(t, s->thread, w->since, ready, s->mark.place);
	w->since = since_start(t, s->mark.at);
	w->off = s->mark.off;
	w->cause = s->mark.cause;
}

void perfetto_waits_begin(struct tracing *t)
{
	t->threads = calloc(t->m->n_threads + 1, sizeof(*t->threads));
	if (!t->threads)
		out_of_memory();
	places_begin(&t->places, t->f);
}

void perfetto_waits_end(struct tracing *t)
{
	places_end(&t->places);
	intern_free(&t->titles);
	free(t->threads);
}
