// SPDX-License-Identifier: BSD-2-Clause
/* The critical path, and who woke whom: threads of one name together. */
#include "report/text_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/places.h"
#include "base/units.h"
#include "model/timeline.h"
#include "report/words.h"

#define ROWS	      8 /* and no more without --top or -v */
#define PLACE_COLUMNS 40

enum { P_THREAD, P_DOES, P_TIME, P_SHARE, P_TIMES };

static const struct column part_columns[] = {
	[P_THREAD] = { .head = "thread", .left = true, .name = true },
	[P_DOES] = { .head = "is", .left = true },
	[P_TIME] = { .head = "time" },
	[P_SHARE] = { .head = "share" },
	[P_TIMES] = { .head = "stretches", .drop = 1 },
};

enum { W_THREAD, W_FOR, W_BY, W_WAITS, W_TIME, W_LONGEST };

static const struct column waking_columns[] = {
	[W_THREAD] = { .head = "thread", .left = true, .name = true },
	[W_FOR] = { .head = "waited for", .left = true },
	[W_BY] = { .head = "and was woken by", .left = true, .name = true },
	[W_WAITS] = { .head = "times", .drop = 1 },
	[W_TIME] = { .head = "waited" },
	[W_LONGEST] = { .head = "longest", .drop = 2 },
};

static const char *comm_of(const struct model *m, size_t thread)
{
	return thread == NO_THREAD ? "" : m->threads[thread].comm;
}

/* --- the path -------------------------------------------------------------------------------- */

static int alike_parts(const void *a, const void *b, void *m)
{
	const struct path_part *x = a, *y = b;
	int names = strcmp(comm_of(m, x->thread), comm_of(m, y->thread));

	if (names)
		return names;
	return x->what != y->what ? (int)x->what - (int)y->what : (int)x->cause - (int)y->cause;
}

static int longest_part(const void *a, const void *b, void *m)
{
	const struct path_part *x = a, *y = b;

	return x->ns != y->ns ? (x->ns > y->ns ? -1 : 1) : alike_parts(a, b, m);
}

/* Those of threads of one name, which `all` sums up. */
struct part_sum {
	struct path_part all, most;
};

static int longest_sum(const void *a, const void *b, void *m)
{
	const struct part_sum *x = a, *y = b;

	return longest_part(&x->all, &y->all, m);
}

/* Into `sums`, of n; how many there are then. */
static size_t sum_parts(struct part_sum *sums, struct path_part *parts, size_t n, struct model *m)
{
	size_t n_sums = 0;

	qsort_r(parts, n, sizeof(*parts), alike_parts, m);
	for (size_t i = 0; i < n; i++) {
		struct part_sum *sum = &sums[n_sums ? n_sums - 1 : 0];

		if (!n_sums || alike_parts(&sum->all, &parts[i], m)) {
			sums[n_sums++] = (struct part_sum){ parts[i], parts[i] };
			continue;
		}
		sum->all.ns += parts[i].ns;
		sum->all.times += parts[i].times;
		if (parts[i].ns > sum->most.ns)
			sum->most = parts[i];
	}
	qsort_r(sums, n_sums, sizeof(*sums), longest_sum, m);
	return n_sums;
}

/* "waiting for a disk, mostly orders.db" */
static void say_wait(const struct page *p, char *buf, size_t size, const struct places *places,
		     const struct part_sum *sum)
{
	const char *where = sum->most.ns > sum->all.ns / 2
				    ? place_name(places, sum->most.thread, sum->most.place)
				    : NULL;
	char name[PLACE_COLUMNS * 4 + 8];

	if (where)
		page_name(p, name, sizeof(name), where, PLACE_COLUMNS);
	snprintf(buf, size, "waiting for %s%s%s", cause_words(sum->all.cause),
		 !where			       ? ""
		 : sum->most.ns == sum->all.ns ? ": "
					       : ", mostly ",
		 where ? name : "");
}

static void say_what(const struct page *p, char *buf, size_t size, const struct places *places,
		     const struct part_sum *sum)
{
	static const char *const whats[PATH_WHAT_COUNT] = { [PATH_RUNNING] = "running",
							    [PATH_QUEUED] =
								    "ready, without a CPU yet",
							    [PATH_UNKNOWN] = "not known" };

	if (sum->all.what == PATH_BLOCKED)
		say_wait(p, buf, size, places, sum);
	else
		snprintf(buf, size, "%s", whats[sum->all.what]);
}

static void put_part(struct page *p, struct table *t, const struct model *m,
		     const struct places *places, const struct part_sum *sum, uint64_t whole)
{
	const struct path_part *part = &sum->all;
	char text[320], name[160];

	table_row(t, STYLE_PLAIN);
	NAME(p, name, comm_of(m, part->thread), p->name);
	table_set(t, P_THREAD, name);
	say_what(p, text, sizeof(text), places, sum);
	table_set(t, P_DOES, text);
	table_set(t, P_TIME, page_cell_ns(p, text, part->ns));
	table_set(t, P_SHARE, units_percent(text, whole ? (double)part->ns / whole : 0));
	table_set(t, P_TIMES, page_cell_count(text, part->times));
}

static size_t rows_of(const struct page *p, size_t n)
{
	size_t most = p->opts->verbose || p->opts->top > ROWS ? p->opts->top : ROWS;

	return n < most ? n : most;
}

static void put_parts(struct page *p, const struct findings *f, uint64_t whole)
{
	struct table t = { .columns = part_columns,
			   .n_columns = sizeof(part_columns) / sizeof(*part_columns) };
	size_t n = f->path->n_parts, shown;
	struct path_part *parts = reallocarray(NULL, n + 1, sizeof(*parts));
	struct part_sum *sums = reallocarray(NULL, n + 1, sizeof(*sums));
	char text[UNITS_SIZE];
	struct places places;
	uint64_t rest = 0;

	if (!parts || !sums)
		out_of_memory();
	places_begin(&places, f);
	if (n)
		memcpy(parts, f->path->parts, n * sizeof(*parts));
	n = sum_parts(sums, parts, n, (struct model *)f->model);
	shown = rows_of(p, n);
	for (size_t i = 0; i < shown; i++)
		put_part(p, &t, f->model, &places, &sums[i], whole);
	for (size_t i = shown; i < n; i++)
		rest += sums[i].all.ns;
	table_print(&t, p);
	if (rest)
		page_text(p, 2, NULL, STYLE_DIM, "%zu more, %s in all", n - shown,
			  page_ns(p, text, rest));
	places_end(&places);
	free(sums);
	free(parts);
}

/* "main (12)" */
static void name_thread(const struct page *p, char *buf, size_t size, const struct model *m,
			size_t thread)
{
	size_t used;

	page_name(p, buf, size, comm_of(m, thread), 0);
	used = strlen(buf);
	snprintf(buf + used, size - used, " (%u)", m->threads[thread].tid);
}

static void put_hops(struct page *p, const struct findings *f)
{
	const struct path_hop *h = f->path->hops;
	char from[160], to[160], times[UNITS_SIZE], name[PLACE_COLUMNS * 4 + 8] = "";
	struct places places;
	const char *where;

	if (!f->path->n_hops || h->created)
		return;
	places_begin(&places, f);
	where = place_name(&places, h->to, h->place);
	if (where)
		page_name(p, name, sizeof(name), where, PLACE_COLUMNS);
	places_end(&places);
	name_thread(p, from, sizeof(from), f->model, h->from);
	name_thread(p, to, sizeof(to), f->model, h->to);
	page_text(p, 2, NULL, STYLE_PLAIN,
		  "It goes over most often from %s to %s: %s time%s, at the end of a wait for "
		  "%s%s%s.",
		  from, to, units_count(times, h->times), h->times == 1 ? "" : "s",
		  cause_words(h->cause), where ? ": " : "", name);
}

void text_timeline(struct page *p, const struct findings *f)
{
	if (!p->medium->draw || !timeline_is_there(f->model))
		return;
	page_heading(p, "Threads over time",
		     "what each did, in each moment the most; a wait by what it was for");
	page_draw(p, f, DRAW_TIMELINE, 0);
}

void text_path(struct page *p, const struct findings *f)
{
	const struct path *path = f->path;
	char length[UNITS_SIZE], wall[UNITS_SIZE], name[160], running[16], queued[16], blocked[16];
	uint64_t whole;

	if (!path || path->last == NO_THREAD)
		return;
	whole = path->end_ns - path->start_ns;
	name_thread(p, name, sizeof(name), f->model, path->last);
	page_heading(p, "Critical path",
		     "the one chain of work and waits that leads to the end: what is not on it "
		     "does not make the run longer");
	page_text(p, 2, NULL, STYLE_PLAIN,
		  "Of %s, %s are one chain up to %s of %s: %s of it running, %s ready and without "
		  "a CPU, %s waiting "
		  "for what no thread of the program ended.",
		  page_ns(p, wall, f->model->wall_ns), page_ns(p, length, whole),
		  f->model->end.ended_by == ENDED_COMMAND ? "the end" : "the last step", name,
		  units_percent(running, whole ? (double)path->sums_ns[PATH_RUNNING] / whole : 0),
		  units_percent(queued, whole ? (double)path->sums_ns[PATH_QUEUED] / whole : 0),
		  units_percent(blocked, whole ? (double)path->sums_ns[PATH_BLOCKED] / whole : 0));
	put_parts(p, f, whole);
	put_hops(p, f);
}

/* --- who woke whom --------------------------------------------------------------------------- */

static int alike_wakings(const void *a, const void *b, void *m)
{
	const struct waking *x = a, *y = b;
	int names = strcmp(comm_of(m, x->thread), comm_of(m, y->thread));

	if (!names)
		names = strcmp(comm_of(m, x->by), comm_of(m, y->by));
	if (names)
		return names;
	return (int)(x->how << 8 | x->cause) - (int)(y->how << 8 | y->cause);
}

static int longest_waking(const void *a, const void *b, void *m)
{
	const struct waking *x = a, *y = b;

	return x->ns != y->ns ? (x->ns > y->ns ? -1 : 1) : alike_wakings(a, b, m);
}

static size_t sum_wakings(struct waking *rows, size_t n, struct model *m)
{
	size_t sums = 0;

	qsort_r(rows, n, sizeof(*rows), alike_wakings, m);
	for (size_t i = 0; i < n; i++) {
		struct waking *sum = &rows[sums ? sums - 1 : 0];

		if (!sums || alike_wakings(sum, &rows[i], m)) {
			rows[sums++] = rows[i];
			continue;
		}
		sum->waits += rows[i].waits;
		sum->ns += rows[i].ns;
		if (rows[i].max_ns > sum->max_ns)
			sum->max_ns = rows[i].max_ns;
	}
	qsort_r(rows, sums, sizeof(*rows), longest_waking, m);
	return sums;
}

static void put_waking(struct page *p, struct table *t, const struct model *m,
		       const struct waking *w)
{
	char text[64], name[160];

	table_row(t, STYLE_PLAIN);
	NAME(p, name, comm_of(m, w->thread), p->name);
	table_set(t, W_THREAD, name);
	table_set(t, W_FOR, cause_words(w->cause));
	if (w->how == WOKEN_BY_THREAD)
		table_set(t, W_BY, NAME(p, name, comm_of(m, w->by), p->name));
	else
		table_set(t, W_BY,
			  w->how == WOKEN_BY_INTERRUPT ? "a timer or a device"
						       : "another program, or the kernel");
	table_set(t, W_WAITS, page_cell_count(text, w->waits));
	table_set(t, W_TIME, page_cell_ns(p, text, w->ns));
	table_set(t, W_LONGEST, page_cell_ns(p, text, w->max_ns));
}

void text_wakings(struct page *p, const struct findings *f)
{
	struct table t = { .columns = waking_columns,
			   .n_columns = sizeof(waking_columns) / sizeof(*waking_columns) };
	struct waking *rows;
	size_t n, shown;

	if (!f->path || !f->path->n_wakings)
		return;
	n = f->path->n_wakings;
	rows = reallocarray(NULL, n, sizeof(*rows));
	if (!rows)
		out_of_memory();
	memcpy(rows, f->path->wakings, n * sizeof(*rows));
	n = sum_wakings(rows, n, (struct model *)f->model);
	shown = rows_of(p, n);
	page_heading(p, "Who woke whom", "each wait of the timeline, by what ended it");
	for (size_t i = 0; i < shown; i++)
		put_waking(p, &t, f->model, &rows[i]);
	table_print(&t, p);
	if (shown < n)
		page_text(p, 2, NULL, STYLE_DIM, "%zu more", n - shown);
	free(rows);
}
