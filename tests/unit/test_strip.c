// SPDX-License-Identifier: BSD-2-Clause
/* The program's sums in the model: the strip of slots, and what is open at the end. */
#include <criterion/criterion.h>

#include "bpf/state.h"
#include "model/model.h"
#include "random.h"
#include "stream.h"

#define MS 1000000ULL

static struct model_builder *b;

static void setup(void)
{
	b = model_builder_new();
}

static void put(const void *event)
{
	const struct event *ev = event;

	cr_assert(event_is_valid(ev, ev->size));
	cr_assert_eq(model_builder_event(b, ev), 0);
}

static uint64_t rows_of(const struct slot *s)
{
	uint64_t ns = 0;

	for (int r = 0; r < ROW_COUNT; r++)
		ns += s->row_ns[r];
	return ns;
}

static uint64_t running_of(const struct wall_sums *w)
{
	uint64_t ns = 0;

	for (int n = 1; n < WALL_COUNTS; n++)
		ns += w->by_count[n];
	return ns;
}

/* Each slot sums to its length, each row to the whole run's. */
static void check(const struct model *m)
{
	struct slot all = {};

	cr_assert_leq(m->n_strip, STRIP_SLOTS);
	for (size_t i = 0; i < m->n_strip; i++) {
		const struct slot *s = &m->strip[i];
		uint64_t length = s->end_ns - s->start_ns;

		cr_assert_eq(s->start_ns, all.end_ns, "slot %zu", i);
		cr_assert_gt(s->end_ns, s->start_ns);
		for (int r = 0; r < ROW_COUNT; r++) {
			cr_assert_leq(s->row_ns[r], length, "slot %zu, row %d", i, r);
			all.row_ns[r] += s->row_ns[r];
		}
		cr_assert_eq(s->running_ns + s->runnable_ns + rows_of(s), length, "slot %zu", i);
		all.running_ns += s->running_ns;
		all.busy_ns += s->busy_ns;
		all.runnable_ns += s->runnable_ns;
		all.end_ns = s->end_ns;
	}
	cr_assert_eq(all.end_ns, m->wall_ns);
	cr_assert_eq(all.running_ns, running_of(&m->wall));
	cr_assert_eq(all.busy_ns, m->wall.busy_ns);
	cr_assert_eq(all.runnable_ns, m->wall.runnable_ns);
	for (int r = 0; r < ROW_COUNT; r++) {
		cr_assert_eq(all.row_ns[r], m->wall.row_ns[r], "row %d", r);
		cr_assert_eq(m->wall.pending_ns[r], 0);
	}
	cr_assert_eq(m->wall.still_ns, 0);
	cr_assert_eq(all.running_ns + all.runnable_ns + rows_of(&all), m->wall_ns);
}

static struct model *done(void)
{
	struct model *m = model_builder_finish(b);

	check(m);
	return m;
}

Test(strip, one_slot_for_each_snapshot, .init = setup)
{
	struct ev_wall w;
	struct model *m;

	for (int i = 1; i <= 3; i++) {
		w = wall(i * 100);
		stood(&w, &w.sums.row_ns[ROW_IO], i * 10);
		stood(&w, &w.sums.runnable_ns, i * i);
		put(&w);
	}
	m = done();
	cr_assert_eq(m->n_strip, 3);
	cr_assert_eq(m->strip[2].start_ns, 200);
	cr_assert_eq(m->strip[2].end_ns, 300);
	cr_assert_eq(m->strip[2].row_ns[ROW_IO], 10);
	cr_assert_eq(m->strip[2].runnable_ns, 5);
	cr_assert_eq(m->strip[2].running_ns, 85);
	cr_assert_eq(m->strip[2].busy_ns, 85);
	model_free(m);
}

Test(strip, merged_in_pairs_when_full, .init = setup)
{
	static const int snapshots[] = { 255, 256, 257, 258, 300, 511, 512, 513, 1000, 5000 };

	model_builder_free(b);
	for (size_t k = 0; k < sizeof(snapshots) / sizeof(snapshots[0]); k++) {
		__u64 at = 0, io = 0, idle = 0;
		struct model *m;

		b = model_builder_new();
		for (int i = 0; i < snapshots[k]; i++) {
			struct ev_wall w = wall(at += 100 + i % 7);

			stood(&w, &w.sums.row_ns[ROW_IO], io += i % 11);
			stood(&w, &w.sums.pending_ns[ROW_TIMER], idle += i % 3);
			put(&w);
		}
		m = done();
		cr_assert_leq(m->n_strip, STRIP_SLOTS);
		cr_assert_geq(m->n_strip, snapshots[k] <= 256 ? snapshots[k] : 128);
		cr_assert_eq(m->wall.row_ns[ROW_IO], io);
		cr_assert_eq(m->wall.row_ns[ROW_TIMER], idle);
		model_free(m);
	}
}

Test(strip, row_is_known_only_later, .init = setup)
{
	struct ev_wall w;
	struct model *m;

	w = wall(100);
	stood(&w, &w.sums.still_ns, 100);
	put(&w);
	w = wall(200);
	stood(&w, &w.sums.pending_ns[ROW_TIMER], 200);
	put(&w);
	w = wall(300);
	stood(&w, &w.sums.row_ns[ROW_IO], 290);
	put(&w);
	m = done();
	cr_assert_eq(m->strip[0].row_ns[ROW_IO], 100);
	cr_assert_eq(m->strip[1].row_ns[ROW_IO], 100);
	cr_assert_eq(m->strip[2].row_ns[ROW_IO], 90);
	cr_assert_eq(m->strip[2].running_ns, 10);
	model_free(m);
}

Test(strip, what_stays_pending_keeps_its_row, .init = setup)
{
	struct ev_wall w;
	struct model *m;

	w = wall(100);
	stood(&w, &w.sums.pending_ns[ROW_EVENT], 60);
	put(&w);
	w = wall(200);
	stood(&w, &w.sums.pending_ns[ROW_EVENT], 60);
	put(&w);
	m = done();
	cr_assert_eq(m->strip[0].row_ns[ROW_EVENT], 60);
	cr_assert_eq(m->strip[1].running_ns, 100);
	model_free(m);
}

Test(strip, standstill_that_ends_between_equal_stamps, .init = setup)
{
	struct ev_wall w;
	struct model *m;

	w = wall(100);
	stood(&w, &w.sums.still_ns, 50);
	put(&w);
	/* A wake-up on a CPU whose clock is behind: the stamp stays, the sums move. */
	w = wall(100);
	stood(&w, &w.sums.row_ns[ROW_IO], 50);
	put(&w);
	m = done();
	cr_assert_eq(m->strip[0].row_ns[ROW_IO], 50);
	model_free(m);
}

/* wall_woken(): a standstill of an earlier slot turns out to have been queueing. */
Test(strip, row_that_shrinks_was_queueing, .init = setup)
{
	struct ev_wall w;
	struct model *m;

	w = wall(1000);
	stood(&w, &w.sums.row_ns[ROW_IO], 900);
	put(&w);
	w = wall(1010);
	stood(&w, &w.sums.row_ns[ROW_IO], 200);
	stood(&w, &w.sums.runnable_ns, 700);
	put(&w);
	m = done();
	cr_assert_eq(m->n_strip, 2);
	cr_assert_eq(m->strip[0].row_ns[ROW_IO], 200);
	cr_assert_eq(m->strip[0].runnable_ns, 700);
	cr_assert_eq(m->strip[1].running_ns, 10);
	model_free(m);
}

Test(strip, measurement_of_no_length, .init = setup)
{
	struct ev_wall w = wall(0);
	struct model *m;

	put(&w);
	m = done();
	cr_assert_eq(m->n_strip, 0);
	model_free(m);
}

/* --- the standstill that is open at the end ------------------------------------- */

static struct model *open_at_the_end(enum cause a, enum cause other)
{
	struct ev_thread t = thread(1, 0, 0, 0, 100), u = thread(2, 1, 1, 0, 100);
	struct ev_wall w = wall(100);

	waits(&t, a, 30);
	waits(&u, other, 40);
	stood(&w, &w.sums.still_ns, 60);
	put(&t);
	put(&u);
	put(&w);
	return done();
}

static const struct {
	enum cause cause;
	enum wall_row row;
} opens[] = {
	{ CAUSE_LOCK_MUTEX, ROW_LOCK },	  { CAUSE_IO_SOCKET, ROW_IO },
	{ CAUSE_TIMER_SLEEP, ROW_TIMER }, { CAUSE_EVENT_EPOLL, ROW_EVENT },
	{ CAUSE_SYNC_COND, ROW_SYNC },	  { CAUSE_CHILD_WAIT, ROW_CHILD },
	{ CAUSE_SIGNAL_STOP, ROW_OTHER }, { CAUSE_UNKNOWN, ROW_UNKNOWN },
};

Test(open, goes_to_the_open_waits, .init = setup)
{
	model_builder_free(b);
	for (size_t i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
		struct model *m;

		b = model_builder_new();
		m = open_at_the_end(opens[i].cause, opens[i].cause);
		cr_assert_eq(m->wall.row_ns[opens[i].row], 60, "%s", cause_name(opens[i].cause));
		cr_assert_eq(m->strip[0].row_ns[opens[i].row], 60);
		model_free(m);
	}
}

Test(open, goes_to_one_of_the_open_waits, .init = setup)
{
	model_builder_free(b);
	for (size_t i = 0; i < 64; i++) {
		size_t k = i / 8, l = i % 8;
		struct model *m;

		b = model_builder_new();
		m = open_at_the_end(opens[k].cause, opens[l].cause);
		cr_assert_eq(m->wall.row_ns[opens[k].row] +
				     (k == l ? 0 : m->wall.row_ns[opens[l].row]),
			     60);
		model_free(m);
	}
}

Test(open, without_any_open_wait, .init = setup)
{
	struct ev_wall w = wall(100);
	struct model *m;

	stood(&w, &w.sums.still_ns, 60);
	put(&w);
	m = done();
	cr_assert_eq(m->wall.row_ns[ROW_UNKNOWN], 60);
	model_free(m);
}

/* --- snapshots of the real thing -------------------------------------------------- */

#define THREADS 5

struct some_program {
	struct wall wall;
	__u32 pos[THREADS], cause[THREADS];
	__u64 mark[THREADS];
};

static void move_any(struct some_program *g, struct rng *r, __u64 now)
{
	static const __u32 causes[] = { CAUSE_TIMER_SLEEP, CAUSE_IO_DISK, CAUSE_EVENT_EPOLL,
					CAUSE_LOCK_MUTEX, CAUSE_SYNC_COND };
	int i = rng_below(r, THREADS);
	__u32 to = rng_one_in(r, 3) ? 1 + rng_below(r, 4) : POS_BLOCKED;

	wall_advance(&g->wall, now);
	wall_move(&g->wall, g->pos[i], to, g->cause[i], g->mark[i]);
	g->pos[i] = to;
	if (to >= POS_BLOCKED) {
		g->cause[i] = causes[rng_below(r, 5)];
		g->mark[i] = g->wall.pending_ever;
	}
}

Test(property, strip_of_any_program, .init = setup)
{
	model_builder_free(b);
	for (int seed = 0; seed < 300; seed++) {
		struct some_program g = { .wall.cpus_allowed = 2 };
		struct rng r = rng_seed(seed);
		int turns = rng_below(&r, 4000);
		struct ev_wall w = wall(0);
		__u64 now = T0;

		b = model_builder_new();
		wall_start(&g.wall, T0);
		for (int i = 0; i < turns; i++) {
			now += rng_below(&r, 1ULL << rng_below(&r, 24));
			move_any(&g, &r, now - rng_below(&r, 2) * rng_below(&r, 100));
			if (rng_one_in(&r, 1 + seed % 9)) {
				w.sums = g.wall.sums;
				put(&w);
			}
		}
		wall_advance(&g.wall, now += seed % 2 * 1000);
		w.sums = g.wall.sums;
		put(&w);
		model_free(done());
	}
}

/* Sums that contradict each other: the slots stay within their length. */
Test(odd, sums_that_shrink, .init = setup)
{
	struct rng r = rng_seed(1);

	model_builder_free(b);
	for (int round = 0; round < 300; round++) {
		struct model *m;
		__u64 at = 0;

		b = model_builder_new();
		for (int i = 0; i < 10; i++) {
			struct ev_wall w = wall(at += rng_below(&r, 100));

			for (int k = 0; k < ROW_COUNT; k++) {
				w.sums.row_ns[k] = rng_below(&r, 50);
				w.sums.pending_ns[k] = rng_below(&r, 50);
			}
			w.sums.still_ns = rng_below(&r, 100);
			model_builder_event(b, &w.head);
		}
		m = model_builder_finish(b);
		for (size_t i = 0; i < m->n_strip; i++) {
			for (int k = 0; k < ROW_COUNT; k++)
				cr_assert_leq(m->strip[i].row_ns[k], 1000, "less than nothing");
		}
		model_free(m);
	}
}
