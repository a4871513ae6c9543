// SPDX-License-Identifier: BSD-2-Clause
/* Who ended whose waits, and who sent signals to whom, out of the maps in the kernel. */
#include "probe/internal.h"

#include <string.h>

static void fill(struct ev_wake *ev, const struct wake_key *key, const struct wake_sums *sums)
{
	*ev = (struct ev_wake){
		.head = { EV_WAKE, sizeof(*ev) },
		.waiter_id = key->waiter,
		.waits = sums->waits,
		.ns = sums->ns,
		.max_ns = sums->max_ns,
	};
	if (key->lock.word != WAKE_AT_TARGET) {
		ev->key = key->lock;
	} else {
		ev->target = (uint32_t)key->lock.space;
		ev->writes = !!(key->lock.space & WAKE_WRITES);
	}
	if (!(key->waker & WAKER_OUTSIDE)) {
		ev->waker_id = key->waker;
		return;
	}
	ev->waker_pid = (uint32_t)key->waker;
	memcpy(ev->comm, sums->comm, sizeof(ev->comm));
}

static int tell_wakes(struct probe *p, event_fn fn, void *ctx)
{
	int map = bpf_map__fd(p->skel->maps.wakes), error = 0;
	struct wake_sums sums;
	struct wake_key key;
	struct ev_wake ev;

	for (struct wake_key *last = NULL; !error && next_key(map, last, &key, &error);
	     last = &key) {
		error = bpf_map_lookup_elem(map, &key, &sums);
		if (error)
			break;
		fill(&ev, &key, &sums);
		error = fn(ctx, &ev.head);
	}
	return error;
}

static int tell_signals(struct probe *p, event_fn fn, void *ctx)
{
	int map = bpf_map__fd(p->skel->maps.signals), error = 0;
	struct signal_sums sums;
	struct signal_key key;

	for (struct signal_key *last = NULL; !error && next_key(map, last, &key, &error);
	     last = &key) {
		struct ev_signal ev = { .head = { EV_SIGNAL, sizeof(ev) } };

		error = bpf_map_lookup_elem(map, &key, &sums);
		if (error)
			break;
		if (key.from & WAKER_OUTSIDE)
			ev.from_pid = (uint32_t)key.from;
		else
			ev.from_id = key.from;
		ev.to_id = key.to;
		ev.number = (uint32_t)key.number;
		ev.sent = sums.sent;
		ev.merged = sums.merged;
		ev.ignored = sums.ignored;
		memcpy(ev.comm, sums.comm, sizeof(ev.comm));
		error = fn(ctx, &ev.head);
	}
	return error;
}

int collect_wakes(struct probe *p, event_fn fn, void *ctx)
{
	int error = tell_wakes(p, fn, ctx);

	return error ? error : tell_signals(p, fn, ctx);
}
