// SPDX-License-Identifier: BSD-2-Clause
/* The tree of processes, with alike ones as one branch. */
#include "analysis/internal.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 100

struct family {
	struct findings *f;
	bool by_program; /* alike are those of one program, whatever its arguments */
	const uint64_t *running_ns;
	ptrdiff_t *first_child, *next_sibling; /* by place; -1: none */
};

static int compare_lines(const struct process *p, const struct process *q)
{
	for (size_t i = 0; i < p->n_args && i < q->n_args; i++) {
		int order = strcmp(p->args[i], q->args[i]);

		if (order)
			return order;
	}
	return (p->n_args > q->n_args) - (p->n_args < q->n_args);
}

/* Who has executed nothing has its creator's command line. */
static int compare_looks(const struct family *all, size_t a, size_t b)
{
	const struct process *p = &all->f->model->processes[a], *q = &all->f->model->processes[b];
	bool own = p->life.n_execs > 0, other = q->life.n_execs > 0;
	int order = strncmp(p->comm, q->comm, sizeof(p->comm));

	if (own != other)
		return own ? 1 : -1;
	if (order || all->by_program || !own)
		return order;
	return compare_lines(p, q);
}

static int by_looks(const void *a, const void *b, void *family)
{
	const size_t *x = a, *y = b;
	int order = compare_looks(family, *x, *y);

	return order ? order : (*x > *y) - (*x < *y);
}

static void link_children(struct family *all)
{
	const struct model *m = all->f->model;

	for (size_t i = 0; i < m->n_processes; i++)
		all->first_child[i] = all->next_sibling[i] = -1;
	for (size_t i = m->n_processes; i--;) {
		ptrdiff_t parent = m->processes[i].parent;

		if (parent < 0)
			continue;
		all->next_sibling[i] = all->first_child[parent];
		all->first_child[parent] = (ptrdiff_t)i;
	}
}

static void add_member(struct branch *to, const struct family *all, size_t i)
{
	const struct process *p = &all->f->model->processes[i];

	to->count++;
	to->failed += p->ended && p->status;
	to->running_ns += all->running_ns[i];
	to->lifetime_ns += p->end_ns - p->start_ns;
	if (p->life.n_execs && p->life.execs->at_ns >= p->start_ns) {
		to->execs++;
		to->to_exec_ns += p->life.execs->at_ns - p->start_ns;
	}
}

/* All children of these. */
static size_t *children_of(struct family *all, const size_t *members, size_t n, size_t *ret_n)
{
	size_t count = 0, *children;

	for (size_t i = 0; i < n; i++) {
		for (ptrdiff_t c = all->first_child[members[i]]; c >= 0; c = all->next_sibling[c])
			count++;
	}
	children = zeroed(count, sizeof(*children));
	count = 0;
	for (size_t i = 0; i < n; i++) {
		for (ptrdiff_t c = all->first_child[members[i]]; c >= 0; c = all->next_sibling[c])
			children[count++] = (size_t)c;
	}
	*ret_n = count;
	return children;
}

struct run {
	size_t from, n;
	size_t earliest;
};

static int earliest_first(const void *a, const void *b)
{
	const struct run *r = a, *s = b;

	return (r->earliest > s->earliest) - (r->earliest < s->earliest);
}

static void grow(struct family *all, const size_t *members, size_t n, unsigned int depth);

/* Those that are alike together, and the earliest first. */
static void grow_alike(struct family *all, size_t *members, size_t n, unsigned int depth)
{
	struct run *runs = zeroed(n, sizeof(*runs));
	size_t n_runs = 0;

	qsort_r(members, n, sizeof(*members), by_looks, all);
	for (size_t i = 0; i < n; i++) {
		if (!i || compare_looks(all, members[i - 1], members[i]))
			runs[n_runs++] = (struct run){ .from = i, .earliest = members[i] };
		runs[n_runs - 1].n++;
	}
	qsort(runs, n_runs, sizeof(*runs), earliest_first);
	for (size_t i = 0; i < n_runs; i++)
		grow(all, members + runs[i].from, runs[i].n, depth);
	free(runs);
}

static void grow(struct family *all, const size_t *members, size_t n, unsigned int depth)
{
	struct tree *t = &all->f->tree;
	size_t count, *children;
	struct branch *b;

	if (t->n_branches == BRANCHES_MAX || depth > DEPTH_MAX) {
		t->is_cut = true;
		return;
	}
	b = &t->branches[t->n_branches++];
	*b = (struct branch){ .process = members[0], .depth = depth };
	for (size_t i = 0; i < n; i++)
		add_member(b, all, members[i]);
	children = children_of(all, members, n, &count);
	grow_alike(all, children, count, depth + 1);
	free(children);
}

static void grow_all(struct family *all)
{
	const struct model *m = all->f->model;
	size_t n = 0, *roots = zeroed(m->n_processes, sizeof(*roots));

	all->f->tree = (struct tree){ .by_program = all->by_program };
	for (size_t i = 0; i < m->n_processes; i++) {
		if (m->processes[i].parent < 0)
			roots[n++] = i;
	}
	grow_alike(all, roots, n, 0);
	free(roots);
}

void family_find(struct findings *f)
{
	const struct model *m = f->model;
	uint64_t *running_ns = zeroed(m->n_processes, sizeof(*running_ns));
	struct family all = {
		.f = f,
		.running_ns = running_ns,
		.first_child = zeroed(m->n_processes, sizeof(*all.first_child)),
		.next_sibling = zeroed(m->n_processes, sizeof(*all.next_sibling)),
	};

	for (size_t i = 0; i < m->n_threads; i++)
		running_ns[m->threads[i].process] += m->threads[i].state_ns[TS_RUNNING];
	link_children(&all);
	grow_all(&all);
	if (f->tree.is_cut) {
		all.by_program = true;
		grow_all(&all);
	}
	free(running_ns);
	free(all.first_child);
	free(all.next_sibling);
}
