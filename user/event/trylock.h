/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

/* Is it the name of a function that takes a lock only if nobody has it, and never waits: as C libraries
 * call them, inside as well ("__pthread_mutex_trylock")? */
bool is_trylock(const char *function);
