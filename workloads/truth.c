// SPDX-License-Identifier: BSD-2-Clause
#include "truth.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* After its last look at itself a thread still writes its truth, unmaps its memory and exits. */
#define EXIT_NS		 (2 * MS)
#define EXIT_VOLUNTARY	 4
#define EXIT_INVOLUNTARY 8

static FILE *out;
static bool first = true;

static void json_string(const char *s)
{
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

static void json_field(const char *key, const char *value)
{
	json_string(key);
	fputs(": ", out);
	json_string(value);
}

static void json_list(const char *key, const char *const *values, int count)
{
	fprintf(out, ", \"%s\": [", key);
	for (int i = 0; i < count && values[i]; i++) {
		fputs(i ? ", " : "", out);
		json_string(values[i]);
	}
	fputc(']', out);
}

static void begin_item(const char *path)
{
	fputs(first ? "\n  {" : ",\n  {", out);
	first = false;
	json_field("path", path);
}

static void end_item(const char *why)
{
	fputs(", ", out);
	json_field("why", why);
	fputc('}', out);
}

void truth_begin(const char *workload)
{
	const char *name = getenv("CONCPROF_TRUTH");

	out = name ? fopen(name, "we") : stdout;
	must(out ? 0 : -1, name);
	fputs("{", out);
	json_field("workload", workload);
	fputs(", \"expect\": [", out);
}

void truth_expect(struct expectation e)
{
	begin_item(e.path);
	if (e.plus[0])
		json_list("plus", e.plus, 5);
	if (e.minus)
		json_list("minus", &e.minus, 1);
	fprintf(out, ", \"min\": %lld", (long long)e.in.min);
	if (e.in.max != MANY)
		fprintf(out, ", \"max\": %lld", (long long)e.in.max);
	if (e.zero_if_absent)
		fputs(", \"default\": 0", out);
	end_item(e.why);
}

void truth_number(const char *path, int64_t number, const char *why)
{
	truth_expect((struct expectation){ .path = path, .in = { number, number }, .why = why });
}

void truth_fraction(const char *path, double min, double max, const char *why)
{
	begin_item(path);
	fprintf(out, ", \"min\": %.6f, \"max\": %.6f", min, max);
	end_item(why);
}

void truth_equals(const char *path, const char *value, const char *why)
{
	begin_item(path);
	fputs(", ", out);
	json_field("equals", value);
	end_item(why);
}

void truth_begins(const char *path, const char *value, const char *why)
{
	begin_item(path);
	fputs(", ", out);
	json_field("begins", value);
	end_item(why);
}

/* values: separated by '|'. */
void truth_one_of(const char *path, const char *values, const char *why)
{
	const char *list[8] = { 0 };
	char *copy = strdup(values), *rest = copy;
	int n = 0;

	must(copy ? 0 : -1, "strdup");
	while (n < 8 && (list[n] = strsep(&rest, "|")))
		n++;
	begin_item(path);
	json_list("oneof", list, n);
	end_item(why);
	free(copy);
}

void truth_verdict(const char *classes, const char *why)
{
	truth_one_of("verdict.class", classes, why);
}

void truth_verdict_of(const char *classes, struct account decider, const char *why)
{
	static const char *const others[] = { "starved", "mixed", "cpu-bound" };

	if (decider.delay > decider.wall / 10) {
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
			if (!strstr(classes, others[i]))
				classes = truth_path("%s|%s", classes, others[i]);
		why = truth_path("%s; but others held the CPUs for more than 10 %%", why);
	}
	truth_verdict(classes, why);
}

void truth_verdict_of_disk(struct account span)
{
	int64_t blocked = account_blocked(span);

	if (blocked > span.wall * 2 / 3)
		truth_verdict_of("io-bound", span,
				 "the device is waited for more than two thirds "
				 "of the time");
	else
		truth_verdict_of(blocked > span.wall / 3 ? "io-bound|mixed"
							 : "io-bound|mixed|cpu-bound",
				 span, "asking a fast device needs more than a third of the time");
}

void truth_absent(const char *path, const char *why)
{
	begin_item(path);
	fputs(", \"absent\": true", out);
	end_item(why);
}

void truth_finding(const char *rule, bool present, const char *why)
{
	if (present) {
		truth_one_of(truth_path("findings[rule=%s].severity", rule), "note|warning|error",
			     why);
		return;
	}
	truth_absent(truth_path("findings[rule=%s].title", rule), why);
}

void truth_skip(const char *reason)
{
	fputs("], ", out);
	json_field("skip", reason);
	fputs(", \"expect\": [", out);
	first = true;
}

int truth_end(void)
{
	fputs("\n]}\n", out);
	must(ferror(out) || fclose(out) ? -1 : 0, "writing the truth");
	return EXIT_SUCCESS;
}

const char *truth_path(const char *format, ...)
{
	static char buffers[16][256];
	static unsigned int next;
	char *buffer = buffers[next++ % 16];
	va_list args;

	va_start(args, format);
	vsnprintf(buffer, sizeof(buffers[0]), format, args);
	va_end(args);
	return buffer;
}

const char *thread_path(const char *who, const char *rest)
{
	size_t n = strcspn(who, "*");

	return truth_path("threads[comm=%.*s]%s.%s", (int)n, who, who + n, rest);
}

const char *blocked_path(const char *who, const char *cause, const char *key)
{
	return thread_path(who, truth_path("blocked[\"%s\"].%s", cause, key));
}

static void expect_threads(const char *who, int count, struct account from, struct account to)
{
	int64_t slack = to.cpu / 1000 + 100 * (to.voluntary + to.involuntary);

	truth_expect((struct expectation){
		.path = thread_path(who, "states.running_ns"),
		.minus = thread_path(who, "cpu.stolen_ns"),
		.in = { to.cpu - from.cpu - slack, to.cpu + slack + count * EXIT_NS },
		.zero_if_absent = true,
		.why = "CLOCK_THREAD_CPUTIME_ID, from main() and from the start; 0.1 %, 100 ns a "
		       "switch, and 2 ms for each exit",
	});
	truth_expect((struct expectation){
		.path = thread_path(who, "switches.voluntary"),
		.in = { to.voluntary - from.voluntary, to.voluntary + count * EXIT_VOLUNTARY },
		.why = "ru_nvcsw, from main() and from the start; the exit adds its last switch "
		       "and may wait for a lock of the address space",
	});
	truth_expect((struct expectation){
		.path = thread_path(who, "switches.involuntary"),
		.in = { to.involuntary - from.involuntary,
			to.involuntary + count * EXIT_INVOLUNTARY },
		.why = "ru_nivcsw, from main() and from the start; the exit may be preempted too",
	});
}

void truth_thread(const char *who, struct account from, struct account to)
{
	expect_threads(who, 1, from, to);
}

void truth_threads(const char *who, int count, struct account sum)
{
	expect_threads(who, count, (struct account){ 0 }, sum);
}

void truth_waits(const char *who, const char *cause, struct account span, struct bounds count,
		 const char *why)
{
	int64_t blocked = account_blocked(span);
	int64_t slack = 2 * MS + 100 * (span.voluntary + span.involuntary);

	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "count"),
		.in = count,
		.zero_if_absent = count.min <= 0,
		.why = why,
	});
	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "ns"),
		.in = { 0, blocked + slack },
		.zero_if_absent = true,
		.why = "at most the wall time less CPU time and run delay; 2 ms and 100 ns a "
		       "switch",
	});
	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "ns"),
		.plus = { thread_path(who, "cpu.stolen_ns") },
		.in = { blocked - blocked / 50 - slack, MANY },
		.zero_if_absent = true,
		.why = "at least 98 % of the wall time less CPU time, run delay and stolen time",
	});
}
