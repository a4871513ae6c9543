/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of this folder share: from addresses to places, and from places to names. */
#include "event/code.h"
#include "event/event.h"
#include "sym/owners.h"
#include "sym/sites.h"
#include "sym/space.h"
#include "sym/sym.h"

/* A chain of places, innermost first: see below. */
struct stack {
	const uint64_t *frames; /* borrowed */
	uint32_t n;
	uint32_t end;	/* enum stack_end */
	uint32_t flags; /* enum stack_flags */
	bool is_wait;
};

struct code;

/* Both are borrowed. NULL: out of memory. */
struct code *code_new(struct sym *sym, struct spaces *spaces);
void code_free(struct code *c);
/* Places of one stack: the program's calls, and the kernel's with one for those left out. */
#define PLACES_MAX (STACK_MAX + CODE_KERNEL + 1)

/* From here on it waits for the server as long as that takes. */
void code_take_time(struct code *c);
/* The stack of a process with this memory (which may be NULL). The places go to `frames`, and *ret
 * points to them. -EAGAIN: some rule is not there yet, try again later. */
int code_unwind(struct code *c, const struct memory *memory, const struct code_stack *raw,
		uint64_t frames[PLACES_MAX], struct stack *ret);

/* A place: the file's number and, below it, the offset in the file, of a return address that
 * of the byte before it. Of the kernel the address itself, which has both upper bits. */
#define PLACE_OFFSET_BITS   47		 /* an address of user space fits as well */
#define PLACE_KERNEL	    (1ull << 62) /* of no particular function */
#define PLACE_UNKNOWN	    (1ull << 63) /* no file's code */
#define PLACE_FILE(place)   ((uint32_t)((place) >> PLACE_OFFSET_BITS))
#define PLACE_OFFSET(place) ((place) & ((1ull << PLACE_OFFSET_BITS) - 1))

#define PLACE_IS_ADDRESS(place) ((place) >> 62 == 3)
#define PLACE_IS_KERNEL(place)	((place) == PLACE_KERNEL || PLACE_IS_ADDRESS(place))

/* The object of the kernel's code; of a module's "[kernel:name]". */
#define PLACE_KERNEL_NAME "[kernel]"

/* What the server calls a file; -errno: it cannot be read, or (-EAGAIN) not now. */
int code_object(struct code *c, uint32_t file, uint32_t *ret_object);

/* Where names come from. */
struct name_sources {
	struct code *code;
	struct sym *sym;
	const struct spaces *spaces;
	const struct owners *owners;
	int kernel; /* of kernel_open() */
};

struct words;

/* NULL: out of memory. */
struct words *words_new(void);
void words_free(struct words *w);
/* The word that the thread waits at, if it waits at one. */
void words_note(struct words *w, const struct spaces *spaces, const struct memory *memory,
		const struct code_stack *raw);
/* EV_WORD of each that is a variable. */
int words_tell(const struct words *w, const struct name_sources *sources, event_fn fn, void *ctx);

/* tell.c: frames and stacks as events; the stacks are numbered from 1 on, as in the array. What could
 * not be read goes with them, as notes. */
int tell_stacks(const struct name_sources *sources, const struct stack *stacks, size_t n,
		event_fn fn, sites_progress_fn progress, void *ctx);
