/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the probes see of the program's code: the registers and the top of the stack of a
 * thread, before anything has a name. Not part of the stream: user space makes events of
 * it (user/sym), as long as the files can be had.
 */
#include "event_lock.h"

enum code_what {
	CODE_WAIT = 1,	 /* a thread begins to wait */
	CODE_WAITED = 2, /* the wait that it was seen in last has ended */
	CODE_CPU = 3,	 /* it was found computing, by the clock */
	CODE_STUCK = 4,	 /* it stands still: see stuck.h */
};

#if defined(__TARGET_ARCH_arm64) || defined(__aarch64__)
#define CODE_REGS 34 /* struct user_pt_regs */
#else
#define CODE_REGS 21 /* struct pt_regs of x86-64, as in <sys/user.h> */
#endif

/* Of the stack, from its pointer on: what was read of it, up to the end of a page. */
#define CODE_STACK 8192

/* Of the kernel's own calls the innermost so many. The probes' own and the scheduler's are some
 * 10 of them, and it is the outer ones that say what the program asked for. */
#define CODE_KERNEL 48

#define CODE_FILE 64

struct code_stack {
	__u32 what; /* enum code_what */
	__u32 n_bytes;
	__u64 at; /* CLOCK_MONOTONIC */
	__u64 thread_id, process_id;
	__u32 tid, pid;
	__u32 cause;	      /* CODE_WAIT: enum cause, and its time up to now */
	__u32 weight;	      /* ... for how many waits like it this one stands; CODE_CPU: 1 */
	__u64 cause_ns;	      /* ... */
	__u32 in_kernel;      /* CODE_CPU: it was in a system call or a fault */
	__u32 cause_count;    /* CODE_WAIT: ... and how many, this one included */
	struct lock_key lock; /* CODE_WAIT: at which it waits; space 0: none */
	__u64 word;	      /* ... its address in this process */
	struct lock_key held; /* CODE_CPU: this thread has it, and others wait; space 0: none */
	char file[CODE_FILE]; /* ... of a file's lock the file's name, without its folder */
	__u32 n_kernel;
	__u32 pad;
	/* Innermost first: return addresses, but for the first of CODE_CPU. */
	__u64 kernel[CODE_KERNEL];
	__u64 regs[CODE_REGS];
	__u8 bytes[CODE_STACK];
};

struct code_waited {
	__u32 what;
	__u32 row; /* enum wall_row: what it has waited for */
	__u64 thread_id;
	__u64 ns;
	struct lock_key held; /* others waited for it meanwhile, and this thread had it */
	__u32 target;	      /* index of the EV_TARGET that it has waited for; 0: none */
	__u32 pad;
};

/*
 * Which waits are looked at. A thread's waits are divided by where it calls from, as far as
 * that can be told for nothing, into parts, and each part once more into the place that it
 * belongs to and all others: so that one that is new, or rare, is not lost in those of a busy
 * place. Of each half the first ones are all looked at, then one in so many, by chance: a
 * fixed step could be in step with the program. A sample stands for all waits of its half
 * since the one before. So none is forgotten, and none counts twice.
 *
 * A place that has not been seen for long loses its part to who came instead: the halves
 * change their names, with all that they have counted, and the others begin anew. As that
 * takes as many waits as it takes to come down to one in SITE_MOST, places that take turns,
 * however they do it, are not looked at much more often than that.
 *
 * Where it calls from is not asked either, but of one wait in SITE_DULL, for the others too, while a
 * thread waits for the same as before by the ten-thousand a second, and that from a place that has come
 * down to one in SITE_MOST.
 */
#define SITE_PARTS 8
#define SITE_FIRST 128 /* waits of a half of which each is looked at */
#define SITE_MOST  64  /* one in so many, at the least */
#define SITE_LONG  (SITE_FIRST * SITE_MOST)

#define SITE_DULL    8
#define SITE_DULL_NS 50000 /* at most, from one such wait to the next */

enum { SITE_OWN, SITE_OTHERS, SITE_HALVES };

struct site_part {
	__u16 tag;		  /* whose it is: more bits of the place */
	__u16 away;		  /* waits since the last of its own, up to SITE_LONG */
	__u16 waits[SITE_HALVES]; /* up to SITE_LONG */
	__u32 since[SITE_HALVES]; /* ... since the last that was looked at */
};

static inline __attribute__((always_inline)) void site_change(struct site_part *p, __u16 tag)
{
	__u32 since = p->since[SITE_OWN];

	p->tag = tag;
	p->away = 0;
	p->waits[SITE_OWN] = p->waits[SITE_OTHERS];
	p->since[SITE_OWN] = p->since[SITE_OTHERS];
	p->waits[SITE_OTHERS] = 0;
	p->since[SITE_OTHERS] = since;
}

/* The half that another wait of this part belongs to. */
static inline __attribute__((always_inline)) __u32 site_half(struct site_part *p, __u16 tag)
{
	if (!p->waits[SITE_OWN])
		p->tag = tag;
	if (tag == p->tag) {
		p->away = 0;
		return SITE_OWN;
	}
	if (p->away < SITE_LONG) {
		p->away++;
		return SITE_OTHERS;
	}
	site_change(p, tag);
	return SITE_OWN;
}

/* ... is it, which stands for so many, to be looked at? One in 1, 2, 4, ... `die`: any number. */
static inline __attribute__((always_inline)) int site_due(struct site_part *p, __u32 half,
							  __u32 die, __u32 stands_for)
{
	__u32 n = p->waits[half], step = 1;

	p->since[half] += stands_for;
	if (n < SITE_LONG)
		p->waits[half] = ++n;
	for (__u32 i = 0; i < 6; i++) {
		if (n > (__u32)SITE_FIRST << i)
			step = 2u << i;
	}
	return !(die & (step - 1));
}
