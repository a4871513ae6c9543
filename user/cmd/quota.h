/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <linux/types.h>

/* The tightest CPU limit on our cgroups, from our own up to the root, of cgroup
 * version 1 or 2: microseconds of CPU time in each period; both -1 if there is none. */
void quota_read(__s64 *ret_quota_us, __s64 *ret_period_us);
