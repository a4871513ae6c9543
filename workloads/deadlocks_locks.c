// SPDX-License-Identifier: BSD-2-Clause
/* The locks that there are to have. */
#include "deadlocks.h"

void take_mutex(void *mutex)
{
	must0(pthread_mutex_lock(mutex), "pthread_mutex_lock");
}

void drop_mutex(void *mutex)
{
	must0(pthread_mutex_unlock(mutex), "pthread_mutex_unlock");
}

void take_to_write(void *rwlock)
{
	must0(pthread_rwlock_wrlock(rwlock), "pthread_rwlock_wrlock");
}

void take_to_read(void *rwlock)
{
	must0(pthread_rwlock_rdlock(rwlock), "pthread_rwlock_rdlock");
}

void make_mutex(pthread_mutex_t *m, struct mutex_kind kind)
{
	pthread_mutexattr_t attr;

	must0(pthread_mutexattr_init(&attr), "pthread_mutexattr_init");
	must0(pthread_mutexattr_settype(&attr, kind.type), "pthread_mutexattr_settype");
	must0(pthread_mutexattr_setrobust(&attr, kind.robust), "pthread_mutexattr_setrobust");
	must0(pthread_mutexattr_setprotocol(&attr, kind.protocol), "pthread_mutexattr_setprotocol");
	must0(pthread_mutexattr_setpshared(&attr, kind.shared), "pthread_mutexattr_setpshared");
	must0(pthread_mutex_init(m, &attr), "pthread_mutex_init");
}

void make_shared_rwlock(pthread_rwlock_t *rwlock)
{
	pthread_rwlockattr_t attr;

	must0(pthread_rwlockattr_init(&attr), "pthread_rwlockattr_init");
	must0(pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED),
	      "pthread_rwlockattr_setpshared");
	must0(pthread_rwlock_init(rwlock, &attr), "pthread_rwlock_init");
}

struct thing mutex_thing(pthread_mutex_t *m)
{
	return (struct thing){ take_mutex, take_mutex, m };
}
