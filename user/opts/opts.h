/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * argv to options. One table makes the parser and --help. Pure but for reading
 * argv; what it returns points into it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "analysis/gate.h"
#include "base/err.h"
#include "report/report.h"

enum opts_command {
	COMMAND_RUN,
	COMMAND_RECORD,
	COMMAND_REPORT,
	COMMAND_DIFF,
	COMMAND_WHY,
	COMMAND_ATTACH,
	COMMAND_CHECK,
	COMMAND_HELP,
	COMMAND_VERSION,
};
enum opts_color { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

#define OPTS_OUTPUTS 16
#define OPTS_FILES   128
#define OPTS_PIDS    1024

struct opts_output {
	const struct report_format *format;
	const char *path; /* NULL: where text goes by itself; "-": standard output */
	bool is_plain;	  /* an -o without a --format */
};

struct opts {
	enum opts_command command;
	struct opts_output outputs[OPTS_OUTPUTS];
	size_t n_outputs;
	uint64_t duration_ns; /* 0: until the command ends */
	uint64_t linger_ns;
	uint64_t hang_ns; /* 0: it may stand still */
	const char *user; /* of -u; NULL: not given */
	bool as_root, all_calls, timeline, live, debuginfod, quiet, verbose;
	enum opts_color color;
	unsigned int top; /* UINT_MAX: all */
	uint32_t given;	  /* options, by their place in the table */
	const char *fail_on[GATES_MAX];
	size_t n_fail_on;
	struct gates gates;	       /* the same, understood */
	int error_exitcode;	       /* if one of them holds and all else went well */
	char *const *argv;	       /* the command to run, NULL-terminated */
	const char *files[OPTS_FILES]; /* recordings; of diff: the base, then the head */
	size_t n_base, n_head;	       /* of report: 1 and 0 */
	bool has_vs;
	pid_t pids[OPTS_PIDS]; /* of why and attach */
	size_t n_pids;
	const char *cgroup; /* of attach; NULL: none */
	bool all_processes;
};

/* -EINVAL with one line that names the option, the value and the remedy. */
int opts_parse(struct opts *ret, int argc, char **argv, struct err *err);
void opts_help(FILE *out);
