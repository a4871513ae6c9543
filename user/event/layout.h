/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * How the events of each kind are laid out, so that recordings outlive changes: as parts,
 * one after another, each of which may only grow at its end. An array with a place for each
 * of something (causes, rows, CPUs) is a part of its own. What follows the last part, as the
 * text of an EV_TEXT, is not laid out.
 */
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#include "event/event.h"

#define LAYOUT_PARTS 32 /* of one kind, at most */

struct layout {
	size_t n;   /* parts; 0: there is no such kind */
	__u32 size; /* of all parts */
	struct {
		__u32 size;    /* in bytes; a multiple of 8 */
		bool is_array; /* only of our own: none of it can be left out, since it adds up */
	} parts[LAYOUT_PARTS];
};

/* This version's own. Its size is event_fixed_size(). */
void layout_own(struct layout *ret, unsigned int kind);

/* Have they the same parts? */
bool layout_is_same(const struct layout *a, const struct layout *b);
/* Does it say more than the other in any place? */
bool layout_is_longer(const struct layout *a, const struct layout *b);

/*
 * Lays out anew what is laid out as `from`: what is missing is 0, what is longer is cut.
 * `ev` has at least from->size bytes; `to` has room for `room`. Returns the size of the event
 * in `to`; 0: it does not fit, or an array has more than can be said.
 */
size_t layout_convert(void *to, size_t room, const struct event *ev, const struct layout *from,
		      const struct layout *own);
