// SPDX-License-Identifier: BSD-2-Clause
/* The lives of processes, in streams that contradict themselves or are long. */
#include "lives.h"
#include "random.h"

/* --- streams that contradict themselves --------------------------------------------------- */

Test(hostile, ids_that_are_unknown, .init = setup, .fini = teardown)
{
	static const __u64 ids[] = { 0, 99, UINT64_MAX };

	children(1);
	for (int i = 0; i < 3; i++) {
		for (unsigned int what = 1; what < LIFE_COUNT; what++) {
			struct ev_life l = by(life(what, 60 * MS, ids[i]), ids[i]);

			l.value = ids[i];
			l.pid = 0;
			put(&l);
		}
	}
	done();
	was(2, BURIAL_LEFT, 0);
}

/* They reap and bear each other, and themselves. */
Test(hostile, families_in_a_circle, .init = setup, .fini = teardown)
{
	process(2, 3, 2, 20);
	process(3, 2, 2, 20);
	process(4, 4, 2, 20);
	for (__u64 id = 1; id <= 4; id++) {
		put_life(by(life(LIFE_BORN, 2 * MS, id), id % 4 + 1));
		put_life(by(life(LIFE_DIED, 20 * MS, id), id));
		put_life(by(reaped(30 * MS, REAP_ANY, 0), id));
		put_life(by(reaped(30 * MS, REAP_PID, 1000 + id), id));
	}
	done();
}

/* The stream may be in any order; what happened is in that of its times. */
Test(hostile, events_out_of_order, .init = setup, .fini = teardown)
{
	put_life(life(LIFE_FREED, 70 * MS, 2));
	put_life(reaped(60 * MS, REAP_PID, 1002));
	put_life(killed(2, 40, 15));
	put_life(life(LIFE_BORN, 2 * MS, 2));
	ended_by(2, 15);
	done();
	was(2, BURIAL_REAPED, 60);
	cr_assert(story(2)->is_born && story(2)->killer.is_known);
}

Test(hostile, freed_before_it_died, .init = setup, .fini = teardown)
{
	children(1);
	put_life(life(LIFE_FREED, 10 * MS, 2));
	done();
	was(2, BURIAL_LATER, 20);
}

Test(hostile, times_at_the_ends_of_the_clock, .init = setup, .fini = teardown)
{
	static const __u64 at[] = { 0, 1, 1ULL << 63, (1ULL << 63) - 1, UINT64_MAX };

	for (__u64 i = 0; i < 5; i++) {
		process(2 + i, COMMAND_ID, 2, 20);
		for (unsigned int what = 1; what < LIFE_COUNT; what++) {
			struct ev_life l = life(what, 0, what == LIFE_REAPED ? 0 : 2 + i);

			l.at = at[i];
			l.code = what == LIFE_REAPED ? REAP_PID : 0;
			l.pid = 1002 + i;
			put(&l);
		}
	}
	done();
	for (__u64 i = 0; i < 5; i++)
		cr_assert_eq(story(2 + i)->burial, BURIAL_REAPED, "at %llx",
			     (unsigned long long)at[i]);
}

Test(hostile, random)
{
	for (uint64_t seed = 1; seed <= 3000; seed++) {
		struct rng rng = rng_seed(seed);

		setup();
		for (__u64 id = 2, n = 2 + rng_below(&rng, 6); id < n; id++)
			ended_by(id, rng_below(&rng, 256));
		for (int i = rng_below(&rng, 30); i; i--) {
			struct ev_life l = by(life(1 + rng_below(&rng, LIFE_COUNT - 1),
						   rng_below(&rng, 80) * MS, rng_below(&rng, 9)),
					      rng_below(&rng, 9));

			l.code = rng_below(&rng, 5);
			l.pid = rng_one_in(&rng, 2) ? 0 : 1000 + rng_below(&rng, 9);
			l.flags = rng_below(&rng, 64);
			l.group = rng_below(&rng, 2);
			if (l.what != LIFE_BORN || l.code < BIRTH_COUNT)
				put(&l);
		}
		done();
		teardown();
	}
}

/* --- many ----------------------------------------------------------------------------------- */

#define MANY 10000

enum order { IN_ORDER, REVERSED };

static __u64 nth(enum order order, __u64 i)
{
	return order == IN_ORDER ? 2 + i : 1 + MANY - i;
}

/* All die at 20 ms, if at_once, else one every 10 us; each is reaped 5 us after. */
static void reap_many(enum order order, enum reap kind, bool at_once)
{
	setup();
	for (__u64 i = 0; i < MANY; i++) {
		__u64 id = nth(order, i), at = 20 * MS + i * 10000;

		process(id, COMMAND_ID, 2, 900);
		put_life(life(LIFE_DIED, at_once ? 20 * MS : at, id));
		put_life(reaped(at + 5000, kind, kind == REAP_PID ? 1000 + id : 0));
	}
	done();
	for (__u64 i = 0; i < MANY; i++)
		cr_assert_eq(story(2 + i)->burial, BURIAL_REAPED);
	teardown();
}

Test(many, at_once, .timeout = 60)
{
	reap_many(IN_ORDER, REAP_ANY, true);
	reap_many(IN_ORDER, REAP_PID, true);
	reap_many(REVERSED, REAP_PID, true);
}

Test(many, one_after_another, .timeout = 60)
{
	reap_many(IN_ORDER, REAP_ANY, false);
	reap_many(REVERSED, REAP_ANY, false);
	reap_many(REVERSED, REAP_PID, false);
}

/* The oldest child lives on. */
Test(many, behind_one_that_lives, .timeout = 60)
{
	setup();
	process(2, COMMAND_ID, 1, 1000);
	for (__u64 id = 3; id < 3 + MANY; id++) {
		__u64 at = 20 * MS + id * 10000;

		process(id, COMMAND_ID, 2, 900);
		put_life(life(LIFE_DIED, at, id));
		put_life(reaped(at + 5000, REAP_ANY, 0));
	}
	done();
	was(2, BURIAL_NONE, 0);
	for (__u64 i = 3; i < 3 + MANY; i++)
		cr_assert_eq(m->processes[i - 1].life.burial, BURIAL_REAPED);
	teardown();
}
