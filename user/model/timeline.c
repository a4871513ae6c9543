// SPDX-License-Identifier: BSD-2-Clause
#include "model/timeline.h"

#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"
#include "model/internal.h"

#define CPUS_MOST 65536

/* Of one CPU; the last is of what begins and ends at no switch. */
struct timeline_stream {
	VEC(const struct ev_marks *) chunks;
	size_t next;
	struct marks_reader reader;
	VEC(struct mark) behind; /* backwards: those of one chunk that are still to come */
	struct mark mark;
	bool has_mark;
};

int on_marks(struct model_builder *b, const struct event *head)
{
	const struct ev_marks *ev = (const struct ev_marks *)head;
	struct marks_reader r;
	struct mark mark;
	int more;

	if (ev->cpu >= CPUS_MOST)
		return -EINVAL;
	marks_begin(&r, ev);
	do
		more = marks_next(&r, &mark);
	while (more > 0);
	if (more)
		return -EINVAL;
	*vec_add(&b->marks) = obstack_copy(strings_of(b), ev, head->size);
	return 0;
}

void marks_build(struct model_builder *b)
{
	b->m->marks = (const struct ev_marks *const *)b->marks.items;
	b->m->n_marks = b->marks.n;
}

bool timeline_is_there(const struct model *m)
{
	return m->n_marks > 0;
}

static void read_chunk(struct timeline_stream *s, const struct ev_marks *ev)
{
	struct mark mark;

	for (marks_begin(&s->reader, ev); marks_next(&s->reader, &mark) > 0;)
		*vec_add(&s->behind) = mark;
}

static void go_back(struct timeline_stream *s)
{
	while (!s->behind.n && s->next)
		read_chunk(s, s->chunks.items[--s->next]);
	s->has_mark = s->behind.n > 0;
	if (s->has_mark)
		s->mark = s->behind.items[--s->behind.n];
}

/* The next mark of a stream is at hand, or there is none. */
static void advance(struct timeline_stream *s, enum timeline_way way)
{
	if (way == TIMELINE_BACK) {
		go_back(s);
		return;
	}
	for (;;) {
		s->has_mark = s->reader.left && marks_next(&s->reader, &s->mark) > 0;
		if (s->has_mark || s->next == s->chunks.n)
			return;
		marks_begin(&s->reader, s->chunks.items[s->next++]);
	}
}

static bool is_of_no_cpu(const struct ev_marks *ev)
{
	struct marks_reader r;
	struct mark mark;

	marks_begin(&r, ev);
	return marks_next(&r, &mark) > 0 && mark.kind != MARK_DEPART;
}

void timeline_begin(struct timeline_reader *r, const struct model *m, enum timeline_way way)
{
	size_t cpus = 0;

	*r = (struct timeline_reader){ .m = m, .way = way };
	for (size_t i = 0; i < m->n_marks; i++) {
		if (m->marks[i]->cpu >= cpus)
			cpus = m->marks[i]->cpu + 1;
	}
	r->n = cpus + 1;
	r->streams = calloc(r->n, sizeof(*r->streams));
	if (!r->streams)
		out_of_memory();
	for (size_t i = 0; i < m->n_marks; i++) {
		const struct ev_marks *ev = m->marks[i];

		*vec_add(&r->streams[is_of_no_cpu(ev) ? cpus : ev->cpu].chunks) = ev;
	}
	for (size_t i = 0; i < m->n_threads; i++)
		*map_add(&r->thread_by_id, (uint32_t)m->threads[i].id) = i;
	for (size_t i = 0; i < r->n; i++) {
		struct timeline_stream *s = &r->streams[i];

		s->next = way == TIMELINE_BACK ? s->chunks.n : 0;
		advance(s, way);
	}
}

static bool is_before(const struct timeline_reader *r, const struct timeline_stream *a,
		      const struct timeline_stream *b)
{
	return r->way == TIMELINE_BACK ? a->mark.at > b->mark.at : a->mark.at < b->mark.at;
}

bool timeline_next(struct timeline_reader *r, struct timeline_step *ret)
{
	struct timeline_stream *first = NULL;
	uint64_t *thread;

	for (size_t i = 0; i < r->n; i++) {
		struct timeline_stream *s = &r->streams[i];

		if (s->has_mark && (!first || is_before(r, s, first)))
			first = s;
	}
	if (!first)
		return false;
	thread = map_find(&r->thread_by_id, first->mark.thread);
	*ret = (struct timeline_step){
		.mark = first->mark,
		.cpu = (uint32_t)(first - r->streams),
		.thread = thread ? *thread : NO_THREAD,
	};
	advance(first, r->way);
	return true;
}

void timeline_end(struct timeline_reader *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->streams[i].chunks.items);
		free(r->streams[i].behind.items);
	}
	free(r->streams);
	map_free(&r->thread_by_id);
}
