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

/* All that is to be written of a model, text on standard output unless something else was asked
 * for; frees it. 0 with the exit status in *ret_status, or a negative errno with err filled. */
int output_model(struct model *m, const struct opts *o, int *ret_status, struct err *err);

/* Whether what was printed has come to standard output: 0; or STATUS_FAILED, and that is said. */
int output_said(void);
