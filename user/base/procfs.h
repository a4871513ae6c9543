/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What more than one part of the program reads of /proc/PID: proc(5). */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*procfs_child_fn)(void *ctx, uint32_t child);

/* The children of all threads of a process, which change unless all of these stand still. False: not
 * all of them are known. */
bool procfs_children(uint32_t pid, procfs_child_fn fn, void *ctx);

/* What follows the process's name in its stat, from the state on: in buf. NULL: not known. */
const char *procfs_stat(uint32_t pid, char *buf, size_t size);
