// SPDX-License-Identifier: BSD-2-Clause
/*
 * gen man PAGE DETAILS, gen shell TEMPLATE: the file to standard output, with what its
 * directives stand for.
 */
#include "packaging/gen/gen.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *details_path;

void fail(const char *fmt, ...)
{
	va_list ap;

	fputs("gen: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

FILE *open_or_fail(const char *path)
{
	FILE *f = fopen(path, "re");

	if (!f)
		fail("cannot open '%s': %m", path);
	return f;
}

unsigned int command_bits(const char *name)
{
	if (!strcmp(name, "-"))
		return ANY;
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (!strcmp(name, command_rows[i].name))
			return 1u << i;
	}
	fail("there is no command '%s'", name);
}

static void expand(FILE *out, const struct directive *all, char *line)
{
	char *name = strsep(&line, " ");

	for (; all->name; all++) {
		if (strcmp(all->name, name))
			continue;
		all->put(out, line ?: "");
		return;
	}
	fail("there is no directive '@%s'", name);
}

static void put_literally(FILE *out, const char *line)
{
	fprintf(out, "%s\n", line);
}

int main(int argc, char **argv)
{
	bool man = argc == 4 && !strcmp(argv[1], "man");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	FILE *in;

	if (!man && (argc != 3 || strcmp(argv[1], "shell")))
		fail("usage: gen man PAGE DETAILS | gen shell TEMPLATE");
	details_path = argv[3];
	in = open_or_fail(argv[2]);
	while ((n = getline(&line, &room, in)) >= 0) {
		if (n && line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (*line == '@')
			expand(stdout, man ? man_directives : shell_directives, line + 1);
		else
			(man ? man_put_line : put_literally)(stdout, line);
	}
	if (ferror(in) || fflush(stdout) || ferror(stdout))
		fail("cannot read '%s' or write what it gives: %m", argv[2]);
	free(line);
	fclose(in);
	return 0;
}
