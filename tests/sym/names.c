// SPDX-License-Identifier: BSD-2-Clause
/* Functions inlined into one another, and locks in all kinds of data. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct account {
	long balance;
	pthread_mutex_t lock;
};

struct queue {
	int items[10];
	pthread_mutex_t lock;
	union {
		pthread_cond_t ready;
		char room[64];
	};
};

pthread_mutex_t account_lock = PTHREAD_MUTEX_INITIALIZER;
struct account accounts[8];
struct account matrix[3][5];
struct queue queue;
static pthread_rwlock_t hidden = PTHREAD_RWLOCK_INITIALIZER;
volatile int sink;

static inline __attribute__((always_inline)) int innermost(int n)
{
	for (int i = 0; i < n; i++)
		sink += i * n;
	return sink + n;
}

static inline __attribute__((always_inline)) int inner(int n)
{
	int a = innermost(n + 1);

	if (a & 1)
		a += innermost(n + 2);
	return a * 3;
}

static __attribute__((noinline)) int outer(int n)
{
	int a = inner(n);

	sink += a;
	return a + inner(a & 7);
}

int cold(int n) __attribute__((cold));
int cold(int n)
{
	fprintf(stderr, "%d\n", n);
	return n / 2;
}

static void *work(void *arg)
{
	static pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
	struct account *account = &accounts[(uintptr_t)arg & 7];

	pthread_mutex_lock(&account->lock);
	account->balance += outer((int)account->balance);
	pthread_mutex_unlock(&account->lock);
	pthread_rwlock_rdlock(&hidden);
	pthread_mutex_lock(&own);
	if (sink == 12345)
		sink = cold(sink);
	pthread_mutex_unlock(&own);
	pthread_rwlock_unlock(&hidden);
	return NULL;
}

int main(void)
{
	pthread_t thread;

	matrix[1][2].balance = queue.items[3];
	if (pthread_create(&thread, NULL, work, NULL) || pthread_join(thread, NULL))
		return 1;
	return (int)(matrix[1][2].balance & 1);
}
