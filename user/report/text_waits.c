// SPDX-License-Identifier: BSD-2-Clause
/* What threads waited for, summed; and what was still open at the end. */
#include "report/text_parts.h"

#include "base/units.h"

#define SMALL	    0.01 /* of the wall time: such waits are one line together */
#define CALLS_LEAST 100
#define CALLS_VAIN  0.25

enum { WAIT_CAUSE, WAIT_COUNT, WAIT_TOTAL, WAIT_MEAN, WAIT_LONGEST, WAIT_ABOUT };

static const struct column wait_columns[] = {
	[WAIT_CAUSE] = { .head = "cause", .left = true },
	[WAIT_COUNT] = { .head = "waits", .drop = 2 },
	[WAIT_TOTAL] = { .head = "total" },
	[WAIT_MEAN] = { .head = "mean", .drop = 3 },
	[WAIT_LONGEST] = { .head = "longest", .drop = 1 },
	[WAIT_ABOUT] = { .head = "waiting for", .left = true, .drop = 4, .least = 12 },
};

static int by_time(const void *a, const void *b)
{
	const struct wait *v = *(const struct wait *const *)a, *w = *(const struct wait *const *)b;

	if (v->ns != w->ns)
		return v->ns > w->ns ? -1 : 1;
	return (int)v->cause - (int)w->cause;
}

static void add_wait_row(struct page *p, struct table *t, const struct wait *w)
{
	char text[UNITS_SIZE];

	table_row(t, STYLE_PLAIN);
	table_set(t, WAIT_CAUSE, cause_name(w->cause));
	table_set(t, WAIT_COUNT, page_cell_count(text, w->count));
	table_set(t, WAIT_TOTAL, page_cell_ns(p, text, w->ns));
	table_set(t, WAIT_MEAN, page_cell_ns(p, text, w->count ? w->ns / w->count : 0));
	table_set(t, WAIT_LONGEST, page_cell_ns(p, text, w->max_ns));
	table_set(t, WAIT_ABOUT, cause_words(w->cause));
}

static size_t sort_waits(const struct wait *sorted[CAUSE_COUNT], const struct findings *f)
{
	size_t n = 0;

	for (int c = 0; c < CAUSE_COUNT; c++) {
		const struct wait *w = &f->totals.waits[c];

		if (w->ns || w->count)
			sorted[n++] = w;
	}
	qsort(sorted, n, sizeof(sorted[0]), by_time);
	return n;
}

void text_waits(struct page *p, const struct findings *f)
{
	struct table t = { .columns = wait_columns, .n_columns = 6 };
	const struct wait *sorted[CAUSE_COUNT];
	size_t n = sort_waits(sorted, f), shown = 0;
	double small = p->opts->verbose ? 0 : SMALL * (double)f->model->wall_ns;
	bool repeated = p->opts->verbose && n;
	uint64_t rest = 0;
	char time[UNITS_SIZE];

	while (shown < n && shown < p->opts->top && (double)sorted[shown]->ns >= small)
		repeated |= sorted[shown++]->count > 1;
	/* What happened once stands in the table of threads. */
	if (!repeated)
		return;
	page_heading(p, "Waits", "what blocked threads waited for, summed over all threads");
	for (size_t i = 0; i < shown; i++)
		add_wait_row(p, &t, sorted[i]);
	table_print(&t, p);
	for (size_t i = shown; i < n; i++)
		rest += sorted[i]->ns;
	if ((double)rest >= SMALL * (double)f->model->wall_ns && rest)
		page_text(p, 2, NULL, STYLE_DIM, "%zu other cause%s, %s in all", n - shown,
			  n - shown == 1 ? "" : "s", page_ns(p, time, rest));
}

/* Asked for, or so many in vain that it says something. */
static bool calls_matter(const struct page *p, const struct ev_calls *c)
{
	const struct calls_sums *s = &c->sums;
	uint64_t all = s->futex_waits + s->epoll_waits, vain = s->futex_again + s->epoll_empty;

	if (!s->futex_waits && !s->futex_wakes && !s->epoll_waits)
		return false;
	return c->all_time || p->opts->verbose || (all >= CALLS_LEAST && vain >= CALLS_VAIN * all);
}

/* Where most of them were, if one lock has most. */
static void put_wakes_for_nobody(struct page *p, const struct findings *f)
{
	uint64_t all = f->model->calls.sums.futex_wake_none;
	const struct lock_row *most = NULL;
	char a[UNITS_SIZE], b[UNITS_SIZE], name[LOCK_NAME_SIZE];

	for (size_t i = 0; i < f->n_locks; i++) {
		const struct lock_row *row = &f->locks[i];

		if (2 * row->lock->calls.wake_none > all)
			most = row;
	}
	if (most)
		page_text(p, 2, NULL, STYLE_PLAIN,
			  "futex: %s wakes found nobody waiting, %s of them at %s",
			  units_count(a, all), units_count(b, most->lock->calls.wake_none),
			  NAME(p, name, most->name, 0));
	else
		page_text(p, 2, NULL, STYLE_PLAIN, "futex: %s wakes found nobody waiting",
			  units_count(a, all));
}

void text_calls(struct page *p, const struct findings *f)
{
	const struct ev_calls *c = &f->model->calls;
	const struct calls_sums *s = &c->sums;
	char a[UNITS_SIZE], b[UNITS_SIZE], d[UNITS_SIZE], windows[64], time[UNITS_SIZE];

	if (!calls_matter(p, c))
		return;
	page_heading(p, "Calls",
		     c->all_time ? "of futex and epoll" : "of futex and epoll, in samples of time");
	if (!c->all_time)
		page_text(p, 2, NULL, STYLE_DIM, "seen in %s, %s together",
			  page_counted(windows, sizeof(windows), c->windows, "window", "windows"),
			  page_ns(p, time, c->window_ns));
	if (s->futex_waits || s->futex_wakes)
		page_text(
			p, 2, NULL, STYLE_PLAIN,
			"futex: %s waits, %s of them in vain as the lock was free again; %s wakes",
			units_count(a, s->futex_waits), units_count(b, s->futex_again),
			units_count(d, s->futex_wakes));
	if (s->futex_wake_none)
		put_wakes_for_nobody(p, f);
	if (s->epoll_waits)
		page_text(p, 2, NULL, STYLE_PLAIN,
			  "epoll: %s waits gave %s events; %s came back empty",
			  units_count(a, s->epoll_waits), units_count(b, s->epoll_events),
			  units_count(d, s->epoll_empty));
}

/* ------------------------------------------------------------------------- */

enum { OPEN_NAME, OPEN_TID, OPEN_CAUSE, OPEN_FOR, OPEN_ABOUT };

static const struct column open_columns[] = {
	[OPEN_NAME] = { .head = "name", .left = true, .name = true },
	[OPEN_TID] = { .head = "tid", .drop = 2 },
	[OPEN_CAUSE] = { .head = "in", .left = true, .drop = 1 },
	[OPEN_FOR] = { .head = "for" },
	[OPEN_ABOUT] = { .head = "waiting for", .left = true, .drop = 3, .least = 12 },
};

static int by_open_time(const void *a, const void *b)
{
	const struct thread *v = *(const struct thread *const *)a;
	const struct thread *w = *(const struct thread *const *)b;

	if (v->open_for_ns != w->open_for_ns)
		return v->open_for_ns > w->open_for_ns ? -1 : 1;
	return v->id < w->id ? -1 : v->id > w->id;
}

static void add_open_row(struct page *p, struct table *t, const struct thread *thread)
{
	char text[128];

	table_row(t, STYLE_PLAIN);
	table_set(t, OPEN_NAME, NAME(p, text, thread->comm, p->name));
	snprintf(text, sizeof(text), "%u", thread->tid);
	table_set(t, OPEN_TID, text);
	table_set(t, OPEN_CAUSE, cause_name(thread->open_cause));
	table_set(t, OPEN_FOR, page_ns(p, text, thread->open_for_ns));
	table_set(t, OPEN_ABOUT, cause_words(thread->open_cause));
}

static void put_open_waits(struct page *p, const struct model *m)
{
	struct table t = { .columns = open_columns, .n_columns = 5 };
	VEC(const struct thread *) open = { 0 };
	size_t shown;

	for (size_t i = 0; i < m->n_threads; i++) {
		if (m->threads[i].flags & THREAD_OPEN_WAIT)
			*vec_add(&open) = &m->threads[i];
	}
	if (!open.n)
		return;
	qsort(open.items, open.n, sizeof(open.items[0]), by_open_time);
	shown = open.n < p->opts->top ? open.n : p->opts->top;
	page_heading(p, "Still waiting", "when the measurement ended");
	for (size_t i = 0; i < shown; i++)
		add_open_row(p, &t, open.items[i]);
	table_print(&t, p);
	if (shown < open.n)
		page_text(p, 2, NULL, STYLE_DIM, "%zu more for a shorter time", open.n - shown);
	free(open.items);
}

void text_left_over(struct page *p, const struct findings *f)
{
	put_open_waits(p, f->model);
}
