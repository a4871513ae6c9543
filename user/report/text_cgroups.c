// SPDX-License-Identifier: BSD-2-Clause
/* What was attached to, by cgroup. */
#include "report/text_parts.h"

#include "base/units.h"

enum { C_NAME, C_PROCESSES, C_THREADS, C_RUNNING, C_SHARE, C_QUEUED };

static const struct column columns[] = {
	[C_NAME] = { .head = "cgroup", .left = true, .name = true },
	[C_PROCESSES] = { .head = "processes" },
	[C_THREADS] = { .head = "threads", .drop = 2 },
	[C_RUNNING] = { .head = "running" },
	[C_SHARE] = { .head = "share", .drop = 1 },
	[C_QUEUED] = { .head = "queued", .drop = 3 },
};

static void put_row(struct page *p, struct table *t, const struct cgroup_row *row, uint64_t cpu_ns)
{
	double share = cpu_ns ? (double)row->running_ns / (double)cpu_ns : 0;
	char text[UNITS_SIZE], name[512];

	table_row(t, STYLE_PLAIN);
	table_set(t, C_NAME, NAME(p, name, row->path ? row->path : "(not known)", 48));
	table_set(t, C_PROCESSES, page_cell_count(text, row->processes));
	table_set(t, C_THREADS, page_cell_count(text, row->threads));
	table_set(t, C_RUNNING, page_cell_ns(p, text, row->running_ns));
	table_set(t, C_SHARE, share > 0 ? units_percent(text, share) : "");
	table_set(t, C_QUEUED, page_cell_ns(p, text, row->queued_ns));
}

void text_cgroups(struct page *p, const struct findings *f)
{
	struct table t = { .columns = columns, .n_columns = C_QUEUED + 1 };
	size_t shown = f->n_cgroups < p->opts->top ? f->n_cgroups : p->opts->top;

	if (f->n_cgroups < 2)
		return;
	page_heading(p, "Cgroups", "what the processes in each did, summed");
	for (size_t i = 0; i < shown; i++)
		put_row(p, &t, &f->cgroups[i], f->trust.cpu_ns);
	table_print(&t, p);
	if (shown < f->n_cgroups)
		page_text(p, 2, NULL, STYLE_DIM, "and %zu more", f->n_cgroups - shown);
}
