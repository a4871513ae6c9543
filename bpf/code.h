/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the probes see of the program's code: the registers and the top of the stack of a
 * thread, before anything has a name. Not part of the stream: user space makes events of
 * it (user/sym), as long as the files can be had.
 */
#include "event.h"

enum code_what {
	CODE_WAIT = 1,	 /* a thread begins to wait */
	CODE_WAITED = 2, /* the wait that it was seen in last has ended */
	CODE_CPU = 3,	 /* it was found computing, by the clock */
};

#if defined(__TARGET_ARCH_arm64) || defined(__aarch64__)
#define CODE_REGS 34 /* struct user_pt_regs */
#else
#define CODE_REGS 21 /* struct pt_regs of x86-64, as in <sys/user.h> */
#endif

/* Of the stack, from its pointer on: what was read of it, up to the end of a page. */
#define CODE_STACK 8192

struct code_stack {
	__u32 what; /* enum code_what */
	__u32 n_bytes;
	__u64 at; /* CLOCK_MONOTONIC */
	__u64 thread_id, process_id;
	__u32 tid, pid;
	__u32 cause;	   /* CODE_WAIT: enum cause, and its time up to now */
	__u32 weight;	   /* ... for how many waits like it this one stands; CODE_CPU: 1 */
	__u64 cause_ns;	   /* ... */
	__u32 in_kernel;   /* CODE_CPU: it was in a system call or a fault */
	__u32 cause_count; /* CODE_WAIT: ... and how many, this one included */
	__u64 regs[CODE_REGS];
	__u8 bytes[CODE_STACK];
};

struct code_waited {
	__u32 what;
	__u32 row; /* enum wall_row: what it has waited for */
	__u64 thread_id;
	__u64 ns;
};

/*
 * Which waits are looked at. A thread's waits are divided by where it calls from, as far as
 * that can be told for nothing, and in each part the first ones are all looked at, then one
 * in so many, by chance: a fixed step could be in step with the program. Whichever part a
 * wait falls into, a sample stands for all waits of its part since the one before.
 */
#define SITE_PARTS 8
#define SITE_FIRST 128 /* waits of a part of which each is looked at */
#define SITE_MOST  64  /* one in so many, at the least */

struct site_part {
	__u16 waits; /* up to SITE_FIRST * SITE_MOST */
	__u16 pad;
	__u32 since; /* ... since the last that was looked at */
};

/* Another wait of this part: is it to be looked at? One in 1, 2, 4, ... `die`: any number. */
static inline __attribute__((always_inline)) int site_due(struct site_part *p, __u32 die)
{
	__u32 n = p->waits, step = 1;

	p->since++;
	if (n < SITE_FIRST * SITE_MOST)
		p->waits = ++n;
	for (__u32 i = 0; i < 6; i++) {
		if (n > (__u32)SITE_FIRST << i)
			step = 2u << i;
	}
	return !(die & (step - 1));
}
