// SPDX-License-Identifier: BSD-2-Clause
/* Who waits for whom. */
#include "report/text_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "model/target.h"

#define THROUGH_WIDTH 32
#define LEAST	      0.01 /* of the wall time, for a row of its own */

enum { C_WAITER, C_FOR, C_TOTAL, C_SHARE, C_WAITS, C_MEAN, C_TO, C_THROUGH };

static const struct column columns[] = {
	[C_WAITER] = { .head = "who waits", .left = true, .name = true },
	[C_FOR] = { .head = "for whom", .left = true, .name = true },
	[C_TOTAL] = { .head = "total" },
	[C_SHARE] = { .head = "of its life", .drop = 2 },
	[C_WAITS] = { .head = "waits", .drop = 3 },
	[C_MEAN] = { .head = "mean", .drop = 4 },
	[C_TO] = { .head = "to", .left = true, .drop = 1 },
	[C_THROUGH] = { .head = "through", .left = true, .drop = 1 },
};

static const struct party *first_of(const struct channels *c, size_t crew)
{
	return &c->parties[c->crews[crew].party];
}

static bool has_namesakes(const struct channels *c, size_t crew)
{
	for (size_t i = 0; i < c->n_crews; i++) {
		if (i != crew && !strcmp(first_of(c, i)->comm, first_of(c, crew)->comm))
			return true;
	}
	return false;
}

static void set_crew(struct page *p, struct table *t, size_t column, const struct channels *c,
		     size_t crew)
{
	const struct party *party = first_of(c, crew);
	const char *outside = party->process == OUTSIDE ? ", outside" : "";
	const char *command = has_namesakes(c, crew) ? c->crews[crew].command : NULL;
	char text[128], name[300], who[64];

	snprintf(who, sizeof(who), "%.*s%s%s", EVENT_COMM_SIZE, party->comm, command ? " " : "",
		 command ? command : "");
	if (c->crews[crew].parties > 1)
		snprintf(text, sizeof(text), "%s, %zu of them%s", who, c->crews[crew].parties,
			 outside);
	else if (*outside || (has_namesakes(c, crew) && !command))
		snprintf(text, sizeof(text), "%s (%u)%s", who, party->pid, outside);
	else
		snprintf(text, sizeof(text), "%s", who);
	table_set(t, column, NAME(p, name, text, 0));
}

static void put_link(struct page *p, struct table *t, const struct channels *c,
		     const struct channel_link *link)
{
	const struct crew *waiter = &c->crews[link->waiter];
	char text[UNITS_SIZE], name[600];

	table_row(t, STYLE_PLAIN);
	set_crew(p, t, C_WAITER, c, link->waiter);
	if (link->waiter == link->waker)
		table_set(t, C_FOR, "each other");
	else
		set_crew(p, t, C_FOR, c, link->waker);
	table_set(t, C_TOTAL, page_cell_ns(p, text, estimate_whole(link->ns)));
	if (waiter->lifetime_ns)
		table_set(t, C_SHARE, units_percent(text, link->ns / (double)waiter->lifetime_ns));
	table_set(t, C_WAITS, page_cell_count(text, estimate_whole(link->waits)));
	table_set(t, C_MEAN,
		  page_cell_ns(p, text, link->waits > 0 ? estimate_whole(link->ns / link->waits) : 0));
	table_set(t, C_TO, link->most->writes ? "write" : "read");
	table_set(t, C_THROUGH,
		  NAME(p, name, target_end_of(c->items[link->most->channel].name, THROUGH_WIDTH), 0));
}

/* Those that the kernel numbers are looked up by nobody. */
void text_channels(struct page *p, const struct findings *f)
{
	const struct channels *c = &f->channels;
	struct table t = { .columns = columns, .n_columns = sizeof(columns) / sizeof(*columns) };
	size_t shown = 0, left = 0;

	for (size_t i = 0; i < c->n_links; i++) {
		if (!p->opts->verbose && c->links[i].ns < LEAST * (double)f->model->wall_ns)
			break;
		if (shown >= p->opts->top) {
			left++;
			continue;
		}
		if (!shown++)
			page_heading(p, "Who waits for whom",
				     "by who ended the waits, summed over threads of a name");
		put_link(p, &t, c, &c->links[i]);
	}
	if (!shown)
		return;
	table_print(&t, p);
	if (left)
		page_text(p, 2, NULL, STYLE_DIM, "%zu more", left);
}
