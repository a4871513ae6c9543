// SPDX-License-Identifier: BSD-2-Clause
/* What uses locks, or looks like them, and makes nobody wait for one. */
#include "locks.h"

#define TASKS 25

/* Not static: their names would be found in the report. */
pthread_spinlock_t spin_lock;
pthread_mutex_t private_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t pool_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t pool_work = PTHREAD_COND_INITIALIZER;

static long spins;

static void *spin(void *unused)
{
	for (int i = 0; i < 30000; i++) {
		must0(pthread_spin_lock(&spin_lock), "pthread_spin_lock");
		spins++;
		burn(2);
		must0(pthread_spin_unlock(&spin_lock), "pthread_spin_unlock");
		burn(1);
	}
	return unused;
}

static const char *run_spin(void)
{
	const char *why = "who waits for a spin lock computes";
	pthread_t ids[2];

	must0(pthread_spin_init(&spin_lock, PTHREAD_PROCESS_PRIVATE), "pthread_spin_init");
	for (int i = 0; i < 2; i++)
		ids[i] = start_thread(spin, NULL);
	for (int i = 0; i < 2; i++)
		join_thread(ids[i]);
	expect_no_contention(why);
	expect_no_row("name=spin_lock", why);
	return NULL;
}

#define RING  64
#define ITEMS 30000

static long ring[RING], ring_head, ring_tail;

static void *push(void *unused)
{
	for (long i = 0; i < ITEMS; i++) {
		while (i - __atomic_load_n(&ring_head, __ATOMIC_ACQUIRE) == RING)
			sleep_ns(50 * US);
		ring[i % RING] = i;
		__atomic_store_n(&ring_tail, i + 1, __ATOMIC_RELEASE);
		burn(2);
	}
	return unused;
}

static void *pop(void *unused)
{
	for (long i = 0; i < ITEMS; i++) {
		while (__atomic_load_n(&ring_tail, __ATOMIC_ACQUIRE) == i)
			sleep_ns(50 * US);
		must(ring[i % RING] == i ? 0 : -1, "the queue");
		__atomic_store_n(&ring_head, i + 1, __ATOMIC_RELEASE);
		burn(2);
	}
	return unused;
}

static const char *run_lock_free(void)
{
	const char *why = "a queue of one producer and one consumer needs no lock";
	pthread_t producer = start_thread(push, NULL), consumer = start_thread(pop, NULL);

	join_thread(producer);
	join_thread(consumer);
	expect_no_contention(why);
	return NULL;
}

static const char *run_uncontended(void)
{
	const char *why = "a million times, but by one thread";

	for (int i = 0; i < 1000000; i++) {
		must0(pthread_mutex_lock(&private_lock), "pthread_mutex_lock");
		must0(pthread_mutex_unlock(&private_lock), "pthread_mutex_unlock");
	}
	expect_no_contention(why);
	expect_no_row("name=private_lock", why);
	return NULL;
}

static int tasks;
static bool is_over;

/* Its last wait is for the end. */
static void work(struct record *r, int party)
{
	must0(pthread_mutex_lock(&pool_lock), "pthread_mutex_lock");
	while (tasks || !is_over) {
		if (!tasks) {
			call_begins();
			must0(pthread_cond_wait(&pool_work, &pool_lock), "pthread_cond_wait");
			call_ends(r, party);
			continue;
		}
		tasks--;
		must0(pthread_mutex_unlock(&pool_lock), "pthread_mutex_unlock");
		burn(200);
		must0(pthread_mutex_lock(&pool_lock), "pthread_mutex_lock");
	}
	must0(pthread_mutex_unlock(&pool_lock), "pthread_mutex_unlock");
}

static void submit(bool last)
{
	must0(pthread_mutex_lock(&pool_lock), "pthread_mutex_lock");
	is_over = last;
	tasks += !last;
	must0(pthread_mutex_unlock(&pool_lock), "pthread_mutex_unlock");
	/* One by one at the end, too: they are not to contend for the mutex. */
	must0(pthread_cond_signal(&pool_work), "pthread_cond_signal");
	sleep_ns(10 * MS);
}

static const char *run_idle_pool(void)
{
	const struct row row = { .which = "name=pool_work", .kind = "cond", .who = "worker*" };
	struct record *r = record_new();
	struct actor workers[4];

	for (int i = 0; i < 4; i++) {
		workers[i] = (struct actor){ .comm = "worker", .body = work, .record = r };
		actor_start(&workers[i]);
		/* Each comes to its wait alone. */
		sleep_ns(3 * MS);
	}
	for (int i = 0; i < TASKS; i++)
		submit(false);
	for (int i = 0; i < 4; i++)
		submit(true);
	for (int i = 0; i < 4; i++)
		actor_end(&workers[i]);
	expect_row(r, &row);
	expect_ledger_or_futex(r, &row, "sync.cond");
	expect_no_contention("they wait for work, and one at a time is woken");
	truth_verdict("sleep-bound", "all wait until main() has slept");
	return NULL;
}

const struct mode alike_modes[] = {
	{ "spin", run_spin },
	{ "lock-free", run_lock_free },
	{ "uncontended", run_uncontended },
	{ "idle-pool", run_idle_pool },
	{ 0 },
};
