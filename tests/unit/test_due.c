// SPDX-License-Identifier: BSD-2-Clause
/* Which waits are looked at, and for how many each of these stands. */
#include <criterion/criterion.h>

#include "../bpf/code.h"
#include "random.h"

#define EACH(all, i) for (size_t i = 0; i < sizeof(all) / sizeof(*(all)); i++)

/* One that is looked at: for how many waits it stands. 0: it is not. */
static uint32_t look(struct site_part *p, uint16_t tag, uint32_t die)
{
	uint32_t half = site_half(p, tag), weight;

	if (!site_due(p, half, die, 1))
		return 0;
	weight = p->since[half];
	p->since[half] = 0;
	return weight;
}

static uint32_t die_of(struct rng *rng)
{
	return rng_next(rng) >> 32;
}

/* How many of n waits at this place are looked at. */
static size_t looks(struct site_part *p, struct rng *rng, uint16_t tag, size_t n)
{
	size_t seen = 0;

	for (size_t i = 0; i < n; i++)
		seen += look(p, tag, die_of(rng)) != 0;
	return seen;
}

Test(due, first_ones_all_then_fewer)
{
	struct rng rng = rng_seed(2);
	struct site_part part = { 0 };
	size_t seen;

	cr_assert_eq(looks(&part, &rng, 7, SITE_FIRST), SITE_FIRST);
	seen = looks(&part, &rng, 7, SITE_LONG - SITE_FIRST);
	/* 64 of each step on the average, and there are six. */
	cr_assert(seen > 330 && seen < 440, "%zu", seen);
	seen = looks(&part, &rng, 7, 1280000);
	cr_assert(seen > 19300 && seen < 20700, "%zu", seen);
}

/* What a sample stands for sums to all waits but those after the last; and waits that take turns
 * are looked at alike, whether the die is thrown or is the time of a steady program. */
Test(due, no_wait_is_forgotten_and_none_preferred)
{
	static const uint32_t periods[] = { 0, 1, 1000, 10000, 1000000, 1048576, 16666667, 50000 };

	EACH(periods, k)
	{
		struct rng rng = rng_seed(k + 1);
		struct site_part part = { 0 };
		uint64_t waits = 2000000, of[6] = { 0 }, now = 12345;
		double sum = 0;

		for (uint64_t i = 0; i < waits; i++) {
			uint32_t die = die_of(&rng), weight;

			/* as bpf/site.bpf.c makes it of the time; the clock is not quite steady */
			now += periods[k] + die % 64;
			if (periods[k])
				die = ((uint32_t)now * 0x9e3779b1) >> 20;
			weight = look(&part, 0, die);
			of[i % 6] += weight;
			sum += weight;
		}
		cr_expect_eq(sum + part.since[SITE_OWN], waits);
		for (int i = 0; i < 6; i++)
			cr_expect_float_eq(of[i] / sum, 1.0 / 6, 0.02, "%u ns: %g", periods[k],
					   of[i] / sum);
	}
}

/* In a part that has had many waits: it is seen from its first one on, and stands for itself. */
Test(due, a_new_place_in_a_used_part)
{
	struct rng rng = rng_seed(3);
	struct site_part part = { 0 };

	looks(&part, &rng, 7, 1000000);
	for (int i = 0; i < SITE_FIRST; i++) {
		cr_assert_eq(look(&part, 9, die_of(&rng)), 1);
		looks(&part, &rng, 7, 1000);
	}
}

/* One that follows when the one before it has gone, and so on. */
Test(due, places_one_after_another)
{
	struct rng rng = rng_seed(4);
	struct site_part part = { 0 };

	for (uint16_t tag = 1; tag < 50; tag++) {
		cr_assert_eq(looks(&part, &rng, tag, SITE_FIRST), SITE_FIRST, "%u", tag);
		looks(&part, &rng, tag, 3 * SITE_LONG);
	}
}

/* One in SITE_MOST; and whenever a place loses its part, what a half takes to come down to that. */
static uint64_t most_of(uint64_t places, uint64_t turn, double waits)
{
	double every = turn > SITE_LONG ? turn : SITE_LONG;
	double changes = (places - 1) * turn > SITE_LONG ? waits / every : 2;

	return 1.1 * (waits / SITE_MOST + changes * 3.5 * SITE_FIRST);
}

/* Waits of several places that take turns of so many: not looked at much more often than one
 * place, none of them forgotten, and none preferred. */
Test(due, places_that_take_turns)
{
	static const struct {
		uint32_t places, turn;
	} all[] = { { 2, 1 },	 { 2, 100 },   { 2, 8191 },  { 2, 8192 },  { 2, 8193 },
		    { 2, 8400 }, { 2, 20000 }, { 3, 1 },     { 3, 500 },   { 3, 8200 },
		    { 5, 9000 }, { 40, 1 },    { 60000, 1 }, { 200, 8300 } };

	EACH(all, k)
	{
		const uint64_t waits = 4000000;
		struct rng rng = rng_seed(k);
		struct site_part part = { 0 };
		double first = 0, sum = 0, real = 0;
		uint64_t seen = 0;

		for (uint64_t i = 0; i < waits; i++) {
			uint32_t place = i / all[k].turn % all[k].places;
			uint32_t weight = look(&part, place, die_of(&rng));

			seen += weight != 0;
			sum += weight;
			first += place ? 0 : weight;
			real += !place;
		}
		cr_expect_eq(sum + part.since[0] + part.since[1], waits);
		cr_expect_leq(seen, most_of(all[k].places, all[k].turn, waits),
			      "%u places, turns of %u: %lu", all[k].places, all[k].turn, seen);
		if (all[k].places < 10)
			cr_expect_float_eq(first / sum, real / waits, 0.01,
					   "%u places, turns of %u: %g, not %g", all[k].places,
					   all[k].turn, first / sum, real / waits);
	}
}

/* Whatever comes. */
Test(due, any_places)
{
	struct rng rng = rng_seed(5);
	struct site_part part = { 0 };
	uint64_t waits = 0, sum = 0, seen = 0;

	while (waits < 5000000) {
		uint16_t tag = rng_below(&rng, 3 + waits % 7);
		uint64_t turn = rng_below(&rng, rng_one_in(&rng, 2) ? 10 : 20000);

		for (uint64_t i = 0; i < turn; i++, waits++) {
			uint32_t weight = look(&part, tag, die_of(&rng));

			sum += weight;
			seen += weight != 0;
		}
	}
	cr_expect_eq(sum + part.since[0] + part.since[1], waits);
	cr_expect_leq(seen, waits / 10);
}
