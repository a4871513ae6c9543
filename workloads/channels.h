/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHANNELS_H
#define CHANNELS_H

#include <signal.h>

#include "locks.h" /* what threads write down of their own waits */

enum role { READER, WRITER, ROLES };

/* Who has hold of a channel: a thread that alone has this name in its process. */
struct end {
	char comm[16];
	pid_t pid;
	pid_t tid;
};

/* Where the same waits have a row, beside that of the channel. */
enum list { NO_LIST, IN_IO, IN_LOCKS };

/* The waits of one end for another. */
struct flow {
	const struct end *waiter, *source;
	const char *kind, *side; /* as the report has them */
	const char *which;	 /* "kind=pipe": how the row is found */
	const char *cause;	 /* in the waiter's ledger; NULL: only the program's stack tells */
	const struct record *record;
};

/* What a reader and a writer have between them; one in each of the two processes or threads. */
struct scene {
	const struct medium *medium;
	enum role slow;
	bool threads;	  /* of one process; else two processes */
	const char *skip; /* why it cannot be done here; NULL: it was */
	struct end end[ROLES];
	struct record *record[ROLES];
	bool open[ROLES];
	/* For the medium's use: */
	int fd[ROLES];
	int id[ROLES];
	void *memory;
	char path[64];
};

struct medium {
	const char *name; /* in those of modes and threads: at most ten letters */
	const char *kind, *cause;
	enum list list;
	/* What the report calls the channel at which that role waits, for processes and for
	 * threads; NULL: it is not for the workload to say. */
	const char *called[2][ROLES];
	bool path;    /* ... or by the path of the scene */
	bool threads; /* is tried between threads, too */
	bool endless; /* has always room */
	bool apart;   /* in io each end has a row of its own */
	bool by_call; /* one call gives a message, another one takes it */
	bool tokens;  /* who waits for room takes a token, as one who waits for an item does */
	/* Before the ends are there: NULL, or why it cannot be done here. */
	const char *(*make)(struct scene *s);
	/* In each end before the first message; may be NULL. */
	void (*open)(struct scene *s, enum role role);
	void (*move[ROLES])(struct scene *s, long i);
	/* After the last one; may be NULL. */
	void (*remove)(struct scene *s);
};

/* Each ends with an entry without a name. */
extern const struct medium file_media[], socket_media[], ipc_media[], memory_media[];

/* A mode of its own, that is run alone: NULL, or why it cannot be done here. */
extern const struct mode pipeline_channels[], crowd_channels[], removed_channels[],
	other_channels[], ring_channels[], handler_channels[];

/* --- ends ------------------------------------------------------------------------------------ */

struct end *ends_new(int n);
/* The caller is this end from now on. */
void become(struct end *e, const char *comm);
/* A child that is this end, and does body(arg). */
pid_t start_end(struct end *e, const char *comm, void (*body)(void *), void *arg);
/* Of one page, the whole of what such a pipe has room for. */
#define PAGE 4096
void small_pipe(int fd[ROLES]);
void put_page(int fd, char first);
char take_page(int fd);
void close_end(int fd);
/* For open: a process closes the other's end. */
void keep_own(struct scene *s, enum role role);
/* SIGRTMIN alone, of which none is lost; and blocks it. */
sigset_t one_signal(void);
void block_signal(void);

/* --- what is expected ------------------------------------------------------------------------ */

/* All the waits of one end at one channel on one side, by whom they were for. */
void expect_end(const struct flow *flows, int n);
/* What went through it, if calls are counted all the time. */
void expect_messages(const struct flow *f, int n);
/* The name of the channel where the flow is; expected only if it has waits. */
void expect_called(const struct flow *f, const char *name);
/* The same waits in the waiter's ledger, if they are all of this cause that it has. */
void expect_cause(const struct flow *flows, int n);
/* ... and in one of the lists, summed over those rows that have any of the flows' waiters. */
void expect_list(enum list list, const struct flow *flows, int n);

#endif
