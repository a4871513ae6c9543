/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef STANDS_H
#define STANDS_H

#include <sys/types.h>

#include "truth.h"

#define LONG_TIME (1000 * SEC) /* longer than any test */

/* A thread that comes to one wait, and what a look at it is to find. */
struct wait {
	const char *name; /* its comm */
	void (*come)(void);
	const char *function; /* where it waits */
	const char *cause;    /* NULL: it runs */
	const char *lock;     /* its kind */
	const char *holder;   /* the comm of a thread, here or in the partner */
	const char *how;      /* what the partner, or the child, is for it */
	const int *fd;
	int descriptors;
	bool is_timed; /* LONG_TIME from when it came */
	/* filled in as it goes */
	pid_t tid;
	int64_t came; /* CLOCK_MONOTONIC; 0: not yet */
};

#define AT(fn) .come = fn, .function = #fn

/* Each ends with an entry without a name. */
extern struct wait lock_waits[], time_waits[], file_waits[], other_waits[];

/* Before there is any other thread or process. */
void locks_make(void);
void files_make(void);
void others_make(void);
/* They would outlive the program. */
void others_remove(void);
/* In the process at the other ends, and in this one once it has that. */
void locks_take_shared(void);
void files_be_partner(void);
void files_leave_to_partner(void);
/* In the thread that has all locks. */
void locks_take(void);

/* What a wait hands its result to: does not return, and is an error before the end. */
void over(long result, const char *what) __attribute__((noreturn));

/* The thread that has them, to be joined; and a process to be waited for. */
extern pthread_t keeper;
extern pid_t child;

extern int listener; /* a socket */

#endif
