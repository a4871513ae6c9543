/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Text inside of Markdown. It must be safe for a terminal already: no control
 * characters, and no backslash alone.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A code span of the first `n` bytes, which is none if there are none. */
void markdown_code(FILE *out, const char *text, size_t n, bool in_table);
/* Words, those in code spans that could be taken for markup. */
void markdown_words(FILE *out, const char *text, bool in_table);
