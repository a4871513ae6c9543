/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Who else used the CPUs while the program was measured: processes, by /proc/PID/stat. */
#include <stddef.h>
#include <sys/types.h>

#include "event/event.h"

#define OTHERS_MAX 8

struct others;

/* What all processes have used so far. NULL: /proc cannot be read, see errno; then there is
 * nothing to end or free. */
struct others *others_begin(void);

/* An EV_OTHER for each of those that have used most since, largest first, OTHERS_MAX at most;
 * not for ourselves, nor for those in `own`, which are part of what is measured. A process that
 * has ended meanwhile is not seen; where nobody could be seen is a note. What fn returns if not 0. */
int others_end(const struct others *o, const pid_t *own, size_t n_own, event_fn fn, void *ctx);

void others_free(struct others *o);
