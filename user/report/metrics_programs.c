// SPDX-License-Identifier: BSD-2-Clause
/* Processes by name: how many names there are is up to the program, how many are shown is not. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "report/metrics.h"

#define REST "other" /* a program that is called so is among them */

struct program {
	const char *comm;
	uint64_t processes, failed, state_ns[TS_COUNT], max_rss_bytes;
};

struct programs {
	struct program *list;
	size_t n;
};

static int by_comm(const void *a, const void *b)
{
	const struct program *p = a, *q = b;

	return strcmp(p->comm, q->comm);
}

/* By name where they ran equally long, so that two reports of one run are the same. */
static int most_running_first(const void *a, const void *b)
{
	const struct program *p = a, *q = b;

	if (p->state_ns[TS_RUNNING] != q->state_ns[TS_RUNNING])
		return p->state_ns[TS_RUNNING] > q->state_ns[TS_RUNNING] ? -1 : 1;
	return by_comm(a, b);
}

static void add(struct program *to, const struct program *from)
{
	to->processes += from->processes;
	to->failed += from->failed;
	for (unsigned int s = 0; s < TS_COUNT; s++)
		to->state_ns[s] += from->state_ns[s];
	if (from->max_rss_bytes > to->max_rss_bytes)
		to->max_rss_bytes = from->max_rss_bytes;
}

/* One for each process, in their order. */
static struct program *programs_of(const struct model *m)
{
	struct program *list = calloc(m->n_processes + 1, sizeof(*list));

	if (!list)
		out_of_memory();
	for (size_t i = 0; i < m->n_processes; i++) {
		const struct process *p = &m->processes[i];

		list[i].comm = p->comm;
		list[i].processes = 1;
		list[i].failed = p->ended && p->status;
		list[i].max_rss_bytes = p->max_rss_bytes;
	}
	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		for (unsigned int s = 0; s < TS_COUNT; s++)
			list[t->process].state_ns[s] += t->state_ns[s];
	}
	return list;
}

static size_t join_alike(struct program *list, size_t n)
{
	size_t kept = 0;

	qsort(list, n, sizeof(*list), by_comm);
	for (size_t i = 0; i < n; i++) {
		if (kept && !by_comm(&list[kept - 1], &list[i]))
			add(&list[kept - 1], &list[i]);
		else
			list[kept++] = list[i];
	}
	return kept;
}

/* The first `top`; then the rest, if there is one. */
static size_t sum_rest(struct program *list, size_t n, size_t top)
{
	struct program rest = { .comm = REST };
	size_t kept = 0;

	qsort(list, n, sizeof(*list), most_running_first);
	for (size_t i = 0; i < n; i++) {
		if (kept < top && strcmp(list[i].comm, REST))
			list[kept++] = list[i];
		else
			add(&rest, &list[i]);
	}
	if (rest.processes)
		list[kept++] = rest;
	return kept;
}

static void put_states(struct metrics *o, const struct programs *p)
{
	metrics_family(o, "program_state", "seconds",
		       "Time of the threads of processes of this name by state, summed.");
	for (size_t i = 0; i < p->n; i++) {
		for (unsigned int s = 0; s < TS_COUNT; s++) {
			metrics_begin(o);
			metrics_label(o, "program", p->list[i].comm);
			metrics_label(o, "state", state_name(s));
			metrics_ns(o, p->list[i].state_ns[s]);
		}
	}
}

void metrics_programs(struct metrics *o, const struct findings *f, unsigned int top)
{
	struct programs p = { .list = programs_of(f->model) };

	p.n = join_alike(p.list, f->model->n_processes);
	p.n = sum_rest(p.list, p.n, top);
	if (p.n) {
		put_states(o, &p);
		metrics_family(o, "program_processes", NULL, "Processes of this name.");
	}
	for (size_t i = 0; i < p.n; i++)
		metrics_labelled_u64(o, "program", p.list[i].comm, p.list[i].processes);
	if (p.n)
		metrics_family(o, "program_failed", NULL,
			       "... of them that ended with a status other than 0.");
	for (size_t i = 0; i < p.n; i++)
		metrics_labelled_u64(o, "program", p.list[i].comm, p.list[i].failed);
	if (p.n)
		metrics_family(o, "program_resident_max", "bytes",
			       "The most memory of one process of this name; 0: not known.");
	for (size_t i = 0; i < p.n; i++)
		metrics_labelled_u64(o, "program", p.list[i].comm, p.list[i].max_rss_bytes);
	free(p.list);
}
