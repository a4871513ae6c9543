/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <linux/types.h>
#include <sys/types.h>

/* The tightest CPU limit on the cgroups of a process, from its own up to the root, of cgroup
 * version 1 or 2: microseconds of CPU time in each period; both -1 if there is none. pid 0: of this one. */
void quota_read(pid_t pid, __s64 *ret_quota_us, __s64 *ret_period_us);
