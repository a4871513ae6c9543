// SPDX-License-Identifier: BSD-2-Clause
/* Zombies, orphans and survivors: which of the processes' ends are worth a word. */
#include "analysis/internal.h"

#include <stdlib.h>

#define CLONE_PARENT 0x00008000 /* include/uapi/linux/sched.h */

/* Whose child it is: that of its creator's parent with CLONE_PARENT. */
static ptrdiff_t parent_of(const struct model *m, const struct process *p)
{
	while (p->parent >= 0 && p->life.clone_flags & CLONE_PARENT)
		p = &m->processes[p->parent];
	return p->parent;
}

static bool is_dead_at(const struct model *m, ptrdiff_t process, uint64_t ns)
{
	return process >= 0 && m->processes[process].life.is_dead &&
	       m->processes[process].life.died_ns <= ns;
}

/* --- zombies ---------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
	const struct thread *t = *(const struct thread *const *)a;
	const struct thread *u = *(const struct thread *const *)b;

	return (t->id > u->id) - (t->id < u->id);
}

/* Threads by id, to find who did what. */
static const struct thread **index_threads(const struct model *m)
{
	const struct thread **index = zeroed(m->n_threads, sizeof(*index));

	for (size_t i = 0; i < m->n_threads; i++)
		index[i] = &m->threads[i];
	if (m->n_threads)
		qsort(index, m->n_threads, sizeof(*index), by_number);
	return index;
}

static const struct thread *thread_of(const struct model *m, const struct thread *const *index,
				      uint64_t id)
{
	const struct thread key = { .id = id }, *at = &key;
	const struct thread *const *found =
		id ? bsearch(&at, index, m->n_threads, sizeof(*index), by_number) : NULL;

	return found ? *found : NULL;
}

/* What the parent did for most of this time, or else when it began. */
static enum cause doing_of(const struct story *l, const struct thread *parent, uint64_t ns)
{
	if (l->burial == BURIAL_LEFT && parent && parent->flags & THREAD_OPEN_WAIT &&
	    parent->open_for_ns >= ns / 2)
		return parent->open_cause;
	return l->parent_doing;
}

/* When it ceased to be its parent's zombie: reaped, or its parent dead, or the end. */
static uint64_t zombie_end(const struct model *m, const struct story *l, ptrdiff_t parent)
{
	uint64_t to = m->wall_ns;

	if (l->burial == BURIAL_REAPED || (l->burial == BURIAL_LATER && l->reaped_ns < to))
		to = l->reaped_ns;
	if (parent >= 0 && m->processes[parent].life.is_dead &&
	    m->processes[parent].life.died_ns < to)
		to = m->processes[parent].life.died_ns;
	return to > l->died_ns ? to : l->died_ns;
}

static void note_reaping(struct lifecycle *to, uint64_t ns)
{
	to->n_reaped++;
	to->reaping_ns += ns;
	if (ns > to->reaping_max_ns)
		to->reaping_max_ns = ns;
}

static void add_zombie(struct findings *f, size_t i, const struct thread *const *index)
{
	const struct model *m = f->model;
	const struct story *l = &m->processes[i].life;
	const struct thread *by = thread_of(m, index, l->parent.thread_id);
	ptrdiff_t parent = by ? (ptrdiff_t)by->process : -1;
	uint64_t to = zombie_end(m, l, parent), ns = to - l->died_ns;
	uint64_t least = l->burial == BURIAL_LATER ? LIFE_GRACE_NS : LIFE_NOTICE_NS;

	if (l->burial == BURIAL_REAPED && (l->is_awaited || ns < least)) {
		note_reaping(&f->lives, ns);
		return;
	}
	if (ns < least)
		return;
	f->lives.zombies[f->lives.n_zombies++] = (struct zombie){
		.process = i,
		.from_ns = l->died_ns,
		.to_ns = to,
		.is_reaped = l->burial == BURIAL_REAPED || l->burial == BURIAL_LATER,
		.doing = doing_of(l, by, ns),
		.to_blame = parent,
	};
}

struct edge {
	uint64_t at_ns;
	int step;
};

static int by_time(const void *a, const void *b)
{
	const struct edge *e = a, *g = b;

	if (e->at_ns != g->at_ns)
		return e->at_ns < g->at_ns ? -1 : 1;
	return e->step - g->step;
}

static size_t peak_of(const struct lifecycle *l)
{
	struct edge *edges = zeroed(2 * l->n_zombies, sizeof(*edges));
	size_t now = 0, peak = 0;

	for (size_t i = 0; i < l->n_zombies; i++) {
		edges[2 * i] = (struct edge){ l->zombies[i].from_ns, 1 };
		edges[2 * i + 1] = (struct edge){ l->zombies[i].to_ns, -1 };
	}
	qsort(edges, 2 * l->n_zombies, sizeof(*edges), by_time);
	for (size_t i = 0; i < 2 * l->n_zombies; i++) {
		now += edges[i].step;
		if (now > peak)
			peak = now;
	}
	free(edges);
	return peak;
}

static void find_zombies(struct findings *f)
{
	const struct model *m = f->model;
	const struct thread **index = index_threads(m);

	f->lives.zombies = zeroed(m->n_processes, sizeof(*f->lives.zombies));
	for (size_t i = 0; i < m->n_processes; i++) {
		const struct process *p = &m->processes[i];

		/* The command's own parent is concprof. */
		if (p->life.is_dead && p->life.burial != BURIAL_UNWANTED && p->id != COMMAND_ID)
			add_zombie(f, i, index);
	}
	f->lives.peak = peak_of(&f->lives);
	free(index);
}

/* --- those who live on -------------------------------------------------------------- */

static void find_orphans(struct findings *f)
{
	const struct model *m = f->model;

	f->lives.orphans = zeroed(m->n_processes, sizeof(*f->lives.orphans));
	for (size_t i = 0; i < m->n_processes; i++) {
		const struct process *p = &m->processes[i];
		ptrdiff_t parent = parent_of(m, p);
		uint64_t end = p->life.is_dead ? p->life.died_ns : p->end_ns, at;

		if (!is_dead_at(m, parent, end))
			continue;
		at = m->processes[parent].life.died_ns;
		f->lives.orphans[f->lives.n_orphans++] = (struct orphan){
			.process = i, .parent = parent, .at_ns = at, .outlived_ns = end - at
		};
	}
}

const struct thread *first_thread(const struct model *m, size_t process)
{
	for (size_t i = 0; i < m->n_threads; i++) {
		if (m->threads[i].process == process)
			return &m->threads[i];
	}
	return NULL;
}

uint64_t survivor_age(const struct model *m, const struct process *p)
{
	uint64_t from = p->life.is_born ? p->life.born_ns : p->start_ns;

	return m->wall_ns > from ? m->wall_ns - from : 0;
}

bool survivor_left(const struct model *m, const struct process *p)
{
	uint32_t session = m->processes[0].life.session;

	return session && p->life.session && p->life.session != session;
}

static void find_survivors(struct findings *f)
{
	const struct model *m = f->model;
	/* With the command, at the end of its --duration, or as it stood still, concprof ends all of them. */
	bool ended_all = (m->end.ended_by == ENDED_DURATION || m->end.ended_by == ENDED_HANG) &&
			 m->n_processes && !m->processes[0].ended;

	f->lives.survivors = zeroed(m->n_processes, sizeof(*f->lives.survivors));
	for (size_t i = 0; i < m->n_processes && m->complete && !ended_all; i++) {
		if (!m->processes[i].ended && m->processes[i].id != COMMAND_ID)
			f->lives.survivors[f->lives.n_survivors++] = i;
	}
}

void lifecycle_find(struct findings *f)
{
	find_zombies(f);
	find_orphans(f);
	find_survivors(f);
	deaths_find(f);
}

void lifecycle_free(struct lifecycle *l)
{
	free(l->zombies);
	free(l->orphans);
	free(l->survivors);
	free(l->deaths);
}
