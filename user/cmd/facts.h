/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the report's head says of the machine and the command, as events. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "event/event.h"

/* How many CPUs this process, and so the command, may use: sched_getaffinity(2). */
unsigned int facts_cpus_allowed(void);

/* How long the allowed CPUs have had no work since the machine started, summed; in steps
 * of some milliseconds. False: not known. proc_stat(5). */
bool facts_idle_ns(uint64_t *ret);

/* EV_RUN and its strings: the stream's first events. notes: NULL-terminated. */
int facts_tell(event_fn fn, void *ctx, enum run_mode mode, uid_t uid, char *const *argv,
	       const char *executable, const char *const *notes);
