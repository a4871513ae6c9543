/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Sentences about comparisons that every format has. */
#include <stddef.h>

#include "analysis/diff.h"

#define DIFF_WORDS 512

/* All return buf; safe to show, in UTF-8 or ASCII, unless it says otherwise. */

/* "slower" */
const char *diff_headline(const struct diff *d);
/* ... and why: "the wall time changed by +10.0 %: ...". DIFF_WORDS bytes. */
char *diff_about(char *buf, const struct diff *d, bool utf8);
/* "lock-bound (5), idle (1)". DIFF_WORDS bytes. */
char *diff_verdicts(char *buf, const size_t counts[CLASS_COUNT]);
/* "program xz", cut to so many columns; 0: to DIFF_WORDS bytes. */
char *diff_name(char *buf, const struct diff_row *r, size_t columns, bool utf8);
/* A name for a program to tell rows by: any bytes; cut to so many, less than DIFF_WORDS - 16, with
 * a number for the whole of it. */
char *diff_label(char *buf, const struct diff_row *r, size_t most);
/* A value of a row. UNITS_SIZE bytes. */
char *diff_value(char *buf, const struct diff_row *r, double value, bool utf8);
/* "+5.0 %", "× 12", "new". UNITS_SIZE bytes. */
char *diff_change(char *buf, const struct diff_row *r, bool utf8);
/* "0.008" */
char *diff_chance(char *buf, const struct diff_row *r);
/* "1.00 s before, 1.10 s after, +10.0 %; by chance 0.008". DIFF_WORDS bytes. */
char *diff_row_words(char *buf, const struct diff *d, const struct diff_row *r, bool utf8);
/* What makes the comparison a doubtful one, a sentence each, with any bytes; how many. */
#define DIFF_DOUBTS 6
size_t diff_doubts(char buf[DIFF_DOUBTS][DIFF_WORDS], const struct diff *d);
/* Rows that are changes. */
size_t diff_changes(const struct diff *d);
