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

#include "event/event.h"

#define STRIP_SLOTS 256

struct wait {
	enum cause cause;
	uint64_t ns, max_ns, count;
	bool open; /* the measurement ended in it */
};

struct thread {
	uint64_t id, creator_id, process_id;
	uint32_t tid, pid;
	uint32_t flags; /* enum thread_flags */
	char comm[EVENT_COMM_SIZE];
	uint64_t start_ns, end_ns, lifetime_ns;
	uint64_t state_ns[TS_COUNT];
	uint64_t stolen_ns, uncharged_ns, moving_ns; /* see struct ledger */
	uint64_t queued_own_ns, queued_idle_ns;
	uint64_t row_ns[ROW_COUNT]; /* the waits by what they were for */
	uint64_t switches, yields, blocks;
	struct witness witness;
	uint32_t policy;
	int32_t nice;
	uint32_t rt_priority;
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
	bool ended;	 /* all its threads are dead */
	uint32_t status; /* as wait(2) gives it; valid if it ended */
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
	bool by_frame_pointer; /* some of it */
};

/* What a thread did at one place, by samples: struct ev_site. */
struct site {
	uint64_t thread_id, process_id; /* 0: several */
	enum site_what what;
	size_t stack; /* a place in model.stacks */
	enum cause cause;
	enum wall_row row;
	uint64_t samples, waits, ns, max_ns;
};

struct model {
	struct ev_run run;
	const char *texts[TEXT_NOTE + 1]; /* by enum text_kind; NULL: not known */
	const char *const *command;
	size_t n_command;
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

	unsigned int cpus;  /* that the threads which computed may use, by affinity */
	struct peer *peers; /* the one waited for longest first */
	size_t n_peers;

	struct other *others; /* the one that used most first */
	size_t n_others;

	struct exec *execs; /* by process, then time */

	struct frame *frames;
	struct stack *stacks;
	struct site *sites;
	size_t n_frames, n_stacks, n_sites;

	struct loss *losses;
	size_t n_losses;
	struct ev_probe *probes;
	size_t n_probes;
	struct ev_calls calls; /* all zero: no window */
	struct ev_end end;
	bool complete; /* the stream had its end */
};

struct model_builder;

struct model_builder *model_builder_new(void);
/* An event_fn; ctx is the builder. -EINVAL: the stream contradicts itself. */
int model_builder_event(void *ctx, const struct event *ev);
/* The model of all events so far. Takes the builder, in any case. */
struct model *model_builder_finish(struct model_builder *b);
void model_builder_free(struct model_builder *b);
void model_free(struct model *m);
