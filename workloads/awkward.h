/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef AWKWARD_H
#define AWKWARD_H

#include "truth.h"

#define NAP (100 * MS)

struct mode {
	const char *name;
	/* Of the one wait that run() measures; NULL if run() tells all that is to be expected. */
	const char *cause;
	/* NULL, or why it cannot be done here. */
	const char *(*run)(void);
};

/* Each ends with an entry without a name. */
extern const struct mode lock_modes[], io_modes[], ipc_modes[], task_modes[], fault_modes[];

/* The main thread's account at its very start, and the argument behind the mode, or NULL. */
extern struct account awkward_from;
extern const char *awkward_arg;

/* Around the one wait of a mode with a cause, in the main thread. */
void wait_begins(void);
void wait_ends(void);
struct account wait_span(void);

/*
 * Starts a thread that does `before`, naps, and does `after`; each may be NULL. Returns when
 * `before` is done.
 */
pthread_t kick(void (*before)(void), void (*after)(void));

/* For kick(): a byte into the pipe, and a signal to the main thread. */
extern int kick_pipe[2];
void open_kick_pipe(void);
void write_kick_pipe(void);
void signal_main(void);

void reap(pid_t child);

#endif
