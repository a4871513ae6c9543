/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Tasks as one look finds them, without any probe: what the kernel keeps of each, before anything
 * has been concluded from it. Not part of the stream: user space makes events of it.
 */
#include "call_class.h"
#include "event.h"

enum seen_flags {
	SEEN_ON_CPU = 1,
	SEEN_IOWAIT = 2,
	SEEN_FROZEN = 4,
	SEEN_COMPAT = 8,   /* it is in a call of 32 bits */
	SEEN_ALARM = 16,   /* setitimer(2): a signal will come */
	SEEN_TIMER = 32,   /* the wait has a time-out: see timer_at */
	SEEN_WORDS = 64,   /* those are valid */
	SEEN_KERNEL = 128, /* a task without a program */
	SEEN_LEADER = 256, /* the first thread of its process */
	SEEN_EXITING = 512,
};

#define SEEN_FDS       2
#define SEEN_ARGS      5
#define SEEN_WORDS_MAX 8

/* A descriptor that a call works on. */
struct seen_fd {
	__s32 fd;     /* -1: none */
	__u32 cause;  /* enum cause: what a wait on it is called; unknown too if it was closed */
	__u32 row;    /* enum wall_row */
	__u32 mode;   /* END_READS, END_WRITES */
	__u64 object; /* a pipe, or one end of a socket: any number; 0: neither */
	__u64 other;  /* the other end's */
	struct peer_key peer; /* of a socket; family 0: none is known */
	__u32 listens;	      /* its own port, if clients come to it */
	__u32 pad;
};

struct seen {
	__u32 tid, pid;		 /* in concprof's PID namespace */
	__u32 parent, tracer;	 /* processes; 0: none there */
	__u32 own_tid, pid_ns;	 /* its number in its own PID namespace, an inode */
	__u32 threads;		 /* of its process, alive */
	__u32 flags;		 /* enum seen_flags */
	__u32 state, exit_state; /* as the kernel has them: TASK_*, EXIT_* */
	__u32 class;		 /* enum call_class */
	__s32 nr;		 /* of the call; -1: none */
	__u64 args[SEEN_ARGS];
	__u64 arrived,
		ran; /* last on a CPU: since, and until; the scheduler's clock; 0: not known */
	__u64 switches;
	__u64 started;	/* CLOCK_MONOTONIC */
	__u64 timer_at; /* of SEEN_TIMER: by this clock */
	__s32 timer_clock;
	__u32 uid;
	struct seen_fd fds[SEEN_FDS];
	__u32 path_mode; /* of CALL_PATH: the file's st_mode, as far as the path was walked */
	__u32 n_fds;	 /* of CALL_POLL: descriptors in all */
	__u32 words[SEEN_WORDS_MAX]; /* memory from the first argument on, of a futex */
	char comm[EVENT_COMM_SIZE];
};

/* A descriptor of an object that was asked for, of any process. */
struct seen_end {
	__u64 object, file;
	__u32 pid;
	__s32 fd;
	__u32 mode;
	__u32 readers, writers; /* of a pipe: files that are open, wherever */
	__u32 pad;
	char comm[EVENT_COMM_SIZE]; /* of its process */
};

#define END_READS  1
#define END_WRITES 2
