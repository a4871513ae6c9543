/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A file that is written whole or not at all. */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* A report under way: into a temporary file beside its name, or straight into
 * what is no regular file (a terminal, a pipe, /dev/null). */
struct target {
	char path[PATH_MAX];	  /* with symbolic links resolved */
	char temporary[PATH_MAX]; /* empty: written straight */
	int fd;
};

/* Where PATH leads: fills all but fd, and opens nothing. *ret_file: to a regular file, or to none
 * yet; else to what is written straight. -errno: it cannot be written. */
int target_find(struct target *t, const char *path, bool *ret_file);
/* Of a new file, by the umask. */
mode_t target_mode(void);
/* Opens it, for -o PATH. -errno: nothing is left behind. The caller closes fd, and sets it to -1. */
int target_open(struct target *t, const char *path);
/* All of it, even if the workload has left a terminal or pipe that it shares with us
 * non-blocking. */
int target_write(int fd, const char *text, size_t size);
/* What was written stands under its name from here on. -errno: abandon it. */
int target_commit(struct target *t);
/* Closes it, and leaves nothing behind. -errno: the temporary file could not be removed. */
int target_abandon(struct target *t);
/* Fills err; returns error. */
int target_complain(const char *path, int error, struct err *err);
