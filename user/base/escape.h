/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Names from the outside, made safe to show on a terminal. Control characters,
 * what steers the direction or the visibility of text, and bytes that are not
 * UTF-8 come out as \n, \t or \xNN; a backslash as two.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Writes `text` to buf (NUL-terminated; `size` at least 8) and returns how many
 * columns it takes. What does not fit into `columns` (0: no limit) or into buf
 * is cut at a whole character and ends with an ellipsis. Without utf8 the
 * result is plain ASCII.
 */
size_t escape_text(char *buf, size_t size, const char *text, size_t columns, bool utf8);

/* For text that is safe already: the columns that its first `bytes` take ... */
size_t text_columns(const char *text, size_t bytes);
/* ... and how many of them, whole characters, fit into `columns`. */
size_t text_fit(const char *text, size_t bytes, size_t columns);

/* Any bytes as the text of an HTML or SVG element, or within the quotes of an attribute. What
 * escape_text() makes visible comes out as U+FFFD, a line's end and a tab as a space. */
void escape_html(FILE *out, const char *text);
