// SPDX-License-Identifier: BSD-2-Clause
/* locks MODE: waits for locks, and what looks like it. Without MODE: lists them. */
#include "locks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct mode *const tables[] = {
	mutex_modes,  shared_modes, rwlock_modes,   sync_modes, futex_modes, file_modes,
	kernel_modes, holder_modes, priority_modes, pair_modes, queue_modes, alike_modes,
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; i < TABLES; i++)
		for (const struct mode *m = tables[i]; m->name; m++)
			if (!strcmp(m->name, name))
				return m;
	return NULL;
}

static int list_modes(void)
{
	for (size_t i = 0; i < TABLES; i++)
		for (const struct mode *m = tables[i]; m->name; m++)
			puts(m->name);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	const struct mode *mode;
	const char *reason;

	if (argc < 2)
		return list_modes();
	mode = find_mode(argv[1]);
	if (!mode) {
		fprintf(stderr, "locks: no mode '%s'; without one it lists them\n", argv[1]);
		return EXIT_FAILURE;
	}
	truth_begin(truth_path("locks %s", mode->name));
	reason = mode->run();
	if (reason)
		truth_skip(reason);
	return truth_end();
}
