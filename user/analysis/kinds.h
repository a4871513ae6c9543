/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files that find out the kind of concurrency share. */
#include "analysis/internal.h"
#include "base/map.h"
#include "base/vec.h"

/* What stacks and libraries tell of a process or thread. */
enum runtime {
	RUNTIME_MN = 1,		/* schedules its own threads on the kernel's */
	RUNTIME_LOOP = 2,	/* a library's event loop */
	RUNTIME_EPOLL = 4,	/* an interpreter's own epoll */
	RUNTIME_COROUTINES = 8, /* ... stacks of coroutines */
	RUNTIME_ASYNCIO = 16,	/* these two are loaded */
	RUNTIME_GREENLET = 32,
	RUNTIME_POOL = 64, /* a queue for work */
};

#define RUNTIMES 7 /* bits */

struct runtimes {
	uint32_t has;		    /* enum runtime */
	uint64_t samples[RUNTIMES]; /* of stacks that show it */
	const char *by[RUNTIMES];   /* the function or library that did first */
	uint64_t stacks;	    /* that the kernel has not made */
};

/* Where it is for one of these. */
size_t runtime_place(enum runtime r);

/* Threads of a process that may be a pool, of which too little is seen. */
struct maybe {
	size_t lock, members; /* 0: there are none */
};

struct kinds {
	struct findings *f;
	struct map places; /* of threads, by id */
	uint64_t *active;  /* by thread: it ran, or waited, but not for others */
	uint64_t most;	   /* of these */
	uint64_t most_running;
	enum concurrency *taken;    /* by thread: what explains it already */
	struct runtimes *of_thread; /* by thread */
	struct runtimes *of_process;
	struct maybe *maybe; /* by process: the most */
	VEC(struct kind_row) rows;
};

/* NO_THREAD: it is not listed. */
size_t kinds_thread(const struct kinds *k, uint64_t id);
/* Is that a part of what the program does? Beside who sleeps all the time, others are, too. */
bool kinds_matter(const struct kinds *k, uint64_t active_ns, uint64_t running_ns);
/* Most of these lived at once: the same ones do one thing after the other. */
bool kinds_live_together(const struct model *m, const size_t *threads, size_t n);
/* A row about these threads, which are then explained. */
struct kind_row *kinds_add(struct kinds *k, enum concurrency kind, const size_t *threads, size_t n);

/* kinds_runtime.c */
void kinds_see_runtimes(struct kinds *k);
void kinds_find_runtimes(struct kinds *k);
/* A library's queue for the workers of a pool, by a function of it or its object; NULL: there is none. */
const char *kinds_queue_in(const struct model *m, const struct stack *s);
/* kinds_pool.c */
void kinds_find_pools(struct kinds *k);
/* A condition, a semaphore, or what may be one: no lock for its own sake. */
bool kinds_hands_over(const struct lock *l);
/* As strcmp(3), but for numbers: by them alone names of workers often differ. */
int kinds_compare_names(const char *a, const char *b);
/* kinds_full.c: after those. */
void kinds_find_full(struct kinds *k);
/* kinds_results.c: after those. */
void kinds_find_results(struct kinds *k);
/* kinds_rest.c: after all of these. */
void kinds_find_rest(struct kinds *k);
/* kinds_loop.c: event loops, and coroutines. */
void kinds_find_loops(struct kinds *k);
