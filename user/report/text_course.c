// SPDX-License-Identifier: BSD-2-Clause
/* The course of time: how many threads ran, as a line of bars, and the phases under it. */
#include "report/text_parts.h"

#include <string.h>

#include "base/units.h"
#include "report/words.h"

#define STRIP_COLUMNS 72
#define STRIP_LEAST   4 /* fewer slots show no course of time */
#define COUNTS_BINS   6 /* beside none and one */
#define COUNTS_SMALL  0.01
#define COUNTS_LEAST  0.05 /* of the time: two or more threads at once */
#define PHASE_SHORT   0.1  /* of the run: not one to look at first */

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

struct strip {
	double column[STRIP_COLUMNS]; /* threads running */
	size_t n;		      /* 0: it cannot be shown */
	double full;		      /* what the highest bar stands for: one thread at least */
};

static void fill_strip(struct strip *ret, const struct page *p, const struct model *m)
{
	size_t n = p->columns - 2 < STRIP_COLUMNS ? p->columns - 2 : STRIP_COLUMNS;
	double length = (double)m->wall_ns / (double)n;

	*ret = (struct strip){ .full = 1 };
	if (!p->opts->utf8 || m->n_strip < STRIP_LEAST || !m->wall_ns || p->medium->draw)
		return;
	ret->n = n;
	for (size_t i = 0; i < n; i++) {
		double here = parallelism_in(m, (double)i * length, (double)(i + 1) * length);

		ret->column[i] = here;
		ret->full = here > ret->full ? here : ret->full;
	}
}

static void put_line(struct page *p, enum style style, char *text)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == ' ')
		text[--n] = '\0';
	if (n)
		page_line(p, 2, style, text);
}

static void put_bars(struct page *p, const struct strip *s)
{
	static const char *const levels[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	char text[STRIP_COLUMNS * 4], *to = text;

	*to = '\0';
	for (size_t i = 0; i < s->n; i++) {
		int level = (int)(s->column[i] / s->full * 8 + 0.5);

		/* A little is not nothing. */
		if (!level && s->column[i] > 0.005)
			level = 1;
		to += snprintf(to, (size_t)(text + sizeof(text) - to), "%s", levels[level]);
	}
	put_line(p, STYLE_BAR, text);
}

/* The number of each phase below the bar that it begins at. */
static void put_marks(struct page *p, const struct findings *f, const struct strip *s)
{
	char text[STRIP_COLUMNS + 1];

	memset(text, ' ', sizeof(text));
	text[s->n] = '\0';
	for (size_t i = 0; i < f->n_phases; i++) {
		uint64_t at = f->phases[i].start_ns * s->n / f->model->wall_ns;

		while (at + 1 < s->n && text[at] != ' ')
			at++;
		if (at < s->n)
			text[at] = (char)('1' + i);
	}
	put_line(p, STYLE_PLAIN, text);
}

enum { PHASE_NUMBER, PHASE_FROM, PHASE_TO, PHASE_SHARE, PHASE_CLASS, PHASE_RUNNING };

static void put_phases(struct page *p, const struct findings *f)
{
	static const struct column columns[] = {
		[PHASE_NUMBER] = { .head = "", .left = true },
		[PHASE_FROM] = { .head = "from", .drop = 3 },
		[PHASE_TO] = { .head = "to", .drop = 1 },
		[PHASE_SHARE] = { .head = "share", .drop = 4 },
		[PHASE_CLASS] = { .head = "class", .left = true },
		[PHASE_RUNNING] = { .head = "running", .left = true, .drop = 2 },
	};
	struct table t = { .columns = columns, .n_columns = 6 };
	char text[64], mean[UNITS_SIZE];

	for (size_t i = 0; i < f->n_phases; i++) {
		const struct phase *phase = &f->phases[i];
		double share =
			(double)(phase->end_ns - phase->start_ns) / (double)f->model->wall_ns;

		table_row(&t, share < PHASE_SHORT ? STYLE_DIM : STYLE_PLAIN);
		snprintf(text, sizeof(text), "%zu", i + 1);
		table_set(&t, PHASE_NUMBER, text);
		table_set(&t, PHASE_FROM,
			  phase->start_ns ? page_ns(p, text, phase->start_ns) : "0 s");
		table_set(&t, PHASE_TO, page_ns(p, text, phase->end_ns));
		table_set(&t, PHASE_SHARE, units_percent(text, share));
		table_set(&t, PHASE_CLASS, class_name(phase->class));
		snprintf(text, sizeof(text), "%s threads", units_mean(mean, phase->parallelism));
		table_set(&t, PHASE_RUNNING, text);
	}
	table_print(&t, p);
}

/* More than one thread at once for long enough to be worth a line. */
static bool is_parallel(const struct findings *f)
{
	uint64_t ns = 0;

	for (size_t i = 2; i < f->n_counts; i++)
		ns += f->model->wall.by_count[i];
	return (double)ns >= COUNTS_LEAST * (double)f->model->wall_ns;
}

/* 1 + the highest number of threads that is worth a word. */
static size_t count_counts(const struct findings *f)
{
	double above = 0;
	size_t n = f->n_counts;

	for (; n > 2; n--) {
		above += (double)f->model->wall.by_count[n - 1];
		if (above >= COUNTS_SMALL * (double)f->model->wall_ns)
			break;
	}
	return n;
}

/* The last of the n counts that share a bin with `first`: with many CPUs few would have
 * one of their own. */
static size_t bin_end(size_t n, size_t first)
{
	size_t more = n > 2 ? n - 2 : 0, width = (more + COUNTS_BINS - 1) / COUNTS_BINS;

	if (first < 2)
		return first;
	return first + width < n ? first + width - 1 : n - 1;
}

static void name_bin(char *buf, size_t size, size_t first, size_t last)
{
	const char *more = last + 1 == WALL_COUNTS ? " or more" : "";

	if (!last)
		snprintf(buf, size, "none");
	else if (first == last)
		snprintf(buf, size, "%zu%s thread%s", last, more, last == 1 ? "" : "s");
	else
		snprintf(buf, size, "%zu to %zu%s", first, last, more);
}

/* "1.92 on average: none 3.0 % of the time, 2 threads 95 %" */
static void put_counts(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	char text[64 * (COUNTS_BINS + 2)] = "", share[UNITS_SIZE], name[48];
	size_t at = 0, last, n = count_counts(f);

	for (size_t i = 0; i < n; i = last + 1) {
		uint64_t ns = i ? 0 : not_running_ns(m);
		double part;

		last = bin_end(n, i);
		for (size_t k = i; k && k <= last; k++)
			ns += m->wall.by_count[k];
		part = (double)ns / (double)m->wall_ns;
		if (part < COUNTS_SMALL)
			continue;
		name_bin(name, sizeof(name), i, last);
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s %s %s%s", at ? "," : "",
				       name, units_percent(share, part), at ? "" : " of the time");
	}
	page_text(p, 2, NULL, STYLE_PLAIN, "%s on average:%s", units_mean(share, f->parallelism),
		  text);
}

void text_course(struct page *p, const struct findings *f)
{
	bool parallel = is_parallel(f) || p->opts->verbose, phases = f->n_phases > 1;
	bool drawn = p->medium->draw && f->model->n_strip;
	struct strip strip;
	char about[64], full[UNITS_SIZE];

	if (!f->model->wall_ns)
		return;
	fill_strip(&strip, p, f->model);
	if (!strip.n && !parallel && !phases && !drawn)
		return;
	snprintf(about, sizeof(about), "threads running; █ is %s",
		 strip.full > 1 ? units_mean(full, strip.full) : "1");
	page_heading(p, "Over time",
		     drawn	? "what the program as a whole did, and how many threads ran"
		     : strip.n	? about
		     : parallel ? "threads running"
				: "phases");
	page_draw(p, f, DRAW_COURSE, 0);
	put_bars(p, &strip);
	if (strip.n && phases)
		put_marks(p, f, &strip);
	if (parallel)
		put_counts(p, f);
	if (phases)
		put_phases(p, f);
}
