// SPDX-License-Identifier: BSD-2-Clause
/* On how many CPUs the program may run. */
#include "findings.h"

#define MACHINE 300

static void threads(size_t n, const uint64_t cpus[][2], const uint64_t *ran)
{
	on_cpus(MACHINE);
	for (size_t i = 0; i < n; i++) {
		struct ev_thread t = thread(i + 1, i > 0, 1, 0, SECOND);

		queued(&t, TS_WOKEN, SECOND - ran[i]);
		t.cpus[0] = cpus[i][0];
		t.cpus[4] = cpus[i][1];
		put(&t);
	}
	analyse(wall(SECOND));
}

Test(affinity, all_that_threads_may_use, .init = setup, .fini = teardown)
{
	static const uint64_t cpus[][2] = { { 1, 0 }, { 2, 0 }, { 3, 0xf0 } };
	static const uint64_t ran[] = { SECOND, SECOND, SECOND };

	threads(3, cpus, ran);
	cr_assert_eq(m->cpus, 2 + 4);
}

/* A shell that starts taskset may run anywhere, but does nothing. */
Test(affinity, of_who_computes, .init = setup, .fini = teardown)
{
	static const uint64_t cpus[][2] = { { ~0ULL, ~0ULL }, { 4, 0 } };
	static const uint64_t ran[] = { SECOND / 100, SECOND };

	threads(2, cpus, ran);
	cr_assert_eq(m->cpus, 1);
	cr_assert_eq(f->cpus_allowed, 1);
}

Test(affinity, not_known, .init = setup, .fini = teardown)
{
	static const uint64_t cpus[][2] = { { 4, 0 }, { 0, 0 } };
	static const uint64_t ran[] = { SECOND, SECOND };

	threads(2, cpus, ran);
	cr_assert_eq(m->cpus, MACHINE);
}

Test(affinity, of_nobody, .init = setup, .fini = teardown)
{
	on_cpus(MACHINE);
	analyse(wall(SECOND));
	cr_assert_eq(m->cpus, MACHINE);
}

/* More kinds than there is room for: nothing is left out. */
Test(affinity, of_a_hundred_kinds, .init = setup, .fini = teardown)
{
	uint64_t cpus[100][2], ran[100];

	for (int i = 0; i < 100; i++) {
		cpus[i][0] = i < 64 ? 1ULL << i : 0;
		cpus[i][1] = i < 64 ? 0 : 1ULL << (i - 64);
		ran[i] = SECOND / 2;
	}
	threads(100, cpus, ran);
	cr_assert_geq(m->cpus, 36, "the last one stands for all that follow");
}
