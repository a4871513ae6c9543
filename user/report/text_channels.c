// SPDX-License-Identifier: BSD-2-Clause
/* Who waits for whom, and who sends signals to whom. */
#include "report/text_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "model/target.h"

#define THROUGH_WIDTH 32
#define ROOMY	      100  /* columns */
#define LEAST	      0.01 /* of the wall time, for a row of its own */
#define SIGNALS_LEAST 20

enum { C_WAITER, C_FOR, C_TOTAL, C_SHARE, C_WAITS, C_MEAN, C_TO, C_THROUGH, C_MESSAGES };

static const struct column columns[] = {
	[C_WAITER] = { .head = "who waits", .left = true, .name = true },
	[C_FOR] = { .head = "for whom", .left = true, .name = true },
	[C_TOTAL] = { .head = "total" },
	[C_SHARE] = { .head = "of its life", .drop = 2 },
	[C_WAITS] = { .head = "waits", .drop = 3 },
	[C_MEAN] = { .head = "mean", .drop = 4 },
	[C_TO] = { .head = "wants", .left = true, .drop = 1 },
	[C_THROUGH] = { .head = "through", .left = true, .drop = 1 },
	[C_MESSAGES] = { .head = "messages", .drop = 5 },
};

static void set_crew(struct page *p, struct table *t, size_t column, const struct channels *c,
		     size_t crew)
{
	char text[CREW_LABEL_SIZE], name[300];

	table_set(t, column, NAME(p, name, crew_label(text, sizeof(text), c, crew), 0));
}

/* What the waiter wants of the other. */
static const char *word_of(const struct channel *c, const struct channel_flow *flow)
{
	if (!strcmp(c->kind, "join"))
		return "its end";
	if (c->is_futex || !strcmp(c->kind, "signal"))
		return "signal";
	if (flow->writes)
		return "room";
	return flow->is_demand ? "work" : "data";
}

/* Those that went the way that is waited for. */
static double messages_of(const struct channel *c, const struct channel_flow *flow)
{
	return flow->writes ? c->messages.writes : c->messages.reads;
}

static void set_messages(struct table *t, const struct findings *f, const struct channel_link *link)
{
	double n = messages_of(&f->channels.items[link->most->channel], link->most);
	char count[UNITS_SIZE], text[UNITS_SIZE + 2];

	if (n <= 0)
		return;
	snprintf(text, sizeof(text), "%s%s", f->model->calls.all_time ? "" : "~",
		 page_cell_count(count, estimate_whole(n)));
	table_set(t, C_MESSAGES, text);
}

static void set_through(struct page *p, struct table *t, const struct channels *c,
			const struct channel_link *link)
{
	const char *most = c->items[link->most->channel].name;
	char name[600], text[700];

	NAME(p, name, target_end_of(most, THROUGH_WIDTH), 0);
	/* Where there is little room, what is waited for is worth more. */
	if (link->n_channels == 1 || (p->limit && p->limit < ROOMY)) {
		table_set(t, C_THROUGH, name);
		return;
	}
	snprintf(text, sizeof(text), "%s +%zu", name, link->n_channels - 1);
	table_set(t, C_THROUGH, text);
}

static void put_link(struct page *p, struct table *t, const struct findings *f,
		     const struct channel_link *link)
{
	const struct channels *c = &f->channels;
	const struct crew *waiter = &c->crews[link->waiter];
	char text[UNITS_SIZE];

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
		  page_cell_ns(p, text,
			       link->waits > 0 ? estimate_whole(link->ns / link->waits) : 0));
	table_set(t, C_TO, word_of(&c->items[link->most->channel], link->most));
	set_through(p, t, c, link);
	set_messages(t, f, link);
}

struct shown {
	size_t n, left;
};

/* A server that waits for clients has nothing to do: those that are held up come first. */
static void put_links(struct page *p, struct table *t, const struct findings *f, bool are_held,
		      struct shown *shown)
{
	const struct channels *c = &f->channels;

	for (size_t i = 0; i < c->n_links; i++) {
		const struct channel_link *link = &c->links[i];

		if (!p->opts->verbose && link->ns < LEAST * (double)f->model->wall_ns)
			break;
		if ((link->held_ns > link->ns / 2) != are_held)
			continue;
		if (shown->n >= p->opts->top) {
			shown->left++;
			continue;
		}
		if (!shown->n++)
			page_heading(p, "Who waits for whom",
				     "by who ended the waits, summed over threads of a name");
		put_link(p, t, f, link);
	}
}

/* Those that the kernel numbers are looked up by nobody. */
void text_channels(struct page *p, const struct findings *f)
{
	struct table t = { .columns = columns, .n_columns = sizeof(columns) / sizeof(*columns) };
	struct shown shown = { 0 };

	put_links(p, &t, f, true, &shown);
	put_links(p, &t, f, false, &shown);
	if (!shown.n)
		return;
	table_print(&t, p);
	if (shown.left)
		page_text(p, 2, NULL, STYLE_DIM, "%zu more", shown.left);
}

enum { S_FROM, S_TO, S_SIGNAL, S_SENT, S_MERGED, S_IGNORED };

static const struct column signal_columns[] = {
	[S_FROM] = { .head = "from", .left = true, .name = true },
	[S_TO] = { .head = "to", .left = true, .name = true },
	[S_SIGNAL] = { .head = "signal", .left = true },
	[S_SENT] = { .head = "sent" },
	[S_MERGED] = { .head = "merged", .drop = 1 },
	[S_IGNORED] = { .head = "ignored", .drop = 1 },
};

static void set_process(struct page *p, struct table *t, size_t column, const char *comm,
			uint32_t pid)
{
	char text[64], name[300];

	snprintf(text, sizeof(text), "%.*s (%u)", EVENT_COMM_SIZE, comm, pid);
	table_set(t, column, NAME(p, name, text, 0));
}

static void put_signal(struct page *p, struct table *t, const struct model *m,
		       const struct signal *s)
{
	const struct process *from = s->from == NO_PROCESS ? NULL : &m->processes[s->from],
			     *to = s->to == NO_PROCESS ? NULL : &m->processes[s->to];
	char text[UNITS_SIZE], name[SIGNAL_NAME_SIZE];

	table_row(t, STYLE_PLAIN);
	if (from)
		set_process(p, t, S_FROM, from->comm, from->pid);
	else if (s->outside_pid)
		set_process(p, t, S_FROM, s->outside_comm, s->outside_pid);
	else
		table_set(t, S_FROM,
			  s->from_id ? "not known" : "the kernel"); /* its ledger was lost */
	if (to)
		set_process(p, t, S_TO, to->comm, to->pid);
	table_set(t, S_SIGNAL, signal_name(name, sizeof(name), s->number));
	table_set(t, S_SENT, page_cell_count(text, s->sent));
	table_set(t, S_MERGED, page_cell_count(text, s->merged));
	table_set(t, S_IGNORED, page_cell_count(text, s->ignored));
}

/* Is it a part of what the process did that one should know of? */
static bool is_worth_saying(const struct page *p, const struct findings *f,
			    const struct handler_row *h)
{
	if (p->opts->verbose)
		return true;
	/* A process that a handler has created (PostgreSQL's, up to 15) need not ever come out of it. */
	if (h->is_all)
		return false;
	return (h->samples_in >= 3 && h->samples_in * 100 >= h->samples) ||
	       h->waiting_ns * 100 >= f->model->wall_ns;
}

static void put_handlers(struct page *p, const struct findings *f, bool is_first)
{
	char running[UNITS_SIZE], waiting[UNITS_SIZE], name[300];
	size_t shown = 0;

	for (size_t i = 0; i < f->n_handlers && shown < p->opts->top; i++) {
		const struct handler_row *h = &f->handlers[i];
		const struct process *who = &f->model->processes[h->process];

		if (!is_worth_saying(p, f, h))
			continue;
		if (!shown++ && is_first)
			page_heading(p, "Signals", NULL);
		page_text(p, 2, NULL, STYLE_PLAIN,
			  "%s (%u) was in handlers of signals for about %s of computing (%" PRIu64
			  " of %" PRIu64 " samples) and %s of waiting.",
			  NAME(p, name, who->comm, 0), who->pid, page_ns(p, running, h->running_ns),
			  h->samples_in, h->samples, page_ns(p, waiting, h->waiting_ns));
	}
}

/* Those that come one by one say nothing about concurrency. */
void text_signals(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	struct table t = { .columns = signal_columns,
			   .n_columns = sizeof(signal_columns) / sizeof(*signal_columns) };
	size_t shown = 0;

	for (size_t i = 0; i < m->n_signals && shown < p->opts->top; i++) {
		if (!p->opts->verbose && m->signals[i].sent < SIGNALS_LEAST)
			break;
		if (!shown++)
			page_heading(p, "Signals",
				     "who sent them to whom; merged: with one pending");
		put_signal(p, &t, m, &m->signals[i]);
	}
	if (shown)
		table_print(&t, p);
	put_handlers(p, f, !shown);
}
