/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The terminal that a live view is on: the only user of ncurses. Whatever was there comes back. */
#include "base/err.h"
#include "live/frame.h"

struct screen;

/* The controlling terminal, whatever the standard streams are. -ENXIO and the like, with the remedy:
 * there is none, or it can do too little. */
int screen_open(struct screen **ret, struct err *err);
void screen_close(struct screen *s);
/* Readable when a key was pressed. */
int screen_fd(const struct screen *s);
/* As it is now. */
void screen_size(const struct screen *s, size_t *ret_columns, size_t *ret_lines);
bool screen_shows_utf8(const struct screen *s);
void screen_show(struct screen *s, const struct live_frame *frame);

enum {
	SCREEN_NO_KEY = -1,
	SCREEN_RESIZED = 1000,
	SCREEN_UP,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME
};

/* The next key that was pressed, a character or one of the above. */
int screen_key(struct screen *s);
