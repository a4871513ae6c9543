// SPDX-License-Identifier: BSD-2-Clause
#include "report/github_parts.h"

#include <string.h>

#include "base/escape.h"

/* By enum severity. */
static const char *const kinds[] = {
	[SEVERITY_NOTE] = "notice",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

static void put_escaped(FILE *out, const char *text, bool is_property)
{
	for (; *text; text++) {
		if (strchr("%\r\n", *text) || (is_property && strchr(":,", *text)))
			fprintf(out, "%%%02X", (unsigned char)*text);
		else
			fputc(*text, out);
	}
}

void github_begin(struct annotation *a, FILE *out, enum severity kind, const char *title)
{
	*a = (struct annotation){ .out = out };
	fprintf(out, "::%s title=concprof%%3A ", kinds[kind]);
	put_escaped(out, title, true);
	fputs("::", out);
}

void github_line(void *ctx, const char *line)
{
	struct annotation *a = ctx;

	if (a->has_line)
		fputs("%0A", a->out);
	put_escaped(a->out, line, false);
	a->has_line = true;
}

void github_end(struct annotation *a)
{
	fputc('\n', a->out);
}

/* What the user asked to be told of: before the errors that concprof finds by itself. */
size_t github_gates(FILE *out, const struct gate_result *results, size_t n_results)
{
	size_t n = 0;

	for (size_t i = 0; i < n_results && n < GITHUB_SHOWN - 2; i++) {
		const struct gate_result *g = &results[i];
		struct annotation a;
		char text[1200];

		if (g->holds == GATE_NO)
			continue;
		n++;
		github_begin(&a, out, SEVERITY_ERROR, "gate");
		escape_text(text, sizeof(text), g->expression, 0, true);
		github_line(&a, text);
		github_line(&a, g->holds == GATE_YES ? "It holds." : "It cannot be decided.");
		escape_text(text, sizeof(text), g->error ? g->error : g->measured, 0, true);
		github_line(&a, text);
		github_end(&a);
	}
	return n;
}
