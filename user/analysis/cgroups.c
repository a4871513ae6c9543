// SPDX-License-Identifier: BSD-2-Clause
/* What was attached to, summed by cgroup: of a thousand processes that says more than a list. */
#include "analysis/internal.h"

#include <stdlib.h>

#include "base/map.h"

static int by_id(const void *key, const void *row)
{
	const struct cgroup_name *name = row;
	uint64_t id = *(const uint64_t *)key;

	return id < name->id ? -1 : id > name->id;
}

static const char *path_of(const struct model *m, uint64_t id)
{
	const struct cgroup_name *name =
		bsearch(&id, m->cgroups, m->n_cgroups, sizeof(*m->cgroups), by_id);

	return name ? name->path : NULL;
}

static int busiest_first(const void *a, const void *b)
{
	const struct cgroup_row *c = a, *d = b;

	if (c->running_ns != d->running_ns)
		return c->running_ns > d->running_ns ? -1 : 1;
	if (c->threads != d->threads)
		return c->threads > d->threads ? -1 : 1;
	return c->id < d->id ? -1 : c->id > d->id;
}

/* The row of this cgroup, a new one if there is none; there is one for each process at most. */
static struct cgroup_row *row_of(struct findings *f, struct map *places, uint64_t id)
{
	uint64_t *place = map_find(places, id);

	if (!place) {
		place = map_add(places, id);
		*place = f->n_cgroups++;
		f->cgroups[*place] = (struct cgroup_row){ .id = id, .path = path_of(f->model, id) };
	}
	return &f->cgroups[*place];
}

void cgroups_find(struct findings *f)
{
	const struct model *m = f->model;
	struct map places = { 0 };

	if (!m->n_cgroups)
		return;
	f->cgroups = zeroed(m->n_processes, sizeof(*f->cgroups));
	for (size_t i = 0; i < m->n_processes; i++)
		row_of(f, &places, m->processes[i].cgroup)->processes++;
	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];
		struct cgroup_row *row = row_of(f, &places, m->processes[t->process].cgroup);

		row->threads++;
		row->lifetime_ns += t->lifetime_ns;
		row->running_ns += t->state_ns[TS_RUNNING];
		row->queued_ns +=
			t->state_ns[TS_WOKEN] + t->state_ns[TS_PREEMPTED] + t->state_ns[TS_YIELDED];
		row->blocked_ns += t->state_ns[TS_BLOCKED];
	}
	map_free(&places);
	qsort(f->cgroups, f->n_cgroups, sizeof(*f->cgroups), busiest_first);
}
