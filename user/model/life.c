// SPDX-License-Identifier: BSD-2-Clause
/*
 * What happened to processes, in order of time, and who was reaped by which wait. A wait
 * that did not block says whom it reaps; one that blocked, only whom it was for, and then
 * the kernel takes the first that is dead, in the order of their creation
 * (kernel/exit.c, do_wait_thread()).
 */
#include "model/internal.h"

#include <stdlib.h>
#include <string.h>

/* Stamps of two CPUs; and a parent may reap before the stamp of its child's death. */
#define SLACK_NS 1000000

struct registry {
	struct model_builder *b;
	struct process **by_pid;    /* by number, then by creation */
	struct process **by_parent; /* the children of one process together, by creation */
	size_t *first; /* of each process, in by_parent: its first child that is not reaped */
	size_t n;
};

static int by_time(const void *a, const void *b)
{
	const struct ev_life *v = a, *w = b;

	if (v->at != w->at)
		return v->at < w->at ? -1 : 1;
	return (v->what > w->what) - (v->what < w->what);
}

static int by_creation(const struct process *p, const struct process *q)
{
	return (p->id > q->id) - (p->id < q->id);
}

static int pid_order(const void *a, const void *b)
{
	const struct process *p = *(struct process *const *)a, *q = *(struct process *const *)b;

	return p->pid != q->pid ? (p->pid < q->pid ? -1 : 1) : by_creation(p, q);
}

static int parent_order(const void *a, const void *b)
{
	const struct process *p = *(struct process *const *)a, *q = *(struct process *const *)b;

	return p->parent != q->parent ? (p->parent < q->parent ? -1 : 1) : by_creation(p, q);
}

static struct process **sorted(struct model *m, int (*order)(const void *, const void *))
{
	struct process **all = malloc((m->n_processes + 1) * sizeof(struct process *));

	if (!all)
		abort();
	for (size_t i = 0; i < m->n_processes; i++)
		all[i] = &m->processes[i];
	qsort(all, m->n_processes, sizeof(struct process *), order);
	return all;
}

/* Processes are told apart by place here: the command's parent has none. */
static void registry_open(struct registry *r, struct model_builder *b)
{
	struct model *m = b->m;

	r->b = b;
	r->n = m->n_processes;
	r->by_pid = sorted(m, pid_order);
	r->by_parent = sorted(m, parent_order);
	r->first = calloc(r->n + 1, sizeof(*r->first));
	if (!r->first)
		abort();
	for (size_t i = r->n; i--;) {
		if (r->by_parent[i]->parent >= 0)
			r->first[r->by_parent[i]->parent] = i;
	}
}

static void registry_close(struct registry *r)
{
	free(r->by_pid);
	free(r->by_parent);
	free(r->first);
}

static uint64_t since_start(const struct registry *r, uint64_t at)
{
	return at > r->b->origin ? at - r->b->origin : 0;
}

/* Is it dead, and not reaped, at this time? */
static bool is_zombie(const struct process *p, uint64_t at_ns)
{
	return p->life.is_dead && p->life.burial == BURIAL_NONE &&
	       p->life.died_ns <= at_ns + SLACK_NS;
}

/* A number belongs to one process until that is reaped. */
static struct process *zombie_of_pid(const struct registry *r, uint32_t pid, uint64_t at_ns)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->by_pid[middle]->pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < r->n && r->by_pid[low]->pid == pid; low++) {
		if (is_zombie(r->by_pid[low], at_ns))
			return r->by_pid[low];
	}
	return NULL;
}

/* group: 0: any. */
static struct process *zombie_child(struct registry *r, const struct process *parent,
				    uint32_t group, uint64_t at_ns)
{
	ptrdiff_t place = parent - r->b->m->processes;
	size_t *first = &r->first[place];

	for (size_t i = *first; i < r->n && r->by_parent[i]->parent == place; i++) {
		struct process *p = r->by_parent[i];

		if (i == *first && p->life.burial != BURIAL_NONE)
			++*first;
		if (is_zombie(p, at_ns) && (!group || p->life.group == group))
			return p;
	}
	return NULL;
}

static void set_kin(struct kin *to, const struct ev_life *ev)
{
	to->thread_id = ev->by_id;
	to->pid = ev->by_pid;
	memcpy(to->comm, ev->by_comm, sizeof(to->comm));
}

static void take_place(struct story *l, const struct ev_life *ev)
{
	set_kin(&l->parent, ev);
	l->parent_doing = ev->doing;
	l->last_uid = ev->uid;
	l->group = ev->group;
	l->session = ev->session;
}

static void on_born(struct story *l, const struct ev_life *ev, uint64_t at_ns)
{
	l->is_born = true;
	l->is_init = ev->flags & LIFE_INIT;
	l->born_ns = at_ns;
	l->birth = ev->code;
	l->clone_flags = ev->value;
	l->uid = l->last_uid = ev->uid;
	set_kin(&l->creator, ev);
}

/* What all of its threads say who end at once; the last one counts. */
static void on_died(struct story *l, const struct ev_life *ev, uint64_t at_ns)
{
	l->is_dead = true;
	l->died_ns = at_ns;
	l->out_of_memory = ev->flags & LIFE_OUT_OF_MEMORY;
	l->is_unwanted = ev->flags & LIFE_UNWANTED;
	take_place(l, ev);
}

/* Another process may have had the number by the time it died. */
static void on_killed(struct process *p, const struct ev_life *ev, uint64_t at_ns)
{
	struct killer *k = &p->life.killer;

	if (!p->life.is_dead || (p->status & 0x7f) != ev->code || k->is_known)
		return;
	k->is_known = true;
	k->at_ns = at_ns;
	k->hit_id = ev->value;
	k->flags = ev->flags;
	set_kin(&k->by, ev);
}

static void on_reaped(struct registry *r, const struct ev_life *ev, uint64_t at_ns)
{
	const struct thread *by = thread_by_id(r->b->m, ev->by_id);
	struct process *parent = by ? process_by_id(r->b->m, by->process_id) : NULL, *p = NULL;

	if (ev->code == REAP_PID)
		p = zombie_of_pid(r, ev->pid, at_ns);
	else if (parent)
		p = zombie_child(r, parent, ev->code == REAP_GROUP ? ev->pid : 0, at_ns);
	if (!p)
		return; /* it was woken for something else */
	p->life.burial = BURIAL_REAPED;
	p->life.reaped_ns = at_ns > p->life.died_ns ? at_ns : p->life.died_ns;
	p->life.by_waitid = ev->flags & LIFE_BY_WAITID;
	p->life.is_awaited = ev->flags & LIFE_AWAITED;
	/* What filled most of the time says more than the moment of the death. */
	if (ev->value >= (p->life.reaped_ns - p->life.died_ns) / 2)
		p->life.parent_doing = ev->doing;
	set_kin(&p->life.reaper, ev);
}

/* What does not depend on the rest. */
static void take_events(struct registry *r)
{
	for (size_t i = 0; i < r->b->lives.n; i++) {
		const struct ev_life *ev = &r->b->lives.items[i];
		struct process *p = process_by_id(r->b->m, ev->process_id);

		if (!p)
			continue;
		if (ev->what == LIFE_BORN)
			on_born(&p->life, ev, since_start(r, ev->at));
		else if (ev->what == LIFE_DIED)
			on_died(&p->life, ev, since_start(r, ev->at));
		else if (ev->what == LIFE_LIVES)
			take_place(&p->life, ev);
	}
}

/* Who killed whom, and who reaped whom, by the end that is known now. */
static void relate(struct registry *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->b->m->processes[i].life.is_unwanted)
			r->b->m->processes[i].life.burial = BURIAL_UNWANTED;
	}
	for (size_t i = 0; i < r->b->lives.n; i++) {
		const struct ev_life *ev = &r->b->lives.items[i];
		struct process *p = process_by_id(r->b->m, ev->process_id);

		if (ev->what == LIFE_REAPED)
			on_reaped(r, ev, since_start(r, ev->at));
		else if (ev->what == LIFE_KILLED && p)
			on_killed(p, ev, since_start(r, ev->at));
	}
}

/* Of those whose reaping was not seen. */
static void settle(struct registry *r)
{
	for (size_t i = 0; i < r->b->lives.n; i++) {
		const struct ev_life *ev = &r->b->lives.items[i];
		struct process *p = process_by_id(r->b->m, ev->process_id);

		if (ev->what != LIFE_FREED || !p || !p->life.is_dead ||
		    p->life.burial != BURIAL_NONE)
			continue;
		p->life.burial = BURIAL_LATER;
		p->life.reaped_ns = since_start(r, ev->at);
	}
	for (size_t i = 0; i < r->n; i++) {
		struct story *l = &r->b->m->processes[i].life;

		if (l->is_dead && l->burial == BURIAL_NONE)
			l->burial = BURIAL_LEFT;
	}
}

static void take_execs(struct model_builder *b)
{
	for (size_t i = 0; i < b->execs.n; i++) {
		const struct exec *e = &b->execs.items[i];
		struct process *p = process_by_id(b->m, e->process_id);

		if (!p)
			continue;
		if (!p->life.n_execs++)
			p->life.execs = e;
		p->life.last_uid = e->uid;
	}
}

void lives_build(struct model_builder *b)
{
	struct registry r;

	if (b->lives.n)
		qsort(b->lives.items, b->lives.n, sizeof(*b->lives.items), by_time);
	registry_open(&r, b);
	take_execs(b);
	take_events(&r);
	relate(&r);
	settle(&r);
	registry_close(&r);
}
