// SPDX-License-Identifier: BSD-2-Clause
/* Processes, those of one program as one line. */
#include "report/text_parts.h"

#include <inttypes.h>
#include <string.h>

#include "base/units.h"

enum { P_NAME, P_COUNT, P_CPU, P_SHARE, P_LIFE, P_FAILED, P_EXE };

static const struct column columns[] = {
	[P_NAME] = { .head = "program", .left = true },
	[P_COUNT] = { .head = "processes", .drop = 1 },
	[P_CPU] = { .head = "running" },
	[P_SHARE] = { .head = "share", .drop = 3 },
	[P_LIFE] = { .head = "mean life", .drop = 2 },
	[P_FAILED] = { .head = "failed", .drop = 4 },
	[P_EXE] = { .head = "executable", .left = true, .drop = 5, .least = 16 },
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

/* "5 of 5 readlink": what the table of threads does not say. */
static void put_failures(struct page *p, const struct program *all, size_t n)
{
	char text[1024] = "", name[128];
	size_t at = 0, shown = 0, more = 0;

	for (size_t i = 0; i < n; i++) {
		if (!all[i].failed)
			continue;
		if (shown == p->opts->top || at + sizeof(name) + 64 > sizeof(text)) {
			more += all[i].failed;
			continue;
		}
		NAME(p, name, all[i].comm, 0);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", shown++ ? ", " : "",
				       name);
		if (all[i].count > 1)
			at += (size_t)snprintf(text + at, sizeof(text) - at,
					       " (%" PRIu64 " of %" PRIu64 ")", all[i].failed,
					       all[i].count);
	}
	if (more)
		snprintf(text + at, sizeof(text) - at, ", and %zu more", more);
	if (shown)
		page_text(p, 2, NULL, STYLE_PLAIN, "ended with a status other than 0: %s", text);
}

void text_processes(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	VEC(struct program) all = { 0 };
	size_t n;

	if (m->n_processes < 2)
		return;
	for (size_t i = 0; i < m->n_processes; i++) {
		const struct process *proc = &m->processes[i];

		*vec_add(&all) = (struct program){
			.comm = proc->comm,
			.exe = proc->exe ? proc->exe : "",
			.count = 1,
			.failed = proc->ended && proc->status && proc->id != COMMAND_ID,
			.lifetime_ns = proc->end_ns - proc->start_ns,
		};
	}
	for (size_t i = 0; i < m->n_threads; i++)
		all.items[m->threads[i].process].running_ns += m->threads[i].state_ns[TS_RUNNING];
	n = fold(all.items, all.n);
	/* Of processes with one thread each, or of one program, the threads tell the rest. */
	if ((n > 1 && f->totals.threads > f->totals.processes) || p->opts->verbose) {
		page_heading(p, "Processes", "by program");
		put_programs(p, all.items, n, f->trust.cpu_ns);
	} else {
		put_failures(p, all.items, n);
	}
	free(all.items);
}
