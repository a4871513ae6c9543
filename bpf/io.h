/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Waits by target, as the probes add them up. */
#include "event_io.h"

/* More are counted, and not listed. */
#define IO_TARGETS 16384

struct io_target {
	__u64 waits, ns, max_ns;
	__u64 write_waits, write_ns, write_max_ns; /* of them, to write */
	__u64 any_ns;
	__u64 since;	 /* with waiters: somebody has waited since then */
	__u64 until;	 /* ... and those that do not any more, until then */
	__u64 any_alone; /* any_ns when the second thread came */
	__u64 thread;	 /* the first that waited here, by its id */
	__u32 shared;	 /* others do too: what is here is changed by several at a time */
	__u32 waiters;	 /* now, since it is shared */
	__u32 cause, open;
	__u32 objects, n_users;
	__u64 looked, empty; /* see struct ev_io */
	__u64 sampled;	     /* the clock has found somebody in a call on it */
	struct target_user users[TARGET_USERS];
	__u64 histogram[TARGET_BUCKETS];
};

/* What the kernel has for it; a target may be many of these. */
struct io_object {
	__u64 file, inode, version;
	__u64 cause;
};

/* What is one target for a person. */
struct io_key {
	__u32 kind, cause;
	__u64 id[3];
};

#define MESSAGES 16384 /* objects; calls on more are counted, and not listed */

/* Calls that moved something, while calls were counted. */
struct messages {
	struct io_key key; /* of the target, when that was first seen */
	__u64 reads, writes;
};

static inline __u64 mix(__u64 hash, __u64 word, __u64 by)
{
	hash = (hash ^ word) * by;
	return hash ^ hash >> 32;
}
