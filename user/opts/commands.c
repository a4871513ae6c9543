// SPDX-License-Identifier: BSD-2-Clause
/* The table of the commands, and which formats each takes. */
#include <string.h>

#include "opts/options.h"

const struct command_row command_rows[N_COMMANDS] = {
	[COMMAND_RUN] = { "run", "-- COMMAND ...", "profile a command and its descendants",
			  OPERAND_COMMAND },
	[COMMAND_RECORD] = { "record", "-o FILE -- COMMAND ...",
			     "keep the measurement, and say nothing", OPERAND_COMMAND },
	[COMMAND_REPORT] = { "report", "FILE", "what was recorded, in any format",
			     OPERAND_RECORDINGS },
	[COMMAND_DIFF] = { "diff", "BASE... --vs HEAD...", "what changed, and whether by chance",
			   OPERAND_RECORDINGS },
	[COMMAND_WHY] = { "why", "PID[,PID...]", "what each thread waits for right now",
			  OPERAND_PIDS },
	[COMMAND_ATTACH] = { "attach", "-p PID | --cgroup PATH | -a", "profile what runs already",
			     OPERAND_NONE },
	[COMMAND_CHECK] = { "check", "", "what this kernel and these privileges allow",
			    OPERAND_NONE },
};

bool takes_format(enum opts_command command, const struct report_format *format)
{
	switch (command) {
	case COMMAND_DIFF:
		return format->write_diff;
	case COMMAND_WHY:
		return !strcmp(format->name, "text") || !strcmp(format->name, "json");
	case COMMAND_REPORT:
		return format->write;
	default:
		return true;
	}
}
