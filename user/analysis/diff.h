/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What changed between two groups of runs, and whether it is more than the spread.
 *
 * The test is one of permutation, with its correction for many comparisons built in
 * (Westfall and Young's max-T): of all ways to divide the runs into two groups of these
 * sizes, how many give any quantity at all as large a difference, measured by its own
 * spread, as this one has here? If the two groups are alike, something is called a
 * change in at most DIFF_LEVEL of all comparisons, whatever the distribution.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/findings.h"

#define DIFF_LEVEL 0.05

struct diff_side {
	size_t n;
	double mean, low, high; /* nanoseconds */
};

struct diff_row {
	char name[96]; /* a path of the JSON, without the unit; or a program */
	struct diff_side base, head;
	double p; /* 0 to 1: how often chance alone does as much somewhere */
	bool is_change;
};

struct diff {
	struct diff_row *rows; /* the wall time first, then by the size of the difference */
	size_t n_rows;
	size_t n_base, n_head;
	bool can_tell;			 /* there are runs enough for a p below DIFF_LEVEL */
	uint64_t divisions;		 /* ways to divide the runs that were looked at */
	bool is_exact;			 /* ... all there are */
	size_t verdicts[2][CLASS_COUNT]; /* runs of base and head by their verdict */
	const char *differs; /* what is not alike about their machines; NULL: nothing is known to */
};

/* The findings are borrowed for the call only. At least one on each side. */
struct diff *diff_new(const struct findings *const *base, size_t n_base,
		      const struct findings *const *head, size_t n_head);
void diff_free(struct diff *d);
