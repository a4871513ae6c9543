// SPDX-License-Identifier: BSD-2-Clause
#include "report/lanes.h"

#include <stdlib.h>

#include "model/timeline.h"

#define FINEST 65536 /* slots */

/* A slot by what was in it; or several that are full of one tone. */
struct cell {
	uint32_t slot, n;
	unsigned int full; /* with it; TONE_NONE: see ns */
	uint64_t ns[TONE_COUNT];
};

struct track_of {
	VEC(struct cell) cells;
	uint64_t since; /* its last step */
	uint8_t off;
	bool has_begun;
};

struct drawing_up {
	const struct model *m;
	struct lanes *lanes;
	struct track_of *tracks; /* of each lane */
	size_t *lane_of;	 /* by place in model.threads; SIZE_MAX: none */
	size_t most, cells;	 /* of all lanes */
};

static void add_part(struct drawing_up *d, struct track_of *t, uint32_t slot, unsigned int tone,
		     uint64_t ns)
{
	struct cell *last = t->cells.n ? &t->cells.items[t->cells.n - 1] : NULL;

	if (!ns)
		return;
	if (!last || last->slot != slot || last->full != TONE_NONE) {
		last = vec_add(&t->cells);
		*last = (struct cell){ .slot = slot, .n = 1, .full = TONE_NONE };
		d->cells++;
	}
	last->ns[tone] += ns;
}

static void add_full(struct drawing_up *d, struct track_of *t, uint32_t slot, uint32_t n,
		     unsigned int tone)
{
	struct cell *last = t->cells.n ? &t->cells.items[t->cells.n - 1] : NULL;

	if (!n)
		return;
	if (last && last->full == tone && last->slot + last->n == slot) {
		last->n += n;
		return;
	}
	last = vec_add(&t->cells);
	*last = (struct cell){ .slot = slot, .n = n, .full = tone };
	d->cells++;
}

/* Slots become twice as long. */
static void coarsen_one(struct drawing_up *d, struct track_of *t, uint64_t slot_ns)
{
	struct track_of old = *t;

	t->cells.items = NULL;
	t->cells.n = t->cells.room = 0;
	d->cells -= old.cells.n;
	for (size_t i = 0; i < old.cells.n; i++) {
		const struct cell *c = &old.cells.items[i];
		uint32_t from = c->slot, end = c->slot + c->n;

		for (unsigned int k = 0; c->full == TONE_NONE && k < TONE_COUNT; k++)
			add_part(d, t, from / 2, k, c->ns[k]);
		if (c->full == TONE_NONE)
			continue;
		if (from & 1)
			add_part(d, t, from++ / 2, c->full, slot_ns);
		add_full(d, t, from / 2, (end - from) / 2, c->full);
		if (end > from && end & 1)
			add_part(d, t, end / 2, c->full, slot_ns);
	}
	free(old.cells.items);
}

static void coarsen(struct drawing_up *d)
{
	for (size_t i = 0; i < d->lanes->items.n; i++)
		coarsen_one(d, &d->tracks[i], d->lanes->slot_ns);
	d->lanes->slot_ns *= 2;
	d->lanes->slots = (d->lanes->slots + 1) / 2;
}

static void add(struct drawing_up *d, size_t lane, uint64_t from, uint64_t to, unsigned int tone)
{
	struct track_of *t = &d->tracks[lane];
	uint64_t slot_ns = d->lanes->slot_ns, first, last;

	if (to > d->m->wall_ns)
		to = d->m->wall_ns;
	if (from >= to)
		return;
	d->lanes->items.items[lane].ns[tone] += to - from;
	first = from / slot_ns;
	last = to / slot_ns;
	if (first == last) {
		add_part(d, t, (uint32_t)first, tone, to - from);
		return;
	}
	if (from % slot_ns)
		add_part(d, t, (uint32_t)first++, tone, slot_ns - from % slot_ns);
	add_full(d, t, (uint32_t)first, (uint32_t)(last - first), tone);
	add_part(d, t, (uint32_t)last, tone, to % slot_ns);
	if (d->cells > 8 * d->most && d->lanes->slots > 1)
		coarsen(d);
}

/* --- steps ------------------------------------------------------------------------------------- */

static uint64_t since_start(const struct model *m, uint64_t at)
{
	return at > m->origin ? at - m->origin : 0;
}

static unsigned int tone_off(uint8_t off)
{
	static const unsigned int tones[] = { [OFF_NEW] = TONE_QUEUED,
					      [OFF_PREEMPTED] = TONE_QUEUED,
					      [OFF_YIELDED] = TONE_YIELDED,
					      [OFF_THROTTLED] = TONE_LIMIT };

	return tones[off];
}

static void add_step(struct drawing_up *d, size_t lane, const struct mark *m)
{
	struct track_of *t = &d->tracks[lane];
	uint64_t at = since_start(d->m, m->at), arrived = since_start(d->m, m->at - m->ran);
	uint64_t ready = arrived > m->queued ? arrived - m->queued : 0;

	if (m->kind != MARK_BEGIN && !m->unseen) {
		if (ready < t->since || t->off != OFF_BLOCKED)
			ready = t->since;
		add(d, lane, t->since, ready, m->was_row);
		add(d, lane, ready, arrived,
		    t->off == OFF_BLOCKED ? TONE_QUEUED : tone_off(t->off));
	}
	if (m->kind != MARK_BEGIN)
		add(d, lane, arrived > t->since ? arrived : t->since, at, TONE_RUNNING);
	t->since = at;
	t->off = m->off;
}

/* --- and then runs of one tone --------------------------------------------------------------------- */

static unsigned int most_of(const struct cell *c)
{
	unsigned int most = 0;

	if (c->full != TONE_NONE)
		return c->full;
	for (unsigned int k = 1; k < TONE_COUNT; k++)
		most = c->ns[k] > c->ns[most] ? k : most;
	return most;
}

static size_t make_runs(struct lane *lane, const struct track_of *t)
{
	lane->runs.n = 0;
	for (size_t i = 0; i < t->cells.n; i++) {
		const struct cell *c = &t->cells.items[i];
		struct lane_run *last = lane->runs.n ? &lane->runs.items[lane->runs.n - 1] : NULL;
		unsigned int tone = most_of(c);

		if (last && last->tone == tone && last->from + last->n == c->slot)
			last->n += c->n;
		else
			*vec_add(&lane->runs) = (struct lane_run){ c->slot, c->n, tone };
	}
	return lane->runs.n;
}

static void make_all_runs(struct drawing_up *d)
{
	for (;;) {
		size_t runs = 0;

		for (size_t i = 0; i < d->lanes->items.n; i++)
			runs += make_runs(&d->lanes->items.items[i], &d->tracks[i]);
		if (runs <= d->most || d->lanes->slots <= 1)
			return;
		coarsen(d);
	}
}

void lanes_make(struct lanes *ret, const struct model *m, const size_t *threads, size_t n,
		size_t most_runs)
{
	struct drawing_up d = { .m = m, .lanes = ret, .most = most_runs };
	struct timeline_reader reader;
	struct timeline_step step;

	*ret = (struct lanes){ .slot_ns = m->wall_ns / FINEST + 1 };
	ret->slots = (uint32_t)(m->wall_ns / ret->slot_ns + 1);
	d.tracks = calloc(n + 1, sizeof(*d.tracks));
	d.lane_of = reallocarray(NULL, m->n_threads + 1, sizeof(*d.lane_of));
	if (!d.tracks || !d.lane_of)
		out_of_memory();
	for (size_t i = 0; i < m->n_threads; i++)
		d.lane_of[i] = SIZE_MAX;
	for (size_t i = 0; i < n; i++) {
		*vec_add(&ret->items) = (struct lane){ .thread = threads[i] };
		d.lane_of[threads[i]] = i;
		d.tracks[i].since = m->threads[threads[i]].start_ns;
	}
	for (timeline_begin(&reader, m, TIMELINE_FORTH); timeline_next(&reader, &step);) {
		if (step.thread != NO_THREAD && d.lane_of[step.thread] != SIZE_MAX)
			add_step(&d, d.lane_of[step.thread], &step.mark);
	}
	timeline_end(&reader);
	make_all_runs(&d);
	for (size_t i = 0; i < n; i++)
		free(d.tracks[i].cells.items);
	free(d.tracks);
	free(d.lane_of);
}

void lanes_free(struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->items.n; i++)
		free(lanes->items.items[i].runs.items);
	free(lanes->items.items);
}
