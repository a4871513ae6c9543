// SPDX-License-Identifier: BSD-2-Clause
/* What was waited for at futexes, out of the maps in the kernel. */
#include "probe/internal.h"

#include <errno.h>

/* Stays as it is if there were none. */
static int calls_at(struct probe *p, const struct lock_key *key, struct lock_calls *ret)
{
	int error = bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.lock_calls), key, ret);

	return error == -ENOENT ? 0 : error;
}

/* At its second word too, if that is no row of its own. */
static int calls_of(struct probe *p, const struct ev_lock *ev, struct lock_calls *ret)
{
	struct lock_key second = { ev->key.space, ev->key.word ^ 4 };
	struct lock_calls more = { 0 };
	struct lock_state l;
	int error;

	*ret = (struct lock_calls){ 0 };
	error = calls_at(p, &ev->key, ret);
	if (error || !(ev->hints & LOCK_HINTS_OF_PAIRS) ||
	    !bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.locks), &second, &l))
		return error;
	error = calls_at(p, &second, &more);
	lock_calls_add(ret, &more);
	return error;
}

static int tell_locks(struct probe *p, event_fn fn, void *ctx)
{
	struct ev_lock ev = { .head = { EV_LOCK, sizeof(ev) } };
	int map = bpf_map__fd(p->skel->maps.locks), error = 0;
	struct lock_state l;

	for (struct lock_key *last = NULL; !error && next_key(map, last, &ev.key, &error);
	     last = &ev.key) {
		error = bpf_map_lookup_elem(map, &ev.key, &l);
		if (error)
			break;
		ev.hints = l.hints;
		ev.waits = l.waits;
		ev.timeouts = l.timeouts;
		ev.any_ns = l.any_ns;
		ev.owner_id = l.owner.id;
		ev.owner_how = l.owner.how;
		ev.known = l.known;
		ev.away_most = l.away_most;
		ev.late = l.late;
		for (int i = 0; i < LOCK_BUCKETS; i++)
			ev.histogram[i] = l.histogram[i];
		error = calls_of(p, &ev, &ev.calls);
		if (!error)
			error = fn(ctx, &ev.head);
	}
	return error;
}

static int tell_waiters(struct probe *p, event_fn fn, void *ctx)
{
	struct ev_lock_waiter ev = { .head = { EV_LOCK_WAITER, sizeof(ev) } };
	int map = bpf_map__fd(p->skel->maps.lock_waiters), error = 0;
	struct lock_pair pair;
	struct lock_waits w;

	for (struct lock_pair *last = NULL; !error && next_key(map, last, &pair, &error);
	     last = &pair) {
		error = bpf_map_lookup_elem(map, &pair, &w);
		if (error)
			break;
		ev.key = pair.lock;
		ev.thread_id = pair.thread_id;
		ev.waits = w.waits;
		ev.ns = w.ns;
		ev.max_ns = w.max_ns;
		ev.cause = w.cause;
		ev.is_open = w.is_open;
		error = fn(ctx, &ev.head);
	}
	return error;
}

static int tell_holders(struct probe *p, event_fn fn, void *ctx)
{
	struct ev_lock_holder ev = { .head = { EV_LOCK_HOLDER, sizeof(ev) } };
	int map = bpf_map__fd(p->skel->maps.lock_holders), error = 0;
	struct lock_pair pair;
	struct lock_blame b;

	for (struct lock_pair *last = NULL; !error && next_key(map, last, &pair, &error);
	     last = &pair) {
		error = bpf_map_lookup_elem(map, &pair, &b);
		if (error)
			break;
		ev.key = pair.lock;
		ev.thread_id = pair.thread_id;
		memcpy(ev.ns, b.ns, sizeof(ev.ns));
		memcpy(ev.doing_ns, b.doing.ns, sizeof(ev.doing_ns));
		error = fn(ctx, &ev.head);
	}
	return error;
}

static int tell_orders(struct probe *p, event_fn fn, void *ctx)
{
	struct ev_lock_order ev = { .head = { EV_LOCK_ORDER, sizeof(ev) } };
	int map = bpf_map__fd(p->skel->maps.lock_orders), error = 0;
	struct lock_order_key order;

	for (struct lock_order_key *last = NULL; !error && next_key(map, last, &order, &error);
	     last = &order) {
		error = bpf_map_lookup_elem(map, &order, &ev.count);
		if (error)
			break;
		ev.held = order.held;
		ev.wanted = order.wanted;
		error = fn(ctx, &ev.head);
	}
	return error;
}

int peek_locks(struct probe *p, event_fn fn, void *ctx)
{
	int error = tell_locks(p, fn, ctx);

	return error ? error : tell_waiters(p, fn, ctx);
}

int collect_locks(struct probe *p, event_fn fn, void *ctx)
{
	int error = tell_locks(p, fn, ctx);

	if (!error)
		error = tell_waiters(p, fn, ctx);
	if (!error)
		error = tell_holders(p, fn, ctx);
	return error ? error : tell_orders(p, fn, ctx);
}
