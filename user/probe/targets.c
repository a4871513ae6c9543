// SPDX-License-Identifier: BSD-2-Clause
/* What was waited for with descriptors and names, out of the map in the kernel. */
#include "probe/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Calls that moved something, by target; and waits in windows. */
struct moved {
	uint64_t reads, writes, waits;
};

static void fill(struct ev_io *ev, uint32_t index, const struct io_target *t, const struct moved *m)
{
	*ev = (struct ev_io){
		.head = { EV_IO, sizeof(*ev) },
		.index = index,
		.cause = t->cause,
		.waits = t->waits,
		.ns = t->ns,
		.max_ns = t->max_ns,
		.any_ns = t->any_ns,
		.open = t->open,
		.objects = t->objects,
		.n_users = t->n_users,
		.write_waits = t->write_waits,
		.write_ns = t->write_ns,
		.write_max_ns = t->write_max_ns,
		.seen_reads = m->reads,
		.seen_writes = m->writes,
		.seen_waits = m->waits,
		.looked = t->looked,
		.empty = t->empty,
	};
	memcpy(ev->users, t->users, sizeof(ev->users));
	memcpy(ev->histogram, t->histogram, sizeof(ev->histogram));
}

void find_fault_handler(struct probe *p)
{
	LIBBPF_OPTS(bpf_test_run_opts, none);
	struct code *handler = &p->skel->bss->fault_handler;
	const char *size = p->skel->bss->fault_symbol;
	unsigned long long n;

	if (bpf_prog_test_run_opts(bpf_program__fd(p->skel->progs.cp_find_handler), &none))
		return;
	size = strchr(size, '/');
	if (size && sscanf(size, "/%llx", &n) == 1)
		handler->end = handler->start + n;
}

/* A target as it has waits of that cause; 0: it has none. */
static uint32_t index_of(const struct probe *p, struct io_key key, enum cause cause)
{
	uint32_t index = 0;

	if (key.kind == TARGET_OBJECT && key.cause != cause)
		key.id[0] = key.cause;
	key.cause = cause;
	return bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.io_indexes), &key, &index) ? 0 : index;
}

static enum target_side side_of(const struct io_key *key)
{
	return key->kind == TARGET_SOCKET ? key->id[0] >> 16 & 0xff : SIDE_OTHER;
}

/* Of several causes, which are one channel, the first. */
static uint32_t index_of_any(const struct probe *p, const struct io_key *key)
{
	const enum cause causes[] = { key->cause, CAUSE_EVENT_EPOLL, CAUSE_EVENT_POLL,
				      CAUSE_EVENT_SELECT };
	uint32_t index = 0;

	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes) && !index; i++)
		index = index_of(p, *key, causes[i]);
	return index < IO_TARGETS ? index : 0;
}

static bool is_loopback(const struct io_key *key)
{
	const unsigned char *address = (const unsigned char *)&key->id[1];

	return key->id[0] >> 48 == AF_INET ? *address == 127
					   : !memcmp(address, &in6addr_loopback, 16);
}

/* Who waits there may be the other end alone. Returns false if that is not known. */
static bool turn_round(struct io_key *key, enum target_side to)
{
	bool is_unix = key->id[0] >> 48 == AF_UNIX; /* of which both have one name */

	if (side_of(key) != SIDE_CONNECTED && (!is_unix || side_of(key) != SIDE_SERVED))
		return false;
	if (!is_unix && !is_loopback(key))
		return false;
	if (!is_unix)
		key->id[1] = key->id[2] = 0;
	key->id[0] = (key->id[0] & ~(0xffull << 16)) | (uint64_t)to << 16;
	return true;
}

static uint32_t target_of(const struct probe *p, const struct io_key *key)
{
	const enum target_side sides[] = { SIDE_SERVED, SIDE_BOUND, SIDE_CONNECTED };
	uint32_t index = index_of_any(p, key);

	for (size_t i = 0; i < sizeof(sides) / sizeof(*sides) && !index; i++) {
		struct io_key other = *key;

		if (turn_round(&other, sides[i]))
			index = index_of_any(p, &other);
	}
	return index;
}

static int add_messages(const struct probe *p, struct moved *to)
{
	int map = bpf_map__fd(p->skel->maps.messages), error = 0;
	struct io_object object;
	struct messages m;
	uint32_t index;

	for (struct io_object *last = NULL; !error && next_key(map, last, &object, &error);
	     last = &object) {
		error = bpf_map_lookup_elem(map, &object, &m);
		if (error)
			break;
		index = target_of(p, &m.key);
		to[index].reads += m.reads;
		if (side_of(&m.key) != SIDE_BOUND) /* of datagrams: it sends to others */
			to[index].writes += m.writes;
	}
	return error;
}

/* moved: NULL: that is not asked for. */
static int tell_targets(struct probe *p, const struct moved *moved, event_fn fn, void *ctx)
{
	static const struct moved none;
	int map = bpf_map__fd(p->skel->maps.io_targets), error = 0;
	uint64_t n = p->skel->bss->io_count;
	struct io_target t;
	struct ev_io ev;

	for (uint32_t i = 0; i <= n && i < IO_TARGETS && !error; i++) {
		error = bpf_map_lookup_elem(map, &i, &t);
		if (error || (!t.waits && !t.sampled))
			continue;
		fill(&ev, i, &t, moved ? &moved[i] : &none);
		error = fn(ctx, &ev.head);
	}
	return error;
}

int peek_targets(struct probe *p, event_fn fn, void *ctx)
{
	return tell_targets(p, NULL, fn, ctx);
}

int collect_targets(struct probe *p, event_fn fn, void *ctx)
{
	struct moved *moved = calloc(IO_TARGETS, sizeof(*moved));
	int error;

	if (!moved)
		return -ENOMEM;
	error = probe_window(p, false, NULL); /* or its waits would not be known */
	if (!error)
		error = add_messages(p, moved);
	moved[0] = (struct moved){ 0, 0, 0 }; /* at no target: nobody has waited there */
	for (uint32_t i = 1; i < IO_TARGETS && p->window_waits; i++)
		moved[i].waits = p->window_waits[i];
	if (!error)
		error = tell_targets(p, moved, fn, ctx);
	free(moved);
	return error;
}
