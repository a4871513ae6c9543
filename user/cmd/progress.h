/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A person who waits for longer than a second is told what for: one line on the terminal that is standard
 * error, each second anew. Nothing where that is no terminal. One at a time.
 */
#include <stdbool.h>

/* doing: "reading the recording"; it has to stay. Not wanted: nothing is said. */
void progress_begin(bool wanted, const char *doing);
/* Takes the line away again; also if none was begun. */
void progress_end(void);
