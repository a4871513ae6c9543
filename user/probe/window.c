// SPDX-License-Identifier: BSD-2-Clause
/* Windows of futex, epoll and channels' calls: see bpf/calls.bpf.c. */
#include "probe/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define LOOKED_AT 2048 /* targets; of others it is not known how many waits a window had */

/* The waits at each target since a window began: what there were then is taken off. */
static int add_waits(struct probe *p, bool opens, struct err *err)
{
	int map = bpf_map__fd(p->skel->maps.io_targets);
	uint64_t n = p->skel->bss->io_count;
	struct io_target t;

	if (!p->window_waits)
		p->window_waits = calloc(IO_TARGETS, sizeof(*p->window_waits));
	if (!p->window_waits)
		return err_failed(err, -ENOMEM, "cannot count the waits");
	for (uint32_t i = 1; i <= n && i < LOOKED_AT; i++) {
		if (bpf_map_lookup_elem(map, &i, &t))
			return err_failed(err, -errno, "cannot read the waits");
		p->window_waits[i] += opens ? -t.waits : t.waits;
	}
	return 0;
}

static int open_row(struct probe *p, size_t i, struct err *err)
{
	struct bpf_program *program =
		bpf_object__find_program_by_name(p->skel->obj, probe_rows[i].program);

	if (p->why[i][0] || p->links[i])
		return 0;
	p->links[i] = bpf_program__attach(program);
	if (!p->links[i])
		return err_failed(err, -errno, "cannot attach to tracepoint %s",
				  probe_rows[i].tracepoint);
	p->windows++;
	p->window_since = clock_ns();
	return p->all_calls ? 0 : add_waits(p, true, err);
}

static int close_row(struct probe *p, size_t i, struct err *err)
{
	int error = p->all_calls ? 0 : add_waits(p, false, err);

	p->window_ns += clock_ns() - p->window_since;
	if (!error)
		error = bpf_link__destroy(p->links[i]);
	p->links[i] = NULL;
	return error;
}

int probe_window(struct probe *p, bool open, struct err *err)
{
	for (size_t i = 0; i < PROBE_ROWS; i++) {
		int error = 0;

		if (probe_rows[i].when != ATTACH_IN_WINDOW)
			continue;
		if (open) {
			p->skel->bss->window++;
			error = open_row(p, i, err);
		} else if (p->links[i]) {
			error = close_row(p, i, err);
		}
		if (error)
			return error;
	}
	return 0;
}

int collect_calls(struct probe *p, event_fn fn, void *ctx)
{
	struct ev_calls ev = { .head = { EV_CALLS, sizeof(ev) }, .all_time = p->all_calls };
	int cpus = libbpf_num_possible_cpus(), error;
	struct calls_sums *each;
	uint32_t zero = 0;

	if (!p->windows)
		return 0;
	if (cpus < 0)
		return cpus;
	error = probe_window(p, false, NULL);
	if (error)
		return error;
	each = calloc(cpus, sizeof(*each));
	if (!each)
		return -ENOMEM;
	error = bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.calls), &zero, each);
	for (int i = 0; i < cpus && !error; i++) {
		const uint64_t *from = (const uint64_t *)&each[i];
		uint64_t *to = (uint64_t *)&ev.sums;

		/* The sums are counters throughout. */
		for (size_t k = 0; k < sizeof(ev.sums) / sizeof(*to); k++)
			to[k] += from[k];
	}
	free(each);
	if (error)
		return error;
	ev.windows = p->windows;
	ev.window_ns = p->window_ns;
	return fn(ctx, &ev.head);
}
