/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * A thread that waits, with no time-out, for what others of the program have to do: as it
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
	__u32 want;	 /* enum stuck_want */
	__u32 threads;	 /* of its process, alive */
	/* A pipe, or the owner of a file's lock: any number; of WANT_CHILD its pid, 0: any child */
	__u64 object;
	__u64 files;	   /* its table of descriptors, any number */
	__u64 file;	   /* the open file that its call has in use, beside the descriptor */
	__u32 files_users; /* tasks that have this table */
	__u32 has_alarm;   /* a signal will come to its process */
	char comm[EVENT_COMM_SIZE];
};

/* A descriptor of a pipe, of any process. */
struct pipe_end {
	__u64 pipe, file;
	__u64 process_id;	/* 0: none of the program's */
	__u32 mode;		/* PIPE_READS, PIPE_WRITES */
	__u32 readers, writers; /* files that are open, wherever */
	__u32 pad;
};

/* A descriptor of an open file that has a lock, of any process. */
struct file_slot {
	__u64 file, files;
	__u64 process_id; /* 0: none of the program's */
	__u64 users;	  /* references to the open file, wherever */
	__u32 fd;
	__u32 pad;
};

#define PIPE_READS  1
#define PIPE_WRITES 2
