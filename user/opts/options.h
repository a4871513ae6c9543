/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the parser, --help, the manual pages and the completions of shells share. */
#include <limits.h>

#include "opts/opts.h"

/* Commands that take an option, by 1 << enum opts_command. */
#define MEASURE (1u << COMMAND_RUN | 1u << COMMAND_RECORD)
#define COMPARE (1u << COMMAND_DIFF)
#define READ	(1u << COMMAND_REPORT | COMPARE)
#define LOOK	(1u << COMMAND_WHY)
#define JOIN	(1u << COMMAND_ATTACH)
#define LIVE	(MEASURE | JOIN)
#define ANY	UINT_MAX

struct option_row {
	const char *name;
	char letter;	       /* 0: none */
	unsigned int commands; /* that take it */
	const char *value;     /* what it takes, for --help; NULL: nothing */
	const char *help;
	/* Sets it; value is NULL for one that takes none. */
	int (*apply)(struct opts *o, const char *name, const char *value, struct err *err);
};

/* What stands behind a command's options. */
enum opts_operand { OPERAND_NONE, OPERAND_COMMAND, OPERAND_RECORDINGS, OPERAND_PIDS };

struct command_row {
	const char *name;
	const char *usage; /* what stands behind it, and behind [OPTIONS] */
	const char *help;
	enum opts_operand operand;
};

#define N_COMMANDS (COMMAND_CHECK + 1)
extern const struct command_row command_rows[N_COMMANDS];

/* Whether --format may name it. */
bool takes_format(enum opts_command command, const struct report_format *format);

/* What --color takes, by enum opts_color; ended by NULL. */
extern const char *const color_names[];

/* Those of the same commands stand together. */
extern const struct option_row option_rows[];
extern const size_t n_option_rows;

#define OPTION_ROWS_MAX 32

/* "12" or "12,13" */
int take_pids(struct opts *o, const char *text, struct err *err);

/* "run and record". Returns buf; 64 bytes are enough. */
char *command_names(char *buf, size_t size, unsigned int commands);
