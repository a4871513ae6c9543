// SPDX-License-Identifier: BSD-2-Clause
/* What was waited for with descriptors and names, out of the map in the kernel. */
#include "probe/internal.h"

#include <stdio.h>
#include <string.h>

static void fill(struct ev_io *ev, uint32_t index, const struct io_target *t)
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

int collect_targets(struct probe *p, event_fn fn, void *ctx)
{
	int map = bpf_map__fd(p->skel->maps.io_targets), error = 0;
	uint64_t n = p->skel->bss->io_count;
	struct io_target t;
	struct ev_io ev;

	for (uint32_t i = 0; i <= n && i < IO_TARGETS && !error; i++) {
		error = bpf_map_lookup_elem(map, &i, &t);
		if (error || (!t.waits && !t.sampled))
			continue;
		fill(&ev, i, &t);
		error = fn(ctx, &ev.head);
	}
	return error;
}
