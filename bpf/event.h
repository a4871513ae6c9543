/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * The seam between collecting and analysing: what the probes, a recording and
 * a test fixture all say, and all that the model is told. Shared by the kernel
 * half and the user half. Fixed widths, no pointers, host byte order; new kinds
 * and fields are added at the end.
 *
 * Times are nanoseconds. An instant (`_at`) is on the scheduler's clock
 * (rq->clock, that is sched_clock()), the one clock that all ledgers share; it
 * differs from CLOCK_MONOTONIC by an offset and by what NTP slews. Zero means
 * that the thing has not happened.
 */
#ifndef __bpf__
#include <linux/types.h>
#endif

/* Why a thread is blocked. Names and wall rows: user/event/cause.c. */
enum cause {
	CAUSE_UNKNOWN = 0, /* cannot be known: counted as the state unknown */
	CAUSE_LOCK_MUTEX = 1,
	CAUSE_LOCK_RWLOCK = 2,
	CAUSE_LOCK_PI = 3,
	CAUSE_LOCK_FILE = 4,
	CAUSE_SYNC_COND = 5,
	CAUSE_SYNC_SEM = 6,
	CAUSE_SYNC_BARRIER = 7,
	CAUSE_SYNC_JOIN = 8,
	CAUSE_SYNC_FUTEX = 9,
	CAUSE_IO_DISK = 10,
	CAUSE_IO_FILE = 11,
	CAUSE_IO_PIPE = 12,
	CAUSE_IO_SOCKET = 13,
	CAUSE_IO_TTY = 14,
	CAUSE_IO_URING = 15,
	CAUSE_IO_AIO = 16,
	CAUSE_EVENT_EPOLL = 17,
	CAUSE_EVENT_POLL = 18,
	CAUSE_EVENT_SELECT = 19,
	CAUSE_EVENT_EVENTFD = 20,
	CAUSE_EVENT_SIGNALFD = 21,
	CAUSE_EVENT_INOTIFY = 22,
	CAUSE_TIMER_SLEEP = 23,
	CAUSE_TIMER_TIMERFD = 24,
	CAUSE_TIMER_ITIMER = 25,
	CAUSE_CHILD_WAIT = 26,
	CAUSE_CHILD_VFORK = 27,
	CAUSE_SIGNAL_WAIT = 28,
	CAUSE_SIGNAL_STOP = 29,
	CAUSE_SIGNAL_PTRACE = 30,
	CAUSE_IPC_SYSV_MSG = 31,
	CAUSE_IPC_SYSV_SEM = 32,
	CAUSE_IPC_POSIX_MQ = 33,
	CAUSE_FAULT_MAJOR = 34,
	CAUSE_FAULT_MINOR = 35,
	CAUSE_KERNEL_LOCK = 36,
	CAUSE_KERNEL_FREEZE = 37,
	CAUSE_KERNEL_THROTTLE = 38,
	CAUSE_KERNEL_OTHER = 39,
	CAUSE_COUNT = 40,
};

/* What a wait was for. A cause says in what a thread waits; this, what has to happen
 * for it to go on: a socket may be waited on for a server's answer or for a client
 * to come. The first eight are the kinds of the report's wall time, the others parts
 * of them: row_kind() in wall.h. A standstill of the program as a whole has the row
 * of the wait that ended it. */
enum wall_row {
	ROW_IO = 0,    /* a device */
	ROW_TIMER = 1, /* time to pass, whatever it waits in */
	ROW_LOCK = 2,
	ROW_SYNC = 3,  /* another thread */
	ROW_EVENT = 4, /* an event that may come or not, and none has; or of no known kind */
	ROW_CHILD = 5,
	ROW_OTHER = 6,
	ROW_UNKNOWN = 7,
	ROW_PEER = 8,	 /* io: a server or a reader at the other end */
	ROW_DEMAND = 9,	 /* io: something to do: clients, a terminal, a pipe to read */
	ROW_FAULT = 10,	 /* io: memory from a disk */
	ROW_CONVOY = 11, /* sync: what looks like a lock made of timed waits, see track_train() */
	ROW_SIGNAL = 12, /* other: a signal */
	ROW_QUEUE = 13,	 /* sync: a message queue */
	ROW_TICK = 14,	 /* event: one that may come or not, up to a time-out that passed */
	ROW_COUNT = 15,
};

#define ROW_KINDS 8
#define ROW_MASK  15 /* for the verifier */

enum thread_state {
	TS_RUNNING = 0,
	TS_WOKEN = 1,	  /* waits for a CPU after a wake-up, or after its creation */
	TS_PREEMPTED = 2, /* waits for a CPU that was taken away */
	TS_YIELDED = 3,	  /* waits for a CPU that it gave away by sched_yield */
	TS_BLOCKED = 4,
	TS_UNKNOWN = 5,
	TS_COUNT = 6,
};

enum event_kind {
	EV_RUN = 1,    /* what is measured, where and since when: first of a stream */
	EV_TEXT = 2,   /* one of its strings */
	EV_EXEC = 3,   /* a process executes a program */
	EV_THREAD = 4, /* the ledger of one thread: once, at its end or at the measurement's */
	EV_WALL = 5,   /* the program's sums so far; the last one is final */
	EV_LOSS = 6,   /* something was not seen */
	EV_PROBE = 7,  /* one probe: attached or why not, and its cost */
	EV_CALLS = 8,  /* futex and epoll calls in windows */
	EV_END = 9,    /* how the measurement ended: last of a stream */
	EV_PEER = 10,  /* a server that threads waited for */
	EV_OTHER = 11, /* another program that used the CPUs meanwhile */
	EV_LIFE = 12,  /* something that happened to a process */
	EV_FRAME = 13, /* a function at a place in the code */
	EV_STACK = 14, /* a chain of calls */
	EV_SITE = 15,  /* what threads did there: waits, or samples by the clock */
	EV_LOCK =
		16, /* what threads waited at: a lock, or something else that a futex stands for */
	EV_LOCK_WAITER = 17,
	EV_LOCK_HOLDER = 18,
	EV_WORD = 19,	    /* what the word of a lock is called */
	EV_LOCK_ORDER = 20, /* threads that had one lock waited for another one */
	EV_DEADLOCK = 21,   /* a thread that will wait for ever, or behind such ones */
	EV_STAND = 22,	    /* a thread as one look finds it */
	EV_NEED = 23,	    /* a process that could end its wait */
	EV_TARGET = 24,	    /* what threads waited for with a descriptor or a name */
	EV_IO = 25,	    /* ... and how long */
	EV_LOOP = 26,	    /* where they waited for many descriptors at once */
	EV_WAKE = 27,	    /* who ended whose waits for a target */
	EV_SIGNAL = 28,	    /* signals from one process to another */
	EV_USE = 29,	    /* how they did it, where no wait tells */
	EV_TAKER = 30,	    /* who had the CPU that a thread was ready to use */
	EV_CHANGE = 31,	    /* a thread is scheduled in another way */
	EV_CGROUP = 32,	    /* what a cgroup is called */
	EV_MARKS = 33,	    /* steps of the timeline */
	EV_UNREAPED = 34,   /* zombies that were there before */
	EV_KIND_COUNT = 35,
};

#define EVENT_COMM_SIZE 16
#define EVENT_ARGS_SIZE 1024
#define EVENT_PATH_SIZE 256
#define EVENT_CPU_WORDS 16  /* 1,024 CPUs */
#define WALL_COUNTS	256 /* 0 to 254 running threads, and more */

struct event {
	__u32 kind;
	__u32 size; /* of the whole event, this header included; a multiple of 8 */
};

struct ledger_cause {
	__u64 ns;
	__u64 max_ns;
	__u64 count;
};

/* All that is added up about one thread. Lives in the thread's task storage;
 * user space sees it in EV_THREAD, complete. */
struct ledger {
	__u64 start_at; /* first runnable; for the command: its release */
	__u64 end_at;	/* its last switch-out, or the end of the measurement */
	__u64 state_ns[TS_COUNT];
	__u64 stolen_ns; /* part of running: interrupts and hypervisor, as rq->clock_task leaves out */
	__u64 uncharged_ns; /* part of running that the kernel has charged to nobody, or to another task */
	/* part of woken, preempted and yielded that run_delay leaves out: between two CPUs'
	 * queues, and preempted on the way to sleep */
	__u64 moving_ns;
	/* part of woken and preempted: other threads of the program had the CPU, or nobody;
	 * the rest: other programs */
	__u64 queued_own_ns, queued_idle_ns;
	__u64 switches; /* switch-outs seen */
	__u64 yields;
	__u64 blocks;		/* waits begun */
	__u64 longest_run_ns;	/* on a CPU at a time, among those that have ended; 0: not known */
	__u64 preempts;		/* of the switch-outs: the CPU was taken away */
	__u64 preempted_run_ns; /* part of running: the times on a CPU that ended so */
	struct ledger_cause cause[CAUSE_COUNT];
	__u64 row_ns[ROW_COUNT]; /* the waits by what they were for; sums to the causes' */
};

/* The kernel's own accounting of the same thread over the same time. */
struct witness {
	__u64 run_ns;	/* se.sum_exec_runtime */
	__u64 delay_ns; /* sched_info.run_delay */
	__u64 voluntary;
	__u64 involuntary;
	__u64 migrations;
	__u64 user_ns; /* utime and stime as the kernel keeps them: see ev_run.cpu_how */
	__u64 kernel_ns;
	/* With THREAD_IO_COUNTED: calls as read(2) and write(2), and what they moved, whatever
	 * it was: task->ioac, /proc/PID/task/TID/io. Of a thread that lives, up to when it was
	 * looked at. */
	__u64 reads, read_bytes;
	__u64 writes, written_bytes;
};

enum thread_flags {
	THREAD_LEADER = 1,	/* created as the first of its process */
	THREAD_ENDED = 2,	/* it died; otherwise it was alive at the end */
	THREAD_KERNEL = 4,	/* a kernel thread that works for the program, such as io_uring's */
	THREAD_UNSENT = 8,	/* not one thread but the sum of those that could not be sent */
	THREAD_OPEN_WAIT = 16,	/* blocked when the measurement ended, for open_cause */
	THREAD_GROUP_DEAD = 32, /* with it the last thread of its process ended */
	THREAD_CUT_OFF = 64,	/* it did not end by itself: its process did, or was killed */
	THREAD_IO_COUNTED = 128, /* the kernel counts its calls: witness.reads and what follows */
	THREAD_ATTACHED =
		256, /* it ran before the measurement: of its life before nothing is known */
};

#define COMMAND_ID 1 /* of the command's first thread, and of its process */

struct ev_thread {
	struct event head;
	__u64 id;	  /* unique in a stream; tids recur */
	__u64 creator_id; /* the thread that created it; 0: from outside */
	__u64 process_id; /* id of the process's first thread */
	__u32 tid, pid;	  /* as concprof's own PID namespace numbers them */
	__u32 flags;	  /* enum thread_flags */
	__u32 open_cause; /* enum cause; with THREAD_CUT_OFF: what it was blocked in, or unknown */
	__u64 open_since;
	__u32 exit_code; /* wait status of the process, as far as known at this thread's end */
	__u32 policy;	 /* SCHED_* */
	__s32 nice;
	__u32 rt_priority;
	__u32 open_row; /* enum wall_row: what the open wait is for */
	__u32 pad;
	__u64 max_rss_bytes; /* of the process so far; 0: not known */
	__u64 first_io_at;   /* it first waited for input or output since its last exec; 0: never */
	__u64 count;	     /* with THREAD_UNSENT: how many threads; else 1 */
	__u64 cgroup;	     /* it is in, of version 2: its number; 0: not known */
	__u64 cpus[EVENT_CPU_WORDS]; /* its affinity, a bit for each CPU; none: not known */
	char comm[EVENT_COMM_SIZE];
	struct witness witness;
	struct ledger ledger;
};

#define EVENT_CGROUP_SIZE 256

struct ev_cgroup {
	struct event head;
	__u64 id;
	char path
		[EVENT_CGROUP_SIZE]; /* below the root, NUL-terminated: "/user.slice"; what is longer is cut */
};

struct ev_exec {
	struct event head;
	__u64 at;
	__u64 thread_id, process_id;
	__u32 pid;
	__u32 args_size;      /* bytes of args that are valid, NUL after each argument */
	__u32 args_truncated; /* the command line is longer */
	__u32 uid;	      /* effective, from here on */
	char comm[EVENT_COMM_SIZE];
	char path[EVENT_PATH_SIZE]; /* as given to execve, NUL-terminated */
	char args[EVENT_ARGS_SIZE];
};

/* The program's sums, from start_at to at: running (by_count[1] and above),
 * runnable, and the standstills: those that a wait has ended for good (row_ns),
 * those that ended in almost no work (pending_ns, by the row of the wait that
 * ended each), and the one that is open (still_ns). All of it adds up to
 * at - start_at. */
struct wall_sums {
	__u64 start_at, at;
	__u64 by_count[WALL_COUNTS]; /* [0] is unused: it is the rest */
	__u64 busy_ns;		     /* running threads times time: the sum under the mean */
	__u64 runnable_ns;
	__u64 row_ns[ROW_COUNT];
	__u64 pending_ns[ROW_COUNT];
	__u64 still_ns;
	/* a thread ran, and another waited for a lock: while fewer ran or were queued than
	 * there are allowed CPUs; and while fewer ran, and others were queued for the same */
	__u64 serialised_ns, stacked_ns;
	/* parts of runnable_ns: a woken thread was on its way to an idle CPU; the CPU limit
	 * was used up */
	__u64 latency_ns, limit_ns;
	/* a thread was in a wait of ROW_CONVOY: while another ran and a CPU was free, not
	 * in serialised_ns; and in a standstill */
	__u64 convoy_ns, convoy_still_ns;
	__u64 missed_in;      /* switch-ins never seen: the kernel emitted no event */
	__u64 missed_ns;      /* running time of threads that the counts lack for that */
	__u64 missed_rows_ns; /* ... and the rows, at most: in the rest of it others ran */
};

struct ev_wall {
	struct event head;
	struct wall_sums sums;
};

enum run_mode { MODE_RUN = 1, MODE_WHY = 2, MODE_ATTACH = 3 };
enum cpu_how { CPU_BY_TICK = 1, CPU_EXACT = 2 };

struct ev_run {
	struct event head;
	__u64 realtime_ns; /* CLOCK_REALTIME at the start */
	__u32 mode;
	__u32 cpus, cpus_allowed;
	__u32 cpu_how;
	__s64 quota_us, period_us; /* cgroup CPU limit; -1: none */
	__u32 uid;
	__u32 pad;
};

enum text_kind {
	TEXT_KERNEL = 1,
	TEXT_ARCH = 2,
	TEXT_HOST = 3,
	TEXT_LIBBPF = 4,
	TEXT_EXECUTABLE = 5,
	TEXT_ARGUMENT = 6, /* one for each, in order */
	TEXT_NOTE = 7,	   /* something the reader of the report must know */
};

struct ev_text {
	struct event head;
	__u32 what;
	__u32 length; /* without the NUL */
	char text[];  /* NUL-terminated, padded to 8 */
};

enum loss_kind {
	LOSS_THREADS = 1,    /* ledgers that found no room: in the totals, not in the list */
	LOSS_UNTRACKED = 2,  /* new threads whose storage could not be had: in nothing */
	LOSS_EXEC = 3,	     /* executions without their names */
	LOSS_MISSED_RUN = 4, /* runs of a probe that the kernel left out, see ev_loss.name */
	LOSS_SWITCH_IN = 5,
	LOSS_CALLS = 6,
	LOSS_PEERS = 7,	 /* waits for servers that found no room: in the totals, not in the list */
	LOSS_LIFE = 8,	 /* what happened to processes: ev_life */
	LOSS_STACKS = 9, /* stacks that found no room: their waits are of no known site */
	LOSS_MAPPINGS = 10, /* files that were mapped, and not seen to be */
	LOSS_LOCKS = 11,    /* waits at locks that found no room: in the ledgers, not in the list */
	LOSS_DEADLOCKS = 12, /* looks that found more of them than are remembered */
	LOSS_TARGETS =
		13, /* waits at targets that found no room: in the ledgers, not in the list */
	LOSS_TARGET_NAMES = 14, /* targets that are listed without their names */
	LOSS_LOOPS = 15,	/* waits for many descriptors that found no room: in the ledgers */
	LOSS_WAKES = 16,	/* waits of which is not listed who ended them: there was no room */
	LOSS_SIGNALS = 17,	/* signals that found no room */
	LOSS_USES = 18,		/* samples of calls, and signals, that found no room */
	LOSS_TAKERS = 19,	/* of which is not listed who had the CPU: there was no room */
	LOSS_CHANGES = 20,	/* of how a thread is scheduled: there was no room */
	LOSS_DYING = 21, /* alive at the end, and no longer to be found: in no sum over threads */
	LOSS_MARKS = 22, /* steps of threads that are not in the timeline: there was no room */
	LOSS_KIND_COUNT = 23,
};

struct ev_loss {
	struct event head;
	__u32 what;
	__u32 pad;
	__u64 count;
	__u64 ns; /* time that it may concern; 0: not known */
	char name[32];
};

struct ev_probe {
	struct event head;
	__u32 attached;
	__u32 timed; /* one run in some, from which the next two are estimated */
	__u64 runs;
	__u64 ns;
	char name[32];
	char why[128]; /* it is not attached; empty if it is, or was not needed */
};

/* What windows of the futex and epoll calls saw: a sample unless all_time. */
struct calls_sums {
	__u64 futex_waits, futex_wakes, futex_other;
	__u64 futex_blocked; /* waits that a wake ended */
	__u64 futex_again;   /* waits that returned at once: the word had changed */
	__u64 futex_timeouts;
	__u64 futex_woken;     /* threads woken by the wakes */
	__u64 futex_wake_none; /* wakes that found nobody */
	__u64 epoll_waits, epoll_events;
	__u64 epoll_empty; /* returned without an event */
	__u64 epoll_ready; /* returned events without sleeping */
};

struct ev_calls {
	struct event head;
	__u32 windows;
	__u32 all_time;
	__u64 window_ns;
	struct calls_sums sums;
};

enum peer_family { PEER_UNIX = 1, PEER_INET = 2, PEER_INET6 = 10 }; /* as AF_* */

/* The other end of a client's socket. */
struct peer_key {
	__u8 address[16]; /* in network order; PEER_INET: the first four; PEER_UNIX: none */
	__u32 pid;	  /* PEER_UNIX: who listens, in concprof's own PID namespace */
	__u16 port;	  /* PEER_UNIX: 0 */
	__u16 family;	  /* enum peer_family */
};

/* Whom threads waited for, as far as the ends of their waits were seen. */
struct ev_peer {
	struct event head;
	struct peer_key key;
	__u64 ns; /* blocked, summed over all threads */
	__u64 waits;
	__u32 is_local; /* it is on this machine */
	__u32 pid;	/* ... and this process listens there; 0: none was found */
	char comm[EVENT_COMM_SIZE];
};

/* Another program that used the CPUs meanwhile: one process of it. */
struct ev_other {
	struct event head;
	__u64 cpu_ns; /* of all its threads, while the program was measured */
	__u32 pid;    /* as concprof's own PID namespace numbers it */
	__u32 pad;
	char comm[EVENT_COMM_SIZE];
};

enum ended_by {
	ENDED_COMMAND = 1,
	ENDED_DURATION = 2,
	ENDED_HANG = 3,
	ENDED_SIGNAL = 4,
	ENDED_LAST_PROCESS = 5,
	ENDED_KEY = 6, /* of the live view */
};

struct ev_end {
	struct event head;
	__u32 ended_by;
	__s32 status;		/* wait status of the command; -1: it lives */
	__u64 bpf_ns, bpf_runs; /* estimated from samples; see EV_PROBE for each */
	__u64 bpf_elsewhere_ns; /* the same for switches and wake-ups of other programs */
	__u64 collector_cpu_ns;
	__u64 collector_rss_bytes;
	__u64 idle_known, idle_ns; /* allowed CPUs without work meanwhile, summed */
};
