// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/gates.h"

#include <stdio.h>

int gates_status(const struct gate_result *results, size_t n, const struct opts *o)
{
	int status = 0;

	for (size_t i = 0; i < n; i++) {
		const struct gate_result *g = &results[i];
		struct err line; /* which makes it safe to show */

		if (g->holds == GATE_NO)
			continue;
		status = o->error_exitcode;
		(void)err_set(&line, 0, "gate: %s %s: %s", g->expression,
			      g->holds == GATE_YES ? "holds" : "cannot be decided",
			      g->error ? g->error : g->measured);
		fprintf(stderr, "concprof: %s\n", line.text);
	}
	return status;
}
