/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* What happens to processes: who created, killed and reaped them, and who did not. */
#include "event.h"

enum life_what {
	LIFE_BORN = 1,	 /* by_*: who created it; code: enum birth; value: flags as of clone(2) */
	LIFE_KILLED = 2, /* a signal that kills it; by_*: who sent it; value: id of the thread */
	LIFE_DIED = 3,	 /* its last thread ended; by_*: its parent then; code: wait status */
	LIFE_REAPED = 4, /* by_*: who waited; code: enum reap; value: how long its last wait was */
	LIFE_FREED = 5,	 /* the kernel forgets it: it was reaped some milliseconds before */
	LIFE_LEFT = 6,	 /* dead at the end of the measurement, and not reaped; by_*: its parent */
	LIFE_LIVES = 7,	 /* alive at the end of the measurement; by_*: its parent */
	LIFE_COUNT = 8,
};

enum birth {
	BIRTH_FORK = 1,
	BIRTH_VFORK = 2,
	BIRTH_SPAWN = 3, /* as posix_spawn(3) does: it shares memory, and its creator waits */
	BIRTH_CLONE = 4, /* shares memory */
	BIRTH_COUNT = 5,
};

/* What a wait(2) was for. */
enum reap {
	REAP_NOT = 0,
	REAP_ANY = 1, /* any child: the first one that was dead */
	REAP_PID = 2,
	REAP_GROUP = 3, /* any child of this process group */
	REAP_DEAD = 4,	/* not a wait: in the probes, of a thread that dies itself */
	REAP_COUNT = 5,
};

enum life_flags {
	LIFE_UNWANTED = 1,	  /* DIED: its parent ignores SIGCHLD: it is no zombie */
	LIFE_OUT_OF_MEMORY = 2,	  /* DIED: the kernel was short of memory */
	LIFE_BY_KERNEL = 4,	  /* KILLED: the kernel itself sent it */
	LIFE_BY_PARENT_DEATH = 8, /* KILLED: as asked for by prctl(2), PR_SET_PDEATHSIG */
	LIFE_TO_THREAD = 16,	  /* KILLED: sent to one thread */
	LIFE_AWAITED = 32,	  /* REAPED: by one who was blocked in a wait for it */
	LIFE_INIT = 64,		  /* BORN: the first of a PID namespace */
	LIFE_BY_WAITID = 128,	  /* REAPED: by waitid(2), not wait4(2) */
};

struct ev_life {
	struct event head;
	__u32 what; /* enum life_what */
	__u32 code;
	__u64 at;
	__u64 process_id; /* 0, in REAPED: not known, see pid */
	__u64 value;
	__u64 by_id;  /* a thread; 0: none of the program's */
	__u32 by_pid; /* 0: it has no number here */
	__u32 pid;    /* in REAPED: that was waited for; 0: any */
	__u32 flags;  /* enum life_flags */
	__u32 doing;  /* DIED, LEFT, LIVES: what its parent was blocked in, or CAUSE_COUNT;
			* REAPED: ... who waited, before, or CAUSE_COUNT */
	__u32 uid;    /* effective; not in REAPED, FREED and KILLED, as those that follow */
	__u32 group;  /* process group */
	__u32 session;
	__u32 pad;
	char by_comm[EVENT_COMM_SIZE];
};

/* Children of a process that were dead, and not reaped, when it was attached to. */
struct ev_unreaped {
	struct event head;
	__u32 parent; /* a process, as concprof's own PID namespace numbers it */
	__u32 pid;    /* the first of them */
	__u64 count;
	__u64 left;		    /* of them, at the end of the measurement */
	char comm[EVENT_COMM_SIZE]; /* of the first */
};
