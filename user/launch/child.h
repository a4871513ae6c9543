/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "launch/signals.h"
#include "launch/user.h"

#include <limits.h>
#include <stdbool.h>

/* What the held child tells its parent, one packet each; an exec that succeeds ends the stream. */
enum child_report_kind {
	CHILD_HELD,    /* it waits; error says whether the command looks as if it can be run */
	CHILD_REFUSED, /* it could not be set up; it has exited */
	CHILD_TRYING,  /* an earlier path failed: this one is next */
	CHILD_FAILED,  /* exec failed; it has exited */
};

enum child_file {
	CHILD_FILE_MISSING,
	CHILD_FILE_HIDDEN, /* a directory above it may not be searched */
	CHILD_FILE_DIRECTORY,
	CHILD_FILE_SCRIPT, /* begins with #! */
	CHILD_FILE_ELF,
	CHILD_FILE_OTHER,
};

struct child_report {
	enum child_report_kind kind;
	int error;   /* an errno, or 0 */
	size_t path; /* index into the plan's */
	enum child_file file;
	bool executable; /* by its mode */
	bool noexec;	 /* its file system is mounted so */
	bool here;	 /* a bare name that was not found in PATH is in the current directory */
	char interpreter[256];
};

/* All that the child needs, made before it exists: whatever it does after its release is measured. */
struct child_plan {
	int channel;	    /* the child's end of a SOCK_SEQPACKET pair */
	char *const *paths; /* from launch_search() */
	size_t n_paths;
	char *const *argv;
	char *const *envp;
	const struct launch_user *user; /* NULL: nobody else */
	const struct launch_signals *signals;
};

/*
 * The held child's life: it takes on the user, reports, waits for one packet, restores the signal
 * mask and executes. If the channel ends first, so does it. All signals must be blocked when it is
 * called: what arrives meanwhile, Ctrl-C for one, then meets it with the workload's dispositions.
 */
_Noreturn void launch_child(const struct child_plan *plan);
