/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Numbers of the kernel's and of the model's that every report names alike, and
 * sentences that more than one of them has.
 */
#include <stddef.h>
#include <stdint.h>

#include "analysis/findings.h"

/* "SCHED_OTHER"; NULL: not known. */
const char *policy_name(unsigned int policy);

/* Running time, divided as the kernel divides it. False: it cannot be said. */
bool cpu_split(const struct model *m, const struct thread *t, uint64_t *user_ns,
	       uint64_t *kernel_ns);

/* The command as a shell would take it, to be freed. 0 or a negative errno. */
int command_line(char **ret, const struct model *m);

/* "At most 1 s of 2 s to gain by ..."; for a finding that has such a gain. Returns buf. */
char *gain_words(char *buf, size_t size, const struct findings *f, const struct finding *one,
		 bool utf8);

/* A finding in plain lines, the first with what it is about: safe to show, in UTF-8. */
typedef void (*line_fn)(void *ctx, const char *line);
void finding_lines(const struct findings *f, const struct finding *one, line_fn put, void *ctx);

/* Wall time in which no thread ran. */
uint64_t not_running_ns(const struct model *m);

/* Waits by row, summed to the kinds of the wall time. */
void wall_kinds(uint64_t ret[ROW_KINDS], const __u64 row_ns[ROW_COUNT]);
