// SPDX-License-Identifier: BSD-2-Clause
/* Waits for other threads, and for time. */
#include "stands.h"

#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Not static: their names are to be found in the report. */
pthread_mutex_t plain_lock, again_lock, heir_lock, robust_lock, never_lock;
pthread_mutex_t cond_lock[2] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER };
pthread_rwlock_t written_lock = PTHREAD_RWLOCK_INITIALIZER, read_lock = PTHREAD_RWLOCK_INITIALIZER;
pthread_cond_t never_cond[2] = { PTHREAD_COND_INITIALIZER, PTHREAD_COND_INITIALIZER };
pthread_barrier_t never_full;
sem_t never_posted;

static pthread_mutex_t *shared_lock;

static void make(pthread_mutex_t *lock, int type, int protocol, int robust, int shared)
{
	pthread_mutexattr_t attr;

	must0(pthread_mutexattr_init(&attr), "pthread_mutexattr_init");
	must0(pthread_mutexattr_settype(&attr, type), "pthread_mutexattr_settype");
	must0(pthread_mutexattr_setprotocol(&attr, protocol), "pthread_mutexattr_setprotocol");
	must0(pthread_mutexattr_setrobust(&attr, robust), "pthread_mutexattr_setrobust");
	must0(pthread_mutexattr_setpshared(&attr, shared), "pthread_mutexattr_setpshared");
	must0(pthread_mutex_init(lock, &attr), "pthread_mutex_init");
}

void locks_make(void)
{
	make(&plain_lock, PTHREAD_MUTEX_NORMAL, 0, 0, 0);
	make(&never_lock, PTHREAD_MUTEX_NORMAL, 0, 0, 0);
	make(&again_lock, PTHREAD_MUTEX_RECURSIVE, 0, 0, 0);
	make(&heir_lock, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, 0, 0);
	make(&robust_lock, PTHREAD_MUTEX_NORMAL, 0, PTHREAD_MUTEX_ROBUST, 0);
	shared_lock = shared_memory(sizeof(*shared_lock));
	make(shared_lock, PTHREAD_MUTEX_NORMAL, 0, 0, PTHREAD_PROCESS_SHARED);
	must0(pthread_barrier_init(&never_full, NULL, 2), "pthread_barrier_init");
	must(sem_init(&never_posted, 0, 0), "sem_init");
}

void locks_take_shared(void)
{
	must0(pthread_mutex_lock(shared_lock), "pthread_mutex_lock");
}

void locks_take(void)
{
	must0(pthread_mutex_lock(&plain_lock), "pthread_mutex_lock");
	must0(pthread_mutex_lock(&never_lock), "pthread_mutex_lock");
	must0(pthread_mutex_lock(&again_lock), "pthread_mutex_lock");
	must0(pthread_mutex_lock(&again_lock), "pthread_mutex_lock");
	must0(pthread_mutex_lock(&heir_lock), "pthread_mutex_lock");
	must0(pthread_mutex_lock(&robust_lock), "pthread_mutex_lock");
	must0(pthread_rwlock_wrlock(&written_lock), "pthread_rwlock_wrlock");
	must0(pthread_rwlock_rdlock(&read_lock), "pthread_rwlock_rdlock");
}

static void take_plain(void)
{
	over(pthread_mutex_lock(&plain_lock), "pthread_mutex_lock");
}

static void take_again(void)
{
	over(pthread_mutex_lock(&again_lock), "pthread_mutex_lock");
}

static void take_heir(void)
{
	over(pthread_mutex_lock(&heir_lock), "pthread_mutex_lock");
}

static void take_robust(void)
{
	over(pthread_mutex_lock(&robust_lock), "pthread_mutex_lock");
}

static void take_shared(void)
{
	over(pthread_mutex_lock(shared_lock), "pthread_mutex_lock");
}

static void read_written(void)
{
	over(pthread_rwlock_rdlock(&written_lock), "pthread_rwlock_rdlock");
}

static void write_written(void)
{
	over(pthread_rwlock_wrlock(&written_lock), "pthread_rwlock_wrlock");
}

static void write_read(void)
{
	over(pthread_rwlock_wrlock(&read_lock), "pthread_rwlock_wrlock");
}

static void join_keeper(void)
{
	over(pthread_join(keeper, NULL), "pthread_join");
}

static void await_cond(void)
{
	must0(pthread_mutex_lock(&cond_lock[0]), "pthread_mutex_lock");
	over(pthread_cond_wait(&never_cond[0], &cond_lock[0]), "pthread_cond_wait");
}

static void await_sem(void)
{
	over(sem_wait(&never_posted), "sem_wait");
}

static void await_barrier(void)
{
	over(pthread_barrier_wait(&never_full), "pthread_barrier_wait");
}

struct wait lock_waits[] = {
	{ "plain", AT(take_plain), "lock.mutex", "mutex", "keeper" },
	{ "again", AT(take_again), "lock.mutex", "mutex", "keeper" },
	{ "heir", AT(take_heir), "lock.pi", "pi", "keeper" },
	{ "robust", AT(take_robust), "lock.mutex", "mutex", "keeper" },
	{ "shared", AT(take_shared), "lock.mutex", "mutex", "partner", "holder" },
	{ "read-written", AT(read_written), "lock.rwlock", "rwlock", "keeper" },
	{ "write-written", AT(write_written), "lock.rwlock", "rwlock", "keeper" },
	{ "write-read", AT(write_read), "lock.rwlock", "rwlock" },
	{ "joiner", AT(join_keeper), "sync.join", .holder = "keeper" },
	{ "cond", AT(await_cond), "sync.cond", "cond" },
	{ "sem", AT(await_sem), "sync.sem", "sem" },
	{ "barrier", AT(await_barrier), "sync.barrier", "barrier" },
	{ 0 },
};

/* --- with a time-out ---------------------------------------------------------------------- */

static struct timespec time_from_now(clockid_t clock)
{
	int64_t at = clock_ns(clock) + LONG_TIME;

	return (struct timespec){ .tv_sec = at / SEC, .tv_nsec = at % SEC };
}

static void sleep_on(void)
{
	struct timespec t = { .tv_sec = LONG_TIME / SEC };

	over(nanosleep(&t, NULL), "nanosleep");
}

static void sleep_until(void)
{
	struct timespec at = time_from_now(CLOCK_REALTIME);

	over(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &at, NULL), "clock_nanosleep");
}

static void take_in_time(void)
{
	struct timespec at = time_from_now(CLOCK_REALTIME);

	over(pthread_mutex_timedlock(&never_lock, &at), "pthread_mutex_timedlock");
}

static void await_cond_in_time(void)
{
	struct timespec at = time_from_now(CLOCK_REALTIME);

	must0(pthread_mutex_lock(&cond_lock[1]), "pthread_mutex_lock");
	over(pthread_cond_timedwait(&never_cond[1], &cond_lock[1], &at), "pthread_cond_timedwait");
}

static void await_sem_in_time(void)
{
	struct timespec at = time_from_now(CLOCK_REALTIME);

	over(sem_timedwait(&never_posted, &at), "sem_timedwait");
}

static void poll_in_time(void)
{
	over(poll(NULL, 0, LONG_TIME / MS), "poll");
}

static void epoll_in_time(void)
{
	int set = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	struct epoll_event event;

	over(epoll_wait(set, &event, 1, LONG_TIME / MS), "epoll_wait");
}

#define TIMED .is_timed = true

struct wait time_waits[] = {
	{ "sleeper", AT(sleep_on), "timer.sleep", TIMED },
	{ "until", AT(sleep_until), "timer.sleep", TIMED },
	{ "timed-lock", AT(take_in_time), "lock.mutex", "mutex", "keeper", TIMED },
	{ "timed-cond", AT(await_cond_in_time), "sync.cond", "cond", TIMED },
	{ "timed-sem", AT(await_sem_in_time), "sync.sem", "sem", TIMED },
	{ "timed-poll", AT(poll_in_time), "timer.sleep", TIMED },
	{ "timed-epoll", AT(epoll_in_time), "event.epoll", TIMED },
	{ 0 },
};
