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

static void follow_joins(struct shares *s, const struct thread *t, const struct shares *joined)
{
	double join = wait_of(t, CAUSE_SYNC_JOIN);

	if (join > 0 && joined->all > 0 && join <= s->demand) {
		s->demand -= join;
		shares_add_like(s, joined, join);
	}
}

static void follow_children(struct shares *s, const struct thread *t, const struct shares *children)
{
	double child = t->row_ns[ROW_CHILD];

	if (child > 0 && children->all > 0 && child <= s->other) {
		s->other -= child;
		shares_add_like(s, children, child);
	}
}

/* A microsecond more, so that something counts when nothing has weight. */
static void weigh(struct shares *to, const struct shares *one, double weight)
{
	if (one->all <= 0)
		return;
	shares_add_like(to, one, weight + 1000);
	to->all += weight + 1000;
}

/* Whoever waits for several to end does not wait for those that have nothing to do. */
static double busy(const struct shares *s)
{
	return s->all > s->demand ? s->all - s->demand : 0;
}

static double wants_cpu(const struct shares *s)
{
	return s->cpu + s->crowd + s->others + s->limit;
}

struct member {
	struct shares own, followed; /* without and with what it joined */
	double ran;
};

/* Of several threads: what they computed, each by itself, at most all the time; and the
 * rest as those wait who do the work, so that a pool of idle threads does not outweigh
 * them. */
static void sum_process(struct shares *ret, const struct member *each, size_t n, double life)
{
	struct shares cpu = { 0 }, rest = { 0 };
	double wanted;

	for (size_t i = 0; i < n; i++) {
		const struct shares *s = &each[i].own;
		struct shares waits = each[i].followed;
		struct shares wants = { .all = wants_cpu(s),
					.cpu = s->cpu,
					.crowd = s->crowd,
					.others = s->others,
					.limit = s->limit };

		shares_add(&cpu, &wants);
		waits.all -= wants_cpu(&waits);
		waits.cpu = waits.crowd = waits.others = waits.limit = 0;
		weigh(&rest, &waits, each[i].ran);
	}
	wanted = cpu.all < life ? cpu.all : life;
	*ret = (struct shares){ .all = life };
	if (wanted > 0)
		shares_add_like(ret, &cpu, wanted);
	if (life > wanted)
		shares_add_like(ret, &rest, life - wanted);
}

/* One thread of the process, whose creator is at that place in order[]. */
static void follow_thread(struct findings *f, struct followed *all, size_t thread, size_t creator,
			  struct member *ret)
{
	const struct thread *t = &f->model->threads[thread];
	struct verdict v;

	shares_of_thread(&ret->own, f, t);
	follow_children(&ret->own, t, &all->children[t->process]);
	ret->followed = ret->own;
	follow_joins(&ret->followed, t, &all->joined[thread]);
	ret->ran = t->state_ns[TS_RUNNING];
	classify(&ret->followed, &v);
	f->thread_class[thread] = v.class;
	if (creator != SIZE_MAX)
		weigh(&all->joined[creator], &ret->followed, busy(&ret->followed));
}

/* The threads of one process, order[0..n), the youngest first. */
static void follow_process(struct findings *f, struct followed *all, const size_t *order, size_t n)
{
	const struct model *m = f->model;
	size_t place = m->threads[order[0]].process;
	const struct process *p = &m->processes[place];
	struct member *each = zeroed(n, sizeof(*each));
	struct shares whole;
	struct verdict v;

	for (size_t i = 0; i < n; i++) {
		uint64_t creator_id = m->threads[order[i]].creator_id;

		follow_thread(f, all, order[i], find_creator(all, order, n, creator_id), &each[i]);
	}
	if (n == 1)
		whole = each[0].followed;
	else
		sum_process(&whole, each, n, (double)(p->end_ns - p->start_ns));
	classify(&whole, &v);
	f->process_class[place] = m->n_processes == 1 ? f->verdict.class : v.class;
	if (p->parent >= 0)
		weigh(&all->children[p->parent], &whole, busy(&whole));
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
