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
		all.serialised_ns += s->serialised_ns;
		all.convoy_ns += s->convoy_ns;
		all.latency_ns += s->latency_ns;
		all.limit_ns += s->limit_ns;
		all.end_ns = s->end_ns;
	}
	cr_assert_eq(all.end_ns, m->wall_ns);
	cr_assert_eq(all.running_ns, running_of(&m->wall));
	cr_assert_eq(all.busy_ns, m->wall.busy_ns);
	cr_assert_eq(all.runnable_ns, m->wall.runnable_ns);
	cr_assert_eq(all.serialised_ns, m->wall.serialised_ns);
	cr_assert_eq(all.convoy_ns, m->wall.convoy_ns);
	cr_assert_leq(all.latency_ns, m->wall.latency_ns);
	cr_assert_leq(all.limit_ns, m->wall.limit_ns);
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
		w.sums.serialised_ns = 10 * i;
		w.sums.convoy_ns = 20 * i;
		w.sums.latency_ns = i;
		w.sums.limit_ns = 3 * i / 2;
		put(&w);
	}
	m = done();
	cr_assert_eq(m->n_strip, 3);
	cr_assert_eq(m->strip[2].serialised_ns, 10);
	cr_assert_eq(m->strip[2].convoy_ns, 20);
	cr_assert_eq(m->strip[2].latency_ns, 1);
	cr_assert_eq(m->strip[1].limit_ns, 2);
	cr_assert_eq(m->strip[2].start_ns, 200);
	cr_assert_eq(m->strip[2].end_ns, 300);
	cr_assert_eq(m->strip[2].row_ns[ROW_IO], 10);
	cr_assert_eq(m->strip[2].runnable_ns, 5);
	cr_assert_eq(m->strip[2].running_ns, 85);
	cr_assert_eq(m->strip[2].busy_ns, 85);
	model_free(m);
}

/* Behind whom: all of it is in the slots. */
static void check_queued(const struct model *m)
{
	__u64 latency = 0, limit = 0;

	for (size_t i = 0; i < m->n_strip; i++) {
		latency += m->strip[i].latency_ns;
		limit += m->strip[i].limit_ns;
	}
	cr_assert_eq(latency, m->wall.latency_ns);
	cr_assert_eq(limit, m->wall.limit_ns);
}

Test(strip, merged_in_pairs_when_full, .init = setup)
{
	static const int snapshots[] = { 255, 256, 257, 258, 300, 511, 512, 513, 1000, 5000 };

	model_builder_free(b);
	for (size_t k = 0; k < sizeof(snapshots) / sizeof(snapshots[0]); k++) {
		__u64 at = 0, io = 0, idle = 0, queued = 0;
		struct model *m;

		b = model_builder_new();
		for (int i = 0; i < snapshots[k]; i++) {
			struct ev_wall w = wall(at += 100 + i % 7);

			stood(&w, &w.sums.row_ns[ROW_IO], io += i % 11);
			stood(&w, &w.sums.pending_ns[ROW_TIMER], idle += i % 3);
			stood(&w, &w.sums.runnable_ns, queued += i % 5);
			w.sums.serialised_ns = io;
			w.sums.convoy_ns = idle;
			w.sums.latency_ns = queued / 2;
			w.sums.limit_ns = queued - queued / 2;
			put(&w);
		}
		m = done();
		cr_assert_leq(m->n_strip, STRIP_SLOTS);
		cr_assert_geq(m->n_strip, snapshots[k] <= 256 ? snapshots[k] : 128);
		cr_assert_eq(m->wall.row_ns[ROW_IO], io);
		cr_assert_eq(m->wall.row_ns[ROW_TIMER], idle);
		check_queued(m);
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

/* A thread is queued in one slot and comes to a CPU in the next: behind whom shows only then. */
static struct model *queued_over_two_slots(__u64 at)
{
	struct ev_wall w;

	w = wall(100);
	stood(&w, &w.sums.runnable_ns, 60);
	put(&w);
	w = wall(at);
	stood(&w, &w.sums.runnable_ns, 60 + (at > 100 ? 10 : 0));
	w.sums.latency_ns = w.sums.runnable_ns;
	put(&w);
	return done();
}

Test(strip, whose_cpu_it_was_shows_later, .init = setup)
{
	struct model *m = queued_over_two_slots(200);

	cr_assert_eq(m->strip[0].latency_ns, 60, "%lu", (unsigned long)m->strip[0].latency_ns);
	cr_assert_eq(m->strip[1].latency_ns, 10, "%lu", (unsigned long)m->strip[1].latency_ns);
	model_free(m);
}

/* The stamp stays, as the clock of that CPU is behind; the sums move. */
Test(strip, whose_cpu_it_was_shows_between_equal_stamps, .init = setup)
{
	struct model *m = queued_over_two_slots(100);

	cr_assert_eq(m->n_strip, 1);
	cr_assert_eq(m->strip[0].latency_ns, 60, "%lu", (unsigned long)m->strip[0].latency_ns);
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

static struct model *open_at_the_end(enum wall_row a, enum wall_row other)
{
	struct ev_thread t = thread(1, 0, 0, 0, 100), u = thread(2, 1, 1, 0, 100);
	struct ev_wall w = wall(100);

	waits(&t, CAUSE_EVENT_EPOLL, 30);
	waits(&u, CAUSE_SYNC_FUTEX, 40);
	t.open_row = a;
	u.open_row = other;
	stood(&w, &w.sums.still_ns, 60);
	put(&t);
	put(&u);
	put(&w);
	return done();
}

/* By what the wait is for, whatever it waits in. */
Test(open, goes_to_the_open_waits, .init = setup)
{
	model_builder_free(b);
	for (unsigned int r = 0; r < ROW_COUNT; r++) {
		struct model *m;

		b = model_builder_new();
		m = open_at_the_end(r, r);
		cr_assert_eq(m->wall.row_ns[r], 60, "%s", row_name(r));
		cr_assert_eq(m->strip[0].row_ns[r], 60);
		model_free(m);
	}
}

Test(open, goes_to_one_of_the_open_waits, .init = setup)
{
	model_builder_free(b);
	for (unsigned int i = 0; i < ROW_COUNT * ROW_COUNT; i++) {
		unsigned int k = i / ROW_COUNT, l = i % ROW_COUNT, other;
		struct model *m;

		b = model_builder_new();
		m = open_at_the_end(k, l);
		other = m->wall.row_ns[k] ? k : l;
		cr_assert_eq(m->wall.row_ns[other], 60, "%s and %s", row_name(k), row_name(l));
		model_free(m);
		b = model_builder_new();
		m = open_at_the_end(l, k);
		cr_assert_eq(m->wall.row_ns[other], 60, "the order of the threads decides");
		model_free(m);
	}
}

/* Who waits for something from outside could still go on; the others wait for it. */
Test(open, what_comes_from_outside_before_what_does_not, .init = setup)
{
	static const enum wall_row outside[] = { ROW_IO,    ROW_PEER,	ROW_DEMAND, ROW_EVENT,
						 ROW_TIMER, ROW_SIGNAL, ROW_QUEUE };
	static const enum wall_row inside[] = { ROW_LOCK, ROW_SYNC, ROW_CONVOY, ROW_CHILD,
						ROW_UNKNOWN };

	model_builder_free(b);
	for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++) {
		for (size_t k = 0; k < sizeof(inside) / sizeof(*inside); k++) {
			struct model *m;

			b = model_builder_new();
			m = open_at_the_end(inside[k], outside[i]);
			cr_assert_eq(m->wall.row_ns[outside[i]], 60, "%s and %s",
				     row_name(inside[k]), row_name(outside[i]));
			model_free(m);
		}
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
	__u32 pos[THREADS], row[THREADS];
	__u64 mark[THREADS];
};

static void move_any(struct some_program *g, struct rng *r, __u64 now)
{
	int i = rng_below(r, THREADS);
	__u32 row = rng_below(r, ROW_COUNT);
	__u32 to = rng_one_in(r, 3) ? 1 + rng_below(r, POS_BLOCKED_CONVOY) : row_position(row);
	bool waited = g->pos[i] >= POS_BLOCKED;

	wall_advance(&g->wall, now);
	if (to == POS_RUNNING)
		wall_queued(&g->wall, rng_below(r, 4));
	wall_move(&g->wall, g->pos[i], to, waited ? g->row[i] : ROW_UNKNOWN,
		  waited ? g->mark[i] : g->wall.pending_ever);
	g->pos[i] = to;
	g->row[i] = row;
	g->mark[i] = g->wall.pending_ever;
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
