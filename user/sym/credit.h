/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * How long the collector may wait for the server while it measures. At first all rules are asked for,
 * and a program may be over soon: so there is some time to begin with; and after that a share of the
 * time that passes. It may be overdrawn: then nothing is waited for until that is made up.
 */
#include <stdint.h>

#define CREDIT_NS    300000000 /* at most, and at first */
#define CREDIT_SHARE 10	       /* one part in so many of the time */

struct credit {
	uint64_t at; /* CLOCK_MONOTONIC; 0: not used yet */
	int64_t left;
};

/* What is left, in nanoseconds; not above 0: nothing. */
static inline int64_t credit_left(struct credit *c, uint64_t now)
{
	uint64_t earned = (now - c->at) / CREDIT_SHARE;

	if (!c->at || earned > (uint64_t)(CREDIT_NS - c->left))
		c->left = CREDIT_NS;
	else
		c->left += (int64_t)earned;
	c->at = now;
	return c->left;
}

static inline void credit_spend(struct credit *c, uint64_t ns)
{
	c->left -= (int64_t)ns;
}
