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

/* Of the process of this number. NULL: it has no map that can be read. */
struct jit *jit_open(uint32_t pid);
/* The same of any file. */
struct jit *jit_open_path(const char *path);
void jit_close(struct jit *j);
/* Borrowed until jit_close(); NULL: the map does not say. Of two that claim an address, the one
 * that was written last. */
const char *jit_name(const struct jit *j, uint64_t address);
