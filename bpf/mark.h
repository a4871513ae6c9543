/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The timeline, as the probes write it: what one thread's ledger was told at one moment. Whoever
 * tells it the same again in this order (marks_replay()) gets the very ledger.
 */
#include "track.h"

enum mark_kind {
	MARK_BEGIN = 1, /* what is measured of the thread begins at `at`, in this state */
	MARK_DEPART,	/* struct departure: it leaves the CPU */
	MARK_FINISH,	/* struct standing: it is alive at the end */
	MARK_KIND_COUNT,
};

/* By whom or what a wait was ended. */
enum woken {
	WOKEN_UNSEEN = 0,
	WOKEN_BY_THREAD,    /* of the program */
	WOKEN_BY_INTERRUPT, /* a timer, a device */
	WOKEN_FROM_OUTSIDE, /* by another program, or a thread of the kernel */
};

struct mark {
	__u64 at;	 /* of the scheduler's clock */
	__u64 ran;	 /* on the CPU up to then; of MARK_FINISH, 0: it is off it */
	__u64 queued;	 /* of the time since it left it before: by run_delay */
	__u64 behind_ns; /* as in struct track, of which it was part */
	__u64 stolen;
	__u64 uncharged; /* kernel_ran falls short of the rest by so much */
	__u32 thread;	 /* low half of its id */
	__u8 kind;	 /* enum mark_kind */
	__u8 off;	 /* enum off_kind, from now on */
	__u8 cause, row; /* ... and of what */
	__u8 was_row;	 /* what the wait before turned out to be for */
	__u8 behind;	 /* enum behind, before */
	__u8 unseen;	 /* switch-outs were missed: the time before is not known */
	__u8 woken;	 /* enum woken: how the wait before ended */
	__u32 woken_by;	 /* with WOKEN_BY_THREAD: low half of its id */
	__u32 pad;
};

#define MARKS 128 /* of one CPU, until they are handed over */

struct marks {
	__u32 n;
	__u32 cpu;
	struct mark items[MARKS];
};
