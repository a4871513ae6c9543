// SPDX-License-Identifier: BSD-2-Clause
/* Where in the program's code files, sockets and so on are waited for. */
#include <stdlib.h>

#include "analysis/internal.h"
#include "base/map.h"
#include "base/vec.h"

/* One target's, the longest first. */
static int by_io(const void *a, const void *b)
{
	const struct io_site *v = a, *w = b;

	if (v->io != w->io)
		return v->io < w->io ? -1 : 1;
	if (v->ns != w->ns)
		return v->ns > w->ns ? -1 : 1;
	return v->frame < w->frame ? -1 : v->frame > w->frame;
}

void io_places_find(struct findings *f)
{
	const struct model *m = f->model;
	VEC(struct io_site) list = { 0 };
	struct map places = { 0 };

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];
		const struct stack *stack = &m->stacks[s->stack];
		ptrdiff_t own = s->io == NO_IO ? -1 : own_frame(m, stack);
		uint64_t *place;

		if (own < 0 || s->what != SITE_WAIT)
			continue;
		place = map_add(&places, s->io * m->n_frames + stack->frames[own]);
		if (*place == MAP_NONE) {
			*place = list.n;
			*vec_add(&list) =
				(struct io_site){ .io = s->io,
						  .frame = &m->frames[stack->frames[own]] };
		}
		list.items[*place].ns += f->sites.ns[i];
		list.items[*place].waits += f->sites.count[i];
	}
	map_free(&places);
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_io);
	f->io_sites = list.items;
	f->n_io_sites = list.n;
	f->io_places = zeroed(m->n_ios, sizeof(*f->io_places));
	for (size_t i = 0; i < list.n; i++) {
		struct io_sites *to = &f->io_places[list.items[i].io];

		if (!to->n++)
			to->items = &list.items[i];
	}
}
