/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Findings to one format each. A new format is one file and one row of the table.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "analysis/diff.h"
#include "analysis/findings.h"

#define REPORT_ALL UINT_MAX

struct report_opts {
	bool color;	    /* the reader is a terminal that shows colours */
	bool utf8;	    /* ... and bars and sparklines */
	unsigned int width; /* columns; 0: as wide as need be */
	unsigned int top;   /* rows of threads, processes, waits; the rest is summed. REPORT_ALL:
			       all, and documents may be as long as it takes */
	bool verbose;
	const char *version;
};

struct report_format {
	const char *name; /* of --format */
	const char *help;
	/* Writes the whole report; NULL: the format is made of the events themselves. 0, or a negative errno: what was written is of no use. */
	int (*write)(const struct findings *f, const struct report_opts *opts, FILE *out);
	/* The same of a comparison; NULL: there is no such format of it. */
	int (*write_diff)(const struct diff *d, const struct report_opts *opts, FILE *out);
	bool of_timeline; /* it shows each step of the threads: see timeline.h */
};

/* NULL: no such format. */
const struct report_format *report_format_by_name(const char *name);
/* The table, ended by a row without a name. */
extern const struct report_format report_formats[];

int report_text_write(const struct findings *f, const struct report_opts *opts, FILE *out);
int report_json_write(const struct findings *f, const struct report_opts *opts, FILE *out);
int report_openmetrics_write(const struct findings *f, const struct report_opts *opts, FILE *out);
int report_csv_write(const struct findings *f, const struct report_opts *opts, FILE *out);
int diff_text_write(const struct diff *d, const struct report_opts *opts, FILE *out);
int diff_json_write(const struct diff *d, const struct report_opts *opts, FILE *out);
int report_markdown_write(const struct findings *f, const struct report_opts *opts, FILE *out);
int report_github_write(const struct findings *f, const struct report_opts *opts, FILE *out);
int report_junit_write(const struct findings *f, const struct report_opts *opts, FILE *out);
int report_html_write(const struct findings *f, const struct report_opts *opts, FILE *out);
int report_folded_write(const struct findings *f, const struct report_opts *opts, FILE *out);
int report_perfetto_write(const struct findings *f, const struct report_opts *opts, FILE *out);
int report_pprof_write(const struct findings *f, const struct report_opts *opts, FILE *out);

int diff_markdown_write(const struct diff *d, const struct report_opts *opts, FILE *out);
int diff_html_write(const struct diff *d, const struct report_opts *opts, FILE *out);
int diff_github_write(const struct diff *d, const struct report_opts *opts, FILE *out);
int diff_junit_write(const struct diff *d, const struct report_opts *opts, FILE *out);
int diff_openmetrics_write(const struct diff *d, const struct report_opts *opts, FILE *out);
int diff_csv_write(const struct diff *d, const struct report_opts *opts, FILE *out);
