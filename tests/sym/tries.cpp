// SPDX-License-Identifier: BSD-2-Clause
// Functions that try locks, in several ways, and others that do not: by their names.
#include <mutex>

#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

extern "C" {

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static sem_t semaphore;
static std::mutex one, other;
volatile int done;

#define FUNCTION __attribute__((noinline, noclone, used))

FUNCTION void tries_mutex(void)
{
	while (pthread_mutex_trylock(&mutex))
		usleep(1);
}

FUNCTION void tries_rwlock(void)
{
	if (!pthread_rwlock_trywrlock(&rwlock))
		done = 1;
}

FUNCTION void tries_semaphore(void)
{
	if (!sem_trywait(&semaphore))
		done = 1;
}

/* A jump to where the callee returns to the caller. */
FUNCTION int tries_by_a_jump(void)
{
	return pthread_mutex_trylock(&mutex);
}

FUNCTION void tries_by_a_helper(void)
{
	while (tries_by_a_jump())
		usleep(1);
}

FUNCTION void tries_std(void)
{
	while (!one.try_lock())
		usleep(1);
}

FUNCTION void tries_std_unique(void)
{
	std::unique_lock<std::mutex> lock(one, std::try_to_lock);

	done = lock.owns_lock();
}

FUNCTION void not_by_helpers_of_helpers(void)
{
	tries_by_a_helper();
	done = 1;
}

FUNCTION void not_locking(void)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_unlock(&mutex);
	usleep(1);
}

/* Where the compiler leaves std::lock() out, by its debug information alone. */
FUNCTION __attribute__((flatten)) void not_both_at_once(void)
{
	std::lock(one, other);
	one.unlock();
	other.unlock();
	usleep(1);
}

FUNCTION void not_calling(void)
{
	done++;
}

}

int main(int argc, char **)
{
	void (*const all[])() = { tries_mutex,	    tries_rwlock, tries_semaphore,
				  tries_by_a_helper, tries_std,	  tries_std_unique,
				  not_by_helpers_of_helpers, not_locking, not_both_at_once,
				  not_calling };

	if (argc > 1)
		all[argc - 2]();
	return 0;
}
