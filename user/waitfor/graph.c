// SPDX-License-Identifier: BSD-2-Clause
#include "waitfor/graph.h"

#include <stdlib.h>

#include "base/memory.h"

static size_t *new_marks(size_t n)
{
	size_t *marks = malloc((n + 1) * sizeof(*marks));

	if (!marks)
		out_of_memory();
	for (size_t i = 0; i < n; i++)
		marks[i] = GRAPH_NONE;
	return marks;
}

size_t graph_circles(const size_t *next, size_t n, size_t *circle)
{
	size_t *walk = new_marks(n), circles = 0, at; /* in which walk each was met */

	for (size_t i = 0; i < n; i++)
		circle[i] = GRAPH_NONE;
	for (size_t i = 0; i < n; i++) {
		for (at = i; at != GRAPH_NONE && walk[at] == GRAPH_NONE; at = next[at])
			walk[at] = i;
		if (at == GRAPH_NONE || walk[at] != i)
			continue; /* it ends, or goes on as an earlier one */
		for (; circle[at] == GRAPH_NONE; at = next[at])
			circle[at] = circles;
		circles++;
	}
	free(walk);
	return circles;
}

void graph_lead(const size_t *next, size_t n, const size_t *circle, size_t *leads)
{
	size_t *walk = new_marks(n), at, found;

	for (size_t i = 0; i < n; i++)
		leads[i] = circle[i];
	for (size_t i = 0; i < n; i++) {
		for (at = i; at != GRAPH_NONE && leads[at] == GRAPH_NONE && walk[at] == GRAPH_NONE;
		     at = next[at])
			walk[at] = i;
		found = at == GRAPH_NONE ? GRAPH_NONE : leads[at];
		for (at = i; at != GRAPH_NONE && walk[at] == i && leads[at] == GRAPH_NONE;
		     at = next[at])
			leads[at] = found;
	}
	free(walk);
}
