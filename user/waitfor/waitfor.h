/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The wait-for graph of threads that stand still, and what looks at it prove. Pure: fed with
 * looks, it says which deadlocks there are.
 *
 * A thread that waits without a time-out for what one other has goes on only if that one lets
 * go, and it cannot while it waits itself; one that waits for a pipe, a file's lock or a child, only
 * if any thread does something of a process that has the pipe's other end or the open file that has
 * the lock, or is the child. So threads of which each needs others of them alone, all seen at the
 * same waits in two looks, will wait for ever: between the looks none of them ran, so that what was
 * found of their holders and descriptors was so at one moment for all.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../bpf/stuck.h"
#include "event/event.h"

#define KNOTS_MAX 256 /* which are remembered */

struct knot {
	enum deadlock_kind kind;
	struct stuck *waits; /* its members, each of which waits for the next, the last for the
				 * first; then those that wait for one of them, or of these */
	size_t n_members, n;
	uint64_t proved_at, seen_at; /* by the looks that said so first and last */
};

struct watch;

struct watch *watch_new(void);
void watch_free(struct watch *w);

/* What one of the waits of a look needs, any thread of this process can do. */
struct need {
	size_t wait;	     /* its place */
	uint64_t process_id; /* 0: one that is not of the program, or not known */
};

/* A look. Of each wait but for those for a holder, all that can end it is in needs; of one whose
 * holder_is is HOLDER_IS_UNKNOWN that is not known. */
struct look {
	const struct stuck *waits;
	size_t n;
	const struct need *needs;
	size_t n_needs;
	uint64_t at; /* of any clock */
};

/* One look at all threads that stand. How many deadlocks are new: the last
 * ones of watch_knots(). */
size_t watch_look(struct watch *w, const struct look *look);

/* Borrowed, until the next look. */
const struct knot *watch_knots(const struct watch *w, size_t *ret_n);

/* A sentence for a person, without control characters. */
void knot_say(const struct knot *d, char *text, size_t size);

/* All of them, as EV_DEADLOCK. */
int watch_tell(const struct watch *w, event_fn fn, void *ctx);
