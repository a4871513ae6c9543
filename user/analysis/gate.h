/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Conditions on what a report says, for scripts: --fail-on. docs/gates.md has the language
 * ("Gates"). They are parsed before anything is measured, from a text that may be anything.
 */
#include "analysis/findings.h"
#include "base/err.h"

#define GATES_MAX   32
#define GATE_NODES  256	 /* comparisons and operators, of all of them together */
#define GATE_LENGTH 1000 /* bytes of one */
#define GATE_DEPTH  32	 /* of parentheses and `not` inside one another */

/* What a path leads to. */
enum gate_type { GATE_TIME, GATE_COUNT, GATE_SHARE, GATE_MEAN, GATE_BYTES, GATE_WORD, GATE_FLAG };

/* What it is compared with. */
enum gate_literal_kind {
	LITERAL_NUMBER,
	LITERAL_TIME, /* in ns */
	LITERAL_BYTES,
	LITERAL_PERCENT,
	LITERAL_STRING,
	LITERAL_FLAG,
	LITERAL_NULL, /* nothing */
};

struct gate_literal {
	enum gate_literal_kind kind;
	long double number; /* holds any 64-bit integer */
	const char *text;   /* of a string; not NUL-terminated */
	size_t length;
};

struct gate_row;

#define GATE_LOCK_SIZE 128

/* In a comparison of two groups of runs: the mean of one of them, or from one to the other. */
enum gate_side { SIDE_NONE, SIDE_BASE, SIDE_HEAD, SIDE_CHANGE };

struct gate_path {
	const struct gate_row *row; /* NULL: none */
	unsigned int key;	    /* for which of its names the row stands here */
	enum gate_side side;	    /* SIDE_NONE: of one run */
	char lock[GATE_LOCK_SIZE];  /* the name of the lock that it is of, as far as it is of one */
};

enum gate_op { GATE_AND, GATE_OR, GATE_NOT, GATE_COMPARE };
enum gate_compare { GATE_EQ, GATE_NE, GATE_LT, GATE_LE, GATE_GT, GATE_GE };

struct gate_node {
	enum gate_op op;
	enum gate_compare compare;
	unsigned short left, right; /* nodes; of `not` only left */
	struct gate_path path;
	struct gate_literal literal;
};

/* All zero: none, of one run. */
struct gates {
	bool of_diff; /* of a comparison; to be set before the first is added */
	struct {
		const char *text; /* borrowed */
		unsigned short root;
	} list[GATES_MAX];
	size_t n;
	struct gate_node nodes[GATE_NODES];
	size_t n_nodes;
};

/* -EINVAL, with err filled: what is wrong at which column. The gates are as before then. */
int gates_add(struct gates *g, const char *text, struct err *err);
/* Fills f->gates. Once for each f. Of one run; diff_new() judges those of a comparison. */
void gates_judge(const struct gates *g, struct findings *f);
/* Is it a rule that findings may have? */
bool gate_knows_rule(const char *rule);
