/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What the stream says of locks; see event.h. */
#include "event.h"

/* Which one: an address in the memory of a process, or a place in memory that several share. */
struct lock_key {
	__u64 space; /* see below */
	__u64 word;  /* address; of a shared one, the offset in its memory */
};

/* Of a shared one the space is its memory's inode; of a file's lock it is the device, and the
 * word the inode; of semaphores of System V the word is their number, of a lock of the kernel's any
 * number, since its address is nobody's business. Else it is the process, and how many programs
 * that has executed: each begins with an empty memory. */
#define LOCK_SHARED	  (1ull << 63)
#define LOCK_OF_FILE	  (1ull << 62 | LOCK_SHARED)
#define LOCK_OF_SYSV	  (1ull << 61 | LOCK_SHARED)
#define LOCK_OF_KERNEL	  (1ull << 60 | LOCK_SHARED)
#define SPACE_EXECS_SHIFT 40
#define SPACE_PROCESS	  ((1ull << SPACE_EXECS_SHIFT) - 1)

/* What a wait at a futex says of what it is: any of these. */
enum lock_hint {
	LOCK_HINT_WORD = 1,   /* FUTEX_WAIT for a word that says "locked, with waiters" */
	LOCK_HINT_ROBUST = 2, /* ... for one that has its owner's tid, and a bit for waiters */
	LOCK_HINT_AGAIN = 4,  /* FUTEX_WAIT_BITSET, see track_locked() */
	LOCK_HINT_PI = 8,
	LOCK_HINT_JOIN = 16,	 /* for a thread's tid to be cleared */
	LOCK_HINT_REQUEUE = 32,	 /* FUTEX_WAIT_REQUEUE_PI: a condition with a PI mutex */
	LOCK_HINT_OTHER = 64,	 /* none of these */
	LOCK_HINT_CONVOY = 128,	 /* see track_train() */
	LOCK_HINT_RWLOCK = 256,	 /* glibc's; see is_rwlock() */
	LOCK_HINT_TIMED = 512,	 /* with a time-out */
	LOCK_HINT_GLIBC = 1024,	 /* as glibc alone waits: by FUTEX_WAIT_BITSET and CLOCK_REALTIME */
	LOCK_HINT_SHARED = 2048, /* several processes may wait there */
	LOCK_HINT_FILE = 4096,	 /* not a futex: flock(2), fcntl(2); the word is a descriptor */
	LOCK_HINT_SYSV = 8192,	 /* not a futex: semop(2) */
	LOCK_HINT_KERNEL = 16384, /* not a futex: a lock of the kernel's own */
};

/* Calls at one word, also those that did not block: see struct calls_sums. */
struct lock_calls {
	__u64 waits;
	__u64 again; /* of them returned at once: the word had changed */
	__u64 wakes;
	__u64 woken;	 /* threads */
	__u64 wake_none; /* wakes that found nobody */
};

#define LOCK_BUCKETS 24 /* of the length of waits: below 1 us (of 1,024 ns), 2 us, 4 us ... */

struct ev_lock {
	struct event head;
	struct lock_key key;
	__u32 hints;	 /* enum lock_hint */
	__u32 owner_how; /* enum holder_how */
	__u64 waits, timeouts;
	__u64 any_ns;	/* somebody waited */
	__u64 owner_id; /* the thread that has it at the end, if one waits then; 0: not known */
	__u64 histogram[LOCK_BUCKETS];
	struct lock_calls calls; /* while calls were counted */
	/* Threads that have waited here; how many of them were away at once, when one came back;
	 * and how many came here late in their lives for the first time, so that they may have been
	 * away too. */
	__u32 known, away_most, late;
	__u32 pad;
};

struct ev_lock_waiter {
	struct event head;
	struct lock_key key;
	__u64 thread_id;
	__u64 waits, ns, max_ns;
	__u32 cause;   /* enum cause */
	__u32 is_open; /* the last of them goes on */
};

/* What a holder did while others waited for it. */
enum doing_kind {
	DOING_RUNNING = 0,
	DOING_QUEUED = 1, /* for a CPU */
	DOING_IO = 2,
	DOING_SLEEP = 3,
	DOING_LOCK = 4,
	DOING_OTHER = 5, /* blocked for anything else */
	DOING_COUNT = 6,
};

#define DOING_SLOTS 8 /* for the verifier */

/* How it is known who held a lock. */
enum holder_how {
	HOLDER_UNKNOWN = 0,
	HOLDER_WORD = 1,  /* its tid stands in the lock */
	HOLDER_WOKEN = 2, /* it was woken to take it */
	HOLDER_WAKER = 3, /* it woke who waited, so it had it at the end */
	HOLDER_COUNT = 4,
};

struct ev_lock_holder {
	struct event head;
	struct lock_key key;
	__u64 thread_id;
	__u64 ns[HOLDER_COUNT];	     /* others' waiting, summed, by how it is known */
	__u64 doing_ns[DOING_COUNT]; /* parts of it, but for HOLDER_WAKER */
};

struct ev_lock_order {
	struct event head;
	struct lock_key held, wanted;
	__u64 count; /* waits for the wanted one, or for the held one while that was wanted */
};

/* What is known of the thread that another one waits for. */
enum holder_is {
	HOLDER_IS_UNKNOWN = 0, /* what it waits at does not say */
	HOLDER_IS_THREAD = 1,  /* of the program, in this memory */
	HOLDER_IS_FOREIGN = 2, /* a thread of the program, but it does not share this memory */
	HOLDER_IS_NOBODY = 3,  /* no thread has the number that stands there */
	HOLDER_IS_COUNT = 4,
};

/* What a thread needs that it cannot do itself. */
enum stuck_want {
	WANT_HOLDER = 0,    /* that the holder of a lock lets go, or ends */
	WANT_READER = 1,    /* that somebody reads from a pipe, which is full */
	WANT_WRITER = 2,    /* that somebody writes to a pipe */
	WANT_CHILD = 3,	    /* that a child process ends */
	WANT_FILE_LOCK = 4, /* that who has the lock of a file lets go, or ends */
	WANT_COUNT = 5,
};

/* Which has a key. */
static inline int stuck_is_for_lock(__u32 want)
{
	return want == WANT_HOLDER || want == WANT_FILE_LOCK;
}

enum deadlock_kind {
	DEADLOCK_CYCLE = 1,	/* each member waits for the next one, the last for the first */
	DEADLOCK_ABANDONED = 2, /* the members wait for a lock that nobody can let go */
	DEADLOCK_KIND_COUNT = 3,
};

/* A wait that cannot end: one of a deadlock's, or behind it. Members first, in their order. */
struct ev_deadlock {
	struct event head;
	__u32 number; /* of the deadlock, from 1 on */
	__u32 kind;   /* enum deadlock_kind */
	__u32 is_member;
	__u32 holder_is; /* enum holder_is */
	__u64 thread_id;
	__u64 holder_id; /* of HOLDER_IS_THREAD and HOLDER_IS_FOREIGN */
	struct lock_key key;
	__u32 hints;	 /* enum lock_hint */
	__u32 holder_nr; /* what stands there: a number in the thread's own PID namespace */
	__u64 since;	 /* the thread left the CPU */
	__u64 proved_at; /* by a look, */
	__u64 seen_at;	 /* and stood then too */
	__u32 want; /* enum stuck_want; but for WANT_HOLDER holder_id is one of those who could do
			  * it, all of whom wait themselves; pipes and children have no key */
	__u32 pad;
};

struct ev_word {
	struct event head;
	struct lock_key key;
	__u32 size; /* bytes of text that are valid */
	__u32 pad;
	char text[]; /* variable, the source file that defines it, object, each with its NUL */
};
