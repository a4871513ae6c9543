/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What a document has room for when there is more to list than anybody would take: CI keeps, shows and
 * attaches documents below 1 MiB. Of each long list the most important rows stay, in the
 * list's own order, and how many are not there is said. What is listed is whole: the
 * process of a thread and the creator of a process are there too.
 */
#include <stdbool.h>
#include <stddef.h>

#include "analysis/findings.h"
#include "report/report.h"

#define ROOM_BYTES (1 << 20)

/* Lists that may be long; those that are not of threads and processes have their most
 * important rows first. */
enum room_list {
	ROOM_COMMAND,
	ROOM_FINDINGS,
	ROOM_THREADS,
	ROOM_PROCESSES,
	ROOM_CGROUPS,
	ROOM_EXECS,
	ROOM_WAIT_SITES,
	ROOM_CPU_SITES,
	ROOM_LOCKS,
	ROOM_LOCK_SITES,
	ROOM_WAITERS,
	ROOM_HOLDERS,
	ROOM_LOCK_ORDERS,
	ROOM_DEADLOCKS,
	ROOM_STUCK,
	ROOM_STANDS,
	ROOM_IO,
	ROOM_IO_SITES,
	ROOM_LOOPS,
	ROOM_KINDS,
	ROOM_CHANNELS,
	ROOM_CHANNEL_ENDS,
	ROOM_CHANNEL_FLOWS,
	ROOM_SIGNALS,
	ROOM_HANDLERS,
	ROOM_PATH_PARTS,
	ROOM_PATH_HOPS,
	ROOM_WAKINGS,
	ROOM_PEERS,
	ROOM_OTHERS,
	ROOM_TAKERS,
	ROOM_ZOMBIES,
	ROOM_UNREAPED,
	ROOM_ORPHANS,
	ROOM_SURVIVORS,
	ROOM_DEATHS,
	ROOM_LOST,
	ROOM_LISTS,
};

struct room {
	const struct model *m;
	bool is_endless;	     /* everything is listed */
	size_t most;		     /* rows of each list */
	size_t *threads;	     /* how many others matter more, of each in model.threads */
	size_t *processes;	     /* the same of model.processes */
	size_t left_out[ROOM_LISTS]; /* counted by the functions below */
};

/* Busiest first: of qsort(3), for pointers to struct thread. */
int room_busiest_first(const void *a, const void *b);

/* How many of the first n rows are to be written. */
size_t room_for(struct room *r, enum room_list list, size_t n);
/* Whether this one is to be written. */
bool room_for_thread(struct room *r, size_t thread);
bool room_for_process(struct room *r, size_t process);
/* Writes one document, asking the functions above of each row; 0 or a negative errno, as
 * when the stream takes no more. May be called several times for one document. */
typedef int (*room_fn)(const struct findings *f, const struct report_opts *opts, struct room *r,
		       FILE *out);
/* Writes the longest document that has room, or all of it with opts->top REPORT_ALL. 0 or a
 * negative errno; -EFBIG: even without its lists it has no room. */
int room_write(const struct findings *f, const struct report_opts *opts, room_fn write, FILE *out);
