// SPDX-License-Identifier: BSD-2-Clause
/*
 * Threads and processes by themselves. A wait for another thread's or a child's end
 * is followed to its source: it counts as what they did meanwhile, that is, over their
 * whole lives. Creators come before those whom they create, so one pass from the last
 * created to the first does it.
 */
#include "analysis/internal.h"

#include <stdlib.h>

struct followed {
	const struct model *model;
	size_t *order;		 /* places in model->threads, the youngest process first */
	struct shares *joined;	 /* by thread: of those whom it created, in its process */
	struct shares *children; /* by process: of its child processes */
};

static int youngest_first(const void *a, const void *b, void *ctx)
{
	const struct model *m = ctx;
	const struct thread *t = &m->threads[*(const size_t *)a];
	const struct thread *u = &m->threads[*(const size_t *)b];

	if (t->process_id != u->process_id)
		return t->process_id > u->process_id ? -1 : 1;
	return t->id > u->id ? -1 : t->id < u->id;
}

/* In one process, whose threads are order[0..n): the place of the one with this id. */
static size_t find_creator(const struct followed *all, const size_t *order, size_t n, uint64_t id)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all->model->threads[order[middle]].id > id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n && all->model->threads[order[low]].id == id ? order[low] : SIZE_MAX;
}

static double wait_of(const struct thread *t, enum cause cause)
{
	for (size_t i = 0; i < t->n_waits; i++) {
		if (t->waits[i].cause == cause)
			return t->waits[i].ns;
	}
	return 0;
}

static void follow(struct shares *s, const struct thread *t, const struct shares *joined,
		   const struct shares *children)
{
	double join = wait_of(t, CAUSE_SYNC_JOIN), child = t->row_ns[ROW_CHILD];

	if (join > 0 && joined->all > 0 && join <= s->demand) {
		s->demand -= join;
		shares_add_like(s, joined, join);
	}
	if (child > 0 && children->all > 0 && child <= s->other) {
		s->other -= child;
		shares_add_like(s, children, child);
	}
}

static double wants_cpu(const struct shares *s)
{
	return s->cpu + s->crowd + s->others + s->limit;
}

/* Of several threads: what they computed, at most all the time; and the rest as those
 * wait who do the work, so that a pool of idle threads does not outweigh them. */
static void sum_process(struct shares *ret, const struct shares *each, const double *ran, size_t n,
			double life)
{
	struct shares cpu = { 0 }, rest = { 0 };
	double wanted;

	for (size_t i = 0; i < n; i++) {
		struct shares waits = each[i];
		struct shares wants = { .all = wants_cpu(&each[i]),
					.cpu = each[i].cpu,
					.crowd = each[i].crowd,
					.others = each[i].others,
					.limit = each[i].limit };

		shares_add(&cpu, &wants);
		waits.cpu = waits.crowd = waits.others = waits.limit = 0;
		waits.all = each[i].all - wants.all;
		if (waits.all <= 0)
			continue;
		/* A microsecond, so that threads that never ran count when none did. */
		shares_add_like(&rest, &waits, ran[i] + 1000);
		rest.all += ran[i] + 1000;
	}
	wanted = cpu.all < life ? cpu.all : life;
	*ret = (struct shares){ .all = life };
	if (wanted > 0)
		shares_add_like(ret, &cpu, wanted);
	if (life > wanted)
		shares_add_like(ret, &rest, life - wanted);
}

/* The threads of one process, order[0..n), the youngest first. */
static void follow_process(struct findings *f, struct followed *all, const size_t *order, size_t n)
{
	const struct model *m = f->model;
	size_t place = m->threads[order[0]].process;
	const struct process *p = &m->processes[place];
	struct shares *each = zeroed(n, sizeof(*each)), whole;
	double *ran = zeroed(n, sizeof(*ran));
	struct verdict v;

	for (size_t i = 0; i < n; i++) {
		const struct thread *t = &m->threads[order[i]];
		size_t creator = find_creator(all, order, n, t->creator_id);

		shares_of_thread(&each[i], f, t);
		follow(&each[i], t, &all->joined[order[i]], &all->children[place]);
		ran[i] = t->state_ns[TS_RUNNING];
		classify(&each[i], &v);
		f->thread_class[order[i]] = v.class;
		if (creator != SIZE_MAX)
			shares_add(&all->joined[creator], &each[i]);
	}
	if (n == 1)
		whole = each[0];
	else
		sum_process(&whole, each, ran, n, (double)(p->end_ns - p->start_ns));
	classify(&whole, &v);
	f->process_class[place] = m->n_processes == 1 ? f->verdict.class : v.class;
	if (p->parent >= 0)
		shares_add(&all->children[p->parent], &whole);
	free(ran);
	free(each);
}

void follow_waits(struct findings *f)
{
	const struct model *m = f->model;
	struct followed all = {
		.model = m,
		.order = zeroed(m->n_threads, sizeof(*all.order)),
		.joined = zeroed(m->n_threads, sizeof(*all.joined)),
		.children = zeroed(m->n_processes, sizeof(*all.children)),
	};

	f->thread_class = zeroed(m->n_threads, sizeof(*f->thread_class));
	f->process_class = zeroed(m->n_processes, sizeof(*f->process_class));
	for (size_t i = 0; i < m->n_threads; i++)
		all.order[i] = i;
	qsort_r(all.order, m->n_threads, sizeof(*all.order), youngest_first, (void *)m);
	for (size_t i = 0, n; i < m->n_threads; i += n) {
		uint64_t process = m->threads[all.order[i]].process_id;

		for (n = 1; i + n < m->n_threads; n++) {
			if (m->threads[all.order[i + n]].process_id != process)
				break;
		}
		follow_process(f, &all, &all.order[i], n);
	}
	free(all.order);
	free(all.joined);
	free(all.children);
}
