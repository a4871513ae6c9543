// SPDX-License-Identifier: BSD-2-Clause
/* The servers that were waited for, and who they are. */
#include "probe/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

struct listeners {
	VEC(struct listener) list;
};

static int add_listener(void *ctx, const struct event *record)
{
	struct listeners *l = ctx;

	memcpy(vec_add(&l->list), record, sizeof(struct listener));
	return 0;
}

/* Bound to this address, or to any: one of version 6 takes connections of version 4 too. */
static bool listens_at(const struct listener *l, const struct peer_key *key)
{
	static const __u8 any[sizeof(key->address)];

	if (key->family == PEER_UNIX || l->key.family == PEER_UNIX)
		return l->key.family == key->family && l->key.pid == key->pid;
	if (l->key.port != key->port || (l->key.family == PEER_INET && key->family == PEER_INET6))
		return false;
	if (!memcmp(l->key.address, any, sizeof(any)))
		return true;
	return l->key.family == key->family && !memcmp(l->key.address, key->address, sizeof(any));
}

/* Of several that share one, the first: whoever has started the others. */
static void name_server(struct ev_peer *ev, const struct listeners *l)
{
	for (size_t i = 0; i < l->list.n; i++) {
		const struct listener *each = &l->list.items[i];

		if (!listens_at(each, &ev->key) || (ev->pid && ev->pid <= each->pid))
			continue;
		ev->pid = each->pid;
		memcpy(ev->comm, each->comm, sizeof(ev->comm));
	}
}

int collect_peers(struct probe *p, event_fn fn, void *ctx)
{
	struct ev_peer ev = { .head = { EV_PEER, sizeof(ev) } };
	int map = bpf_map__fd(p->skel->maps.peers), error = 0;
	struct listeners l = { { 0 } };
	struct peer_sums sums;
	bool asked = false;

	for (struct peer_key *last = NULL; !error && next_key(map, last, &ev.key, &error);
	     last = &ev.key) {
		error = bpf_map_lookup_elem(map, &ev.key, &sums);
		if (error)
			break;
		ev.ns = sums.ns;
		ev.waits = sums.waits;
		ev.is_local = sums.is_local;
		ev.pid = 0;
		memset(ev.comm, 0, sizeof(ev.comm));
		if (ev.is_local && !asked)
			error = collect_records(p->skel->progs.cp_servers, sizeof(struct listener),
						add_listener, &l);
		asked |= ev.is_local;
		name_server(&ev, &l);
		if (!ev.pid)
			ev.pid = ev.key.pid;
		if (!error)
			error = fn(ctx, &ev.head);
	}
	free(l.list.items);
	return error;
}
