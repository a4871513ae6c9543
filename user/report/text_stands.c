// SPDX-License-Identifier: BSD-2-Clause
/* Where each thread stood when the program stood still; those that are alike once. */
#include "report/text_parts.h"

#include <stdlib.h>

#include "analysis/deadlocks.h"
#include "base/sentence.h"
#include "base/units.h"

#define SHOWN_FRAMES 16
#define NAMED	     4

static bool stands(const struct thread *t)
{
	return t->flags & THREAD_OPEN_WAIT;
}

static bool is_alike(const struct thread *a, const struct thread *b)
{
	return a->process_id == b->process_id && a->stack == b->stack &&
	       a->open_cause == b->open_cause;
}

/* All that are like the first. */
static void put_group(struct page *p, const struct model *m, size_t first, bool *done)
{
	const struct thread *t = &m->threads[first];
	char names[NAMED * 64], name[64], shown[NAMED * 80], ns[UNITS_SIZE];
	struct sentence said = sentence_in(names, sizeof(names));
	size_t n = 0;

	for (size_t i = first; i < m->n_threads; i++) {
		if (done[i] || !stands(&m->threads[i]) || !is_alike(t, &m->threads[i]))
			continue;
		done[i] = true;
		if (n++ < NAMED)
			sentence_add(&said, "%s%s", n > 1 ? ", " : "",
				     stuck_name(name, sizeof(name), m, i));
	}
	if (n > NAMED)
		sentence_add(&said, " and %zu more", n - NAMED);
	page_text(p, 2, NULL, STYLE_PLAIN, "%s wait%s for %s, %s%s for", NAME(p, shown, names, 0),
		  n == 1 ? "s" : "", cause_words(t->open_cause), n == 1 ? "" : "the first ",
		  page_ns(p, ns, t->open_for_ns));
	text_stack(p, 4, m, t->stack, SHOWN_FRAMES);
}

void text_stands(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	bool *done = calloc(m->n_threads + 1, sizeof(*done));
	size_t groups = 0, left = 0;

	if (!done)
		out_of_memory();
	for (size_t i = 0; i < m->n_threads && m->end.ended_by == ENDED_HANG; i++) {
		if (done[i] || !stands(&m->threads[i]))
			continue;
		if (groups == p->opts->top) {
			left++;
			continue;
		}
		if (!groups++)
			page_heading(p, "Where each thread stands", "those that are alike once");
		put_group(p, m, i, done);
	}
	if (left)
		page_text(p, 2, NULL, STYLE_DIM, "and %zu more threads (--top)", left);
	free(done);
}
