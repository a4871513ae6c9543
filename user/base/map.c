// SPDX-License-Identifier: BSD-2-Clause
#include "base/map.h"

#include <stdlib.h>

#include "base/memory.h"

/* The finishing steps of MurmurHash3 (public domain). */
uint64_t map_hash(uint64_t hash, uint64_t x)
{
	x += hash * 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdull;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 33;
}

/* Where the key is, or would be. */
static size_t place_of(const struct map *m, uint64_t key)
{
	size_t i = map_hash(0, key) & (m->room - 1);

	while (m->rows[i].key != key && m->rows[i].key != MAP_NONE)
		i = (i + 1) & (m->room - 1);
	return i;
}

static void grow(struct map *m)
{
	struct map old = *m;

	m->room = old.room ? 2 * old.room : 64;
	m->rows = calloc(m->room, sizeof(*m->rows));
	if (!m->rows)
		out_of_memory();
	for (size_t i = 0; i < m->room; i++)
		m->rows[i].key = MAP_NONE;
	for (size_t i = 0; i < old.room; i++) {
		if (old.rows[i].key != MAP_NONE)
			m->rows[place_of(m, old.rows[i].key)] = old.rows[i];
	}
	free(old.rows);
}

uint64_t *map_find(const struct map *m, uint64_t key)
{
	size_t i;

	if (!m->room)
		return NULL;
	i = place_of(m, key);
	return m->rows[i].key == key ? &m->rows[i].value : NULL;
}

uint64_t *map_add(struct map *m, uint64_t key)
{
	size_t i;

	if (2 * (m->n + 1) > m->room)
		grow(m);
	i = place_of(m, key);
	if (m->rows[i].key != key) {
		m->rows[i] = (struct map_row){ key, MAP_NONE };
		m->n++;
	}
	return &m->rows[i].value;
}

/* Those behind it that had to make way for it move up. */
void map_remove(struct map *m, uint64_t key)
{
	size_t i, next;

	if (!m->room)
		return;
	i = place_of(m, key);
	if (m->rows[i].key != key)
		return;
	m->rows[i].key = MAP_NONE;
	m->n--;
	for (next = (i + 1) & (m->room - 1); m->rows[next].key != MAP_NONE;
	     next = (next + 1) & (m->room - 1)) {
		struct map_row row = m->rows[next];

		m->rows[next].key = MAP_NONE;
		m->rows[place_of(m, row.key)] = row;
	}
}

void map_free(struct map *m)
{
	free(m->rows);
	*m = (struct map){ 0 };
}
