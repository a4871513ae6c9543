/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of this folder share. */
#include "model/model.h"
#include "../bpf/state.h"

#define obstack_chunk_alloc malloc
#define obstack_chunk_free  free
#include <obstack.h>

#include "base/intern.h"
#include "base/map.h"
#include "base/vec.h"

/* Slots while they are made: what no wait has ended yet has no row. */
struct open_slot {
	struct slot slot;
	uint64_t undecided_ns;
};

struct strip {
	struct wall_sums last;
	struct open_slot slots[STRIP_SLOTS];
	size_t n;
};

/* Threads of one affinity. */
struct affinity {
	uint64_t cpus[EVENT_CPU_WORDS];
	uint64_t running_ns;
};

#define AFFINITIES 64

struct model_builder {
	struct model *m; /* in a struct model_memory */
	VEC(struct thread) threads;
	VEC(struct exec) execs;
	VEC(const char *) command;
	VEC(const char *) notes;
	VEC(struct peer) peers;
	VEC(struct ev_unreaped) unreaped;
	VEC(struct other) others;
	VEC(struct ev_life) lives;
	VEC(struct frame) frames;
	VEC(struct stack) stacks;
	VEC(struct site) sites;
	struct intern lock_keys; /* numbered as the locks */
	VEC(struct lock) locks;
	VEC(struct lock_waiter) lock_waiters;
	VEC(struct lock_holder) lock_holders;
	VEC(struct lock_order) lock_orders;
	VEC(struct stuck_wait) stuck;
	struct map stuck_stacks; /* by thread: a place in stacks */
	VEC(struct stand) stands;
	VEC(struct stand_need) stand_needs;
	VEC(const struct ev_target *) targets;
	struct map targets_by_index; /* places in targets */
	struct intern io_keys;	     /* numbered as the rows */
	struct map ios_by_target;    /* their numbers, by the index of a target */
	VEC(struct io) ios;
	VEC(const struct ev_loop *) loops;
	VEC(struct wake) wakes;
	VEC(struct signal) signals;
	VEC(struct use) uses;
	VEC(struct taker) takers;
	VEC(struct cgroup_name) cgroups;
	VEC(struct reschedule) changes;
	VEC(struct loss) losses;
	VEC(struct ev_probe) probes;
	VEC(const struct ev_marks *) marks;
	struct affinity affinities[AFFINITIES]; /* of more, the last is all that follow */
	size_t n_affinities;
	struct strip strip;
	bool has_wall;
	uint64_t origin; /* the instant that is 0 in the model */
};

/* model.c frees with the model what was allocated here. */
struct model_memory {
	struct model model; /* first: a struct model * is one of these */
	struct obstack strings;
};

/* What it holds is freed with the model. */
struct obstack *strings_of(struct model_builder *b);

/* code.c: handlers of the events of their names. */
int on_frame(struct model_builder *b, const struct event *head);
int on_stack(struct model_builder *b, const struct event *head);
int on_site(struct model_builder *b, const struct event *head);
/* code.c: hands them to the model. */
void code_build(struct model_builder *b);

/* lock.c: the same of locks. */
size_t lock_number(struct model_builder *b, const struct lock_key *key);
int on_lock(struct model_builder *b, const struct event *head);
int on_lock_waiter(struct model_builder *b, const struct event *head);
int on_lock_holder(struct model_builder *b, const struct event *head);
int on_lock_order(struct model_builder *b, const struct event *head);
int on_word(struct model_builder *b, const struct event *head);
void locks_build(struct model_builder *b);
/* deadlock.c */
int on_deadlock(struct model_builder *b, const struct event *head);
/* What this thread was in when it was found stuck. */
void stuck_stack(struct model_builder *b, uint64_t thread_id, size_t stack);
/* Hands them to the threads, which are in their final order. */
void stuck_stacks_settle(struct model_builder *b);
/* After the locks. */
void deadlocks_build(struct model_builder *b);
/* stand.c */
int on_stand(struct model_builder *b, const struct event *head);
int on_need(struct model_builder *b, const struct event *head);
/* After the locks. */
void stands_build(struct model_builder *b);
/* io.c */
int on_target(struct model_builder *b, const struct event *head);
int on_io(struct model_builder *b, const struct event *head);
/* After the code and the wake-ups. */
void ios_build(struct model_builder *b);
/* A name of a target for a person; kept with the model. */
const char *target_name_of(struct model_builder *b, uint32_t index, enum cause cause);
/* timeline.c */
int on_marks(struct model_builder *b, const struct event *head);
void marks_build(struct model_builder *b);
/* around.c */
int on_peer(struct model_builder *b, const struct event *head);
int on_unreaped(struct model_builder *b, const struct event *head);
int on_other(struct model_builder *b, const struct event *head);
int on_cgroup(struct model_builder *b, const struct event *head);
/* After processes_build(): who is one of the program's own is known. */
void peers_build(struct model_builder *b);
void unreaped_build(struct model_builder *b);
void others_build(struct model_builder *b);
void cgroups_build(struct model_builder *b);
/* use.c */
int on_use(struct model_builder *b, const struct event *head);
/* For ios_build(), before it sorts; the threads are in their final order. */
void uses_build(struct model_builder *b);
/* sched.c */
int on_taker(struct model_builder *b, const struct event *head);
int on_change(struct model_builder *b, const struct event *head);
/* The threads are in their final order. */
void schedules_build(struct model_builder *b);
/* loop.c */
int on_loop(struct model_builder *b, const struct event *head);
/* Before ios_build(), which forgets the targets. */
void loops_build(struct model_builder *b);
/* wake.c */
int on_wake(struct model_builder *b, const struct event *head);
int on_signal(struct model_builder *b, const struct event *head);
/* Before the locks and ios_build(), which put the places of theirs into them. */
void wakes_build(struct model_builder *b);
/* lock_kind.c: their kinds, and the causes of waits at them. */
void lock_kinds_find(struct model *m);
void lock_causes_settle(struct model_builder *b);

/* Of qsort(3), for struct wait. */
int longest_wait_first(const void *a, const void *b);

/* strip.c */
void strip_add(struct strip *s, const struct wall_sums *sums);
/* rows: what the undecided time of all slots amounts to, by row. */
void strip_finish(struct strip *s, const uint64_t rows[ROW_COUNT]);

/* affinity.c */
void affinity_add(struct model_builder *b, const struct ev_thread *ev);
/* How many CPUs they amount to. */
unsigned int affinity_cpus(const struct model_builder *b);

/* process.c: fills m->processes from m->threads, which are sorted by id. */
void processes_build(struct model_builder *b);

/* life.c: fills the lives of m->processes, which are sorted by id and linked. */
void lives_build(struct model_builder *b);
/* process.c; NULL: there is none of this id. Before the processes are sorted by start. */
struct process *process_by_id(struct model *m, uint64_t id);
/* The first that has had this number; NULL: none, or it is 0. */
const struct process *process_of_pid(const struct model *m, uint32_t pid);
/* process.c: of the same time. The threads are sorted by id. */
const struct thread *thread_by_id(const struct model *m, uint64_t id);
