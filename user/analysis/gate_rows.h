/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The table of all paths that gates can name. */
#include "analysis/gate_paths.h"

struct gate_row {
	const char *pattern; /* %s: a name of `names` */
	enum gate_type type;
	const struct gate_names *names;
	const struct gate_names *words;
	/* Where it lies, for the first of its names, and how far apart they are; 0: `size` ... */
	bool in_model, of_lock;
	unsigned int at, size, step;
	/* ... unless this one finds it. */
	struct gate_value (*get)(const struct findings *f, unsigned int key);
	/* NULL: it is always there. */
	bool (*is_there)(const struct findings *f, unsigned int key);
	const char *why_absent;
	bool else_zero; /* absent means that nothing of the kind happened */
};

static inline struct gate_value gate_number(long double n)
{
	return (struct gate_value){ .got = GOT_VALUE, .number = n };
}

extern const struct gate_row gate_rows[];
extern const size_t n_gate_rows;
