/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef HABITS_H
#define HABITS_H

#include "truth.h"

/* A habit of input and output, or what looks like it. */
struct habit {
	const char *name;
	void (*run)(void);
	void (*expect)(void); /* after truth_begin() */
};

/* Each ends with an entry without a name. */
extern const struct habit log_habits[], nap_habits[];

#endif
