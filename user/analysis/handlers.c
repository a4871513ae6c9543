// SPDX-License-Identifier: BSD-2-Clause
/* The time in handlers of signals: by the stacks in which one came between. */
#include "analysis/internal.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"

struct search {
	const struct findings *f;
	struct map row_by_id; /* of a process */
	VEC(struct handler_row) rows;
	VEC(double) running, waiting; /* of each row */
	VEC(bool) has_left;	      /* ... was seen elsewhere */
};

static size_t row_of(struct search *s, uint64_t process_id)
{
	uint64_t *place = map_add(&s->row_by_id, process_id);

	if (*place == MAP_NONE) {
		*place = s->rows.n;
		*vec_add(&s->rows) = (struct handler_row){ .process = NO_PROCESS };
		*vec_add(&s->running) = 0;
		*vec_add(&s->waiting) = 0;
		*vec_add(&s->has_left) = false;
	}
	return *place;
}

static void add(struct search *s, size_t i)
{
	const struct model *m = s->f->model;
	const struct site *site = &m->sites[i];
	bool is_in = m->stacks[site->stack].flags & STACK_IN_HANDLER;
	size_t row = row_of(s, site->process_id);

	s->has_left.items[row] |= !is_in;
	if (site->what == SITE_CPU) {
		s->rows.items[row].samples += site->samples;
		s->rows.items[row].samples_in += is_in ? site->samples : 0;
		s->running.items[row] += is_in ? s->f->sites.ns[i] : 0;
	} else if (is_in) {
		s->rows.items[row].waits_in += site->samples;
		s->waiting.items[row] += s->f->sites.ns[i];
	}
}

/* Those of which something is known. */
static void keep(struct search *s, struct findings *f)
{
	const struct model *m = f->model;
	size_t kept = 0;

	for (size_t p = 0; p < m->n_processes; p++) {
		uint64_t *row = map_find(&s->row_by_id, m->processes[p].id);

		if (row)
			s->rows.items[*row].process = p;
	}
	for (size_t i = 0; i < s->rows.n; i++) {
		struct handler_row row = s->rows.items[i];

		row.running_ns = estimate_whole(s->running.items[i]);
		row.waiting_ns = estimate_whole(s->waiting.items[i]);
		row.is_all = !s->has_left.items[i];
		if (row.process != NO_PROCESS && (row.samples_in || row.waits_in))
			s->rows.items[kept++] = row;
	}
	f->handlers = s->rows.items;
	f->n_handlers = kept;
}

static int longest_first(const void *a, const void *b)
{
	const struct handler_row *x = a, *y = b;
	uint64_t p = x->running_ns + x->waiting_ns, q = y->running_ns + y->waiting_ns;

	if (p != q)
		return p > q ? -1 : 1;
	return x->process < y->process ? -1 : x->process > y->process;
}

void handlers_find(struct findings *f)
{
	struct search s = { .f = f };

	for (size_t i = 0; i < f->model->n_sites; i++) {
		if (f->model->sites[i].process_id)
			add(&s, i);
	}
	keep(&s, f);
	if (f->n_handlers)
		qsort(f->handlers, f->n_handlers, sizeof(*f->handlers), longest_first);
	map_free(&s.row_by_id);
	free(s.has_left.items);
	free(s.running.items);
	free(s.waiting.items);
}
