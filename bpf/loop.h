/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Event loops, as the probes add them up. */
#include "event_loop.h"

#define LOOPS 4096 /* more are counted, and not listed */

/* Each of lock_bucket()'s in four; the first is one. */
static inline __u32 loop_bucket(__u32 bucket, __u64 ns)
{
	return bucket ? bucket * 4 + (ns >> (bucket + 7) & 3) : 0;
}

/* What makes it one: an epoll instance; of poll and select the thread that calls them. */
struct loop_key {
	__u64 instance; /* address of its struct eventpoll; 0: none */
	__u64 thread;
	__u64 cause;
};

struct loop {
	__u64 users[LOOP_USERS]; /* threads that waited here, by their ids */
	__u32 n_users;		 /* more than one: what is here is changed by several at a time */
	__u32 cause, pid, fd;
	__u32 watched, edge;
	__u64 waits, ns, max_ns, empty, open;
	__u64 reach; /* see struct ev_loop */
	struct loop_away away;
	struct loop_calls calls;
};

/* How many descriptors a thread watches makes one of its loops the main one, in which its time
 * away counts: a poll of one descriptor inside an epoll loop is a wait like any other. */
enum loop_rank {
	RANK_ONE = 1,
	RANK_MANY = 2,
	RANK_EPOLL = 3,
};

/* What a thread does with its loops. */
struct looping {
	struct loop_key main; /* cause 0: it has none */
	__u32 main_fd, pad3;
	struct loop_key in;    /* where it waits; cause 0: nowhere */
	__u32 rank, in_rank;   /* enum loop_rank of both */
	__u32 waits;	       /* at main */
	__u32 elsewhere;       /* waits since the last of these */
	struct loop_key other; /* the last of those, and how often in a row */
	__u32 other_waits;
	__u32 begun; /* waits at any; seen: up to the return of the last call */
	__u32 seen;
	__u32 late;	     /* no descriptor was ready when the wait ended */
	__u32 watched, edge; /* of `in` */
	__u32 fd, reach;
	__u32 pad4;
	__u64 woken_before;	  /* state_ns at the last switch-out */
	__u64 entered;		  /* the call in which it waits */
	__u64 main_at, looked_at; /* its last wait at main; it has looked at an instance */

	__u64 since;		/* it is away since then; 0: it is not */
	__u64 running, blocked; /* state_ns then */
	__u64 blocked_before;	/* state_ns at the last switch-out */
	__u32 cause, target;	/* what it was blocked in since then */
	/* The last time away, or this one so far: it is counted when the wait that it leads to ends. */
	struct loop_stretch stretch;
	struct loop_blocks blocks;
	/* in windows of calls */
	__u64 returned; /* from the last call, at `at` */
	struct loop_key at;
	__u32 window, pad2;
};

/* One call, as it returns. */
struct loop_call {
	__s64 result;
	__u32 cause, fd;
	__u32 at_once; /* it did not block */
	__u32 pad;
};
