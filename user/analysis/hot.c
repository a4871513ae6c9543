// SPDX-License-Identifier: BSD-2-Clause
/* Sites by the function of the program's own that they are in. */
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"
#include "base/map.h"

static const struct frame *own(const struct model *m, const struct site_row *row)
{
	return row->own < 0 ? NULL : &m->frames[row->stack->frames[row->own]];
}

static bool is_function(const struct frame *a, const struct frame *b)
{
	return a && b ? !strcmp(a->function, b->function) && !strcmp(a->object, b->object) : a == b;
}

static uint64_t hash_of(const struct frame *f, enum cause cause)
{
	uint64_t hash = map_hash(0, cause);

	for (const char *c = f ? f->function : ""; *c; c++)
		hash = map_hash(hash, (unsigned char)*c);
	for (const char *c = f ? f->object : ""; *c; c++)
		hash = map_hash(hash, (unsigned char)*c);
	return hash >> 1;
}

static int known_first(const struct hot *h, const struct hot *g)
{
	return !h->frame - !g->frame;
}

static int most_samples_first(const void *a, const void *b)
{
	const struct hot *h = a, *g = b;

	if (known_first(h, g))
		return known_first(h, g);
	if (h->samples != g->samples)
		return h->samples > g->samples ? -1 : 1;
	return h->most < g->most ? -1 : h->most > g->most;
}

static int longest_first(const void *a, const void *b)
{
	const struct hot *h = a, *g = b;

	if (known_first(h, g))
		return known_first(h, g);
	if (h->ns != g->ns)
		return h->ns > g->ns ? -1 : 1;
	return most_samples_first(a, b);
}

struct hot *hot_find(const struct model *m, enum site_what what, const struct site_row *rows,
		     size_t n, size_t *ret_n)
{
	struct hot *hot = zeroed(n, sizeof(*hot));
	struct map by_hash = { 0 };

	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct site_row *row = &rows[i];
		const struct frame *frame = own(m, row);
		uint64_t hash = hash_of(frame, row->cause), *place;
		struct hot *to;

		while ((place = map_find(&by_hash, hash)) &&
		       (hot[*place].cause != row->cause || !is_function(hot[*place].frame, frame)))
			hash++;
		if (!place) {
			*map_add(&by_hash, hash) = *ret_n;
			to = &hot[(*ret_n)++];
			to->frame = frame;
			to->cause = row->cause;
			to->most = row; /* they come in order */
		} else {
			to = &hot[*place];
		}
		to->samples += row->samples;
		to->waits += row->waits;
		to->ns += row->ns;
		if (row->max_ns > to->max_ns)
			to->max_ns = row->max_ns;
	}
	map_free(&by_hash);
	qsort(hot, *ret_n, sizeof(*hot), what == SITE_CPU ? most_samples_first : longest_first);
	return hot;
}
