/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The processes of the server: see wire.h. */
#include <stdbool.h>
#include <sys/types.h>

#include "base/vec.h"
#include "sym/wire.h"

struct objects {
	VEC(struct object) v;
	bool debuginfod;
};

/* Adds the object of a REQUEST_ADD of this size, and takes the descriptor over. */
void objects_add(struct objects *o, const struct request *request, size_t size, int fd);

/* Files that are being opened, each by a process of its own; zeros: none. */
struct openers {
	pid_t pids[8]; /* one that hangs keeps its place until it has ended */
};

/* opener.c: the file that REQUEST_OPEN means, open for reading. 0, or -errno: -ETIMEDOUT: it was not
 * open in time; or so many others were not that it is not tried. */
int openers_open(struct openers *o, const struct request *request, const char *path, int *ret_fd);
void openers_end(struct openers *o);

/* What a worker does, until the socket ends; tests have others. */
typedef void (*worker_fn)(struct objects *objects, int socket);
void worker_serve(struct objects *objects, int socket);

/* Whether this child has ended, or does so within that time; then it is reaped. */
bool child_reap(pid_t pid, int ms, int *ret_status);

/* Forks the keeper. Its socket, and its pid to wait for. 0 or -errno. */
int keeper_start(const struct sym_opts *opts, worker_fn worker, int *ret_socket, pid_t *ret_pid);

/* As sym_start, with another worker, and less patience. */
int client_start(struct sym **ret, const struct sym_opts *opts, worker_fn worker,
		 unsigned patience_ms, struct err *err);

/* What the keeper and each worker may not do; 0 or -errno. */
int sandbox_keeper(const struct sym_opts *opts);
/* It may have the files that root may have, if it is root. */
int sandbox_opener(void);
int sandbox_worker(bool debuginfod);
