/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What golden.c and golden_diff.c share. */
#include "analysis/gate.h"
#include "report/report.h"
#include "stream.h"

struct tally {
	unsigned int passed, failed;
	bool update;
};

void say(struct tally *t, bool good, const char *name, const char *what, const char *why);
/* To be freed; NULL: it cannot be read. */
char *read_all(const char *path);
/* Is that in the file? With t->update: from now on it is. */
/* Takes out of an HTML page what all of them bring along: style and script. */
void cut_page(char *text);
void compare(struct tally *t, const char *path, const char *name, const char *got);
/* NULL: it is safe to show. */
const char *text_problem(const char *text, const struct report_opts *opts);
/* Those of the case, valid until the next. */
const struct gates *read_gates(struct tally *t, const char *dir, const char *name, bool of_diff);

/* golden_diff.c */
void run_diff(struct tally *t, const char *dir);
