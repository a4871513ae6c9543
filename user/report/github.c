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
#include "report/github_parts.h"
#include "report/words.h"

#define COMMAND_COLUMNS 200

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
	github_line(a, text);
	if (!m->complete)
		github_line(
			a,
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

	github_begin(&a, out, f->n_list ? kind_of(f, f->list) : SEVERITY_NOTE,
		     class_name(f->verdict.class));
	if (f->n_list)
		finding_lines(f, f->list, github_line, &a);
	err = add_command(&a, f->model);
	github_end(&a);
	return err;
}

static void put_finding(FILE *out, const struct findings *f, const struct finding *one)
{
	struct annotation a;

	github_begin(&a, out, one->severity, one->rule);
	finding_lines(f, one, github_line, &a);
	github_end(&a);
}

static void put_title_only(struct annotation *a, const struct findings *f,
			   const struct finding *one)
{
	struct finding brief = *one;

	brief.n_evidence = 0;
	brief.has_gain = false;
	brief.advice[0] = '\0';
	finding_lines(f, &brief, github_line, a);
}

/* All findings of a kind, the last of them as one if there are too many. */
static void put_kind(FILE *out, const struct findings *f, enum severity kind, size_t taken)
{
	size_t n = 0, left,
	       room = GITHUB_SHOWN - taken - (f->n_list && kind_of(f, f->list) == kind);
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
				github_begin(&a, out, kind, title);
			}
			put_title_only(&a, f, &f->list[i]);
		}
		shown++;
	}
	if (left)
		github_end(&a);
}

int report_github_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	size_t gates = github_gates(out, f->gates, f->n_gates);
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
