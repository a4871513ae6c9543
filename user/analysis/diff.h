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
 *
 * Quantities that conditions name ("change.wall") were chosen before anybody saw the runs. They
 * are corrected for one another only, and the rest for the rest: DIFF_LEVEL holds of each.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/findings.h"
#include "analysis/gate.h"

#define DIFF_LEVEL 0.05
#define DIFF_RUNS  4 /* on each side are enough to tell */

struct diff_side {
	size_t n;
	double mean, low, high; /* times in nanoseconds */
};

/* Quantities of one kind. */
struct diff_family {
	const char *name; /* "programs": as in the JSON */
	const char *word; /* "program": before the name of one, for a person; "": needs none */
};

struct diff_row {
	const struct diff_family *family;
	char *name;  /* a path of the JSON without the unit, or what the family says: any bytes */
	char *brief; /* the same without words that all of its kind have; may be the same */
	enum gate_type type; /* no text and no flag */
	struct diff_side base, head;
	double p; /* 0 to 1: how often chance alone does as much somewhere */
	bool is_change;
	bool is_asked; /* a condition names it */
};

struct diff {
	struct diff_row *rows; /* the wall time first, then by the size of the difference */
	size_t n_rows;
	size_t omitted; /* quantities that there was no room for, all of them less than those */
	size_t n_base, n_head;
	bool can_tell;	    /* there are runs enough for a p below DIFF_LEVEL, none of them twice */
	size_t repeated;    /* recordings of a run that is there already: they show no spread */
	uint64_t divisions; /* ways to divide the runs that were looked at */
	bool is_exact;	    /* ... all there are */
	/* With can_tell: about the least change of the wall time, as a part of the base's, that
	 * runs which spread like these would have shown. */
	double least_change;
	size_t verdicts[2][CLASS_COUNT]; /* runs of base and head by their verdict */
	size_t failed[2];    /* runs of base and head whose command did not end with status 0 */
	size_t cut[2];	     /* ... that were recorded in part */
	const char *differs; /* what is not alike about their machines; NULL: nothing is known to */
	char *base_has, *head_has; /* that of all runs of a side, any bytes; NULL: of none */
	struct gate_result *gates; /* in the order in which they were given */
	size_t n_gates;
};

/* The findings and the conditions (which may be NULL) are borrowed for the call only. At least
 * one run on each side. */
struct diff *diff_new(const struct findings *const *base, size_t n_base,
		      const struct findings *const *head, size_t n_head, const struct gates *gates);
void diff_free(struct diff *d);

/* Head by base, less 1; infinite for what is new. */
double diff_ratio(const struct diff_row *r);
