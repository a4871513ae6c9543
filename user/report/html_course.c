// SPDX-License-Identifier: BSD-2-Clause
/* The course of time as a picture: what the program as a whole did, its phases, how many threads ran. */
#include "report/html.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/units.h"

#define ACROSS	     10000 /* units of a picture's own, that is stretched to the page's width */
#define DOWN	     1000
#define WALL_HEIGHT  132 /* pixels, as all below */
#define PHASE_TOP    (WALL_HEIGHT + 5)
#define PHASE_HEIGHT 22 /* if there are several */
#define RUN_HEIGHT   76
#define MARGIN	     10
#define TICKS_MOST   6
#define TICKS_END    0.78 /* behind it the end itself stands */
#define TABLE_ROWS   16
#define SMALL	     0.0005 /* of the wall time: not in the key */

/* What a slot, or several, consist of, in the order in which they are piled up. */
struct mix {
	uint64_t start_ns, end_ns, busy_ns;
	uint64_t ns[TONE_COUNT];
};

static const unsigned int order[] = {
	TONE_RUNNING, TONE_SERIALISED, TONE_TURNS,  TONE_QUEUED, TONE_LIMIT, TONE_WAKING,
	ROW_LOCK,     ROW_CONVOY,      ROW_SYNC,    ROW_IO,	 ROW_FAULT,  ROW_PEER,
	ROW_QUEUE,    ROW_CHILD,       ROW_SIGNAL,  ROW_OTHER,	 ROW_TIMER,  ROW_EVENT,
	ROW_TICK,     ROW_DEMAND,      ROW_UNKNOWN,
};

#define EACH_TONE(k) for (size_t k = 0; k < sizeof(order) / sizeof(*order); k++)

/* Takes the part from the whole, which has it as a rule. */
static uint64_t take(uint64_t *whole, uint64_t part)
{
	uint64_t taken = part < *whole ? part : *whole;

	*whole -= taken;
	return taken;
}

static void add_slot(struct mix *to, const struct findings *f, const struct slot *s)
{
	uint64_t running = s->running_ns, queued = s->runnable_ns;

	if (to->end_ns <= to->start_ns)
		to->start_ns = s->start_ns;
	to->end_ns = s->end_ns;
	to->busy_ns += s->busy_ns;
	to->ns[TONE_SERIALISED] += take(&running, (uint64_t)slot_serialised(f, s));
	to->ns[TONE_TURNS] += take(&running, f->convoy.is_lock ? s->convoy_ns : 0);
	to->ns[TONE_RUNNING] += running;
	to->ns[TONE_LIMIT] += take(&queued, s->limit_ns);
	to->ns[TONE_WAKING] += take(&queued, s->latency_ns);
	to->ns[TONE_QUEUED] += queued;
	for (unsigned int r = 0; r < ROW_COUNT; r++)
		to->ns[r] += s->row_ns[r];
}

static struct mix mix_of(const struct findings *f, size_t first, size_t end)
{
	struct mix mix = { 0 };

	for (size_t i = first; i < end; i++)
		add_slot(&mix, f, &f->model->strip[i]);
	return mix;
}

static double length_of(const struct mix *m)
{
	return m->end_ns > m->start_ns ? (double)(m->end_ns - m->start_ns) : 1;
}

static double threads_of(const struct mix *m)
{
	return (double)m->busy_ns / length_of(m);
}

struct course {
	struct mix slots[STRIP_SLOTS];
	size_t n;
	struct mix all;
	double wall_ns;
	double most; /* threads at once: the height of the lower picture */
	int run_top; /* ... where it begins */
};

static void fill(struct course *c, const struct findings *f)
{
	c->n = f->model->n_strip;
	c->wall_ns = (double)f->model->wall_ns;
	c->most = f->cpus_allowed > 1 ? f->cpus_allowed : 1;
	if (c->most > 4 * f->parallelism && f->parallelism > 0)
		c->most = 1;
	c->run_top = PHASE_TOP + MARGIN + (f->n_phases > 1 ? PHASE_HEIGHT : 0);
	c->all = mix_of(f, 0, c->n);
	for (size_t i = 0; i < c->n; i++) {
		c->slots[i] = mix_of(f, i, i + 1);
		c->most = fmax(c->most, threads_of(&c->slots[i]));
	}
}

/* --- areas ------------------------------------------------------------------------------- */

struct box {
	int x, y, width, height;
};

static void put_box(FILE *out, const struct box *b)
{
	if (b->width > 0 && b->height > 0)
		fprintf(out, "M%d %dh%dv%dh%dz", b->x, b->y, b->width, b->height, -b->width);
}

/* Those that go on at the same height are one. */
static void add_box(FILE *out, struct box *last, const struct box *b)
{
	if (last->x + last->width == b->x && last->y == b->y && last->height == b->height) {
		last->width += b->width;
		return;
	}
	put_box(out, last);
	*last = *b;
}

static int across(const struct course *c, uint64_t ns)
{
	return c->wall_ns > 0 ? (int)lround(ACROSS * fmin((double)ns / c->wall_ns, 1)) : 0;
}

/* From the bottom: what is piled up below this tone, and itself. */
static struct box box_of(const struct course *c, const struct mix *m, size_t tone)
{
	double below = 0, length = length_of(m);
	int top, bottom;

	for (size_t k = 0; k < tone; k++)
		below += (double)m->ns[order[k]];
	bottom = (int)lround(DOWN * fmax(0, 1 - below / length));
	top = (int)lround(DOWN * fmax(0, 1 - (below + (double)m->ns[order[tone]]) / length));
	return (struct box){ across(c, m->start_ns), top,
			     across(c, m->end_ns) - across(c, m->start_ns), bottom - top };
}

static void begin_area(FILE *out, int top, int height)
{
	fprintf(out,
		"<svg y=\"%d\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 %d %d\" "
		"preserveAspectRatio=\"none\">",
		top, height, ACROSS, DOWN);
}

static void put_wall(FILE *out, const struct course *c)
{
	begin_area(out, 0, WALL_HEIGHT);
	EACH_TONE(k)
	{
		struct box last = { 0 }, b;

		if (!c->all.ns[order[k]])
			continue;
		fprintf(out, "<path class=\"t-%s\" d=\"", html_tone(order[k]));
		for (size_t i = 0; i < c->n; i++) {
			b = box_of(c, &c->slots[i], k);
			add_box(out, &last, &b);
		}
		put_box(out, &last);
		fputs("\"/>", out);
	}
	fputs("</svg>\n", out);
}

static void put_threads(FILE *out, const struct course *c)
{
	struct box last = { 0 }, b;

	begin_area(out, c->run_top, RUN_HEIGHT);
	fputs("<path class=\"t-running\" d=\"", out);
	for (size_t i = 0; i < c->n; i++) {
		const struct mix *m = &c->slots[i];
		int height = (int)lround(DOWN * threads_of(m) / c->most);

		b = (struct box){ across(c, m->start_ns), DOWN - height,
				  across(c, m->end_ns) - across(c, m->start_ns), height };
		add_box(out, &last, &b);
	}
	put_box(out, &last);
	fputs("\"/></svg>\n", out);
}

/* --- what stands around them ------------------------------------------------------------- */

static void put_cpus(FILE *out, const struct course *c, const struct findings *f)
{
	double y = c->run_top + RUN_HEIGHT * (1 - f->cpus_allowed / c->most);

	fprintf(out, "<text class=\"scale\" x=\"4\" y=\"%d\">%.3g thread%s running</text>",
		c->run_top + 13, c->most, c->most == 1 ? "" : "s");
	if (f->cpus_allowed > 0 && f->cpus_allowed <= c->most)
		fprintf(out,
			"<line class=\"limit-line\" x1=\"0\" x2=\"100%%\" y1=\"%.1f\" y2=\"%.1f\"/>"
			"<text class=\"scale end\" x=\"100%%\" dx=\"-4\" y=\"%.1f\">%.4g "
			"CPU%s</text>\n",
			y, y, y + 13, f->cpus_allowed, f->cpus_allowed == 1 ? "" : "s");
}

static void put_phases(struct page *p, const struct findings *f)
{
	char from[UNITS_SIZE], to[UNITS_SIZE], mean[UNITS_SIZE];
	double wall = (double)f->model->wall_ns;

	for (size_t i = 0; f->n_phases > 1 && i < f->n_phases; i++) {
		const struct phase *phase = &f->phases[i];

		fprintf(p->out, "<svg class=\"phase\" y=\"%d\" height=\"%d\"", PHASE_TOP,
			PHASE_HEIGHT);
		html_percent(p->out, "x", (double)phase->start_ns / wall);
		html_percent(p->out, "width", (double)(phase->end_ns - phase->start_ns) / wall);
		fprintf(p->out,
			"><title>%s: %s to %s, %s threads running</title><rect width=\"100%%\" "
			"height=\"100%%\"/><text x=\"5\" y=\"15\">%zu %s</text></svg>\n",
			class_name(phase->class), page_ns(p, from, phase->start_ns),
			page_ns(p, to, phase->end_ns), units_mean(mean, phase->parallelism), i + 1,
			class_name(phase->class));
	}
}

/* 1, 2 or 5, and zeros, or as people divide minutes, hours and days: so that there are a few. */
static double tick_step(double wall_ns)
{
	static const unsigned int seconds[] = { 10,   20,   30,	  60,	120,   300,   600,
						1200, 1800, 3600, 7200, 21600, 43200, 86400 };
	static const double factors[] = { 2, 2.5, 2 };
	double step = 1;

	for (size_t i = 0; wall_ns / step > TICKS_MOST && step < 5e9; i++)
		step *= factors[i % 3];
	for (size_t i = 0; wall_ns / step > TICKS_MOST && i < sizeof(seconds) / sizeof(*seconds);
	     i++)
		step = seconds[i] * 1e9;
	while (wall_ns / step > TICKS_MOST)
		step *= 2;
	return step;
}

static void put_axis(struct page *p, const struct course *c)
{
	double step = tick_step(c->wall_ns);
	int bottom = c->run_top + RUN_HEIGHT;
	char time[UNITS_SIZE];

	for (double at = 0; at < c->wall_ns; at += step) {
		double share = at / c->wall_ns;

		fputs("<line class=\"grid\" y1=\"0\"", p->out);
		html_percent(p->out, "x1", share);
		html_percent(p->out, "x2", share);
		fprintf(p->out, " y2=\"%d\"/>", bottom + 6);
		if (share > TICKS_END)
			continue;
		fprintf(p->out, "<text class=\"tick\" y=\"%d\" dx=\"3\"", bottom + 15);
		html_percent(p->out, "x", share);
		fprintf(p->out, ">%s</text>", at > 0 ? page_ns(p, time, (uint64_t)at) : "0");
	}
	fprintf(p->out, "<text class=\"tick end\" x=\"100%%\" y=\"%d\">%s</text>\n", bottom + 15,
		page_ns(p, time, (uint64_t)c->wall_ns));
}

static void put_key(FILE *out, const struct course *c)
{
	char class[32];

	fputs("<ul class=\"key\">", out);
	EACH_TONE(k)
	{
		snprintf(class, sizeof(class), "t-%s", html_tone(order[k]));
		if ((double)c->all.ns[order[k]] >= SMALL * c->wall_ns)
			html_swatch(out, class, wall_name(order[k]));
	}
	fputs("</ul>\n", out);
}

/* For page.js, which tells of the slot below the pointer. Numbers, and words of ours. */
static void put_data(FILE *out, const struct course *c)
{
	fprintf(out,
		"<script type=\"application/json\" id=\"course-data\">{\"wall\":%.0f,\"names\":[",
		c->wall_ns);
	EACH_TONE(k)
	fprintf(out, "%s\"%s\"", k ? "," : "", wall_name(order[k]));
	fputs("],\"slots\":[", out);
	for (size_t i = 0; i < c->n; i++) {
		const struct mix *m = &c->slots[i];

		fprintf(out, "%s[%" PRIu64 ",%" PRIu64 ",%.4g", i ? ",\n" : "", m->start_ns,
			m->end_ns, threads_of(m));
		EACH_TONE(k)
		{
			if (m->ns[order[k]])
				fprintf(out, ",%zu,%.3g", k,
					(double)m->ns[order[k]] / length_of(m));
		}
		fputc(']', out);
	}
	fputs("]}</script>\n", out);
}

/* --- the same as a table ------------------------------------------------------------------ */

enum { C_FROM, C_TO, C_THREADS, C_RUNNING, C_QUEUED, C_STILL, C_MOSTLY, C_BAR };

static const struct column columns[] = {
	[C_FROM] = { .head = "from" },
	[C_TO] = { .head = "to" },
	[C_THREADS] = { .head = "threads running" },
	[C_RUNNING] = { .head = "running" },
	[C_QUEUED] = { .head = "queued" },
	[C_STILL] = { .head = "standstill" },
	[C_MOSTLY] = { .head = "mostly for", .left = true },
	[C_BAR] = { .head = "of the time", .bar = true },
};

static uint64_t still_ns(const struct mix *m, unsigned int *most)
{
	uint64_t ns = 0;

	*most = 0;
	for (unsigned int r = 0; r < ROW_COUNT; r++) {
		ns += m->ns[r];
		if (m->ns[r] > m->ns[*most])
			*most = r;
	}
	return ns;
}

static void put_row(struct page *p, struct table *t, const struct mix *m)
{
	double length = length_of(m);
	char text[UNITS_SIZE];
	unsigned int most;
	uint64_t still = still_ns(m, &most);
	uint64_t running = m->ns[TONE_RUNNING] + m->ns[TONE_SERIALISED] + m->ns[TONE_TURNS];
	uint64_t queued = m->ns[TONE_QUEUED] + m->ns[TONE_LIMIT] + m->ns[TONE_WAKING];

	table_row(t, STYLE_PLAIN);
	table_set(t, C_FROM, m->start_ns ? page_ns(p, text, m->start_ns) : "0 s");
	table_set(t, C_TO, page_ns(p, text, m->end_ns));
	table_set(t, C_THREADS, units_mean(text, threads_of(m)));
	table_set(t, C_RUNNING, units_percent(text, (double)running / length));
	table_set(t, C_QUEUED, queued ? units_percent(text, (double)queued / length) : "");
	table_set(t, C_STILL, still ? units_percent(text, (double)still / length) : "");
	table_set(t, C_MOSTLY, still ? wall_name(most) : "");
	EACH_TONE(k)
	table_part(t, order[k], (double)m->ns[order[k]] / length);
}

static void put_table(struct page *p, const struct findings *f, const struct course *c)
{
	struct table t = { .columns = columns, .n_columns = C_BAR + 1 };
	size_t rows = c->n < TABLE_ROWS ? c->n : TABLE_ROWS;
	struct mix m;

	fputs("<details><summary>The same as a table</summary>\n", p->out);
	for (size_t i = 0; i < rows; i++) {
		m = mix_of(f, i * c->n / rows, (i + 1) * c->n / rows);
		put_row(p, &t, &m);
	}
	table_print(&t, p);
	fputs("</details>\n", p->out);
}

void html_course(struct page *p, const struct findings *f)
{
	struct course *c = calloc(1, sizeof(*c));
	FILE *out = p->out;

	if (!c)
		out_of_memory();
	fill(c, f);
	if (c->n && c->wall_ns > 0) {
		fprintf(out,
			"<figure class=\"course\">\n<svg id=\"course\" class=\"chart\" "
			"role=\"img\" "
			"aria-label=\"The wall time from its beginning to its end: what the "
			"program did, and how many threads ran\" height=\"%d\">\n",
			c->run_top + RUN_HEIGHT + 20);
		put_wall(out, c);
		put_phases(p, f);
		put_threads(out, c);
		put_axis(p, c);
		put_cpus(out, c, f);
		fputs("</svg>\n", out);
		put_key(out, c);
		fputs("</figure>\n", out);
		put_data(out, c);
		put_table(p, f, c);
	}
	free(c);
}
