// SPDX-License-Identifier: BSD-2-Clause
/* Locks that processes share. */
#include "locks.h"

#include <fcntl.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <unistd.h>

static pthread_mutex_t *own; /* where the process has it */
static int memory;
static sem_t *slots;

static void map_lock(void)
{
	void *p = mmap(NULL, sizeof(*own), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);

	must(p == MAP_FAILED ? -1 : 0, "mmap");
	own = p;
}

/* Beside those that it has, so that no two processes use it at the same address. */
static void move_lock(int seat)
{
	for (int i = 0; i <= seat; i++)
		map_lock();
}

/* Has no symbol, so it goes by this name. */
__attribute__((noinline)) void take_shared_lock(int seat)
{
	(void)seat;
	must0(pthread_mutex_lock(own), "pthread_mutex_lock");
}

static void drop_shared(int seat)
{
	(void)seat;
	must0(pthread_mutex_unlock(own), "pthread_mutex_unlock");
}

static void make_shared(int robust, int protocol)
{
	pthread_mutexattr_t attr;

	memory = (int)must(memfd_create("lock", MFD_CLOEXEC), "memfd_create");
	must(ftruncate(memory, sizeof(*own)), "ftruncate");
	map_lock();
	must0(pthread_mutexattr_init(&attr), "pthread_mutexattr_init");
	must0(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED),
	      "pthread_mutexattr_setpshared");
	must0(pthread_mutexattr_setrobust(&attr, robust), "pthread_mutexattr_setrobust");
	must0(pthread_mutexattr_setprotocol(&attr, protocol), "pthread_mutexattr_setprotocol");
	must0(pthread_mutex_init(own, &attr), "pthread_mutex_init");
}

static const char *contest_for_shared(void (*hold)(int), const char *kind, const char *cause)
{
	const struct contest c = { .begin = move_lock,
				   .take = take_shared_lock,
				   .drop = drop_shared,
				   .hold = hold,
				   CONTEST_OF(2) };
	const struct row row = { .how = "owner-word",
				 .which = "name=take_shared_lock",
				 .kind = kind,
				 .who = CONTENDER "*",
				 .shared = true };
	struct record *r = contest_of_processes(&c);

	expect_row(r, &row);
	expect_holders(r, &row);
	expect_ledger(r, &row, cause);
	return NULL;
}

static const char *run_shared(void)
{
	make_shared(PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_NONE);
	return contest_for_shared(NULL, "mutex", "lock.mutex");
}

static const char *run_shared_robust(void)
{
	make_shared(PTHREAD_MUTEX_ROBUST, PTHREAD_PRIO_NONE);
	return contest_for_shared(NULL, "mutex", "lock.mutex");
}

static const char *run_shared_pi(void)
{
	make_shared(PTHREAD_MUTEX_STALLED, PTHREAD_PRIO_INHERIT);
	return contest_for_shared(hold_asleep, "pi", "lock.pi");
}

__attribute__((noinline)) void take_slot(int seat)
{
	(void)seat;
	must(sem_wait(slots), "sem_wait");
}

static void give_slot(int seat)
{
	(void)seat;
	must(sem_post(slots), "sem_post");
}

/* By name, with one slot: a lock of processes. */
static const char *run_sem_named(void)
{
	const struct contest c = { .take = take_slot, .drop = give_slot, CONTEST_OF(2) };
	const struct row row = { .how = "waker",
				 .which = "name=take_slot",
				 .kind = "sem",
				 .who = CONTENDER "*",
				 .shared = true };
	const char *name = truth_path("/concprof-locks.%d", getpid());
	struct record *r;

	slots = sem_open(name, O_CREAT | O_EXCL, 0600, 1);
	must(slots == SEM_FAILED ? -1 : 0, "sem_open");
	must(sem_unlink(name), "sem_unlink");
	r = contest_of_processes(&c);
	expect_row(r, &row);
	expect_holders(r, &row);
	expect_ledger_or_futex(r, &row, "sync.sem");
	return NULL;
}

const struct mode shared_modes[] = {
	{ "shared", run_shared },
	{ "shared-robust", run_shared_robust },
	{ "shared-pi", run_shared_pi },
	{ "sem-named", run_sem_named },
	{ 0 },
};
