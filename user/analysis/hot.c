// SPDX-License-Identifier: BSD-2-Clause
/* Sites by the function of the program's own that they are in. */
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"
#include "base/intern.h"

static const struct frame *own(const struct model *m, const struct site_row *row)
{
	return row->own < 0 ? NULL : &m->frames[row->stack->frames[row->own]];
}

/* Functions of one name in one object are one. */
struct names {
	struct intern functions, objects, keys; /* the last are numbered as the hot ones */
};

static size_t number_of(struct names *to, const struct frame *f, enum cause cause)
{
	uint64_t key[3] = { cause };

	if (f) {
		key[1] = 1 + intern(&to->functions, f->function, strlen(f->function));
		key[2] = 1 + intern(&to->objects, f->object, strlen(f->object));
	}
	return intern(&to->keys, key, sizeof(key));
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
	struct names names = { 0 };

	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		const struct site_row *row = &rows[i];
		const struct frame *frame = own(m, row);
		struct hot *to = &hot[number_of(&names, frame, row->cause)];

		if (to == &hot[*ret_n]) {
			to->frame = frame;
			to->cause = row->cause;
			to->most = row; /* they come in order */
			++*ret_n;
		}
		to->samples += row->samples;
		to->waits += row->waits;
		to->ns += row->ns;
		if (row->max_ns > to->max_ns)
			to->max_ns = row->max_ns;
	}
	intern_free(&names.functions);
	intern_free(&names.objects);
	intern_free(&names.keys);
	qsort(hot, *ret_n, sizeof(*hot), what == SITE_CPU ? most_samples_first : longest_first);
	return hot;
}
