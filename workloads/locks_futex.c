// SPDX-License-Identifier: BSD-2-Clause
/* Locks and signals that ask the kernel themselves, as those of Rust and of runtimes do. */
#include "locks.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_futex_wake
#define SYS_futex_wake 454
#define SYS_futex_wait 455
#endif
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif
#define FUTEX2_U32     0x02 /* include/uapi/linux/futex.h */
#define FUTEX2_PRIVATE 128
#define FUTEX2_ANY     0xffffffffUL

#define EVENTS 40
#define PERIOD (3 * MS)
#define FIRST  16 /* of a count: at 2 its wait would look like one for a mutex of glibc */

/* Not static: their names are to be found in the report. */
uint32_t crate_lock; /* 0: free, 1: locked, 2: locked, with waiters */
uint32_t event_count = FIRST, vector_count = FIRST, second_count, new_count = FIRST;
uint32_t requeue_count;
pthread_mutex_t requeue_lock;

static bool must_end;

static uint32_t load(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void take_crate(int seat)
{
	uint32_t free = 0;

	(void)seat;
	if (__atomic_compare_exchange_n(&crate_lock, &free, 1, false, __ATOMIC_ACQUIRE,
					__ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&crate_lock, 2, __ATOMIC_ACQUIRE)) {
		long rc = syscall(SYS_futex, &crate_lock, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 2,
				  NULL, NULL, FUTEX_BITSET_MATCH_ANY);

		must(errno == EAGAIN ? 0 : rc, "futex");
	}
}

static void drop_crate(int seat)
{
	(void)seat;
	if (__atomic_exchange_n(&crate_lock, 0, __ATOMIC_RELEASE) == 2)
		must(syscall(SYS_futex, &crate_lock, FUTEX_WAKE_PRIVATE, 1), "futex");
}

static const char *run_rust(void)
{
	const struct contest c = { .take = take_crate, .drop = drop_crate, CONTEST_OF(2) };
	const struct row row = { .how = "woken|waker",
				 .which = "name=crate_lock",
				 .kind = "mutex",
				 .who = CONTENDER "*" };
	struct record *r = contest_of_threads(&c);

	expect_row(r, &row);
	/* It keeps no owner: who wakes the waiter is who held it. */
	expect_holders(r, &row);
	expect_ledger_or_futex(r, &row, "lock.mutex");
	return NULL;
}

struct signals {
	uint32_t *count;
	long (*wait)(uint32_t *count, uint32_t seen);
	long (*wake)(uint32_t *count);
};

static const struct signals *signals;

static void count_up(struct record *unused, int party)
{
	(void)unused, (void)party;
	for (int i = 0; i < EVENTS; i++) {
		sleep_ns(PERIOD);
		__atomic_add_fetch(signals->count, 1, __ATOMIC_SEQ_CST);
		must(signals->wake(signals->count), "futex wake");
	}
}

static void follow(struct record *r, int party)
{
	for (uint32_t i = FIRST; i < FIRST + EVENTS; i++) {
		while (load(signals->count) == i) {
			long rc;

			call_begins();
			rc = signals->wait(signals->count, i);
			must(errno == EAGAIN ? 0 : rc, "futex wait");
			call_ends(r, party);
		}
	}
}

static long plain_wait(uint32_t *count, uint32_t seen)
{
	return syscall(SYS_futex, count, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static long plain_wake(uint32_t *count)
{
	return syscall(SYS_futex, count, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* struct futex_waitv, which older headers lack. */
struct word {
	uint64_t val, uaddr;
	uint32_t flags, reserved;
};

/* Of two words, of which the second never changes. */
static long vector_wait(uint32_t *count, uint32_t seen)
{
	struct word both[2] = {
		{ .val = seen, .uaddr = (uintptr_t)count, .flags = FUTEX2_U32 | FUTEX2_PRIVATE },
		{ .uaddr = (uintptr_t)&second_count, .flags = FUTEX2_U32 | FUTEX2_PRIVATE },
	};

	return syscall(SYS_futex_waitv, both, 2, 0, NULL, CLOCK_MONOTONIC);
}

static long new_wait(uint32_t *count, uint32_t seen)
{
	return syscall(SYS_futex_wait, count, (unsigned long)seen, FUTEX2_ANY,
		       FUTEX2_U32 | FUTEX2_PRIVATE, NULL, CLOCK_MONOTONIC);
}

static long new_wake(uint32_t *count)
{
	return syscall(SYS_futex_wake, count, FUTEX2_ANY, 1, FUTEX2_U32 | FUTEX2_PRIVATE);
}

static const char *run_signals(const struct signals *s, const char *which)
{
	const struct row row = { .how = "waker", .which = which, .kind = "futex", .who = "waiter" };
	struct record *r = record_new();
	struct actor source = { .comm = "source", .body = count_up };
	struct actor waiter = { .comm = "waiter", .body = follow, .record = r };

	signals = s;
	actor_start(&waiter);
	actor_start(&source);
	actor_end(&waiter);
	actor_end(&source);
	expect_row(r, &row);
	expect_culprit(r, &row, source.tid);
	expect_ledger(r, &row, "sync.futex");
	expect_no_contention("one waits until another has something for it");
	return NULL;
}

static const char *run_futex(void)
{
	static const struct signals s = { &event_count, plain_wait, plain_wake };

	return run_signals(&s, "name=event_count");
}

static void echo(int from, int to)
{
	char byte;

	while (read(from, &byte, 1) == 1)
		must(write(to, &byte, 1), "write");
	_exit(EXIT_SUCCESS);
}

/* A child and this thread wake each other, and nobody waits at a futex. */
static void wake_each_other(int64_t ns)
{
	int64_t until = clock_ns(CLOCK_MONOTONIC) + ns;
	int there[2], back[2];
	char byte = 0;
	pid_t child;

	must(pipe(there), "pipe");
	must(pipe(back), "pipe");
	child = (pid_t)must(fork(), "fork");
	if (!child) {
		must(close(there[1]), "close");
		echo(there[0], back[1]);
	}
	while (clock_ns(CLOCK_MONOTONIC) < until) {
		must(write(there[1], &byte, 1), "write");
		must(read(back[0], &byte, 1), "read");
	}
	must(close(there[1]), "close");
	must(waitpid(child, NULL, 0), "waitpid");
	must(close(there[0]) | close(back[0]) | close(back[1]), "close");
}

/* Whoever watches may have stopped to look who wakes whom, and needs a moment from the first wait on. */
static const char *run_late_futex(void)
{
	struct timespec time = { .tv_nsec = 100 * MS };

	wake_each_other(300 * MS);
	must(syscall(SYS_futex, &second_count, FUTEX_WAIT_PRIVATE, 0, &time, NULL, 0) == -1 &&
			     errno == ETIMEDOUT
		     ? 0
		     : -1,
	     "futex wait");
	return run_futex();
}

static bool is_missing(long result)
{
	return result == -1 && errno == ENOSYS;
}

static const char *run_waitv(void)
{
	static const struct signals s = { &vector_count, vector_wait, plain_wake };

	if (is_missing(vector_wait(&vector_count, 1)))
		return "this kernel has no futex_waitv";
	return run_signals(&s, "name=vector_count");
}

static const char *run_new_futex(void)
{
	static const struct signals s = { &new_count, new_wait, new_wake };

	if (is_missing(new_wait(&new_count, 1)))
		return "this kernel has no futex_wait";
	return run_signals(&s, "name=new_count");
}

static void lock_requeue(void)
{
	must0(pthread_mutex_lock(&requeue_lock), "pthread_mutex_lock");
}

static void unlock_requeue(void)
{
	must0(pthread_mutex_unlock(&requeue_lock), "pthread_mutex_unlock");
}

/* As a condition whose waiters are given their PI mutex: glibc's was one of these up to 2.24. */
static void wait_requeued(struct record *r, int party)
{
	while (!__atomic_load_n(&must_end, __ATOMIC_SEQ_CST)) {
		uint32_t seen;
		long rc;

		lock_requeue();
		seen = load(&requeue_count);
		unlock_requeue();
		call_begins();
		rc = syscall(SYS_futex, &requeue_count, FUTEX_WAIT_REQUEUE_PI_PRIVATE, seen, NULL,
			     &requeue_lock.__data.__lock, 0);
		call_ends(r, party);
		if (rc == -1 && errno == EAGAIN)
			continue;
		must(rc, "futex");
		/* The kernel has locked it for us, unknown to the library. */
		rc = syscall(SYS_futex, &requeue_lock.__data.__lock, FUTEX_UNLOCK_PI_PRIVATE, 0,
			     NULL, NULL, 0);
		must(rc, "futex");
	}
}

static void requeue(struct record *unused, int party)
{
	(void)unused, (void)party;
	for (int i = 0; i < EVENTS; i++) {
		uint32_t count;

		sleep_ns(PERIOD);
		if (i == EVENTS - 1)
			tell(&must_end);
		count = __atomic_add_fetch(&requeue_count, 1, __ATOMIC_SEQ_CST);
		must(syscall(SYS_futex, &requeue_count, FUTEX_CMP_REQUEUE_PI_PRIVATE, 1, NULL,
			     &requeue_lock.__data.__lock, count),
		     "futex");
	}
}

static const char *run_requeue_pi(void)
{
	const struct row row = {
		.how = "waker", .which = "name=requeue_count", .kind = "cond", .who = "waiter"
	};
	struct record *r = record_new();
	struct actor source = { .comm = "source", .body = requeue };
	struct actor waiter = { .comm = "waiter", .body = wait_requeued, .record = r };
	pthread_mutexattr_t attr;

	must0(pthread_mutexattr_init(&attr), "pthread_mutexattr_init");
	must0(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT),
	      "pthread_mutexattr_setprotocol");
	must0(pthread_mutex_init(&requeue_lock, &attr), "pthread_mutex_init");
	actor_start(&waiter);
	actor_start(&source);
	actor_end(&waiter);
	actor_end(&source);
	expect_row(r, &row);
	expect_culprit(r, &row, source.tid);
	expect_ledger(r, &row, "sync.cond");
	return NULL;
}

const struct mode futex_modes[] = {
	{ "rust", run_rust },
	{ "futex", run_futex },
	{ "futex-late", run_late_futex },
	{ "futex-waitv", run_waitv },
	{ "futex-wait", run_new_futex },
	{ "requeue-pi", run_requeue_pi },
	{ 0 },
};
