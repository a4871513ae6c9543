// SPDX-License-Identifier: BSD-2-Clause
/* The table of all options: who takes them, and what they set. */
#include "opts/options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int parse_ns(uint64_t *ret, const char *name, const char *text, bool zero, struct err *err)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "m", 60e9 }, { "h", 3600e9 } };
	char *end;
	double x = strtod(text, &end);
	/* Not all that strtod() takes: no sign, no space, no hexadecimal, no "nan". */
	bool plain = strspn(text, "0123456789.") && text[1] != 'x' && text[1] != 'X';

	for (size_t i = 0; plain && i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].unit))
			continue;
		if (x * units[i].ns > 1e18 || (x * units[i].ns < 1 && !(zero && x == 0)))
			break;
		*ret = x * units[i].ns;
		return 0;
	}
	return err_set(err, -EINVAL, "--%s: '%s' is no time%s; give seconds, as 10, 0.5 or 500ms",
		       name, text, zero ? "" : " above zero");
}

static int set_duration(struct opts *o, const char *name, const char *value, struct err *err)
{
	return parse_ns(&o->duration_ns, name, value, false, err);
}

static int set_hang_after(struct opts *o, const char *name, const char *value, struct err *err)
{
	return parse_ns(&o->hang_ns, name, value, false, err);
}

static int set_linger(struct opts *o, const char *name, const char *value, struct err *err)
{
	return parse_ns(&o->linger_ns, name, value, true, err);
}

static int add_output(struct opts *o, const struct report_format *format, const char *path,
		      struct err *err)
{
	if (o->n_outputs == OPTS_OUTPUTS)
		return err_set(err, -EINVAL, "too many reports: at most %d in one run",
			       OPTS_OUTPUTS);
	o->outputs[o->n_outputs].format = format;
	o->outputs[o->n_outputs++].path = path;
	return 0;
}

static int add_format(struct opts *o, const char *name, const char *value, struct err *err)
{
	const struct report_format *format = report_format_by_name(value);
	char all[200] = "";

	(void)name;
	if (format)
		return add_output(o, format, NULL, err);
	for (format = report_formats; format->name; format++) {
		strncat(all, *all ? ", " : "", sizeof(all) - strlen(all) - 1);
		strncat(all, format->name, sizeof(all) - strlen(all) - 1);
	}
	return err_set(err, -EINVAL, "--format: there is no format '%s'; the formats are %s", value,
		       all);
}

/* -o belongs to the --format before it; the first one without means text. */
static int set_output(struct opts *o, const char *name, const char *value, struct err *err)
{
	if (!*value)
		return err_set(
			err, -EINVAL,
			"--%s: the file's name is empty; give a path, or - for standard output",
			name);
	if (o->n_outputs && !o->outputs[o->n_outputs - 1].path) {
		o->outputs[o->n_outputs - 1].path = value;
		return 0;
	}
	if (add_output(o, report_format_by_name("text"), value, err))
		return -EINVAL;
	o->outputs[o->n_outputs - 1].is_plain = true;
	return 0;
}

static int add_json(struct opts *o, const char *name, const char *value, struct err *err)
{
	int error = add_output(o, report_format_by_name("json"), NULL, err);

	return error ? error : set_output(o, name, value, err);
}

static int set_user(struct opts *o, const char *name, const char *value, struct err *err)
{
	(void)name;
	(void)err;
	o->user = value;
	return 0;
}

static int set_top(struct opts *o, const char *name, const char *value, struct err *err)
{
	char *end;
	unsigned long n;

	if (!strcmp(value, "all")) {
		o->top = UINT_MAX;
		return 0;
	}
	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno || *end || end == value || *value == '-' || !n || n > 1000000)
		return err_set(err, -EINVAL,
			       "--%s: '%s' is no number of rows; give 1 or more, or 'all'", name,
			       value);
	o->top = n;
	return 0;
}

static int add_pids(struct opts *o, const char *name, const char *value, struct err *err)
{
	(void)name;
	return take_pids(o, value, err);
}

static int set_cgroup(struct opts *o, const char *name, const char *value, struct err *err)
{
	if (o->cgroup)
		return err_set(err, -EINVAL, "--%s: there is one already, '%s'", name, o->cgroup);
	o->cgroup = value;
	return 0;
}

/* What it means depends on the command, which may come later. */
static int add_gate(struct opts *o, const char *name, const char *value, struct err *err)
{
	if (o->n_fail_on == GATES_MAX)
		return err_set(err, -EINVAL, "--%s: there are too many: %d are all", name,
			       GATES_MAX);
	o->fail_on[o->n_fail_on++] = value;
	return 0;
}

static int set_error_exitcode(struct opts *o, const char *name, const char *value, struct err *err)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (*end || *value < '0' || *value > '9' || n < 1 || n > 255)
		return err_set(err, -EINVAL,
			       "--%s: '%s' is no exit status of a failure; give 1 to 255", name,
			       value);
	o->error_exitcode = (int)n;
	return 0;
}

const char *const color_names[] = { "auto", "always", "never", NULL };

static int set_color(struct opts *o, const char *name, const char *value, struct err *err)
{
	for (int i = 0; color_names[i]; i++) {
		if (!strcmp(value, color_names[i])) {
			o->color = i;
			return 0;
		}
	}
	return err_set(err, -EINVAL, "--%s: '%s' is none of auto, always, never", name, value);
}

#define FLAG(function, statement)                                                                  \
	static int function(struct opts *o, const char *name, const char *value, struct err *err)  \
	{                                                                                          \
		(void)name;                                                                        \
		(void)value;                                                                       \
		(void)err;                                                                         \
		statement;                                                                         \
		return 0;                                                                          \
	}

FLAG(set_as_root, o->as_root = true)
FLAG(set_calls, o->all_calls = true)
FLAG(set_live, o->live = true)
FLAG(set_timeline, o->timeline = true)
FLAG(set_debuginfod, o->debuginfod = true)
FLAG(set_quiet, o->quiet = true)
FLAG(set_verbose, o->verbose = true)
FLAG(set_vs, o->has_vs = true)
FLAG(set_all, o->all_processes = true)
FLAG(set_version, o->command = COMMAND_VERSION)
FLAG(set_help, o->command = COMMAND_HELP)

#define EACH (LIVE | READ | LOOK)
#define NO   NULL

const struct option_row option_rows[] = {
	{ "output", 'o', EACH, "FILE", "write the report there; - is standard output", set_output },
	{ "format", 0, EACH, "FORMAT", "the format of a report; each with an -o of its own",
	  add_format },
	{ "json", 0, EACH, "FILE", "short for --format json -o FILE", add_json },
	{ "fail-on", 0, EACH, "EXPR",
	  "fail if this holds, as in 'wall.lock > 20%'; diff: 'change.wall > 5%'", add_gate },
	{ "error-exitcode", 0, EACH, "N", "the exit status if a condition of --fail-on holds (99)",
	  set_error_exitcode },
	{ "top", 0, EACH, "N",
	  "rows in each table of text and markdown (10); all: in each document", set_top },
	{ "color", 0, EACH, "WHEN", "colours: auto, always or never", set_color },
	{ "quiet", 'q', EACH, NO, "no text report", set_quiet },
	{ "verbose", 'v', EACH, NO, "say more, in text and markdown", set_verbose },
	{ "duration", 'd', LIVE, "SECONDS",
	  "end the measurement, and what was started for it, after that time", set_duration },
	{ "calls", 0, LIVE, NO,
	  "count calls of futexes, epoll and channels all the time, not in windows", set_calls },
	{ "live", 0, LIVE, NO, "show on the terminal what goes on; q ends it, with the report",
	  set_live },
	{ "timeline", 0, LIVE, NO, "record each step of each thread, too", set_timeline },
	{ "debuginfod", 0, LIVE, NO,
	  "ask the servers in DEBUGINFOD_URLS for names that this machine lacks", set_debuginfod },
	{ "linger", 0, MEASURE, "SECONDS", "watch what outlives the command for so long",
	  set_linger },
	{ "hang-after", 0, MEASURE, "SECONDS",
	  "end what stands still for so long, with the stacks of all threads", set_hang_after },
	{ "user", 'u', MEASURE, "USER", "run the command as this user", set_user },
	{ "as-root", 0, MEASURE, NO, "under sudo: run the command as root, not as who called sudo",
	  set_as_root },
	{ "pid", 'p', JOIN, "PID[,PID...]", "attach to these processes", add_pids },
	{ "cgroup", 0, JOIN, "PATH", "attach to all processes in this cgroup and below it",
	  set_cgroup },
	{ "all", 'a', JOIN, NO, "attach to all processes of the machine", set_all },
	{ "vs", 0, COMPARE, NO, "behind it stand the recordings that are compared", set_vs },
	{ "version", 0, ANY, NO, "the versions of concprof and libbpf", set_version },
	{ "help", 'h', ANY, NO, "all options, in short", set_help },
};

_Static_assert(sizeof(option_rows) / sizeof(*option_rows) <= OPTION_ROWS_MAX, "a bit for each");

const size_t n_option_rows = sizeof(option_rows) / sizeof(*option_rows);
