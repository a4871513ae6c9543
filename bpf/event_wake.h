/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Part of event.h: who ended whose waits. */
#include "event_lock.h"

/* Of one thread, at a target or at a futex that is no lock, by one thread. Where there are many a
 * second not all were looked at, and the sums are a sample. */
struct ev_wake {
	struct event head;
	__u32 target; /* its index; 0: it is a futex */
	__u32 writes; /* ... the waiter wanted to write */
	struct lock_key key;
	__u64 waiter_id;
	__u64 waker_id;	 /* a thread of the program; 0: see waker_pid */
	__u32 waker_pid; /* a process that is not of the program; 0: it is not known who it was */
	__u32 pad;
	__u64 waits, ns, max_ns;
	char comm[EVENT_COMM_SIZE]; /* with waker_pid */
};

#define SIGNAL_MOST 64

/* Signals of one number from one process to one of the program's. */
struct ev_signal {
	struct event head;
	__u64 from_id;	/* of the sender's process; 0: see from_pid */
	__u64 to_id;	/* of the receiver's */
	__u32 from_pid; /* a process that is not of the program; 0: the kernel */
	__u32 number;
	__u64 sent;
	__u64 merged;		    /* of them: one like it was pending still */
	__u64 ignored;		    /* ... as the receiver asked for */
	char comm[EVENT_COMM_SIZE]; /* with from_pid */
};
