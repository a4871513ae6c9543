// SPDX-License-Identifier: BSD-2-Clause
/* Threads that wait for ever: the four conditions, and where each member stands. */
#include "report/text_parts.h"

#include <stdio.h>

#include "analysis/deadlocks.h"

#define SHOWN_MEMBERS 8
#define SHOWN_FRAMES  12
#define TEXT_SIZE     1024

static void put_deadlock(struct page *p, const struct findings *f, const struct deadlock *d)
{
	char text[TEXT_SIZE], words[TEXT_SIZE], lead[64], name[64];

	for (size_t i = 0; i < DEADLOCK_CONDITIONS; i++) {
		deadlock_condition(text, sizeof(text), f, d, i);
		snprintf(lead, sizeof(lead), "%s: ", deadlock_conditions[i].words);
		page_text(p, 2, lead, STYLE_PLAIN, "%s", WORDS(p, words, text));
	}
	for (size_t i = 0; i < d->n_members && i < SHOWN_MEMBERS; i++) {
		stuck_name(name, sizeof(name), f->model, d->waits[i].thread);
		page_text(p, 4, NULL, STYLE_PLAIN, "%s stands in", NAME(p, text, name, 0));
		text_stack(p, 6, f->model, d->waits[i].stack, SHOWN_FRAMES);
	}
	if (d->n_members > SHOWN_MEMBERS)
		page_text(p, 4, NULL, STYLE_DIM, "and %zu more", d->n_members - SHOWN_MEMBERS);
}

void text_deadlocks(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	size_t shown = m->n_deadlocks < p->opts->top ? m->n_deadlocks : p->opts->top;

	for (size_t i = 0; i < shown; i++) {
		page_heading(p, "Deadlock", "why nothing can end it");
		page_draw(p, f, DRAW_DEADLOCK, i);
		put_deadlock(p, f, &m->deadlocks[i]);
	}
	if (shown < m->n_deadlocks)
		page_text(p, 2, NULL, STYLE_DIM, "and %zu more", m->n_deadlocks - shown);
}
