/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Steps of the timeline in the stream, packed: see user/event/marks.h. */
#include "event.h"

/* What older versions did not have. */
enum marks_hold {
	MARKS_HOLD_PLACES = 1,
};

/* Those that one CPU saw, one after the other; of several events of one CPU the order is theirs. */
struct ev_marks {
	struct event head;
	__u32 cpu;
	__u32 n;
	__u32 size;  /* bytes that are valid */
	__u32 holds; /* enum marks_hold */
	__u8 bytes[];
};
