/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Who took the CPU from whom, as the probes count it. The last taker of each thread is kept with the
 * thread, so that two that take turns cost two additions a turn; one that another follows goes to a map.
 */
#include "event_sched.h"

/* More are lost, which is counted. When half of it is full, threads that have no row yet are no longer
 * told apart, nor are takers of the program. */
#define TAKERS	     16384
#define TAKERS_APART (TAKERS / 2)

/* In place of a thread's id. */
#define TAKER_SEVERAL (~0ull)

/* Not a thread of the program: below it is the number of its process. */
#define TAKER_OUTSIDE (1ull << 63)

struct taker_key {
	__u64 thread_id;
	__u64 by;
	__u32 policy;
	__u32 how;
};

struct taker_sum {
	__u64 count, ns, max_ns, certain_ns, certain_max_ns;
	__u32 pid;
	__s32 nice;
	__u32 rt_priority;
	__u32 is; /* enum taker_is */
	char comm[EVENT_COMM_SIZE];
};

/* The last one that took the CPU from a thread. */
struct taken {
	struct taker_key key;
	struct taker_sum sum; /* count 0: nothing that is not in the map already */
	__u64 is_off;	      /* ... and the thread has not come back since */
};
