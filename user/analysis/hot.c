// SPDX-License-Identifier: BSD-2-Clause
/* Sites by the function of the program's own that they are in. */
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"
#include "base/intern.h"
#include "base/vec.h"

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

/* What each of the kernel's functions has of each hot one. */
struct parts {
	struct intern functions, keys; /* the latter are numbered as the list */
	VEC(struct part {
		size_t hot;
		const struct frame *frame;
		double sum;
	})
	list;
};

static void add_part(struct parts *to, size_t hot, const struct frame *f, double sum)
{
	uint64_t key[2] = { hot };
	size_t number;

	if (!f)
		return;
	key[1] = intern(&to->functions, f->function, strlen(f->function));
	number = intern(&to->keys, key, sizeof(key));
	if (number == to->list.n)
		*vec_add(&to->list) = (struct part){ .hot = hot, .frame = f };
	to->list.items[number].sum += sum;
}

static void find_most(struct parts *p, struct hot *hot, size_t n)
{
	double *most = zeroed(n, sizeof(*most));

	for (size_t i = 0; i < p->list.n; i++) {
		const struct part *part = &p->list.items[i];

		if (part->sum <= most[part->hot])
			continue;
		most[part->hot] = part->sum;
		hot[part->hot].kernel = part->frame;
	}
	free(most);
	free(p->list.items);
	intern_free(&p->functions);
	intern_free(&p->keys);
}

struct hot *hot_find(const struct model *m, enum site_what what, const struct site_row *rows,
		     size_t n, size_t *ret_n)
{
	struct hot *hot = zeroed(n, sizeof(*hot));
	struct names names = { 0 };
	struct parts parts = { .list = { 0 } };

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
		if (kernel_frames(m, row->stack))
			to->kernel_samples += row->samples;
		add_part(&parts, to - hot, kernel_frame(m, row->stack),
			 what == SITE_CPU ? (double)row->samples : row->ns);
	}
	find_most(&parts, hot, *ret_n);
	intern_free(&names.functions);
	intern_free(&names.objects);
	intern_free(&names.keys);
	qsort(hot, *ret_n, sizeof(*hot), what == SITE_CPU ? most_samples_first : longest_first);
	return hot;
}
