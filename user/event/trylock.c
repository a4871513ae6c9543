// SPDX-License-Identifier: BSD-2-Clause
#include "event/trylock.h"

#include <stddef.h>
#include <string.h>

static const char *const names[] = {
	"pthread_mutex_trylock",
	"pthread_rwlock_tryrdlock",
	"pthread_rwlock_trywrlock",
	"pthread_spin_trylock",
	"mtx_trylock",
	"sem_trywait",
	"new_sem_trywait",
};

bool is_trylock(const char *function)
{
	static const char internal[] = "__GI_";

	if (!strncmp(function, internal, sizeof(internal) - 1))
		function += sizeof(internal) - 1;
	while (*function == '_')
		function++;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		/* a symbol may have its version behind it */
		if (!strncmp(function, names[i], n) && (!function[n] || function[n] == '@'))
			return true;
	}
	return false;
}
