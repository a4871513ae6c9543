/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A trace for Perfetto's viewer, in parts. Times are those since the start of the measurement. Numbers
 * of fields: protos/perfetto/trace/ of the viewer's sources.
 */
#include <stdio.h>

#include "analysis/places.h"
#include "base/intern.h"
#include "model/timeline.h"
#include "report/protobuf.h"

enum {
	PACKET_FTRACE = 1,
	PACKET_PROCESSES = 2,
	PACKET_CLOCKS = 6,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE = 10,
	PACKET_EVENT = 11,
	PACKET_INTERNED = 12,
	PACKET_FLAGS = 13,
	PACKET_TRACK = 60,
};

#define PERFETTO_SEQUENCE 1 /* all that is not of a CPU */

struct tracing {
	const struct findings *f;
	const struct model *m;
	FILE *out;
	int error;
	bool has_lost_steps;
	struct cpus *cpus;
	struct waiting *threads; /* by place in model.threads */
	struct counters *counters;
	struct places places;
	struct intern titles; /* what waits are called */
	size_t n_titles;      /* that were written */
};

void perfetto_put(struct tracing *t, const struct proto *packet);
/* The same of the sequence, with this message in it too; both are freed. */
void perfetto_put_part(struct tracing *t, struct proto *packet, unsigned int field,
		       struct proto *part);

static inline uint64_t since_start(const struct tracing *t, uint64_t at)
{
	return at > t->m->origin ? at - t->m->origin : 0;
}

/* perfetto_cpus.c: who had which CPU, and who woke whom. */
void perfetto_cpus_begin(struct tracing *t);
void perfetto_cpus_step(struct tracing *t, const struct timeline_step *s);
void perfetto_cpus_end(struct tracing *t);

/* Of a thread: since when it was off the CPUs, ready, on one, and since when off again. */
struct stay {
	uint64_t since, ready, arrived, left;
	bool is_known; /* what it was off for; if it waited: */
	bool was_blocked;
	uint8_t row;
};

/* perfetto_counters.c: how many threads did what, and what was lost. */
void perfetto_counters_begin(struct tracing *t);
void perfetto_counters_add(struct tracing *t, const struct stay *s);
void perfetto_counters_end(struct tracing *t);

/* perfetto_waits.c: of each thread what it waited for, as slices on a track of its own. */
void perfetto_waits_begin(struct tracing *t);
void perfetto_waits_step(struct tracing *t, const struct timeline_step *s);
void perfetto_waits_end(struct tracing *t);
