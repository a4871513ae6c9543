// SPDX-License-Identifier: BSD-2-Clause
/*
 * Counters over time: how many threads ran, were queued, and waited for what, on average over each
 * of some thousand parts of the time. And at its end, what is missing.
 */
#include "report/perfetto.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/loss.h"

enum { TRACK_UUID = 1, TRACK_NAME = 2, TRACK_COUNTER = 8 };
enum { COUNTER_UNIT_NAME = 6 };
enum { EVENT_TYPE = 9, EVENT_TRACK = 11, EVENT_NAME = 23, EVENT_VALUE = 44 };
enum { EVENT_INSTANT = 3, EVENT_COUNTER = 4 };

#define PARTS	    1000
#define LEAST_NS    100000	 /* of a part */
#define FIRST_TRACK (1ull << 48) /* above those of threads */
#define GAPS_TRACK  (FIRST_TRACK + COUNTING)

enum { COUNT_RUNNING = ROW_COUNT, COUNT_QUEUED, COUNTING }; /* beside the rows */

/* Of one counter: thread-nanoseconds within a part, and threads from a part on that have all of it. */
struct counter {
	uint64_t ns[PARTS + 1];
	int64_t whole[PARTS + 2];
	bool is_used;
};

struct counters {
	struct counter items[COUNTING];
	uint64_t part_ns;
};

void perfetto_counters_begin(struct tracing *t)
{
	t->counters = calloc(1, sizeof(*t->counters));
	if (!t->counters)
		out_of_memory();
	t->counters->part_ns = t->m->wall_ns / PARTS + 1;
	if (t->counters->part_ns < LEAST_NS)
		t->counters->part_ns = LEAST_NS;
}

static void count(struct tracing *t, unsigned int which, uint64_t from, uint64_t to)
{
	struct counter *c = &t->counters->items[which];
	uint64_t part_ns = t->counters->part_ns, last = part_ns * PARTS;
	size_t first, end;

	to = to < last ? to : last;
	if (from >= to)
		return;
	first = from / part_ns;
	end = to / part_ns;
	c->is_used = true;
	if (first == end) {
		c->ns[first] += to - from;
		return;
	}
	c->ns[first] += (first + 1) * part_ns - from;
	c->ns[end] += to - end * part_ns;
	c->whole[first + 1]++;
	c->whole[end]--;
}

void perfetto_counters_add(struct tracing *t, const struct stay *s)
{
	count(t, COUNT_RUNNING, s->arrived, s->left);
	if (!s->is_known)
		return;
	count(t, COUNT_QUEUED, s->ready, s->arrived);
	if (s->was_blocked)
		count(t, s->row, s->since, s->ready);
}

static void put_track(struct tracing *t, uint64_t number, const char *name, bool is_counter)
{
	static const char unit[] = "threads";
	struct proto counter = { 0 }, track = { 0 }, packet = { 0 };

	proto_number(&track, TRACK_UUID, number);
	proto_bytes(&track, TRACK_NAME, name, strlen(name));
	if (is_counter) {
		proto_bytes(&counter, COUNTER_UNIT_NAME, unit, strlen(unit));
		proto_element(&track, TRACK_COUNTER, counter.items, counter.n);
	}
	perfetto_put_part(t, &packet, PACKET_TRACK, &track);
	free(counter.items);
}

/* Frees it. */
static void put_event(struct tracing *t, uint64_t at, struct proto *event)
{
	struct proto packet = { 0 };

	proto_number(&packet, PACKET_TIMESTAMP, at);
	perfetto_put_part(t, &packet, PACKET_EVENT, event);
}

static void put_value(struct tracing *t, uint64_t track, uint64_t at, double value)
{
	struct proto event = { 0 };

	proto_number(&event, EVENT_TYPE, EVENT_COUNTER);
	proto_number(&event, EVENT_TRACK, track);
	proto_double(&event, EVENT_VALUE, value);
	put_event(t, at, &event);
}

static void put_counter(struct tracing *t, unsigned int which)
{
	const struct counter *c = &t->counters->items[which];
	uint64_t part_ns = t->counters->part_ns;
	double before = 0;
	int64_t whole = 0;
	char name[64];

	if (!c->is_used)
		return;
	if (which < ROW_COUNT)
		snprintf(name, sizeof(name), "threads waiting: %s", row_name(which));
	else
		snprintf(name, sizeof(name), "threads %s",
			 which == COUNT_RUNNING ? "running" : "ready, without a CPU");
	put_track(t, FIRST_TRACK + which, name, true);
	for (size_t i = 0; i < PARTS && i * part_ns < t->m->wall_ns; i++) {
		double value = (double)c->ns[i] / (double)part_ns;

		whole += c->whole[i];
		value += (double)whole;
		if (value != before || !i)
			put_value(t, FIRST_TRACK + which, i * part_ns, value);
		before = value;
	}
	if (before > 0)
		put_value(t, FIRST_TRACK + which, t->m->wall_ns, 0);
}

static void put_gap(struct tracing *t, const struct loss *l)
{
	const struct loss_words *words = loss_words(l->what);
	struct proto event = { 0 };
	char text[256];

	snprintf(text, sizeof(text), "%s (%" PRIu64 "): %s", words->noun, l->count, words->effect);
	proto_number(&event, EVENT_TYPE, EVENT_INSTANT);
	proto_number(&event, EVENT_TRACK, GAPS_TRACK);
	proto_bytes(&event, EVENT_NAME, text, strlen(text));
	put_event(t, t->m->wall_ns, &event);
}

void perfetto_counters_end(struct tracing *t)
{
	for (unsigned int i = 0; i < COUNTING; i++)
		put_counter(t, i);
	if (t->m->n_losses)
		put_track(t, GAPS_TRACK, "what was not measured", false);
	for (size_t i = 0; i < t->m->n_losses; i++)
		put_gap(t, &t->m->losses[i]);
	free(t->counters);
}
