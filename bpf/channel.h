/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Who ended whose waits, as the probes add it up. */
#include "event_wake.h"

#define WAKES 16384 /* pairs at one target; waits of more are counted, and not listed */

/* So many wake-ups are looked at in so many ticks of the kernel's clock. */
#define WAKES_A_PERIOD 2048
#define WAKES_JIFFIES  64

/* A process that is not the program's, by its number in concprof's own PID namespace. */
#define WAKER_OUTSIDE (1ull << 63)

struct wake_key {
	struct lock_key
		lock; /* of a futex; or WAKE_AT_TARGET, and in space the index of an EV_TARGET */
	__u64 waiter; /* id of a thread */
	__u64 waker;  /* ... or WAKER_OUTSIDE and a number; 0: not known */
};

#define WAKE_AT_TARGET (~0ull)
#define WAKE_WRITES    (1ull << 32) /* the waiter wanted to write */

struct wake_sums {
	__u64 waits, ns, max_ns;
	char comm[EVENT_COMM_SIZE]; /* with WAKER_OUTSIDE */
};

#define SIGNALS 4096 /* pairs of processes and numbers */

struct signal_key {
	__u64 from, to; /* ids of processes; from: or WAKER_OUTSIDE and a number; 0: the kernel */
	__u64 number;
};

struct signal_sums {
	__u64 sent, merged, ignored;
	char comm[EVENT_COMM_SIZE]; /* with WAKER_OUTSIDE */
};

/* What somebody was in the middle of when it woke a thread. */
enum wake_how {
	WAKE_BY_NOBODY = 0, /* an interrupt, or what wakes nobody at a channel */
	WAKE_BY_FILE,	    /* a call on one descriptor, or two */
	WAKE_BY_ID,	    /* ... on a queue of System V */
	WAKE_BY_SIGNAL,
	WAKE_BY_CLOSING, /* a descriptor */
	WAKE_BY_OPENING, /* a file by its name, or a program, which closes descriptors */
	WAKE_BY_EXIT,	 /* of a process or thread */
	WAKE_BY_RING,	 /* requests of io_uring */
	WAKE_AT_FUTEX,	 /* found by lock.bpf.c */
};

/* How the wait that a thread is in has ended. */
struct wake_up {
	__u64 by; /* as wake_key.waker */
	__u64 files[2], inodes[2];
	__u32 n_files;
	__u32 id;
	__u16 family, local, remote; /* of a socket: AF_*, and ports */
	__u16 is_connected;
	__u32 near, far; /* ... then its addresses, as address_of() has them */
	__u32 how;	 /* enum wake_how */
	char comm[EVENT_COMM_SIZE];
};
