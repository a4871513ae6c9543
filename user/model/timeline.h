/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The timeline of a model: the steps of all threads, in order. */
#include "base/map.h"
#include "event/marks.h"
#include "model/model.h"

struct timeline_stream;

enum timeline_way {
	TIMELINE_FORTH,
	TIMELINE_BACK, /* the last step first */
};

struct timeline_reader {
	enum timeline_way way;
	const struct model *m;
	struct timeline_stream *streams; /* of each CPU, and one of what is of none */
	size_t n;
	struct map thread_by_id;
};

struct timeline_step {
	struct mark mark;
	uint32_t cpu;  /* of MARK_DEPART */
	size_t thread; /* its place in model.threads; NO_THREAD: its ledger was lost */
};

/* Is there one? */
bool timeline_is_there(const struct model *m);
void timeline_begin(struct timeline_reader *r, const struct model *m, enum timeline_way way);
/* The next one by time, that way; false: there is none. */
bool timeline_next(struct timeline_reader *r, struct timeline_step *ret);
void timeline_end(struct timeline_reader *r);
