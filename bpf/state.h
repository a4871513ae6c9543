/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/*
 * What the maps hold: one struct tracked in the task storage of each tracked
 * thread, and one struct program. The functions on them, in track.h and wall.h,
 * are pure: compiled into the probes and into the tests alike, so that what is
 * tested is what runs.
 */
#include "code.h"
#include "channel.h"
#include "io.h"
#include "lock.h"
#include "loop.h"
#include "taker.h"
#include "wall.h"

enum thread_role {
	ROLE_TRACKED = 0,
	ROLE_HELD = 1,	/* the command before its release: its next switch-in is the start */
	ROLE_CLOCK = 2, /* the collector: its switch-ins relate the two clocks, see clock_pair */
};

/* How the row of a wait is found when it ends. */
enum resolve {
	RESOLVE_NOT = 0, /* it is known */
	RESOLVE_EPOLL,
	RESOLVE_POLL, /* poll and select */
	RESOLVE_FUTEX,
	RESOLVE_SIGNAL,
};

/* What is in a set of descriptors that a thread waits for. */
enum event_set {
	SET_DEMAND = 1, /* clients, a terminal, standard input */
	SET_PEER = 2,	/* a server */
	SET_OWN = 4,	/* pipes and the like, which may be the program's own */
};

#define SET_MAX 6 /* descriptors of a poll or select that are looked at */

struct set_item {
	__u64 file; /* the call keeps it open */
	__u32 fd;
	__u32 events; /* of poll(2) */
};

struct event_wait {
	__u32 resolve;	   /* enum resolve */
	__u32 set;	   /* of RESOLVE_POLL: enum event_set */
	__u32 looked;	   /* ... and at how many of its descriptors has been looked */
	__u32 watched;	   /* descriptors of poll and select */
	__u32 fd;	   /* of RESOLVE_EPOLL */
	__u32 reach;	   /* of select: so many it looks through */
	__u64 deadline_at; /* CLOCK_MONOTONIC; 0: none */
	__u64 object; /* of RESOLVE_EPOLL, its struct eventpoll; of RESOLVE_POLL, a peer's struct sock */
	struct set_item items[SET_MAX];
	__u64 sets[3]; /* of select: addresses, to read, to write, exceptions */
};

/* Is a descriptor ready for what is waited for? */
enum readiness {
	READY_NOT,
	READY,
	READY_UNKNOWN,
};

/* include/uapi/asm-generic/poll.h: IN, PRI, RDNORM, RDBAND, RDHUP; OUT, WRNORM, WRBAND */
#define READY_TO_READ  (0x1 | 0x2 | 0x40 | 0x80 | 0x2000)
#define READY_TO_WRITE (0x4 | 0x100 | 0x200)

/* Instead of the number of what has ended a wait: it is not known; nothing is ready. */
#define NOT_ENDED_BY  (~0u)
#define ENDED_BY_NONE (~0u - 1)

/* The server that a thread waits for. */
struct peer_wait {
	struct peer_key key; /* family 0: for none, or none that has a name */
	__u32 is_local;
	__u32 pad;
};

/* What the program waited for one server. */
struct peer_sums {
	__u64 ns, waits;
	__u64 is_local;
};

/* What a target is takes long to find out: it is known of the last few that a thread waited at. */
#define IO_SLOTS 4

struct io_slot {
	__u64 file, inode; /* addresses */
	__u64 version;	   /* ... and what tells it from others that had the same ones */
	__u32 target, cause;
	__u32 fd;
	__u32 pad;
};

/* Instead of the address of a file: */
#define IO_BY_NAME	1
#define IO_BY_FAULT	2 /* find_fault() tells, if it is a page fault */
#define IO_BY_RING	3 /* of io_uring or aio: whatever was asked for there */
#define IO_BY_SWAP	4 /* memory that was swapped out */
#define IO_BY_ID	5 /* its number, in version, is all that there is */
#define IO_LAST_SPECIAL IO_BY_ID

/* The target that a thread waits at. */
struct io_wait {
	__u64 file; /* 0: none, or it is not known */
	__u64 inode, version;
	__u32 fd, mode;
	__u32 cause;  /* enum cause */
	__u32 object; /* see ev_target */
	__u64 ring;   /* a key of the rings, or RING_NONE: what ended it may be known when it has */
	__u64 since, ended_at; /* ... and it has, then */
	__u32 target;	       /* its index; 0: none, or it is not known */
	__u32 counted;	       /* it is one of io_target.waiters */
	__u32 next;	       /* slot to use */
	__u32 ended;	       /* target of the wait that has ended before this leave of the CPU */
	__u32 writes;	       /* it wants to write, not to read */
	__u32 events;	       /* of epoll and poll: what for */
	__u32 alone; /* target of the first slot, as long as no other thread waits there; 0: none */
	__u32 crowd; /* others wait for the same descriptor: enum io_crowd */
	__u32 sampled; /* it is no wait: the thread was found in a call there */
	struct io_slot slots[IO_SLOTS];
};

#define RING_NONE 1 /* instead of its address: it is not known, or not waited for */

/* Of a wait for several descriptors that one has ended for which several threads wait. */
enum io_crowd {
	CROWD_NOT = 0,	 /* it is not one */
	CROWD_UNSEEN,	 /* when the thread comes to a CPU, is there still what it was woken for? */
	CROWD_SOMETHING, /* yes, or that is not known */
	CROWD_NOTHING,	 /* no */
};

/* How a wait at a target ended. */
enum io_end {
	IO_WOKEN,  /* the thread has come to a CPU, or goes on to run */
	IO_PASSED, /* ... and leaves it, or the measurement is over */
	IO_OPEN,   /* not: the measurement did */
};

/* A wait for a ring by other calls. */
enum ring_poll {
	RING_POLL_NOT = 0, /* it is in io_uring_enter(2) or io_getevents(2) */
	RING_POLL_ARMED,   /* the next completion is what ends it */
	RING_POLL_ENDED,   /* a completion has ended it */
	RING_POLL_OTHER,   /* something else has */
};

/* What a thread waits for at a ring, or at an eventfd that is told of completions. */
struct ring_wait {
	__u64 waiter; /* id of the last one that began to */
	__u64 ready; /* address of the first file that can go on; 0: none, or something is done since */
	__u64 ready_at; /* of a thread's own, which no begin of a wait clears: when that was; or 0 */
	__u32 need;	/* number of the completion that it waits for */
	__u32 target;	/* of the last one up to that; 0: none yet, or it has none */
	__u64 ring; /* of an eventfd: the last one that has signalled it; 0: none of io_uring's */
	__u32 told; /* of an eventfd: of what, CAUSE_IO_URING or CAUSE_IO_AIO; 0: it is a ring */
	__u32 poll; /* enum ring_poll */
	__u32 number, first; /* of the last completion that found the queue empty, and its target */
};

/* A wait for children that has begun, see life.bpf.c. */
struct reap_wait {
	__u16 kind;   /* enum reap */
	__u16 flags;  /* LIFE_BY_WAITID, or none */
	__u32 pid;    /* of REAP_PID and REAP_GROUP; of REAP_DEAD: the process group of the dead */
	__u64 at;     /* the call's begin; of REAP_DEAD, when its parent was told */
	__u64 blocks; /* ledger.blocks, up to which is known what it led to */
	/* of REAP_DEAD */
	__u32 doing; /* what its parent was blocked in, or CAUSE_COUNT */
	__u32 session;
};

/* Who listens where. */
struct listener {
	struct peer_key key; /* PEER_UNIX: the listener itself */
	__u32 pid;
	char comm[EVENT_COMM_SIZE];
	__u32 pad;
};

enum lock_wait_state {
	LOCK_WAIT_NONE = 0,
	LOCK_WAIT_CALLED, /* the call that it blocks in is known */
	LOCK_WAIT_BEGUN,
	LOCK_WAIT_WOKEN,
};

#define LOCK_WAKER_OUTSIDE (~0ull) /* not a thread of the program */

/* The futex that a thread waits at. */
struct lock_wait {
	struct lock_key key;
	__u64 word;  /* its address */
	__u64 owned; /* lock_state.owned_ns when it began */
	__u64 waker; /* id of the thread that woke it; 0: nobody: a time-out, or a signal */
	__u64 woken_at;
	struct lock_owner next; /* whose the lock is when the wait ends: for turn() alone */
	__u64 late_ns; /* of all its waits for locks: woken, and not queued yet (the CPU was idle) */
	__u32 hint;    /* enum lock_hint */
	__u32 state;   /* enum lock_wait_state */
	__u64 met;     /* where it has waited: two bits of each key's hash, see lock_met() */
};

/* Who has that number. Its ledger is read where it lies. */
struct numbered {
	__u64 id;
	__u64 tracked, task;	   /* addresses in the kernel */
	struct lock_key held;	   /* one that others wait for while it has it; space 0: none */
	struct lock_key site_held; /* ... at any time since the wait that is looked at began */
};

struct tracked {
	struct track track;
	/* what other threads look at: see TRACKED_NEAR */
	__u64 arrived; /* rq->clock at the last switch-in; 0: off the CPU, or that was never seen */
	__u64 id;
	__u64 space;	    /* see struct lock_key */
	__u32 role;	    /* enum thread_role */
	__u32 site_pending; /* the wait that it is in, or was in last, was looked at */
	struct lock_wait lock;
	/* since the last switch-in */
	__u64 stolen_mark; /* rq->clock - rq->clock_task then */
	/* since the last switch-out */
	__u64 kernel_switches; /* nvcsw + nivcsw then */
	__u64 kernel_run_ns;   /* se.sum_exec_runtime then */
	__u64 pending_mark;    /* for the wall rows: see wall_end_still() */
	__u32 voluntary;       /* low half of nvcsw then */
	__u32 forget; /* what comes from here is any number to the verifier, which else walks
		       * all that follows once for each that it could be */
	__u32 last_wait; /* of a thread that has died: what it was blocked in just before, or unknown */
	__u32 position; /* enum position */
	__u64 own_mark; /* own_ns of that CPU then */
	__u32 cpu;
	__u32 loops;	 /* it waits for many descriptors at once, or has: see loop.h */
	__u32 wake_seen; /* the wake-up of the wait that it is in was looked at: see `wake` */
	__u32 changes;	 /* of its schedule, that were seen */
	struct taken taken;
	struct schedule schedule; /* at the last look */
	__u64 cpus_seen; /* ... as the kernel has it, with what lies behind the possible CPUs */
	struct io_wait io;
	__u64 kernel_lock;	 /* the lock, between contention_begin and contention_end */
	struct event_wait event; /* what the wait may be for, decided when it ends */
	struct peer_wait peer;
	struct train train;
	struct locked_words locked_words;
	struct reap_wait reap;
	struct number number;
	struct looping loop;
	__u64 site_dull; /* see SITE_DULL: what it waits for so often; 0: nothing */
	__u64 site_at;	 /* its last wait began */
	struct site_part sites[SITE_PARTS];
	__u64 site_ns;	  /* of the cause of the wait that was looked at, then */
	__u32 site_cause; /* ... its enum cause */
	__u32 pad2;
	__u64 first_io;	       /* it first waited for input or output since its last exec */
	__u32 faults;	       /* maj_flt at the last wait for a device in a call */
	__u32 fault_looks;     /* since it grew: see in_fault() */
	__u32 last_call_cause; /* of the last wait inside a system call */
	/* identity */
	__u64 creator_id, process_id;
	__u32 tid, pid;
	__u32 place;	  /* with a timeline: where the wait before was, see mark.h */
	__u32 flags;	  /* enum thread_flags */
	__u64 open_since; /* with THREAD_OPEN_WAIT */
	__u64 sent;	  /* 1: its ledger went out */
	struct wake_up wake;
	struct io_wait done; /* the target of a request that it completes */
	__u32 woken;	     /* with a timeline: enum woken, of the wait before */
	__u32 woken_by;	     /* ... low half of the id */
	__u64 rss_before; /* pages: the peak that its process had before it executed its program */
	struct witness base; /* the kernel's accounting where the life that we account for began */
};

/* Of the front of its ledger, and of what follows that, as much as other threads look at. */
#define TRACKED_FRONT                                                                              \
	(offsetof(struct tracked, track.ledger.state_ns) + sizeof(((struct ledger *)0)->state_ns))
#define TRACKED_NEAR                                                                               \
	(offsetof(struct tracked, lock) + sizeof(struct lock_wait) -                               \
	 offsetof(struct tracked, arrived))

struct program {
	struct bpf_spin_lock lock;
	struct wall wall;
};

/* What the program had of one CPU. */
struct cpu_use {
	__u64 own_ns; /* running, summed */
	__u64 out_at; /* a thread of it left the CPU last */
	__u64 out_id; /* ... this one */
	__u32 out_policy;
	__u32 pad;
	/* How the one leaves that leaves just now: here, as the stack is small, and what comes from
	 * here is any number to the verifier, which else walks what follows for each. */
	struct departure leaving;
};

/* Where a function of the kernel lies; start 0: not known. */
struct code {
	__u64 start, end;
};

/* The scheduler's clock and CLOCK_MONOTONIC at one moment. */
struct clock_pair {
	__u64 sched_ns, monotonic_ns;
};

/* Our own cost: one run in COST_SAMPLE is timed. */
struct probe_cost {
	__u64 samples, ns;
};

enum costed_probe {
	COST_SWITCH,
	COST_WAKEUP,
	COST_WAKING, /* of threads that wait for a lock */
	COST_TICK,
	COST_ELSEWHERE, /* either of them, of threads that are not tracked */
	COST_COUNT,
};

#define COST_SAMPLE 64
