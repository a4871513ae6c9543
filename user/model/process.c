// SPDX-License-Identifier: BSD-2-Clause
/* Threads to processes: the tree, what each executes, how each ended. */
#include "model/internal.h"

#include <string.h>

static int by_id(const void *a, const void *b)
{
	const struct process *p = a, *q = b;

	return p->id < q->id ? -1 : p->id > q->id;
}

static int by_start(const void *a, const void *b)
{
	const struct process *p = a, *q = b;

	if (p->start_ns != q->start_ns)
		return p->start_ns < q->start_ns ? -1 : 1;
	return by_id(a, b);
}

struct process *process_by_id(struct model *m, uint64_t id)
{
	struct process key = { .id = id };

	return bsearch(&key, m->processes, m->n_processes, sizeof(key), by_id);
}

const struct process *process_of_pid(const struct model *m, uint32_t pid)
{
	for (size_t i = 0; i < m->n_processes; i++) {
		if (pid && m->processes[i].pid == pid)
			return &m->processes[i];
	}
	return NULL;
}

const struct thread *thread_by_id(const struct model *m, uint64_t id)
{
	size_t low = 0, high = m->n_threads;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->threads[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->n_threads && m->threads[low].id == id ? &m->threads[low] : NULL;
}

/* One process for each process_id that occurs. */
static void collect(struct model *m)
{
	m->processes = calloc(m->n_threads ? m->n_threads : 1, sizeof(*m->processes));
	if (!m->processes)
		out_of_memory();
	for (size_t i = 0; i < m->n_threads; i++)
		m->processes[i].id = m->threads[i].process_id;
	qsort(m->processes, m->n_threads, sizeof(*m->processes), by_id);
	for (size_t i = 0; i < m->n_threads; i++) {
		if (!i || m->processes[i].id != m->processes[m->n_processes - 1].id)
			m->processes[m->n_processes++].id = m->processes[i].id;
	}
}

static void add_thread(struct process *p, const struct thread *t)
{
	/* After an exec from another thread there were two with the process's number. */
	bool names_it = t->tid == t->pid && t->end_ns >= p->end_ns;

	if (!p->n_threads || t->start_ns < p->start_ns)
		p->start_ns = t->start_ns;
	if (!p->n_threads || names_it) {
		memcpy(p->comm, t->comm, sizeof(p->comm));
		p->cgroup = t->cgroup;
	}
	if (t->end_ns > p->end_ns)
		p->end_ns = t->end_ns;
	if (!p->n_threads || t->pid)
		p->pid = t->pid;
	if (!(t->flags & THREAD_ENDED))
		p->ended = false;
	if (!p->n_threads || t->flags & THREAD_GROUP_DEAD)
		p->status = t->status;
	if (t->max_rss_bytes > p->max_rss_bytes)
		p->max_rss_bytes = t->max_rss_bytes;
	p->is_attached |= (t->flags & THREAD_ATTACHED) != 0;
	if (t->flags & THREAD_LEADER)
		p->life.first_io_ns = t->first_io_ns;
	p->n_threads++;
}

/* Its last exec no later than `at`, or what its creator executed when it was created. */
static const struct exec *exec_of(struct model_builder *b, const struct process *p, uint64_t at)
{
	for (int depth = 0; p && depth < 1000; depth++) {
		const struct exec *last = NULL;
		/* execs are sorted by process, then time */
		size_t low = 0, high = b->execs.n;

		while (low < high) {
			size_t middle = low + (high - low) / 2;
			const struct exec *e = &b->execs.items[middle];

			if (e->process_id < p->id || (e->process_id == p->id && e->at_ns <= at))
				low = middle + 1;
			else
				high = middle;
		}
		if (low && b->execs.items[low - 1].process_id == p->id)
			last = &b->execs.items[low - 1];
		if (last)
			return last;
		at = p->start_ns;
		p = p->parent < 0 ? NULL : &b->m->processes[p->parent];
	}
	return NULL;
}

static int exec_order(const void *a, const void *b)
{
	const struct exec *e = a, *f = b;

	if (e->process_id != f->process_id)
		return e->process_id < f->process_id ? -1 : 1;
	return e->at_ns < f->at_ns ? -1 : e->at_ns > f->at_ns;
}

static void name_processes(struct model_builder *b)
{
	struct model *m = b->m;

	if (b->execs.n)
		qsort(b->execs.items, b->execs.n, sizeof(*b->execs.items), exec_order);
	for (size_t i = 0; i < m->n_processes; i++) {
		struct process *p = &m->processes[i];
		const struct exec *e = exec_of(b, p, UINT64_MAX);

		if (!e)
			continue;
		p->exe = e->path;
		p->args = e->args;
		p->n_args = e->n_args;
		p->args_truncated = e->args_truncated;
	}
}

static void link_parents(struct model *m)
{
	for (size_t i = 0; i < m->n_processes; i++) {
		struct process *p = &m->processes[i];
		const struct thread *first = thread_by_id(m, p->id);
		const struct thread *creator = first ? thread_by_id(m, first->creator_id) : NULL;
		struct process *parent = creator ? process_by_id(m, creator->process_id) : NULL;

		p->parent = -1;
		/* A parent comes first; a stream that says otherwise would make a loop. */
		if (!parent || parent->id >= p->id)
			continue;
		p->parent = parent - m->processes;
		p->ppid = parent->pid;
	}
}

/* Places by start, and the links that held by place before. */
static void sort_by_start(struct model *m)
{
	size_t *place = calloc(m->n_processes + 1, sizeof(*place));
	struct process *by_number = malloc((m->n_processes + 1) * sizeof(*by_number));

	if (!place || !by_number)
		out_of_memory();
	memcpy(by_number, m->processes, m->n_processes * sizeof(*by_number));
	qsort(m->processes, m->n_processes, sizeof(*m->processes), by_start);
	for (size_t i = 0; i < m->n_processes; i++) {
		struct process *old = bsearch(&m->processes[i], by_number, m->n_processes,
					      sizeof(*by_number), by_id);

		place[old - by_number] = i;
	}
	for (size_t i = 0; i < m->n_processes; i++) {
		if (m->processes[i].parent >= 0)
			m->processes[i].parent = place[m->processes[i].parent];
	}
	for (size_t i = 0; i < m->n_threads; i++)
		m->threads[i].process = place[m->threads[i].process];
	free(by_number);
	free(place);
}

void processes_build(struct model_builder *b)
{
	struct model *m = b->m;

	collect(m);
	for (size_t i = 0; i < m->n_processes; i++)
		m->processes[i].ended = true;
	for (size_t i = 0; i < m->n_threads; i++) {
		struct thread *t = &m->threads[i];
		struct process *p = process_by_id(m, t->process_id);

		t->process = p - m->processes;
		add_thread(p, t);
	}
	link_parents(m);
	name_processes(b);
	lives_build(b);
	sort_by_start(m);
}
