/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOCKS_H
#define LOCKS_H

#include <pthread.h>
#include <sys/types.h>

#include "truth.h"

struct mode {
	const char *name;
	/* NULL, or why it cannot be done here. */
	const char *(*run)(void);
};

/* Each ends with an entry without a name. */
extern const struct mode mutex_modes[], shared_modes[], rwlock_modes[], sync_modes[], futex_modes[],
	file_modes[], kernel_modes[], holder_modes[], priority_modes[], pair_modes[], queue_modes[],
	alike_modes[];

#define PARTIES 8
#define NOBODY	(-1)

/* One call that waited. */
struct wait {
	int64_t from;
	int64_t ns;    /* wall time less CPU time and run-queue delay: until the wake-up */
	int64_t count; /* how often it slept: growth of ru_nvcsw */
	int party;
	bool timed_out;
};

struct taking {
	int64_t at, until;
	int party;
};

/* A thread at a lock. */
struct party {
	pid_t tid;
	struct account held; /* the sum of its spans as the holder */
};

#define LOG 8192

/* What the threads at one lock saw by their own clocks, in memory that children share. */
struct record {
	int parties, waits, takings;
	struct party party[PARTIES];
	struct wait wait[LOG];
	struct taking taking[LOG]; /* written under the lock, so in order of time */
};

struct record *record_new(void);
/* The calling thread; its number as a party. */
int record_enter(struct record *r);

/* The calling thread's account, by calls that share no lock with others. */
struct account look(void);
/* Around a call that may wait for the lock. */
void call_begins(void);
void call_ends(struct record *r, int party);
void call_times_out(struct record *r, int party);
/* The lock is the caller's from the end of its last call to now; to be called under it. */
void hold_begins(struct record *r, int party);
void hold_ends(struct record *r, int party);

/* Sums over the waits of one party, or of all with NOBODY. */
struct tally {
	int64_t count, ns, timeouts;
	struct bounds longest; /* of one sleep: a call may hold several */
};
struct tally tally_of(const struct record *r, int party);
/* The wall time in which at least one thread waited. */
int64_t waited_wall(const struct record *r);
/* 2 %, or what the clocks of so many waits may differ by. */
int64_t tolerance(int64_t ns, int64_t count);

/* What is expected of a lock's row in the report. */
struct row {
	const char *which; /* "name=account_lock": how the row is found */
	const char *kind;
	const char *who; /* comm of all its waiters */
	const char *how; /* its holders are known: owner-word or waker; NULL: either */
	bool shared;
	bool others;	/* threads that are no parties wait there, too */
	int64_t unsure; /* so many waits more or less, outside of the calls */
};

/* Its kind, waits, times, time-outs, and waiters. */
void expect_row(const struct record *r, const struct row *row);
/* Who is blamed, by what the holders wrote down. */
void expect_holders(const struct record *r, const struct row *row);
/* The one that alone can be blamed for every wait; all but the part that is forgiven. */
void expect_culprit(const struct record *r, const struct row *row, pid_t tid);
/* What a holder did meanwhile. */
void expect_doing(const struct record *r, const struct row *row, int party);
/* The same waits in the ledgers of the threads. */
void expect_ledger(const struct record *r, const struct row *row, const char *cause);
/* Where the kind of a wait can only be told by its stack. */
void expect_ledger_or_futex(const struct record *r, const struct row *row, const char *cause);
/* Nobody waits for a lock, or is said to. */
void expect_no_contention(const char *why);
void expect_no_row(const char *which, const char *why);
void expect_no_deadlock(const char *why);

/* Threads or processes that take a lock again and again, all named CONTENDER. */
#define CONTENDER  "contender"
#define CONTEST_NS (700 * MS)

struct contest {
	void (*begin)(int seat); /* may be NULL */
	void (*take)(int seat);
	void (*drop)(int seat);
	void (*hold)(int seat); /* NULL: computes, longer on each higher seat */
	int seats;
	int waits; /* enough of them: then it ends, or after CONTEST_NS */
	int64_t pause;
};

/* Of two each wait has one holder; of more, who is to blame may be argued. */
#define CONTEST_OF(n) .seats = (n), .waits = 120, .pause = 200 * US

/* For a PI mutex: while its holder computes, the first waiter spins in the kernel. */
void hold_asleep(int seat);

struct record *contest_of_threads(const struct contest *c);
struct record *contest_of_processes(const struct contest *c);

/* A thread of that name that does body(record, party). */
struct actor {
	const char *comm;
	void (*body)(struct record *r, int party);
	struct record *record; /* may be NULL: then there is no party */
	pid_t tid;
	pthread_t thread;
};

void actor_start(struct actor *a);
void actor_end(struct actor *a);
/* Sleeps until another thread has set it; not by a lock. */
void await(const bool *flag);
void tell(bool *flag);
struct timespec deadline(clockid_t clock, int64_t after);

#endif
