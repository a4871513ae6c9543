// SPDX-License-Identifier: BSD-2-Clause
/* What moves through memory, by the words that guard it. */
#include "channels.h"

#include <errno.h>
#include <linux/futex.h>
#include <semaphore.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not static: those that threads use go by their names, those in shared memory by the functions
 * that wait there. */
sem_t hall_items, hall_rooms;
pthread_mutex_t hall_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t hall_filled = PTHREAD_COND_INITIALIZER;
pthread_cond_t hall_emptied = PTHREAD_COND_INITIALIZER;

/* --- two semaphores ----------------------------------------------------------------------------- */

struct tokens {
	sem_t *of[ROLES]; /* what that role takes */
	sem_t shared[ROLES];
};

static const char *make_tokens(struct scene *s)
{
	struct tokens *t = shared_memory(sizeof(*t));

	for (int role = 0; role < ROLES; role++) {
		t->of[role] = !s->threads      ? &t->shared[role]
			      : role == READER ? &hall_items
					       : &hall_rooms;
		must(sem_init(t->of[role], !s->threads, role == WRITER), "sem_init");
	}
	s->memory = t;
	return NULL;
}

__attribute__((noinline)) void take_token(struct scene *s, long i)
{
	struct tokens *t = s->memory;

	(void)i;
	must(sem_wait(t->of[READER]), "sem_wait");
	must(sem_post(t->of[WRITER]), "sem_post");
}

__attribute__((noinline)) void give_token(struct scene *s, long i)
{
	struct tokens *t = s->memory;

	(void)i;
	must(sem_wait(t->of[WRITER]), "sem_wait");
	must(sem_post(t->of[READER]), "sem_post");
}

/* --- a bounded queue, as every textbook has it --------------------------------------------------- */

#define CAPACITY 2

struct queue {
	pthread_mutex_t *lock;
	pthread_cond_t *changed[ROLES]; /* for which that role waits */
	int length;
	pthread_mutex_t shared_lock;
	pthread_cond_t shared_changed[ROLES];
};

static void share_queue(struct queue *q)
{
	pthread_mutexattr_t lock;
	pthread_condattr_t cond;

	must0(pthread_mutexattr_init(&lock), "pthread_mutexattr_init");
	must0(pthread_mutexattr_setpshared(&lock, PTHREAD_PROCESS_SHARED), "setpshared");
	must0(pthread_mutex_init(&q->shared_lock, &lock), "pthread_mutex_init");
	must0(pthread_condattr_init(&cond), "pthread_condattr_init");
	must0(pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED), "setpshared");
	for (int role = 0; role < ROLES; role++) {
		must0(pthread_cond_init(&q->shared_changed[role], &cond), "pthread_cond_init");
		q->changed[role] = &q->shared_changed[role];
	}
	q->lock = &q->shared_lock;
}

static const char *make_queue(struct scene *s)
{
	struct queue *q = shared_memory(sizeof(*q));

	s->memory = q;
	if (!s->threads) {
		share_queue(q);
		return NULL;
	}
	q->lock = &hall_lock;
	q->changed[READER] = &hall_filled;
	q->changed[WRITER] = &hall_emptied;
	return NULL;
}

/* The other is woken when the mutex is free: it waits for the condition alone. */
static void leave_queue(struct queue *q, enum role for_whom)
{
	must0(pthread_mutex_unlock(q->lock), "pthread_mutex_unlock");
	must0(pthread_cond_signal(q->changed[for_whom]), "pthread_cond_signal");
}

__attribute__((noinline)) void take_from_queue(struct scene *s, long i)
{
	struct queue *q = s->memory;

	(void)i;
	must0(pthread_mutex_lock(q->lock), "pthread_mutex_lock");
	while (!q->length)
		must0(pthread_cond_wait(q->changed[READER], q->lock), "pthread_cond_wait");
	q->length--;
	leave_queue(q, WRITER);
}

__attribute__((noinline)) void put_in_queue(struct scene *s, long i)
{
	struct queue *q = s->memory;

	(void)i;
	must0(pthread_mutex_lock(q->lock), "pthread_mutex_lock");
	while (q->length == CAPACITY)
		must0(pthread_cond_wait(q->changed[WRITER], q->lock), "pthread_cond_wait");
	q->length++;
	leave_queue(q, READER);
}

/* --- a word: 0 is empty, 1 full ------------------------------------------------------------------ */

static const char *make_word(struct scene *s)
{
	s->memory = shared_memory(sizeof(uint32_t));
	return NULL;
}

static void change_word(struct scene *s, uint32_t from, uint32_t to)
{
	uint32_t *word = s->memory;

	while (__atomic_load_n(word, __ATOMIC_SEQ_CST) != from)
		if (syscall(SYS_futex, word, FUTEX_WAIT, to, NULL, NULL, 0))
			must(errno == EAGAIN ? 0 : -1, "FUTEX_WAIT");
	__atomic_store_n(word, to, __ATOMIC_SEQ_CST);
	must(syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0), "FUTEX_WAKE");
}

static void take_word(struct scene *s, long i)
{
	(void)i;
	change_word(s, 1, 0);
}

static void give_word(struct scene *s, long i)
{
	(void)i;
	change_word(s, 0, 1);
}

#define TOKENS .threads = true, .tokens = true

const struct medium memory_media[] = {
	{ "sem", "sem", NULL, IN_LOCKS,
	  .called = { { "take_token", "give_token" }, { "hall_items", "hall_rooms" } }, TOKENS,
	  .make = make_tokens, .move = { take_token, give_token } },
	{ "cond", "cond", NULL, IN_LOCKS,
	  .called = { { "take_from_queue", "put_in_queue" }, { "hall_filled", "hall_emptied" } },
	  TOKENS, .make = make_queue, .move = { take_from_queue, put_in_queue } },
	{ "futex", "futex", NULL, IN_LOCKS, .tokens = true, .make = make_word,
	  .move = { take_word, give_word } },
	{ 0 },
};
