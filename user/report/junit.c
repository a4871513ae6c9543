// SPDX-License-Identifier: BSD-2-Clause
/*
 * JUnit XML, as CI systems read it: one test for how the command ended, and one for each rule,
 * which tells in its output what was found. A finding is no failure: what is one says who runs it.
 */
#include "report/report.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "report/junit_parts.h"
#include "report/words.h"

#define NS_PER_S 1000000000u

struct run_suite {
	struct junit_suite suite;
	const struct findings *findings;
};

/* --- tests -------------------------------------------------------------------------- */

static void add_command(struct run_suite *s)
{
	const struct model *m = s->findings->model;
	struct junit_test *t =
		junit_add(&s->suite, "concprof.command", "the command ends with status 0");
	int status = m->end.status;

	t->time_ns = m->wall_ns;
	t->result = !m->complete || status < 0 ? JUNIT_SKIPPED
		    : status		       ? JUNIT_FAILED
					       : JUNIT_PASSED;
	if (!m->complete)
		snprintf(t->why, sizeof(t->why), "the recording was cut short before the end");
	else if (status < 0)
		snprintf(t->why, sizeof(t->why), "it still ran when the measurement ended");
	else if (WIFSIGNALED(status))
		snprintf(t->why, sizeof(t->why), "it was killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(t->why, sizeof(t->why), "it ended with status %d", WEXITSTATUS(status));
}

/* A line_fn. */
static void add_line(void *ctx, const char *line)
{
	fprintf(ctx, "%s\n", line);
}

/* Those of the findings that have this rule, in words. */
static int describe(struct junit_test *t, const struct findings *f, const char *rule)
{
	FILE *out = NULL;

	for (size_t i = 0; i < f->n_list; i++) {
		if (strcmp(f->list[i].rule, rule))
			continue;
		if (!out)
			out = open_memstream(&t->output, &t->output_size);
		if (!out)
			return -errno;
		fprintf(out, "%s: ",
			i ? severity_name(f->list[i].severity) : class_name(f->verdict.class));
		finding_lines(f, &f->list[i], add_line, out);
	}
	return out && fclose(out) ? -ENOMEM : 0;
}

static int add_findings(struct run_suite *s)
{
	int err = 0;

	if (s->findings->n_list)
		err = describe(junit_add(&s->suite, "concprof", "verdict"), s->findings,
			       s->findings->list[0].rule);
	for (const char *const *rule = finding_rules; *rule && !err; rule++) {
		struct junit_test *t = junit_add(&s->suite, "concprof.findings", *rule);

		err = describe(t, s->findings, *rule);
		if (t->output || s->findings->model->complete)
			continue;
		t->result = JUNIT_SKIPPED;
		snprintf(t->why, sizeof(t->why), "not known: the recording was cut short");
	}
	return err;
}

static int add_tests(struct run_suite *s)
{
	add_command(s);
	junit_gates(&s->suite, s->findings->gates, s->findings->n_gates);
	return add_findings(s);
}

/* --- the document ------------------------------------------------------------------- */

/* In UTC, as its readers expect it, without saying so. */
static void put_timestamp(const struct run_suite *s)
{
	const struct model *m = s->findings->model;
	time_t seconds = (time_t)(m->run.realtime_ns / NS_PER_S);
	struct tm tm;
	char text[32];

	if (m->run.realtime_ns && gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		junit_attribute(s->suite.out, "timestamp", text);
}

static int put_command(const struct run_suite *s)
{
	char *line;
	int err = command_line(&line, s->findings->model);

	if (err)
		return err;
	junit_property(s->suite.out, "command", line);
	free(line);
	return 0;
}

/* Named as in the JSON. */
static void put_numbers(const struct run_suite *s)
{
	const struct findings *f = s->findings;
	const struct {
		const char *name;
		double value;
	} numbers[] = {
		{ "verdict.margin", f->verdict.margin },
		{ "wall_ns", (double)f->model->wall_ns },
		{ "wall.running_ns", (double)f->running_ns },
		{ "wall.serialised_ns", (double)f->serialised_ns },
		{ "parallelism.mean", f->parallelism },
		{ "totals.threads", (double)f->totals.threads },
		{ "totals.processes", (double)f->totals.processes },
		{ "parallelism.cpus_allowed", f->cpus_allowed },
		{ "measurement.lost", (double)f->model->n_losses },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		junit_number(s->suite.out, numbers[i].name, numbers[i].value);
}

static int put_properties(const struct run_suite *s, const struct report_opts *opts)
{
	const struct findings *f = s->findings;
	const char *kernel = f->model->texts[TEXT_KERNEL];
	FILE *out = s->suite.out;
	int err;

	junit_property(out, "verdict.class", class_name(f->verdict.class));
	junit_property(out, "verdict.rule", f->verdict.rule);
	put_numbers(s);
	err = put_command(s);
	if (kernel)
		junit_property(out, "system.kernel", kernel);
	if (opts->version)
		junit_property(out, "tool.version", opts->version);
	return err;
}

static int put_document(const struct run_suite *s, const struct report_opts *opts)
{
	int err, failed;

	junit_begin(&s->suite, s->findings->model->wall_ns);
	put_timestamp(s);
	junit_begin_properties(&s->suite);
	err = put_properties(s, opts);
	failed = junit_end(&s->suite);
	return err ? err : failed;
}

int report_junit_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	struct run_suite s = { .suite = { .out = out }, .findings = f };
	int err = add_tests(&s);

	if (!err)
		err = put_document(&s, opts);
	junit_forget(&s.suite);
	return err;
}
