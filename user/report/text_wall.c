// SPDX-License-Identifier: BSD-2-Clause
/* The program as a whole: its wall time by row, over time, and its parallelism. */
#include "report/text_parts.h"

#include "base/units.h"
#include "report/words.h"

#define BAR_COLUMNS   16
#define STRIP_COLUMNS 50
#define STRIP_LEAST   8 /* fewer slots show no course of time */
#define COUNTS_SHOWN  8

enum { WALL_NAME, WALL_TIME, WALL_SHARE, WALL_BAR, WALL_ABOUT };

static const struct column wall_columns[] = {
	[WALL_NAME] = { "", true, 0 },	 [WALL_TIME] = { "", false, 0 },
	[WALL_SHARE] = { "", false, 1 }, [WALL_BAR] = { "", true, 2 },
	[WALL_ABOUT] = { "", true, 3 },
};

struct wall_line {
	const char *name, *about;
	uint64_t ns;
};

static void add_wall_row(struct page *p, struct table *t, const struct wall_line *line,
			 uint64_t wall_ns)
{
	char text[128];
	double share = wall_ns ? (double)line->ns / (double)wall_ns : 0;

	if (!line->ns)
		return;
	table_row(t, STYLE_PLAIN);
	table_set(t, WALL_NAME, line->name);
	table_set(t, WALL_TIME, page_ns(p, text, line->ns));
	table_set(t, WALL_SHARE, units_percent(text, share));
	table_set(t, WALL_BAR, page_bar(p, text, sizeof(text), share, BAR_COLUMNS));
	table_set(t, WALL_ABOUT, line->about);
}

static uint64_t less(uint64_t whole, uint64_t part)
{
	return whole > part ? whole - part : 0;
}

static void put_rows(struct page *p, const struct findings *f)
{
	static const struct {
		const char *name, *about;
	} rows[ROW_COUNT] = {
		[ROW_IO] = { "disk", "a disk or another device" },
		[ROW_FAULT] = { "page faults", "memory from a disk" },
		[ROW_PEER] = { "peers", "a server or a reader at the other end" },
		[ROW_DEMAND] = { "demand", "clients, a terminal, input: something to do" },
		[ROW_TIMER] = { "sleep", "a time that it asked for to pass" },
		[ROW_LOCK] = { "locks", "a lock to be released" },
		[ROW_SYNC] = { "threads", "another thread's signal" },
		[ROW_CONVOY] = { "turns", "another thread to let go" },
		[ROW_QUEUE] = { "queue", "a message" },
		[ROW_EVENT] = { "events", "an event, and none came" },
		[ROW_CHILD] = { "children", "a child process to end" },
		[ROW_SIGNAL] = { "signals", "a signal" },
		[ROW_OTHER] = { "other", "stops, kernel locks and others" },
		[ROW_UNKNOWN] = { "unknown", "not known" },
	};
	const struct wall_sums *w = &f->model->wall;
	const struct wall_line running = { "running", "at least one thread computed",
					   f->running_ns };
	const struct wall_line serialised = { "  serialised", "a lock kept a CPU idle",
					      w->serialised_ns };
	const struct wall_line convoy = { "  in turns", "a lock let one thread compute at a time",
					  f->convoy.is_lock ? w->convoy_ns : 0 };
	const struct wall_line limit = { "limit", "ready, but its CPU limit was used up",
					 w->limit_ns };
	const struct wall_line latency = { "waking", "woken, on the way to an idle CPU",
					   w->latency_ns };
	const struct wall_line queued = { "queued", "ready, but other programs had the CPUs",
					  less(w->runnable_ns, w->limit_ns + w->latency_ns) };
	struct table t = { .columns = wall_columns, .n_columns = 5 };
	uint64_t wall_ns = f->model->wall_ns;

	add_wall_row(p, &t, &running, wall_ns);
	add_wall_row(p, &t, &serialised, wall_ns);
	add_wall_row(p, &t, &convoy, wall_ns);
	add_wall_row(p, &t, &queued, wall_ns);
	add_wall_row(p, &t, &limit, wall_ns);
	add_wall_row(p, &t, &latency, wall_ns);
	for (unsigned int r = 0; r < ROW_COUNT; r++) {
		struct wall_line line = { rows[r].name, rows[r].about, w->row_ns[r] };

		add_wall_row(p, &t, &line, wall_ns);
	}
	table_print(&t, p);
}

/* Mean number of running threads from start to end. */
static double parallelism_in(const struct model *m, double start, double end)
{
	double busy = 0;

	for (size_t i = 0; i < m->n_strip; i++) {
		const struct slot *s = &m->strip[i];
		double from = (double)s->start_ns, to = (double)s->end_ns, length = to - from;

		if (to <= start || from >= end || length <= 0)
			continue;
		from = from < start ? start : from;
		to = to > end ? end : to;
		busy += (double)s->busy_ns * (to - from) / length;
	}
	return busy / (end - start);
}

static void put_strip(struct page *p, const struct findings *f)
{
	static const char *const levels[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	const struct model *m = f->model;
	size_t n = p->columns - 4 < STRIP_COLUMNS ? p->columns - 4 : STRIP_COLUMNS;
	double most = 0, length;
	double column[STRIP_COLUMNS];
	char text[STRIP_COLUMNS * 4], *to = text;

	if (!p->opts->utf8 || m->n_strip < STRIP_LEAST || !m->wall_ns)
		return;
	length = (double)m->wall_ns / (double)n;
	for (size_t i = 0; i < n; i++) {
		column[i] = parallelism_in(m, (double)i * length, (double)(i + 1) * length);
		most = column[i] > most ? column[i] : most;
	}
	if (most < 0.01)
		return;
	for (size_t i = 0; i < n; i++) {
		int level = (int)(column[i] / most * 8 + 0.5);

		/* A little is not nothing. */
		if (!level && column[i] > 0.005)
			level = 1;
		to += snprintf(to, (size_t)(text + sizeof(text) - to), "%s", levels[level]);
	}
	while (to > text && to[-1] == ' ')
		*--to = '\0';
	page_text(p, 2, NULL, STYLE_PLAIN, "over time: at most %.2f threads running", most);
	fprintf(p->out, "    %s\n", text);
}

/* "none 3 % of the time, 2 threads 95 %, otherwise 2 %" */
static void put_counts(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	char text[64 * (COUNTS_SHOWN + 1)] = "", share[UNITS_SIZE];
	size_t at = 0, shown = 0;
	double rest = 0;

	for (size_t i = 0; i < f->n_counts; i++) {
		uint64_t ns = i ? m->wall.by_count[i] : not_running_ns(m);
		double part = (double)ns / (double)m->wall_ns;
		char number[48] = "none";

		if (part < 0.005 || shown == COUNTS_SHOWN) {
			rest += part;
			continue;
		}
		if (i)
			snprintf(number, sizeof(number), "%zu%s %s", i,
				 i + 1 == WALL_COUNTS ? " or more" : "",
				 i == 1 ? "thread" : "threads");
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s %s%s", shown ? "," : "",
				       number, units_percent(share, part),
				       shown ? "" : " of the time");
		shown++;
	}
	if (rest >= 0.005)
		snprintf(text + at, sizeof(text) - at, ", otherwise %s",
			 units_percent(share, rest));
	page_text(p, 2, NULL, STYLE_PLAIN, "in parallel: %.2f threads on average;%s",
		  f->parallelism, text);
}

static void put_phases(struct page *p, const struct findings *f)
{
	char from[UNITS_SIZE], to[UNITS_SIZE];

	for (size_t i = 0; i < f->n_phases && f->n_phases > 1; i++) {
		const struct phase *phase = &f->phases[i];

		page_text(p, 2, i ? "" : "phases:", STYLE_PLAIN,
			  "%s to %s %s, %.2f threads running", page_ns(p, from, phase->start_ns),
			  page_ns(p, to, phase->end_ns), class_name(phase->class),
			  phase->parallelism);
	}
}

void text_wall(struct page *p, const struct findings *f)
{
	if (!f->model->wall_ns)
		return;
	page_heading(p, "Wall time", "what the program as a whole was doing, or waiting for");
	put_rows(p, f);
	put_counts(p, f);
	put_strip(p, f);
	put_phases(p, f);
}
