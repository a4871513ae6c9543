// SPDX-License-Identifier: BSD-2-Clause
/* The tree of processes, alike ones as one line. */
#include "report/text_parts.h"

#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>

#include "base/units.h"

enum { P_NAME, P_COUNT, P_CPU, P_SHARE, P_LIFE, P_EXEC, P_END };

static const struct column columns[] = {
	[P_NAME] = { .head = "program", .left = true, .name = true },
	[P_COUNT] = { .head = "processes", .drop = 1 },
	[P_CPU] = { .head = "running" },
	[P_SHARE] = { .head = "share", .drop = 4 },
	[P_LIFE] = { .head = "mean life", .drop = 3 },
	[P_EXEC] = { .head = "to exec", .drop = 5 },
	[P_END] = { .head = "ended", .left = true, .drop = 2 },
};

#define INDENT_MAX  8  /* levels that are shown as such */
#define COMMAND_MAX 48 /* columns of a command line */

/* "cc" of "/usr/bin/cc"; of a title, as "nginx: master process /usr/sbin/nginx", all. */
static const char *base_of(const char *name)
{
	const char *base = strrchr(name, '/'), *space = strchr(name, ' ');

	return base && base[1] && !(space && space < base) ? base + 1 : name;
}

/* "cc -c main.c" of "/usr/bin/cc -c main.c" */
static void put_line(char *buf, size_t size, const struct process *p)
{
	size_t at = (size_t)snprintf(buf, size, "%s", base_of(p->args[0]));

	for (size_t i = 1; i < p->n_args && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, " %s", p->args[i]);
}

static void put_name(struct page *p, struct table *t, const struct findings *f,
		     const struct branch *b)
{
	const struct process *proc = &f->model->processes[b->process];
	unsigned int indent = 2 * (b->depth < INDENT_MAX ? b->depth : INDENT_MAX);
	char line[512], name[512], cell[600];

	if (proc->life.n_execs && proc->n_args && !f->tree.by_program)
		put_line(line, sizeof(line), proc);
	else
		snprintf(line, sizeof(line), "%s", proc->comm);
	NAME(p, name, line, COMMAND_MAX);
	snprintf(cell, sizeof(cell), "%*s%s%s", (int)indent, "", name,
		 proc->life.n_execs || !b->depth ? "" : " (no exec)");
	table_set(t, P_NAME, cell);
}

static void put_end(struct table *t, const struct findings *f, const struct branch *b)
{
	const struct process *proc = &f->model->processes[b->process];
	char text[64] = "";

	if (b->count > 1 && b->failed)
		snprintf(text, sizeof(text), "%" PRIu64 " failed", b->failed);
	else if (b->count == 1 && !proc->ended)
		snprintf(text, sizeof(text), "lives on");
	else if (b->count == 1 && WIFSIGNALED(proc->status))
		snprintf(text, sizeof(text), "signal %d", WTERMSIG(proc->status));
	else if (b->count == 1 && proc->status)
		snprintf(text, sizeof(text), "status %d", WEXITSTATUS(proc->status));
	table_set(t, P_END, text);
}

static void put_branch(struct page *p, struct table *t, const struct findings *f,
		       const struct branch *b)
{
	uint64_t cpu_ns = f->trust.cpu_ns;
	double share = cpu_ns ? (double)b->running_ns / (double)cpu_ns : 0;
	char text[256];

	table_row(t, STYLE_PLAIN);
	put_name(p, t, f, b);
	table_set(t, P_COUNT, b->count > 1 ? page_cell_count(text, b->count) : "");
	table_set(t, P_CPU, page_cell_ns(p, text, b->running_ns));
	table_set(t, P_SHARE, share > 0 ? units_percent(text, share) : "");
	table_set(t, P_LIFE, page_cell_ns(p, text, b->lifetime_ns / b->count));
	if (b->execs && b->depth)
		table_set(t, P_EXEC, page_cell_ns(p, text, b->to_exec_ns / b->execs));
	put_end(t, f, b);
}

#define OF_A_DEATH (UINT64_MAX >> 8) /* what a signal ended goes before all others */

/* What ranks a branch for itself. */
static uint64_t weight_of(const struct findings *f, const struct branch *b)
{
	const struct process *first = &f->model->processes[b->process];
	bool died = b->failed && WIFSIGNALED(first->status);

	return died ? OF_A_DEATH : b->running_ns;
}

/* Of those of the tree that rank first, with what they started: theirs is never less than that of
 * one below them, so who is shown stands below its creator. */
static void choose(bool chosen[BRANCHES_MAX], const struct findings *f, size_t most)
{
	const struct tree *tree = &f->tree;
	uint64_t with_below[BRANCHES_MAX] = { 0 };

	for (size_t i = tree->n_branches; i--;) {
		with_below[i] = weight_of(f, &tree->branches[i]);
		for (size_t k = i + 1;
		     k < tree->n_branches && tree->branches[k].depth > tree->branches[i].depth; k++)
			with_below[i] += weight_of(f, &tree->branches[k]);
		chosen[i] = false;
	}
	for (size_t n = 0; n < most && n < tree->n_branches; n++) {
		size_t best = BRANCHES_MAX;

		for (size_t i = 0; i < tree->n_branches; i++) {
			if (!chosen[i] &&
			    (best == BRANCHES_MAX || with_below[i] > with_below[best]))
				best = i;
		}
		chosen[best] = true;
	}
}

void text_processes(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	const struct tree *tree = &f->tree;
	struct table t = { .columns = columns, .n_columns = P_END + 1 };
	bool chosen[BRANCHES_MAX];
	size_t shown = 0;

	if (m->n_processes < 2)
		return;
	page_heading(p, "Processes", "who started whom; to exec: from its creation, on average");
	choose(chosen, f, p->opts->top);
	for (size_t i = 0; i < tree->n_branches; i++) {
		if (!chosen[i])
			continue;
		put_branch(p, &t, f, &tree->branches[i]);
		shown += tree->branches[i].count;
	}
	table_print(&t, p);
	if (shown < m->n_processes)
		page_text(p, 2, NULL, STYLE_DIM, "and %zu more", m->n_processes - shown);
}
