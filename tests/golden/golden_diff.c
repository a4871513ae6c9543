// SPDX-License-Identifier: BSD-2-Clause
/* Comparisons: base.evt and head.evt have a run each between lines of ----. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"

#define RUNS_MAX 32

struct runs {
	struct model *models[RUNS_MAX];
	struct findings *findings[RUNS_MAX];
	size_t n, n_base;
};

static int read_run(struct runs *to, struct report_opts *opts, char *text,
		    struct stream_error *error)
{
	struct model_builder *b = model_builder_new();
	FILE *in = fmemopen(text, strlen(text), "r");
	int err = in ? stream_read(in, opts, model_builder_event, b, error) : -errno;

	if (in)
		fclose(in);
	if (err || to->n == RUNS_MAX) {
		model_builder_free(b);
		return err ? err : -E2BIG;
	}
	to->models[to->n] = model_builder_finish(b);
	to->findings[to->n] = findings_new(to->models[to->n]);
	to->n++;
	return 0;
}

static int read_runs(struct runs *to, struct report_opts *opts, const char *dir, const char *file,
		     struct stream_error *error)
{
	char path[4096], *text, *rest, *next;
	int err = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	text = rest = read_all(path);
	if (!text)
		return -ENOENT;
	for (; rest && !err; rest = next) {
		next = strstr(rest, "----\n");
		if (next) {
			*next = '\0';
			next += strlen("----\n");
		}
		err = read_run(to, opts, rest, error);
	}
	free(text);
	return err;
}

static void check(struct tally *t, const char *dir, const char *name, const char *format,
		  const char *file, const struct diff *d, const struct report_opts *opts)
{
	static const struct report_opts none = { .utf8 = true };
	const struct report_format *f = report_format_by_name(format);
	bool is_text = !strcmp(format, "text");
	char path[4096], *text = NULL;
	const char *problem;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	int err = out ? f->write_diff(d, opts, out) : -errno;

	if (out && fclose(out) && !err)
		err = -EIO;
	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (err) {
		say(t, false, name, file, strerror(-err));
	} else {
		if (!strcmp(format, "html"))
			cut_page(text);
		compare(t, path, name, text);
		problem = text_problem(text, is_text ? opts : &none);
		say(t, !problem, name, "is safe to show", problem ?: "");
	}
	free(text);
}

static void check_full_disk(struct tally *t, const char *name, const struct diff *d,
			    const struct report_opts *opts)
{
	for (const struct report_format *f = report_formats; f->name; f++) {
		FILE *full = f->write_diff ? fopen("/dev/full", "we") : NULL;

		if (!full)
			continue;
		say(t, f->write_diff(d, opts, full) == -ENOSPC, name, f->name,
		    "a full disk was not noticed");
		fclose(full);
	}
}

static void check_all(struct tally *t, const char *dir, const char *name, const struct diff *d,
		      const struct report_opts *opts)
{
	static const struct {
		const char *format, *file;
	} reports[] = {
		{ "text", "out.txt" },	  { "json", "out.json" },
		{ "markdown", "out.md" }, { "github", "out.github" },
		{ "junit", "out.xml" },	  { "openmetrics", "out.metrics" },
		{ "csv", "out.csv" },	  { "html", "out.html" },
	};

	for (size_t i = 0; i < sizeof(reports) / sizeof(*reports); i++)
		check(t, dir, name, reports[i].format, reports[i].file, d, opts);
	check_full_disk(t, name, d, opts);
}

void run_diff(struct tally *t, const char *dir)
{
	struct report_opts opts = { .utf8 = true, .width = 80, .top = 10, .version = "0.0.0" };
	struct stream_error error = { 0 };
	const char *name = strrchr(dir, '/') + 1;
	struct runs runs = { .n = 0 };
	int err = read_runs(&runs, &opts, dir, "base.evt", &error);
	struct diff *d;

	runs.n_base = runs.n;
	if (!err)
		err = read_runs(&runs, &opts, dir, "head.evt", &error);
	if (err) {
		say(t, false, name, "runs", error.line ? error.text : strerror(-err));
	} else {
		d = diff_new((const struct findings *const *)runs.findings, runs.n_base,
			     (const struct findings *const *)runs.findings + runs.n_base,
			     runs.n - runs.n_base, read_gates(t, dir, name, true));
		check_all(t, dir, name, d, &opts);
		diff_free(d);
	}
	for (size_t i = 0; i < runs.n; i++) {
		findings_free(runs.findings[i]);
		model_free(runs.models[i]);
	}
}
