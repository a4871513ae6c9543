// SPDX-License-Identifier: BSD-2-Clause
/* The conditions that the user set: those that hold, or cannot be decided. What explains them
 * is a finding, with its evidence, and stands below. */
#include "report/text_parts.h"

#include <stdlib.h>
#include <string.h>

/* Any length: it is the user's own text, or a path. To be freed. */
static char *escaped(const struct page *p, const char *text, bool ours)
{
	size_t size = 4 * strlen(text) + 8;
	char *buf = malloc(size);

	if (!buf)
		out_of_memory();
	return ours ? page_words(p, buf, size, text) : page_name(p, buf, size, text, 0);
}

static void put_gate(struct page *p, const struct gate_result *g)
{
	static const char *const outcomes[] = {
		[GATE_NO] = "does not hold",
		[GATE_YES] = "holds",
		[GATE_ERROR] = "cannot be decided",
	};
	enum style style = g->holds == GATE_NO ? STYLE_DIM : STYLE_BAD;
	char *expression = escaped(p, g->expression, false);
	char *why = escaped(p, g->error ? g->error : g->measured, true);

	page_text(p, 2, NULL, style, "gate: %s %s: %s", expression, outcomes[g->holds], why);
	free(expression);
	free(why);
}

void text_gates(struct page *p, const struct gate_result *results, size_t n, bool all)
{
	for (size_t i = 0; i < n; i++) {
		if (results[i].holds != GATE_NO || all)
			put_gate(p, &results[i]);
	}
}
