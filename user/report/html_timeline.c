// SPDX-License-Identifier: BSD-2-Clause
/* Threads over time, each a line of what it did; page.js lets one look closer. */
#include "report/html.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/units.h"
#include "model/timeline.h"
#include "report/lanes.h"
#include "report/room.h"

#define LANES	    40
#define RUNS	    12000 /* in all: some 150 KB */
#define LANE_HEIGHT 26
#define BAR_TOP	    14
#define BAR_HEIGHT  10
#define AXIS_HEIGHT 20
#define COLUMNS	    60
#define BRIEF	    500 /* of the wall time: shorter lives would hardly be seen */
#define FEW	    8
#define SMALL	    0.01 /* of what a thread did: not said */

/* --- who is drawn -------------------------------------------------------------------------- */

static int by_place(const void *a, const void *b)
{
	const size_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool is_brief(const struct model *m, const struct thread *t)
{
	return t->lifetime_ns < m->wall_ns / BRIEF;
}

/* Those that are busy, by start; of brief ones as many as make it a few. */
static size_t choose(const struct model *m, size_t ret[LANES])
{
	const struct thread **ranked = reallocarray(NULL, m->n_threads + 1, sizeof(*ranked));
	size_t n = 0;

	if (!ranked)
		out_of_memory();
	for (size_t i = 0; i < m->n_threads; i++)
		ranked[i] = &m->threads[i];
	if (m->n_threads)
		qsort(ranked, m->n_threads, sizeof(*ranked), room_busiest_first);
	for (int brief = 0; brief < 2; brief++) {
		for (size_t i = 0; i < m->n_threads && n < (brief ? FEW : LANES); i++) {
			if (is_brief(m, ranked[i]) == brief)
				ret[n++] = (size_t)(ranked[i] - m->threads);
		}
	}
	if (n)
		qsort(ret, n, sizeof(*ret), by_place);
	free(ranked);
	return n;
}

/* --- one line ------------------------------------------------------------------------------ */

static uint64_t sum_of(const struct lane *lane)
{
	uint64_t sum = 0;

	for (unsigned int k = 0; k < TONE_COUNT; k++)
		sum += lane->ns[k];
	return sum;
}

/* "running 12 %, disk 80 %", the most first. */
static void say_shares(FILE *out, const struct lane *lane)
{
	uint64_t left[TONE_COUNT], all = sum_of(lane);
	char share[UNITS_SIZE];
	bool any = false;

	for (unsigned int k = 0; k < TONE_COUNT; k++)
		left[k] = lane->ns[k];
	for (;;) {
		unsigned int most = 0;

		for (unsigned int k = 1; k < TONE_COUNT; k++)
			most = left[k] > left[most] ? k : most;
		if (!left[most] || (any && (double)left[most] < SMALL * (double)all))
			return;
		fprintf(out, "%s%s %s", any ? ", " : "", wall_name(most),
			units_percent(share, (double)left[most] / (double)all));
		left[most] = 0;
		any = true;
	}
}

static void put_label(struct page *p, const struct thread *t, int y)
{
	fprintf(p->out, "<text x=\"2\" y=\"%d\"><tspan class=\"name\">", y + 11);
	html_name(p, t->comm, COLUMNS);
	fprintf(p->out, "</tspan> %u</text>", t->tid);
}

static void put_tone(FILE *out, const struct lane *lane, unsigned int tone)
{
	bool any = false;

	for (size_t i = 0; i < lane->runs.n; i++) {
		const struct lane_run *run = &lane->runs.items[i];

		if (run->tone != tone)
			continue;
		if (!any)
			fprintf(out, "<path class=\"t-%s\" data-tone=\"%u\" d=\"", html_tone(tone),
				tone);
		fprintf(out, "M%u 0h%uv1h-%uz", run->from, run->n, run->n);
		any = true;
	}
	if (any)
		fputs("\"/>", out);
}

static void put_lane(struct page *p, const struct lanes *lanes, size_t i, const struct model *m)
{
	const struct lane *lane = &lanes->items.items[i];
	const struct thread *t = &m->threads[lane->thread];
	int y = (int)i * LANE_HEIGHT;

	put_label(p, t, y);
	fprintf(p->out,
		"<svg class=\"lane\" y=\"%d\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 %u 1\" "
		"preserveAspectRatio=\"none\"><title>",
		y + BAR_TOP, BAR_HEIGHT, lanes->slots);
	html_name(p, t->comm, COLUMNS);
	fprintf(p->out, " %u: ", t->tid);
	say_shares(p->out, lane);
	fputs("</title>", p->out);
	for (unsigned int tone = 0; tone < TONE_COUNT; tone++)
		put_tone(p->out, lane, tone);
	fputs("</svg>\n", p->out);
}

/* --- all of them --------------------------------------------------------------------------- */

static void put_key(FILE *out, const struct lanes *lanes)
{
	char class[32];

	fputs("<ul class=\"key\">", out);
	for (unsigned int tone = 0; tone < TONE_COUNT; tone++) {
		bool is_there = false;

		for (size_t i = 0; i < lanes->items.n; i++)
			is_there |= lanes->items.items[i].ns[tone] > 0;
		snprintf(class, sizeof(class), "t-%s", html_tone(tone));
		if (is_there)
			html_swatch(out, class, wall_name(tone));
	}
	fputs("</ul>\n", out);
}

/* For page.js: numbers, and words of ours. */
static void put_data(FILE *out, const struct lanes *lanes)
{
	fprintf(out,
		"<script type=\"application/json\" id=\"timeline-data\">{\"slot\":%" PRIu64
		",\"slots\":%u,\"height\":%d,\"names\":[",
		lanes->slot_ns, lanes->slots, LANE_HEIGHT);
	for (unsigned int tone = 0; tone < TONE_COUNT; tone++)
		fprintf(out, "%s\"%s\"", tone ? "," : "", wall_name(tone));
	fputs("]}</script>\n", out);
}

void html_timeline(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	char time[UNITS_SIZE];
	size_t threads[LANES], n = choose(m, threads);
	struct lanes lanes;

	lanes_make(&lanes, m, threads, n, RUNS);
	fprintf(p->out,
		"<figure class=\"timeline\">\n<svg id=\"timeline\" class=\"chart\" role=\"group\" "
		"aria-label=\"Threads over time: what each did\" height=\"%zu\">\n",
		n * LANE_HEIGHT + AXIS_HEIGHT);
	for (size_t i = 0; i < n; i++)
		put_lane(p, &lanes, i, m);
	fprintf(p->out,
		"<text class=\"tick\" id=\"timeline-from\" x=\"2\" y=\"%zu\">0</text>"
		"<text class=\"tick end\" id=\"timeline-to\" x=\"100%%\" "
		"y=\"%zu\">%s</text>\n</svg>\n",
		n * LANE_HEIGHT + AXIS_HEIGHT - 5, n * LANE_HEIGHT + AXIS_HEIGHT - 5,
		page_ns(p, time, m->wall_ns));
	put_key(p->out, &lanes);
	fputs("</figure>\n", p->out);
	put_data(p->out, &lanes);
	if (n < m->n_threads)
		page_text(p, 2, NULL, STYLE_DIM,
			  "%zu more threads, which computed less or were brief, are not in the "
			  "picture",
			  m->n_threads - n);
	lanes_free(&lanes);
}
