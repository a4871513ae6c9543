// SPDX-License-Identifier: BSD-2-Clause
/*
 * usage: golden [--update] [DIRECTORY] [CASE...]
 *
 * Reads DIRECTORY/CASE/in.evt, makes all reports of it, and compares them with
 * out.txt and out.json there, and with those of out.md, out.github, out.xml, out.metrics,
 * out.csv, out.html (but for its style and script), out.folded and out.pb.gz (by its content) that are there. --update writes these instead: read the change.
 * DIRECTORY/CASE/gates, if it exists, has a condition of --fail-on in each line.
 * DIRECTORY/CASE/base.evt and head.evt have the runs of a comparison: golden_diff.c.
 */
#include <errno.h>
#include <glob.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/escape.h"
#include "base/utf8.h"
#include "golden.h"

void say(struct tally *t, bool good, const char *name, const char *what, const char *why)
{
	unsigned int *count = good ? &t->passed : &t->failed;

	++*count;
	printf("%s %u - golden %s %s%s%s\n", good ? "ok" : "not ok", t->passed + t->failed, name,
	       what, good ? "" : ": ", good ? "" : why);
}

char *read_all(const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!in)
		return NULL;
	if (getdelim(&text, &size, '\0', in) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(in);
	return text;
}

static int write_all(const char *path, const char *text)
{
	FILE *out = fopen(path, "we");
	int err;

	if (!out)
		return -errno;
	err = fputs(text, out) < 0;
	return fclose(out) || err ? -EIO : 0;
}

/* The first line in which they differ. */
static void explain(char *why, size_t size, const char *got, const char *expected)
{
	unsigned int line = 1;
	size_t start = 0, i = 0;

	for (; got[i] && got[i] == expected[i]; i++) {
		if (got[i] == '\n') {
			line++;
			start = i + 1;
		}
	}
	snprintf(why, size, "line %u\n#   got      '%.*s'\n#   expected '%.*s'", line,
		 (int)strcspn(got + start, "\n"), got + start, (int)strcspn(expected + start, "\n"),
		 expected + start);
}

/* All that a gzipped file of this content holds; NULL: it is none. */
static char *unpack(FILE *in, size_t *size)
{
	gzFile gz = gzdopen(dup(fileno(in)), "rb");
	char *content = NULL, bytes[4096];
	FILE *to = open_memstream(&content, size);
	int n = -1;

	if (gz && to) {
		while ((n = gzread(gz, bytes, sizeof(bytes))) > 0)
			fwrite(bytes, 1, (size_t)n, to);
	}
	if (gz && gzclose(gz) != Z_OK)
		n = -1;
	if (to)
		fclose(to);
	if (!n)
		return content;
	free(content);
	return NULL;
}

/* Another zlib may pack the same otherwise, so what is packed is compared. */
static void compare_packed(struct tally *t, const char *path, const char *name, const char *got,
			   size_t size)
{
	FILE *kept = fopen(path, t->update ? "w+e" : "re"), *new = tmpfile();
	size_t expected_size = 0, got_size = 0;
	char *expected, *content;

	if (!kept || !new || fwrite(got, 1, size, t->update ? kept : new) != size ||
	    fflush(t->update ? kept : new)) {
		say(t, false, name, strrchr(path, '/') + 1, "cannot read or write");
	} else if (t->update) {
		say(t, true, name, strrchr(path, '/') + 1, "");
	} else {
		rewind(new);
		expected = unpack(kept, &expected_size);
		content = unpack(new, &got_size);
		say(t,
		    expected && content && expected_size == got_size &&
			    !memcmp(expected, content, got_size),
		    name, strrchr(path, '/') + 1, "not the same content");
		free(expected);
		free(content);
	}
	if (kept)
		fclose(kept);
	if (new)
		fclose(new);
}

void compare(struct tally *t, const char *path, const char *name, const char *got)
{
	char *expected = t->update ? NULL : read_all(path), why[1024] = "";
	bool good;

	if (t->update) {
		good = !write_all(path, got);
		snprintf(why, sizeof(why), "cannot write");
	} else if (!expected) {
		good = false;
		snprintf(why, sizeof(why), "cannot read");
	} else {
		good = !strcmp(got, expected);
		explain(why, sizeof(why), got, expected);
	}
	say(t, good, name, strrchr(path, '/') + 1, why);
	free(expected);
}

static int write_report(const char *format, const struct findings *f,
			const struct report_opts *opts, char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);
	int err;

	if (!out)
		return -errno;
	err = report_format_by_name(format)->write(f, opts, out);
	return fclose(out) && !err ? -EIO : err;
}

/* Whatever the names were: nothing that steers a terminal, and no line that is too long. */
const char *text_problem(const char *text, const struct report_opts *opts)
{
	uint32_t c;
	size_t n;

	for (const char *s = text; *s; s += n) {
		n = utf8_decode(s, &c);
		if (!n)
			return "not UTF-8";
		if (c != '\n' && (c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xa0)) &&
		    !(c == 0x1b && opts->color))
			return "a control character";
		if (c >= 0x80 && !opts->utf8)
			return "not ASCII";
	}
	for (const char *s = text; *s && opts->width && !opts->color; s += n + !!s[n]) {
		n = strcspn(s, "\n");
		if (text_columns(s, n) > opts->width)
			return "a line is too long";
		if (n && s[n - 1] == ' ')
			return "a line ends in a space";
	}
	return NULL;
}

/* A full disk is an error, not a short report. */
static bool notices_full_disk(const char *format, const struct findings *f,
			      const struct report_opts *opts)
{
	FILE *full = fopen("/dev/full", "we");
	int err;

	if (!full)
		return true;
	err = report_format_by_name(format)->write(f, opts, full);
	fclose(full);
	return err == -ENOSPC;
}

struct report {
	const char *format, *file;
	bool optional;	  /* not every case has the file */
	bool of_terminal; /* its width, colours and signs are those of the options */
	bool for_machine; /* nobody looks at it as it is */
	bool packed;	  /* by gzip */
	bool of_page;	  /* what all pages bring along is not compared */
};

/* Takes out what stands from there to there, and is the same in all. */
static void cut(char *text, const char *from, const char *to)
{
	char *begin = strstr(text, from), *end = begin ? strstr(begin, to) : NULL;

	if (end)
		memmove(begin + strlen(from), end, strlen(end) + 1);
}

void cut_page(char *text)
{
	cut(text, "style-src 'sha256-", "';");
	cut(text, "script-src 'sha256-", "';");
	cut(text, "<style>", "</style>");
	cut(text, "<script>", "</script>");
}

static void check_report(struct tally *t, const struct report *r, const char *dir, const char *name,
			 const struct findings *f, const struct report_opts *opts)
{
	static const struct report_opts none = { .utf8 = true };
	char path[4096], what[64], *text = NULL;
	size_t size = 0;
	int err = write_report(r->format, f, opts, &text, &size);
	const char *problem;

	snprintf(path, sizeof(path), "%s/%s", dir, r->file);
	if (err) {
		say(t, false, name, r->file, strerror(-err));
	} else {
		if (r->of_page)
			cut_page(text);
		if (r->packed && !access(path, F_OK))
			compare_packed(t, path, name, text, size);
		else if (!r->optional || !access(path, F_OK))
			compare(t, path, name, text);
		problem = text_problem(text, r->of_terminal ? opts : &none);
		snprintf(what, sizeof(what), "%s is safe to show", r->file);
		if (!r->for_machine)
			say(t, !problem, name, what, problem ?: "");
	}
	snprintf(what, sizeof(what), "%s full disk", r->file);
	say(t, notices_full_disk(r->format, f, opts), name, what, "not noticed");
	free(text);
}

/* A reader of the list of rules relies on it. */
static const char *unknown_rule(const struct findings *f)
{
	for (size_t i = 1; i < f->n_list; i++) {
		const char *const *rule = finding_rules;

		while (*rule && strcmp(*rule, f->list[i].rule))
			rule++;
		if (!*rule)
			return f->list[i].rule;
	}
	return NULL;
}

static void check_reports(struct tally *t, const char *dir, const char *name,
			  const struct findings *f, const struct report_opts *opts)
{
	static const struct report reports[] = {
		{ "text", "out.txt", .of_terminal = true },
		{ "json", "out.json", .for_machine = true },
		{ "markdown", "out.md", .optional = true },
		{ "html", "out.html", .optional = true, .of_page = true },
		{ "github", "out.github", .optional = true },
		{ "junit", "out.xml", .optional = true },
		{ "openmetrics", "out.metrics", .optional = true },
		{ "csv", "out.csv", .optional = true },
		{ "folded", "out.folded", .optional = true },
		{ "pprof", "out.pb.gz", .optional = true, .for_machine = true, .packed = true },
	};

	for (size_t i = 0; i < sizeof(reports) / sizeof(*reports); i++)
		check_report(t, &reports[i], dir, name, f, opts);
	say(t, !unknown_rule(f), name, "rules are known", unknown_rule(f) ?: "");
}

const struct gates *read_gates(struct tally *t, const char *dir, const char *name, bool of_diff)
{
	static struct gates gates;
	static char *kept;
	char path[4096], *text, *rest;
	struct err err = { "" };

	memset(&gates, 0, sizeof(gates));
	free(kept);
	gates.of_diff = of_diff;
	snprintf(path, sizeof(path), "%s/gates", dir);
	text = rest = read_all(path);
	for (char *line; (line = strsep(&rest, "\n"));) {
		if (*line && gates_add(&gates, line, &err))
			say(t, false, name, line, err.text);
	}
	kept = text; /* the conditions stand in it */
	return &gates;
}

static void run_case(struct tally *t, const char *dir)
{
	struct report_opts opts = { .utf8 = true, .width = 80, .top = 10, .version = "0.0.0" };
	struct model_builder *b = model_builder_new();
	struct stream_error error = { 0 };
	const char *name = strrchr(dir, '/') + 1;
	struct findings *f;
	struct model *m;
	char path[4096], why[256];
	FILE *in;
	int err;

	snprintf(path, sizeof(path), "%s/in.evt", dir);
	in = fopen(path, "re");
	err = in ? stream_read(in, &opts, model_builder_event, b, &error) : -errno;
	if (in)
		fclose(in);
	if (err) {
		snprintf(why, sizeof(why), "line %u: %s", error.line,
			 error.line ? error.text : strerror(-err));
		say(t, false, name, "in.evt", why);
		model_builder_free(b);
		return;
	}
	m = model_builder_finish(b);
	f = findings_new(m);
	gates_judge(read_gates(t, dir, name, false), f);
	check_reports(t, dir, name, f, &opts);
	findings_free(f);
	model_free(m);
}

static bool is_wanted(const char *dir, char **cases, int n)
{
	for (int i = 0; i < n; i++) {
		if (!strcmp(strrchr(dir, '/') + 1, cases[i]))
			return true;
	}
	return !n;
}

/* The cases that have this file. */
static bool run_cases(struct tally *t, const char *directory, const char *file, char **cases, int n,
		      void (*run)(struct tally *t, const char *dir))
{
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*/%s", directory, file);
	if (glob(pattern, 0, NULL, &found))
		return false;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *dir = dirname(found.gl_pathv[i]);

		if (is_wanted(dir, cases, n))
			run(t, dir);
	}
	globfree(&found);
	return true;
}

int main(int argc, char **argv)
{
	struct tally t = { .update = argc > 1 && !strcmp(argv[1], "--update") };
	int next = 1 + t.update;
	const char *directory = next < argc ? argv[next++] : "tests/golden";
	bool any = run_cases(&t, directory, "in.evt", argv + next, argc - next, run_case);

	any |= run_cases(&t, directory, "base.evt", argv + next, argc - next, run_diff);
	if (!any) {
		fprintf(stderr, "golden: no cases in '%s'\n", directory);
		return 1;
	}
	printf("%u passed, %u failed\n", t.passed, t.failed);
	return t.failed != 0;
}
