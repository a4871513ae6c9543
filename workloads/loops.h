/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOOPS_H
#define LOOPS_H

#include <sys/epoll.h>

#include "locks.h" /* threads that look at their own clocks */

#define LOOP	"event-loop"
#define MOST	1024 /* descriptors of one loop */
#define FOREVER (-1)

/* The calls that wait for one of many descriptors. */
enum how { SELECT, PSELECT, POLL, PPOLL, EPOLL, EPOLL_PWAIT, EPOLL_PWAIT2 };

/* What is waited for. */
struct watch {
	enum how how;
	int epoll; /* or -1 */
	int n;
	int fd[MOST];
};

void watch_begin(struct watch *w, enum how how);
/* also: flags beside EPOLLIN. */
void watch_add(struct watch *w, int fd, uint32_t also);
void watch_again(const struct watch *w, int which, uint32_t also);
/* So many eventfds. */
void watch_events(struct watch *w, int n, uint32_t also);
/* Its descriptors are closed, their numbers kept. */
void watch_end(const struct watch *w);
/* How many are ready, and which of fd[]. timeout: milliseconds, or FOREVER. */
int watch_wait(const struct watch *w, int timeout, int *ready);
/* As the report has it: epoll, poll or select. */
const char *watch_call(const struct watch *w);
const char *watch_cause(const struct watch *w);

/* One call, between two looks at the thread's own account. */
struct turn {
	struct account before, after;
	int ready;
	int64_t stops, stop_ns; /* what it blocked in between the call before and this one */
};

/* What a thread saw of one loop, in memory that children share. */
struct journal {
	pid_t pid;
	int turns;
	struct turn turn[LOG];
};

struct journal *journal_new(void);
/* A call of the loop, written down. */
int turn(const struct watch *w, struct journal *j, int timeout, int *ready);
/* Around anything else that may block. */
void stop_begins(void);
void stop_ends(void);

/* The loop is about to wait, so that the feeder may act. */
void come_back(void);
/* Returns after a pause of milliseconds, as soon as the loop has come back so often. */
void let_wait(long times);

/* A loop in the main thread, and a feeder that wakes it once in each round. */
struct plan {
	const char *name;
	enum how how;
	int watched;
	long rounds; /* 0: ROUNDS */
	uint32_t also;
	int timeout;	   /* 0: it waits until it is fed; else there is no feeder */
	const char *cause; /* of what it blocks in while it is away; NULL: nothing */
	/* NULL, or why it cannot be done here. */
	const char *(*make)(void);
	/* Round i, which had this descriptor ready; NULL: reads and computes for a while. */
	void (*handle)(const struct watch *w, int which, long i);
	void (*end)(void);
};

#define ROUNDS 200

/* Each ends with an entry without a name. */
extern const struct plan plain_plans[], away_plans[];
extern const struct mode many_loops[];

/* Of the plan that runs. */
extern struct journal *journal;
void handle_it(const struct watch *w, int which, long i);
void take_event(int fd);
void give_event(int fd);

/* --- what is expected of a row in the report; row: its path --------------------------------- */

/* What --calls counts, too. */
extern bool with_calls;

const char *row_of(const struct watch *w);
void expect_rows(int n);
void expect_watch(const char *row, const struct watch *w);
/*
 * One thread's, that is the only one to wait there. cause: of what it blocks in while it is away;
 * NULL: nothing.
 */
void expect_loop(const char *row, const char *who, struct journal *j, const char *cause);
/* The waits of some threads there, and their number; who may end in a '*'. */
void expect_crowd(const char *row, const char *who, struct journal *const *j, int n);
/* Sleeps of the calls beyond one each. */
int64_t slept_on(struct journal *const *j, int n);
void expect_calls(const char *row, struct journal *const *j, int n);
/* The same waits in the ledgers of the threads. */
void expect_waiter(const char *who, const char *cause, struct journal *const *j, int n);

#endif
