/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Steps of the timeline in the stream, packed: see user/event/marks.h. */
#include "event.h"

enum marks_form {
	MARKS_FIRST_FORM = 0, /* of older versions */
	MARKS_FORM = 1,
};

/* Those that one CPU saw, one after the other; of several events of one CPU the order is theirs. */
struct ev_marks {
	struct event head;
	__u32 cpu;
	__u32 n;
	__u32 size; /* bytes that are valid */
	__u32 form; /* enum marks_form */
	__u8 bytes[];
};
