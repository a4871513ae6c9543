// SPDX-License-Identifier: BSD-2-Clause
/* Paths by their names, and by names that are nearly theirs. */
#include "analysis/gate_paths.h"

#include <stdio.h>
#include <string.h>

#include "base/nearest.h"

_Static_assert(GATE_PATH_SIZE <= NEAREST_LENGTH, "no path is cut when it is compared");

bool gate_path_find(struct gate_path *ret, const char *name)
{
	char buf[GATE_PATH_SIZE];

	for (struct gate_path at = { .row = NULL }; gate_path_next(&at);) {
		if (!gate_path_take_lock(&at, name) && strcmp(gate_path_name(&at, buf), name))
			continue;
		*ret = at;
		return true;
	}
	return false;
}

#define PART_LEAST 3 /* letters: less is a part of too many */

/* Who leaves something out means it more likely than who writes all of it wrongly: "zombies",
 * "io.disk". In eighths of a character; `enough` stands for all that is not below it. */
static size_t distance(const char *meant, const char *name, size_t enough)
{
	size_t length = strlen(meant), written = strlen(name);
	size_t apart = length > written ? length - written : written - length;

	if (written >= PART_LEAST && strstr(meant, name))
		return 8 + apart;
	return 8 * apart < enough ? 8 * edit_distance(meant, name) : enough;
}

char *gate_path_nearest(char *buf, const char *name, enum gate_side side)
{
	struct gate_path best = { .row = NULL };
	char one[GATE_PATH_SIZE];
	size_t least = SIZE_MAX;

	for (struct gate_path at = { .row = NULL }; gate_path_next(&at);) {
		size_t d = distance(gate_path_name(&at, one), name, least);

		if (d >= least || (side == SIDE_CHANGE && !gate_path_is_number(&at)))
			continue;
		least = d;
		best = at;
	}
	best.side = side;
	return gate_path_name(&best, buf);
}

#define SIDE_NEAR 2 /* letters that are wrong in the name of a side */

enum gate_side gate_side_nearest(const char **name)
{
	static const char *const names[] = {
		[SIDE_BASE] = "base", [SIDE_HEAD] = "head", [SIDE_CHANGE] = "change"
	};
	size_t n = strcspn(*name, ".");
	char word[16];

	snprintf(word, sizeof(word), "%.*s", (int)n, *name);
	for (enum gate_side side = SIDE_CHANGE; side > SIDE_NONE && (*name)[n]; side--) {
		if (edit_distance(names[side], word) > SIDE_NEAR)
			continue;
		*name += n + 1;
		return side;
	}
	return SIDE_HEAD;
}
