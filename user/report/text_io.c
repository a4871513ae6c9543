// SPDX-License-Identifier: BSD-2-Clause
/* What was waited for with descriptors and names: files, pipes, sockets. */
#include "report/text_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "model/target.h"

#define WIDTH	 40 /* of a directory */
#define IN_WIDTH 24
#define SMALL	 0.01 /* of the wall time: such targets are one line together */

enum { I_TARGET, I_WAITS, I_TOTAL, I_LONGEST, I_WALL, I_BUSY, I_CAUSE, I_IN };

static const struct column columns[] = {
	[I_TARGET] = { .head = "target", .left = true, .name = true },
	[I_WAITS] = { .head = "waits", .drop = 1 },
	[I_TOTAL] = { .head = "total" },
	[I_LONGEST] = { .head = "longest", .drop = 3 },
	[I_WALL] = { .head = "in wall", .drop = 2 },
	[I_BUSY] = { .head = "in calls", .drop = 2 },
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

/* Of several processes of one name the number tells which it is. */
static bool is_only_one(const struct model *m, const struct process *p)
{
	for (size_t i = 0; i < m->n_processes; i++) {
		if (&m->processes[i] != p && !strcmp(m->processes[i].comm, p->comm))
			return false;
	}
	return true;
}

static void say_user(char *buf, size_t size, const struct model *m, const struct io *io,
		     const struct process *by)
{
	char pid[16] = "";

	if (!is_only_one(m, by))
		snprintf(pid, sizeof(pid), " %u", by->pid);
	snprintf(buf, size, "%s (descriptor %u of %s%s)", io->name, io->users[0].fd, by->comm, pid);
}

/* Pipes, pairs and eventfds have no name of their own: who waits, and with which descriptor. */
static bool is_nameless(const struct io *io)
{
	if (io->path || io->local || io->peer)
		return false;
	return io->kind != TARGET_OBJECT || (io->channel && io->objects == 1);
}

static void put_target(struct page *p, struct table *t, const struct model *m, const struct io *io)
{
	const struct target_user *user = &io->users[0];
	const char *end = io->path ? target_end_of(io->name, p->path - 3) : io->name;
	const struct process *by = NULL;
	char text[256], name[600];

	if (is_nameless(io) && io->n_users && user->fd != TARGET_NO_FD)
		by = process_of(m, user->pid);
	if (by)
		say_user(text, sizeof(text), m, io, by);
	else
		snprintf(text, sizeof(text), "%s%s", end == io->name ? "" : "...", end);
	table_set(t, I_TARGET, NAME(p, name, text, p->path));
}

/* Not waiting, but running in calls on it: as far as samples tell. */
static bool is_busy(const struct findings *f, const struct io *io)
{
	return (double)io->running_ns >= SMALL * (double)f->model->wall_ns;
}

static void put_io(struct page *p, struct table *t, const struct findings *f, size_t number)
{
	const struct io *io = &f->model->ios[number];
	const struct io_sites *sites = &f->io_places[number];
	char text[UNITS_SIZE], busy[UNITS_SIZE + 8], name[300];

	table_row(t, STYLE_PLAIN);
	put_target(p, t, f->model, io);
	put_times(p, t, io->waits, io->ns, io->max_ns);
	table_set(t, I_WALL, page_cell_ns(p, text, io->any_ns));
	if (is_busy(f, io)) {
		snprintf(busy, sizeof(busy), "≈ %s", page_cell_ns(p, text, io->running_ns));
		table_set(t, I_BUSY, busy);
	}
	table_set(t, I_CAUSE, cause_name(io->cause));
	if (sites->n && sites->items[0].frame->function[0])
		table_set(t, I_IN, NAME(p, name, sites->items[0].frame->function, IN_WIDTH));
}

/* A row of the table: a target, or many files of a directory. */
struct io_row {
	uint64_t any_ns;
	const struct io_folder *folder; /* NULL: a target */
	size_t number;			/* ... of model.ios */
};

static void put_folder(struct page *p, struct table *t, const struct model *m,
		       const struct io_folder *folder)
{
	size_t cut = folder->size > WIDTH ? folder->size - WIDTH - 1 : 0;
	char path[WIDTH + 8], text[2 * WIDTH], name[600], files[32], cell[UNITS_SIZE + 8];
	const char *end;
	int n = snprintf(files, sizeof(files), " (%zu files)", folder->files);

	snprintf(path, sizeof(path), "%.*s", (int)(folder->size - cut), folder->path + cut);
	end = target_end_of(path, (size_t)(WIDTH - 3 - n));
	snprintf(text, sizeof(text), "%s%s%s", cut || end != path ? "..." : "", end, files);
	table_row(t, STYLE_PLAIN);
	table_set(t, I_TARGET, NAME(p, name, text, WIDTH));
	put_times(p, t, folder->waits, folder->ns, folder->max_ns);
	snprintf(cell, sizeof(cell), "%s%s", m->n_threads > 1 ? "≤ " : "",
		 page_cell_ns(p, text, folder->any_ns));
	table_set(t, I_WALL, cell);
	table_set(t, I_CAUSE, cause_name(folder->cause));
}

static void put_rest(struct page *p, struct table *t, const struct model *m,
		     const struct io_row *rest, size_t n)
{
	uint64_t waits = 0, ns = 0, max_ns = 0, of_row;
	size_t targets = 0;
	char text[32];

	for (size_t i = 0; i < n; i++) {
		const struct io_folder *folder = rest[i].folder;
		const struct io *io = &m->ios[rest[i].number];

		targets += folder ? folder->files : 1;
		waits += folder ? folder->waits : io->waits;
		ns += folder ? folder->ns : io->ns;
		of_row = folder ? folder->max_ns : io->max_ns;
		max_ns = of_row > max_ns ? of_row : max_ns;
	}
	table_row(t, STYLE_DIM);
	snprintf(text, sizeof(text), "+%zu other%s", targets, targets == 1 ? "" : "s");
	table_set(t, I_TARGET, text);
	put_times(p, t, waits, ns, max_ns);
}

static int most_wall_first(const void *a, const void *b)
{
	const struct io_row *x = a, *y = b;

	if (x->any_ns != y->any_ns)
		return x->any_ns > y->any_ns ? -1 : 1;
	if (!x->folder != !y->folder)
		return x->folder ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* Waited for, or in calls. */
static uint64_t most_of(const struct io *io)
{
	return io->any_ns > io->running_ns ? io->any_ns : io->running_ns;
}

/* With is_short folders stand for their files. Returns how many rows there are. */
static size_t rows_of(struct io_row *rows, const struct findings *f, bool is_short)
{
	const struct model *m = f->model;
	size_t n = 0;

	for (size_t k = 0; k < f->n_folders && is_short; k++)
		rows[n++] = (struct io_row){ f->folders[k].any_ns, &f->folders[k], k };
	for (size_t i = 0; i < m->n_ios; i++) {
		if (!is_short || f->folder_of[i] == NO_FOLDER)
			rows[n++] = (struct io_row){ most_of(&m->ios[i]), NULL, i };
	}
	if (n)
		qsort(rows, n, sizeof(*rows), most_wall_first);
	return n;
}

static void put_rows(struct page *p, const struct findings *f, const struct io_row *rows, size_t n)
{
	double small = p->opts->verbose ? 0 : SMALL * (double)f->model->wall_ns;
	struct table t = { .columns = columns, .n_columns = 8 };
	size_t shown = 0;

	while (shown < n && shown < p->opts->top && (double)rows[shown].any_ns >= small)
		shown++;
	if (shown || f->n_named_io_models)
		page_heading(p, "IO",
			     shown ? "what threads waited for; in wall: anybody did"
				   : "how the program does it");
	if (f->n_named_io_models)
		text_io_model(p, f);
	if (!shown)
		return;
	/* A rest of one can as well be named. */
	shown += shown + 1 == n && shown < p->opts->top;
	for (size_t i = 0; i < shown; i++) {
		if (rows[i].folder)
			put_folder(p, &t, f->model, rows[i].folder);
		else
			put_io(p, &t, f, rows[i].number);
	}
	if (shown < n)
		put_rest(p, &t, f->model, rows + shown, n - shown);
	table_print(&t, p);
}

void text_io(struct page *p, const struct findings *f)
{
	struct io_row *rows = calloc(f->model->n_ios + 1, sizeof(*rows));

	if (!rows)
		out_of_memory();
	put_rows(p, f, rows, rows_of(rows, f, !p->opts->verbose));
	free(rows);
}
