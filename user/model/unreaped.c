// SPDX-License-Identifier: BSD-2-Clause
/* Zombies from before the measurement. */
#include "model/internal.h"

#include <stdlib.h>
#include <string.h>

int on_unreaped(struct model_builder *b, const struct event *head)
{
	*vec_add(&b->unreaped) = *(const struct ev_unreaped *)head;
	return 0;
}

static int most_left_first(const void *a, const void *b)
{
	const struct unreaped *x = a, *y = b;

	if (x->left != y->left)
		return x->left > y->left ? -1 : 1;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return (x->parent > y->parent) - (x->parent < y->parent);
}

void unreaped_build(struct model_builder *b)
{
	struct model *m = b->m;
	VEC(struct unreaped) kept = { 0 };

	for (size_t i = 0; i < b->unreaped.n; i++) {
		const struct ev_unreaped *ev = &b->unreaped.items[i];
		/* who was attached to, not who has its number later */
		const struct process *parent = process_of_pid(m, ev->parent);
		struct unreaped *u;

		if (!parent)
			continue;
		u = vec_add(&kept);
		*u = (struct unreaped){ .parent = (size_t)(parent - m->processes),
					.pid = ev->pid,
					.count = ev->count,
					.left = ev->left < ev->count ? ev->left : ev->count };
		memcpy(u->comm, ev->comm, sizeof(u->comm));
	}
	if (kept.n)
		qsort(kept.items, kept.n, sizeof(*kept.items), most_left_first);
	m->unreaped = kept.items;
	m->n_unreaped = kept.n;
	free(b->unreaped.items);
}
