/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of this folder share. */
#include "probe/probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/map.h"
#include "bpf/state.h"
#include "concprof.skel.h"

enum attach_when {
	ATTACH_ALWAYS,
	ATTACH_AND_REST,  /* and detach while there is nothing to see: probe_rest() */
	ATTACH_ON_DEMAND, /* when the program turns out to need it: probe_read() */
	ATTACH_FOR_RINGS, /* ... when it waits for io_uring: probe_read(), too */
	ATTACH_FOR_AIO,	  /* ... or for aio */
	ATTACH_FOR_TIMELINE,
	ATTACH_IN_WINDOW, /* in windows of calls only */
};

/* One BPF program that is attached to a tracepoint. */
struct probe_row {
	const char *program;
	const char *tracepoint;
	bool needed; /* without it there is no ledger */
	enum attach_when when;
	const char *lacks; /* what the report lacks without it */
};

/* The first rows are those whose cost is measured, as in enum costed_probe. */
#define PROBE_ROWS 16
extern const struct probe_row probe_rows[PROBE_ROWS];

/* What tells where the code is, beside the probes. */
enum code_source {
	CODE_MAPPINGS,
	CODE_CLOCK,
	CODE_SOURCES,
};

struct code_row {
	const char *name;
	const char *lacks; /* what the report lacks without it */
};

extern const struct code_row code_rows[CODE_SOURCES];

struct mappings;

/* Of each process's first thread: by its id, and how many programs it has executed. */
struct coroutines {
	struct map kernels, others; /* stacks where the kernel puts it, and elsewhere */
	struct map pids;
};

struct probe {
	struct concprof_bpf *skel;
	struct bpf_link *links[PROBE_ROWS];
	char why[PROBE_ROWS][128]; /* not attached because */
	struct ring_buffer *ring;
	struct ring_buffer *stacks; /* apart: to unwind takes time, and no ledger may wait */
	unsigned int unwound;
	uint64_t unwind_until; /* CLOCK_MONOTONIC: then it is time for other things; 0: for none */
	bool has_more;	       /* ... and stacks were left */
	int epoll;	       /* readable when one of all these is */
	event_fn fn;	       /* during a call that reads the ring */
	void *ctx;
	int fn_error;
	bool all_calls;
	bool has_wakeups; /* was attached on demand */
	bool has_rings, has_aio;
	uint32_t windows;
	uint64_t window_ns, window_since;
	struct {
		uint64_t locks;		    /* waits for locks that had begun at the last look */
		uint64_t not_before, until; /* CLOCK_MONOTONIC */
	} rest;
	uint64_t *window_waits; /* by index of a target: waits in windows; NULL: none was closed */
	struct code_sink code;	/* no functions: nobody asks */
	struct mappings *mappings;
	struct coroutines coroutines;
	uint64_t mapped_until;	  /* CLOCK_MONOTONIC: the mappings before have been handed over */
	struct bpf_link **clocks; /* of each CPU */
	int n_clocks;
	char code_why[CODE_SOURCES][128];
	struct bpf_link *stuck;		    /* its iterator */
	struct bpf_link *came, *came_to_be; /* who comes into the cgroup */
	struct dead_child
		*unreaped; /* zombies that were there before, those of a parent together */
	size_t n_unreaped;
	attached_fn attached; /* takes them */
	void *attached_ctx;
};

/* Does the running kernel have this tracepoint for BTF-typed programs? */
bool kernel_has_tracepoint(const struct btf *btf, const char *name);
/* include/uapi/linux/capability.h */
#define CAP_PERFMON_BIT 38
#define CAP_BPF_BIT	39
/* Is this capability in our effective set? */
bool kernel_has_capability(int bit);
/* Is this a user namespace other than the machine's, where capabilities load no probes? */
bool kernel_is_namespaced(void);
#define KERNEL_RELEASE 65
/* Is this kernel older than that version? Then its release is there. */
bool kernel_is_before(unsigned major, unsigned minor, char release[KERNEL_RELEASE]);
/* What to do for who may not load probes. */
const char *kernel_remedy(void);
/* Where a function of the kernel lies; start 0 if kallsyms does not say. */
void kernel_find_code(const char *function, struct code *ret);

/* load.c: what libbpf says from here on explains why a load fails. */
void load_listen(void);
/* ... as if libbpf had said so, with the verifier's log ("": there is none). */
void load_refused(const char *program, int error, const char *log);
int load_explain(int error, struct err *err);

/* beside.c: the program of the switches is loaded by a thread of its own. Before the object is
 * opened. -errno. */
int beside_register(void);
/* Before it is loaded: the number of that tracepoint's type in the kernel's BTF. */
void beside_switches(int tracepoint);
/* After it was loaded, with this error or 0; returns that, or the error of this program. */
int beside_end(int error);

/* probe.c: sets the program's sums, before anything is tracked. */
int set_sums(struct probe *p, const struct program *program, struct err *err);
/* ... marks the calling thread as the one that relates the clocks. */
int mark_collector(struct probe *p, struct err *err);
/* ... sleeps so long, unless a signal comes. */
void nap(long ns);

/* collect.c: the key of a map that follows the last one; NULL: the first. False at the end, and on an
 * error, which is set. */
bool next_key(int map, const void *last, void *key, int *ret_error);

/* attach.c: takes over what has come into the cgroup by itself. */
int attach_who_came(struct probe *p);

/* Attaches a row, if that can be done; a row that is needed or an error otherwise. */
int attach_row(struct probe *p, size_t row, struct err *err);

/* marks.c: a record of the ring of marks; libbpf's ring_buffer_sample_fn. */
int marks_record(void *ctx, void *data, size_t size);
/* ... what the CPUs still have of them, when no probe is attached any more. */
int marks_rest(struct probe *p);

/* code.c: what cannot be had is said in code_why. -errno: out of memory. */
int code_open(struct probe *p);
void code_close(struct probe *p);
/* A record of the ring of stacks; libbpf's ring_buffer_sample_fn. */
int code_record(void *ctx, void *data, size_t size);
/* One stack, at once. */
int code_take(struct probe *p, const struct code_stack *s);
/* Takes the stacks: all of them, or as many as there is time for. */
int code_consume(struct probe *p);
/* Hands over the mappings so far. */
int code_read(struct probe *p);
/* What could not be had, as EV_PROBE. */
int code_tell(struct probe *p, event_fn fn, void *ctx);

/* mappings.c */
int mappings_open(struct mappings **ret);
void mappings_free(struct mappings *m);
/* Readable when much is waiting to be read. -errno. */
int mappings_watch(const struct mappings *m, int epoll);
int mappings_read(struct mappings *m, const struct code_sink *sink);
/* Records that found no room. */
uint64_t mappings_lost(const struct mappings *m);
/* enum use_library, of what this process has loaded. */
uint32_t mappings_libraries(const struct mappings *m, uint32_t pid);
/* How many programs it has executed, by what has been read. */
uint32_t mappings_execs(const struct mappings *m, uint32_t pid);

/* coroutines.c: what its registers tell. */
void coroutines_note(struct coroutines *c, const struct mappings *m, const struct code_stack *s);
/* What there was, as EV_USE. */
int coroutines_tell(struct probe *p, event_fn fn, void *ctx);
void coroutines_free(struct coroutines *c);

/* Takes what is in the ring. */
int collect_ring(struct probe *p, event_fn fn, void *ctx);
/* The sums as they are. */
int read_program(struct probe *p, struct program *ret);
/* The program's sums, brought up to `until` if that is not 0. */
int collect_wall(struct probe *p, uint64_t until, event_fn fn, void *ctx);
/* Runs an iterator and hands over what it writes in records of one size. */
int collect_records(struct bpf_program *program, size_t size, event_fn fn, void *ctx);
/* ... one that stays attached. */
int collect_link(struct bpf_link *link, size_t size, event_fn fn, void *ctx);
/* The scheduler's clock now. */
uint64_t sched_now(struct probe *p);
int collect_alive(struct probe *p, event_fn fn, void *ctx);
/* What became of the processes that are not known to be reaped. */
int collect_lives(struct probe *p, event_fn fn, void *ctx);
int collect_unsent(struct probe *p, event_fn fn, void *ctx);
/* After collect_alive(): those that it cannot find as they are about to end hand over their ledgers
 * when they do. This waits for them, but not for ever: the rest is counted. */
int collect_dying(struct probe *p, event_fn fn, void *ctx);
/* After collect_alive(), which has the waits that are open. */
int collect_peers(struct probe *p, event_fn fn, void *ctx);
/* unreaped.c: before something is attached to. */
int unreaped_look(struct probe *p);
/* ... and at the end, what became of them. */
int collect_unreaped(struct probe *p, event_fn fn, void *ctx);
/* While the measurement goes on. */
int peek_locks(struct probe *p, event_fn fn, void *ctx);
int peek_targets(struct probe *p, event_fn fn, void *ctx);
/* After collect_alive() as well. */
int collect_locks(struct probe *p, event_fn fn, void *ctx);
/* ... and this. */
int collect_loops(struct probe *p, event_fn fn, void *ctx);
int collect_wakes(struct probe *p, event_fn fn, void *ctx);
/* Which function of the kernel has page faults; without, nothing says what they wait for. */
void find_fault_handler(struct probe *p);
int collect_targets(struct probe *p, event_fn fn, void *ctx);
int collect_uses(struct probe *p, event_fn fn, void *ctx);
int collect_takers(struct probe *p, event_fn fn, void *ctx);
int collect_losses(struct probe *p, event_fn fn, void *ctx);
int collect_calls(struct probe *p, event_fn fn, void *ctx);
int collect_costs(struct probe *p, event_fn fn, void *ctx, struct ev_end *end);
