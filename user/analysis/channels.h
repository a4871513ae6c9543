/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Who waits for whom: through pipes, sockets, queues, signals, conditions and semaphores. How long
 * was waited at each is exact; who ended the waits was looked at for all of them or, where there
 * were too many, for a sample, by which the exact times are divided.
 */
#include "model/model.h"

#define NO_PARTY SIZE_MAX
#define OUTSIDE	 SIZE_MAX /* of the program: in place of one of model.processes */

/* Threads of one process that have one name; or a process that is not of the program. */
struct party {
	size_t process; /* a place in model.processes, or OUTSIDE */
	uint32_t pid;
	const char *comm; /* may hold anything */
};

/* Parties of one name whose processes are alike: of one name, and so their parents; and of one
 * command line, if those of different ones wait for each other. Sums over those of their threads
 * that were met at channels. */
struct crew {
	size_t party;	     /* the first of them */
	size_t parties;	     /* so many were met */
	const char *command; /* of its processes, "index-pack" of git(1); NULL: not known */
	uint64_t lifetime_ns;
	uint64_t running_ns;
	uint64_t ready_ns; /* ... or queued for a CPU */
	uint64_t device_ns, child_ns;
	uint64_t sleep_ns; /* while others waited for it */
	double inner_ns;   /* threads of a party waited for each other */
	double waited_ns;  /* ... for others, or it is not known for whom */
};

struct channel_waits {
	double waits, ns;
	uint64_t max_ns;
};

/* Calls that moved something there: those that were seen, and, if they were seen in windows only, what these
 * stand for: by the waits there, which are known of all the time, or, if the windows had few, by time. 0: not
 * known. */
struct channel_messages {
	uint64_t seen_reads, seen_writes, seen_waits;
	double reads, writes;
};

/* One party of a channel. */
struct channel_end {
	size_t channel, party;
	struct channel_waits reads, writes; /* it waited for something to read, for room to write */
};

/* Who waited there for whom. */
struct channel_flow {
	size_t channel, waiter;
	size_t waker; /* NO_PARTY: it is not known: a time-out, another machine, the kernel */
	bool writes;
	bool is_demand; /* of a server, for what its clients ask of it */
	struct channel_waits sum;
};

struct channel {
	const char *kind; /* "pipe", "tcp", "cond" */
	bool is_futex;
	const char *name;
	struct channel_waits reads, writes; /* exact */
	struct channel_messages messages;
	bool by_ring;	    /* ... and requests of io_uring move some: how many is not known */
	uint64_t looked_at; /* waits of which it was looked who ended them */
	const struct channel_end *ends;
	const struct channel_flow *flows; /* the longest first */
	size_t n_ends, n_flows;
	size_t number; /* before they were sorted */
};

/* One crew that waited for another, at all channels; or its members for each other. */
struct channel_link {
	size_t waiter, waker;
	double waits, ns;
	double held_ns;			 /* of it, not as a server for its clients */
	size_t n_channels;		 /* through which */
	const struct channel_flow *most; /* the most of it */
};

struct channels {
	struct party *parties;
	struct channel *items; /* the one waited at longest first */
	struct channel_end *ends;
	struct channel_flow *flows;
	struct crew *crews;
	struct channel_link *links; /* the longest first */
	size_t *process_of; /* by place in model.threads: its process, as struct party has it */
	bool *is_met;	    /* ... it waited for somebody here, or somebody for it */
	double *awaited_ns; /* ... so long did other parties wait for it */
	size_t n_parties, n, n_ends, n_flows, n_crews, n_links;
};

/* The first party of a crew. */
const struct party *crew_first(const struct channels *c, size_t crew);
/* "git index-pack" if there are others of its name, or "gzip"; may hold anything. Returns buf. */
char *crew_name(char *buf, size_t size, const struct channels *c, size_t crew);
#define CREW_NAME_SIZE 48
/* Does that tell it from all others? As far as commands do. */
bool crew_is_named(const struct channels *c, size_t crew);
/* ... with what does otherwise: "worker, 3 of them", "rsync (4711)", "psql (12), outside". Returns buf. */
char *crew_label(char *buf, size_t size, const struct channels *c, size_t crew);
#define CREW_LABEL_SIZE (CREW_NAME_SIZE + 48)
