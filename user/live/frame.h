/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A table as lines of a screen. Pure. */
#include "live/table.h"

enum live_look_of { LIVE_PLAIN, LIVE_BOLD, LIVE_DIM, LIVE_HEAD };

struct live_line {
	char *text; /* of at most so many columns, safe for a terminal */
	enum live_look_of look;
};

/* What the screen is to show. */
struct live_wish {
	enum live_view view;
	enum live_sort sort;
	size_t columns, lines;
	size_t first; /* row */
	bool utf8;
	const char *what;    /* "python3 x.py": of any bytes */
	uint64_t elapsed_ns; /* of the measurement */
	uint64_t left_ns;    /* until its end; 0: not known */
	double cpus;
	bool is_paused;
};

struct live_frame {
	VEC(struct live_line) lines;
};

void live_frame_make(struct live_frame *ret, const struct live_table *t,
		     const struct live_wish *wish);
void live_frame_free(struct live_frame *frame);
