/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What conditions come to, whatever they are of: one run (gate_run.c), or a comparison of two
 * groups of them (gate_diff.c). */
#include "analysis/gate_paths.h"

#include <stdio.h>

#define GATE_PATHS_TOLD 64 /* of one condition */

/* The paths that a condition names, each once, from left to right. */
struct gate_named {
	struct gate_path paths[GATE_PATHS_TOLD];
	size_t n;
};

struct gate_subject {
	const void *of;
	/* One comparison. GATE_ERROR: it cannot be made, and *why, to be freed, says so. */
	enum gate_holds (*compare)(const void *of, const struct gate_node *n, char **why);
	/* What a path leads to, in words. */
	void (*tell)(const void *of, const struct gate_path *path, FILE *to);
	/* The finding that explains it; NULL: there are none. */
	const struct finding *(*explain)(const void *of, const struct gate_named *named);
};

/* One result for each condition; to be freed with gate_results_free(). */
struct gate_result *gates_evaluate(const struct gates *g, const struct gate_subject *s);

void gates_name_paths(struct gate_named *to, const struct gates *g, unsigned int node);

/* A comparison that can be made. The wall time is what a percentage of a time is of. */
enum gate_holds gate_compare_value(const struct gate_node *n, const struct gate_value *v,
				   long double wall_ns);
/* Does a sign as of strcmp(3) meet it? */
enum gate_holds gate_compare_sign(const struct gate_node *n, int sign);
/* As strcmp(3); numbers with a point as the JSON shows them. */
int gate_order(enum gate_type type, long double a, long double b);
/* Is that the text? */
bool gate_is_text(const struct gate_literal *l, const char *text);
void gate_tell_value(FILE *to, const struct gate_path *path, const struct gate_value *v,
		     long double wall_ns);
/* asprintf(3), or the end. */
char *gate_words(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
