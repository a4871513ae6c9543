// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"

#define SHOWN 10 /* of a kind, by GitHub */

/* A verdict, and so many findings of each severity, named by their number. */
struct counts {
	size_t errors, warnings, notes;
};

static void add(struct findings *f, size_t n, enum severity severity)
{
	for (size_t i = 0; i < n; i++) {
		struct finding *one = &f->list[f->n_list++];

		*one = (struct finding){ .rule = "a.rule", .severity = severity };
		snprintf(one->subject, sizeof(one->subject), "a:b,c%%");
		snprintf(one->title, sizeof(one->title), "%s-%zu", severity_name(severity), i + 1);
	}
}

static char *report(struct counts n, enum severity verdict)
{
	struct model m = { .complete = true };
	struct findings f = { .model = &m };
	struct report_opts opts = { 0 };
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	cr_assert(out);
	f.list = calloc(1 + n.errors + n.warnings + n.notes, sizeof(*f.list));
	cr_assert(f.list);
	add(&f, 1, verdict);
	add(&f, n.errors, SEVERITY_ERROR);
	add(&f, n.warnings, SEVERITY_WARNING);
	add(&f, n.notes, SEVERITY_NOTE);
	cr_expect_eq(report_github_write(&f, &opts, out), 0);
	cr_assert_eq(fclose(out), 0);
	free(f.list);
	return text;
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

Test(github, one_annotation_for_each)
{
	char *text = report((struct counts){ 1, 2, 3 }, SEVERITY_WARNING);

	cr_expect_eq(count(text, "\n"), 7, "%s", text);
	cr_expect(!strncmp(text, "::notice title=concprof%3A unknown::", 36), "%s", text);
	cr_expect_eq(count(text, "\n::error title=concprof%3A a.rule::a:b,c%25: error-"), 1);
	cr_expect_eq(count(text, "\n::warning title="), 2);
	cr_expect_eq(count(text, "\n::notice title="), 3);
	cr_expect(strstr(text, "::error") < strstr(text, "::warning"), "%s", text);
	free(text);
}

Test(github, what_would_be_dropped_is_summed_up)
{
	char *text = report((struct counts){ 11, 10, 10 }, SEVERITY_NOTE);

	cr_expect_eq(count(text, "::error title="), SHOWN);
	cr_expect_eq(count(text, "::warning title="), SHOWN);
	cr_expect_eq(count(text, "::notice title="), SHOWN, "the verdict's among them");
	cr_expect_eq(count(text, "::error title=concprof%3A 2 more::"), 1, "%s", text);
	cr_expect_eq(count(text, "::warning title=concprof%3A a.rule::"), SHOWN, "none is left");
	cr_expect_eq(count(text, "::notice title=concprof%3A 2 more::"), 1, "%s", text);
	cr_expect(strstr(text, "error-10%0Aa:b,c%25: error-11\n"), "%s", text);
	cr_expect(strstr(text, "note-9%0Aa:b,c%25: note-10\n"), "%s", text);
	free(text);
}

Test(github, a_verdict_that_is_an_error_is_one)
{
	char *text = report((struct counts){ 0 }, SEVERITY_ERROR);

	cr_expect(!strncmp(text, "::error title=concprof%3A unknown::", 35), "%s", text);
	cr_expect_eq(count(text, "\n"), 1, "%s", text);
	free(text);
}
