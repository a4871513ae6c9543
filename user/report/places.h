/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * All time of all threads, by where in the code it went: what the formats for flame graphs
 * are made of. The waits and the running time sum to those of the ledgers.
 */
#include "analysis/findings.h"

/* What a thread did: waits are numbered by their enum cause. */
enum {
	PLACE_RUNNING = CAUSE_COUNT,
	PLACE_QUEUED,
	PLACE_COUNT,
};

struct place {
	const char *thread,
		*process; /* names, of any bytes; "[several]", "[not listed]", "[no name]" */
	unsigned int what;
	const struct stack *stack; /* NULL: not known, or queued */
	double ns;
	double count; /* of waits; PLACE_RUNNING: of samples */
};

/* Calls fn for each; there may be many alike. */
void places_each(const struct findings *f, void (*fn)(void *ctx, const struct place *p), void *ctx);

/* "io.disk", "running", "queued" */
const char *place_word(unsigned int what);
/* What stands for frames that are not known, outermost of what is: "[cut]", "[no stack]"; NULL:
 * there is no need to. */
const char *place_cut(const struct place *p);

#define PLACES_OTHER "[left out]" /* instead of all frames */

/* Whole units, so that those of a sequence sum to its sum to half a unit: *carry, 0 at first, is
 * what is not told yet. Not below 0, and at most INT64_MAX. */
uint64_t place_units(double value, double *carry);
