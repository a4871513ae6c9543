// SPDX-License-Identifier: BSD-2-Clause
/* Manual pages in roff's man macros. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "packaging/gen/gen.h"

/* An empty line begins a paragraph, unless a macro does so itself. */
static bool wants_paragraph;
static bool is_example, is_below_heading;

#define COLUMNS 76

/* Lines of roff are to be short, and none may look like a macro. */
static void put_filled(FILE *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column && column + 1 + n > COLUMNS) {
			fputc('\n', out);
			column = 0;
		} else if (column) {
			fputc(' ', out);
			column++;
		}
		if (!column && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		column += (size_t)fprintf(out, "%.*s", (int)n, text);
		text += n + strspn(text + n, " ");
	}
	fputc('\n', out);
}

/* What was written to a stream of memory. */
static void put_kept(FILE *out, FILE *memory, char **text)
{
	if (fclose(memory))
		fail("out of memory");
	put_filled(out, *text);
	free(*text);
}

static FILE *keep(char **text, size_t *size)
{
	FILE *memory = open_memstream(text, size);

	if (!memory)
		fail("out of memory");
	return memory;
}

/* What is typed must come out as it is typed, also when it is copied from the page. */
static void put_typed(FILE *out, char c)
{
	static const char *const names[UCHAR_MAX + 1] = {
		['\\'] = "\\e",	 ['-'] = "\\-",	  ['\''] = "\\(aq",
		['"'] = "\\(dq", ['^'] = "\\(ha", ['~'] = "\\(ti",
	};

	if (names[(unsigned char)c])
		fputs(names[(unsigned char)c], out);
	else
		fputc(c, out);
}

static void put_typed_text(FILE *out, const char *text)
{
	if (*text == '.')
		fputs("\\&", out);
	for (; *text; text++)
		put_typed(out, *text);
}

/* Words of the tables: what is an option in them is typed as one. */
static void put_words(FILE *out, const char *text)
{
	char before = ' ';

	for (; *text; before = *text++) {
		if (*text == '-' && before != ' ' && before != '-')
			fputc('-', out);
		else
			put_typed(out, *text);
	}
}

static void put_sentence(FILE *out, const char *text)
{
	char *kept;
	size_t size;
	FILE *memory = keep(&kept, &size);

	fputc(toupper(*text), memory);
	put_words(memory, text + 1);
	fputc('.', memory);
	put_kept(out, memory, &kept);
}

static void put_prose(FILE *out, const char *line)
{
	char open = 0, *kept;
	size_t size;
	FILE *memory = keep(&kept, &size);

	for (const char *at = line; *at; at++) {
		bool typed = *at == '`' && open != '*', value = *at == '*' && open != '`';

		if (typed || value) {
			fputs(open ? "\\fR" : typed ? "\\fB" : "\\fI", memory);
			open = open ? 0 : *at;
		} else if (open == '`' || *at == '\\') {
			put_typed(memory, *at);
		} else {
			fputc(*at, memory);
		}
	}
	if (open)
		fail("'%c' without another one: %s", open, line);
	put_kept(out, memory, &kept);
}

void man_put_line(FILE *out, const char *line)
{
	if (is_example) {
		put_typed_text(out, line);
		fputc('\n', out);
		return;
	}
	if (!*line || *line == '.') {
		wants_paragraph = !*line;
		is_below_heading = !strncmp(line, ".SH", 3);
		if (*line)
			fprintf(out, "%s\n", line);
		return;
	}
	if (wants_paragraph)
		fputs(".PP\n", out);
	wants_paragraph = is_below_heading = false;
	put_prose(out, line);
}

/* --- directives ---------------------------------------------------------------------------- */

static void put_example(FILE *out, const char *arg)
{
	(void)arg;
	fputs(is_below_heading ? "" : ".PP\n", out);
	fputs(".in +4n\n.EX\n", out);
	wants_paragraph = is_below_heading = false;
	is_example = true;
}

static void put_end(FILE *out, const char *arg)
{
	(void)arg;
	is_example = false;
	fputs(".EE\n.in\n", out);
}

static void put_synopsis(FILE *out, const struct command_row *row)
{
	/* As in --help, its name may be left out of what is meant most. */
	fprintf(out,
		row == &command_rows[COMMAND_RUN] ? "\\fBconcprof\\fR [\\fB%s\\fR]"
						  : "\\fBconcprof %s\\fR",
		row->name);
	fprintf(out, " [\\fIOPTIONS\\fR]%s", *row->usage ? " " : "");
	/* What begins with a dash is typed, what is in capitals is a value. */
	for (const char *at = row->usage; *at;) {
		size_t n = strcspn(at, " ");
		bool typed = *at == '-', value = isupper(*at);

		fputs(typed ? "\\fB" : value ? "\\fI" : "", out);
		for (size_t i = 0; i < n; i++)
			put_typed(out, at[i]);
		fputs(typed || value ? "\\fR" : "", out);
		at += n;
		if (*at)
			fputc(*at++, out);
	}
	fputc('\n', out);
}

static void put_head(FILE *out, const char *command)
{
	fprintf(out,
		".\\\" Made from the table of options and packaging/man: see packaging/gen.\n"
		".TH CONCPROF%s",
		*command ? "-" : "");
	for (; *command; command++)
		fputc(toupper(*command), out);
	fprintf(out, " 1 %s \"concprof %s\" \"User Commands\"\n", CONCPROF_DATE, CONCPROF_VERSION);
}

static void put_page(FILE *out, const char *arg)
{
	unsigned int bits = command_bits(arg);
	bool any = bits == ANY, first = true;

	put_head(out, any ? "" : arg);
	fputs(".SH NAME\n", out);
	if (any)
		fputs("concprof \\- where every nanosecond of every thread of a program went\n",
		      out);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (bits == 1u << i)
			fprintf(out, "concprof\\-%s \\- %s\n", arg, command_rows[i].help);
	}
	fputs(".SH SYNOPSIS\n", out);
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (!(bits & 1u << i))
			continue;
		fputs(first ? "" : ".br\n", out);
		put_synopsis(out, &command_rows[i]);
		first = false;
	}
}

static void put_details(FILE *out, const char *name)
{
	FILE *in = open_or_fail(details_path);
	char *line = NULL;
	size_t room = 0;
	bool is_it = false;

	while (getline(&line, &room, in) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "@option ", 8))
			is_it = !strcmp(line + 8, name);
		else if (is_it && *line)
			put_prose(out, line);
	}
	free(line);
	fclose(in);
}

static void put_option(FILE *out, const struct option_row *row)
{
	fputs(".TP\n", out);
	if (row->letter)
		fprintf(out, "\\fB\\-%c\\fR, ", row->letter);
	fputs("\\fB\\-\\-", out);
	put_typed_text(out, row->name);
	fputs("\\fR", out);
	if (row->value)
		fprintf(out, " \\fI%s\\fR", row->value);
	fputc('\n', out);
	put_sentence(out, row->help);
	put_details(out, row->name);
}

/* Of a page's own; those of every command are on the first page alone. */
static void put_options(FILE *out, const char *arg)
{
	unsigned int bits = command_bits(arg);
	bool none = true;

	for (size_t i = 0; i < n_option_rows; i++) {
		unsigned int owners = option_rows[i].commands;

		if (bits == ANY ? owners != ANY : owners == ANY || !(owners & bits))
			continue;
		put_option(out, &option_rows[i]);
		none = false;
	}
	if (bits == ANY)
		return;
	fputs(none ? "" : ".PP\n", out);
	fputs("Every command also takes those of \\fBconcprof\\fR(1).\n", out);
}

/* Which page has an option. */
static void put_index(FILE *out, const char *arg)
{
	(void)arg;
	for (size_t i = 0; i < n_option_rows; i++) {
		unsigned int owners = option_rows[i].commands;
		bool first = true;

		if (owners == ANY)
			continue;
		if (!i || owners != option_rows[i - 1].commands) {
			fputs(".TP\n", out);
			for (size_t k = 0; k < N_COMMANDS; k++) {
				if (!(owners & 1u << k))
					continue;
				fprintf(out, "%s\\fBconcprof\\-%s\\fR(1)", first ? "" : ", ",
					command_rows[k].name);
				first = false;
			}
			fputc('\n', out);
		}
		fputs("\\fB\\-\\-", out);
		put_typed_text(out, option_rows[i].name);
		fputs(i + 1 < n_option_rows && option_rows[i + 1].commands == owners ? "\\fR,\n"
										     : "\\fR\n",
		      out);
	}
}

static void put_commands(FILE *out, const char *arg)
{
	(void)arg;
	for (size_t i = 0; i < N_COMMANDS; i++) {
		fprintf(out, ".TP\n\\fBconcprof\\-%s\\fR(1)\n", command_rows[i].name);
		put_sentence(out, command_rows[i].help);
	}
}

static void put_formats(FILE *out, const char *arg)
{
	unsigned int bits = command_bits(arg);

	for (const struct report_format *f = report_formats; f->name; f++) {
		for (size_t i = 0; i < N_COMMANDS; i++) {
			if (!(bits & 1u << i) || !takes_format(i, f))
				continue;
			fprintf(out, ".TP\n\\fB%s\\fR\n", f->name);
			put_sentence(out, f->help);
			break;
		}
	}
}

/* The other pages. */
static void put_pages(FILE *out, const char *arg)
{
	unsigned int bits = command_bits(arg);

	if (bits != ANY)
		fputs("\\fBconcprof\\fR(1),\n", out);
	for (size_t i = 0, n = 0; i < N_COMMANDS; i++) {
		if (bits == 1u << i)
			continue;
		fprintf(out, "%s\\fBconcprof\\-%s\\fR(1)", n++ ? ",\n" : "", command_rows[i].name);
	}
	fputc('\n', out);
}

const struct directive man_directives[] = {
	{ "page", put_page },	    { "options", put_options },	  { "index", put_index },
	{ "pages", put_pages },	    { "commands", put_commands }, { "formats", put_formats },
	{ "example", put_example }, { "end", put_end },		  { 0 },
};
