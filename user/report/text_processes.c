// SPDX-License-Identifier: BSD-2-Clause
/* Processes, those of one program as one line. */
#include "report/text_parts.h"

#include <string.h>

#include "base/units.h"

enum { P_NAME, P_COUNT, P_CPU, P_SHARE, P_LIFE, P_FAILED, P_EXE };

static const struct column columns[] = {
	[P_NAME] = { "program", true, 0 },    [P_COUNT] = { "processes", false, 1 },
	[P_CPU] = { "running", false, 0 },    [P_SHARE] = { "share", false, 3 },
	[P_LIFE] = { "mean life", false, 2 }, [P_FAILED] = { "failed", false, 4 },
	[P_EXE] = { "executable", true, 5 },
};

struct program {
	const char *comm, *exe;
	uint64_t count, failed, lifetime_ns, running_ns;
};

static int by_program(const void *a, const void *b)
{
	const struct program *v = a, *w = b;
	int order = strcmp(v->comm, w->comm);

	return order ? order : strcmp(v->exe, w->exe);
}

static int busiest_first(const void *a, const void *b)
{
	const struct program *v = a, *w = b;

	if (v->running_ns != w->running_ns)
		return v->running_ns > w->running_ns ? -1 : 1;
	return by_program(a, b);
}

static void merge(struct program *to, const struct program *from)
{
	to->count += from->count;
	to->failed += from->failed;
	to->lifetime_ns += from->lifetime_ns;
	to->running_ns += from->running_ns;
}

/* One for each process in, one for each program out; returns how many. */
static size_t fold(struct program *all, size_t n)
{
	size_t kept = 0;

	qsort(all, n, sizeof(*all), by_program);
	for (size_t i = 0; i < n; i++) {
		if (kept && !by_program(&all[kept - 1], &all[i]))
			merge(&all[kept - 1], &all[i]);
		else
			all[kept++] = all[i];
	}
	qsort(all, kept, sizeof(*all), busiest_first);
	return kept;
}

static void put_program(struct page *p, struct table *t, const struct program *g, uint64_t cpu_ns)
{
	char text[256];
	double share = cpu_ns ? (double)g->running_ns / (double)cpu_ns : 0;

	table_set(t, P_COUNT, page_cell_count(text, g->count));
	table_set(t, P_CPU, page_cell_ns(p, text, g->running_ns));
	table_set(t, P_SHARE, share > 0 ? units_percent(text, share) : "");
	table_set(t, P_LIFE, page_cell_ns(p, text, g->lifetime_ns / g->count));
	table_set(t, P_FAILED, page_cell_count(text, g->failed));
}

static void put_programs(struct page *p, const struct program *all, size_t n, uint64_t cpu_ns)
{
	struct table t = { .columns = columns, .n_columns = 7 };
	struct program rest = { 0 };
	char text[256];

	for (size_t i = 0; i < n; i++) {
		if (i >= p->opts->top) {
			merge(&rest, &all[i]);
			continue;
		}
		table_row(&t, STYLE_PLAIN);
		table_set(&t, P_NAME, NAME(p, text, all[i].comm, p->name));
		table_set(&t, P_EXE, NAME(p, text, all[i].exe, 40));
		put_program(p, &t, &all[i], cpu_ns);
	}
	if (rest.count) {
		table_row(&t, STYLE_DIM);
		snprintf(text, sizeof(text), "+%zu others", n - p->opts->top);
		table_set(&t, P_NAME, text);
		put_program(p, &t, &rest, cpu_ns);
	}
	table_print(&t, p);
}

void text_processes(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	VEC(struct program) all = { 0 };

	if (m->n_processes < 2)
		return;
	for (size_t i = 0; i < m->n_processes; i++) {
		const struct process *proc = &m->processes[i];

		*vec_add(&all) = (struct program){
			.comm = proc->comm,
			.exe = proc->exe ? proc->exe : "",
			.count = 1,
			.failed = proc->ended && proc->status,
			.lifetime_ns = proc->end_ns - proc->start_ns,
		};
	}
	for (size_t i = 0; i < m->n_threads; i++)
		all.items[m->threads[i].process].running_ns += m->threads[i].state_ns[TS_RUNNING];
	page_heading(p, "Processes", "by program");
	put_programs(p, all.items, fold(all.items, all.n), f->trust.cpu_ns);
	free(all.items);
}
