// SPDX-License-Identifier: BSD-2-Clause
#include "launch/explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Names are cut so that the remedy behind them is not: a struct err holds 511 bytes. */
#define NAME "'%.150s'"

static int explain_missing(const struct child_report *report, const struct explain_names *names,
			   struct err *err)
{
	const char *command = names->command;

	if (!*command)
		return err_set(err, -ENOENT, "the command is empty: name a program after '--'");
	if (strchr(command, '/'))
		return err_set(err, -report->error,
			       "command " NAME " not found: %s; check the path", command,
			       strerror(report->error));
	if (report->here)
		return err_set(err, -ENOENT,
			       "command " NAME " not found in PATH, but it is in this directory: "
			       "run './%.150s'",
			       command, command);
	if (strpbrk(command, " \t|&;"))
		return err_set(err, -ENOENT,
			       "command " NAME " not found in PATH: for a line of shell use "
			       "sh -c '...'",
			       command);
	if (names->secure_path)
		return err_set(err, -ENOENT,
			       "command " NAME " not found in PATH, which sudo has set to its own: "
			       "give the command's full path",
			       command);
	return err_set(err, -ENOENT,
		       "command " NAME " not found in PATH: check its name, or give its full path",
		       command);
}

static int explain_denied(const struct child_report *report, const struct explain_names *names,
			  struct err *err)
{
	const char *path = names->path;
	const char *user = names->user ? names->user : "you";

	if (report->file == CHILD_FILE_HIDDEN)
		return err_set(err, -EACCES,
			       "cannot execute " NAME ": permission denied: %.40s may not search a "
			       "directory above it; see 'namei -l'",
			       path, user);
	if (!report->executable)
		return err_set(err, -EACCES,
			       "cannot execute " NAME ": permission denied: it is not executable; "
			       "run chmod +x on it",
			       path);
	if (report->noexec)
		return err_set(err, -EACCES,
			       "cannot execute " NAME ": permission denied: its file system is "
			       "mounted noexec; copy it elsewhere",
			       path);
	if (report->file == CHILD_FILE_SCRIPT)
		return err_set(err, -EACCES,
			       "cannot execute " NAME ": permission denied to %.40s for it or its "
			       "interpreter " NAME "; check both with ls -lL",
			       path, user, report->interpreter);
	return err_set(err, -EACCES,
		       "cannot execute " NAME
		       ": permission denied to %.40s; check its mode and owner "
		       "with ls -l",
		       path, user);
}

/* The file is there, so it is what the file itself asks for that is not. */
static int explain_interpreter(const struct child_report *report, const struct explain_names *names,
			       struct err *err)
{
	const char *name = report->interpreter;

	if (report->file != CHILD_FILE_SCRIPT)
		return err_set(err, -ENOEXEC,
			       "cannot execute " NAME
			       ": its dynamic loader was not found: it was built "
			       "for another system or C library; see 'file' on it",
			       names->path);
	if (*name && name[strlen(name) - 1] == '\r')
		return err_set(err, -ENOEXEC,
			       "cannot execute " NAME
			       ": its first line ends in a carriage return, so "
			       "its interpreter " NAME " was not found; convert it with dos2unix",
			       names->path, name);
	return err_set(err, -ENOEXEC,
		       "cannot execute " NAME ": its interpreter " NAME
		       " was not found; install it or "
		       "correct the script's first line",
		       names->path, name);
}

static int explain_other(const struct child_report *report, const struct explain_names *names,
			 struct err *err)
{
	const char *remedy;

	switch (report->error) {
	case ENOEXEC:
		return err_set(
			err, -ENOEXEC, "cannot execute " NAME ": exec format error: %s",
			names->path,
			report->file == CHILD_FILE_ELF
				? "it was built for another architecture; rebuild it for this one"
				: "it has no #! line; add one, such as #!/bin/sh");
	case E2BIG:
		remedy = "pass fewer or shorter arguments and variables";
		break;
	case ETXTBSY:
		remedy = "something has it open for writing; try again when that is done";
		break;
	default:
		remedy = "check that it runs without concprof";
	}
	return err_set(err, -report->error, "cannot execute " NAME ": %s; %s", names->path,
		       strerror(report->error), remedy);
}

int launch_explain(const struct child_report *report, const struct explain_names *names,
		   struct err *err)
{
	switch (report->file) {
	case CHILD_FILE_MISSING:
		return explain_missing(report, names, err);
	case CHILD_FILE_DIRECTORY:
		return err_set(err, -EACCES,
			       "cannot execute " NAME ": it is a directory; name a program in it",
			       names->path);
	case CHILD_FILE_HIDDEN:
	case CHILD_FILE_SCRIPT:
	case CHILD_FILE_ELF:
	case CHILD_FILE_OTHER:
		break;
	}
	if (report->error == EACCES)
		return explain_denied(report, names, err);
	if (report->error == ENOENT)
		return explain_interpreter(report, names, err);
	return explain_other(report, names, err);
}
