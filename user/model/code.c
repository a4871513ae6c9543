// SPDX-License-Identifier: BSD-2-Clause
/* Frames, stacks and sites: numbered in the stream from 1 on, here from 0 on. */
#include "model/internal.h"

#include <errno.h>
#include <string.h>

int on_frame(struct model_builder *b, const struct event *head)
{
	const struct ev_frame *ev = (const struct ev_frame *)head;
	const char *text = obstack_copy(strings_of(b), ev->text, ev->size);
	struct frame *f;

	if (ev->id != b->frames.n + 1)
		return -EINVAL;
	f = vec_add(&b->frames);
	f->function = text;
	f->file = f->function + strlen(f->function) + 1;
	f->object = f->file + strlen(f->file) + 1;
	f->line = ev->line;
	f->flags = ev->flags;
	return 0;
}

int on_stack(struct model_builder *b, const struct event *head)
{
	const struct ev_stack *ev = (const struct ev_stack *)head;
	uint32_t *frames = obstack_alloc(strings_of(b), ev->n * sizeof(*frames));
	struct stack *s;

	if (ev->id != b->stacks.n + 1)
		return -EINVAL;
	for (uint32_t i = 0; i < ev->n; i++) {
		if (!ev->frames[i] || ev->frames[i] > b->frames.n)
			return -EINVAL;
		frames[i] = ev->frames[i] - 1;
	}
	s = vec_add(&b->stacks);
	s->frames = frames;
	s->n = ev->n;
	s->end = ev->end;
	s->flags = ev->flags;
	return 0;
}

int on_site(struct model_builder *b, const struct event *head)
{
	const struct ev_site *ev = (const struct ev_site *)head;
	struct site *s;

	if (ev->stack > b->stacks.n)
		return -EINVAL;
	if (ev->what == SITE_STUCK) {
		stuck_stack(b, ev->thread_id, ev->stack - 1);
		return 0;
	}
	if (b->m->run.mode == MODE_WHY) /* each thread was seen once */
		stuck_stack(b, ev->thread_id, ev->stack - 1);
	s = vec_add(&b->sites);
	s->thread_id = ev->thread_id;
	s->process_id = ev->process_id;
	s->what = ev->what;
	s->stack = ev->stack - 1;
	s->cause = ev->cause;
	s->row = ev->row;
	s->lock = ev->lock.space ? lock_number(b, &ev->lock) : NO_LOCK;
	s->held = ev->held.space ? lock_number(b, &ev->held) : NO_LOCK;
	s->io = ev->target ? ev->target : NO_IO; /* its place: ios_build() */
	s->samples = ev->samples;
	s->waits = ev->waits;
	s->ns = ev->ns;
	s->max_ns = ev->max_ns;
	return 0;
}

void code_build(struct model_builder *b)
{
	struct model *m = b->m;

	m->frames = b->frames.items;
	m->n_frames = b->frames.n;
	m->stacks = b->stacks.items;
	m->n_stacks = b->stacks.n;
	m->sites = b->sites.items;
	m->n_sites = b->sites.n;
}
