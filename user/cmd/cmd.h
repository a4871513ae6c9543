/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The subcommands. Each prints its own errors and returns concprof's exit status. */
#include "launch/signals.h"
#include "opts/opts.h"

#define STATUS_FAILED 125 /* concprof itself failed */

int cmd_run(const struct opts *o, const struct launch_signals *inherited);
int cmd_attach(const struct opts *o);
int cmd_report(const struct opts *o);
int cmd_diff(const struct opts *o);
int cmd_why(const struct opts *o);
int cmd_check(void);
