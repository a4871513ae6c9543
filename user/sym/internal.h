/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of this folder share: from addresses to places, and from places to names. */
#include "event/code.h"
#include "event/event.h"
#include "sym/sites.h"
#include "sym/space.h"
#include "sym/sym.h"

/* A chain of places, innermost first: see below. */
struct stack {
	const uint64_t *frames; /* borrowed */
	uint32_t n;
	uint32_t end; /* enum stack_end */
	bool by_frame_pointer;
};

struct code;

/* Both are borrowed. NULL: out of memory. */
struct code *code_new(struct sym *sym, struct spaces *spaces);
void code_free(struct code *c);
/* The places go to `frames`, and *ret points to them. */
void code_unwind(struct code *c, const struct code_stack *raw, uint64_t frames[STACK_MAX],
		 struct stack *ret);

/* A place: the file's number and, below it, the offset in the file, of a return address that
 * of the byte before it. */
#define PLACE_OFFSET_BITS   47		 /* an address of user space fits as well */
#define PLACE_KERNEL	    (1ull << 62) /* of no particular function */
#define PLACE_UNKNOWN	    (1ull << 63) /* no file's code */
#define PLACE_FILE(place)   ((uint32_t)((place) >> PLACE_OFFSET_BITS))
#define PLACE_OFFSET(place) ((place) & ((1ull << PLACE_OFFSET_BITS) - 1))

/* The object of PLACE_KERNEL. */
#define PLACE_KERNEL_NAME "[kernel]"

/* What the server calls a file; -errno: it cannot be read. */
int code_object(struct code *c, uint32_t file, uint32_t *ret_object);

/* tell.c: frames and stacks as events; the stacks are numbered from 1 on, as in the array. */
int tell_stacks(struct code *c, struct sym *sym, const struct spaces *spaces,
		const struct stack *stacks, size_t n, event_fn fn, sites_progress_fn progress,
		void *ctx);
