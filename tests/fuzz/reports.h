/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What a fuzzer does with a model: the analysis, and all reports of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/findings.h"
#include "report/report.h"
#include "tests/unit/markup.h"

/* Nothing that a terminal obeys: C0 but for the line's end, DEL, and C1 in UTF-8. */
static inline void check_text(const char *name, const uint8_t *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if ((s[i] < 0x20 && s[i] != '\n') || s[i] == 0x7f ||
		    (i && s[i - 1] == 0xc2 && s[i] < 0xa0)) {
			fprintf(stderr, "%s: byte 0x%02x at %zu\n", name, s[i], i);
			abort();
		}
	}
}

/* Whatever names there are, the tags of the page are ours. */
static inline void check_page(const char *text)
{
	const char *problem = markup_problem(text);

	if (problem) {
		fprintf(stderr, "html: %s\n", problem);
		abort();
	}
}

static inline void write_all(const struct findings *f, size_t options)
{
	struct report_opts opts = { .utf8 = options & 1,
				    .verbose = options & 2,
				    .width = options & 4 ? 80 : 0,
				    .top = options & 8 ? 3 : 20,
				    .version = "0" };

	for (const struct report_format *r = report_formats; r->name; r++) {
		char *text = NULL;
		size_t size = 0;
		FILE *out;

		if (!r->write)
			continue;
		out = open_memstream(&text, &size);
		if (!out)
			abort();
		if (r->write(f, &opts, out))
			abort();
		fclose(out);
		if (strcmp(r->name, "pprof") && strcmp(r->name, "perfetto")) /* which are no text */
			check_text(r->name, (const uint8_t *)text, size);
		if (!strcmp(r->name, "html"))
			check_page(text);
		free(text);
	}
}

/* Takes the builder. */
static inline void report_all(struct model_builder *b, size_t options)
{
	struct model *m = model_builder_finish(b);
	struct findings *f = findings_new(m);

	write_all(f, options);
	findings_free(f);
	model_free(m);
}
