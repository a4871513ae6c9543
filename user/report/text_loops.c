// SPDX-License-Identifier: BSD-2-Clause
/* Event loops: how long they wait, and how long nobody sees to their descriptors. */
#include "report/text_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "model/target.h"

#define NAME_WIDTH   20
#define TARGET_WIDTH 16
#define WAITS_LEAST  3 /* of one descriptor: fewer are no loop */
#define MOST	     0.5
#define AT_ONCE_MOST 0.05 /* of the calls: more, and others lie between two that blocked */

enum { L_LOOP, L_CALL, L_WATCHES, L_WAITS, L_WAITING, L_AWAY, L_P99, L_LONGEST, L_WHAT };

static const struct column columns[] = {
	[L_LOOP] = { .head = "loop of", .left = true, .name = true },
	[L_CALL] = { .head = "call", .left = true, .drop = 3 },
	[L_WATCHES] = { .head = "watches", .drop = 2 },
	[L_WAITS] = { .head = "waits", .drop = 4 },
	[L_WAITING] = { .head = "waiting" },
	[L_AWAY] = { .head = "away" },
	[L_P99] = { .head = "p99", .drop = 5 },
	[L_LONGEST] = { .head = "longest" },
	[L_WHAT] = { .head = "which was", .left = true, .drop = 1 },
};

/* What the longest time away was spent on. */
static const char *what_of(const struct event_loop *l, char *buf, size_t size)
{
	const struct loop_stretch *s = &l->away.longest;
	const char *end;

	if (s->running_ns >= MOST * s->ns)
		return "computing";
	if (s->blocked_ns < MOST * s->ns)
		return s->running_ns + s->blocked_ns < MOST * s->ns ? "no free CPU" : "";
	if (!l->worst.target)
		return cause_name(l->worst.cause);
	end = target_end_of(l->worst.target, TARGET_WIDTH);
	snprintf(buf, size, "%s%s (%s)", end == l->worst.target ? "" : "...", end,
		 cause_name(l->worst.cause));
	return buf;
}

static void set_time(struct page *p, struct table *t, size_t column, uint64_t ns, bool is_bound)
{
	char text[UNITS_SIZE], cell[UNITS_SIZE + 8];

	snprintf(cell, sizeof(cell), "%s%s", is_bound ? "≤ " : "", page_cell_ns(p, text, ns));
	table_set(t, column, cell);
}

static void put_away(struct page *p, struct table *t, const struct event_loop *l)
{
	char what[128], name[600];
	bool is_bound;

	if (!l->away.times)
		return;
	is_bound = !l->calls.calls || l->calls.at_once > AT_ONCE_MOST * l->calls.calls;
	set_time(p, t, L_AWAY, l->away.ns, is_bound);
	set_time(p, t, L_P99, l->away_p99_ns, is_bound);
	set_time(p, t, L_LONGEST, l->away.longest.ns, is_bound);
	table_set(t, L_WHAT, NAME(p, name, what_of(l, what, sizeof(what)), 0));
}

static void put_loop(struct page *p, struct table *t, const struct model *m,
		     const struct event_loop *l)
{
	char text[UNITS_SIZE], who[64], name[300];

	table_row(t, STYLE_PLAIN);
	snprintf(who, sizeof(who), "%.*s%s", EVENT_COMM_SIZE,
		 l->thread == NO_THREAD ? "?" : m->threads[l->thread].comm,
		 l->n_users > 1 ? " and others" : "");
	table_set(t, L_LOOP, NAME(p, name, who, NAME_WIDTH));
	table_set(t, L_CALL, strchr(cause_name(l->cause), '.') + 1);
	if (l->watched) {
		snprintf(text, sizeof(text), "%s%u", l->watched == LOOP_WATCHED ? ">=" : "",
			 l->watched);
		table_set(t, L_WATCHES, text);
	}
	table_set(t, L_WAITS, page_cell_count(text, l->waits));
	table_set(t, L_WAITING, page_cell_ns(p, text, l->ns));
	put_away(p, t, l);
}

/* A wait for one descriptor with a time-out is a wait like any other. */
static bool is_shown(const struct event_loop *l, bool all)
{
	return all || l->cause == CAUSE_EVENT_EPOLL ? l->waits >= WAITS_LEAST || l->calls.calls
						    : l->watched > 1 && l->waits >= WAITS_LEAST;
}

void text_loops(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	struct table t = { .columns = columns, .n_columns = sizeof(columns) / sizeof(*columns) };
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < m->n_loops; i++) {
		if (!is_shown(&m->loops[i], p->opts->verbose))
			continue;
		if (shown >= p->opts->top) {
			left++;
			continue;
		}
		if (!shown++)
			page_heading(p, "Event loops",
				     "many descriptors at once; away: until the next wait");
		put_loop(p, &t, m, &m->loops[i]);
	}
	if (!shown)
		return;
	table_print(&t, p);
	if (left)
		page_text(p, 2, NULL, STYLE_DIM, "%zu more", left);
}
