// SPDX-License-Identifier: BSD-2-Clause
/* Argument vectors to options, or to the one line that says what is wrong. */
#include <criterion/criterion.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "opts/opts.h"

#define ARGS_MAX 64

/* args: separated by '|', so that one can be empty. want: what describe() makes of the options,
 * or, behind "! ", the error. */
struct row {
	const char *args, *want;
};

__attribute__((format(printf, 2, 3))) static void add(char buf[512], const char *fmt, ...)
{
	size_t length = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + length, 512 - length, fmt, ap);
	va_end(ap);
}

/* What differs from the defaults, then the reports as FORMAT>FILE, then the command. */
static void describe(char buf[512], const struct opts *o)
{
	static const char *const commands[] = { "run",	  "record", "report", "diff",	"why",
						"attach", "check",  "help",   "version" };
	static const char *const colors[] = { "auto", "always", "never" };

	add(buf, "%s", commands[o->command]);
	if (o->duration_ns)
		add(buf, " duration=%llu", (unsigned long long)o->duration_ns);
	if (o->linger_ns)
		add(buf, " linger=%llu", (unsigned long long)o->linger_ns);
	if (o->hang_ns)
		add(buf, " hang-after=%llu", (unsigned long long)o->hang_ns);
	if (o->user)
		add(buf, " user=%s", o->user);
	add(buf, "%s%s%s%s", o->as_root ? " as-root" : "", o->all_calls ? " calls" : "",
	    o->quiet ? " quiet" : "", o->verbose ? " verbose" : "");
	if (o->color)
		add(buf, " color=%s", colors[o->color]);
	if (o->top != 10)
		add(buf, " top=%u", o->top);
	for (size_t i = 0; i < o->gates.n; i++)
		add(buf, " gate=(%s)", o->gates.list[i].text);
	if (o->error_exitcode != 99)
		add(buf, " error=%d", o->error_exitcode);
	for (size_t i = 0; i < o->n_outputs; i++)
		add(buf, " %s>%s", o->outputs[i].format->name,
		    o->outputs[i].path ? o->outputs[i].path : "");
	for (size_t i = 0; i < o->n_pids; i++)
		add(buf, " %d", (int)o->pids[i]);
	if (o->cgroup)
		add(buf, " cgroup=%s", o->cgroup);
	if (o->all_processes)
		add(buf, " all");
	for (size_t i = 0; i < o->n_base + o->n_head; i++)
		add(buf, "%s%s", i == o->n_base ? " --vs " : i ? " " : " : ", o->files[i]);
	if (o->command != COMMAND_RUN && o->command != COMMAND_RECORD)
		return;
	add(buf, " :");
	for (char *const *arg = o->argv; *arg; arg++)
		add(buf, " %s", arg[0][0] ? *arg : "''");
}

static int split(char *argv[ARGS_MAX + 2], char *args)
{
	int argc = 0;

	argv[argc++] = "concprof";
	for (char *arg; (arg = strsep(&args, "|"));) {
		cr_assert_leq(argc, ARGS_MAX);
		argv[argc++] = arg;
	}
	argv[argc] = NULL;
	return argc;
}

static void parse(char buf[512], const char *args)
{
	char *copy = strdup(args), *argv[ARGS_MAX + 2];
	struct err err = { "" };
	struct opts o;
	int argc = *args ? split(argv, copy) : split(argv, NULL);

	*buf = '\0';
	if (!opts_parse(&o, argc, argv, &err)) {
		cr_expect_str_eq(err.text, "", "%s", args);
		describe(buf, &o);
	} else {
		add(buf, "! %s", err.text);
	}
	/* A program parses once; here getopt() must forget what is left of a row that was wrong. */
	optind = 1;
	while (getopt(argc, argv, "") != -1)
		;
	free(copy);
}

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char got[512];

		parse(got, rows[i].args);
		cr_expect_str_eq(got, rows[i].want, "%s\n  gives %s\n  not   %s", rows[i].args, got,
				 rows[i].want);
	}
}

#define CHECK(...)                                                                                 \
	do {                                                                                       \
		static const struct row rows[] = { __VA_ARGS__ };                                  \
		check(rows, sizeof(rows) / sizeof(*rows));                                         \
	} while (0)

#define SEE	   " see concprof --help"
#define NO_COMMAND "! no command given; as in: sudo concprof -- ./program (see concprof --help)"
#define NO_TIME(option, value)                                                                     \
	"! --" option ": '" value "' is no time above zero; give seconds, as 10, 0.5 or 500ms"
#define NO_NUMBER(value) "! --top: '" value "' is no number of rows; give 1 or more, or 'all'"
#define FORMATS                                                                                    \
	"text, json, html, markdown, github, junit, openmetrics, csv, folded, pprof, perfetto, "   \
	"recording"
#define NO_FILE(format)                                                                            \
	"! --format " format " needs a file: add -o FILE (or -o - for standard output)"
#define EMPTY_FILE "! --output: the file's name is empty; give a path, or - for standard output"

Test(command, where_it_begins)
{
	CHECK({ "--|true", "run : true" }, { "true", "run : true" },
	      { "--|make|-j4|--|x", "run : make -j4 -- x" },
	      { "make|-q|--json|x", "run : make -q --json x" }, /* options of the command */
	      { "-q|true|-q", "run quiet : true -q" }, { "--||a", "run : '' a" },
	      { "-|x", "run : - x" }, { "--|--quiet", "run : --quiet" },
	      { "-q|--|-q|--", "run quiet : -q --" });
}

Test(command, none)
{
	CHECK({ "", NO_COMMAND }, { "--", NO_COMMAND }, { "-q", NO_COMMAND }, { "run", NO_COMMAND },
	      { "run|--", NO_COMMAND }, { "-q|run|-v|--", NO_COMMAND },
	      /* what is wrong with an option comes first */
	      { "--top|x", NO_NUMBER("x") });
}

Test(command, subcommands)
{
	CHECK({ "run|--|true", "run : true" }, { "run|true|-q", "run : true -q" },
	      { "run|-q|--|true", "run quiet : true" },
	      { "-q|run|-v|--|true", "run quiet verbose : true" }, { "check", "check" },
	      { "check|--", "check" },
	      { "check|now", "! check takes no argument, but 'now' was given" },
	      { "check|--|now", "! check takes no argument, but 'now' was given" });
}

Test(command, recordings)
{
	CHECK({ "record|-o|f|--|true", "record quiet recording>f : true" },
	      { "record|--json|f|-o|g|true", "record quiet json>f recording>g : true" },
	      { "record|true", "! record needs a file: concprof record -o FILE -- COMMAND" },
	      { "report|f", "report : f" }, { "report|f|--json|g", "report json>g : f" },
	      { "-v|report|-q|f", "report quiet verbose : f" }, { "report|--|-f", "report : -f" },
	      { "report", "! no recording given; as in: concprof report FILE --json out.json" },
	      { "report|f|--format|markdown", "report markdown>- : f" },
	      { "report|--format|text|f|--format|junit|-o|g", "report text>- junit>g : f" },
	      { "report|f|--format|markdown|--format|json",
		"! two reports go to '-'; give each a file of its own" },
	      { "report|f|--top|3|g", "! report reads one recording, but 'g' was given too" },
	      { "report|f|--vs", "! --vs belongs to diff, not to report;" SEE },
	      { "report|f|--format|recording|-o|g",
		"! --format recording: it is a recording already" },
	      { "--vs|true", "! --vs belongs to diff, not to run;" SEE });
}

Test(command, comparisons)
{
	CHECK({ "diff|a|b|--vs|c", "diff : a b --vs c" },
	      { "diff|a|--vs|c|d|--json|f|e", "diff json>f : a --vs c d e" },
	      { "diff|-q|a|-v|--vs|--top|3|c", "diff quiet verbose top=3 : a --vs c" },
	      { "diff|a|b",
		"! diff compares recordings with others; as in: concprof diff base*.rec --vs "
		"head*.rec" },
	      { "diff|--vs|b",
		"! diff compares recordings with others; as in: concprof diff base*.rec --vs "
		"head*.rec" },
	      { "diff|a|--vs|b|--format|recording|-o|f",
		"! --format recording: there is none of a comparison" });
}

#define NOT(option, owners, command) "! --" option " belongs to " owners ", not to " command ";" SEE
#define MEASURE			     "run and record"
#define LIVE			     "run, record and attach"
#define EACH			     "run, record, report, diff, why and attach"

/* What another command takes is said, and not passed over. */
Test(command, options_of_others)
{
	CHECK({ "report|f|-d|3", NOT("duration", LIVE, "report") },
	      { "report|-u|me|f", NOT("user", MEASURE, "report") },
	      { "--as-root|report|f", NOT("as-root", MEASURE, "report") },
	      { "diff|a|--linger|3|--vs|b", NOT("linger", MEASURE, "diff") },
	      { "diff|a|--vs|b|--calls", NOT("calls", LIVE, "diff") },
	      { "check|-q", NOT("quiet", EACH, "check") },
	      { "-v|check", NOT("verbose", EACH, "check") },
	      { "check|--json|f", NOT("json", EACH, "check") },
	      { "check|--fail-on|wall>1s", NOT("fail-on", EACH, "check") },
	      { "record|-o|f|--vs|true", NOT("vs", "diff", "record") },
	      /* --help is everybody's */
	      { "report|-d|3|--help", "help duration=3000000000" },
	      { "check|--version", "version" });
}

Test(command, named_like_a_subcommand)
{
	CHECK({ "--|run", "run : run" }, { "--|check|it", "run : check it" },
	      { "-q|--|run|-q", "run quiet : run -q" }, { "run|run", "run : run" },
	      { "run|--|check", "run : check" }, { "run|check", "run : check" },
	      { "runs", "run : runs" }, { "./run", "run : ./run" },
	      { "-u|--|run|--|true", "run user=-- : true" });
}

#define NO_LIST(value) "! '" value "' is no list of processes; give pids, as 12 or 12,13"
#define NOTHING	       "! nothing to attach to; as in: concprof attach -p PID, --cgroup PATH or -a"
#define ONE_WAY	       "! give one of -p, --cgroup and -a"

Test(command, attach)
{
	CHECK({ "attach|-p|12", "attach 12" }, { "-p|12", "attach 12" },
	      { "attach|-p12,13|-p|14", "attach 12 13 14" },
	      { "--pid=12|-d|3", "attach duration=3000000000 12" },
	      { "attach|-q|--cgroup|c|--json|f", "attach quiet json>f cgroup=c" },
	      { "-a", "attach all" }, { "attach|--all|--calls", "attach calls all" },
	      { "attach", NOTHING }, { "attach|--", NOTHING }, { "-a|-p|12", ONE_WAY },
	      { "-p|12|--cgroup|c", ONE_WAY },
	      { "--cgroup|c|--cgroup|d", "! --cgroup: there is one already, 'c'" },
	      { "attach|-p", "! option '--pid' needs a value;" SEE }, { "-p|x", NO_LIST("x") },
	      { "-p|", NO_LIST("") },
	      { "-p|12|--|true", "! attach takes no command, but 'true' was given; as in: concprof "
				 "attach -p PID, or concprof run -- COMMAND" },
	      { "-p|12|--linger|3", NOT("linger", MEASURE, "attach") },
	      { "-a|--hang-after|3", NOT("hang-after", MEASURE, "attach") },
	      { "record|-p|12|-o|f", NOT("pid", "attach", "record") }, { "run|-a", "attach all" });
}

Test(command, why)
{
	CHECK({ "why|12", "why 12" }, { "why|12,13|14", "why 12 13 14" },
	      { "why|12|--json|f", "why json>f 12" }, { "why|-v|12|-q", "why quiet verbose 12" },
	      { "why|--|12", "why 12" }, { "-q|why|12", "why quiet 12" },
	      { "why", "! no process given; as in: concprof why PID" },
	      { "why|--", "! no process given; as in: concprof why PID" },
	      { "why|x", NO_LIST("x") }, { "why|12,", NO_LIST("12,") },
	      { "why|,12", NO_LIST(",12") }, { "why|0", NO_LIST("0") },
	      { "why|-12", "! unknown option '-1'; see concprof --help" },
	      { "why|--|-12", NO_LIST("-12") }, { "why|12x", NO_LIST("12x") },
	      { "why|99999999999", NO_LIST("99999999999") }, { "why| 12", NO_LIST(" 12") },
	      { "why||", NO_LIST("") },
	      { "why|12|--format|csv|-o|f",
		"! --format csv: there is none of one look; give text or json" },
	      { "why|-d|3|12", NOT("duration", LIVE, "why") });
}

Test(command, help_and_version)
{
	CHECK({ "--help", "help" }, { "-h", "help" }, { "-h|--|true", "help" },
	      { "run|--help", "help" }, { "check|-h", "help" }, { "--version", "version" },
	      { "run|--version", "version" }, { "--|--help", "run : --help" },
	      { "true|-h", "run : true -h" }, { "--help|--top|0", NO_NUMBER("0") },
	      { "--help|run", "help" }, { "--help|check", "help" },
	      { "--version|run|--|true", "version" });
}

Test(output, belongs_to_the_format_before_it)
{
	CHECK({ "-o|f|true", "run text>f : true" }, { "-of|true", "run text>f : true" },
	      { "--output|f|true", "run text>f : true" },
	      { "--output=f|true", "run text>f : true" },
	      { "--format|json|-o|f|true", "run json>f : true" },
	      { "--format=json|-q|-o|f|true", "run quiet json>f : true" },
	      { "--json|f|true", "run json>f : true" }, { "--json=f|true", "run json>f : true" },
	      { "-o|a|--format|json|-o|b|true", "run text>a json>b : true" },
	      { "--format|json|-o|a|-o|b|true", "run json>a text>b : true" },
	      { "--json|a|--json|b|--format|text|-o|c|true", "run json>a json>b text>c : true" },
	      { "--format|markdown|-o|a|--format|github|-o|-|--format|junit|-o|b|true",
		"run markdown>a github>- junit>b : true" },
	      { "--format|text|true", "run text> : true" },
	      { "--format|text|--format|json|-o|f|true", "run text> json>f : true" },
	      { "--format|text|--json|f|true", "run text> json>f : true" },
	      { "--json|f|run|-o|g|true", "run json>f text>g : true" },
	      { "-o|-|true", "run text>- : true" },
	      { "-o|-|--json|f|true", "run text>- json>f : true" });
}

Test(output, errors)
{
	CHECK({ "--format|json|true", NO_FILE("json") },
	      { "--format|json|--json|f|true", NO_FILE("json") },
	      { "--format|markdown|true", NO_FILE("markdown") },
	      { "-o|f|--format|json|--|-o|g", NO_FILE("json") }, { "-o||true", EMPTY_FILE },
	      { "--format|yaml|true",
		"! --format: there is no format 'yaml'; the formats are " FORMATS },
	      { "--format||true", "! --format: there is no format ''; the formats are " FORMATS },
	      { "--format|JSON|true",
		"! --format: there is no format 'JSON'; the formats are " FORMATS },
	      { "-o|-|--json|-|true", "! two reports go to '-'; give each a file of its own" },
	      { "-o|f|--json|f|true", "! two reports go to 'f'; give each a file of its own" },
	      { "--json||true",
		"! --json: the file's name is empty; give a path, or - for standard output" },
	      { "--json|-|--json|-|true", "! two reports go to '-'; give each a file of its own" });
}

Test(output, of_record_and_report)
{
	CHECK({ "record|-o|f|true", "record quiet recording>f : true" },
	      { "record|-o|f|--json|g|true", "record quiet recording>f json>g : true" },
	      { "record|--format|csv|-o|f|-o|g|true", "record quiet csv>f recording>g : true" },
	      { "record|--json|f|true",
		"! record needs a file: concprof record -o FILE -- COMMAND" },
	      { "report|f", "report : f" }, { "report|-", "report : -" },
	      { "report|-o|g|f", "report text>g : f" },
	      { "report|--format|csv|-o|g|--|f", "report csv>g : f" },
	      { "report|--format|recording|-o|g|f",
		"! --format recording: it is a recording already" },
	      { "report|--json|f|f",
		"! the report would replace the recording 'f'; give it a file of its own" },
	      { "report|--json|-|-", "report json>- : -" },
	      { "report|-o|g|--json|g|f", "! two reports go to 'g'; give each a file of its own" });
}

Test(output, at_most_16)
{
	char args[200] = "", want[300] = "run";

	for (int i = 0; i < OPTS_OUTPUTS; i++) {
		char got[512], one[24];

		snprintf(one, sizeof(one), i % 2 ? "--json|%c|" : "-o|%c|", 'a' + i);
		strcat(args, one);
		snprintf(one, sizeof(one), i % 2 ? " json>%c" : " text>%c", 'a' + i);
		strcat(want, one);
		snprintf(args + strlen(args), sizeof(args) - strlen(args), "x");
		parse(got, args);
		cr_expect_eq(strncmp(got, want, strlen(want)), 0, "%s", got);
		args[strlen(args) - 1] = '\0';
	}
	for (int i = 0; i < 3; i++) {
		static const char *const more[] = { "-o|z|x", "--json|z|x",
						    "--format|json|-o|z|x" };
		char got[512];
		size_t length = strlen(args);

		strcat(args, more[i]);
		parse(got, args);
		cr_expect_str_eq(got, "! too many reports: at most 16 in one run", "%s", got);
		args[length] = '\0';
	}
}

Test(value, times)
{
	CHECK({ "-d|10|x", "run duration=10000000000 : x" },
	      { "-d10|x", "run duration=10000000000 : x" },
	      { "--duration|0.5|x", "run duration=500000000 : x" },
	      { "-d|500ms|x", "run duration=500000000 : x" },
	      { "-d|2s|x", "run duration=2000000000 : x" },
	      { "-d|2m|x", "run duration=120000000000 : x" },
	      { "-d|1.5h|x", "run duration=5400000000000 : x" },
	      { "-d|1e3|x", "run duration=1000000000000 : x" },
	      { "-d|1|-d|2|x", "run duration=2000000000 : x" }, /* the last one holds */
	      { "--linger|3|x", "run linger=3000000000 : x" }, { "--linger|0|x", "run : x" },
	      { "--linger|3|--linger|0|x", "run : x" },
	      { "--hang-after|30|x", "run hang-after=30000000000 : x" });
}

Test(value, no_times)
{
	CHECK({ "-d|0|x", NO_TIME("duration", "0") },
	      { "--hang-after|0|x", NO_TIME("hang-after", "0") },
	      { "-d|-1|x", NO_TIME("duration", "-1") }, { "-d|x|x", NO_TIME("duration", "x") },
	      { "-d||x", NO_TIME("duration", "") }, { "-d|1e30|x", NO_TIME("duration", "1e30") },
	      { "-d|1e999|x", NO_TIME("duration", "1e999") },
	      { "-d|nan|x", NO_TIME("duration", "nan") },
	      { "-d|inf|x", NO_TIME("duration", "inf") }, { "-d|ms|x", NO_TIME("duration", "ms") },
	      { "-d|5 s|x", NO_TIME("duration", "5 s") },
	      { "-d|5min|x", NO_TIME("duration", "5min") },
	      { "-d|1,5|x", NO_TIME("duration", "1,5") },
	      { "-d|0ms|x", NO_TIME("duration", "0ms") },
	      { "-d|1e-30|x", NO_TIME("duration", "1e-30") },
	      { "-d|0x10|x", NO_TIME("duration", "0x10") },
	      { "-d| 1|x", NO_TIME("duration", " 1") },
	      { "--linger|-1|x", "! --linger: '-1' is no time; give seconds, as 10, 0.5 or 500ms" },
	      { "--linger||x", "! --linger: '' is no time; give seconds, as 10, 0.5 or 500ms" },
	      { "-d|1\n2|x", NO_TIME("duration", "1?2") });
}

Test(value, rows)
{
	CHECK({ "--top|1|x", "run top=1 : x" }, { "--top=25|x", "run top=25 : x" },
	      { "--top|1000000|x", "run top=1000000 : x" },
	      { "--top|all|x", "run top=4294967295 : x" }, { "--top|0|x", NO_NUMBER("0") },
	      { "--top|-1|x", NO_NUMBER("-1") }, { "--top||x", NO_NUMBER("") },
	      { "--top|-18446744073709551615|x", NO_NUMBER("-18446744073709551615") },
	      { "--top|ten|x", NO_NUMBER("ten") }, { "--top|10x|x", NO_NUMBER("10x") },
	      { "--top|1.5|x", NO_NUMBER("1.5") }, { "--top|1000001|x", NO_NUMBER("1000001") },
	      { "--top|99999999999999999999|x", NO_NUMBER("99999999999999999999") });
}

#define NO_STATUS(value)                                                                           \
	"! --error-exitcode: '" value "' is no exit status of a failure; give 1 to 255"

Test(value, gates)
{
	CHECK({ "--fail-on|wall > 1s|x", "run gate=(wall > 1s) : x" },
	      { "--fail-on=wall>1s|x", "run gate=(wall>1s) : x" },
	      { "--fail-on|wall>1s|run|--fail-on|threads>3|--|x",
		"run gate=(wall>1s) gate=(threads>3) : x" },
	      { "record|-o|f|--fail-on|wall>1s|x", "record quiet gate=(wall>1s) recording>f : x" },
	      { "report|--fail-on|wall>1s|f", "report gate=(wall>1s) : f" },
	      { "diff|a|--vs|b|--fail-on|change.wall>5%", "diff gate=(change.wall>5%) : a --vs b" },
	      { "--fail-on|change.wall>5%|diff|a|--vs|b", "diff gate=(change.wall>5%) : a --vs b" },
	      { "diff|a|--vs|b|--fail-on|wall>1s",
		"! --fail-on: at column 1: 'wall' is of one run; in a comparison write base.wall, "
		"head.wall or change.wall; in 'wall>1s'" },
	      { "--fail-on|change.wall>5%|x",
		"! --fail-on: at column 1: 'change.wall' is of a comparison, which concprof diff "
		"makes; of one run it is wall; in 'change.wall>5%'" },
	      { "--fail-on|wal>1s|x",
		"! --fail-on: at column 1: there is no path 'wal'; the nearest is wall; in "
		"'wal>1s'" },
	      { "--fail-on||x", "! --fail-on: at column 1: expected a path, such as wall.lock, "
				"found the end; in ''" },
	      { "--fail-on|wall>1s|--fail-on|\n(|x",
		"! --fail-on: at column 3: expected a path, such as wall.lock, found the end; in "
		"'?('" });
}

Test(value, error_exitcode)
{
	CHECK({ "--error-exitcode|1|x", "run error=1 : x" },
	      { "--error-exitcode=255|x", "run error=255 : x" },
	      { "--error-exitcode|99|x", "run : x" }, { "--error-exitcode|0|x", NO_STATUS("0") },
	      { "--error-exitcode|256|x", NO_STATUS("256") },
	      { "--error-exitcode|-1|x", NO_STATUS("-1") },
	      { "--error-exitcode||x", NO_STATUS("") }, { "--error-exitcode|x|x", NO_STATUS("x") },
	      { "--error-exitcode|3x|x", NO_STATUS("3x") },
	      { "--error-exitcode|18446744073709551617|x", NO_STATUS("18446744073709551617") });
}

Test(value, words)
{
	CHECK({ "--color|auto|x", "run : x" }, { "--color|always|x", "run color=always : x" },
	      { "--color=never|x", "run color=never : x" },
	      { "--color|Never|x", "! --color: 'Never' is none of auto, always, never" },
	      { "--color||x", "! --color: '' is none of auto, always, never" },
	      { "-u|nobody|x", "run user=nobody : x" }, { "--user=1000|x", "run user=1000 : x" },
	      { "--as-root|x", "run as-root : x" },
	      { "--as-root|-u|me|x", "! --as-root and -u contradict each other; give one" },
	      { "-u|me|run|--as-root|x", "! --as-root and -u contradict each other; give one" });
}

Test(option, flags)
{
	CHECK({ "-qv|x", "run quiet verbose : x" },
	      { "--quiet|--verbose|--calls|x", "run calls quiet verbose : x" },
	      { "-vqo|f|x", "run quiet verbose text>f : x" }, { "-q|-q|x", "run quiet : x" });
}

Test(option, unknown)
{
	CHECK({ "-x|true", "! unknown option '-x';" SEE },
	      { "-xq|true", "! unknown option '-x';" SEE },
	      { "-qx|true", "! unknown option '-x';" SEE },
	      { "-q|-vx|true", "! unknown option '-x';" SEE },
	      { "--bogus|true", "! unknown option '--bogus';" SEE },
	      { "--bogus=1|true", "! unknown option '--bogus=1';" SEE },
	      { "-q|--bogus|true", "! unknown option '--bogus';" SEE },
	      { "run|--bogus|true", "! unknown option '--bogus';" SEE },
	      { "check|-x", "! unknown option '-x';" SEE },
	      { "--new\nline|true", "! unknown option '--new?line';" SEE },
	      { "---|true", "! unknown option '---';" SEE });
}

Test(option, short_for_a_long_one)
{
	char got[512];

	CHECK({ "--dur|1|x", "run duration=1000000000 : x" }, { "--qui|x", "run quiet : x" },
	      { "--as|x", "run as-root : x" },
	      { "--v|x", "! unknown option '--v';" SEE }, /* --verbose or --version */
	      { "--quiet|-xq|true", "! unknown option '-x';" SEE },
	      { "--quiet=5|true", "! option '--quiet' takes no value;" SEE });
	parse(got, "--c|x"); /* --calls or --color */
	cr_assert_eq(strncmp(got, "! ", 2), 0, "%s", got);
}

Test(option, value_is_missing)
{
	CHECK({ "-o", "! option '--output' needs a value;" SEE },
	      { "--output", "! option '--output' needs a value;" SEE },
	      { "--format", "! option '--format' needs a value;" SEE },
	      { "-q|--json", "! option '--json' needs a value;" SEE },
	      { "run|-d", "! option '--duration' needs a value;" SEE },
	      { "--linger", "! option '--linger' needs a value;" SEE },
	      { "-u", "! option '--user' needs a value;" SEE },
	      { "--top", "! option '--top' needs a value;" SEE },
	      { "--fail-on", "! option '--fail-on' needs a value;" SEE },
	      { "--color", "! option '--color' needs a value;" SEE });
}

Test(option, failed_parse_leaves_the_options_alone)
{
	struct opts o = { .top = 77 };
	char *argv[] = { "concprof", "--top", "5", "--bogus", NULL };

	cr_assert_eq(opts_parse(&o, 4, argv, NULL), -EINVAL, "and err may be NULL");
	cr_assert_eq(o.top, 77);
}

/* --- help ------------------------------------------------------------------------ */

static char *help(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	cr_assert(out);
	opts_help(out);
	fclose(out);
	return text;
}

Test(help, mentions_every_option)
{
	static const char *const options[] = {
		"-o, --output FILE",
		"--format FORMAT",
		"--json FILE",
		"-d, --duration SECONDS",
		"--linger SECONDS",
		"-u, --user USER",
		"--hang-after SECONDS",
		"--as-root",
		"--calls",
		"--top N",
		"--color WHEN",
		"-q, --quiet",
		"-v, --verbose",
		"--version",
		"-h, --help",
		"concprof check",
		"concprof [run]",
		"--fail-on EXPR",
		"--error-exitcode N",
	};
	char *text = help();

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		cr_expect(strstr(text, options[i]), "%s is missing", options[i]);
	for (const struct report_format *f = report_formats; f->name; f++) {
		char line[64];

		snprintf(line, sizeof(line), "\n  %s ", f->name);
		cr_expect(strstr(text, line), "%s is missing", f->name);
		cr_expect(strstr(text, f->help), "%s is missing", f->help);
	}
	free(text);
}

/* ... and none that there is not. */
Test(help, all_that_it_mentions_is_known)
{
	char *text = help(), *rest = text;
	int n = 0;

	for (char *line; (line = strsep(&rest, "\n"));) {
		char args[64], got[512], *name = strstr(line, " --");

		cr_expect_leq(strlen(line), 100, "%s", line);
		if (!name || name[3] == ' ')
			continue;
		snprintf(args, sizeof(args), "%.*s", (int)strcspn(name + 1, " "), name + 1);
		parse(got, args);
		cr_expect(!strstr(got, "unknown"), "%s: %s", args, got);
		n++;
	}
	cr_expect_eq(n, 26);
	free(text);
}
