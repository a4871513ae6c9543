// SPDX-License-Identifier: BSD-2-Clause
/* Completions: tables in the words of bash, zsh and fish, for what stands in packaging/completion. */
#include <string.h>

#include "packaging/gen/gen.h"

/* What completes a value of that name. */
static const struct value {
	const char *name, *kind;
} values[] = {
	{ "FILE", "file" },  { "PATH", "folder" },	 { "FORMAT", "format" },
	{ "USER", "user" },  { "PID[,PID...]", "pids" }, { "WHEN", "color" },
	{ "N", "nothing" },  { "EXPR", "nothing" },	 { "SECONDS", "nothing" },
	{ NULL, "nothing" },
};

static const char *kind_of(const struct option_row *row)
{
	const struct value *v = values;

	while (v->name && strcmp(v->name, row->value))
		v++;
	if (!v->name)
		fail("--%s: add to packaging/gen/shell.c what completes %s", row->name, row->value);
	return v->kind;
}

/* Between single quotes of all three; also: a character more to be quoted. */
static void put_quoted(FILE *out, const char *text, const char *quote, char also)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(quote, out);
		else if (*text == also)
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

/* 'NAME:HELP' */
static void put_described(FILE *out, const char *name, const char *help)
{
	fprintf(out, " '%s:", name);
	put_quoted(out, help, "'\\''", 0);
	fputc('\'', out);
}

/* --- bash and zsh: branches of a case ------------------------------------------------------ */

static void put_kinds(FILE *out, const char *arg)
{
	(void)arg;
	for (size_t i = 0; i < n_option_rows; i++) {
		const struct option_row *row = &option_rows[i];

		if (!row->value)
			continue;
		fprintf(out, "\t--%s", row->name);
		if (row->letter)
			fprintf(out, " | -%c", row->letter);
		fprintf(out, ") kind='%s' ;;\n", kind_of(row));
	}
}

static void put_operands(FILE *out, const char *arg)
{
	static const char *const kinds[] = { [OPERAND_NONE] = "nothing",
					     [OPERAND_COMMAND] = "command",
					     [OPERAND_RECORDINGS] = "file",
					     [OPERAND_PIDS] = "pids" };

	(void)arg;
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "\t%s) kind='%s' ;;\n", command_rows[i].name,
			kinds[command_rows[i].operand]);
}

/* Each command's words; before its name, those of what it may be. */
static void put_branches(FILE *out, void (*put)(FILE *out, unsigned int bits))
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		fprintf(out, "\t%s)", command_rows[i].name);
		put(out, 1u << i);
		fputs(" ;;\n", out);
	}
	fputs("\t*)", out);
	put(out, UNNAMED);
	fputs(" ;;\n", out);
}

static void put_option_words(FILE *out, unsigned int bits)
{
	fputs(" words='", out);
	for (size_t i = 0, n = 0; i < n_option_rows; i++) {
		const struct option_row *row = &option_rows[i];

		if (!(row->commands & bits))
			continue;
		fprintf(out, "%s--%s", n++ ? " " : "", row->name);
		if (row->letter)
			fprintf(out, " -%c", row->letter);
	}
	fputc('\'', out);
}

static bool any_takes(unsigned int bits, const struct report_format *f)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (bits & 1u << i && takes_format(i, f))
			return true;
	}
	return false;
}

static void put_format_words(FILE *out, unsigned int bits)
{
	fputs(" words='", out);
	for (const struct report_format *f = report_formats; f->name; f++) {
		if (any_takes(bits, f))
			fprintf(out, "%s%s", f == report_formats ? "" : " ", f->name);
	}
	fputc('\'', out);
}

static void put_bash_options(FILE *out, const char *arg)
{
	(void)arg;
	put_branches(out, put_option_words);
}

static void put_bash_formats(FILE *out, const char *arg)
{
	(void)arg;
	put_branches(out, put_format_words);
}

/* "words=" or the beginning of a command whose argument they are. */
static void put_before(FILE *out, const char *arg)
{
	size_t n = strlen(arg);

	fprintf(out, "%s%s", arg, n && arg[n - 1] == '=' ? "" : " ");
}

static void put_names(FILE *out, const char *arg)
{
	put_before(out, arg);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(out, "%s%s", i ? " " : "'", command_rows[i].name);
	fputs("'\n", out);
}

static void put_colors(FILE *out, const char *arg)
{
	put_before(out, arg);
	for (const char *const *word = color_names; *word; word++)
		fprintf(out, "%s%s", word == color_names ? "'" : " ", *word);
	fputs("'\n", out);
}

/* --- zsh: what _arguments and _describe take ----------------------------------------------- */

static void put_spec(FILE *out, const struct option_row *row)
{
	const char *joined = row->value ? "+" : "", *with = row->value ? "=" : "";

	/* Some may be given again, and none is refused. */
	if (row->letter)
		fprintf(out, "\n\t\t'*'{-%c%s,--%s%s}'[", row->letter, joined, row->name, with);
	else
		fprintf(out, "\n\t\t'*--%s%s[", row->name, with);
	put_quoted(out, row->help, "'\\''", ']');
	fputc(']', out);
	if (row->value)
		fprintf(out, ":%s:_concprof_%s", row->value, kind_of(row));
	fputc('\'', out);
}

static void put_specs(FILE *out, unsigned int bits)
{
	fputs(" specs=(", out);
	for (size_t i = 0; i < n_option_rows; i++) {
		if (option_rows[i].commands & bits)
			put_spec(out, &option_rows[i]);
	}
	fputc(')', out);
}

static void put_zsh_options(FILE *out, const char *arg)
{
	(void)arg;
	put_branches(out, put_specs);
}

static void put_described_formats(FILE *out, unsigned int bits)
{
	fputs(" rows=(", out);
	for (const struct report_format *f = report_formats; f->name; f++) {
		if (any_takes(bits, f))
			put_described(out, f->name, f->help);
	}
	fputc(')', out);
}

static void put_zsh_formats(FILE *out, const char *arg)
{
	(void)arg;
	put_branches(out, put_described_formats);
}

static void put_zsh_commands(FILE *out, const char *arg)
{
	fprintf(out, "%s(", arg);
	for (size_t i = 0; i < N_COMMANDS; i++)
		put_described(out, command_rows[i].name, command_rows[i].help);
	fputs(")\n", out);
}

/* --- fish: a line each --------------------------------------------------------------------- */

static void put_fish_help(FILE *out, const char *help)
{
	fputs(" -d '", out);
	put_quoted(out, help, "\\'", '\\');
	fputs("'\n", out);
}

/* "run record", and "none" for before a command's name. */
static void put_owners(FILE *out, unsigned int bits)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (bits & 1u << i)
			fprintf(out, " %s", command_rows[i].name);
	}
	if (bits & UNNAMED)
		fputs(" none", out);
}

static void put_fish_value(FILE *out, const char *kind)
{
	if (!strcmp(kind, "file"))
		fputs(" -r -F", out);
	else if (!strcmp(kind, "nothing"))
		fputs(" -x", out);
	else
		fprintf(out, " -x -a '(__concprof_%s)'", kind);
}

static void put_fish_options(FILE *out, const char *arg)
{
	(void)arg;
	for (size_t i = 0; i < n_option_rows; i++) {
		const struct option_row *row = &option_rows[i];

		fputs("complete -c concprof -n '__concprof_in", out);
		put_owners(out, row->commands);
		fprintf(out, "' -l %s", row->name);
		if (row->letter)
			fprintf(out, " -s %c", row->letter);
		if (row->value)
			put_fish_value(out, kind_of(row));
		put_fish_help(out, row->help);
	}
}

static void put_fish_values(FILE *out, const char *arg)
{
	fputs(arg, out);
	for (size_t i = 0; i < n_option_rows; i++) {
		if (!option_rows[i].value)
			continue;
		fprintf(out, " --%s", option_rows[i].name);
		if (option_rows[i].letter)
			fprintf(out, " -%c", option_rows[i].letter);
	}
	fputc('\n', out);
}

static void put_fish_commands(FILE *out, const char *arg)
{
	(void)arg;
	for (size_t i = 0; i < N_COMMANDS; i++) {
		fprintf(out, "complete -c concprof -n '__concprof_in none' -a %s",
			command_rows[i].name);
		put_fish_help(out, command_rows[i].help);
	}
}

static void put_fish_formats(FILE *out, const char *arg)
{
	(void)arg;
	for (const struct report_format *f = report_formats; f->name; f++) {
		unsigned int bits = 0;

		for (size_t i = 0; i < N_COMMANDS; i++)
			bits |= takes_format(i, f) ? 1u << i : 0;
		fputs("\t__concprof_in", out);
		put_owners(out, bits);
		fprintf(out, "; and echo '%s\t", f->name);
		put_quoted(out, f->help, "\\'", '\\');
		fputs("'\n", out);
	}
}

const struct directive shell_directives[] = {
	{ "kinds", put_kinds },
	{ "operands", put_operands },
	{ "names", put_names },
	{ "colors", put_colors },
	{ "bash-options", put_bash_options },
	{ "bash-formats", put_bash_formats },
	{ "zsh-options", put_zsh_options },
	{ "zsh-formats", put_zsh_formats },
	{ "zsh-commands", put_zsh_commands },
	{ "fish-options", put_fish_options },
	{ "fish-values", put_fish_values },
	{ "fish-commands", put_fish_commands },
	{ "fish-formats", put_fish_formats },
	{ 0 },
};
