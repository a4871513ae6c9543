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

#include "base/escape.h"
#include "base/vec.h"
#include "report/words.h"

#define NS_PER_S  1000000000u
#define NS_PER_US 1000u

enum result { PASSED, FAILED, SKIPPED };

struct test {
	const char *class, *name;
	enum result result;
	char own_name[256]; /* of a gate: its name */
	char why[256];	    /* unless it passed */
	uint64_t time_ns;   /* 0: it took none */
	char *output;	    /* NULL: none */
	size_t output_size;
};

struct suite {
	FILE *out;
	const struct findings *findings;
	VEC(struct test) tests;
};

/* --- XML ---------------------------------------------------------------------------- */

/* What is safe for a terminal has no character that XML forbids. */
static void put_text(FILE *out, const char *safe)
{
	static const struct {
		char c;
		const char *entity;
	} entities[] = {
		{ '&', "&amp;" },  { '<', "&lt;" },    { '>', "&gt;" },
		{ '"', "&quot;" }, { '\'', "&apos;" },
	};

	for (; *safe; safe++) {
		const char *entity = NULL;

		for (size_t i = 0; i < sizeof(entities) / sizeof(*entities); i++) {
			if (*safe == entities[i].c)
				entity = entities[i].entity;
		}
		if (entity)
			fputs(entity, out);
		else
			fputc(*safe, out);
	}
}

static void put_attribute(FILE *out, const char *name, const char *safe)
{
	fprintf(out, " %s=\"", name);
	put_text(out, safe);
	fputc('"', out);
}

static void put_seconds(FILE *out, const char *name, uint64_t ns)
{
	fprintf(out, " %s=\"%" PRIu64 ".%06" PRIu64 "\"", name, ns / NS_PER_S,
		ns % NS_PER_S / NS_PER_US);
}

/* --- tests -------------------------------------------------------------------------- */

static struct test *add_test(struct suite *s, const char *class, const char *name)
{
	struct test *t = vec_add(&s->tests);

	*t = (struct test){ .class = class, .name = name, .result = PASSED };
	return t;
}

static void add_command(struct suite *s)
{
	const struct model *m = s->findings->model;
	struct test *t = add_test(s, "concprof.command", "the command ends with status 0");
	int status = m->end.status;

	t->time_ns = m->wall_ns;
	t->result = !m->complete || status < 0 ? SKIPPED : status ? FAILED : PASSED;
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
static int describe(struct test *t, const struct findings *f, const char *rule)
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

static int add_findings(struct suite *s)
{
	int err = 0;

	if (s->findings->n_list)
		err = describe(add_test(s, "concprof", "verdict"), s->findings,
			       s->findings->list[0].rule);
	for (const char *const *rule = finding_rules; *rule && !err; rule++) {
		struct test *t = add_test(s, "concprof.findings", *rule);

		err = describe(t, s->findings, *rule);
		if (t->output || s->findings->model->complete)
			continue;
		t->result = SKIPPED;
		snprintf(t->why, sizeof(t->why), "not known: the recording was cut short");
	}
	return err;
}

/* All of them. What is asked for by --fail-on belongs here too: one test for each. */
/* One that cannot be decided is no pass. */
static void add_gates(struct suite *s)
{
	const struct findings *f = s->findings;

	for (size_t i = 0; i < f->n_gates; i++) {
		const struct gate_result *g = &f->gates[i];
		struct test *t = add_test(s, "concprof.gate", NULL);

		escape_text(t->own_name, sizeof(t->own_name), g->expression, 0, true);
		t->result = g->holds == GATE_NO ? PASSED : FAILED;
		escape_text(t->why, sizeof(t->why), g->error ? g->error : g->measured, 0, true);
	}
}

static int add_tests(struct suite *s)
{
	add_command(s);
	add_gates(s);
	return add_findings(s);
}

/* --- the document ------------------------------------------------------------------- */

static size_t count(const struct suite *s, enum result result)
{
	size_t n = 0;

	for (size_t i = 0; i < s->tests.n; i++)
		n += s->tests.items[i].result == result;
	return n;
}

static void put_counts(const struct suite *s)
{
	fprintf(s->out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\"", s->tests.n,
		count(s, FAILED), count(s, SKIPPED));
	put_seconds(s->out, "time", s->findings->model->wall_ns);
}

/* In UTC, as its readers expect it, without saying so. */
static void put_timestamp(const struct suite *s)
{
	const struct model *m = s->findings->model;
	time_t seconds = (time_t)(m->run.realtime_ns / NS_PER_S);
	struct tm tm;
	char text[32];

	if (m->run.realtime_ns && gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		put_attribute(s->out, "timestamp", text);
}

/* Any bytes. */
static int put_property(const struct suite *s, const char *name, const char *value)
{
	size_t room = 4 * strlen(value) + 8;
	char *safe = malloc(room);

	if (!safe)
		return -ENOMEM;
	escape_text(safe, room, value, 0, true);
	fputs("      <property", s->out);
	put_attribute(s->out, "name", name);
	put_attribute(s->out, "value", safe);
	fputs("/>\n", s->out);
	free(safe);
	return 0;
}

static int put_number(const struct suite *s, const char *name, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.12g", value);
	return put_property(s, name, text);
}

static int put_command(const struct suite *s)
{
	char *line;
	int err = command_line(&line, s->findings->model);

	if (err)
		return err;
	err = put_property(s, "command", line);
	free(line);
	return err;
}

/* Named as in the JSON. */
static int put_numbers(const struct suite *s)
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
		{ "system.cpus_allowed", f->cpus_allowed },
		{ "measurement.lost", (double)f->model->n_losses },
	};
	int err = 0;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers) && !err; i++)
		err = put_number(s, numbers[i].name, numbers[i].value);
	return err;
}

static int put_properties(const struct suite *s, const struct report_opts *opts)
{
	const struct findings *f = s->findings;
	const char *kernel = f->model->texts[TEXT_KERNEL];
	int err;

	fputs("    <properties>\n", s->out);
	err = put_property(s, "verdict.class", class_name(f->verdict.class));
	if (!err)
		err = put_property(s, "verdict.rule", f->verdict.rule);
	if (!err)
		err = put_numbers(s);
	if (!err)
		err = put_command(s);
	if (!err && kernel)
		err = put_property(s, "system.kernel", kernel);
	if (!err && opts->version)
		err = put_property(s, "tool.version", opts->version);
	fputs("    </properties>\n", s->out);
	return err;
}

static void put_result(FILE *out, const struct test *t)
{
	static const char *const elements[] = {
		[FAILED] = "failure",
		[SKIPPED] = "skipped",
	};

	if (t->result == PASSED)
		return;
	fprintf(out, "      <%s", elements[t->result]);
	if (t->result == FAILED)
		put_attribute(out, "type", t->name ? "status" : "gate");
	put_attribute(out, "message", t->why);
	fputs("/>\n", out);
}

static void put_test(FILE *out, const struct test *t)
{
	bool empty = t->result == PASSED && !t->output;

	fputs("    <testcase", out);
	put_attribute(out, "classname", t->class);
	put_attribute(out, "name", t->name ? t->name : t->own_name);
	put_seconds(out, "time", t->time_ns);
	fputs(empty ? "/>\n" : ">\n", out);
	if (empty)
		return;
	put_result(out, t);
	if (t->output) {
		fputs("      <system-out>", out);
		put_text(out, t->output);
		fputs("</system-out>\n", out);
	}
	fputs("    </testcase>\n", out);
}

static int put_document(const struct suite *s, const struct report_opts *opts)
{
	FILE *out = s->out;
	int err;

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"concprof\"", out);
	put_counts(s);
	fputs(">\n  <testsuite name=\"concprof\"", out);
	put_counts(s);
	put_timestamp(s);
	fputs(">\n", out);
	err = put_properties(s, opts);
	for (size_t i = 0; i < s->tests.n; i++)
		put_test(out, &s->tests.items[i]);
	fputs("  </testsuite>\n</testsuites>\n", out);
	if ((fflush(out) || ferror(out)) && !err)
		err = errno ? -errno : -EIO;
	return err;
}

int report_junit_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	struct suite s = { .out = out, .findings = f };
	int err = add_tests(&s);

	if (!err)
		err = put_document(&s, opts);
	for (size_t i = 0; i < s.tests.n; i++)
		free(s.tests.items[i].output);
	free(s.tests.items);
	return err;
}
