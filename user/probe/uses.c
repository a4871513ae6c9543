// SPDX-License-Identifier: BSD-2-Clause
/* How threads do their input and output, out of the map in the kernel. */
#include "probe/internal.h"

#include <sys/syscall.h>

#include "../bpf/use.h"

/* What this machine's calls are in the stream. It may lack some. */
static const uint8_t calls[512] = {
#define ROW(name) [SYS_##name] = IO_CALL_##name,
	IO_CALLS_COMMON(ROW)
#ifdef SYS_epoll_wait
		IO_CALLS_OLD(ROW)
#endif
};

static uint32_t call_of(uint32_t nr)
{
	return nr < sizeof(calls) ? calls[nr] : IO_CALL_OTHER;
}

int collect_uses(struct probe *p, event_fn fn, void *ctx)
{
	int map = bpf_map__fd(p->skel->maps.uses), error = 0;
	struct use_key key;
	struct use_sum sum;

	for (struct use_key *last = NULL; !error && next_key(map, last, &key, &error);
	     last = &key) {
		struct ev_use ev = {
			.head = { EV_USE, sizeof(ev) },
			.thread_id = key.thread_id,
			.what = key.what,
			.call = call_of(key.nr),
			.flags = key.flags,
			.target = key.target,
			.cause = key.cause,
		};

		error = bpf_map_lookup_elem(map, &key, &sum);
		if (error)
			break;
		ev.fd = sum.fd;
		ev.count = sum.count;
		error = fn(ctx, &ev.head);
	}
	return error;
}
