// SPDX-License-Identifier: BSD-2-Clause
/*
 * The run in at most STRIP_SLOTS slots, from snapshots of the program's sums.
 * A standstill gets its row when a wait ends it for good, which may be slots
 * later: until then it is undecided, and is filled in backwards.
 */
#include "model/internal.h"

#include <string.h>

static uint64_t sum_of(const __u64 *ns, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += ns[i];
	return sum;
}

static uint64_t undecided(const struct wall_sums *s)
{
	return sum_of(s->pending_ns, ROW_COUNT) + s->still_ns;
}

static uint64_t at_least_0(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Gives `ns` of a row to the undecided time of the slots before `n`, newest first. */
static uint64_t fill_back(struct strip *s, size_t n, unsigned int row, uint64_t ns)
{
	while (n-- && ns) {
		struct open_slot *o = &s->slots[n];
		uint64_t take = o->undecided_ns < ns ? o->undecided_ns : ns;

		o->undecided_ns -= take;
		o->slot.row_ns[row] += take;
		ns -= take;
	}
	return ns;
}

/* Whose CPU it was that threads were queued for is known only when one gets it: `ns` more
 * of it goes to the queueing that has not been divided, newest first. */
static void fill_back_queued(struct strip *s, uint64_t ns, bool limit)
{
	for (size_t n = s->n; n-- && ns;) {
		struct slot *slot = &s->slots[n].slot;
		uint64_t left = at_least_0(slot->runnable_ns, slot->latency_ns + slot->limit_ns);
		uint64_t take = left < ns ? left : ns;

		*(limit ? &slot->limit_ns : &slot->latency_ns) += take;
		ns -= take;
	}
}

static void divide_queued(struct strip *s, const struct wall_sums *sums)
{
	fill_back_queued(s, at_least_0(sums->latency_ns, s->last.latency_ns), false);
	fill_back_queued(s, at_least_0(sums->limit_ns, s->last.limit_ns), true);
}

static void merge_pairs(struct strip *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i += 2) {
		struct open_slot a = s->slots[i];

		if (i + 1 < s->n) {
			const struct open_slot *b = &s->slots[i + 1];

			a.slot.end_ns = b->slot.end_ns;
			a.slot.running_ns += b->slot.running_ns;
			a.slot.busy_ns += b->slot.busy_ns;
			a.slot.runnable_ns += b->slot.runnable_ns;
			a.slot.serialised_ns += b->slot.serialised_ns;
			a.slot.stacked_ns += b->slot.stacked_ns;
			a.slot.convoy_ns += b->slot.convoy_ns;
			a.slot.latency_ns += b->slot.latency_ns;
			a.slot.limit_ns += b->slot.limit_ns;
			for (int r = 0; r < ROW_COUNT; r++)
				a.slot.row_ns[r] += b->slot.row_ns[r];
			a.undecided_ns += b->undecided_ns;
		}
		s->slots[n++] = a;
	}
	s->n = n;
}

/* Growth of the rows since the last snapshot; `back` of it belongs to slots before. */
static void add_rows(struct strip *s, const struct wall_sums *sums, uint64_t back)
{
	struct open_slot *o = &s->slots[s->n - 1];
	__u64 grown[ROW_COUNT], all;

	for (int r = 0; r < ROW_COUNT; r++)
		grown[r] = at_least_0(sums->row_ns[r], s->last.row_ns[r]);
	all = sum_of(grown, ROW_COUNT);
	for (int r = 0; r < ROW_COUNT && all; r++) {
		uint64_t mine = (unsigned __int128)grown[r] * back / all;

		/* What is left over by rounding goes with the last row that grew. */
		all -= grown[r];
		if (mine >
		    grown[r]) /* more than ever was pending: a stream that contradicts itself */
			mine = grown[r];
		mine -= fill_back(s, s->n - 1, r, mine);
		back -= mine;
		o->slot.row_ns[r] += grown[r] - mine;
	}
}

/* No time has passed, but a standstill has ended for good. */
static void settle_at_once(struct strip *s, const struct wall_sums *sums)
{
	for (int r = 0; r < ROW_COUNT; r++)
		fill_back(s, s->n, r, at_least_0(sums->row_ns[r], s->last.row_ns[r]));
	divide_queued(s, sums);
	s->last = *sums;
}

/* What the queueing has shrunk by was running (wall_missed() in wall.h): newest first. */
static void take_back_queued(struct strip *s, const struct wall_sums *sums)
{
	uint64_t ns = at_least_0(s->last.runnable_ns, sums->runnable_ns);

	for (size_t n = s->n; n-- && ns;) {
		struct slot *slot = &s->slots[n].slot;
		uint64_t left = at_least_0(slot->runnable_ns, slot->latency_ns + slot->limit_ns);
		uint64_t take = left < ns ? left : ns;

		slot->runnable_ns -= take;
		slot->running_ns += take;
		slot->busy_ns += take;
		s->last.runnable_ns -= take;
		s->last.busy_ns += take;
		ns -= take;
	}
}

/* What a row has shrunk by turned out to be queueing (wall_woken() in state.h), in the
 * slots before: newest first. */
static void take_back(struct strip *s, const struct wall_sums *sums)
{
	take_back_queued(s, sums);
	for (int r = 0; r < ROW_COUNT; r++) {
		uint64_t ns = at_least_0(s->last.row_ns[r], sums->row_ns[r]);

		for (size_t n = s->n; n-- && ns;) {
			struct slot *slot = &s->slots[n].slot;
			uint64_t take = slot->row_ns[r] < ns ? slot->row_ns[r] : ns;

			slot->row_ns[r] -= take;
			slot->runnable_ns += take;
			s->last.runnable_ns += take;
			s->last.row_ns[r] -= take;
			ns -= take;
		}
	}
}

void strip_add(struct strip *s, const struct wall_sums *sums)
{
	struct open_slot *o;
	uint64_t now, before, length;

	if (!s->last.at) {
		s->last.start_at = s->last.at = sums->start_at;
		memset(s->last.row_ns, 0, sizeof(s->last.row_ns));
	}
	take_back(s, sums);
	if (sums->at == s->last.at) {
		settle_at_once(s, sums);
		return;
	}
	if (s->n == STRIP_SLOTS)
		merge_pairs(s);
	o = &s->slots[s->n++];
	memset(o, 0, sizeof(*o));
	o->slot.start_ns = s->last.at - s->last.start_at;
	o->slot.end_ns = sums->at - s->last.start_at;
	length = o->slot.end_ns - o->slot.start_ns;
	o->slot.busy_ns = at_least_0(sums->busy_ns, s->last.busy_ns);
	o->slot.runnable_ns = at_least_0(sums->runnable_ns, s->last.runnable_ns);
	o->slot.serialised_ns = at_least_0(sums->serialised_ns, s->last.serialised_ns);
	o->slot.stacked_ns = at_least_0(sums->stacked_ns, s->last.stacked_ns);
	o->slot.convoy_ns = at_least_0(sums->convoy_ns, s->last.convoy_ns);
	now = undecided(sums);
	before = undecided(&s->last);
	o->undecided_ns = at_least_0(now, before);
	add_rows(s, sums, at_least_0(before, now));
	o->slot.running_ns = at_least_0(length, o->slot.runnable_ns + o->undecided_ns +
							sum_of(o->slot.row_ns, ROW_COUNT));
	divide_queued(s, sums);
	s->last = *sums;
}

void strip_finish(struct strip *s, const uint64_t rows[ROW_COUNT])
{
	for (int r = 0; r < ROW_COUNT; r++)
		fill_back(s, s->n, r, rows[r]);
}
