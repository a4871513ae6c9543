/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What threads did over time, of a timeline, as coarse as a picture with so many pieces wants it. */
#include "report/page.h"

struct lane_run {
	uint32_t from, n;  /* slots */
	unsigned int tone; /* what took most of them */
};

struct lane {
	size_t thread; /* a place in model.threads */
	VEC(struct lane_run) runs;
	uint64_t ns[TONE_COUNT]; /* exact */
};

struct lanes {
	uint64_t slot_ns;
	uint32_t slots; /* of the wall time */
	VEC(struct lane) items;
};

/* Of these threads, with so many runs in all. */
void lanes_make(struct lanes *ret, const struct model *m, const size_t *threads, size_t n,
		size_t most_runs);
void lanes_free(struct lanes *lanes);
