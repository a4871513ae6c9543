// SPDX-License-Identifier: BSD-2-Clause
/* The conditions that the user set, and what they came to. */
#include "report/json_parts.h"

void json_gates(struct json *j, const struct gate_result *results, size_t n)
{
	json_array(j, "gates");
	for (size_t i = 0; i < n; i++) {
		const struct gate_result *g = &results[i];

		json_line_object(j, NULL);
		json_string(j, "expression", g->expression);
		if (g->holds == GATE_ERROR)
			json_null(j, "holds");
		else
			json_bool(j, "holds", g->holds == GATE_YES);
		json_string(j, "measured", g->measured);
		if (g->error)
			json_string(j, "error", g->error);
		if (g->reason)
			json_string(j, "finding", g->reason->rule);
		json_end(j);
	}
	json_end(j);
}
