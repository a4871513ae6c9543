// SPDX-License-Identifier: BSD-2-Clause
#include "opts/opts.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* Sets one option; value is NULL for one that takes none. */
typedef int (*apply_fn)(struct opts *o, const char *name, const char *value, struct err *err);

struct row {
	const char *name;
	char letter;	   /* 0: none */
	const char *value; /* what it takes, for --help; NULL: nothing */
	const char *help;
	apply_fn apply;
};

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

	errno = 0;
	n = strtoul(value, &end, 10);
	if (errno || *end || end == value || *value == '-' || !n || n > 1000000)
		return err_set(err, -EINVAL, "--%s: '%s' is no number of rows; give 1 or more",
			       name, value);
	o->top = n;
	return 0;
}

#define SHOWN 200 /* of an expression, behind what is wrong with it */

static int add_gate(struct opts *o, const char *name, const char *value, struct err *err)
{
	struct err why = { "" };
	int error = gates_add(&o->gates, value, &why);

	if (!error)
		return 0;
	return err_set(err, error, "--%s: %s; in '%.*s%s'", name, why.text, SHOWN, value,
		       strlen(value) > SHOWN ? "..." : "");
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

static int set_color(struct opts *o, const char *name, const char *value, struct err *err)
{
	static const char *const names[] = { "auto", "always", "never" };

	for (int i = 0; i < 3; i++) {
		if (!strcmp(value, names[i])) {
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
FLAG(set_quiet, o->quiet = true)
FLAG(set_verbose, o->verbose = true)
FLAG(set_vs, o->has_vs = true)
FLAG(set_version, o->command = COMMAND_VERSION)
FLAG(set_help, o->command = COMMAND_HELP)

static const struct row rows[] = {
	{ "output", 'o', "FILE", "write the report there; - is standard output", set_output },
	{ "format", 0, "NAME", "a format, see below; each with an -o of its own", add_format },
	{ "json", 0, "FILE", "short for --format json -o FILE", add_json },
	{ "duration", 'd', "SECONDS", "end the measurement, and what is measured, after that time",
	  set_duration },
	{ "linger", 0, "SECONDS", "watch what outlives the command for so long", set_linger },
	{ "user", 'u', "NAME", "run the command as this user", set_user },
	{ "as-root", 0, NULL, "under sudo: run the command as root, not as who called sudo",
	  set_as_root },
	{ "calls", 0, NULL, "count futex and epoll calls all the time, not in windows", set_calls },
	{ "fail-on", 0, "EXPR", "fail if this holds of the report, as in 'wall.lock > 20%'",
	  add_gate },
	{ "error-exitcode", 0, "N", "... with this exit status (99)", set_error_exitcode },
	{ "top", 0, "N", "rows in each table of text and markdown (10)", set_top },
	{ "color", 0, "WHEN", "auto, always or never", set_color },
	{ "quiet", 'q', NULL, "no text report", set_quiet },
	{ "verbose", 'v', NULL, "say more, in text and markdown", set_verbose },
	{ "vs", 0, NULL, "diff: behind it stand the recordings that are compared", set_vs },
	{ "version", 0, NULL, "the versions of concprof and libbpf", set_version },
	{ "help", 'h', NULL, "this text", set_help },
};

#define ROWS (sizeof(rows) / sizeof(*rows))

void opts_help(FILE *out)
{
	fputs("concprof: where every nanosecond of every thread of a program went\n\n"
	      "  concprof [OPTIONS] -- COMMAND [ARG...]   profile a command and its descendants\n"
	      "  concprof run [OPTIONS] -- COMMAND ...    the same\n"
	      "  concprof record -o FILE -- COMMAND ...   keep the measurement, and say nothing\n"
	      "  concprof report FILE [OPTIONS]           what was recorded, in any format\n"
	      "  concprof diff BASE... --vs HEAD...       what changed, and whether by chance\n"
	      "  concprof check                           what this kernel and these privileges "
	      "allow\n\n",
	      out);
	for (size_t i = 0; i < ROWS; i++) {
		char left[40];

		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", rows[i].letter ? '-' : ' ',
			 rows[i].letter ? rows[i].letter : ' ', rows[i].letter ? "," : " ",
			 rows[i].name, rows[i].value ? " " : "",
			 rows[i].value ? rows[i].value : "");
		fprintf(out, "  %-26s %s\n", left, rows[i].help);
	}
	fputs("\nFormats:\n", out);
	for (const struct report_format *f = report_formats; f->name; f++)
		fprintf(out, "  %-26s %s\n", f->name, f->help);
	fputs("\nExit status: the command's own; 125 if concprof failed, 126 if the command cannot "
	      "be\n"
	      "executed, 127 if it was not found; 99 if it would be 0 and a condition holds.\n",
	      out);
}

/* What getopt_long() returns, or leaves in optopt, for a row by its long name. A value
 * for each, or it would not see that an abbreviation fits two. */
#define LONG_OF(i) (256 + (int)(i))

static const struct row *row_of(int c)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].letter == c || LONG_OF(i) == c)
			return &rows[i];
	}
	return NULL;
}

static int complain(int c, char **argv, struct err *err)
{
	const struct row *row = optopt ? row_of(optopt) : NULL;

	if (c == ':' && row)
		return err_set(err, -EINVAL, "option '--%s' needs a value; see concprof --help",
			       row->name);
	if (row)
		return err_set(err, -EINVAL, "option '--%s' takes no value; see concprof --help",
			       row->name);
	if (optopt)
		return err_set(err, -EINVAL, "unknown option '-%c'; see concprof --help", optopt);
	return err_set(err, -EINVAL, "unknown option '%s'; see concprof --help", argv[optind - 1]);
}

/* *ret_rest: `--` ended the options, so that what follows is the command. */
static int parse_options(struct opts *o, int argc, char **argv, bool *ret_rest, struct err *err)
{
	struct option longs[ROWS + 1] = {};
	char letters[2 * ROWS + 3] = "+:";
	const char *value = NULL;
	int c, error;

	for (size_t i = 0; i < ROWS; i++) {
		size_t n = strlen(letters);

		longs[i].name = rows[i].name;
		longs[i].has_arg = rows[i].value ? required_argument : no_argument;
		longs[i].val = LONG_OF(i);
		if (!rows[i].letter)
			continue;
		letters[n] = rows[i].letter;
		letters[n + 1] = rows[i].value ? ':' : '\0';
	}
	opterr = 0;
	for (;;) {
		const struct row *row;

		c = getopt_long(argc, argv, letters, longs, NULL);
		if (c < 0) {
			/* A `--` that was the last option's value ends nothing. */
			*ret_rest = !strcmp(argv[optind - 1], "--") && argv[optind - 1] != value;
			return 0;
		}
		if (c == '?' || c == ':')
			return complain(c, argv, err);
		row = row_of(c);
		value = optarg;
		error = row->apply(o, row->name, optarg, err);
		if (error)
			return error;
	}
}

/* A subcommand stands first or behind options. */
static bool take_subcommand(struct opts *o, int argc, char **argv)
{
	static const struct {
		const char *name;
		enum opts_command command;
	} names[] = {
		{ "run", COMMAND_RUN },	      { "record", COMMAND_RECORD },
		{ "report", COMMAND_REPORT }, { "diff", COMMAND_DIFF },
		{ "check", COMMAND_CHECK },
	};

	if (optind >= argc || o->command != COMMAND_RUN)
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (strcmp(argv[optind], names[i].name))
			continue;
		o->command = names[i].command;
		optind++;
		return true;
	}
	return false;
}

/* record: a plain -o is the recording. */
static int set_recording(struct opts *o, struct err *err)
{
	const struct report_format *recording = report_format_by_name("recording");
	bool any = false;

	o->quiet = true;
	for (size_t i = 0; i < o->n_outputs; i++) {
		if (o->outputs[i].is_plain)
			o->outputs[i].format = recording;
		any |= o->outputs[i].format == recording;
	}
	if (any)
		return 0;
	return err_set(err, -EINVAL, "record needs a file: concprof record -o FILE -- COMMAND");
}

/* Names of recordings may stand before options and behind them. */
static int take_recordings(struct opts *o, int argc, char **argv, bool rest, struct err *err)
{
	int error = 0;

	while (optind < argc && !error) {
		if (o->n_base + o->n_head == OPTS_FILES)
			return err_set(err, -EINVAL, "too many recordings: at most %d", OPTS_FILES);
		o->files[o->n_base + o->n_head] = argv[optind++];
		*(o->has_vs ? &o->n_head : &o->n_base) += 1;
		if (!rest)
			error = parse_options(o, argc, argv, &rest, err);
	}
	return error;
}

static int check_recordings(const struct opts *o, struct err *err)
{
	if (o->command == COMMAND_DIFF) {
		if (o->n_base && o->n_head)
			return 0;
		return err_set(err, -EINVAL,
			       "diff compares recordings with others; as in: concprof diff "
			       "base*.rec --vs head*.rec");
	}
	if (o->has_vs)
		return err_set(err, -EINVAL, "--vs belongs to diff; see concprof --help");
	if (!o->n_base)
		return err_set(err, -EINVAL,
			       "no recording given; as in: concprof report FILE --json out.json");
	if (o->n_base > 1)
		return err_set(err, -EINVAL, "report reads one recording, but '%s' was given too",
			       o->files[1]);
	return 0;
}

/* What stands behind the options. */
static int take_operands(struct opts *o, int argc, char **argv, bool rest, struct err *err)
{
	if (o->command == COMMAND_REPORT || o->command == COMMAND_DIFF) {
		int error = take_recordings(o, argc, argv, rest, err);

		/* No command runs that would write there. */
		for (size_t i = 0; i < o->n_outputs; i++)
			o->outputs[i].path = o->outputs[i].path ?: "-";
		return error ? error : check_recordings(o, err);
	}
	if (o->has_vs)
		return err_set(err, -EINVAL, "--vs belongs to diff; see concprof --help");
	if (o->command == COMMAND_CHECK && optind < argc)
		return err_set(err, -EINVAL, "check takes no argument, but '%s' was given",
			       argv[optind]);
	if (o->command != COMMAND_CHECK && optind == argc)
		return err_set(err, -EINVAL,
			       "no command given; as in: sudo concprof -- ./program (see concprof "
			       "--help)");
	o->argv = argv + optind;
	return 0;
}

/* What is read must still be there when all is done. */
static int check_not_read(const struct opts *o, const char *path, struct err *err)
{
	for (size_t i = 0; i < o->n_base + o->n_head; i++) {
		if (strcmp(path, "-") && !strcmp(path, o->files[i]))
			return err_set(err, -EINVAL,
				       "the report would replace the recording '%s'; give it a "
				       "file of its own",
				       path);
	}
	return 0;
}

static int check(const struct opts *o, struct err *err)
{
	for (size_t i = 0; i < o->n_outputs; i++) {
		if (o->command == COMMAND_DIFF && !o->outputs[i].format->write_diff)
			return err_set(err, -EINVAL, "--format %s: there is none of a comparison",
				       o->outputs[i].format->name);
		if (o->command == COMMAND_REPORT && !o->outputs[i].format->write)
			return err_set(err, -EINVAL, "--format %s: it is a recording already",
				       o->outputs[i].format->name);
		if (!o->outputs[i].path && strcmp(o->outputs[i].format->name, "text"))
			return err_set(err, -EINVAL,
				       "--format %s needs a file: add -o FILE (or -o - for "
				       "standard output)",
				       o->outputs[i].format->name);
		if (o->outputs[i].path && check_not_read(o, o->outputs[i].path, err))
			return -EINVAL;
		for (size_t k = 0; k < i && o->outputs[i].path; k++) {
			if (o->outputs[k].path && !strcmp(o->outputs[i].path, o->outputs[k].path))
				return err_set(
					err, -EINVAL,
					"two reports go to '%s'; give each a file of its own",
					o->outputs[i].path);
		}
	}
	if (o->user && o->as_root)
		return err_set(err, -EINVAL, "--as-root and -u contradict each other; give one");
	if (o->gates.n && (o->command == COMMAND_DIFF || o->command == COMMAND_CHECK))
		return err_set(err, -EINVAL, "--fail-on is for run, record and report");
	return 0;
}

int opts_parse(struct opts *ret, int argc, char **argv, struct err *err)
{
	struct opts o = { .top = 10, .error_exitcode = 99 };
	bool rest = false;
	int error;

	optind = 0; /* getopt(3): begin anew, whatever was parsed before */
	error = parse_options(&o, argc, argv, &rest, err);
	if (!error && !rest && take_subcommand(&o, argc, argv))
		error = parse_options(&o, argc, argv, &rest, err);
	if (error)
		return error;
	if (o.command == COMMAND_HELP || o.command == COMMAND_VERSION) {
		*ret = o;
		return 0;
	}
	error = take_operands(&o, argc, argv, rest, err);
	if (!error && o.command == COMMAND_RECORD)
		error = set_recording(&o, err);
	if (!error)
		error = check(&o, err);
	if (error)
		return error;
	*ret = o;
	return 0;
}
