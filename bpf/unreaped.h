/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* A process that is dead and not reaped: see unreaped.bpf.c. */
#ifndef __bpf__
#include <linux/types.h>
#endif

struct dead_child {
	__u32 pid, parent; /* as concprof's own PID namespace numbers them */
	__u64 started;	   /* tells it from another one of that number */
	char comm[16];
};
