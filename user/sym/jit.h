/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Names of code that a program has made while it ran, from the map that some run-time systems
 * write if asked to: /tmp/perf-PID.map, lines of start, size (both hexadecimal) and name
 * (linux/tools/perf/Documentation/jit-interface.txt). Node: --perf-basic-prof; Python 3.12:
 * -X perf; Java: jcmd PID Compiler.perfmap.
 */
#include <stdint.h>

struct jit;

#define JIT_PATH_SIZE 32

/* Where the map of this process would be. Returns path. */
char *jit_path(char path[JIT_PATH_SIZE], uint32_t pid);
/* Of the process of this number, which is of this user. -EPERM: it is no file of that user's or of
 * root's, but somebody else's, or a link. */
int jit_open(struct jit **ret, uint32_t pid, uint32_t uid);
/* The same of any path. */
int jit_open_path(struct jit **ret, const char *path, uint32_t uid);
void jit_close(struct jit *j);
/* Borrowed until jit_close(); NULL: the map does not say. Of two that claim an address, the one
 * that was written last. */
const char *jit_name(const struct jit *j, uint64_t address);
