/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Deadlocks in words, for the reports. */
#include "analysis/findings.h"

/* The textbook's four conditions of a deadlock, each of which one can break. */
#define DEADLOCK_CONDITIONS 4

extern const struct deadlock_condition {
	const char *key, *words;
} deadlock_conditions[DEADLOCK_CONDITIONS];

/* The facts that show it. Returns buf. */
char *deadlock_condition(char *buf, size_t size, const struct findings *f, const struct deadlock *d,
			 size_t condition);
/* "worker (12)", by its place in model.threads. Returns buf. */
char *stuck_name(char *buf, size_t size, const struct model *m, size_t thread);
/* Where in the program it waits; NULL: not known. */
const struct frame *stuck_frame(const struct model *m, const struct stuck_wait *w);
