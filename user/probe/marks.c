// SPDX-License-Identifier: BSD-2-Clause
/* The timeline: what the CPUs hand over, as events. */
#include "probe/internal.h"

#include <errno.h>
#include <stdlib.h>

#include "event/marks.h"

static int tell(struct probe *p, const struct marks *m)
{
	_Alignas(struct ev_marks) char room[MARKS_ROOM(MARKS)];
	struct ev_marks *ev = (struct ev_marks *)room;

	marks_pack(ev, m->items, m->n, m->cpu);
	return p->fn(p->ctx, &ev->head);
}

int marks_record(void *ctx, void *data, size_t size)
{
	const struct marks *m = data;
	struct probe *p = ctx;

	if (size < offsetof(struct marks, items) || !m->n || m->n > MARKS ||
	    size < offsetof(struct marks, items[m->n]))
		return -EPROTO;
	p->fn_error = tell(p, m);
	return p->fn_error;
}

int marks_rest(struct probe *p)
{
	int cpus = libbpf_num_possible_cpus(), error;
	struct marks *all;
	uint32_t zero = 0;

	if (cpus <= 0)
		return cpus;
	all = calloc((size_t)cpus, sizeof(*all));
	if (!all)
		return -ENOMEM;
	error = bpf_map_lookup_elem(bpf_map__fd(p->skel->maps.marks), &zero, all);
	for (int i = 0; i < cpus && !error; i++) {
		all[i].cpu = (uint32_t)i;
		if (all[i].n && all[i].n <= MARKS)
			error = tell(p, &all[i]);
	}
	free(all);
	return error;
}
