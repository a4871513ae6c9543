/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What was measured, put in order: events in, threads and processes out. Owns
 * all that it holds; what it hands out is borrowed until model_free(). Instants
 * (`start_ns`, `end_ns`) count from the start of the measurement.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/map.h"
#include "event/event.h"

#define STRIP_SLOTS 256

struct wait {
	enum cause cause;
	uint64_t ns, max_ns, count;
	bool open; /* the measurement ended in it */
};

#define NO_STACK SIZE_MAX

struct thread {
	uint64_t id, creator_id, process_id;
	uint32_t tid, pid;
	uint64_t cgroup; /* see struct process */
	uint32_t flags;	 /* enum thread_flags */
	char comm[EVENT_COMM_SIZE];
	uint64_t start_ns, end_ns, lifetime_ns;
	uint64_t state_ns[TS_COUNT];
	uint64_t stolen_ns, uncharged_ns, moving_ns; /* see struct ledger */
	uint64_t queued_own_ns, queued_idle_ns;
	uint64_t row_ns[ROW_COUNT]; /* the waits by what they were for */
	uint64_t switches, yields, blocks;
	uint64_t longest_run_ns; /* on a CPU at a time; 0: not known, nor the next two */
	uint64_t preempts, preempted_run_ns; /* times on a CPU that ended as it was taken away */
	struct witness witness;
	uint32_t policy;
	int32_t nice;
	uint32_t rt_priority;
	unsigned int n_cpus;		  /* that it may use at its end; 0: not known */
	const struct reschedule *changes; /* of how it is scheduled, in order */
	size_t n_changes;
	uint32_t status; /* of its process, as wait(2) would give it when this thread ended */
	uint64_t max_rss_bytes; /* of its process then; 0: not known */
	uint64_t
		first_io_ns; /* it first waited for input or output since its last exec; 0: never */
	uint64_t open_for_ns; /* with THREAD_OPEN_WAIT: how long the open wait has lasted */
	enum cause open_cause;
	enum wall_row open_row;
	struct wait *waits; /* those that happened, by time, longest first */
	size_t n_waits;
	size_t process; /* its place in model.processes */
	size_t stack;	/* where it stood: a place in model.stacks, or NO_STACK: not asked for */
};

/* What became of a process after its death. */
enum burial {
	BURIAL_NONE = 0, /* it lives, or nothing is known about it */
	BURIAL_REAPED,	 /* by the wait of another */
	BURIAL_LATER,	 /* reaped, and not seen when: reaped_ns is an upper bound */
	BURIAL_UNWANTED, /* its parent ignores SIGCHLD: it was never a zombie */
	BURIAL_LEFT,	 /* not up to the end of the measurement */
};

/* Another process, as an event names it. */
struct kin {
	uint64_t thread_id; /* the thread of it that did something; 0: none of the program's */
	uint32_t pid;	    /* 0: it has no number here */
	char comm[EVENT_COMM_SIZE]; /* the thread's */
};

/* The signal that ended a process. */
struct killer {
	bool is_known;
	struct kin by;
	uint64_t at_ns;
	uint64_t hit_id; /* the thread that it was sent to */
	uint32_t flags;	 /* enum life_flags */
};

/* What a process executed. */
struct exec {
	uint64_t process_id;
	uint64_t at_ns;
	const char *path; /* as given to execve */
	const char *const *args;
	size_t n_args;
	bool args_truncated;
	uint32_t uid; /* effective, from there on */
};

/* The story of a process beside its ledger. */
struct story {
	bool is_born, is_dead; /* its creation, its end was seen */
	bool is_init;	       /* the first of a PID namespace */
	uint64_t born_ns;
	enum birth birth;
	uint64_t clone_flags;
	struct kin creator;
	const struct exec *execs; /* in order */
	size_t n_execs;
	uint32_t uid, last_uid; /* effective: at its creation, and last known */
	uint64_t
		first_io_ns; /* its first thread first waited for input or output since; 0: never */
	uint64_t died_ns;    /* the last of its threads ended, and its parent was told */
	struct kin parent;   /* at its death, or at the end of the measurement */
	enum cause parent_doing;	 /* what that was blocked in then; CAUSE_COUNT: nothing */
	bool out_of_memory, is_unwanted; /* enum life_flags */
	struct killer killer;
	bool is_left; /* it was seen dead, and not reaped, at the end of the measurement */
	enum burial burial;
	uint64_t reaped_ns;
	struct kin reaper;
	bool by_waitid;		 /* not by wait4(2) or one of its kin */
	bool is_awaited;	 /* the reaper was blocked in a wait for it when it died */
	uint32_t group, session; /* at its end, or that of the measurement; 0: not known */
};

/* What a cgroup of version 2 is called. */
struct cgroup_name {
	uint64_t id;
	const char *path; /* below the root: "/user.slice" */
};

struct process {
	uint64_t id;
	uint32_t pid;
	uint32_t ppid;	  /* of its creator; 0: it came from outside */
	ptrdiff_t parent; /* its creator's place in model.processes; -1: from outside */
	char comm[EVENT_COMM_SIZE];
	const char *exe; /* as given to execve; NULL: not known */
	const char *const *args;
	size_t n_args;
	bool args_truncated;
	uint64_t start_ns, end_ns;
	bool ended;	  /* all its threads are dead */
	bool is_attached; /* it ran before the measurement, see THREAD_ATTACHED */
	uint64_t cgroup;  /* that it was in last; 0: not known */
	uint32_t status;  /* as wait(2) gives it; valid if it ended */
	size_t n_threads;
	uint64_t max_rss_bytes; /* 0: not known */
	struct story life;
};

/* Time of the program over one stretch of the run. */
struct slot {
	uint64_t start_ns, end_ns;
	uint64_t running_ns, busy_ns, runnable_ns;
	uint64_t serialised_ns, stacked_ns, convoy_ns; /* parts of running_ns */
	uint64_t latency_ns, limit_ns;		       /* parts of runnable_ns */
	__u64 row_ns[ROW_COUNT];
};

struct loss {
	enum loss_kind what;
	uint64_t count, ns;
	char name[32];
};

/* A server that threads waited for. */
struct peer {
	struct peer_key key;
	uint64_t ns, waits;
	bool is_local;	/* it is on this machine */
	bool is_inside; /* ... and part of what was measured */
	uint32_t pid;	/* who listens there; 0: not known */
	char comm[EVENT_COMM_SIZE];
};

/* Zombies from before the measurement. */
struct unreaped {
	size_t parent; /* a place in model.processes */
	uint32_t pid;  /* of the first */
	char comm[EVENT_COMM_SIZE];
	uint64_t count, left; /* left: at the end */
};

/* A process that used the CPUs meanwhile and is not part of what was measured. */
struct other {
	uint64_t cpu_ns;
	uint32_t pid;
	char comm[EVENT_COMM_SIZE];
};

/* A function at a place in the code. */
struct frame {
	const char *function, *file, *object; /* empty: not known */
	uint32_t line;
	uint32_t flags; /* enum frame_flags */
};

/* A chain of calls. */
struct stack {
	const uint32_t *frames; /* places in model.frames, innermost first */
	size_t n;
	enum stack_end end;
	uint32_t flags; /* enum stack_flags */
};

#define NO_LOCK SIZE_MAX

/* What a thread did at one place, by samples: struct ev_site. */
struct site {
	uint64_t thread_id, process_id; /* 0: several */
	enum site_what what;
	size_t stack; /* a place in model.stacks */
	enum cause cause;
	enum wall_row row;
	size_t lock; /* at which it waits: a place in model.locks, or NO_LOCK */
	size_t held; /* ... that it had meanwhile, and others waited for */
	size_t io;   /* what it waits for: a place in model.ios, or NO_IO */
	uint64_t samples, waits, ns, max_ns;
};

#define NO_THREAD SIZE_MAX
#define NO_IO	  SIZE_MAX

struct lock_waiter {
	size_t lock; /* its place in model.locks */
	uint64_t thread_id;
	size_t thread; /* its place in model.threads, or NO_THREAD */
	uint64_t waits, ns, max_ns;
	enum cause cause;
	bool is_open; /* the last of them goes on */
};

/* A thread that others waited for at a lock. */
struct lock_holder {
	size_t lock;
	uint64_t thread_id;
	size_t thread;
	uint64_t ns;			/* their waiting, summed */
	enum holder_how how;		/* the greatest part of that is known */
	uint64_t doing_ns[DOING_COUNT]; /* parts of it, as far as known */
};

enum lock_kind {
	LOCK_KIND_UNKNOWN = 0, /* a futex of which no more is known */
	LOCK_KIND_MUTEX,
	LOCK_KIND_RWLOCK,
	LOCK_KIND_PI,
	LOCK_KIND_GIL, /* the lock of an interpreter */
	LOCK_KIND_FILE,
	LOCK_KIND_KERNEL,
	LOCK_KIND_SYSV, /* a set of semaphores of System V */
	LOCK_KIND_ONCE,
	LOCK_KIND_COND,
	LOCK_KIND_SEM,
	LOCK_KIND_BARRIER,
	LOCK_KIND_JOIN,
	LOCK_KIND_START, /* of a thread */
	LOCK_KIND_COUNT,
};

/* Threads that had one lock, for which others waited, waited for the other. */
struct lock_order {
	size_t held, wanted; /* places in model.locks */
	uint64_t count;
};

/* One word of memory that threads waited at: a lock, a condition, a semaphore ... */
struct lock {
	struct lock_key key;
	enum lock_kind kind;
	const char *variable, *file, *object; /* NULL: none is known; file: "" if not known */
	uint32_t hints;			      /* enum lock_hint */
	uint64_t waits, ns, max_ns;	      /* as the ledgers have them */
	uint64_t timeouts;
	uint64_t any_ns; /* somebody waited */
	uint64_t open;	 /* waits that go on */
	uint64_t owner_id;
	size_t owner; /* has it then: a place in model.threads, or NO_THREAD */
	enum holder_how owner_how;
	uint64_t blamed_ns;		/* of ns, what a holder is known for */
	uint64_t doing_ns[DOING_COUNT]; /* ... and parts of that, by what it did */
	uint64_t histogram[LOCK_BUCKETS];
	struct lock_calls calls;	   /* while calls were counted */
	uint32_t known, away_most, late;   /* see struct ev_lock */
	const struct lock_waiter *waiters; /* the one that waited longest first */
	size_t n_waiters;
	const struct lock_holder *holders; /* the one that was waited for longest first */
	size_t n_holders;
};

/* A wait that cannot end: of a deadlock, or behind one. */
struct stuck_wait {
	uint32_t number; /* of the deadlock */
	size_t place;	 /* in the stream */
	enum deadlock_kind kind;
	bool is_member;
	uint64_t thread_id, holder_id;
	size_t thread, holder; /* places in model.threads, or NO_THREAD */
	enum stuck_want want;
	size_t lock;	/* a place in model.locks; NO_LOCK: it is not for one */
	uint32_t hints; /* enum lock_hint */
	enum holder_is holder_is;
	uint32_t holder_nr; /* in the thread's own PID namespace */
	uint64_t since_ns, proved_ns, seen_ns;
	size_t stack; /* a place in model.stacks, or NO_STACK */
};

/* Threads that wait for ever. */
struct deadlock {
	enum deadlock_kind kind;
	const struct stuck_wait *waits; /* its members, see enum deadlock_kind; then who waits for
					 * one of them */
	size_t n_members, n;
	uint64_t since_ns; /* it was closed */
	uint64_t proved_ns, seen_ns;
};

#define NO_PROCESS SIZE_MAX

/* A process that could end a wait. */
struct stand_need {
	uint64_t thread_id; /* whose wait */
	size_t process;	    /* a place in model.processes; NO_PROCESS: it was not looked at */
	uint64_t process_id;
	uint32_t pid;
	enum need_how how;
	char comm[EVENT_COMM_SIZE];
};

/* A thread as one look found it: what struct thread does not have. */
struct stand {
	uint64_t thread_id, other_id;
	size_t thread; /* its place in model.threads */
	enum stand_state state;
	bool is_asked;	 /* its process was asked for, not only waited for by such */
	uint64_t for_ns; /* it has been off the CPU, at least; 0: not known */
	bool is_timed;
	uint64_t left_ns; /* of is_timed: until its time-out */
	size_t lock;	  /* a place in model.locks, or NO_LOCK */
	size_t other;	  /* the thread that it waits for: a place in model.threads, or NO_THREAD */
	enum holder_is other_is;
	uint32_t other_nr; /* in its own PID namespace */
	uint32_t readers;  /* so many have the read-write lock */
	int fd;		   /* that it waits at; -1: none */
	enum stand_fd fd_is;
	uint32_t n_fds;
	const char *text; /* what the descriptor is; empty: not known */
	const struct stand_need *needs;
	size_t n_needs;
};

/* All waits of one cause at one target, with a descriptor or a name. */
struct io {
	const char *name;	  /* as a person would call it; not escaped */
	const char *path;	  /* NULL: none */
	const char *local, *peer; /* addresses of a socket, of the first of them; NULL: none */
	enum target_kind kind;	  /* 0: not known */
	enum target_side side;
	bool is_deleted;
	enum cause cause;
	uint64_t waits, ns, max_ns;
	uint64_t any_ns;  /* somebody waited there: at most, if it is several things */
	uint64_t open;	  /* waits that go on */
	uint64_t objects; /* files, sockets and so on, at least */
	uint64_t looked;  /* waits with others for one descriptor; empty: then it was not ready */
	uint64_t empty;
	struct target_user users[TARGET_USERS];
	size_t n_users; /* more than TARGET_USERS: the first of them */
	uint64_t histogram[TARGET_BUCKETS];
	uint64_t write_waits, write_ns, write_max_ns; /* of the waits, those to write */
	uint64_t seen_reads, seen_writes, seen_waits; /* see struct ev_io */
	const char
		*channel; /* what both its ends are, if they are on this machine; NULL: nothing */
	uint64_t samples; /* by the clock, in calls on it */
	uint64_t running_ns; /* ... what they stand for: it copies, say */
	size_t number;	     /* before they were sorted: for ios_build() */
};

/* How a thread does its input and output, where no wait tells: struct ev_use. */
struct use {
	uint64_t thread_id;
	size_t thread; /* its place in model.threads, or NO_THREAD */
	enum use_what what;
	enum io_call call;
	uint32_t flags, fd; /* flags: enum use_flags */
	size_t io;	    /* a place in model.ios, or NO_IO */
	enum cause cause;   /* of a wait there */
	uint64_t count;	    /* samples, or signals */
	uint64_t of;	    /* ... samples of the thread in all */
	uint64_t ns;	    /* what they stand for: of what the program computed, the same part */
};

/* Who had the CPU that a thread was ready to use: struct ev_taker. */
struct taker {
	uint64_t thread_id; /* 0: several */
	uint64_t by_id;
	size_t thread, by; /* places in model.threads, or NO_THREAD: not listed, or from outside */
	enum taker_how how;
	uint32_t by_pid, policy;
	int32_t nice;
	uint32_t rt_priority;
	enum taker_is is;
	uint64_t count, ns, max_ns, certain_ns, certain_max_ns;
	char comm[EVENT_COMM_SIZE];
};

/* A thread is scheduled in another way than before. */
struct reschedule {
	uint64_t thread_id;
	uint64_t at_ns; /* it was seen; it came before */
	struct schedule was, now;
};

/* Waits of one thread that one thread has ended, of those of which that was looked at. */
struct wake {
	size_t io;   /* a place in model.ios, or NO_IO */
	size_t lock; /* ... in model.locks, of a futex; or NO_LOCK */
	bool writes; /* the waiter wanted to write */
	uint64_t waiter_id, waker_id;
	size_t waiter, waker; /* places in model.threads; NO_THREAD: not listed, or not known */
	uint32_t outside_pid; /* it was a process that is not of the program; 0: it was not */
	const char *outside_comm;
	uint64_t waits, ns, max_ns;
};

/* Signals from one process to another, of one number. */
struct signal {
	size_t from;	      /* a place in model.processes, or NO_PROCESS */
	uint32_t outside_pid; /* then: of a process that is not of the program; 0: the kernel */
	const char *outside_comm;
	size_t to; /* as `from` */
	uint32_t number;
	uint64_t from_id, to_id;
	uint64_t sent;
	uint64_t merged, ignored; /* of them */
};

/* What a loop was blocked in while it was away. */
struct loop_wait {
	enum cause cause;   /* CAUSE_COUNT: several */
	const char *target; /* as struct io has it; NULL: none, or not known */
	uint64_t waits, ns, max_ns;
};

/* Where one thread, or several, waited for many descriptors at once. */
struct event_loop {
	enum cause cause; /* CAUSE_EVENT_* */
	uint32_t pid, fd; /* fd: of epoll */
	uint64_t thread_id;
	size_t thread;	  /* the first that waited: its place in model.threads, or NO_THREAD */
	uint32_t n_users; /* threads that waited; more than LOOP_USERS: at least so many */
	uint32_t
		watched; /* descriptors, when it was looked at last; LOOP_WATCHED: or more; 0: not known */
	uint32_t edge;		    /* ... of them edge-triggered */
	uint64_t waits, ns, max_ns; /* that blocked */
	uint64_t empty;		    /* of them ended with no descriptor ready */
	uint64_t open_waits;	    /* that go on at the end */
	uint64_t reach; /* of select: one more than the highest descriptor that it looks at */
	/* Of several threads nothing; from: since the start. */
	struct loop_away away;
	uint64_t away_p99_ns;		       /* at most */
	struct loop_wait blocked[LOOP_BLOCKS]; /* the longest first */
	struct loop_wait worst, open;	       /* of away.longest and away.open */
	size_t n_blocked;
	struct loop_calls calls;
	uint64_t turn_p99_ns; /* at most */
};

struct model {
	struct ev_run run;
	const char *texts[TEXT_NOTE + 1]; /* by enum text_kind; NULL: not known */
	const char *const *command;
	size_t n_command;
	uint64_t origin;		     /* of all instants here, on the scheduler's clock */
	const struct ev_marks *const *marks; /* in the order of their coming: see timeline.h */
	size_t n_marks;
	const char *const *notes;
	size_t n_notes;

	struct thread *threads; /* by start */
	size_t n_threads;
	struct process *processes; /* by start; the command's comes first */
	size_t n_processes;
	/* ledgers that could not be sent, as one sum; unsent.lifetime_ns is their sum too */
	struct thread unsent;
	uint64_t n_unsent;

	struct wall_sums wall; /* as at the end; what is pending or open is in row_ns */
	uint64_t wall_ns;
	struct slot strip[STRIP_SLOTS];
	size_t n_strip;

	unsigned int cpus; /* that the threads which computed may use, by affinity */
	struct io *ios;	   /* the one first at which somebody waited for most of the wall time */
	size_t n_ios;
	struct map ios_by_target; /* their places in ios, by the index of a target */
	uint64_t names_any_ns;	  /* somebody waited for a file by name; 0: nobody, or not known */
	struct use *uses;
	size_t n_uses;
	struct cgroup_name *cgroups; /* by number; only if what ran already was attached to */
	size_t n_cgroups;

	struct taker *takers; /* the longest first */
	size_t n_takers;
	struct reschedule *changes; /* by thread, then time */
	size_t n_changes;
	struct event_loop *loops; /* the one first that was seen for longest */
	size_t n_loops;
	struct wake *wakes;
	size_t n_wakes;
	struct signal *signals; /* the most first */
	size_t n_signals;
	struct peer *peers; /* the one waited for longest first */
	size_t n_peers;
	struct unreaped *unreaped; /* most first */
	size_t n_unreaped;

	struct other *others; /* the one that used most first */
	size_t n_others;

	struct exec *execs; /* by process, then time */

	struct frame *frames;
	struct stack *stacks;
	struct site *sites;
	size_t n_frames, n_stacks, n_sites;

	struct lock *locks;
	struct lock_waiter *lock_waiters; /* of all locks */
	struct lock_holder *lock_holders;
	struct lock_order *lock_orders; /* the one that was seen most first */
	size_t n_locks, n_lock_waiters, n_lock_holders, n_lock_orders;

	uint64_t standstill_ns; /* the one that was open at the end */
	struct deadlock *deadlocks;
	struct stuck_wait *stuck; /* of all of them */
	size_t n_deadlocks, n_stuck;

	struct stand *stands; /* by thread; none unless it was one look */
	struct stand_need *stand_needs;
	size_t n_stands, n_stand_needs;

	struct loss *losses;
	size_t n_losses;
	struct ev_probe *probes;
	size_t n_probes;
	struct ev_calls calls; /* all zero: no window */
	struct ev_end end;
	bool complete; /* the stream had its end */
};

/* "mutex"; "futex" of an unknown one. */
const char *lock_kind_name(enum lock_kind kind);

struct model_builder;

struct model_builder *model_builder_new(void);
/* An event_fn; ctx is the builder. -EINVAL: the stream contradicts itself. */
int model_builder_event(void *ctx, const struct event *ev);
/* The model of all events so far. Takes the builder, in any case. */
struct model *model_builder_finish(struct model_builder *b);
void model_builder_free(struct model_builder *b);
void model_free(struct model *m);
