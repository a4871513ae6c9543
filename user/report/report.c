// SPDX-License-Identifier: BSD-2-Clause
#include "report/report.h"

#include <string.h>

const struct report_format report_formats[] = {
	{ "text", "one screen for a person", report_text_write, diff_text_write, false },
	{ "json", "everything, for scripts; its JSON Schema is published", report_json_write,
	  diff_json_write, false },
	{ "html", "one page for a browser, with pictures; needs nothing else", report_html_write,
	  diff_html_write, false },
	{ "markdown", "for a pull request's comment or a CI summary", report_markdown_write,
	  diff_markdown_write, false },
	{ "github", "annotations of a GitHub workflow, on standard output", report_github_write,
	  diff_github_write, false },
	{ "junit", "JUnit XML: the command and each kind of finding as a test", report_junit_write,
	  diff_junit_write, false },
	{ "openmetrics", "sums for Prometheus and for GitLab's metrics reports",
	  report_openmetrics_write, diff_openmetrics_write, false },
	{ "csv", "a row for each thread, for spreadsheets and pandas", report_csv_write,
	  diff_csv_write, false },
	{ "folded", "stacks of calls with microseconds: flamegraph.pl, inferno, speedscope",
	  report_folded_write, NULL, false },
	{ "pprof", "gzipped: go tool pprof, and whatever else opens its profiles",
	  report_pprof_write, NULL, false },
	{ "perfetto", "what ran when, for the viewer of that name", report_perfetto_write, NULL,
	  true },
	{ "recording", "the measurement itself, for concprof report", NULL, NULL, false },
	{ 0 },
};

const struct report_format *report_format_by_name(const char *name)
{
	for (const struct report_format *f = report_formats; f->name; f++) {
		if (!strcmp(f->name, name))
			return f;
	}
	return NULL;
}
