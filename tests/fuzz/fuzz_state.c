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

#define POSITIONS (POS_BLOCKED_CONVOY + 1)

static void must(int holds)
{
	if (!holds)
		abort();
}

static void check_track(const struct track *t, uint64_t gap_ns)
{
	const struct ledger *l = &t->ledger;
	uint64_t states = 0, causes = 0, counts = 0, rows = 0;

	for (int i = 0; i < TS_COUNT; i++)
		states += l->state_ns[i];
	for (int i = 0; i < CAUSE_COUNT; i++) {
		must(l->cause[i].max_ns <= l->cause[i].ns);
		causes += l->cause[i].ns;
		counts += l->cause[i].count;
	}
	for (int i = 0; i < ROW_COUNT; i++)
		rows += l->row_ns[i];
	must(rows == causes);
	must(l->queued_own_ns + l->queued_idle_ns <=
	     l->state_ns[TS_WOKEN] + l->state_ns[TS_PREEMPTED]);
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
		d.row = take(in, 1) % (ROW_COUNT + 3);
		t.behind = take(in, 1) % 6;
		t.behind_ns = take_stamp(in, 0);
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
	uint32_t count[POSITIONS] = {};

	for (int i = 1; i < WALL_COUNTS; i++)
		running += s->by_count[i];
	for (int i = 0; i < ROW_COUNT; i++)
		still += s->row_ns[i] + s->pending_ns[i];
	must(!s->by_count[0]);
	must(running + s->runnable_ns + still == s->at - s->start_at);
	must(s->serialised_ns + s->stacked_ns + s->convoy_ns <= running);
	must(s->latency_ns + s->limit_ns <= s->runnable_ns);
	must(s->convoy_still_ns <= still + s->runnable_ns);
	for (int i = 0; i < THREADS; i++)
		count[pos[i]]++;
	must(w->running == count[POS_RUNNING]);
	must(w->runnable == count[POS_RUNNABLE]);
	must(w->lock_waiters == count[POS_BLOCKED_LOCK]);
	must(w->convoy_waiters == count[POS_BLOCKED_CONVOY]);
}

struct world {
	struct wall w;
	uint32_t pos[THREADS], row[THREADS];
	uint64_t mark[THREADS], since[THREADS];
};

/* A thread comes to a CPU, queued since anything: time goes one way only, from still to queued. */
static void fuzz_woken(struct input *in, struct world *g, uint64_t i)
{
	struct wall_sums *s = &g->w.sums, before;

	wall_advance(&g->w, take_stamp(in, s->at));
	before = *s;
	wall_woken(&g->w, take_stamp(in, s->at));
	must(s->at == before.at && s->runnable_ns >= before.runnable_ns);
	must(s->still_ns <= before.still_ns);
	for (int r = 0; r < ROW_COUNT; r++) {
		must(s->row_ns[r] <= before.row_ns[r]);
		must(s->pending_ns[r] == before.pending_ns[r]);
	}
	wall_queued(&g->w, take(in, 1) % 6);
	wall_move(&g->w, g->pos[i], POS_RUNNING, g->row[i], g->mark[i]);
	g->pos[i] = POS_RUNNING;
}

/* From a thread that runs to another, wherever the other is said to be. */
static void fuzz_hand_over(struct world *g, uint64_t p, uint64_t n, uint32_t to)
{
	struct wall_sums before = g->w.sums;

	if (p == n || g->pos[p] != POS_RUNNING || to == POS_RUNNING)
		return;
	if (wall_hand_over(&g->w, to, g->pos[n], g->since[n])) {
		g->pos[p] = to;
		g->pos[n] = POS_RUNNING;
		g->mark[p] = g->w.pending_ever;
		g->since[p] = g->w.sums.at;
	}
	must(!__builtin_memcmp(&before, &g->w.sums, sizeof(before)));
}

static void fuzz_move(struct input *in, struct world *g, uint64_t i, uint32_t to)
{
	uint64_t last = g->w.sums.at;

	wall_advance(&g->w, take_stamp(in, last));
	must(g->w.sums.at >= last);
	wall_move(&g->w, g->pos[i], to, g->row[i], g->mark[i]);
	g->pos[i] = to;
	g->row[i] = take(in, 1) % (ROW_COUNT + 3);
	g->mark[i] = g->w.pending_ever;
	g->since[i] = last;
}

static void fuzz_wall(struct input *in)
{
	struct world g = { .w.cpus_allowed = take(in, 1) % 5 };

	wall_start(&g.w, T0);
	while (in->size) {
		uint64_t what = take(in, 1), i = what % THREADS, to = what / THREADS % POSITIONS;

		if (what >= 0xf0 && g.pos[i] != POS_RUNNING) {
			wall_missed(&g.w, g.pos[i], take_stamp(in, g.w.sums.at), g.row[i],
				    g.mark[i]);
			g.pos[i] = POS_RUNNING;
		}
		switch (what >= 0xf0 ? 0 : take(in, 1) % 4) {
		case 2:
			fuzz_woken(in, &g, i);
			break;
		case 3:
			fuzz_hand_over(&g, i, take(in, 1) % THREADS, to);
			break;
		default:
			fuzz_move(in, &g, i, to);
		}
		check_wall(&g.w, g.pos);
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
