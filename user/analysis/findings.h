/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What the model means: all that a report may say. Borrows the model, owns the rest.
 */
#include "analysis/channels.h"
#include "analysis/path.h"
#include "model/model.h"

enum verdict_class {
	CLASS_UNKNOWN = 0,
	CLASS_CPU_BOUND,
	CLASS_IO_BOUND,
	CLASS_LOCK_BOUND,
	CLASS_OVERSUBSCRIBED,
	CLASS_STARVED,
	CLASS_SLEEP_BOUND,
	CLASS_IDLE,
	CLASS_MIXED,
	CLASS_DEADLOCKED,
	CLASS_COUNT,
};

/* "cpu-bound" */
const char *class_name(enum verdict_class c);

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR };

const char *severity_name(enum severity s);

struct evidence {
	char metric[48]; /* a path of the JSON */
	uint64_t value;
	char text[160]; /* the same for a person, with its share or comparison */
};

/* What the processes that were in one cgroup did, summed. */
struct cgroup_row {
	uint64_t id;
	const char *path; /* NULL: it is not known, or has gone */
	size_t processes, threads;
	uint64_t lifetime_ns, running_ns, queued_ns, blocked_ns;
};

/* All rules that a finding can have, but those of verdicts ("verdict.cpu"); ended by NULL. */
#define FINDING_RULES 39
extern const char *const finding_rules[];

#define EVIDENCE_MAX 8

struct finding {
	const char *rule; /* stable id */
	enum severity severity;
	char subject[64]; /* what it is about: "program", a thread's comm; may hold anything */
	char title[160];
	char advice[400];
	bool has_gain;
	uint64_t gain_at_most_ns;
	const char *gain_by; /* what would gain it: "by ..." */
	struct evidence evidence[EVIDENCE_MAX];
	size_t n_evidence;
};

struct verdict {
	enum verdict_class class;
	const char *rule;
	double margin;		      /* 0 to 1; see the contract */
	enum verdict_class runner_up; /* CLASS_UNKNOWN: there is none */
	enum verdict_class parts[2];  /* of CLASS_MIXED: the two that matter */
};

/* A stretch of the run of one character. */
struct phase {
	uint64_t start_ns, end_ns;
	size_t first_slot, end_slot; /* of model->strip */
	enum verdict_class class;
	double parallelism;
};

#define PHASES_MAX 6

struct findings;
/* Of its running time what counts as serialised: summed, as much as in the whole. */
double slot_serialised(const struct findings *f, const struct slot *slot);

/* Threads that wait for a lock in the guise of another wait: an interpreter lock. */
struct convoy {
	bool is_lock;	/* model->wall.convoy_ns is waiting for a lock */
	size_t threads; /* that wait so */
};

/* A process that was dead and not reaped for longer than LIFE_NOTICE_NS, though its parent
 * was not already waiting for it. */
struct zombie {
	size_t process;
	uint64_t from_ns, to_ns;
	bool is_reaped;	    /* somebody has waited for it */
	enum cause doing;   /* what its parent was blocked in meanwhile; CAUSE_COUNT: nothing */
	ptrdiff_t to_blame; /* its parent, when it died; -1: not one of the program's processes */
};

/* A process that lived on when its parent was dead. */
struct orphan {
	size_t process, parent;
	uint64_t at_ns, outlived_ns;
};

/* How a signal came to end a process. */
enum death_how {
	DEATH_UNKNOWN = 0, /* who sent it was not seen */
	DEATH_CRASH,	   /* one of its threads did what cannot be done */
	DEATH_ITSELF,	   /* it sent it to itself, as abort(3) does */
	DEATH_PROCESS,	   /* another process sent it */
	DEATH_PIPE,	   /* it wrote to what nobody reads any more */
	DEATH_PARENT,	   /* it was to die with its parent: prctl(2), PR_SET_PDEATHSIG */
	DEATH_MEMORY,	   /* the kernel was short of memory */
	DEATH_KERNEL,	   /* the kernel: a terminal, a timer, a limit */
	DEATH_COUNT,
};

/* "SIGTERM". Returns buf. */
const char *signal_name(char *buf, size_t size, unsigned int sig);
#define SIGNAL_NAME_SIZE 16

/* "crash" */
const char *death_name(enum death_how how);

/* A process that a signal ended. */
struct death {
	size_t process;
	unsigned int signal;
	enum death_how how;
	uint64_t at_ns; /* it was sent, or if that is not known it was dead */
};

/* Shorter than this, an interval says how busy the scheduler was. */
#define LIFE_NOTICE_NS 10000000
/* That a process was reaped, when that was not seen, is known no sooner (a grace period of RCU). */
#define LIFE_GRACE_NS 100000000

/* Of the process at this place; NULL: none is known. */
const struct thread *first_thread(const struct model *m, size_t process);
/* From its creation to the end of the measurement. */
uint64_t survivor_age(const struct model *m, const struct process *p);
/* Does it live in another session than the command: setsid(2)? */
bool survivor_left(const struct model *m, const struct process *p);

/* The lives of processes. Lists by place in model->processes. */
struct lifecycle {
	struct zombie *zombies;
	struct orphan *orphans;
	size_t *survivors;    /* alive at the end, the command itself left out */
	struct death *deaths; /* by time */
	size_t n_zombies, n_orphans, n_survivors, n_deaths;
	size_t peak;	 /* zombies at once */
	size_t n_reaped; /* at once, as it should be: how many, and how long that took */
	uint64_t reaping_ns, reaping_max_ns;
};

/* Processes that are alike: children of alike ones, with the same command line. */
struct branch {
	size_t process; /* the first of them */
	unsigned int depth;
	uint64_t count;
	uint64_t failed; /* ended with a status other than 0 */
	uint64_t running_ns, lifetime_ns;
	uint64_t execs,
		to_exec_ns; /* of those that executed a program: from the creation to that */
};

#define BRANCHES_MAX 40

struct tree {
	struct branch branches[BRANCHES_MAX]; /* each before its children */
	size_t n_branches;
	bool by_program; /* too many command lines: those of one program are alike */
	bool is_cut;	 /* there was no room for all */
};

/* A place in the code, with what all threads did there. */
struct site_row {
	enum cause cause; /* of waits */
	const struct stack *stack;
	/* the innermost call that is the program's own, not of its language's or the system's
	 * libraries, as a place in stack->frames: one whose name is known, if there is any;
	 * -1: none was reached */
	ptrdiff_t own;
	uint64_t samples; /* that were looked at */
	double waits, ns; /* of all waits, by those samples and the exact sums of each thread */
	uint64_t max_ns;  /* of the samples */
};

/* Not of the system's or the language's libraries: see own_code.c. */
bool frame_is_own(const struct frame *f);

/* The same, summed for one function of the program's own. */
struct hot {
	const struct frame *frame; /* in which line most of it is; NULL: none was reached */
	enum cause cause;	   /* of waits */
	const struct site_row *most;
	uint64_t samples, max_ns;
	double waits, ns;
	/* of the kernel's functions that tell something the one with most of it (of what it
	 * computes, or waits); NULL: there is none */
	const struct frame *kernel;
	uint64_t kernel_samples; /* of `samples`, those that were in the kernel */
};

/* Time of a thread of which no site is known. */
struct unsited {
	const struct thread *thread; /* of model->threads, or model->unsent */
	enum site_what what;
	enum cause cause;   /* of waits */
	uint64_t ns, count; /* exact; count: of waits */
};

#define SITES_LISTED 200 /* of waits and cpu each, in the JSON */

struct sites {
	/* Of each of model->sites: its part of the exact time of its thread, blocked for this
	 * cause or running, and of its waits. */
	double *ns, *count;
	struct unsited *unsited; /* with those, all time that threads ran or waited */
	size_t n_unsited;
	struct site_row *waits;		 /* longest first */
	struct site_row *cpu;		 /* most samples first */
	struct hot *hot_waits, *hot_cpu; /* in the same order; without a function last */
	size_t n_waits, n_cpu, n_hot_waits, n_hot_cpu;
	uint64_t cpu_samples;
	uint64_t wait_ns;  /* blocked, all threads */
	uint64_t sited_ns; /* ... of it, at a site */
	uint64_t own_ns;   /* ... and in a call of the program's own with a name */
	bool is_sampled;   /* not each wait was looked at */
};

/* What a process did in handlers of signals, by samples: struct sites. */
struct handler_row {
	size_t process;			 /* its place in model.processes */
	uint64_t samples, samples_in;	 /* of its computing: all, in handlers */
	uint64_t waits_in;		 /* that were looked at */
	uint64_t running_ns, waiting_ns; /* its part of the exact sums */
	bool is_all; /* it was never seen elsewhere: it was created in one, perhaps */
};

#define LOCK_NAME_SIZE	  240
#define LOCK_HOLDERS_SEEN 64 /* of a lock, whose names are looked at */

/* Where it is waited for, by samples: see struct sites. */
struct lock_site {
	size_t lock;		   /* its place in model.locks */
	const struct frame *frame; /* of the program's own */
	double waits, ns;
};

/* Where one of model.ios is waited for: the same. */
struct io_site {
	size_t io; /* its place there */
	const struct frame *frame;
	double waits, ns;
};

#define NO_FOLDER SIZE_MAX

/* A directory with many files that were each waited for a little, for one cause: itself or the ones in it. */
struct io_folder {
	const char *path; /* of one of the files, of which so many bytes are the directory's */
	size_t size;
	enum cause cause;
	size_t files;
	uint64_t waits, ns, max_ns;
	uint64_t any_ns; /* at most, if there are several threads */
};

/* Those of one, the longest first. */
struct io_sites {
	const struct io_site *items;
	size_t n;
};

/* The models of input and output, as textbooks tell them apart. */
enum io_model {
	IO_MODEL_NONE = 0, /* not known, or none */
	IO_MODEL_BLOCKING,
	IO_MODEL_POLLING, /* calls that return at once, again and again */
	IO_MODEL_SELECT,  /* these three wait for many descriptors at once */
	IO_MODEL_POLL,
	IO_MODEL_EPOLL,
	IO_MODEL_SIGNAL, /* a signal tells that a descriptor is ready */
	IO_MODEL_AIO,	 /* these two hand a request over, and learn later that it is done */
	IO_MODEL_URING,
	IO_MODEL_COUNT,
};

/* "multiplexed-epoll"; NULL of NONE. */
const char *io_model_name(enum io_model model);
/* Is what was asked for done when the call returns? */
bool io_model_is_synchronous(enum io_model model);
/* Does the thread sleep in a call until a descriptor is ready? */
bool io_model_blocks(enum io_model model);
bool io_model_is_multiplexed(enum io_model model);

/* What is known of one. */
struct io_model_sum {
	bool is_named; /* as one of the program's: it is no trifle */
	double share;  /* of all waiting, and running in calls, for input and output */
	uint64_t waits, wait_ns;
	uint64_t samples;	   /* by the clock, in its calls: it did not wait */
	uint64_t running_ns;	   /* ... what they stand for */
	uint64_t signals;	   /* that a descriptor is ready */
	bool calls[IO_CALL_COUNT]; /* that were seen; the first: others */
	uint64_t threads;
	uint64_t targets; /* of model.ios */
};

/* The kinds of concurrency. */
enum concurrency {
	KIND_NONE = 0, /* not known */
	KIND_SINGLE,
	KIND_THREADS, /* each its own of the kernel's */
	KIND_PROCESSES,
	KIND_POOL, /* of threads, or of processes: alike, they wait for work at one place */
	KIND_LOOP,
	KIND_COROUTINES, /* on one thread */
	KIND_MN,	 /* a runtime's own threads, on some of the kernel's */
	KIND_COUNT,
};

/* "mn-threads"; NULL of NONE. */
const char *concurrency_name(enum concurrency kind);

/* What a kind is told by. */
enum kind_how {
	KIND_BY_NUMBER = 0, /* there are so many */
	KIND_BY_LOCK,	    /* they wait for work at this lock */
	KIND_BY_OWN_LOCKS,  /* ... each at one of its own, and the same threads wake them */
	KIND_BY_TARGET,	    /* ... at this target */
	KIND_BY_RESULTS,  /* ... or never wait; who made them waits at it for what they have done */
	KIND_BY_WATCHING, /* it waits for so many descriptors at once */
	KIND_BY_FUNCTION, /* of a library or runtime, in its stacks */
	KIND_BY_LIBRARY,  /* that is loaded */
	KIND_BY_STACKS,	  /* it was found on stacks that the kernel has not made */
	KIND_HOW_COUNT,
};

/* "own-locks" */
const char *concurrency_how_name(enum kind_how how);

/* Threads, or processes, of one kind. */
struct kind_row {
	enum concurrency kind;
	enum kind_how how;
	bool is_named; /* as one of the program's kinds: it is no trifle */
	bool of_processes;
	size_t thread;	/* the first of them: a place in model.threads */
	size_t process; /* all in this one: a place in model.processes; NO_PROCESS: in several */
	size_t members; /* threads, or processes */
	size_t at_once; /* lived at once, at most */
	uint64_t life_ns, running_ns, wall_ns; /* wall_ns: from the first start to the last end */
	uint64_t active_ns;		       /* of the life, but for waits for others */
	uint64_t idle_ns;		       /* of a pool: it waited for work */
	uint64_t waits;			       /* ... so many times; else waits of its kind */
	uint64_t results;		       /* others waited for these; of a pool */
	size_t busy_most;		       /* of a pool: at once, at most; 0: not known */
	size_t lock, io;  /* of a pool: where it waits for work; NO_LOCK, NO_IO */
	size_t watched;	  /* of a loop */
	uint64_t samples; /* with KIND_BY_FUNCTION and KIND_BY_STACKS: of so many stacks */
	const char *by;	  /* the function, library or call; NULL */

	/* Of threads: so many may be a pool, that waits at this lock; 0, NO_LOCK: none. */
	size_t maybe, maybe_lock;
};

/* What Amdahl's law makes of the run. */
struct amdahl {
	bool is_known;
	uint64_t serial_ns;   /* wall time: one thread ran, or none for reasons inside */
	uint64_t parallel_ns; /* CPU time of what ran two or more at once */
};

#define AMDAHL_MOST 64 /* CPUs that are said: 2, 4, 8 ... */

/* How much faster than on one CPU it can be, at most; of 0: of any number. */
double amdahl_speedup(const struct amdahl *a, unsigned int cpus);

/* One lock as the reports show it. */
struct lock_row {
	const struct lock *lock;
	char name[LOCK_NAME_SIZE]; /* of its variable, or of who waits there; may hold anything */
	const struct frame *place; /* of the program, from where it was waited for most; NULL */
	const struct lock_site *sites; /* all of these, the longest first */
	size_t n_sites;
	const char *call; /* of a lock of the kernel's: one that met it; NULL: not known */
	const struct thread *holder; /* one of those that it was waited for most; NULL: not known */
	size_t holder_threads;	     /* of its name */
	uint64_t holder_ns;	     /* of the waiting, for all of that name */
	uint64_t holder_doing_ns[DOING_COUNT]; /* parts of it, as far as known */
	const struct frame *held_in; /* of the program, where its holders were meanwhile; NULL */
};

/* Over locks of one name. */
struct lock_sum {
	uint64_t n, waits, timeouts, open;
	uint64_t ns, max_ns, blamed_ns;
	uint64_t any_ns; /* somebody waited; of several locks at most */
};

void lock_sum_add(struct lock_sum *to, const struct lock *l);
/* Is it waited for until another thread lets it go, and not until it has done something? */
bool lock_is_contended(const struct lock *l);
/* What was done most, and how much is known in all. */
enum doing_kind doing_most(const uint64_t ns[DOING_COUNT], uint64_t *known);
/* "in input or output". */
const char *doing_words(enum doing_kind doing);

/* An estimate to the next whole number. */
uint64_t estimate_whole(double estimate);

/* Sums over all threads, those that could not be sent included. */
struct totals {
	uint64_t threads, processes;
	uint64_t lifetime_ns;
	uint64_t state_ns[TS_COUNT];
	struct wait waits[CAUSE_COUNT]; /* by enum cause */
	uint64_t row_ns[ROW_COUNT];	/* the same by what they were for */
	uint64_t queued_own_ns, queued_idle_ns;
	uint64_t switches, voluntary, involuntary, yields, migrations;
	uint64_t longest_run_ns, preempts, preempted_run_ns; /* see struct thread */
};

/* Who had the CPU that threads were ready to use: threads of one name or numbered name, by a taker of one. */
struct taker_row {
	const struct taker
		*first; /* the one with the most time: how, policy and is are the same of all */
	char whom[EVENT_COMM_SIZE + 1],
		by[EVENT_COMM_SIZE + 1]; /* "worker-*" if there are several */
	size_t threads;			 /* whose time it is */
	uint32_t by_pid;		 /* 0: several, or not known */
	uint64_t count, ns, max_ns, certain_ns;
};

/* How far the report can be trusted. */
struct trust {
	uint64_t residual_ns;	    /* sum over threads of |lifetime - states| */
	uint64_t running_off_ns;    /* sum over threads of |running - stolen - kernel's run time| */
	uint64_t running_kernel_ns; /* the kernel's run time, summed */
	uint64_t delay_off_ns; /* sum of |woken + preempted + yielded + throttled - run_delay| */
	uint64_t delay_kernel_ns;
	uint64_t switches_off; /* sum of |switch-outs seen - the kernel's count| */
	uint64_t switches_kernel;
	uint64_t cpu_ns;  /* the workload's: running, summed */
	double bpf_share; /* of cpu_ns */
};

enum gate_holds { GATE_NO, GATE_YES, GATE_ERROR };

/* What a condition of the user's came to; see analysis/gate.h. */
struct gate_result {
	char *expression; /* as it was given: may hold anything */
	enum gate_holds holds;
	char *measured;		      /* the values it was about; may hold anything */
	char *error;		      /* NULL, unless it could be neither */
	const struct finding *reason; /* of the list: what explains it; NULL: nothing */
};

/* Threads of one process that wait for the same at the same place. */
struct why_group {
	const size_t *stands; /* places in model.stands */
	size_t n;
	size_t process; /* a place in model.processes */
	bool is_asked;	/* see struct stand */
	uint64_t longest_ns;
};

#define WHY_NONE SIZE_MAX

/* What one look at threads comes to. */
struct why {
	struct why_group *groups; /* what was asked for first */
	size_t n_groups;
	size_t *members; /* of all groups */
	size_t root;	 /* what most wait for, in the end: a place in model.stands, or WHY_NONE */
	size_t behind;	 /* ... so many threads */
};

struct findings {
	const struct model *model;
	uint64_t running_ns;	/* wall time with at least one thread running */
	uint64_t serialised_ns; /* of it, a thread waited for a lock while a CPU was free */
	double idle_running_ns; /* idle allowed CPUs meanwhile, summed; 0 too if not known */
	double others_ns; /* that other programs had of the allowed CPUs, at most; -1: not known */
	double parallelism;  /* mean number of running threads over the wall time */
	size_t n_counts;     /* of model->wall.by_count that are worth showing: 1 + highest */
	double cpus_allowed; /* the smaller of affinity and cgroup quota */
	double crowding;     /* of the time with a thread running: its own threads were too many */
	double held_back;    /* ... and other programs had the CPUs that more threads wanted */
	struct totals totals;
	struct trust trust;
	struct sites sites;
	struct lock_row *locks; /* the one that matters most first */
	size_t n_locks;
	struct lock_site *lock_sites; /* of all locks */
	size_t n_lock_sites;
	size_t *lock_rank;	  /* of each of model.locks, its place in locks */
	struct io_site *io_sites; /* of all model.ios */
	size_t n_io_sites;
	struct io_sites *io_places; /* by place in model.ios */
	struct channels channels;
	struct io_folder *folders;
	size_t n_folders;
	size_t *folder_of; /* by place in model.ios; NO_FOLDER: in none of these */
	struct io_model_sum io_models[IO_MODEL_COUNT];
	enum io_model io_model_order[IO_MODEL_COUNT]; /* those that there is anything known of: that
							are named, then by share */
	size_t n_io_models, n_named_io_models;
	const struct use *polls; /* of IO_MODEL_POLLING the one with most samples; NULL: none */
	enum io_model *io_row_models; /* by place in model.ios */
	struct cgroup_row *cgroups;   /* those that compute most first; see model.cgroups */
	size_t n_cgroups;
	struct path *path;	      /* path.h; NULL: there is no timeline */
	struct handler_row *handlers; /* longest first */
	size_t n_handlers;
	struct taker_row *takers; /* the longest first */
	size_t n_takers;
	struct kind_row *kinds; /* those that are named first, the most active first */
	size_t n_kinds;
	size_t *pool_of; /* by thread: the first thread of the pool that it is in, or NO_THREAD */
	enum concurrency kind_names[KIND_COUNT]; /* of those that are named, each once */
	size_t n_kind_names;
	size_t threads_at_once; /* lived, at most */
	struct amdahl amdahl;
	struct lifecycle lives;
	struct tree tree;
	struct convoy convoy;
	struct phase phases[PHASES_MAX]; /* at least one, if there is a strip */
	size_t n_phases;
	struct why why; /* empty unless it was one look */
	struct verdict verdict;
	struct finding *list; /* the verdict's own comes first */
	size_t n_list;
	enum verdict_class *thread_class;  /* by place in model->threads */
	enum verdict_class *process_class; /* by place in model->processes */
	struct gate_result *gates;	   /* in the order in which they were given */
	size_t n_gates;
};

struct lock_sum lock_sum_of(const struct findings *f, const char *name);

struct findings *findings_new(const struct model *model);
void findings_free(struct findings *f);
