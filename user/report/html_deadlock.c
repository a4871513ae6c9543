// SPDX-License-Identifier: BSD-2-Clause
/*
 * Threads that wait for each other, as a picture: from top to bottom a thread, what it waits for, who
 * has that, and so on, and from the last back to the first. It is as narrow as a telephone.
 */
#include "report/html.h"

#include <string.h>

#include "analysis/deadlocks.h"
#include "base/escape.h"
#include "base/sentence.h"
#include "report/frames.h"

#define SHOWN	    8 /* members; with more it is cut after these */
#define WIDTH	    340
#define LEFT	    44 /* of the boxes: left of them the way back */
#define BOX_WIDTH   (WIDTH - LEFT - 4)
#define BOX_HEIGHT  44
#define GAP	    34 /* between boxes, for an arrow and its words */
#define STEP	    (BOX_HEIGHT + GAP)
#define COLUMNS	    38
#define COLUMNS_ALL 160

static const char *wanted_kind(const struct findings *f, const struct stuck_wait *w)
{
	static const char *const others[WANT_COUNT] = {
		[WANT_READER] = "pipe, until somebody reads",
		[WANT_WRITER] = "pipe, until somebody writes",
		[WANT_CHILD] = "end of a child process",
	};

	if (w->lock == NO_LOCK)
		return others[w->want] ?: "something";
	return lock_kind_name(f->model->locks[w->lock].kind);
}

static const char *wanted_name(const struct findings *f, const struct stuck_wait *w)
{
	return w->lock == NO_LOCK ? wanted_kind(f, w) : f->locks[f->lock_rank[w->lock]].name;
}

/* What is waited for belongs to it: it has a lock, or it is its end. */
static const char *bond(const struct findings *f, const struct stuck_wait *w)
{
	bool is_end = w->want == WANT_CHILD ||
		      (w->lock != NO_LOCK && f->model->locks[w->lock].kind == LOCK_KIND_JOIN);

	return is_end ? "depends on" : w->lock == NO_LOCK ? "is up to" : "is held by";
}

static void put_box(struct page *p, unsigned int row, const char *class, const char *name,
		    const char *below)
{
	unsigned int y = row * STEP + 1, radius = !strcmp(class, "node-lock") ? BOX_HEIGHT / 2 : 6;

	fprintf(p->out,
		"<g class=\"%s\"><rect x=\"%d\" y=\"%u\" width=\"%d\" height=\"%d\" rx=\"%u\"/>"
		"<text class=\"name\" x=\"%d\" y=\"%u\">",
		class, LEFT, y, BOX_WIDTH, BOX_HEIGHT, radius, LEFT + 16, y + 19);
	html_name(p, name, COLUMNS);
	fprintf(p->out, "</text><text class=\"below\" x=\"%d\" y=\"%u\">", LEFT + 16, y + 35);
	html_name(p, below, COLUMNS + 6);
	fputs("</text></g>\n", p->out);
}

/* From the box of this row to the next. */
static void put_arrow(struct page *p, unsigned int row, const char *words)
{
	unsigned int y = row * STEP + BOX_HEIGHT + 1, x = LEFT + BOX_WIDTH / 3;

	fprintf(p->out,
		"<path class=\"arrow\" d=\"M%u %uv%dm-5 -8l5 8l5 -8\"/><text class=\"edge\" "
		"x=\"%u\" y=\"%u\">%s</text>\n",
		x, y, GAP, x + 12, y + 21, words);
}

/* From the last box back to the first. */
static void put_way_back(struct page *p, unsigned int rows, const char *words)
{
	unsigned int top = BOX_HEIGHT / 2 + 1, bottom = (rows - 1) * STEP + BOX_HEIGHT / 2 + 1;

	fprintf(p->out,
		"<path class=\"arrow\" d=\"M%d %uH30a12 12 0 0 1 -12 -12V%ua12 12 0 0 1 12 -12H%d"
		"m-8 -5l8 5l-8 5\"/>\n",
		LEFT, bottom, top + 12, LEFT);
	fprintf(p->out,
		"<text class=\"edge middle\" transform=\"translate(12 %u) "
		"rotate(-90)\">%s</text>\n",
		(top + bottom) / 2, words);
}

/* Where it stands in the program. */
static void put_thread(struct page *p, const struct findings *f, const struct stuck_wait *w,
		       unsigned int row)
{
	const struct frame *frame = stuck_frame(f->model, w);
	char name[64], text[FRAME_TEXT_SIZE] = "where it stands is not known";

	if (frame)
		frame_text(text, sizeof(text), frame);
	put_box(p, row, "node-thread", stuck_name(name, sizeof(name), f->model, w->thread), text);
}

static void put_holder(struct page *p, const struct findings *f, const struct stuck_wait *w,
		       unsigned int row)
{
	char name[64];

	if (w->holder != NO_THREAD)
		stuck_name(name, sizeof(name), f->model, w->holder);
	else
		snprintf(name, sizeof(name), "thread %u", w->holder_nr);
	put_box(p, row, "node-dead", name,
		w->holder_is == HOLDER_IS_FOREIGN ? "of another process" : "it is dead");
}

/* The same in words. */
static void put_label(struct page *p, const struct findings *f, const struct deadlock *d, size_t n)
{
	char text[2048], name[64];
	struct sentence s = sentence_in(text, sizeof(text));

	for (size_t i = 0; i < n; i++)
		sentence_add(&s, "%s%s waits for %.80s, which %s ", i ? "; " : "",
			     stuck_name(name, sizeof(name), f->model, d->waits[i].thread),
			     wanted_name(f, &d->waits[i]), bond(f, &d->waits[i])),
			sentence_add(&s, "%s",
				     d->waits[i].holder == NO_THREAD
					     ? "a thread that is gone"
					     : stuck_name(name, sizeof(name), f->model,
							  d->waits[i].holder));
	if (n < d->n_members)
		sentence_add(&s, "; and %zu more", d->n_members - n);
	html_name(p, text, 0);
}

void html_deadlock(struct page *p, const struct findings *f, const struct deadlock *d)
{
	size_t n = d->n_members < SHOWN ? d->n_members : SHOWN;
	bool closes = d->kind == DEADLOCK_CYCLE;
	unsigned int rows = (unsigned int)(2 * n + (closes ? 0 : 1)), row = 0;
	char more[64] = "";

	if (!n)
		return;
	fprintf(p->out,
		"<figure class=\"cycle\">\n<svg viewBox=\"0 0 %d %u\" role=\"img\" aria-label=\"",
		WIDTH, rows * STEP - GAP + 4);
	put_label(p, f, d, n);
	fputs("\">\n", p->out);
	for (size_t i = 0; i < n; i++) {
		const struct stuck_wait *w = &d->waits[i];

		put_thread(p, f, w, row);
		put_arrow(p, row++, "waits for");
		put_box(p, row, "node-lock", wanted_name(f, w), wanted_kind(f, w));
		if (i + 1 < n || !closes)
			put_arrow(p, row, bond(f, w));
		row++;
	}
	if (closes)
		put_way_back(p, rows, bond(f, &d->waits[n - 1]));
	else
		put_holder(p, f, &d->waits[n - 1], row);
	fputs("</svg>\n", p->out);
	if (n < d->n_members)
		snprintf(more, sizeof(more), "%zu more threads are part of it. ", d->n_members - n);
	if (*more || d->n > d->n_members) {
		fprintf(p->out, "<figcaption>%s", more);
		if (d->n > d->n_members)
			fprintf(p->out, "%zu more wait behind it.", d->n - d->n_members);
		fputs("</figcaption>\n", p->out);
	}
	fputs("</figure>\n", p->out);
}
