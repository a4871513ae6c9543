// SPDX-License-Identifier: BSD-2-Clause
/* deadlocks MODE: threads that wait for each other, or seem to. Without MODE: lists them. */
#include "deadlocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LONGEST 30 /* seconds, should what is to come to an end not do so */

static const struct mode *const tables[] = { mutex_modes, other_modes, process_modes,
					     alike_modes, turns_modes, unknown_modes,
					     words_modes, file_modes,  file_alike_modes };
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
	int status;

	if (argc < 2)
		return list_modes();
	mode = find_mode(argv[1]);
	if (!mode) {
		fprintf(stderr, "deadlocks: no mode '%s'; without one it lists them\n", argv[1]);
		return EXIT_FAILURE;
	}
	alarm(LONGEST);
	truth_begin(truth_path("deadlocks %s", mode->name));
	scene_begin();
	mode->run();
	children_kill();
	status = truth_end();
	say_knots();
	_exit(status); /* no exit handler: threads may hold whatever it needs */
}
