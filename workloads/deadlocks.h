/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DEADLOCKS_H
#define DEADLOCKS_H

#include <pthread.h>
#include <sys/types.h>

#include "truth.h"

struct mode {
	const char *name;
	void (*run)(void);
};

/* Each ends with an entry without a name. */
extern const struct mode mutex_modes[], other_modes[], process_modes[], alike_modes[],
	turns_modes[], unknown_modes[], words_modes[], file_modes[], file_alike_modes[];

#define STUCK_NS (1300 * MS) /* from when all come to their last wait to the end */

/* What one thread has and others want. */
struct thing {
	void (*take)(void *what); /* NULL: it need not be taken */
	void (*want)(void *what);
	void *what;
};

/* A thread, or a process, that takes what it is to have, and then wants what another has. */
struct seat {
	char comm[16];
	struct thing has, wanted;
	pid_t tid, held_by;
	int holder; /* a seat, or NOBODY: then held_by says it from the beginning */
	pthread_t thread;
	bool comes; /* to its last wait */
};

#define SEATS  1024
#define KNOTS  2
#define NOBODY (-1)

/* What concprof is to find: its members are seats side by side, and so are those behind. */
struct knot {
	const char *kind;
	int first, members, behind;
};

/* In memory that children share. */
struct scene {
	int seats, knots, children;
	bool over; /* what stood has come to an end */
	pthread_barrier_t all_have;
	struct seat seat[SEATS];
	struct knot knot[KNOTS];
	pid_t child[SEATS];
};
extern struct scene *scene;

void scene_begin(void);
/* A deadlock of so many seats that wait in a circle, each for what the next one has. The comm of
 * each is its number behind the stem, if there are several. */
void add_ring(const char *stem, const struct thing *things, int n);
/* One more that waits for what a seat has, behind the last deadlock. */
void add_behind(const char *comm, struct thing has, int holder);
/* A deadlock of one that wants what nobody can let go. */
void add_abandoned(const char *comm, struct thing wanted, pid_t held_by);

/* They take what they are to have, all of them, and then come to their last waits. */
void seats_start_threads(void);
void seats_start_processes(void);
/* Each process is the child of the one before. */
void seats_start_line(void);
/* They come there, and stand for STUCK_NS; then the truth about it. */
void seats_stand(void);
void threads_stand(void);
void processes_stand(void);
/* ... where they stood, but no longer do. */
void expect_knots(void);
/* The same for the test, in one line of JSON. */
void say_knots(void);

/* The caller goes on in the child, which ends with its parent, by children_kill() or by itself. */
pid_t add_child(void);
void children_kill(void);

void expect_no_deadlock(const char *why);

/* Not static: named in the report. */
void take_mutex(void *mutex);
void drop_mutex(void *mutex);
void take_to_write(void *rwlock);
void take_to_read(void *rwlock);

struct mutex_kind {
	int type, robust, protocol, shared;
};
void make_mutex(pthread_mutex_t *m, struct mutex_kind kind);
void make_shared_rwlock(pthread_rwlock_t *rwlock);
struct thing mutex_thing(pthread_mutex_t *m);

/* Another open file, of the same file. */
int open_again(int fd);
/* fcntl(2) with a lock of the whole file. */
int record_lock(int fd, int command, int type);

#endif
