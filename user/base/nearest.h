/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

#define NEAREST_LENGTH 192 /* what is longer is compared up to there */

/* How many characters have to be inserted, removed, replaced or swapped with the next one to
 * make one text of the other. */
size_t edit_distance(const char *a, const char *b);
