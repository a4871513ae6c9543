/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The tables of a pprof profile (profile.proto of github.com/google/pprof): strings, and where
 * code is, each written once and numbered as samples refer to it.
 */
#include "base/intern.h"
#include "model/model.h"
#include "report/protobuf.h"

/* Fields of a Profile. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME = 9,
	PROFILE_DURATION = 10,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_TYPE = 14,
};

struct profile {
	struct intern strings, mappings, functions, locations;
	struct proto out;
};

void profile_start(struct profile *p, const char *executable);
void profile_free(struct profile *p);
/* The number of a string of any bytes. */
uint64_t profile_string(struct profile *p, const char *text);
/* The numbers of a stack's locations, innermost first: one for a function and all that is inlined
 * into it. Returns how many; room for s->n. */
size_t profile_locations(struct profile *p, const struct model *m, const struct stack *s,
			 uint64_t *ret);
/* Of what is no code: "[cut]". */
uint64_t profile_pseudo_location(struct profile *p, const char *name);
