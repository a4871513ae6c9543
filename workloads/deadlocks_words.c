// SPDX-License-Identifier: BSD-2-Clause
/* Words in memory that look like a lock with its owner's number, or where that means another. */
#include "deadlocks.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HELD_NS (1200 * MS)

static void futex(uint32_t *word, int op, uint32_t value)
{
	long result = syscall(SYS_futex, word, op, value, NULL);

	must(result == -1 && errno == EAGAIN ? 0 : result, "futex");
}

/* A lock of the program's own: taken if not 0. */
struct own_lock {
	uint32_t word, taken;
	uint32_t data[8]; /* its user's */
};

static void *wait_for_word(void *arg)
{
	struct own_lock *l = arg;

	name_thread("waiter");
	while (__atomic_load_n(&l->word, __ATOMIC_SEQ_CST))
		futex(&l->word, FUTEX_WAIT_PRIVATE, l->taken);
	return NULL;
}

static void hold_word(struct own_lock *l)
{
	pthread_t waiter;

	l->word = l->taken;
	waiter = start_thread(wait_for_word, l);
	sleep_ns(HELD_NS);
	__atomic_store_n(&l->word, 0, __ATOMIC_SEQ_CST);
	futex(&l->word, FUTEX_WAKE_PRIVATE, INT_MAX);
	join_thread(waiter);
}

/* "Futexes are tricky", mutex 3, which many have copied: 2 is "locked, with waiters". Where glibc's
 * mutex has its owner lies something else. */
static void run_own_mutex(void)
{
	static struct own_lock l = { .taken = 2, .data = { 4000000, 4000000, 4000000 } };

	hold_word(&l);
	expect_no_deadlock("what lies behind a lock of the program's own is no thread's number");
}

/* musl's mutex of the normal kind: EBUSY for its owner, and the bit for waiters. */
static void run_musl_mutex(void)
{
	static struct own_lock l = { .taken = 0x80000000 | EBUSY };

	hold_word(&l);
	expect_no_deadlock("it says that it is taken, but not by whom");
}

static void meet_twice(pthread_barrier_t *b, int64_t pause)
{
	for (int i = 0; i < 2; i++) {
		int error = pthread_barrier_wait(b);

		must0(error == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : error, "pthread_barrier_wait");
		sleep_ns(pause);
	}
}

/* A barrier counts those who came, in a word that is 2 at its second use; behind it stands whether
 * processes share it: 128. */
static void run_barrier(void)
{
	pthread_barrier_t *b = shared_memory(sizeof(*b));
	pthread_barrierattr_t attr;

	must0(pthread_barrierattr_init(&attr), "pthread_barrierattr_init");
	must0(pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED),
	      "pthread_barrierattr_setpshared");
	must0(pthread_barrier_init(b, &attr, 2), "pthread_barrier_init");
	if (!add_child()) {
		meet_twice(b, HELD_NS);
		_exit(EXIT_SUCCESS);
	}
	meet_twice(b, 0);
	expect_no_deadlock("the other one comes later");
}

struct claim {
	const char *comm;
	pthread_mutex_t *lock;
	bool taken;
};

static void hold_for_a_while(void *arg)
{
	struct claim *c = arg;

	must(prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	name_thread(c->comm);
	take_mutex(c->lock);
	__atomic_store_n(&c->taken, true, __ATOMIC_SEQ_CST);
	sleep_ns(HELD_NS);
	drop_mutex(c->lock);
}

/* By the first process of a namespace, with the number 1. */
static void claim_in_a_namespace(struct claim *c)
{
	if (!add_child()) {
		must(unshare(CLONE_NEWPID), "unshare");
		reap_child(start_child(hold_for_a_while, c));
		_exit(EXIT_SUCCESS);
	}
	while (!__atomic_load_n(&c->taken, __ATOMIC_SEQ_CST))
		sleep_ns(100 * US);
}

static void run_namespaces(void)
{
	pthread_mutex_t *lock = shared_memory(sizeof(*lock));
	struct claim *claims = shared_memory(2 * sizeof(*claims));

	if (geteuid()) {
		truth_skip("only root makes namespaces of its own");
		return;
	}
	make_mutex(lock, (struct mutex_kind){ .shared = PTHREAD_PROCESS_SHARED });
	claims[0] = (struct claim){ .comm = "holder", .lock = lock };
	claims[1] = (struct claim){ .comm = "waiter", .lock = lock };
	claim_in_a_namespace(&claims[0]);
	claim_in_a_namespace(&claims[1]);
	expect_no_deadlock("the holder has the waiter's number, but in another namespace");
}

static void read_it(void *rwlock)
{
	must(prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	name_thread("reader");
	take_to_read(rwlock);
}

static void write_while_others_want_to_read(void *rwlock)
{
	pid_t readers[2];

	must(prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	name_thread("writer");
	take_to_write(rwlock);
	for (int i = 0; i < 2; i++)
		readers[i] = start_child(read_it, rwlock);
	sleep_ns(HELD_NS);
	must0(pthread_rwlock_unlock(rwlock), "pthread_rwlock_unlock");
	for (int i = 0; i < 2; i++)
		reap_child(readers[i]);
}

/* The word is 3 while they wait, and the wait is that of pthread_join, where it would be the number
 * of a thread; here the second reader has that number. */
static void run_shared_readers(void)
{
	pthread_rwlock_t *rwlock = shared_memory(sizeof(*rwlock));

	if (geteuid()) {
		truth_skip("only root makes namespaces of its own");
		return;
	}
	make_shared_rwlock(rwlock);
	if (!add_child()) {
		must(unshare(CLONE_NEWPID), "unshare");
		reap_child(start_child(write_while_others_want_to_read, rwlock));
		_exit(EXIT_SUCCESS);
	}
	sleep_ns(STUCK_NS);
	expect_no_deadlock("the writer sleeps, and lets it go then");
}

const struct mode words_modes[] = {
	{ "own-mutex", run_own_mutex },
	{ "musl-mutex", run_musl_mutex },
	{ "barrier", run_barrier },
	{ "namespaces", run_namespaces },
	{ "shared-readers", run_shared_readers },
	{ 0 },
};
