/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What stream.c may say about each kind of event. */
#include <stddef.h>

#include "event/event.h"

enum field_type {
	FIELD_NUMBER,
	FIELD_STRING,  /* a char array */
	FIELD_WORDS,   /* words joined by |, each a number */
	FIELD_INDEXED, /* "name.INDEX", a number in an array of __u64 */
	FIELD_WAIT,    /* "name.CAUSE", a struct ledger_cause */
	FIELD_ARGS,    /* appended to ev_exec.args */
	FIELD_TEXT,    /* at the end of an ev_text */
	FIELD_NAME,    /* appended to ev_frame.text: function, file, object, in this order */
	FIELD_FRAMES,  /* ids, joined by commas, of an ev_stack */
	FIELD_BYTES,   /* an array of bytes, the first of them given in hex */
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset, size;
	int (*number_of)(const char *word); /* of a word or an index; -1: there is none */
};

struct kind {
	const char *name;
	unsigned int kind;
	size_t size;
	const struct field *fields; /* ended by one without a name */
};

/* NULL: there is no such kind. */
const struct kind *kind_by_name(const char *name);
/* By the key's beginning, if the field has an index; NULL: there is none. */
const struct field *field_by_key(const struct kind *kind, const char *key);
