/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What a timeline tells beyond the sums: who woke whom, and the critical path.
 *
 * The path goes from the end of the command's first thread back to the start. Where the thread ran,
 * or waited for a CPU, that is on it. Where it was blocked and a thread of the program ended the
 * wait, what that one did up to then is on the path instead; what else was waited for is on it
 * itself. So each moment belongs to one thing, and what is not on it does not make the run longer.
 */
#include "bpf/mark.h"
#include "model/model.h"

enum path_what {
	PATH_RUNNING,
	PATH_QUEUED,  /* ready to run, and without a CPU */
	PATH_BLOCKED, /* and no thread of the program ended it */
	PATH_UNKNOWN, /* the timeline lacks it */
	PATH_WHAT_COUNT,
};

/* All that one thread has on it of one kind. */
struct path_part {
	size_t thread; /* a place in model.threads, or NO_THREAD with PATH_UNKNOWN */
	enum path_what what;
	enum cause cause; /* of PATH_BLOCKED */
	uint32_t place;	  /* ... see bpf/mark.h */
	uint64_t ns, times;
};

/* The path goes over from one thread to another that it woke, or created. */
struct path_hop {
	size_t from, to;  /* places in model.threads */
	enum cause cause; /* what the one that was woken had waited for */
	uint32_t place;	  /* ... and where: see bpf/mark.h */
	bool created;
	uint64_t times;
};

/* How the waits of one thread for one cause ended. */
struct waking {
	size_t thread;
	enum cause cause;
	enum woken how;
	size_t by; /* of WOKEN_BY_THREAD; NO_THREAD: its ledger was lost */
	uint64_t waits, ns, max_ns;
};

struct path {
	uint64_t start_ns, end_ns;	   /* since the start of the measurement */
	size_t last;			   /* whose end it leads to; NO_THREAD: there is no path */
	uint64_t sums_ns[PATH_WHAT_COUNT]; /* they make end_ns - start_ns */
	struct path_part *parts;	   /* the longest first */
	size_t n_parts;
	struct path_hop *hops; /* the most frequent first */
	size_t n_hops;
	uint64_t more_hops;	/* of further pairs */
	struct waking *wakings; /* the longest first */
	size_t n_wakings;
	uint64_t more_wakings; /* waits of further pairs */
};

#define PATH_PAIRS 65536 /* of threads are told apart */

/* "running" */
const char *path_what_name(unsigned int what);

/* Of a model with a timeline. */
struct path *path_new(const struct model *m);
void path_free(struct path *p);
