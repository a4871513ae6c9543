/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ECHO_H
#define ECHO_H

#include "truth.h"

#define CLIENTS 8
#define ROUNDS	120
#define MESSAGE 64

/* A way to write the server. */
struct server {
	const char *name;
	/* Accepts CLIENTS connections and echoes what comes until all are closed; a reason why it cannot
	 * do that here, or NULL. */
	const char *(*serve)(int listener);
	const char *model;
	int64_t threads; /* that wait, at least */
	bool is_busy;	 /* it never waits */
};

extern const struct server block_servers[], many_servers[], other_servers[], ring_servers[];

/* Does what can be done without waiting. False: the client has gone. */
bool echo_now(int fd);
void set_nonblocking(int fd);

#endif
