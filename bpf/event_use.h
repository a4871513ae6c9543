/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * Part of event.h: how threads do their input and output, as far as waits do not tell: a call that
 * returns at once is no wait. The clock that samples what they compute finds them in it.
 */
#ifndef __bpf__
#include <linux/types.h>
#endif

/* Calls on descriptors that a report names; new ones at the end. */
/* clang-format off */
#define IO_CALLS_COMMON(X) \
	X(read) X(write) X(readv) X(writev) X(pread64) X(pwrite64) X(preadv) X(pwritev) X(preadv2) \
	X(pwritev2) X(recvfrom) X(sendto) X(recvmsg) X(sendmsg) X(recvmmsg) X(sendmmsg) X(accept) \
	X(accept4) X(connect) X(sendfile) X(splice) X(tee) X(vmsplice) X(copy_file_range) \
	X(getdents64) X(fsync) X(fdatasync) X(epoll_pwait) X(epoll_pwait2) X(ppoll) X(pselect6) \
	X(io_uring_enter) X(io_getevents) X(io_pgetevents)
/* Which the newer ABIs left out. */
#define IO_CALLS_OLD(X) X(epoll_wait) X(poll) X(select)
#define IO_CALLS(X)	IO_CALLS_COMMON(X) IO_CALLS_OLD(X)
/* clang-format on */

#define IO_CALL_NAMED(name) IO_CALL_##name,

enum io_call {
	IO_CALL_OTHER = 0, /* none of these */
	IO_CALLS(IO_CALL_NAMED) IO_CALL_COUNT,
};

enum use_what {
	USE_RUNNING = 1, /* samples in which it was in no call on a descriptor */
	USE_CALL = 2,	 /* ... in such a call */
	USE_SIGNAL = 3,	 /* signals to it that a descriptor is ready: O_ASYNC */
	USE_STACKS =
		4, /* stacks of a process's first thread that were none of the kernel's making */
	USE_LIBRARIES = 5, /* that its process has loaded: flags are enum use_library */
	USE_COUNT = 6,
};

enum use_flags {
	USE_NONBLOCK = 1, /* by O_NONBLOCK, or a flag of the call such as MSG_DONTWAIT */
	USE_AT_ONCE = 2,  /* a wait for many with a time-out of 0 */
	USE_ASYNC = 4,	  /* the descriptor has O_ASYNC */
};

/* With which a language runs coroutines; the kernel knows of none. */
enum use_library {
	USE_ASYNCIO = 1,  /* CPython's part of asyncio that is written in C */
	USE_GREENLET = 2, /* of gevent, and others */
};

/* Of one thread, in one call on one target in one way. */
struct ev_use {
	struct event head;
	__u64 thread_id;
	__u32 what;   /* enum use_what */
	__u32 call;   /* enum io_call */
	__u32 flags;  /* enum use_flags */
	__u32 fd;     /* TARGET_NO_FD: none, or several */
	__u32 target; /* index of an EV_TARGET; 0: none, or not known */
	__u32 cause;  /* enum cause of a wait there */
	__u64 count;
};
