/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files about comparisons share: a row for each quantity, a column for each run. */
#include "analysis/diff.h"

struct sheet {
	struct diff *d;
	const struct findings *const *runs; /* base first */
	size_t n, n_base;
	double **values; /* as d->rows */
};

/* diff_rows.c: fills d->rows but for what the test and the sides say, and the values. What is
 * chosen must not depend on which run is on which side, or the test would be none. */
void sheet_fill(struct sheet *s, const struct gates *gates);
/* diff_test.c */
void sheet_test(struct sheet *s);
/* gate_diff.c */
struct gate_result *diff_judge(const struct gates *gates, const struct sheet *s);
/* diff_rows.c: the quantity that a condition names without its side; NULL: there is none. */
const struct diff_row *sheet_asked(const struct sheet *s, const struct gate_path *path);
