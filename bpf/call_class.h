/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* How to tell what a thread that blocks in a system call waits for. */
enum call_class {
	CALL_OTHER = 0,
	CALL_FD,	  /* the descriptor is the first argument */
	CALL_FD_BARE,	  /* the same, of a call that touches no memory of the caller */
	CALL_FD_TO_FD,	  /* first and second argument: sendfile */
	CALL_FD_X_FD,	  /* first and third argument: splice, copy_file_range */
	CALL_SOCKET,	  /* i386: socketcall, whose arguments lie in memory */
	CALL_PATH,	  /* works on a name */
	CALL_SYNC,	  /* the file systems as such */
	CALL_EPOLL,	  /* fourth argument: milliseconds */
	CALL_EPOLL_TIME,  /* ... a struct timespec */
	CALL_POLL,	  /* second argument 0: a sleep; third: milliseconds */
	CALL_POLL_TIME,	  /* ... a struct timespec */
	CALL_SELECT,	  /* first argument 0: a sleep; fifth: a struct timeval */
	CALL_SELECT_TIME, /* ... a struct timespec */
	CALL_SLEEP,
	CALL_FUTEX,
	CALL_FUTEX_WAIT, /* futex_waitv, futex_wait: waits, of no known kind */
	CALL_SIGNAL,
	CALL_CHILD,    /* third argument: its options */
	CALL_CHILD_ID, /* ... the fourth */
	CALL_FORK,
	CALL_VFORK,
	CALL_SYSV_MSG,
	CALL_SYSV_SEM,
	CALL_MQ, /* the descriptor is the first argument */
	CALL_FLOCK,
	CALL_FCNTL,
	CALL_URING,
	CALL_AIO,
	CALL_YIELD,
	CALL_EXIT,
	CALL_RESTART,
	CALL_KILL,
	CALL_CLOSE,
};

/* In the tables, beside the class: it writes to the descriptor; what it moves comes from one, or goes from
 * one to the other. */
#define CALL_WRITES 0x80
#define CALL_READS  0x40
#define CALL_CLASS  0x3f
