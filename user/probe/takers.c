// SPDX-License-Identifier: BSD-2-Clause
/* Who took the CPU from whom, out of the map in the kernel. */
#include "probe/internal.h"

#include <string.h>

#include "../bpf/taker.h"

static void fill(struct ev_taker *ev, const struct taker_key *key, const struct taker_sum *sum)
{
	*ev = (struct ev_taker){
		.head = { EV_TAKER, sizeof(*ev) },
		.thread_id = key->thread_id == TAKER_SEVERAL ? 0 : key->thread_id,
		.by_id = key->by & TAKER_OUTSIDE ? 0 : key->by,
		.by_pid = sum->pid,
		.how = key->how,
		.policy = key->policy,
		.nice = sum->nice,
		.rt_priority = sum->rt_priority,
		.by_is = sum->is,
		.count = sum->count,
		.ns = sum->ns,
		.max_ns = sum->max_ns,
		.certain_ns = sum->certain_ns,
		.certain_max_ns = sum->certain_max_ns,
	};
	memcpy(ev->comm, sum->comm, sizeof(ev->comm));
}

int collect_takers(struct probe *p, event_fn fn, void *ctx)
{
	int map = bpf_map__fd(p->skel->maps.takers), error = 0;
	struct taker_key key;
	struct taker_sum sum;
	struct ev_taker ev;

	for (struct taker_key *last = NULL; !error && next_key(map, last, &key, &error);
	     last = &key) {
		error = bpf_map_lookup_elem(map, &key, &sum);
		if (error)
			break;
		fill(&ev, &key, &sum);
		error = fn(ctx, &ev.head);
	}
	return error;
}
