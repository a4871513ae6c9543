// SPDX-License-Identifier: BSD-2-Clause
#include "base/intern.h"

#include <string.h>

static uint64_t hash_of(const unsigned char *bytes, size_t n)
{
	uint64_t hash = map_hash(0, n), part;

	for (; n >= sizeof(part); bytes += sizeof(part), n -= sizeof(part)) {
		memcpy(&part, bytes, sizeof(part));
		hash = map_hash(hash, part);
	}
	while (n--)
		hash = map_hash(hash, *bytes++);
	return hash >> 1; /* never MAP_NONE, and none of those that follow it */
}

static char *copy(const void *bytes, size_t n)
{
	char *to = malloc(n + 1);

	if (!to)
		out_of_memory();
	memcpy(to, bytes, n);
	to[n] = '\0';
	return to;
}

/* *ret_free: under which hash it would be found. */
static size_t find(const struct intern *in, const void *bytes, size_t n, uint64_t *ret_free)
{
	uint64_t hash = hash_of(bytes, n), *number;

	for (; (number = map_find(&in->by_hash, hash)); hash++) {
		const struct interned *one = &in->list.items[*number];

		if (one->n == n && !memcmp(one->bytes, bytes, n))
			return *number;
	}
	*ret_free = hash;
	return INTERN_NONE;
}

size_t intern_find(struct intern *in, const void *bytes, size_t n)
{
	uint64_t hash;

	return find(in, bytes, n, &hash);
}

size_t intern(struct intern *in, const void *bytes, size_t n)
{
	uint64_t hash;
	size_t number = find(in, bytes, n, &hash);

	if (number != INTERN_NONE)
		return number;
	*map_add(&in->by_hash, hash) = in->list.n;
	*vec_add(&in->list) = (struct interned){ copy(bytes, n), n };
	return in->list.n - 1;
}

void intern_free(struct intern *in)
{
	for (size_t i = 0; i < in->list.n; i++)
		free(in->list.items[i].bytes);
	free(in->list.items);
	map_free(&in->by_hash);
}
