// SPDX-License-Identifier: BSD-2-Clause
/*
 * Workflow commands of GitHub Actions: an annotation for the verdict, and one for each finding.
 * Each is one line, which the runner takes from the step's standard output.
 */
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "report/words.h"

#define SHOWN		10 /* of each kind in a step; the rest is dropped without a word */
#define COMMAND_COLUMNS 200

/* By enum severity. */
static const char *const kinds[] = {
	[SEVERITY_NOTE] = "notice",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_ERROR] = "error",
};

struct annotation {
	FILE *out;
	bool has_line;
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

static void begin(struct annotation *a, FILE *out, enum severity kind, const char *title)
{
	*a = (struct annotation){ .out = out };
	fprintf(out, "::%s title=concprof%%3A ", kinds[kind]);
	put_escaped(out, title, true);
	fputs("::", out);
}

/* A line_fn. */
static void add_line(void *ctx, const char *line)
{
	struct annotation *a = ctx;

	if (a->has_line)
		fputs("%0A", a->out);
	put_escaped(a->out, line, false);
	a->has_line = true;
}

static void end(struct annotation *a)
{
	fputc('\n', a->out);
}

/* Several steps of a job may have a report. */
static int add_command(struct annotation *a, const struct model *m)
{
	char *line, text[4 * COMMAND_COLUMNS + 32] = "Command: ";
	size_t at = strlen(text);
	int err = command_line(&line, m);

	if (err)
		return err;
	escape_text(text + at, sizeof(text) - at, line, COMMAND_COLUMNS, true);
	free(line);
	add_line(a, text);
	if (!m->complete)
		add_line(a,
			 "The recording was cut short: what is said here goes as far as it does.");
	return 0;
}

/* How it is shown: a verdict is no complaint, unless the program cannot go on. */
static enum severity kind_of(const struct findings *f, const struct finding *one)
{
	return one == f->list && one->severity != SEVERITY_ERROR ? SEVERITY_NOTE : one->severity;
}

static int put_verdict(FILE *out, const struct findings *f)
{
	struct annotation a;
	int err;

	begin(&a, out, f->n_list ? kind_of(f, f->list) : SEVERITY_NOTE,
	      class_name(f->verdict.class));
	if (f->n_list)
		finding_lines(f, f->list, add_line, &a);
	err = add_command(&a, f->model);
	end(&a);
	return err;
}

/* What the user asked to be told of: before the errors that concprof finds by itself. */
static size_t put_gates(FILE *out, const struct findings *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_gates && n < SHOWN - 2; i++) {
		const struct gate_result *g = &f->gates[i];
		struct annotation a;
		char text[512];

		if (g->holds == GATE_NO)
			continue;
		n++;
		begin(&a, out, SEVERITY_ERROR, "gate");
		escape_text(text, sizeof(text), g->expression, 0, true);
		add_line(&a, text);
		add_line(&a, g->holds == GATE_YES ? "It holds." : "It cannot be decided.");
		escape_text(text, sizeof(text), g->error ? g->error : g->measured, 0, true);
		add_line(&a, text);
		end(&a);
	}
	return n;
}

static void put_finding(FILE *out, const struct findings *f, const struct finding *one)
{
	struct annotation a;

	begin(&a, out, one->severity, one->rule);
	finding_lines(f, one, add_line, &a);
	end(&a);
}

static void put_title_only(struct annotation *a, const struct findings *f,
			   const struct finding *one)
{
	struct finding brief = *one;

	brief.n_evidence = 0;
	brief.has_gain = false;
	brief.advice[0] = '\0';
	finding_lines(f, &brief, add_line, a);
}

/* All findings of a kind, the last of them as one if there are too many. */
static void put_kind(FILE *out, const struct findings *f, enum severity kind, size_t taken)
{
	size_t n = 0, left, room = SHOWN - taken - (f->n_list && kind_of(f, f->list) == kind);
	struct annotation a;
	char title[32];

	for (size_t i = 1; i < f->n_list; i++)
		n += f->list[i].severity == kind;
	left = n > room ? n - room + 1 : 0;
	for (size_t i = 1, shown = 0; i < f->n_list; i++) {
		if (f->list[i].severity != kind)
			continue;
		if (shown < n - left) {
			put_finding(out, f, &f->list[i]);
		} else {
			if (shown == n - left) {
				snprintf(title, sizeof(title), "%zu more", left);
				begin(&a, out, kind, title);
			}
			put_title_only(&a, f, &f->list[i]);
		}
		shown++;
	}
	if (left)
		end(&a);
}

int report_github_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	size_t gates = put_gates(out, f);
	int err = put_verdict(out, f);

	(void)opts;
	if (err)
		return err;
	for (int kind = SEVERITY_ERROR; kind >= SEVERITY_NOTE; kind--)
		put_kind(out, f, kind, kind == SEVERITY_ERROR ? gates : 0);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
