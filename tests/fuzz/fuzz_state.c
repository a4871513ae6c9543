// SPDX-License-Identifier: BSD-2-Clause
/*
 * libFuzzer: the state machines of bpf/state.h conserve time, whatever the
 * stamps, causes and orders of events are. The first byte says which machine.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "bpf/state.h"

#define T0	1000000000000ULL
#define THREADS 8

struct input {
	const uint8_t *data;
	size_t size;
};

static uint64_t take(struct input *in, size_t bytes)
{
	uint64_t n = 0;

	while (bytes-- && in->size) {
		n = n << 8 | *in->data++;
		in->size--;
	}
	return n;
}

/* A stamp: mostly a little after `near`, sometimes before it, sometimes anything. */
static uint64_t take_stamp(struct input *in, uint64_t near)
{
	uint64_t how = take(in, 1), n = take(in, 2) << how % 24;

	if (how >= 0xf8)
		return take(in, 8) >> 1;
	if (how >= 0xe0)
		return near > n ? near - n : 0;
	return (near + n) & ~(1ULL << 63);
}

static void must(int holds)
{
	if (!holds)
		abort();
}

static void check_track(const struct track *t, uint64_t gap_ns)
{
	const struct ledger *l = &t->ledger;
	uint64_t states = 0, causes = 0, counts = 0;

	for (int i = 0; i < TS_COUNT; i++)
		states += l->state_ns[i];
	for (int i = 0; i < CAUSE_COUNT; i++) {
		must(l->cause[i].max_ns <= l->cause[i].ns);
		causes += l->cause[i].ns;
		counts += l->cause[i].count;
	}
	must(l->end_at >= l->start_at);
	must(states == l->end_at - l->start_at);
	must(causes + gap_ns == l->state_ns[TS_BLOCKED] + l->state_ns[TS_UNKNOWN]);
	must(counts == l->blocks);
	must(l->blocks <= l->switches && l->yields <= l->switches);
}

static void finish_twice(struct input *in, struct track *t, uint64_t gap_ns)
{
	struct standing s = {};
	struct ledger once;

	s.end = take_stamp(in, t->last_out);
	if (take(in, 1) & 1)
		s.queued_at = take_stamp(in, t->last_out);
	if (take(in, 1) & 1)
		s.arrived_at = take_stamp(in, t->last_out);
	track_finish(t, &s);
	once = t->ledger;
	check_track(t, gap_ns);
	track_finish(t, &s);
	must(!__builtin_memcmp(&once, &t->ledger, sizeof(once)));
}

static void fuzz_track(struct input *in)
{
	struct track t = {};
	uint64_t gap_ns = 0;

	if (take(in, 1) & 1)
		t.ledger.start_at = t.last_out = T0;
	while (in->size) {
		uint64_t unknown = t.ledger.state_ns[TS_UNKNOWN];
		struct departure d;

		d.arrived =
			take_stamp(in, t.last_out ? t.last_out : T0) | 1; /* the clock has begun */
		d.now = take_stamp(in, d.arrived);
		d.run_delay = take_stamp(in, t.run_delay);
		d.stolen = take(in, 1);
		d.unseen = take(in, 1) / 0xf0;
		d.off = take(in, 1) % 6;
		d.cause = take(in, 1) % (CAUSE_COUNT + 3);
		track_depart(&t, &d);
		if (d.unseen)
			gap_ns += t.ledger.state_ns[TS_UNKNOWN] - unknown;
		check_track(&t, gap_ns);
	}
	finish_twice(in, &t, gap_ns);
}

static void check_wall(const struct wall *w, const uint32_t *pos)
{
	const struct wall_sums *s = &w->sums;
	uint64_t running = 0, still = s->still_ns;
	uint32_t count[5] = {};

	for (int i = 1; i < WALL_COUNTS; i++)
		running += s->by_count[i];
	for (int i = 0; i < ROW_COUNT; i++)
		still += s->row_ns[i] + s->pending_ns[i];
	must(!s->by_count[0]);
	must(running + s->runnable_ns + still == s->at - s->start_at);
	must(s->serialised_ns <= running);
	for (int i = 0; i < THREADS; i++)
		count[pos[i]]++;
	must(w->running == count[POS_RUNNING]);
	must(w->runnable == count[POS_RUNNABLE]);
	must(w->lock_waiters == count[POS_BLOCKED_LOCK]);
}

static void fuzz_wall(struct input *in)
{
	struct wall w = { .cpus_allowed = take(in, 1) % 5 };
	uint32_t pos[THREADS] = {}, cause[THREADS] = {};
	uint64_t mark[THREADS] = {}, last;

	wall_start(&w, T0);
	while (in->size) {
		uint64_t what = take(in, 1), i = what % THREADS, to = what / THREADS % 5;

		last = w.sums.at;
		if (what >= 0xf0 && pos[i] != POS_RUNNING) {
			wall_missed(&w, pos[i], take_stamp(in, last));
			pos[i] = POS_RUNNING;
		}
		wall_advance(&w, take_stamp(in, last));
		must(w.sums.at >= last);
		wall_move(&w, pos[i], to, cause[i], mark[i]);
		pos[i] = to;
		cause[i] = take(in, 1) % (CAUSE_COUNT + 3);
		mark[i] = w.pending_ever;
		check_wall(&w, pos);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (take(&in, 1) & 1)
		fuzz_track(&in);
	else
		fuzz_wall(&in);
	return 0;
}
