/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The timeline, as the probes write it: what one thread's ledger was told at one moment. Whoever
 * tells it the same again in this order (marks_replay()) gets the very ledger.
 */
#include "event_lock.h"
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
	__u32 place;	 /* where the wait before was: see below; 0: not known, or nowhere */
};

#define PLACE_IS_LOCK                                                                              \
	1u /* what stands above it is some of a lock's key, else the index of a target */
#define PLACE_OF_TARGET(index) ((index) << 1)

/* So much of it that two locks that one thread waits for are hardly ever the same, in two bytes. */
static inline __u32 place_of_lock(const struct lock_key *key)
{
	__u64 mixed = (key->space ^ key->word * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	return (__u32)(mixed >> 51) << 1 | PLACE_IS_LOCK;
}

#define MARKS 128 /* of one CPU, until they are handed over */

struct marks {
	__u32 n;
	__u32 cpu;
	struct mark items[MARKS];
};
