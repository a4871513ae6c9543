/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <signal.h>

/* The signal state that concprof inherited and the workload must inherit from it. */
struct launch_signals {
	sigset_t mask;	  /* blocked */
	sigset_t ignored; /* SIG_IGN; the rest is SIG_DFL: handlers do not survive an exec */
};

/*
 * Notes the calling process's state in ret. Call it first thing in main(), before anything blocks,
 * handles or ignores a signal. It then sets SIGCHLD to its default: a parent can hand on SIG_IGN,
 * with which no status of a child could ever be had (wait(2), "ERRORS").
 * Returns 0, or -errno with ret undefined.
 */
int launch_signals_take(struct launch_signals *ret);

/*
 * Sets every disposition that can be set to what was noted. It leaves the mask alone: only the
 * exec's caller knows when it can take a signal. Returns 0 or -errno.
 */
int launch_signals_dispose(const struct launch_signals *signals);
