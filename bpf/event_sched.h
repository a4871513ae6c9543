/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* Part of event.h: who had the CPU that a thread was ready to use, and how threads are scheduled. */
#ifndef __bpf__
#include <linux/types.h>
#endif

enum taker_how {
	/* The CPU was taken from the thread. Of the time until that ran again, known are who took it, who
	 * had it last, and for how long without a break; and what the program's own threads had of it in
	 * all, if the thread came back to the same CPU. So the last one is charged for as long as it had
	 * it; the rest of the own threads' part goes to the first or the last, whichever is one of these,
	 * and so does that of other programs. If both are of one kind, to the first, unless that is a
	 * thread of the kernel, and the last is not. If neither is, to the own thread that left the CPU
	 * last, or to other programs, it is not known which. All times that threads were preempted are
	 * charged so, once. */
	TAKER_PREEMPTED = 1,
	/* The thread was woken, and had to wait for TAKER_WAIT_NS or longer: that is charged to who had the
	 * CPU last; but if that is another program, what came before to the own thread that had it then. */
	TAKER_WOKEN = 2,
	TAKER_HOW_COUNT = 3,
};

enum taker_is {
	TAKER_IS_OWN = 1, /* a thread of the program: by_id; 0: it is not known which */
	TAKER_IS_OTHER =
		2, /* of another program: by_pid and comm; 0 and none: it is not known which */
	TAKER_IS_KERNEL = 3,
	TAKER_IS_COUNT = 4,
};

/* Shorter waits after a wake-up are in no row: those of preempted threads all are. */
#define TAKER_WAIT_NS 1000000

/* Of one thread, by one taker while that had one policy. */
struct ev_taker {
	struct event head;
	__u64 thread_id; /* whose time it is; 0: of threads that found no row of their own */
	__u64 by_id;	 /* of TAKER_IS_OWN; else 0 */
	__u32 by_pid;	 /* as concprof's own PID namespace numbers it; 0: it has no number there */
	__u32 how;	 /* enum taker_how */
	__u32 policy;	 /* SCHED_*: the taker's */
	__s32 nice;	 /* ... as it was last, these two */
	__u32 rt_priority;
	__u32 by_is; /* enum taker_is */
	__u64 count; /* waits that began so, or ended so if it is TAKER_WOKEN; 0: none of those charged to it */
	__u64 ns, max_ns;
	__u64 certain_ns, certain_max_ns; /* part of ns: it had the CPU and left it to the thread */
	char comm
		[EVENT_COMM_SIZE]; /* of the thread that took it; of several of a process, the first */
};

/* How a thread is scheduled. */
struct schedule {
	__u32 policy; /* SCHED_* */
	__s32 nice;
	__u32 rt_priority;
	__u32 n_cpus; /* that it may use; 0: not known */
	__u64 cpus;   /* ... of the first 64, a bit each */
};

/* More of one thread are counted as lost. */
#define CHANGES_MOST 64

/* It is another one than before. It is looked at when the thread begins, executes a program or ends,
 * when a timer interrupts it, and when another one takes its CPU than the last time: the change came before `at`, and a short one may not be seen. */
struct ev_change {
	struct event head;
	__u64 thread_id;
	__u64 at;
	struct schedule was, now;
};
