/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What the stream says of threads as one look finds them, with no measurement; see event.h. What
 * EV_THREAD says of the wait that is open is not repeated. */
#include "event_lock.h"

enum stand_state {
	STAND_RUNNING = 1,
	STAND_QUEUED = 2, /* for a CPU */
	STAND_BLOCKED = 3,
	STAND_DEAD = 4, /* and not reaped */
	STAND_STATE_COUNT = 5,
};

struct ev_stand {
	struct event head;
	__u64 thread_id;
	__u32 state;	/* enum stand_state */
	__u32 is_asked; /* its process was asked for; 0: one of those waits for it */
	__u64 for_ns;	/* it has been off the CPU, at least; 0: not known */
	__u64 left_ns;	/* of is_timed: until its time-out */
	__u64 other_id; /* a thread that it waits for; 0: none is known */
	__u32 other_is; /* enum holder_is */
	__u32 other_nr; /* in its own PID namespace */
	__s32 fd;	/* that it waits at; -1: none */
	__u32 n_fds;	/* ... of so many, of which that is the first or none */
	__u32 size;	/* bytes of text that are valid */
	__u32 is_timed; /* it has a time-out */
	__u32 readers;	/* that have the read-write lock; 0: none, or it is none */
	__u32 fd_is;	/* enum stand_fd */
	char text
		[]; /* what the descriptor is, or of STAND_DEAD its parent, with its NUL; empty: not
		      * known */
};

/* What the descriptor is that a thread waits at. */
enum stand_fd {
	STAND_FD_OTHER = 0, /* or there is none */
	STAND_FD_PIPE = 1,
	STAND_FD_SOCKET = 2,
	STAND_FD_LISTENER = 3, /* a socket that clients come to */
	STAND_FD_COUNT = 4,
};

enum need_how {
	NEED_HOLDER = 1, /* of a lock, or it is to end */
	NEED_READER = 2, /* of a pipe */
	NEED_WRITER = 3,
	NEED_PEER = 4, /* the other end of a socket */
	NEED_CHILD = 5,
	NEED_TRACER = 6, /* a debugger */
	NEED_HOW_COUNT = 7,
};

/* A process that could end the thread's wait. */
struct ev_need {
	struct event head;
	__u64 thread_id;
	__u64 process_id; /* 0: it was not looked at */
	__u32 pid;
	__u32 how; /* enum need_how */
	char comm[EVENT_COMM_SIZE];
};
