/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Writes one JSON document to a stream, piece by piece: nesting, commas and
 * indentation are its business. Each value takes its key, which is NULL inside
 * an array and for the document itself. What comes out is always valid UTF-8.
 * Errors of the stream are kept until json_finish().
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH 32

struct json {
	FILE *out;
	int err; /* the first one, as a negative errno */
	unsigned int depth;
	struct {
		char close;
		bool line; /* all that is inside stands on one line */
		bool used; /* something is inside */
	} level[JSON_DEPTH];
};

/* `out` is borrowed until json_finish(). */
void json_init(struct json *j, FILE *out);

void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
/* The same on one line, whatever they hold. */
void json_line_object(struct json *j, const char *key);
void json_line_array(struct json *j, const char *key);
/* Ends what was begun last. */
void json_end(struct json *j);

void json_u64(struct json *j, const char *key, uint64_t value);
void json_i64(struct json *j, const char *key, int64_t value);
/* Six significant digits; null if it is not finite. LC_NUMERIC must be "C". */
void json_double(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
/* Any bytes; those that are not UTF-8 become U+FFFD. NULL is null. */
void json_string(struct json *j, const char *key, const char *value);

/* Ends the line and flushes. 0; -EINVAL if the nesting was wrong, or the
 * negative errno of the first write that failed. */
int json_finish(struct json *j);
