/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Looks for deadlocks while the program runs, and says at once what they prove. */
#include <stdint.h>

#include "probe/probe.h"

struct stuck_looks;

struct stuck_looks *stuck_looks_new(void);
void stuck_looks_free(struct stuck_looks *s);

/* A look, if any thread may be stuck. What is new goes to standard error, one line each. The time
 * to the next look, ns: looks take a five hundredth of a CPU at most. */
int stuck_look(struct stuck_looks *s, struct probe *p, uint64_t *ret_next_ns);

/* What was found, as EV_DEADLOCK. */
int stuck_tell(const struct stuck_looks *s, event_fn fn, void *ctx);
