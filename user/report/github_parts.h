/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Annotations as workflow commands of GitHub Actions: one line each. */
#include <stdbool.h>
#include <stdio.h>

#include "analysis/findings.h"

#define GITHUB_SHOWN 10 /* of each kind in a step; the rest is dropped without a word */

struct annotation {
	FILE *out;
	bool has_line;
};

void github_begin(struct annotation *a, FILE *out, enum severity kind, const char *title);
/* A line_fn: safe for a terminal already. ctx is the annotation. */
void github_line(void *ctx, const char *line);
void github_end(struct annotation *a);
/* An error for each that holds or cannot be decided; how many. */
size_t github_gates(FILE *out, const struct gate_result *results, size_t n_results);
