/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What a target is called: the same from run to run. */
#include <stddef.h>

#include "event/event.h"

#define TARGET_NAME_SIZE (TARGET_TEXT + 64)
#define END_NAME_SIZE	 128

/* Returns buf. A path is as the program has it: whatever shows it must escape it. */
char *target_name(char *buf, size_t size, const struct ev_target *t, enum cause cause);
/* One end of a socket: "10.0.0.1:5432", "[::1]:80", "*:80" for any address, "/run/x", "@x"; "": it has
 * none. Returns buf. */
char *target_local(char *buf, size_t size, const struct ev_target *t);
char *target_peer(char *buf, size_t size, const struct ev_target *t);
/* What both ends of it have in common, if the other one is on this machine: "pipe:[4711]", "tcp port 80",
 * "unix /run/x"; "": nothing is known. Returns buf. */
char *target_channel(char *buf, size_t size, const struct ev_target *t, enum cause cause);
/* Of a long path the end says more than the beginning: as many of its last parts as fit, one at least. */
const char *target_end_of(const char *path, size_t most);
/* A path in the file system; NULL: it has none. */
const char *target_path(const struct ev_target *t);
