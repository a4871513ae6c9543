/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What the files of this folder share. */
#include "waitfor/waitfor.h"

#define GRAPH_NONE SIZE_MAX

/* Each of n waits goes on to at most one other, by its place: GRAPH_NONE for none. Gives each the
 * number of the circle that it is part of, or GRAPH_NONE; returns how many circles there are. */
size_t graph_circles(const size_t *next, size_t n, size_t *circle);

/* ... of the circle that it is part of or leads to. */
void graph_lead(const size_t *next, size_t n, const size_t *circle, size_t *leads);
