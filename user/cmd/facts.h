/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the report's head says of the machine and the command, as events. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "event/event.h"

/* How many CPUs these processes may use together, as far as they are there; with none, this
 * process, and so the command: sched_getaffinity(2). 0: not known, with which nothing can be told. */
unsigned int facts_cpus_allowed(const pid_t *pids, size_t n);

/* How long the allowed CPUs have had no work since the machine started, summed; in steps
 * of some milliseconds. False: not known. proc_stat(5). */
bool facts_idle_ns(uint64_t *ret);

struct facts {
	enum run_mode mode;
	uid_t uid;
	char *const *argv;	  /* NULL-terminated */
	const char *executable;	  /* NULL: none */
	const char *const *notes; /* NULL-terminated */
	unsigned int cpus_allowed;
	pid_t limited; /* whose cgroups' CPU limit it is; 0: our own */
};

/* EV_RUN and its strings: the stream's first events. */
int facts_tell(event_fn fn, void *ctx, const struct facts *facts);
/* A note of what is not known, at any time. */
int facts_note(event_fn fn, void *ctx, const char *text);
