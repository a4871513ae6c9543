// SPDX-License-Identifier: BSD-2-Clause
/* phases_find() on strips that are made by hand, and on one from events. */
#include "analysis/internal.h"
#include "findings.h"
#include "random.h"

#define CPUS 4

static struct model strip;
static struct findings got;

/* What the program does for a while, in shares of the time. */
struct doing {
	double runs, threads; /* while it runs, so many threads */
	double reads, sleeps, locks, queued;
};

static const struct doing computing = { .runs = 1, .threads = 1 };
static const struct doing parallel = { .runs = 1, .threads = CPUS };
static const struct doing reading = { .runs = 0.05, .threads = 1, .reads = 0.95 };
static const struct doing sleeping = { .runs = 0.02, .threads = 1, .sleeps = 0.98 };
static const struct doing locked = { .runs = 0.1, .threads = 1, .locks = 0.9 };
static const struct doing starving = { .runs = 0.3, .threads = 1, .queued = 0.7 };

static void add_slot(const struct doing *d, uint64_t ns)
{
	struct slot *s = &strip.strip[strip.n_strip++];

	cr_assert_leq(strip.n_strip, STRIP_SLOTS);
	s->start_ns = strip.wall_ns;
	s->end_ns = strip.wall_ns += ns;
	s->running_ns = d->runs * ns;
	s->busy_ns = d->runs * d->threads * ns;
	s->row_ns[ROW_IO] = d->reads * ns;
	s->row_ns[ROW_TIMER] = d->sleeps * ns;
	s->row_ns[ROW_LOCK] = d->locks * ns;
	s->runnable_ns = d->queued * ns;
}

static void add(const struct doing *d, size_t slots)
{
	for (size_t i = 0; i < slots; i++)
		add_slot(d, 100 * MS);
}

static void begin(void)
{
	memset(&strip, 0, sizeof(strip));
}

/* One after the other, and all of the run. */
static void check_phases(void)
{
	size_t slot = 0;

	cr_assert_leq(got.n_phases, PHASES_MAX);
	cr_assert_eq(got.n_phases == 0, strip.n_strip == 0 || !strip.wall_ns);
	for (size_t i = 0; i < got.n_phases; i++) {
		const struct phase *p = &got.phases[i];

		cr_assert_eq(p->first_slot, slot, "phase %zu", i);
		cr_assert_gt(p->end_slot, slot);
		cr_assert_leq(p->end_slot, strip.n_strip);
		cr_assert_eq(p->start_ns, strip.strip[slot].start_ns);
		cr_assert_eq(p->end_ns, strip.strip[p->end_slot - 1].end_ns);
		cr_assert_lt(p->class, CLASS_COUNT);
		cr_assert(isfinite(p->parallelism) && p->parallelism >= 0);
		slot = p->end_slot;
	}
	cr_assert(!got.n_phases || slot == strip.n_strip);
}

static void find(unsigned int cpus)
{
	got = (struct findings){ .model = &strip, .cpus_allowed = cpus };
	phases_find(&got);
	check_phases();
}

struct piece {
	const struct doing *what;
	size_t slots;
	enum verdict_class class;
};

/* These, one after the other, come out as they went in. */
static void check_pieces(const struct piece *pieces, size_t n)
{
	size_t slot = 0;

	begin();
	for (size_t i = 0; i < n; i++)
		add(pieces[i].what, pieces[i].slots);
	find(CPUS);
	cr_assert_eq(got.n_phases, n, "%zu", got.n_phases);
	for (size_t i = 0; i < n; i++) {
		const struct phase *p = &got.phases[i];

		cr_assert_eq(p->first_slot, slot, "phase %zu begins at %zu", i, p->first_slot);
		cr_assert_eq(p->class, pieces[i].class, "phase %zu: %s", i, class_name(p->class));
		slot += pieces[i].slots;
	}
}

#define IS_PHASES(...)                                                                             \
	do {                                                                                       \
		const struct piece pieces[] = { __VA_ARGS__ };                                     \
		check_pieces(pieces, sizeof(pieces) / sizeof(*pieces));                            \
	} while (0)

/* --- cuts ------------------------------------------------------------------------- */

Test(phases, one)
{
	IS_PHASES({ &computing, 100, CLASS_CPU_BOUND });
	IS_PHASES({ &reading, 256, CLASS_IO_BOUND });
	IS_PHASES({ &starving, 50, CLASS_STARVED });
}

Test(phases, two)
{
	IS_PHASES({ &reading, 50, CLASS_IO_BOUND }, { &computing, 50, CLASS_CPU_BOUND });
	IS_PHASES({ &computing, 20, CLASS_CPU_BOUND }, { &sleeping, 200, CLASS_SLEEP_BOUND });
	IS_PHASES({ &locked, 128, CLASS_LOCK_BOUND }, { &starving, 128, CLASS_STARVED });
}

Test(phases, three)
{
	IS_PHASES({ &reading, 40, CLASS_IO_BOUND }, { &computing, 100, CLASS_CPU_BOUND },
		  { &reading, 60, CLASS_IO_BOUND });
	IS_PHASES({ &sleeping, 80, CLASS_SLEEP_BOUND }, { &locked, 80, CLASS_LOCK_BOUND },
		  { &parallel, 80, CLASS_CPU_BOUND });
}

Test(phases, as_many_as_there_may_be)
{
	IS_PHASES({ &reading, 40, CLASS_IO_BOUND }, { &computing, 40, CLASS_CPU_BOUND },
		  { &sleeping, 40, CLASS_SLEEP_BOUND }, { &locked, 40, CLASS_LOCK_BOUND },
		  { &starving, 40, CLASS_STARVED }, { &parallel, 40, CLASS_CPU_BOUND });
}

Test(phases, more_than_there_may_be)
{
	static const struct doing *const all[] = { &reading, &computing, &sleeping, &locked,
						   &starving };

	begin();
	for (int i = 0; i < 10; i++)
		add(all[i % 5], 25);
	find(CPUS);
	cr_assert_leq(got.n_phases, PHASES_MAX);
}

/* make -j: a parallel part, and the link at its end. */
Test(phases, of_parallelism_alone)
{
	IS_PHASES({ &parallel, 100, CLASS_CPU_BOUND }, { &computing, 100, CLASS_CPU_BOUND });
	cr_assert_float_eq(got.phases[0].parallelism, CPUS, 0.01);
	cr_assert_float_eq(got.phases[1].parallelism, 1, 0.01);
}

/* The same on a large machine, of which it uses a part. */
Test(phases, of_parallelism_on_many_cpus)
{
	begin();
	add(&parallel, 100);
	add(&computing, 100);
	find(64);
	cr_assert_eq(got.n_phases, 2, "%zu", got.n_phases);
}

Test(phases, nearly_as_parallel_is_one)
{
	static const struct doing less = { .runs = 1, .threads = 3.5 };

	begin();
	add(&parallel, 100);
	add(&less, 100);
	find(CPUS);
	cr_assert_eq(got.n_phases, 1);
	cr_assert_float_eq(got.phases[0].parallelism, 3.75, 0.01);
}

/* --- and none ------------------------------------------------------------------------ */

/* So many slots of each in turn. */
static void alternate(size_t each)
{
	begin();
	for (size_t i = 0; i + 2 * each <= STRIP_SLOTS; i += 2 * each) {
		add(&computing, each);
		add(&reading, each);
	}
	find(CPUS);
}

Test(none, of_what_alternates_fast)
{
	for (size_t each = 1; each <= 18; each += each == 1 ? 1 : 4) {
		alternate(each);
		cr_assert_eq(got.n_phases, 1, "each %zu: %zu", each, got.n_phases);
		cr_assert_eq(got.phases[0].class, CLASS_MIXED);
	}
}

Test(none, of_what_alternates_within_each_slot)
{
	static const struct doing both = { .runs = 0.5, .threads = 1, .reads = 0.5 };

	IS_PHASES({ &both, 200, CLASS_MIXED });
}

/* A program that reads now and then, never the same. */
static struct doing noisy(struct rng *rng, double most)
{
	struct doing d = { .threads = 1 + rng_below(rng, 100) / 100.0 };

	d.reads = most * rng_below(rng, 1000) / 1000;
	d.runs = 1 - d.reads;
	return d;
}

Test(none, of_noise)
{
	for (int seed = 0; seed < 40; seed++) {
		struct rng rng = rng_seed(seed);

		begin();
		for (int i = 0; i < 30 + seed * 5; i++) {
			struct doing d = noisy(&rng, seed % 4 * 0.3 + 0.1);

			add(&d, 1);
		}
		find(CPUS);
		cr_assert_eq(got.n_phases, 1, "seed %d: %zu", seed, got.n_phases);
	}
}

Test(none, of_a_moment)
{
	for (size_t slots = 1; slots < 3; slots++) {
		begin();
		add(&computing, 100);
		add(&reading, slots);
		add(&computing, 100);
		find(CPUS);
		cr_assert_eq(got.n_phases, 1);
		cr_assert_eq(got.phases[0].class, CLASS_CPU_BOUND);
	}
}

/* Less than a cut is worth. */
Test(none, of_a_small_change_beside_a_large_one)
{
	static const struct doing less = { .runs = 0.6, .threads = 1, .sleeps = 0.4 };

	begin();
	add(&parallel, 100);
	add(&computing, 60);
	add(&less, 16);
	add(&computing, 60);
	find(CPUS);
	cr_assert_eq(got.n_phases, 2, "%zu", got.n_phases);
}

Test(none, of_noise_beside_a_change)
{
	struct rng rng = rng_seed(4);

	begin();
	for (int i = 0; i < 200; i++) {
		struct doing d = noisy(&rng, 0.3);

		add(i < 120 ? &d : &sleeping, 1);
	}
	find(CPUS);
	cr_assert_eq(got.n_phases, 2);
	cr_assert_eq(got.phases[1].first_slot, 120);
}

/* --- short ones ------------------------------------------------------------------------ */

Test(brief, no_strip)
{
	begin();
	find(CPUS);
	cr_assert_eq(got.n_phases, 0);
}

Test(brief, few_slots)
{
	for (size_t n = 1; n < 12; n++) {
		begin();
		add(&computing, n / 2);
		add(&sleeping, n - n / 2);
		find(CPUS);
		cr_assert_eq(got.n_phases, n < 6 ? 1 : 2, "%zu slots: %zu", n, got.n_phases);
	}
}

Test(brief, few_slots_of_any_length)
{
	struct rng rng = rng_seed(1);

	for (int round = 0; round < 2000; round++) {
		begin();
		for (size_t n = 1 + rng_below(&rng, 8); n; n--)
			add_slot(rng_one_in(&rng, 2) ? &computing : &reading,
				 1 + rng_below(&rng, 1ULL << rng_below(&rng, 40)));
		find(1 + rng_below(&rng, 4));
	}
}

/* A phase is at least a twenty-fifth of the run. */
Test(brief, part_of_the_run)
{
	static const struct {
		size_t slots, phases;
	} parts[] = { { 2, 1 }, { 4, 1 }, { 8, 3 }, { 30, 3 } };

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		begin();
		add(&computing, 60);
		add(&reading, parts[i].slots);
		add(&computing, 200 - 60 - parts[i].slots);
		find(CPUS);
		cr_assert_eq(got.n_phases, parts[i].phases, "%zu of 200: %zu", parts[i].slots,
			     got.n_phases);
	}
}

/* The clocks of two CPUs: it must not spoil the rest. */
Test(brief, slots_of_no_length)
{
	for (size_t at = 0; at < 60; at += 6) {
		begin();
		for (size_t i = 0; i < 60; i++) {
			const struct doing *d = i < 30 ? &computing : &reading;

			add_slot(d, i == at ? 0 : 100 * MS);
		}
		find(CPUS);
		cr_assert_geq(got.n_phases, 1);
	}
	begin();
	add_slot(&computing, 0);
	find(CPUS);
}

/* As the last slot of a run, or the first ones after a merge. */
Test(brief, slots_of_two_lengths)
{
	begin();
	for (int i = 0; i < 40; i++)
		add_slot(&reading, 400 * MS);
	for (int i = 0; i < 160; i++)
		add_slot(&computing, 100 * MS);
	add_slot(&computing, 1);
	find(CPUS);
	cr_assert_eq(got.n_phases, 2);
	cr_assert_eq(got.phases[1].first_slot, 40);
}

/* --- any ---------------------------------------------------------------------------------- */

static struct doing any_doing(struct rng *rng)
{
	double runs = rng_below(rng, 100), reads = rng_below(rng, 100), rest = rng_below(rng, 100);
	double all = runs + reads + rest + 1;

	return (struct doing){ .runs = runs / all,
			       .reads = reads / all,
			       .sleeps = rest / all,
			       .queued = 1 / all,
			       .threads = 1 + rng_below(rng, CPUS) };
}

Test(property, contiguous_and_few)
{
	for (int seed = 0; seed < 150; seed++) {
		struct rng rng = rng_seed(seed);
		size_t most = 1 + rng_below(&rng, 60);

		begin();
		while (strip.n_strip < 250 - most) {
			struct doing d = any_doing(&rng);

			for (size_t n = 1 + rng_below(&rng, most); n; n--)
				add_slot(&d, 1 + rng_below(&rng, 1ULL << rng_below(&rng, 34)));
		}
		find(1 + rng_below(&rng, 8));
	}
}

/* --- from events ----------------------------------------------------------------------------- */

Test(events, reading_and_then_computing, .init = setup, .fini = teardown)
{
	struct ev_wall last = wall(4 * SECOND);

	for (int i = 1; i < 40; i++) {
		struct ev_wall w = wall(i * 100 * MS);

		stood(&w, &w.sums.row_ns[ROW_PEER], (i < 20 ? i : 20) * 95 * MS);
		put(&w);
	}
	put_thread(thread(1, 0, 0, 0, 4 * SECOND));
	stood(&last, &last.sums.row_ns[ROW_PEER], 20 * 95 * MS);
	analyse(last);
	cr_assert_eq(f->n_phases, 2);
	cr_assert_eq(f->phases[0].class, CLASS_IO_BOUND);
	cr_assert_eq(f->phases[0].end_ns, 2 * SECOND);
	cr_assert_eq(f->phases[1].class, CLASS_CPU_BOUND);
	cr_assert_eq(f->phases[1].end_ns, 4 * SECOND);
	cr_assert_float_eq(f->phases[1].parallelism, 1, 1e-9);
}

/* Two CPUs: sixteen threads for a second, and one for the next. That one is no crowd. */
Test(events, crowd_in_one_of_them, .init = setup, .fini = teardown)
{
	struct ev_wall w;

	on_cpus(2);
	for (int id = 1; id <= 16; id++) {
		struct ev_thread t = thread(id, id > 1, 1, 0, id > 1 ? SECOND : 2 * SECOND);

		crowded(&t, TS_PREEMPTED, 875 * MS);
		put(&t);
	}
	for (uint64_t ms = 100; ms <= 2000; ms += 100) {
		uint64_t crowd = (ms < 1000 ? ms : 1000) * MS;

		w = wall(ms * MS);
		w.sums.by_count[1] -= crowd;
		w.sums.by_count[2] = crowd;
		w.sums.busy_ns += crowd;
		if (ms < 2000)
			put(&w);
	}
	analyse(w);
	cr_assert_eq(f->n_phases, 2);
	cr_assert_eq(f->phases[0].class, CLASS_OVERSUBSCRIBED, "%s",
		     class_name(f->phases[0].class));
	cr_assert_eq(f->phases[1].class, CLASS_CPU_BOUND, "%s", class_name(f->phases[1].class));
}
