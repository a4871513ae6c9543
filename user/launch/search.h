/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Where execvp(3) would look for a command: itself if its name holds a slash, else the name in each
 * element of envp's PATH, an empty element meaning the current directory, and the system's default
 * path if there is no PATH. It looks at no file: that is for the process which has the user's rights.
 * On success *ret is a NULL-terminated array of *ret_n >= 1 strings that the caller frees with
 * launch_search_free(). Returns 0 or -errno.
 */
int launch_search(char ***ret, size_t *ret_n, const char *command, char *const *envp);

void launch_search_free(char **paths);

/* Whether a failed execve(2) with this errno leaves the rest of the path to be tried. */
bool launch_search_continues(int error);

/* The value of a variable in envp, or NULL; borrowed from envp. */
const char *launch_search_getenv(char *const *envp, const char *name);
