/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What gate_parse.c and gate_literal.c share: a text on its way to a tree. */
#include "analysis/gate_paths.h"

struct gate_parser {
	struct gates *gates;
	const char *text, *at;
	unsigned int depth;
	struct err *err;
};

#define GATE_FOUND_SIZE 64

/* Says what is wrong at a place of the text. -EINVAL. */
int gate_fail(struct gate_parser *p, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void gate_skip_blanks(struct gate_parser *p);
/* Of the name or word that stands there; 0: none does. */
size_t gate_word_length(const char *s);
/* Skips blanks and that word, if it comes next. */
bool gate_take_word(struct gate_parser *p, const char *word);
/* "found 'x'". Returns buf, of GATE_FOUND_SIZE bytes. */
char *gate_found(const char *at, char *buf);

/* The value behind a comparison's sign; only a change may be below zero. 0 or -EINVAL. */
int gate_parse_literal(struct gate_parser *p, enum gate_side side, struct gate_literal *ret);
/* Can these be compared, and so? Where the sign and the value stand is for the error. */
int gate_check_types(struct gate_parser *p, const struct gate_node *node, const char *sign,
		     const char *value);
