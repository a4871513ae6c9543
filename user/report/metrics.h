/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Families of gauges as text: name, unit and words once, then each sample. */
#include <stdint.h>
#include <stdio.h>

#include "analysis/findings.h"

struct metrics {
	FILE *out;
	const char *name, *unit; /* of the family */
	unsigned int labels;	 /* of the sample under way */
};

/* unit: "seconds", "bytes", "ratio"; NULL: a number of something. */
void metrics_family(struct metrics *o, const char *name, const char *unit, const char *help);

/* One sample of it: its labels, then its value. */
void metrics_begin(struct metrics *o);
/* Any bytes; escaped as the text report does. */
void metrics_label(struct metrics *o, const char *name, const char *value);
void metrics_u64(struct metrics *o, uint64_t value);
void metrics_double(struct metrics *o, double value);
/* In seconds, exactly. */
void metrics_ns(struct metrics *o, uint64_t ns);

/* A sample with one label. */
void metrics_labelled_u64(struct metrics *o, const char *label, const char *of, uint64_t value);
void metrics_labelled_ns(struct metrics *o, const char *label, const char *of, uint64_t ns);
/* A family of one sample without labels. */
void metrics_one(struct metrics *o, const char *name, const char *help, uint64_t value);
void metrics_one_ns(struct metrics *o, const char *name, const char *help, uint64_t ns);

/* metrics_programs.c: the `top` programs that ran longest, and the sum of the others. */
void metrics_programs(struct metrics *o, const struct findings *f, unsigned int top);
