/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "base/err.h"
#include "launch/child.h"

/* What an explanation names beside the report; all borrowed. */
struct explain_names {
	const char *command; /* as given */
	const char *path;    /* the one the report is about */
	const char *user;    /* whom the command was to run as; NULL: ourselves */
	bool secure_path;    /* PATH is the one that sudo set, not the user's */
};

/*
 * Says in one line why the command could not be executed, and what to do. Returns the code for it:
 * -ENOENT and other path errors if there is no such file, and never those if there is one.
 */
int launch_explain(const struct child_report *report, const struct explain_names *names,
		   struct err *err);
