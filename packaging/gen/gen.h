/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Manual pages and completions: a file of words, in which each line "@NAME ARG" stands for what
 * the tables of the options know. All functions of the tables end the program if they cannot.
 */
#include <stdio.h>

#include "opts/options.h"

struct directive {
	const char *name;
	void (*put)(FILE *out, const char *arg);
};

/* Ended by a row without a name. */
extern const struct directive man_directives[], shell_directives[];

/* What a page says of an option beside the table's words; the file has it below "@option NAME". */
extern const char *details_path;

__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *fmt, ...);
FILE *open_or_fail(const char *path);

/* The command of that name, as a bit for options; "-": what any takes. */
unsigned int command_bits(const char *name);
/* The same for what stands before a command's name: those of run, and of attach without it. */
#define UNNAMED (1u << COMMAND_RUN | 1u << COMMAND_ATTACH)

/* A line of prose: `words to type` and *names of values*; others begin with a macro. */
void man_put_line(FILE *out, const char *line);
