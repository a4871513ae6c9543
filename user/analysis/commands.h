/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Command lines as names by which runs are compared. */
#include "model/model.h"

#define COMMAND_MAX    1000 /* bytes; the rest of a longer one tells nothing apart */
#define COMMAND_OTHERS " (other command lines)"

enum command_detail {
	COMMAND_FULL,	 /* all words, the program without its folder */
	COMMAND_LOOSE,	 /* names of temporary files and longer numbers are "*" */
	COMMAND_PROGRAM, /* the program, and that it is the rest of its command lines */
};

/* Any bytes; to be freed. */
char *command_name(const struct process *p, enum command_detail detail);
/* Any words, as COMMAND_LOOSE has them; to be freed. */
char *command_loose(const char *words);
/* Bytes of a name that are the program. */
size_t command_program(const char *name);
/* The same name without the words that the first and the last of the same program, in order of
 * their bytes, have both at their beginning: "cc1 … a.c". To be freed. */
char *command_brief(const char *name, const char *first, const char *last);
