/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A thread that waits, with no time-out, for what another thread has, or for its end: as it
 * stands at the moment of a look. Not part of the stream: user space makes events of it once
 * a second look has found the same.
 */
#include "event_lock.h"

struct stuck {
	__u64 thread_id, process_id;
	__u64 since;  /* it left the CPU */
	__u64 blocks; /* how many of its waits have ended */
	__u64 holder_id;
	struct lock_key key;
	__u32 hints;	 /* enum lock_hint */
	__u32 holder_is; /* enum holder_is */
	__u32 holder_nr; /* the number that stands in the lock, as its own PID namespace has it */
	__u32 tid, pid;	 /* of the thread that waits, in concprof's PID namespace */
	__u32 pid_ns;	 /* ... and its own one: an inode */
	char comm[EVENT_COMM_SIZE];
};
