// SPDX-License-Identifier: BSD-2-Clause
#include "opts/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* What getopt_long() returns, or leaves in optopt, for a row by its long name. A value
 * for each, or it would not see that an abbreviation fits two. */
#define LONG_OF(i) (256 + (int)(i))

static const struct option_row *row_of(int c)
{
	for (size_t i = 0; i < n_option_rows; i++) {
		if (option_rows[i].letter == c || LONG_OF(i) == c)
			return &option_rows[i];
	}
	return NULL;
}

static int complain(int c, char **argv, struct err *err)
{
	const struct option_row *row = optopt ? row_of(optopt) : NULL;

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
	struct option longs[OPTION_ROWS_MAX + 1] = {};
	char letters[2 * OPTION_ROWS_MAX + 3] = "+:";
	const char *value = NULL;
	int c, error;

	for (size_t i = 0; i < n_option_rows; i++) {
		size_t n = strlen(letters);

		longs[i].name = option_rows[i].name;
		longs[i].has_arg = option_rows[i].value ? required_argument : no_argument;
		longs[i].val = LONG_OF(i);
		if (!option_rows[i].letter)
			continue;
		letters[n] = option_rows[i].letter;
		letters[n + 1] = option_rows[i].value ? ':' : '\0';
	}
	opterr = 0;
	for (;;) {
		const struct option_row *row;

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
		o->given |= 1u << (row - option_rows);
		error = row->apply(o, row->name, optarg, err);
		if (error)
			return error;
	}
}

char *command_names(char *buf, size_t size, unsigned int set)
{
	size_t n = 0;

	*buf = '\0';
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (!(set & 1u << i))
			continue;
		set &= ~(1u << i);
		n += (size_t)snprintf(buf + n, size - n, "%s%s",
				      !n			       ? ""
				      : set & ((1u << N_COMMANDS) - 1) ? ", "
								       : " and ",
				      command_rows[i].name);
	}
	return buf;
}

/* What another command takes is no mistake to pass over: the user expects something of it. */
static int check_owners(const struct opts *o, struct err *err)
{
	char names[64];

	if (o->command >= N_COMMANDS) /* --help stands among them */
		return 0;
	for (size_t i = 0; i < n_option_rows; i++) {
		const struct option_row *row = &option_rows[i];

		if (!(o->given & 1u << i) || row->commands & 1u << o->command)
			continue;
		return err_set(err, -EINVAL, "--%s belongs to %s, not to %s; see concprof --help",
			       row->name, command_names(names, sizeof(names), row->commands),
			       command_rows[o->command].name);
	}
	return 0;
}

#define SHOWN 200 /* of an expression, behind what is wrong with it */

static int parse_gates(struct opts *o, bool of_diff, struct err *err)
{
	o->gates.of_diff = of_diff;
	for (size_t i = 0; i < o->n_fail_on; i++) {
		const char *text = o->fail_on[i];
		struct err why = { "" };
		int error = gates_add(&o->gates, text, &why);

		if (error)
			return err_set(err, error, "--fail-on: %s; in '%.*s%s'", why.text, SHOWN,
				       text, strlen(text) > SHOWN ? "..." : "");
	}
	return 0;
}

/* A subcommand stands first or behind options. */
static bool take_subcommand(struct opts *o, int argc, char **argv)
{
	if (optind >= argc || o->command != COMMAND_RUN)
		return false;
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(argv[optind], command_rows[i].name))
			continue;
		o->command = i;
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
	if (!o->n_base)
		return err_set(err, -EINVAL,
			       "no recording given; as in: concprof report FILE --json out.json");
	if (o->n_base > 1)
		return err_set(err, -EINVAL, "report reads one recording, but '%s' was given too",
			       o->files[1]);
	return 0;
}

int take_pids(struct opts *o, const char *text, struct err *err)
{
	const char *at = text;

	for (;;) {
		char *end;
		unsigned long pid = strtoul(at, &end, 10);

		if (*at < '0' || *at > '9' || (*end && *end != ',') || !pid || pid > INT_MAX)
			return err_set(err, -EINVAL,
				       "'%s' is no list of processes; give pids, as 12 or 12,13",
				       text);
		if (o->n_pids == OPTS_PIDS)
			return err_set(err, -EINVAL, "too many processes: at most %d", OPTS_PIDS);
		o->pids[o->n_pids++] = (pid_t)pid;
		if (!*end)
			return 0;
		at = end + 1;
	}
}

#define WHY_PIDS 128

/* They may stand before options and behind them. */
static int take_processes(struct opts *o, int argc, char **argv, bool rest, struct err *err)
{
	int error = 0;

	while (optind < argc && !error) {
		error = take_pids(o, argv[optind++], err);
		if (!error && !rest)
			error = parse_options(o, argc, argv, &rest, err);
	}
	if (error)
		return error;
	if (o->n_pids > WHY_PIDS)
		return err_set(err, -EINVAL, "too many processes: at most %d", WHY_PIDS);
	return o->n_pids ? 0 : err_set(err, -EINVAL, "no process given; as in: concprof why PID");
}

/* What is attached to is said by options alone. */
static int check_attached(const struct opts *o, int argc, char **argv, struct err *err)
{
	int n = !!o->n_pids + !!o->cgroup + o->all_processes;

	if (optind < argc)
		return err_set(
			err, -EINVAL,
			"attach takes no command, but '%s' was given; as in: concprof attach "
			"-p PID, or concprof run -- COMMAND",
			argv[optind]);
	if (!n)
		return err_set(err, -EINVAL,
			       "nothing to attach to; as in: concprof attach -p PID, --cgroup PATH "
			       "or -a");
	return n == 1 ? 0 : err_set(err, -EINVAL, "give one of -p, --cgroup and -a");
}

/* What stands behind the options. */
static int take_operands(struct opts *o, int argc, char **argv, bool rest, struct err *err)
{
	if (o->command == COMMAND_REPORT || o->command == COMMAND_DIFF ||
	    o->command == COMMAND_WHY) {
		bool why = o->command == COMMAND_WHY;
		int error = (why ? take_processes : take_recordings)(o, argc, argv, rest, err);

		/* No command runs that would write there. */
		for (size_t i = 0; i < o->n_outputs; i++)
			o->outputs[i].path = o->outputs[i].path ?: "-";
		return error || why ? error : check_recordings(o, err);
	}
	if (o->command == COMMAND_ATTACH)
		return check_attached(o, argc, argv, err);
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

/* What shows a timeline wants one. */
static void imply(struct opts *o)
{
	for (size_t i = 0; i < o->n_outputs; i++)
		o->timeline |= o->outputs[i].format->of_timeline;
}

static int check(const struct opts *o, struct err *err)
{
	static const char *const no_format[N_COMMANDS] = {
		[COMMAND_DIFF] = "there is none of a comparison",
		[COMMAND_WHY] = "there is none of one look; give text or json",
		[COMMAND_REPORT] = "it is a recording already",
	};

	for (size_t i = 0; i < o->n_outputs; i++) {
		if (!takes_format(o->command, o->outputs[i].format))
			return err_set(err, -EINVAL, "--format %s: %s", o->outputs[i].format->name,
				       no_format[o->command]);
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
	/* What is wrong with a condition can be asked before there is anything to judge. */
	if (o.command == COMMAND_HELP || o.command == COMMAND_VERSION) {
		error = parse_gates(&o, argc > 1 && !strcmp(argv[1], "diff"), err);
		if (!error)
			*ret = o;
		return error;
	}
	if (o.command == COMMAND_RUN && (o.n_pids || o.cgroup || o.all_processes))
		o.command = COMMAND_ATTACH; /* "concprof -p PID" */
	error = check_owners(&o, err);
	if (!error)
		error = take_operands(&o, argc, argv, rest, err);
	if (!error) /* some may stand behind the operands */
		error = check_owners(&o, err);
	if (!error)
		error = parse_gates(&o, o.command == COMMAND_DIFF, err);
	if (!error && o.command == COMMAND_RECORD)
		error = set_recording(&o, err);
	if (!error)
		error = check(&o, err);
	if (error)
		return error;
	imply(&o);
	*ret = o;
	return 0;
}
