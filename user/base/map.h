/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Numbers by number: open addressing, linear probing. Keys are any but MAP_NONE. Out of
 * memory ends the program, as with a vector. */
#include <stddef.h>
#include <stdint.h>

#define MAP_NONE UINT64_MAX

struct map {
	struct map_row {
		uint64_t key, value;
	} * rows;
	size_t n, room; /* a power of two, or 0 */
};

/* The value of a key, to be read or set until the map is next changed; NULL: there is none. */
uint64_t *map_find(const struct map *m, uint64_t key);
/* The same, made with the value MAP_NONE if there is none. */
uint64_t *map_add(struct map *m, uint64_t key);
void map_remove(struct map *m, uint64_t key);
void map_free(struct map *m);

/* Mixes a number, or a further one into a hash. */
uint64_t map_hash(uint64_t hash, uint64_t x);
