// SPDX-License-Identifier: BSD-2-Clause
/* lives MODE: how processes end, and who sees to them. Without MODE: lists them. */
#include "lives.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct mode *const tables[] = { late_modes, wait_modes, prompt_modes, orphan_modes,
					     death_modes };
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

	if (argc < 2)
		return list_modes();
	mode = find_mode(argv[1]);
	if (!mode) {
		fprintf(stderr, "lives: no mode '%s'; without one it lists them\n", argv[1]);
		return EXIT_FAILURE;
	}
	name_thread("lives");
	truth_begin(truth_path("lives %s", mode->name));
	mode->run();
	return truth_end();
}
