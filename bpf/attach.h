/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What is taken over from what runs already: see attach.bpf.c. */
#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

/* Which tasks. */
enum attach_which {
	ATTACH_TO_NONE = 0, /* nothing is attached to */
	ATTACH_TO_PIDS,	    /* processes whose pids are in the map `attach_pids` */
	ATTACH_TO_CGROUP,   /* all that are in the cgroup `attach_cgroup`, or below it */
	ATTACH_TO_ALL,	    /* all but concprof's own and the kernel's */
};

/* A process of which threads were taken over. */
struct attached {
	__u64 process_id;
	__u32 pid; /* as concprof's own PID namespace numbers it */
	__u32 uid; /* effective */
	char comm[16];
};
