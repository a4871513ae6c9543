// SPDX-License-Identifier: BSD-2-Clause
/* Locks, and what else threads waited for each other at. */
#include "report/text_parts.h"

#include "base/units.h"

#define SMALL 0.01 /* of the wall time */
#define ROWS  6	   /* unless more is asked for */

enum { L_NAME, L_KIND, L_WAITS, L_TOTAL, L_LONGEST, L_WALL, L_FOR };

static const struct column columns[] = {
	[L_NAME] = { .head = "name", .left = true, .name = true },
	[L_KIND] = { .head = "kind", .left = true, .drop = 3 },
	[L_WAITS] = { .head = "waits", .drop = 2 },
	[L_TOTAL] = { .head = "total" },
	[L_LONGEST] = { .head = "longest", .drop = 1 },
	[L_WALL] = { .head = "in wall", .drop = 4 },
	[L_FOR] = { .head = "mostly for", .left = true, .least = 16 },
};

/* "logger 94 %, in input or output". */
static char *mostly_for(const struct page *p, char *buf, size_t size, const struct lock_row *row)
{
	const struct lock *l = row->lock;
	char name[128], share[32] = "";

	if (!row->holder || !l->ns) {
		snprintf(buf, size, "(not known)");
		return buf;
	}
	NAME(p, name, row->holder->comm, p->name);
	snprintf(share, sizeof(share), " %.0f %%", 100 * (double)row->holder_ns / (double)l->ns);
	if (row->doing_ns && 2 * row->doing_ns > row->holder_ns)
		snprintf(buf, size, "%s%s, %s", name, share, doing_words(row->doing));
	else
		snprintf(buf, size, "%s%s", name, share);
	return buf;
}

static void put_lock(struct page *p, struct table *t, const struct lock_row *row)
{
	const struct lock *l = row->lock;
	char text[512];

	table_row(t, lock_is_contended(l) ? STYLE_PLAIN : STYLE_DIM);
	table_set(t, L_NAME, NAME(p, text, row->name, p->name));
	table_set(t, L_KIND, lock_kind_name(l->kind));
	table_set(t, L_WAITS, page_cell_count(text, l->waits));
	table_set(t, L_TOTAL, page_cell_ns(p, text, l->ns));
	table_set(t, L_LONGEST, page_cell_ns(p, text, l->max_ns));
	table_set(t, L_WALL, page_cell_ns(p, text, l->any_ns));
	table_set(t, L_FOR, mostly_for(p, text, sizeof(text), row));
}

static bool is_worth(const struct page *p, const struct findings *f, const struct lock_row *row)
{
	const struct lock *l = row->lock;

	if (p->opts->verbose)
		return true;
	return l->kind != LOCK_KIND_JOIN && l->kind != LOCK_KIND_START &&
	       (double)l->any_ns >= SMALL * (double)f->model->wall_ns;
}

void text_locks(struct page *p, const struct findings *f)
{
	struct table t = { .columns = columns, .n_columns = L_FOR + 1 };
	size_t most = p->opts->verbose ? p->opts->top : ROWS, shown = 0;

	for (size_t i = 0; i < f->n_locks && shown < most; i++) {
		if (!is_worth(p, f, &f->locks[i]))
			continue;
		if (!shown++)
			page_heading(p, "Locks", "and what else threads waited for each other at");
		put_lock(p, &t, &f->locks[i]);
	}
	if (shown)
		table_print(&t, p);
}
