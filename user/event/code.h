/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What a live measurement sees of the program's code, before it has names: not part of the
 * stream, which holds what was made of it. The probes are the source, user/sym the sink.
 */
#include <stdint.h>

#include "../bpf/code.h"

enum mapping_what {
	MAPPING_FILE = 1, /* code of a file is mapped into a process's memory */
	MAPPING_FORK = 2, /* a process begins with its parent's memory */
	MAPPING_EXEC = 3, /* ... with an empty one */
};

/* The path of memory without a file, as the kernel's records call it; its offsets are addresses. */
#define MAPPING_ANONYMOUS "//anon"

struct mapping {
	enum mapping_what what;
	uint64_t at; /* CLOCK_MONOTONIC */
	uint32_t pid, parent;
	uint64_t start, end, offset; /* of MAPPING_FILE; offset: in the file */
	uint32_t major, minor;
	uint64_t inode;
	const char *path; /* as the kernel names it, where the process was; "[vdso]" and the like */
};

/* All are called in the order of time, but for stacks of different CPUs within some
 * microseconds; what is handed over is borrowed for the call. 0, or a negative errno. */
struct code_sink {
	/* What came in the stream up to now has its stacks handed over. */
	void (*settled)(void *ctx);
	int (*mapping)(void *ctx, const struct mapping *m);
	int (*stack)(void *ctx, const struct code_stack *s);
	int (*waited)(void *ctx, const struct code_waited *w);
	void *ctx;
};
