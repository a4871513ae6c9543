/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIVES_H
#define LIVES_H

#include <sys/types.h>

#include "truth.h"

#define LATE (300 * MS) /* that a parent lets its dead children lie */

struct mode {
	const char *name;
	void (*run)(void);
};

/* Each ends with an entry without a name. */
extern const struct mode late_modes[], wait_modes[], prompt_modes[], orphan_modes[], death_modes[];

/* In shared memory. All times are of CLOCK_MONOTONIC; those of one act lie before and after it. */
struct life {
	pid_t pid;
	pid_t heir; /* its parent in the end */
	int64_t born_from, born_to;
	int64_t last;	 /* the last look at the clock of its own */
	int64_t dead_by; /* when its pidfd was seen to say that it is dead */
	int64_t reap_from, reap_to;
};

#define BROOD_MAX 128

/* Processes that die when they are told. */
struct brood {
	int n;
	int gate[2];
	int pidfd[BROOD_MAX];
	pthread_t watcher;
	volatile int64_t die_at, gap; /* of the first, and from one to the next */
	struct life life[BROOD_MAX];
};

struct brood *brood_new(int n);
/* So many of the caller's, that wait for brood_release(). Each does body() last, if there is one,
 * and looks at the clock itself then. */
void brood_bear(struct brood *b, void (*body)(struct life *));
/* They die after that time. */
void brood_release(struct brood *b, int64_t delay, int64_t gap);
/* Returns when all are dead. */
void brood_seen(struct brood *b);
/* As waitpid(); the child is noted. */
struct life *brood_reap(struct brood *b, pid_t pid, int options);
void brood_reap_all(struct brood *b, pid_t pid, int n);
struct life *brood_find(struct brood *b, pid_t pid);

/* The process that dies now. */
void die(struct life *l) __attribute__((noreturn));
/* Waits for the end of a process that is not the caller's child, too. */
void see_death(struct life *l, int pidfd);
int open_pidfd(pid_t pid);
/* The caller forks; the child runs body() and dies. */
pid_t bear(struct life *l, void (*body)(struct life *));
void reap_life(struct life *l);

void sleep_until(int64_t ns);

#define SLACK MS

/* from and to: their bounds; the expectation is on what lies between two paths. */
void expect_between(const char *from_path, const char *to_path, struct bounds from,
		    struct bounds to, const char *why);
/* A zombie from its death to its reaping. doing: of its parent then. */
void expect_zombie(const struct life *l, const char *doing);
void expect_all_zombies(const struct brood *b, const char *doing);
void expect_no_zombies(const char *why);
/* parent: of the orphan, dead before it. */
void expect_orphan(const struct life *parent, const struct life *orphan);
void expect_reaper(const struct life *l, pid_t reaper);

#endif
