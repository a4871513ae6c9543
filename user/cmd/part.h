/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Where a recording grows: PATH.part, which becomes PATH when it is complete. If concprof is
 * killed it stays, and is a recording that is cut; the next one to PATH takes its place.
 */
#include "base/err.h"
#include "cmd/target.h"

/* As target_open(); what is no regular file is opened straight. The file is locked until fd is
 * closed: commit it before. -errno, with err filled: nothing is left behind. */
int part_open(struct target *t, const char *path, struct err *err);
