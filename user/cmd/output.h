/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Reports to files: whole or not at all. */
#include "analysis/findings.h"
#include "base/err.h"
#include "opts/opts.h"

/* Can the file be written? Leaves nothing behind. Called before the command runs, as who writes. */
int output_try(const struct opts_output *out, struct err *err);

/* What is written: one of these. */
struct document {
	const struct findings *findings;
	const struct diff *diff;
};

/* Writes one report. A regular file appears under its name only when it is complete. */
int output_write(const struct opts_output *out, const struct document *doc, const struct opts *o,
		 struct err *err);
