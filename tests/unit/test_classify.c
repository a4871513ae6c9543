// SPDX-License-Identifier: BSD-2-Clause
/* classify(): each threshold from both sides, and the margin, by what it promises. */
#include <criterion/criterion.h>
#include <math.h>

#include "analysis/internal.h"
#include "random.h"

#define ALL 1e9 /* of the time, that is a second */

/* Shares of the time, which leave out what is 0. */
#define SHARES(...)                                                                                \
	{                                                                                          \
		.all = 1, __VA_ARGS__                                                              \
	}

enum part {
	CPU,
	CROWD,
	OTHERS,
	LIMIT,
	DEVICE,
	FAULT,
	PEER,
	LOCK,
	SLEEP,
	DEMAND,
	OTHER,
	UNKNOWN,
	PARTS,
};

static double *part(struct shares *s, enum part p)
{
	double *parts[PARTS] = { &s->cpu,    &s->crowd,	 &s->others, &s->limit,
				 &s->device, &s->fault,	 &s->peer,   &s->lock,
				 &s->sleep,  &s->demand, &s->other,  &s->unknown };

	return parts[p];
}

static struct verdict class_of(struct shares s)
{
	struct verdict v;

	s.all *= ALL;
	for (int p = 0; p < PARTS; p++)
		*part(&s, p) *= ALL;
	classify(&s, &v);
	cr_assert(v.margin >= 0 && v.margin <= 1, "margin %g", v.margin);
	cr_assert_lt(v.runner_up, CLASS_COUNT);
	cr_assert(v.class == CLASS_UNKNOWN ? v.runner_up == CLASS_UNKNOWN && v.margin == 0
					   : v.runner_up != v.class);
	if (v.class == CLASS_MIXED)
		cr_assert(v.parts[0] != v.parts[1] && v.parts[0] != CLASS_MIXED &&
			  v.parts[1] != CLASS_MIXED);
	return v;
}

/* --- thresholds ------------------------------------------------------------------- */

static const struct {
	struct shares shares;
	enum verdict_class class;
	double margin;
	enum verdict_class runner_up;
} cases[] = {
	/* alone */
	{ SHARES(.cpu = 1), CLASS_CPU_BOUND, 0.4, CLASS_MIXED },
	{ SHARES(.crowd = 1), CLASS_OVERSUBSCRIBED, 0.4, CLASS_MIXED },
	{ SHARES(.others = 1), CLASS_STARVED, 0.4, CLASS_MIXED },
	{ SHARES(.limit = 1), CLASS_STARVED, 0.4, CLASS_MIXED },
	{ SHARES(.device = 1), CLASS_IO_BOUND, 0.4, CLASS_MIXED },
	{ SHARES(.fault = 1), CLASS_IO_BOUND, 0.4, CLASS_MIXED },
	{ SHARES(.peer = 1), CLASS_IO_BOUND, 0.4, CLASS_MIXED },
	{ SHARES(.lock = 1), CLASS_LOCK_BOUND, 0.4, CLASS_MIXED },
	{ SHARES(.sleep = 1), CLASS_SLEEP_BOUND, 0.4, CLASS_MIXED },
	{ SHARES(.demand = 1), CLASS_IDLE, 0.4, CLASS_MIXED },
	{ SHARES(.other = 1), CLASS_UNKNOWN, 0, CLASS_UNKNOWN },
	{ SHARES(.unknown = 1), CLASS_UNKNOWN, 0, CLASS_UNKNOWN },
	/* 40 % of what wants a CPU waits for others to leave it, or for the limit */
	{ SHARES(.cpu = 0.61, .others = 0.39), CLASS_CPU_BOUND, 0.01, CLASS_STARVED },
	{ SHARES(.cpu = 0.59, .others = 0.41), CLASS_STARVED, 0.01, CLASS_CPU_BOUND },
	{ SHARES(.cpu = 0.59, .others = 0.2, .limit = 0.21), CLASS_STARVED, 0.01, CLASS_CPU_BOUND },
	{ SHARES(.cpu = 0.2, .crowd = 0.41, .others = 0.39), CLASS_OVERSUBSCRIBED, 0.01,
	  CLASS_STARVED },
	{ SHARES(.cpu = 0.2, .crowd = 0.39, .others = 0.41), CLASS_STARVED, 0.01,
	  CLASS_OVERSUBSCRIBED },
	{ SHARES(.cpu = 0.44, .others = 0.28, .device = 0.28), CLASS_CPU_BOUND, 0.008,
	  CLASS_STARVED },
	/* half of what computes does so in a crowd */
	{ SHARES(.cpu = 0.51, .crowd = 0.49), CLASS_CPU_BOUND, 0.01, CLASS_OVERSUBSCRIBED },
	{ SHARES(.cpu = 0.49, .crowd = 0.51), CLASS_OVERSUBSCRIBED, 0.01, CLASS_CPU_BOUND },
	{ SHARES(.cpu = 0.31, .crowd = 0.29, .others = 0.3, .device = 0.1), CLASS_CPU_BOUND, 0.01,
	  CLASS_OVERSUBSCRIBED },
	/* 60 % decide */
	{ SHARES(.device = 0.61, .cpu = 0.39), CLASS_IO_BOUND, 0.01, CLASS_MIXED },
	{ SHARES(.device = 0.59, .cpu = 0.41), CLASS_MIXED, 0.01, CLASS_IO_BOUND },
	{ SHARES(.device = 0.41, .cpu = 0.59), CLASS_MIXED, 0.01, CLASS_CPU_BOUND },
	{ SHARES(.device = 0.39, .cpu = 0.61), CLASS_CPU_BOUND, 0.01, CLASS_MIXED },
	{ SHARES(.device = 0.2, .fault = 0.2, .peer = 0.21, .lock = 0.39), CLASS_IO_BOUND, 0.01,
	  CLASS_MIXED },
	{ SHARES(.sleep = 0.5, .demand = 0.11, .lock = 0.39), CLASS_SLEEP_BOUND, 0.01,
	  CLASS_MIXED },
	/* or the second one does not matter, below 20 % */
	{ SHARES(.device = 0.5, .cpu = 0.19, .other = 0.31), CLASS_IO_BOUND, 0.01, CLASS_MIXED },
	{ SHARES(.device = 0.5, .cpu = 0.21, .other = 0.29), CLASS_MIXED, 0.01, CLASS_IO_BOUND },
	/* the more of two kinds of rest */
	{ SHARES(.sleep = 0.51, .demand = 0.49), CLASS_SLEEP_BOUND, 0.01, CLASS_IDLE },
	{ SHARES(.sleep = 0.49, .demand = 0.51), CLASS_IDLE, 0.01, CLASS_SLEEP_BOUND },
	/* not understood */
	{ SHARES(.cpu = 0.51, .other = 0.3, .unknown = 0.19), CLASS_CPU_BOUND, 0.2, CLASS_MIXED },
	{ SHARES(.cpu = 0.49, .other = 0.3, .unknown = 0.21), CLASS_UNKNOWN, 0, CLASS_UNKNOWN },
	/* nothing matters */
	{ SHARES(.cpu = 0.19, .device = 0.16, .lock = 0.15, .other = 0.5), CLASS_UNKNOWN, 0,
	  CLASS_UNKNOWN },
	{ SHARES(.cpu = 0.21, .device = 0.15, .lock = 0.15, .other = 0.49), CLASS_CPU_BOUND, 0.05,
	  CLASS_MIXED },
};

Test(threshold, from_both_sides)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct verdict v = class_of(cases[i].shares);

		cr_assert_eq(v.class, cases[i].class, "case %zu: %s", i, class_name(v.class));
		cr_assert_float_eq(v.margin, cases[i].margin, 1e-9, "case %zu: %g", i, v.margin);
		cr_assert_eq(v.runner_up, cases[i].runner_up, "case %zu: %s", i,
			     class_name(v.runner_up));
	}
}

Test(threshold, too_short)
{
	struct shares s = { .all = 9999999, .cpu = 9999999 };
	struct verdict v;

	classify(&s, &v);
	cr_assert_eq(v.class, CLASS_UNKNOWN);
	s.all = s.cpu = 10000000;
	classify(&s, &v);
	cr_assert_eq(v.class, CLASS_CPU_BOUND);
}

Test(threshold, nothing_at_all)
{
	struct shares s = { 0 };
	struct verdict v;

	classify(&s, &v);
	cr_assert_eq(v.class, CLASS_UNKNOWN);
	s.cpu = 1e12;
	classify(&s, &v);
	cr_assert_eq(v.class, CLASS_UNKNOWN, "of no time");
}

Test(threshold, larger_part_of_a_mixture_comes_first)
{
	struct verdict v = class_of(
		(struct shares)SHARES(.cpu = 0.3, .crowd = 0.01, .lock = 0.5, .peer = 0.19));

	cr_assert_eq(v.class, CLASS_MIXED);
	cr_assert_eq(v.parts[0], CLASS_LOCK_BOUND);
	cr_assert_eq(v.parts[1], CLASS_CPU_BOUND);
	v = class_of((struct shares)SHARES(.crowd = 0.5, .sleep = 0.2, .demand = 0.25));
	cr_assert_eq(v.parts[0], CLASS_OVERSUBSCRIBED);
	cr_assert_eq(v.parts[1], CLASS_IDLE);
}

/* --- the margin -------------------------------------------------------------------- */

/* As classify.c has them. */
#define FAMILIES 4

static const struct {
	enum part first, last;
} families[FAMILIES] = { { CPU, LIMIT }, { DEVICE, PEER }, { LOCK, LOCK }, { SLEEP, DEMAND } };

static const struct {
	enum part first, last;
} parts_of[CLASS_COUNT] = {
	[CLASS_CPU_BOUND] = { CPU, CPU },    [CLASS_OVERSUBSCRIBED] = { CROWD, CROWD },
	[CLASS_STARVED] = { OTHERS, LIMIT }, [CLASS_IO_BOUND] = { DEVICE, PEER },
	[CLASS_LOCK_BOUND] = { LOCK, LOCK }, [CLASS_SLEEP_BOUND] = { SLEEP, SLEEP },
	[CLASS_IDLE] = { DEMAND, DEMAND },
};

static int family_of(enum verdict_class class)
{
	int f = 0;

	while (parts_of[class].first > families[f].last)
		f++;
	return f;
}

static double sum(struct shares *s, enum part first, enum part last)
{
	double all = 0;

	for (enum part p = first; p <= last; p++)
		all += *part(s, p);
	return all;
}

static void drain(struct shares *s, enum part first, enum part last, double share)
{
	double all = sum(s, first, last);

	for (enum part p = first; p <= last && all > 0; p++)
		*part(s, p) *= all > share ? 1 - share / all : 0;
}

/* By size: 0 is the largest. */
static int family(struct shares *s, int rank)
{
	int best = -1;

	for (int f = 0; f < FAMILIES; f++) {
		double mine = sum(s, families[f].first, families[f].last);
		int larger = 0;

		for (int k = 0; k < FAMILIES; k++) {
			double other = sum(s, families[k].first, families[k].last);

			larger += other > mine || (other == mine && k < f);
		}
		if (larger == rank)
			best = f;
	}
	return best;
}

/* So much of the time goes from the winner to the runner-up; of a mixture, from the second
 * part to the first, and for one, from the winner's family to the second. */
static enum verdict_class after_move(struct shares s, const struct verdict *v, double share)
{
	int first = family(&s, 0), second = family(&s, 1);

	if (v->class == CLASS_MIXED) {
		second = family_of(v->parts[1]);
		drain(&s, families[second].first, families[second].last, share);
		*part(&s, parts_of[v->parts[0]].first) += share;
	} else if (v->runner_up == CLASS_MIXED) {
		drain(&s, families[first].first, families[first].last, share);
		*part(&s, families[second].first) += share;
	} else {
		drain(&s, parts_of[v->class].first, parts_of[v->class].last, share);
		*part(&s, parts_of[v->runner_up].first) += share;
	}
	return class_of(s).class;
}

/* In few of the parts, most of the time, so that all classes come out; below `last`. */
static struct shares any_shares(struct rng *rng, int last)
{
	struct shares s = { .all = 1 };
	double weight[PARTS] = { 0 }, all = 0;

	for (int n = 1 + rng_below(rng, 5); n; n--)
		weight[rng_below(rng, last)] += 1 + rng_below(rng, 1000);
	for (int p = 0; p < PARTS; p++)
		all += weight[p];
	for (int p = 0; p < PARTS; p++)
		*part(&s, p) = weight[p] / all;
	return s;
}

static double share_of(struct shares s, int rank)
{
	int f = family(&s, rank);

	return sum(&s, families[f].first, families[f].last);
}

/* Of two that hardly matter both, the first one would not after the move. */
static bool is_move_of_two(struct shares s, enum verdict_class class)
{
	return class == CLASS_MIXED ? share_of(s, 2) < 0.2 : share_of(s, 0) + share_of(s, 1) > 0.4;
}

#define A_BIT 1e-6

Test(margin, is_what_changes_the_class)
{
	struct rng rng = rng_seed(3);
	int seen[CLASS_COUNT] = { 0 };

	for (int round = 0; round < 200000; round++) {
		struct shares s = any_shares(&rng, PARTS);
		struct verdict v = class_of(s);
		enum verdict_class class;

		if (v.class == CLASS_UNKNOWN || !is_move_of_two(s, v.class))
			continue;
		seen[v.class]++;
		class = after_move(s, &v, v.margin + A_BIT);
		cr_assert_eq(class, v.runner_up, "%s, %g from %s: %s", class_name(v.class),
			     v.margin, class_name(v.runner_up), class_name(class));
		if (v.margin < A_BIT)
			continue;
		class = after_move(s, &v, v.margin - A_BIT);
		cr_assert_eq(class, v.class, "%s, %g from %s: %s", class_name(v.class), v.margin,
			     class_name(v.runner_up), class_name(class));
	}
	for (int c = CLASS_CPU_BOUND; c < CLASS_DEADLOCKED; c++)
		cr_assert_gt(seen[c], 1000, "%s", class_name(c));
}

/* The same with three parts that matter: less of the second leaves the third. */
Test(margin, of_a_mixture_of_three)
{
	struct shares s = SHARES(.cpu = 0.4, .device = 0.3, .lock = 0.3);
	struct verdict v = class_of(s);

	cr_assert_eq(v.class, CLASS_MIXED);
	cr_assert_eq(v.runner_up, CLASS_CPU_BOUND);
	cr_assert_float_eq(v.margin, 0.2, 1e-9, "%g", v.margin);
}

/* From some parts to some others, but not to what is not understood. */
static struct shares any_move(struct rng *rng, struct shares s, double share)
{
	enum part to[2] = { rng_below(rng, OTHER), rng_below(rng, OTHER) };
	double split = rng_below(rng, 5) / 4.0, left = share;

	for (int i = 0; i < 3; i++) {
		enum part from = rng_below(rng, PARTS);
		double take = i < 2 ? left * rng_below(rng, 5) / 4 : left;

		take = take < *part(&s, from) ? take : *part(&s, from);
		*part(&s, from) -= take;
		left -= take;
	}
	*part(&s, to[0]) += (share - left) * split;
	*part(&s, to[1]) += (share - left) * (1 - split);
	return s;
}

/* It is the least that does it, whatever goes where. */
Test(margin, less_never_changes_the_class)
{
	struct rng rng = rng_seed(5);

	for (int round = 0; round < 20000; round++) {
		struct shares s = any_shares(&rng, PARTS);
		struct verdict v = class_of(s);

		if (v.class == CLASS_UNKNOWN)
			continue;
		for (int i = 0; i < 30 && v.margin > A_BIT; i++) {
			struct verdict w = class_of(any_move(&rng, s, v.margin - A_BIT));

			cr_assert(w.class == v.class || w.class == CLASS_UNKNOWN,
				  "%s, %g from %s: %s", class_name(v.class), v.margin,
				  class_name(v.runner_up), class_name(w.class));
		}
	}
}

/* The parts of a stream that contradicts itself may be more than the whole, or less. */
Test(margin, of_any_shares)
{
	struct rng rng = rng_seed(9);

	for (int round = 0; round < 100000; round++) {
		struct shares s = any_shares(&rng, PARTS);

		for (int p = 0; p < PARTS; p++)
			*part(&s, p) *= rng_one_in(&rng, 4) ? rng_below(&rng, 1000) / 10.0 : 1;
		class_of(s); /* checks it */
	}
}
