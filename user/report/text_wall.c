// SPDX-License-Identifier: BSD-2-Clause
/* The wall time by row: what the program as a whole was doing. The verdict rests on it. */
#include "report/text_parts.h"

#include <string.h>

#include "base/units.h"

#define BAR_COLUMNS 14
#define SMALL	    0.01  /* rows below that are one line together */
#define NOTHING	    0.001 /* ... unless they are less than that together */
#define NAMES_SHOWN 3	  /* of them */

enum { WALL_NAME, WALL_TIME, WALL_SHARE, WALL_BAR, WALL_ABOUT };

static const struct column wall_columns[] = {
	[WALL_NAME] = { .head = "", .left = true },
	[WALL_TIME] = { .head = "" },
	[WALL_SHARE] = { .head = "", .drop = 1 },
	[WALL_BAR] = { .head = "", .left = true, .bar = true, .drop = 2, .style = STYLE_BAR },
	[WALL_ABOUT] = { .head = "", .left = true, .drop = 3, .least = 20 },
};

struct line {
	const char *name, *about;
	uint64_t ns;
	unsigned int tone;
};

/* Rows of waits, and the three ways to be queued. */
#define LINES_MAX (ROW_COUNT + 4)

struct lines {
	struct line items[LINES_MAX];
	size_t n;
	uint64_t wall_ns;
};

const char *wall_name(unsigned int tone)
{
	static const char *const names[TONE_COUNT] = {
		[ROW_IO] = "disk",
		[ROW_FAULT] = "page faults",
		[ROW_PEER] = "peers",
		[ROW_DEMAND] = "input",
		[ROW_TIMER] = "sleep",
		[ROW_LOCK] = "locks",
		[ROW_SYNC] = "threads",
		[ROW_CONVOY] = "turns",
		[ROW_QUEUE] = "queue",
		[ROW_EVENT] = "events",
		[ROW_TICK] = "no event",
		[ROW_CHILD] = "children",
		[ROW_SIGNAL] = "signals",
		[ROW_OTHER] = "other",
		[ROW_UNKNOWN] = "unknown",
		[TONE_RUNNING] = "running",
		[TONE_SERIALISED] = "serialised",
		[TONE_TURNS] = "in turns",
		[TONE_QUEUED] = "queued",
		[TONE_LIMIT] = "limit",
		[TONE_WAKING] = "waking",
		[TONE_YIELDED] = "yielded",
		[TONE_BLOCKED] = "blocked",
	};

	return names[tone];
}

static double share_of(const struct lines *l, uint64_t ns)
{
	return l->wall_ns ? (double)ns / (double)l->wall_ns : 0;
}

static void add(struct lines *l, unsigned int tone, uint64_t ns, const char *about)
{
	if (ns)
		l->items[l->n++] = (struct line){ wall_name(tone), about, ns, tone };
}

static uint64_t less(uint64_t whole, uint64_t part)
{
	return whole > part ? whole - part : 0;
}

static void add_queued(struct lines *l, const struct wall_sums *w)
{
	add(l, TONE_QUEUED, less(w->runnable_ns, w->limit_ns + w->latency_ns),
	    "ready, behind other programs");
	add(l, TONE_LIMIT, w->limit_ns, "ready, its CPU limit used up");
	add(l, TONE_WAKING, w->latency_ns, "woken, on the way to an idle CPU");
}

static void add_waits(struct lines *l, const struct wall_sums *w)
{
	static const char *const about[ROW_COUNT] = {
		[ROW_IO] = "waiting for a disk or a device",
		[ROW_FAULT] = "waiting for memory from disk",
		[ROW_PEER] = "waiting for a server or a reader",
		[ROW_DEMAND] = "waiting for clients or for input",
		[ROW_TIMER] = "sleeping, as it asked to",
		[ROW_LOCK] = "standing still for a lock",
		[ROW_SYNC] = "waiting for another thread",
		[ROW_CONVOY] = "short waits for another thread",
		[ROW_QUEUE] = "waiting for a message",
		[ROW_EVENT] = "waiting for an event",
		[ROW_TICK] = "waiting for an event, up to a time-out",
		[ROW_CHILD] = "waiting for a child process",
		[ROW_SIGNAL] = "waiting for a signal",
		[ROW_OTHER] = "stopped, or in a kernel's lock",
		[ROW_UNKNOWN] = "waiting, not known for what",
	};

	for (unsigned int r = 0; r < ROW_COUNT; r++)
		add(l, r, w->row_ns[r], about[r]);
}

static int largest_first(const void *a, const void *b)
{
	const struct line *v = a, *w = b;

	if (v->ns != w->ns)
		return v->ns > w->ns ? -1 : 1;
	return strcmp(v->name, w->name);
}

static void put_line(struct page *p, struct table *t, const struct lines *l,
		     const struct line *line)
{
	char text[128];
	double share = share_of(l, line->ns);

	table_row(t, STYLE_PLAIN);
	table_set(t, WALL_NAME, line->name);
	table_set(t, WALL_TIME, page_ns(p, text, line->ns));
	table_set(t, WALL_SHARE, units_percent(text, share));
	table_set(t, WALL_BAR, page_bar(p, text, sizeof(text), share, BAR_COLUMNS));
	table_part(t, line->tone, share);
	table_set(t, WALL_ABOUT, line->about);
}

/* Its first row: what the others add up to. */
static void put_whole(struct page *p, struct table *t, const struct lines *l)
{
	char text[UNITS_SIZE];

	table_row(t, STYLE_DIM);
	table_set(t, WALL_NAME, "Wall time");
	table_set(t, WALL_TIME, page_ns(p, text, l->wall_ns));
	table_set(t, WALL_ABOUT, "what the program as a whole did");
}

/* Of the running time: what a lock kept from running beside it. */
static void put_parts(struct page *p, struct table *t, const struct lines *l,
		      const struct findings *f)
{
	const struct wall_sums *w = &f->model->wall;
	char turns[64];
	const struct line parts[] = {
		{ "  serialised", "a lock kept a CPU idle", f->serialised_ns, TONE_SERIALISED },
		{ "  in turns", turns, f->convoy.is_lock ? w->convoy_ns : 0, TONE_TURNS },
	};

	snprintf(turns, sizeof(turns), "a lock let one of %zu compute", f->convoy.threads);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (parts[i].ns && (p->opts->verbose || share_of(l, parts[i].ns) >= SMALL))
			put_line(p, t, l, &parts[i]);
	}
}

static void describe_running(const struct findings *f, char *buf, size_t size)
{
	double at_once = f->running_ns ? (double)f->model->wall.busy_ns / (double)f->running_ns : 0;
	char mean[UNITS_SIZE];

	if (at_once >= 1.005)
		snprintf(buf, size, "computing, %s threads at once", units_mean(mean, at_once));
	else
		snprintf(buf, size, "computing%s",
			 f->totals.threads > 1 ? ", one thread at a time" : "");
}

/* What is left, by name if it is one thing. */
static void put_rest(struct page *p, struct table *t, const struct lines *l, size_t from)
{
	char names[64] = "";
	struct line rest = { "rest", names, 0, TONE_NONE };
	size_t at = 0, left = l->n - from, shown;

	shown = left <= NAMES_SHOWN ? left : NAMES_SHOWN - 1;
	for (size_t i = from; i < l->n; i++) {
		rest.ns += l->items[i].ns;
		if (i < from + shown)
			at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%s",
					       at ? ", " : "", l->items[i].name);
	}
	if (left > shown)
		snprintf(names + at, sizeof(names) - at, ", %zu more", left - shown);
	if (share_of(l, rest.ns) < NOTHING)
		return;
	put_line(p, t, l, left == 1 ? &l->items[from] : &rest);
}

void text_wall(struct page *p, const struct findings *f)
{
	struct table t = { .columns = wall_columns, .n_columns = 5 };
	struct lines l = { .wall_ns = f->model->wall_ns };
	char running[64];
	size_t i;

	if (!l.wall_ns)
		return;
	describe_running(f, running, sizeof(running));
	add(&l, TONE_RUNNING, f->running_ns, running);
	add_queued(&l, &f->model->wall);
	add_waits(&l, &f->model->wall);
	qsort(l.items, l.n, sizeof(l.items[0]), largest_first);
	put_whole(p, &t, &l);
	for (i = 0; i < l.n && (p->opts->verbose || share_of(&l, l.items[i].ns) >= SMALL); i++) {
		put_line(p, &t, &l, &l.items[i]);
		if (l.items[i].tone == TONE_RUNNING)
			put_parts(p, &t, &l, f);
	}
	put_rest(p, &t, &l, i);
	table_print(&t, p);
}
