/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of this folder share: what a look has found. */
#include "base/map.h"
#include "base/vec.h"
#include "look/look.h"
#include "look/proc.h"
#include "look/seen.h"
#include "waitfor/waitfor.h"

/* A thread, and what it waits for. */
struct looked {
	struct seen seen;
	struct seen_wait wait;
	struct lock_key key; /* space 0: it is at no lock */
	enum holder_is holder_is;
	size_t holder;		    /* its place; LOOKED_NONE: not known */
	uint32_t readers;	    /* so many have the read-write lock */
	size_t first_need, n_needs; /* in the scene's */
	char *text;	/* what wait.fd is, at most LOOKED_TEXT bytes; NULL: not known */
	uint32_t n_fds; /* it waits at so many descriptors */
};

#define LOOKED_NONE SIZE_MAX
#define LOOKED_TEXT 512

/* A process that could end the wait of a thread. */
struct looked_need {
	size_t thread; /* its place */
	uint32_t pid;
	enum need_how how;
	char comm[EVENT_COMM_SIZE];
};

/* A process, and what is mapped there. */
struct looked_process {
	uint32_t pid;
	bool is_asked;
	bool has_maps; /* they were read */
	VEC(struct proc_map) shared;
	struct ev_exec exec;
};

/* One look at all threads: they come and go, and a second look begins anew. */
struct scene {
	VEC(struct looked) threads;
	VEC(struct seen_end) ends;
	VEC(struct looked_need) needs;
	VEC(struct proc_lock) file_locks; /* of the whole machine, once anybody waits for one */
	bool has_file_locks;
	bool has_several_ns;  /* those threads: PID namespaces */
	struct map by_number; /* places, by PID namespace and number there */
	struct map by_tid;
	struct map first_of; /* ... of each process: its first place */
};

struct look_around {
	struct looker *looker;
	VEC(struct looked_process) processes;
	struct scene scene;
	struct watch *watch;
	bool is_cut;	 /* more processes are waited for than are looked at */
	uint32_t pid_ns; /* concprof's own: an inode; 0: not known */
	uint64_t now;	 /* of the look that is told; the scheduler's clock */
	int64_t lag;	 /* CLOCK_MONOTONIC less that */
};

/* scene.c */
void scene_free(struct scene *s);
/* A look at all processes so far. */
int scene_look(struct look_around *l);
/* needs.c: who could end each wait. */
int scene_find_needs(struct look_around *l);
/* needs.c: what the graph is made of, of this look; *ret is to be freed with waits_free(). */
void scene_waits(const struct look_around *l, struct look *ret);
void waits_free(struct look *look);

/* descriptors.c: what each waits at, by name. */
void read_descriptors(struct look_around *l);

/* look.c; NULL: it is none that was looked at. */
struct looked_process *process_of(const struct look_around *l, uint32_t pid);

/* places.c: maps of all processes, and stacks of all threads. */
int read_places(struct look_around *l, const struct code_sink *sink);
/* ... the key of a word that several processes may share. */
struct lock_key shared_key(struct look_around *l, uint32_t pid, uint64_t word);
