/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What becomes of the conditions of --fail-on. */
#include "analysis/findings.h"
#include "opts/opts.h"

/* Says on standard error which of them hold or cannot be decided, whatever else is said.
 * 0, or the exit status if all else went well. */
int gates_status(const struct gate_result *results, size_t n, const struct opts *o);
