// SPDX-License-Identifier: BSD-2-Clause
#include "report/perfetto.h"

#include <stdlib.h>
#include <string.h>

enum { TRACK_UUID = 1, TRACK_NAME = 2, TRACK_THREAD = 4, TRACK_PARENT = 5 };
enum { OWNER_PID = 1, OWNER_TID = 2, OWNER_NAME = 5 };
enum { EVENT_TYPE = 9, EVENT_NAME = 10, EVENT_TRACK = 11 };
enum { EVENT_BEGIN = 1, EVENT_END = 2 };
enum { INTERNED_NAMES = 2 };
enum { NAME_NUMBER = 1, NAME_TEXT = 2 };

#define SEQUENCE     1
#define FLAG_NEEDS   2 /* what was interned before */
#define FLAG_CLEARED 3 /* ... which begins here */

/* A thread's way off the CPU. */
struct waiting {
	uint64_t since; /* 0: it has not been on one */
	uint8_t off, cause;
	bool has_track;
};

#define TRACK_OF(thread) ((uint64_t)(thread)*2 + 1) /* its own; one more: that of its waits */

static void put_event(struct tracing *t, uint64_t at, uint64_t type, uint64_t track, uint64_t name)
{
	struct proto event = { 0 }, packet = { 0 };

	proto_number(&packet, PACKET_TIMESTAMP, at);
	proto_number(&packet, PACKET_SEQUENCE, SEQUENCE);
	proto_number(&packet, PACKET_FLAGS, FLAG_NEEDS);
	proto_number(&event, EVENT_TYPE, type);
	if (name)
		proto_number(&event, EVENT_NAME, name);
	proto_number(&event, EVENT_TRACK, track);
	proto_element(&packet, PACKET_EVENT, event.items, event.n);
	perfetto_put(t, &packet);
	free(event.items);
	free(packet.items);
}

/* What threads may wait for, by numbers: those of the causes, and 1. */
static void put_interned(struct tracing *t)
{
	struct proto interned = { 0 }, packet = { 0 };

	proto_number(&packet, PACKET_SEQUENCE, SEQUENCE);
	proto_number(&packet, PACKET_FLAGS, FLAG_CLEARED);
	for (unsigned int c = 0; c < CAUSE_COUNT; c++) {
		struct proto name = { 0 };

		if (!cause_name(c))
			continue;
		proto_number(&name, NAME_NUMBER, c + 1);
		proto_bytes(&name, NAME_TEXT, cause_name(c), strlen(cause_name(c)));
		proto_element(&interned, INTERNED_NAMES, name.items, name.n);
		free(name.items);
	}
	proto_element(&packet, PACKET_INTERNED, interned.items, interned.n);
	perfetto_put(t, &packet);
	free(interned.items);
	free(packet.items);
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
	proto_number(&packet, PACKET_SEQUENCE, SEQUENCE);
	proto_element(&packet, PACKET_TRACK, track.items, track.n);
	perfetto_put(t, &packet);
	free(owner.items);
	free(track.items);
	free(packet.items);
}

static void put_wait(struct tracing *t, size_t thread, uint64_t from, uint64_t to)
{
	struct waiting *w = &t->threads[thread];

	if (!w->has_track) {
		put_track(t, TRACK_OF(thread), 0, NULL, &t->m->threads[thread]);
		put_track(t, TRACK_OF(thread) + 1, TRACK_OF(thread), "waits for", NULL);
		w->has_track = true;
	}
	put_event(t, from, EVENT_BEGIN, TRACK_OF(thread) + 1, (uint64_t)w->cause + 1);
	put_event(t, to, EVENT_END, TRACK_OF(thread) + 1, 0);
}

void perfetto_waits_step(struct tracing *t, const struct timeline_step *s)
{
	uint64_t arrived = since_start(t, s->mark.at - s->mark.ran);
	uint64_t ready = arrived > s->mark.queued ? arrived - s->mark.queued : 0;
	struct waiting *w = &t->threads[s->thread];

	ready = ready > w->since ? ready : w->since;
	if (s->mark.kind != MARK_BEGIN && w->off == OFF_BLOCKED && ready > w->since)
		put_wait(t, s->thread, w->since, ready);
	w->since = since_start(t, s->mark.at);
	w->off = s->mark.off;
	w->cause = s->mark.cause;
}

void perfetto_waits_begin(struct tracing *t)
{
	t->threads = calloc(t->m->n_threads + 1, sizeof(*t->threads));
	if (!t->threads)
		abort(); /* as base/vec.h */
	put_interned(t);
}

void perfetto_waits_end(struct tracing *t)
{
	free(t->threads);
}
