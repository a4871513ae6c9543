/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Part of event.h: where threads wait for many descriptors at once, in epoll, poll or select.
 * A thread that comes back again and again is away in between: then nobody sees what its
 * descriptors have for it.
 */
#ifndef __bpf__
#include <linux/types.h>
#endif

#define LOOP_BUCKETS 96 /* see loop_bucket() */
#define LOOP_BLOCKS  8
#define LOOP_USERS   8 /* of more it is not known how many */

/* What a loop was blocked in while it was away. */
struct loop_block {
	__u32 cause;  /* enum cause; of the last of LOOP_BLOCKS, CAUSE_COUNT: several */
	__u32 target; /* index of an EV_TARGET, or 0 */
	__u64 waits;  /* 0: not used */
	__u64 ns;
	__u64 max_ns;
};

struct loop_blocks {
	struct loop_block items[LOOP_BLOCKS];
};

/* Once away. */
struct loop_stretch {
	__u64 from; /* instant */
	__u64 ns;
	__u64 running_ns, blocked_ns; /* the rest it was queued */
	__u64 worst_ns;		      /* of its longest wait, for this: */
	__u32 worst_cause, worst_target;
};

/* Between a wait's end and the beginning of the next, both of which blocked: calls that returned
 * at once lie between them, perhaps. Only of one thread that waits there alone. */
struct loop_away {
	__u64 times, ns;
	__u64 running_ns, blocked_ns;
	struct loop_stretch longest;
	struct loop_stretch
		open; /* away at the end of the measurement: not in the sums. ns 0: it was not */
	__u64 histogram[LOOP_BUCKETS];
	struct loop_blocks blocks;
};

/* What windows of the calls saw: a sample unless they were open all the time. */
struct loop_calls {
	__u64 calls, events;
	__u64 empty;		       /* returned no descriptor */
	__u64 at_once;		       /* did not block */
	__u64 turns, turns_ns, max_ns; /* from one call's return to the next call */
	__u64 histogram[LOOP_BUCKETS]; /* of turns */
};

struct ev_loop {
	struct event head;
	__u32 cause;		 /* CAUSE_EVENT_EPOLL, CAUSE_EVENT_POLL or CAUSE_EVENT_SELECT */
	__u32 pid;		 /* of the first that waited */
	__u64 users[LOOP_USERS]; /* ids of threads that waited here */
	__u32 n_users;
	__u32 fd;      /* of epoll: the first that waited had it under this number */
	__u32 watched; /* descriptors, when that was looked at last; LOOP_WATCHED: or more */
	__u32 edge;    /* ... of them edge-triggered */
	__u64 waits, ns, max_ns; /* that blocked */
	__u64 empty;		 /* of them ended with no descriptor ready */
	__u64 open;		 /* of them go on at the end */
	__u64 reach; /* of select: it looks through the sets up to this descriptor, which is not in them */
	struct loop_away away;
	struct loop_calls calls;
};

#define LOOP_WATCHED 1024
