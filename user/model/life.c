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

/* Whose child it was when it died: the one who created it, its parent, or who adopted it. */
struct child {
	ptrdiff_t parent; /* its place; -1: none of the program's, or the child lives */
	struct process *p;
	uint64_t left_ns; /* when its parent died, if it was dead by then */
};

struct registry {
	struct model_builder *b;
	struct process **by_pid; /* by number, then by creation */
	struct child *children;	 /* of one process together, by creation */
	size_t *first;		 /* of each process, in children: its first one */
	size_t *next;	    /* of each child: itself, or one of those behind it if it is reaped */
	struct child *left; /* those who were dead when their parent died, by when that was */
	size_t *left_next, n_left;
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
	const struct child *c = a, *d = b;

	return c->parent != d->parent ? (c->parent < d->parent ? -1 : 1) : by_creation(c->p, d->p);
}

static void *room_for(size_t n, size_t size)
{
	void *room = calloc(n + 1, size);

	if (!room)
		out_of_memory();
	return room;
}

static void sort_by_pid(struct registry *r)
{
	r->by_pid = room_for(r->n, sizeof(struct process *));
	for (size_t i = 0; i < r->n; i++)
		r->by_pid[i] = &r->b->m->processes[i];
	qsort(r->by_pid, r->n, sizeof(struct process *), pid_order);
}

static ptrdiff_t parent_at_death(const struct registry *r, const struct process *p)
{
	uint64_t id = p->life.parent.thread_id;
	const struct thread *t = id ? thread_by_id(r->b->m, id) : NULL;
	struct process *parent = t ? process_by_id(r->b->m, t->process_id) : NULL;

	if (!p->life.is_dead || !id)
		return -1;
	return parent ? parent - r->b->m->processes : p->parent;
}

static int left_order(const void *a, const void *b)
{
	const struct child *c = a, *d = b;

	return c->left_ns != d->left_ns ? (c->left_ns < d->left_ns ? -1 : 1)
					: by_creation(c->p, d->p);
}

/* Who adopts them is not said (prctl(2), PR_SET_CHILD_SUBREAPER). */
static void find_left(struct registry *r)
{
	r->left = room_for(r->n, sizeof(*r->left));
	r->left_next = room_for(r->n, sizeof(*r->left_next));
	for (size_t i = 0; i < r->n; i++) {
		struct child c = r->children[i];
		const struct story *parent =
			c.parent < 0 ? NULL : &r->b->m->processes[c.parent].life;

		if (!parent || !parent->is_dead || parent->died_ns < c.p->life.died_ns)
			continue;
		c.left_ns = parent->died_ns;
		r->left[r->n_left++] = c;
	}
	qsort(r->left, r->n_left, sizeof(*r->left), left_order);
	for (size_t i = r->n_left + 1; i--;)
		r->left_next[i] = i;
}

static void sort_by_parent(struct registry *r)
{
	r->children = room_for(r->n, sizeof(*r->children));
	r->first = room_for(r->n, sizeof(*r->first));
	r->next = room_for(r->n, sizeof(*r->next));
	for (size_t i = 0; i < r->n; i++) {
		r->children[i].p = &r->b->m->processes[i];
		r->children[i].parent = parent_at_death(r, r->children[i].p);
	}
	qsort(r->children, r->n, sizeof(*r->children), parent_order);
	for (size_t i = r->n + 1; i--;)
		r->next[i] = i;
	for (size_t i = r->n; i--;) {
		if (r->children[i].parent >= 0)
			r->first[r->children[i].parent] = i;
	}
}

/* Processes are told apart by place here: the command's parent has none. Who was whose child
 * is known from the deaths. */
static void registry_open(struct registry *r, struct model_builder *b)
{
	r->b = b;
	r->n = b->m->n_processes;
	r->n_left = 0;
	sort_by_pid(r);
	sort_by_parent(r);
	find_left(r);
}

static void registry_close(struct registry *r)
{
	free(r->by_pid);
	free(r->children);
	free(r->first);
	free(r->next);
	free(r->left);
	free(r->left_next);
}

static uint64_t since_start(const struct model_builder *b, uint64_t at)
{
	return at > b->origin ? at - b->origin : 0;
}

static bool is_before(uint64_t ns, uint64_t at_ns)
{
	return ns <= at_ns || ns - at_ns <= SLACK_NS;
}

/* Reaped by now, or forgotten by the kernel: reaped_ns says when as soon as that is known. */
static bool is_gone(const struct process *p, uint64_t at_ns)
{
	return p->life.burial != BURIAL_NONE || (p->life.reaped_ns && p->life.reaped_ns < at_ns);
}

/* Is it dead, and not reaped, at this time? */
static bool is_zombie(const struct process *p, uint64_t at_ns)
{
	return p->life.is_dead && !is_gone(p, at_ns) && is_before(p->life.died_ns, at_ns);
}

/* A number belongs to one process until that is reaped: if there are two, it was not seen of
 * the first. */
static struct process *zombie_of_pid(const struct registry *r, uint32_t pid, uint64_t at_ns)
{
	size_t low = 0, high = r->n;
	struct process *last = NULL;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->by_pid[middle]->pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < r->n && r->by_pid[low]->pid == pid; low++) {
		if (is_zombie(r->by_pid[low], at_ns))
			last = r->by_pid[low];
	}
	return last;
}

/* The first one from here on that is not known to be reaped. */
static size_t from(size_t *next, size_t i)
{
	while (next[i] != i) {
		next[i] = next[next[i]];
		i = next[i];
	}
	return i;
}

static bool descends_from(const struct model *m, const struct process *p, ptrdiff_t ancestor)
{
	ptrdiff_t at = p->parent;

	while (at >= 0 && at != ancestor)
		at = m->processes[at].parent;
	return at == ancestor;
}

/* Can a wait that names no number have reaped it? group: NULL: any. */
static bool is_meant(const struct process *p, const uint32_t *group)
{
	return !p->life.is_left && (!group || p->life.group == *group);
}

/* Dead when its parent died, and adopted by an ancestor. */
static struct process *adopted_zombie(struct registry *r, ptrdiff_t adopter, const uint32_t *group,
				      uint64_t at_ns)
{
	for (size_t i = from(r->left_next, 0); i < r->n_left; i = from(r->left_next, i + 1)) {
		const struct child *c = &r->left[i];

		if (!is_before(c->left_ns, at_ns))
			break;
		if (is_gone(c->p, at_ns))
			r->left_next[i] = i + 1;
		else if (c->parent != adopter && is_zombie(c->p, at_ns) && is_meant(c->p, group) &&
			 descends_from(r->b->m, c->p, adopter))
			return c->p;
	}
	return NULL;
}

/* group: NULL: any. Of those that died at about that time, one that was dead for sure. */
static struct process *zombie_child(struct registry *r, const struct process *parent,
				    const uint32_t *group, uint64_t at_ns)
{
	ptrdiff_t place = parent - r->b->m->processes;
	struct process *best = NULL;

	for (size_t i = from(r->next, r->first[place]); i < r->n; i = from(r->next, i + 1)) {
		struct process *p = r->children[i].p;

		if (r->children[i].parent != place || !is_before(p->start_ns, at_ns))
			break;
		if (is_gone(p, at_ns))
			r->next[i] = i + 1;
		if (!is_zombie(p, at_ns) || !is_meant(p, group))
			continue;
		if (p->life.died_ns <= at_ns)
			return p;
		if (!best || p->life.died_ns < best->life.died_ns)
			best = p;
	}
	return best ? best : adopted_zombie(r, place, group, at_ns);
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
	l->uid = ev->uid;
	if (!l->n_execs)
		l->last_uid = ev->uid;
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

	uint64_t end = p->life.is_dead ? p->life.died_ns : p->end_ns;

	if (!p->ended || !ev->code || (p->status & 0x7f) != ev->code || k->is_known ||
	    !is_before(at_ns, end))
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
	bool is_parents;

	if (ev->code == REAP_PID)
		p = zombie_of_pid(r, ev->pid, at_ns);
	else if (parent && (ev->code == REAP_ANY || (ev->code == REAP_GROUP && ev->pid)))
		p = zombie_child(r, parent, ev->code == REAP_GROUP ? &ev->pid : NULL, at_ns);
	if (!p)
		return; /* it was woken for something else */
	p->life.burial = BURIAL_REAPED;
	p->life.reaped_ns = at_ns > p->life.died_ns ? at_ns : p->life.died_ns;
	p->life.by_waitid = ev->flags & LIFE_BY_WAITID;
	is_parents = parent && parent_at_death(r, p) == parent - r->b->m->processes;
	p->life.is_awaited = is_parents && ev->flags & LIFE_AWAITED;
	/* What filled most of the time says more than the moment of the death. */
	if (is_parents && !p->life.is_awaited &&
	    ev->value >= (p->life.reaped_ns - p->life.died_ns) / 2)
		p->life.parent_doing = ev->doing;
	set_kin(&p->life.reaper, ev);
}

/* The first time counts: it is after the reaping. */
static void on_freed(struct story *l, uint64_t at_ns)
{
	if (!l->reaped_ns)
		l->reaped_ns = at_ns;
}

/* What does not depend on the rest. */
static void take_events(struct model_builder *b)
{
	for (size_t i = 0; i < b->lives.n; i++) {
		const struct ev_life *ev = &b->lives.items[i];
		struct process *p = process_by_id(b->m, ev->process_id);

		if (!p)
			continue;
		if (ev->what == LIFE_BORN)
			on_born(&p->life, ev, since_start(b, ev->at));
		else if (ev->what == LIFE_DIED)
			on_died(&p->life, ev, since_start(b, ev->at));
		else if (ev->what == LIFE_FREED)
			on_freed(&p->life, since_start(b, ev->at));
		else if (ev->what == LIFE_LEFT)
			p->life.is_left = true;
		else if (ev->what == LIFE_LIVES)
			take_place(&p->life, ev);
	}
}

static void relate_all(struct registry *r, bool is_sure)
{
	for (size_t i = 0; i < r->b->lives.n; i++) {
		const struct ev_life *ev = &r->b->lives.items[i];

		if (ev->what == LIFE_REAPED && (ev->code == REAP_PID) == is_sure)
			on_reaped(r, ev, since_start(r->b, ev->at));
	}
}

/* Who killed whom, and who reaped whom, by the end that is known now. Whose number was given
 * comes first, and leaves less to choose from. */
static void relate(struct registry *r)
{
	for (size_t i = 0; i < r->n; i++) {
		if (r->b->m->processes[i].life.is_unwanted)
			r->b->m->processes[i].life.burial = BURIAL_UNWANTED;
	}
	for (size_t i = 0; i < r->b->lives.n; i++) {
		const struct ev_life *ev = &r->b->lives.items[i];
		struct process *p = process_by_id(r->b->m, ev->process_id);

		if (ev->what == LIFE_KILLED && p)
			on_killed(p, ev, since_start(r->b, ev->at));
	}
	relate_all(r, true);
	relate_all(r, false);
}

/* Of those whose reaping was not seen. */
static void settle(struct model *m)
{
	for (size_t i = 0; i < m->n_processes; i++) {
		struct story *l = &m->processes[i].life;

		if (!l->is_dead || l->burial != BURIAL_NONE)
			continue;
		l->burial = l->reaped_ns ? BURIAL_LATER : BURIAL_LEFT;
		if (l->reaped_ns && l->reaped_ns < l->died_ns)
			l->reaped_ns = l->died_ns;
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
	take_execs(b);
	take_events(b);
	registry_open(&r, b);
	relate(&r);
	settle(b->m);
	registry_close(&r);
}
