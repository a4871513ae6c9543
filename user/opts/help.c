// SPDX-License-Identifier: BSD-2-Clause
/* --help, from the tables. */
#include <string.h>

#include "opts/options.h"

static void put_owners(FILE *out, unsigned int commands)
{
	char names[64];

	if (commands == ANY)
		fputc('\n', out);
	else
		fprintf(out, "\nOnly of %s:\n", command_names(names, sizeof(names), commands));
}

static void put_option(FILE *out, const struct option_row *row)
{
	char left[40];

	snprintf(left, sizeof(left), "%c%c%s --%s%s%s", row->letter ? '-' : ' ',
		 row->letter ? row->letter : ' ', row->letter ? "," : " ", row->name,
		 row->value ? " " : "", row->value ? row->value : "");
	fprintf(out, "  %-26s %s\n", left, row->help);
}

static void put_command(FILE *out, const struct command_row *row)
{
	char left[60];

	/* Its name may be left out of what is meant most. */
	snprintf(left, sizeof(left),
		 row == &command_rows[COMMAND_RUN] ? "[%s] [OPTIONS] %s" : "%s %s", row->name,
		 row->usage);
	fprintf(out, "  concprof %-34s %s\n", left, row->help);
}

void opts_help(FILE *out)
{
	fputs("concprof: where every nanosecond of every thread of a program went\n\n", out);
	for (size_t i = 0; i < N_COMMANDS; i++)
		put_command(out, &command_rows[i]);
	fputc('\n', out);
	for (size_t i = 0; i < n_option_rows; i++) {
		if (i && option_rows[i].commands != option_rows[i - 1].commands)
			put_owners(out, option_rows[i].commands);
		put_option(out, &option_rows[i]);
	}
	fputs("\nFormats:\n", out);
	for (const struct report_format *f = report_formats; f->name; f++)
		fprintf(out, "  %-26s %s\n", f->name, f->help);
	fputs("\nExit status: the command's own; 125 if concprof failed, 126 if the command cannot "
	      "be\n"
	      "executed, 127 if it was not found; 99 if it would be 0 and a condition holds.\n",
	      out);
}
