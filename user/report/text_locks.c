// SPDX-License-Identifier: BSD-2-Clause
/* Locks, and what else threads waited for each other at. */
#include "report/text_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/units.h"

#define SMALL 0.01 /* of the wall time */
#define ROWS  6	   /* unless more is asked for */

enum { L_NAME, L_KIND, L_WAITS, L_TOTAL, L_LONGEST, L_WALL, L_FOR, L_IN };

static const struct column columns[] = {
	[L_NAME] = { .head = "name", .left = true, .name = true },
	[L_KIND] = { .head = "kind", .left = true, .drop = 4 },
	[L_WAITS] = { .head = "waits", .drop = 3 },
	[L_TOTAL] = { .head = "total" },
	[L_LONGEST] = { .head = "longest", .drop = 2 },
	[L_WALL] = { .head = "in wall", .drop = 5 },
	[L_FOR] = { .head = "mostly for", .left = true, .least = 16 },
	[L_IN] = { .head = "held in", .left = true, .name = true, .drop = 1 },
};

/* Locks of one name and kind are one line: those of a table's buckets, or of the objects that one
 * function makes. */
struct group {
	const struct lock_row *row; /* of the one that costs most */
	struct lock_sum sum;
	/* for threads of the name of the first's holder */
	uint64_t holder_ns, doing_ns[DOING_COUNT];
};

struct groups {
	VEC(struct group) list;
	struct intern names;
};

static void add_to(struct group *g, const struct lock_row *row)
{
	if (!g->sum.n)
		g->row = row;
	lock_sum_add(&g->sum, row->lock);
	if (!row->holder || !g->row->holder || strcmp(row->holder->comm, g->row->holder->comm))
		return;
	g->holder_ns += row->holder_ns;
	for (int k = 0; k < DOING_COUNT; k++)
		g->doing_ns[k] += row->holder_doing_ns[k];
}

static void group_all(struct groups *gs, const struct findings *f)
{
	char key[LOCK_NAME_SIZE + 1];

	for (size_t i = 0; i < f->n_locks; i++) {
		const struct lock_row *row = &f->locks[i];
		size_t length = strlen(row->name), place;

		key[0] = (char)row->lock->kind;
		memcpy(key + 1, row->name, length);
		place = intern(&gs->names, key, length + 1);
		if (place == gs->list.n)
			*vec_add(&gs->list) = (struct group){ 0 };
		add_to(&gs->list.items[place], row);
	}
}

/* "logger 94 %, in input or output". */
static char *mostly_for(const struct page *p, char *buf, size_t size, const struct group *g)
{
	uint64_t known;
	enum doing_kind most = doing_most(g->doing_ns, &known);
	bool told = g->holder_ns && 2 * known >= g->holder_ns;
	char name[128];

	if (!g->holder_ns || 4 * g->sum.blamed_ns < g->sum.ns) {
		snprintf(buf, size, "(not known%s)", g->sum.open ? "; some wait still" : "");
		return buf;
	}
	NAME(p, name, g->row->holder->comm, p->name);
	snprintf(buf, size, "%s %.0f %%%s%s", name, 100 * (double)g->holder_ns / (double)g->sum.ns,
		 told ? ", " : "", told ? doing_words(most) : "");
	return buf;
}

static void put_place(struct page *p, struct table *t, const struct frame *in)
{
	char text[256];

	if (in && in->function[0])
		table_set(t, L_IN, NAME(p, text, in->function, p->name));
}

static void put_name(struct page *p, struct table *t, const struct group *g)
{
	char name[256], text[300];

	NAME(p, name, g->row->name, p->name);
	if (g->sum.n == 1)
		table_set(t, L_NAME, name);
	else {
		snprintf(text, sizeof(text), "%s (%zu)", name, g->sum.n);
		table_set(t, L_NAME, text);
	}
}

/* Where several are waited at, there is no more than an upper bound. */
static void put_wall(const struct page *p, struct table *t, const struct group *g)
{
	char ns[UNITS_SIZE], text[UNITS_SIZE + 8];

	page_cell_ns(p, ns, g->sum.any_ns);
	snprintf(text, sizeof(text), "%s%s", g->sum.n > 1 ? "≤ " : "", ns);
	table_set(t, L_WALL, text);
}

static void put_group(struct page *p, struct table *t, const struct group *g)
{
	const struct lock *l = g->row->lock;
	char text[512];

	table_row(t, lock_is_contended(l) ? STYLE_PLAIN : STYLE_DIM);
	put_name(p, t, g);
	table_set(t, L_KIND, lock_kind_name(l->kind));
	table_set(t, L_WAITS, page_cell_count(text, g->sum.waits));
	table_set(t, L_TOTAL, page_cell_ns(p, text, g->sum.ns));
	table_set(t, L_LONGEST, page_cell_ns(p, text, g->sum.max_ns));
	put_wall(p, t, g);
	table_set(t, L_FOR, mostly_for(p, text, sizeof(text), g));
	put_place(p, t, g->row->held_in);
}

static bool is_end(const struct group *g)
{
	return g->row->lock->kind == LOCK_KIND_JOIN || g->row->lock->kind == LOCK_KIND_START;
}

/* As the rows themselves are ordered. */
static int by_weight(const void *a, const void *b)
{
	const struct group *v = a, *w = b;

	if (lock_is_contended(v->row->lock) != lock_is_contended(w->row->lock))
		return lock_is_contended(v->row->lock) ? -1 : 1;
	if (is_end(v) != is_end(w))
		return is_end(v) ? 1 : -1;
	if (v->sum.any_ns != w->sum.any_ns)
		return v->sum.any_ns > w->sum.any_ns ? -1 : 1;
	return v->row < w->row ? -1 : v->row > w->row;
}

static bool is_worth(const struct page *p, const struct findings *f, const struct group *g)
{
	return p->opts->verbose ||
	       (!is_end(g) && (double)g->sum.any_ns >= SMALL * (double)f->model->wall_ns);
}

void text_locks(struct page *p, const struct findings *f)
{
	struct table t = { .columns = columns, .n_columns = L_IN + 1 };
	size_t most = p->opts->verbose ? p->opts->top : ROWS, shown = 0, left = 0;
	struct groups gs = { 0 };

	group_all(&gs, f);
	if (gs.list.n)
		qsort(gs.list.items, gs.list.n, sizeof(*gs.list.items), by_weight);
	for (size_t i = 0; i < gs.list.n; i++) {
		if (!is_worth(p, f, &gs.list.items[i]))
			continue;
		if (shown == most) {
			left++;
			continue;
		}
		if (!shown++)
			page_heading(p, "Locks", "and what else threads waited for each other at");
		put_group(p, &t, &gs.list.items[i]);
	}
	if (shown)
		table_print(&t, p);
	if (left && p->opts->verbose)
		page_text(p, 2, NULL, STYLE_DIM, "%zu more", left);
	intern_free(&gs.names);
	free(gs.list.items);
}
