// SPDX-License-Identifier: BSD-2-Clause
/* What was waited for with descriptors and names: files, pipes, sockets. */
#include "report/text_parts.h"

#include <stdio.h>

#include "base/units.h"
#include "model/target.h"

#define WIDTH	 40 /* of a name */
#define IN_WIDTH 24
#define SMALL	 0.01 /* of the wall time: such targets are one line together */

enum { I_TARGET, I_WAITS, I_TOTAL, I_LONGEST, I_WALL, I_CAUSE, I_IN };

static const struct column columns[] = {
	[I_TARGET] = { .head = "target", .left = true, .name = true },
	[I_WAITS] = { .head = "waits", .drop = 1 },
	[I_TOTAL] = { .head = "total" },
	[I_LONGEST] = { .head = "longest", .drop = 3 },
	[I_WALL] = { .head = "in wall", .drop = 2 },
	[I_CAUSE] = { .head = "cause", .left = true, .drop = 4 },
	[I_IN] = { .head = "in", .left = true, .name = true, .drop = 5 },
};

static void put_times(struct page *p, struct table *t, uint64_t waits, uint64_t ns, uint64_t max_ns)
{
	char text[UNITS_SIZE];

	table_set(t, I_WAITS, page_cell_count(text, waits));
	table_set(t, I_TOTAL, page_cell_ns(p, text, ns));
	table_set(t, I_LONGEST, page_cell_ns(p, text, max_ns));
}

static const struct process *process_of(const struct model *m, uint32_t pid)
{
	for (size_t i = 0; i < m->n_processes; i++) {
		if (m->processes[i].pid == pid)
			return &m->processes[i];
	}
	return NULL;
}

/* Pipes and pairs have no name of their own: who waits, and with which descriptor. */
static void put_target(struct page *p, struct table *t, const struct model *m, const struct io *io)
{
	const struct target_user *user = &io->users[0];
	const char *end = io->path ? target_end_of(io->name, WIDTH - 3) : io->name;
	const struct process *by = NULL;
	char text[256], name[600];

	if (!io->path && !io->local && !io->peer && io->n_users && user->fd != TARGET_NO_FD &&
	    io->kind != TARGET_OBJECT)
		by = process_of(m, user->pid);
	if (by)
		snprintf(text, sizeof(text), "%s (descriptor %u of %s)", io->name, user->fd,
			 by->comm);
	else
		snprintf(text, sizeof(text), "%s%s", end == io->name ? "" : "...", end);
	table_set(t, I_TARGET, NAME(p, name, text, WIDTH));
}

static void put_io(struct page *p, struct table *t, const struct findings *f, size_t number)
{
	const struct io *io = &f->model->ios[number];
	const struct io_sites *sites = &f->io_places[number];
	char text[UNITS_SIZE], name[300];

	table_row(t, STYLE_PLAIN);
	put_target(p, t, f->model, io);
	put_times(p, t, io->waits, io->ns, io->max_ns);
	table_set(t, I_WALL, page_cell_ns(p, text, io->any_ns));
	table_set(t, I_CAUSE, cause_name(io->cause));
	if (sites->n && sites->items[0].frame->function[0])
		table_set(t, I_IN, NAME(p, name, sites->items[0].frame->function, IN_WIDTH));
}

static void put_rest(struct page *p, struct table *t, const struct io *rest, size_t n)
{
	uint64_t waits = 0, ns = 0, max_ns = 0;
	char text[32];

	for (size_t i = 0; i < n; i++) {
		waits += rest[i].waits;
		ns += rest[i].ns;
		max_ns = rest[i].max_ns > max_ns ? rest[i].max_ns : max_ns;
	}
	table_row(t, STYLE_DIM);
	snprintf(text, sizeof(text), "+%zu other%s", n, n == 1 ? "" : "s");
	table_set(t, I_TARGET, text);
	put_times(p, t, waits, ns, max_ns);
}

void text_io(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	struct table t = { .columns = columns, .n_columns = 7 };
	double small = p->opts->verbose ? 0 : SMALL * (double)m->wall_ns;
	size_t shown = 0;

	while (shown < m->n_ios && shown < p->opts->top && (double)m->ios[shown].any_ns >= small)
		shown++;
	if (!shown)
		return;
	/* A rest of one can as well be named. */
	shown += shown + 1 == m->n_ios && shown < p->opts->top;
	page_heading(p, "IO", "what threads waited for; in wall: anybody did");
	for (size_t i = 0; i < shown; i++)
		put_io(p, &t, f, i);
	if (shown < m->n_ios)
		put_rest(p, &t, m->ios + shown, m->n_ios - shown);
	table_print(&t, p);
}
