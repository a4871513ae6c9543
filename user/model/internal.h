/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of this folder share. */
#include "model/model.h"
#include "../bpf/state.h"

#define obstack_chunk_alloc malloc
#define obstack_chunk_free  free
#include <obstack.h>

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
	VEC(struct other) others;
	VEC(struct ev_life) lives;
	VEC(struct frame) frames;
	VEC(struct stack) stacks;
	VEC(struct site) sites;
	VEC(struct loss) losses;
	VEC(struct ev_probe) probes;
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
/* process.c: of the same time. The threads are sorted by id. */
const struct thread *thread_by_id(const struct model *m, uint64_t id);
