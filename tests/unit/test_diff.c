// SPDX-License-Identifier: BSD-2-Clause
/* Comparisons: what is a change, and what is chance. */
#include "diff.h"

#include <math.h>

#include "random.h"

/* A lock was added: it is named, and what did not change is not. */
Test(diff, names_what_changed, .fini = forget)
{
	struct diff *d;

	for (unsigned int i = 0; i < 10; i++)
		run_of(SECOND + i % 5 * MS, (i < 5 ? 20 : 400) * MS + i * MS, 4);
	d = compare(5);
	cr_assert(d->can_tell && d->is_exact);
	cr_assert_eq(d->divisions, 252);
	cr_assert_str_eq(d->rows[0].name, "wall", "it comes first");
	cr_assert_not(d->rows[0].is_change);
	cr_assert(row(d, "totals.blocked[\"lock.mutex\"]")->is_change);
	cr_assert_float_eq(row(d, "totals.blocked[\"lock.mutex\"]")->p, 2.0 / 252, 1e-9);
	cr_assert_null(d->differs);
	diff_free(d);
}

Test(diff, wall_time, .fini = forget)
{
	struct diff *d;

	for (unsigned int i = 0; i < 10; i++)
		run_of((i < 5 ? 1000 : 1100) * MS + i * MS, 0, 4);
	d = compare(5);
	cr_assert(d->rows[0].is_change);
	cr_assert_float_eq(d->rows[0].head.mean / d->rows[0].base.mean, 1.1, 0.01);
	cr_assert_float_eq(d->rows[0].base.low, 1000.0 * MS, 1);
	cr_assert_float_eq(d->rows[0].base.high, 1004.0 * MS, 1);
	diff_free(d);
}

/* What is said to be too little to show does not, and what is more does. */
Test(diff, least_change, .fini = forget)
{
	static const double parts[] = { 0.0, 0.7, 1.5 };
	double least = 0;

	for (size_t k = 0; k < 3; k++) {
		uint64_t more = (uint64_t)(parts[k] * least * 1000) * MS;
		struct diff *d;

		for (unsigned int i = 0; i < 10; i++)
			run_of((i < 5 ? 0 : more) + 1000 * MS + (i * 7 % 5) * 40 * MS, 0, 4);
		d = compare(5);
		cr_assert(d->can_tell);
		cr_assert_eq(d->rows[0].is_change, k == 2, "%zu: %g", k, d->least_change);
		least = k ? least : d->least_change;
		cr_assert(least > 0.05 && least < 0.5, "%g", least);
		diff_free(d);
		forget();
	}
}

/* One run on each side proves nothing, however far apart they are. */
Test(diff, too_few, .fini = forget)
{
	for (size_t n = 1; n <= 3; n++) {
		struct diff *d;

		for (size_t i = 0; i < 2 * n; i++)
			run_of((i < n ? 1 : 5) * SECOND + i * MS, 0, 4);
		d = compare(n);
		cr_assert_not(d->can_tell, "%zu", n);
		for (size_t i = 0; i < d->n_rows; i++)
			cr_assert_not(d->rows[i].is_change);
		diff_free(d);
		forget();
	}
}

Test(diff, uneven_groups, .fini = forget)
{
	struct diff *d;

	for (size_t i = 0; i < 21; i++)
		run_of((i < 20 ? 1000 : 1300) * MS + i % 7 * MS, 0, 4);
	d = compare(20);
	cr_assert_not(d->is_exact);
	cr_assert(d->can_tell);
	cr_assert(d->rows[0].is_change);
	cr_assert_gt(d->rows[0].p, 0);
	diff_free(d);
}

/* Of equal builds, with a spread of 20 %, at most 5 in 100 are called different: here
 * a binomial bound that holds in all but one of 10,000 tests like this one. */
Test(diff, equal_builds_are_silent, .fini = forget)
{
	struct rng state = rng_seed(7);
	unsigned int alarms = 0;

	for (unsigned int k = 0; k < 200; k++) {
		struct diff *d;
		bool any = false;

		for (unsigned int i = 0; i < 10; i++)
			run_of(SECOND + rng_below(&state, 200) * MS, rng_below(&state, 300) * MS,
			       4);
		d = compare(5);
		for (size_t i = 0; i < d->n_rows; i++)
			any |= d->rows[i].is_change;
		alarms += any;
		diff_free(d);
		forget();
	}
	cr_assert_leq(alarms, 23);
	cr_assert_gt(alarms, 0, "a test that never errs tests nothing");
}

Test(diff, machines_that_differ, .fini = forget)
{
	struct diff *d;

	run_of(SECOND, 0, 4);
	run_of(SECOND, 0, 2);
	d = compare(1);
	cr_assert_str_eq(d->differs, "number of allowed CPUs");
	diff_free(d);
}

/* Nothing that was measured is not a number, or grows without bound. */
Test(diff, nothing_was_measured, .fini = forget)
{
	struct diff *d;

	for (size_t i = 0; i < 8; i++)
		run_of(0, 0, 1);
	d = compare(4);
	cr_assert_eq(d->n_rows, 1);
	cr_assert(isfinite(d->rows[0].p));
	cr_assert_not(d->rows[0].is_change);
	diff_free(d);
}
