/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the places of a timeline's waits are called: struct mark, place. */
#include "analysis/findings.h"

struct places {
	const struct findings *f;
	struct map
		locks; /* places in model.locks, by a thread's and what its marks have of their keys */
};

void places_begin(struct places *p, const struct findings *f);
/* Which lock a wait of this thread, a place in model.threads, was for; NULL: for none, or it is not known. */
const struct lock *place_lock(const struct places *p, size_t thread, __u32 place);
/* What the place is called; NULL: it has no name, or that is not known. It may hold anything. */
const char *place_name(const struct places *p, size_t thread, __u32 place);
void places_end(struct places *p);
