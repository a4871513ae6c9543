/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Places in the code, as every format writes them. May hold anything that a file can. */
#include "analysis/findings.h"

#define FRAME_TEXT_SIZE 384

/* "worker (account.c:42)", "worker", "[libfoo.so.1]", "[unknown]", "pipe_read [kernel]",
 * "xfs_file_fsync [kernel:xfs]": the source file without its folders. Returns buf. */
char *frame_text(char *buf, size_t size, const struct frame *f);
/* The same without the source. */
char *frame_name(char *buf, size_t size, const struct frame *f);
/* A function's name as people say it: without the list of its parameters, and what a compiler
 * has added behind that. Returns buf. */
char *function_short(char *buf, size_t size, const char *function);
/* "complete" */
const char *stack_end_name(enum stack_end end);
