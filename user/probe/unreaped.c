// SPDX-License-Identifier: BSD-2-Clause
/* Zombies that are there before something is attached to, and which of them stay. */
#include "probe/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "bpf/unreaped.h"

typedef VEC(struct dead_child) dead_list;

static int take_record(void *ctx, const struct event *record)
{
	dead_list *list = ctx;

	memcpy(vec_add(list), record, sizeof(struct dead_child));
	return 0;
}

/* Those of one parent together, the earliest first. */
static int by_parent(const void *a, const void *b)
{
	const struct dead_child *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->started != y->started)
		return x->started < y->started ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int look(struct probe *p, dead_list *list)
{
	int error = collect_records(p->skel->progs.cp_unreaped, sizeof(struct dead_child),
				    take_record, list);

	if (!error && list->n)
		qsort(list->items, list->n, sizeof(*list->items), by_parent);
	return error;
}

int unreaped_look(struct probe *p)
{
	dead_list list = { 0 };
	int error = look(p, &list);

	p->unreaped = list.items;
	p->n_unreaped = list.n;
	return error;
}

static int tell_of_parent(const struct dead_child *first, size_t n, const dead_list *now,
			  event_fn fn, void *ctx)
{
	struct ev_unreaped ev = {
		.head = { EV_UNREAPED, sizeof(ev) },
		.parent = first->parent,
		.pid = first->pid,
		.count = n,
	};

	for (size_t i = 0; i < n && now->n; i++)
		ev.left += bsearch(&first[i], now->items, now->n, sizeof(*now->items), by_parent) !=
			   NULL;
	memcpy(ev.comm, first->comm, sizeof(ev.comm));
	return fn(ctx, &ev.head);
}

int collect_unreaped(struct probe *p, event_fn fn, void *ctx)
{
	dead_list now = { 0 };
	int error = p->n_unreaped ? look(p, &now) : 0;

	for (size_t i = 0, n; i < p->n_unreaped && !error; i += n) {
		for (n = 1;
		     i + n < p->n_unreaped && p->unreaped[i + n].parent == p->unreaped[i].parent;
		     n++)
			;
		error = tell_of_parent(&p->unreaped[i], n, &now, fn, ctx);
	}
	free(now.items);
	return error;
}
