// SPDX-License-Identifier: BSD-2-Clause
/* Waits on what glibc builds of futexes, and on locks of files. */
#include "awkward.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t semaphore;
static uint32_t word;
static bool ready;
static int held_fd;

static void lock_mutex(void)
{
	must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
}

static void unlock_mutex(void)
{
	must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
}

static const char *wait_mutex(void)
{
	pthread_t holder = kick(lock_mutex, unlock_mutex);

	wait_begins();
	lock_mutex();
	wait_ends();
	unlock_mutex();
	join_thread(holder);
	return NULL;
}

static const char *wait_pi_mutex(void)
{
	pthread_mutexattr_t attr;

	must0(pthread_mutexattr_init(&attr), "pthread_mutexattr_init");
	must0(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT),
	      "pthread_mutexattr_setprotocol");
	must0(pthread_mutex_init(&mutex, &attr), "pthread_mutex_init");
	return wait_mutex();
}

static void lock_rwlock(void)
{
	must0(pthread_rwlock_wrlock(&rwlock), "pthread_rwlock_wrlock");
}

static void unlock_rwlock(void)
{
	must0(pthread_rwlock_unlock(&rwlock), "pthread_rwlock_unlock");
}

/*
 * The one wait, whose kind only a call stack could tell: the kernel is asked for the same futex
 * operation by all of these. Until there is one, sync.futex is as right.
 */
static const char *expect_kind(const char *who, const char *cause, struct account span)
{
	struct account all = account_since(awkward_from);
	int64_t blocked = account_blocked(span), slack = 2 * MS;

	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "count"),
		.plus = { blocked_path(who, "sync.futex", "count") },
		.in = { 1, all.voluntary },
		.zero_if_absent = true,
		.why = "one wait, ended by another after 100 ms; at most ru_nvcsw: the other "
		       "thread's start is waited for too; sync.futex where the kind of wait cannot "
		       "be told",
	});
	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "ns"),
		.plus = { blocked_path(who, "sync.futex", "ns") },
		.in = { 0, account_blocked(all) + slack },
		.zero_if_absent = true,
		.why = "at most the wall time since the start less CPU time and run delay; 2 ms; "
		       "sync.futex where the kind of wait cannot be told",
	});
	truth_expect((struct expectation){
		.path = blocked_path(who, cause, "ns"),
		.plus = { blocked_path(who, "sync.futex", "ns"),
			  thread_path(who, "cpu.stolen_ns") },
		.in = { blocked - blocked / 50 - slack, MANY },
		.zero_if_absent = true,
		.why = "at least 98 % of the wall time less CPU time, run delay and stolen time; "
		       "sync.futex where the kind of wait cannot be told",
	});
	return NULL;
}

static const char *wait_rwlock(void)
{
	pthread_t holder = kick(lock_rwlock, unlock_rwlock);

	wait_begins();
	must0(pthread_rwlock_rdlock(&rwlock), "pthread_rwlock_rdlock");
	wait_ends();
	unlock_rwlock();
	join_thread(holder);
	return expect_kind("aw-rwlock", "lock.rwlock", wait_span());
}

static void signal_cond(void)
{
	lock_mutex();
	ready = true;
	unlock_mutex();
	must0(pthread_cond_signal(&cond), "pthread_cond_signal");
}

static const char *wait_cond(void)
{
	pthread_t thread = kick(NULL, signal_cond);

	wait_begins();
	lock_mutex();
	while (!ready)
		must0(pthread_cond_wait(&cond, &mutex), "pthread_cond_wait");
	unlock_mutex();
	wait_ends();
	join_thread(thread);
	return expect_kind("aw-cond", "sync.cond", wait_span());
}

static void meet(void)
{
	int rc = pthread_barrier_wait(&barrier);

	must0(rc == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : rc, "pthread_barrier_wait");
}

static const char *wait_barrier(void)
{
	pthread_t thread;

	must0(pthread_barrier_init(&barrier, NULL, 2), "pthread_barrier_init");
	thread = kick(NULL, meet);
	wait_begins();
	meet();
	wait_ends();
	join_thread(thread);
	return expect_kind("aw-barrier", "sync.barrier", wait_span());
}

static void post(void)
{
	must(sem_post(&semaphore), "sem_post");
}

static const char *wait_sem(void)
{
	pthread_t thread;

	must(sem_init(&semaphore, 0, 0), "sem_init");
	thread = kick(NULL, post);
	wait_begins();
	must(sem_wait(&semaphore), "sem_wait");
	wait_ends();
	join_thread(thread);
	return expect_kind("aw-sem", "sync.sem", wait_span());
}

static const char *wait_join(void)
{
	pthread_t thread = kick(NULL, NULL);

	wait_begins();
	join_thread(thread);
	wait_ends();
	return NULL;
}

static void wake_word(void)
{
	__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
	must(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), "futex");
}

static const char *wait_futex(void)
{
	pthread_t thread = kick(NULL, wake_word);

	wait_begins();
	while (!__atomic_load_n(&word, __ATOMIC_SEQ_CST)) {
		long rc = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);

		must(errno == EAGAIN ? 0 : rc, "futex");
	}
	wait_ends();
	join_thread(thread);
	return NULL;
}

static void count_word(void)
{
	__atomic_add_fetch(&word, 1, __ATOMIC_SEQ_CST);
	must(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0), "futex");
}

/* A condition that counts its signals, and has come to 2: as Rust's, whose mutex waits at 2 too. */
static const char *wait_counter(void)
{
	pthread_t thread;

	word = 2;
	thread = kick(NULL, count_word);
	wait_begins();
	while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 2) {
		long rc = syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 2, NULL,
				  NULL, FUTEX_BITSET_MATCH_ANY);

		must(errno == EAGAIN ? 0 : rc, "futex");
	}
	wait_ends();
	join_thread(thread);
	return NULL;
}

/* A second open file of the same nameless file: locks by flock() belong to those. */
static int open_again(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return (int)must(open(path, O_RDWR | O_CLOEXEC), path);
}

static void lock_file(void)
{
	must(flock(held_fd, LOCK_EX), "flock");
}

static void unlock_file(void)
{
	must(flock(held_fd, LOCK_UN), "flock");
}

static const char *wait_flock(void)
{
	pthread_t holder;
	int fd;

	held_fd = (int)must(memfd_create("flock", MFD_CLOEXEC), "memfd_create");
	fd = open_again(held_fd);
	holder = kick(lock_file, unlock_file);
	wait_begins();
	must(flock(fd, LOCK_EX), "flock");
	wait_ends();
	join_thread(holder);
	return NULL;
}

static const char *wait_fcntl(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = (int)must(memfd_create("fcntl", MFD_CLOEXEC), "memfd_create");
	char byte;
	pid_t child;

	open_kick_pipe();
	child = (pid_t)must(fork(), "fork");
	if (!child) {
		name_thread("aw-holder");
		must(fcntl(fd, F_SETLKW, &lock), "fcntl");
		write_kick_pipe();
		sleep_ns(NAP);
		_exit(0);
	}
	must(read(kick_pipe[0], &byte, 1), "read");
	wait_begins();
	must(fcntl(fd, F_SETLKW, &lock), "fcntl");
	wait_ends();
	reap(child);
	return NULL;
}

const struct mode lock_modes[] = {
	{ "mutex", "lock.mutex", wait_mutex },	   { "pi-mutex", "lock.pi", wait_pi_mutex },
	{ "rwlock", NULL, wait_rwlock },	   { "flock", "lock.file", wait_flock },
	{ "fcntl-lock", "lock.file", wait_fcntl }, { "cond", NULL, wait_cond },
	{ "barrier", NULL, wait_barrier },	   { "sem", NULL, wait_sem },
	{ "join", "sync.join", wait_join },	   { "futex", "sync.futex", wait_futex },
	{ "counter", "sync.futex", wait_counter }, { 0 },
};
