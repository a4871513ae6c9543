// SPDX-License-Identifier: BSD-2-Clause
/* Where many descriptors were waited for at once, out of the map in the kernel. */
#include "probe/internal.h"

#include <string.h>

static void fill(struct ev_loop *ev, const struct loop *l)
{
	*ev = (struct ev_loop){
		.head = { EV_LOOP, sizeof(*ev) },
		.cause = l->cause,
		.pid = l->pid,
		.n_users = l->n_users,
		.fd = l->fd,
		.watched = l->watched,
		.edge = l->edge,
		.waits = l->waits,
		.ns = l->ns,
		.max_ns = l->max_ns,
		.empty = l->empty,
		.open = l->open,
		.reach = l->reach,
		.away = l->away,
		.calls = l->calls,
	};
	memcpy(ev->users, l->users, sizeof(ev->users));
}

int collect_loops(struct probe *p, event_fn fn, void *ctx)
{
	int map = bpf_map__fd(p->skel->maps.loops), error = 0;
	struct loop_key key;
	struct loop l;
	struct ev_loop ev;

	for (struct loop_key *last = NULL; !error && next_key(map, last, &key, &error);
	     last = &key) {
		error = bpf_map_lookup_elem(map, &key, &l);
		if (error || !l.n_users)
			continue;
		fill(&ev, &l);
		error = fn(ctx, &ev.head);
	}
	return error;
}
