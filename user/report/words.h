/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Numbers of the kernel's and of the model's that every report names alike.
 */
#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

/* "command"; NULL: not known. */
const char *ended_by_name(unsigned int ended_by);
/* "SCHED_OTHER"; NULL: not known. */
const char *policy_name(unsigned int policy);

/* Running time, divided as the kernel divides it. False: it cannot be said. */
bool cpu_split(const struct model *m, const struct thread *t, uint64_t *user_ns,
	       uint64_t *kernel_ns);

/* Wall time in which no thread ran. */
uint64_t not_running_ns(const struct model *m);

/* Waits by row, summed to the kinds of the wall time. */
void wall_kinds(uint64_t ret[ROW_KINDS], const __u64 row_ns[ROW_COUNT]);
