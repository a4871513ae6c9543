// SPDX-License-Identifier: BSD-2-Clause
#include "event/layout.h"

#include <string.h>

/* Where a part begins. The first begins at 0, the last ends with the event's fixed part. */
struct begin {
	__u32 at;
	bool is_array;
};

#define PLAIN(type, field)                                                                         \
	{                                                                                          \
		offsetof(struct type, field), false                                                \
	}
#define ARRAY(type, field)                                                                         \
	{                                                                                          \
		offsetof(struct type, field), true                                                 \
	}

static const struct begin exec_parts[] = {
	PLAIN(ev_exec, head),
	ARRAY(ev_exec, path),
	ARRAY(ev_exec, args),
};

static const struct begin thread_parts[] = {
	PLAIN(ev_thread, head),
	ARRAY(ev_thread, cpus),
	PLAIN(ev_thread, comm),
	PLAIN(ev_thread, witness),
	PLAIN(ev_thread, ledger),
	ARRAY(ev_thread, ledger.state_ns),
	PLAIN(ev_thread, ledger.stolen_ns),
	ARRAY(ev_thread, ledger.cause),
	ARRAY(ev_thread, ledger.row_ns),
};

static const struct begin wall_parts[] = {
	PLAIN(ev_wall, head),	     ARRAY(ev_wall, sums.by_count),   PLAIN(ev_wall, sums.busy_ns),
	ARRAY(ev_wall, sums.row_ns), ARRAY(ev_wall, sums.pending_ns), PLAIN(ev_wall, sums.still_ns),
};

static const struct begin lock_parts[] = {
	PLAIN(ev_lock, head),
	ARRAY(ev_lock, histogram),
	PLAIN(ev_lock, calls),
};

static const struct begin lock_holder_parts[] = {
	PLAIN(ev_lock_holder, head),
	ARRAY(ev_lock_holder, ns),
	ARRAY(ev_lock_holder, doing_ns),
};

static const struct begin io_parts[] = {
	PLAIN(ev_io, head),	 ARRAY(ev_io, users),	    PLAIN(ev_io, n_users),
	ARRAY(ev_io, histogram), PLAIN(ev_io, write_waits),
};

static const struct begin loop_parts[] = {
	PLAIN(ev_loop, head),		ARRAY(ev_loop, users),
	PLAIN(ev_loop, n_users),	PLAIN(ev_loop, away),
	PLAIN(ev_loop, away.longest),	PLAIN(ev_loop, away.open),
	ARRAY(ev_loop, away.histogram), ARRAY(ev_loop, away.blocks.items),
	PLAIN(ev_loop, calls),		ARRAY(ev_loop, calls.histogram),
};

/* Of all others the fields follow each other, and new ones the last. */
static const struct begin plain_parts[] = { { 0, false } };

#define PARTS(name)                                                                                \
	{                                                                                          \
		name, sizeof(name) / sizeof(*name)                                                 \
	}

static const struct {
	const struct begin *parts;
	size_t n;
} layouts[EV_KIND_COUNT] = {
	[EV_RUN] = PARTS(plain_parts),
	[EV_TEXT] = PARTS(plain_parts),
	[EV_EXEC] = PARTS(exec_parts),
	[EV_THREAD] = PARTS(thread_parts),
	[EV_WALL] = PARTS(wall_parts),
	[EV_LOSS] = PARTS(plain_parts),
	[EV_PROBE] = PARTS(plain_parts),
	[EV_CALLS] = PARTS(plain_parts),
	[EV_END] = PARTS(plain_parts),
	[EV_PEER] = PARTS(plain_parts),
	[EV_OTHER] = PARTS(plain_parts),
	[EV_LIFE] = PARTS(plain_parts),
	[EV_FRAME] = PARTS(plain_parts),
	[EV_STACK] = PARTS(plain_parts),
	[EV_SITE] = PARTS(plain_parts),
	[EV_LOCK] = PARTS(lock_parts),
	[EV_LOCK_WAITER] = PARTS(plain_parts),
	[EV_LOCK_HOLDER] = PARTS(lock_holder_parts),
	[EV_WORD] = PARTS(plain_parts),
	[EV_LOCK_ORDER] = PARTS(plain_parts),
	[EV_DEADLOCK] = PARTS(plain_parts),
	[EV_STAND] = PARTS(plain_parts),
	[EV_NEED] = PARTS(plain_parts),
	[EV_TARGET] = PARTS(plain_parts),
	[EV_IO] = PARTS(io_parts),
	[EV_LOOP] = PARTS(loop_parts),
	[EV_WAKE] = PARTS(plain_parts),
	[EV_SIGNAL] = PARTS(plain_parts),
	[EV_USE] = PARTS(plain_parts),
	[EV_TAKER] = PARTS(plain_parts),
	[EV_CHANGE] = PARTS(plain_parts),
	[EV_CGROUP] = PARTS(plain_parts),
	[EV_MARKS] = PARTS(plain_parts),
	[EV_UNREAPED] = PARTS(plain_parts),
};

void layout_own(struct layout *ret, unsigned int kind)
{
	__u32 end = (__u32)event_fixed_size(kind);

	memset(ret, 0, sizeof(*ret));
	ret->n = kind < EV_KIND_COUNT ? layouts[kind].n : 0;
	ret->size = end;
	for (size_t i = ret->n; i--;) {
		const struct begin *b = &layouts[kind].parts[i];

		ret->parts[i].size = end - b->at;
		ret->parts[i].is_array = b->is_array;
		end = b->at;
	}
}

static __u32 size_of(const struct layout *l, size_t part)
{
	return part < l->n ? l->parts[part].size : 0;
}

bool layout_is_same(const struct layout *a, const struct layout *b)
{
	for (size_t i = 0; i < LAYOUT_PARTS; i++) {
		if (size_of(a, i) != size_of(b, i))
			return false;
	}
	return true;
}

bool layout_is_longer(const struct layout *a, const struct layout *b)
{
	for (size_t i = 0; i < LAYOUT_PARTS; i++) {
		if (size_of(a, i) > size_of(b, i))
			return true;
	}
	return false;
}

static bool is_zero(const unsigned char *bytes, size_t n)
{
	while (n && !bytes[n - 1])
		n--;
	return !n;
}

size_t layout_convert(void *to, size_t room, const struct event *ev, const struct layout *from,
		      const struct layout *own)
{
	const unsigned char *in = (const unsigned char *)ev;
	unsigned char *out = to;
	size_t rest = ev->size - from->size;

	if (own->size + rest > room)
		return 0;
	memset(to, 0, own->size);
	for (size_t i = 0; i < LAYOUT_PARTS; i++) {
		__u32 theirs = size_of(from, i), ours = size_of(own, i);

		memcpy(out, in, theirs < ours ? theirs : ours);
		if (theirs > ours && i < own->n && own->parts[i].is_array &&
		    !is_zero(in + ours, theirs - ours))
			return 0;
		in += theirs;
		out += ours;
	}
	memcpy(out, in, rest);
	((struct event *)to)->size = (__u32)(own->size + rest);
	return own->size + rest;
}
