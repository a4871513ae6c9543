/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include "base/err.h"

/*
 * Whether debug information can be had from servers: 0; -ENOENT without their library, -ENOTSUP in a
 * program that is linked statically, with err filled.
 */
int debuginfod_check(struct err *err);

/* A descriptor of the debug information of the object with this build id of n bytes; negative: none. */
int debuginfod_find(const void *id, int n);
