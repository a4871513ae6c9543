// SPDX-License-Identifier: BSD-2-Clause
#include "report/junit_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/escape.h"

#define NS_PER_S  1000000000u
#define NS_PER_US 1000u

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

void junit_attribute(FILE *out, const char *name, const char *safe)
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

struct junit_test *junit_add(struct junit_suite *s, const char *class, const char *name)
{
	struct junit_test *t = vec_add(&s->tests);

	*t = (struct junit_test){ .class = class, .name = name, .result = JUNIT_PASSED };
	return t;
}

/* To be freed, safe to show. */
static char *safe_copy(const char *text)
{
	size_t room = 4 * strlen(text) + 8;
	char *safe = malloc(room);

	if (!safe)
		out_of_memory();
	escape_text(safe, room, text, 0, true);
	return safe;
}

/* What is asked for by --fail-on is a test. One that cannot be decided is no pass. */
void junit_gates(struct junit_suite *s, const struct gate_result *results, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct gate_result *g = &results[i];
		struct junit_test *t = junit_add(s, "concprof.gate", NULL);

		escape_text(t->own_name, sizeof(t->own_name), g->expression, 0, true);
		t->result = g->holds == GATE_NO ? JUNIT_PASSED : JUNIT_FAILED;
		escape_text(t->why, sizeof(t->why), g->error ? g->error : g->measured, 0, true);
		t->output = safe_copy(g->measured);
	}
}

static size_t count(const struct junit_suite *s, enum junit_result result)
{
	size_t n = 0;

	for (size_t i = 0; i < s->tests.n; i++)
		n += s->tests.items[i].result == result;
	return n;
}

static void put_counts(const struct junit_suite *s, uint64_t time_ns)
{
	fprintf(s->out, " tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\"", s->tests.n,
		count(s, JUNIT_FAILED), count(s, JUNIT_SKIPPED));
	put_seconds(s->out, "time", time_ns);
}

void junit_begin(const struct junit_suite *s, uint64_t time_ns)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"concprof\"", s->out);
	put_counts(s, time_ns);
	fputs(">\n  <testsuite name=\"concprof\"", s->out);
	put_counts(s, time_ns);
}

void junit_begin_properties(const struct junit_suite *s)
{
	fputs(">\n    <properties>\n", s->out);
}

void junit_property(FILE *out, const char *name, const char *value)
{
	char *safe = safe_copy(value);

	fputs("      <property", out);
	junit_attribute(out, "name", name);
	junit_attribute(out, "value", safe);
	fputs("/>\n", out);
	free(safe);
}

void junit_number(FILE *out, const char *name, double value)
{
	char text[32];

	snprintf(text, sizeof(text), "%.12g", value);
	junit_property(out, name, text);
}

static void put_result(FILE *out, const struct junit_test *t)
{
	static const char *const elements[] = {
		[JUNIT_FAILED] = "failure",
		[JUNIT_SKIPPED] = "skipped",
	};

	if (t->result == JUNIT_PASSED)
		return;
	fprintf(out, "      <%s", elements[t->result]);
	if (t->result == JUNIT_FAILED)
		junit_attribute(out, "type", t->name ? "status" : "gate");
	junit_attribute(out, "message", t->why);
	fputs("/>\n", out);
}

static void put_test(FILE *out, const struct junit_test *t)
{
	bool empty = t->result == JUNIT_PASSED && !t->output;

	fputs("    <testcase", out);
	junit_attribute(out, "classname", t->class);
	junit_attribute(out, "name", t->name ? t->name : t->own_name);
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

int junit_end(const struct junit_suite *s)
{
	FILE *out = s->out;

	fputs("    </properties>\n", out);
	for (size_t i = 0; i < s->tests.n; i++)
		put_test(out, &s->tests.items[i]);
	fputs("  </testsuite>\n</testsuites>\n", out);
	return fflush(out) || ferror(out) ? (errno ? -errno : -EIO) : 0;
}

void junit_forget(struct junit_suite *s)
{
	for (size_t i = 0; i < s->tests.n; i++)
		free(s->tests.items[i].output);
	free(s->tests.items);
}
