// SPDX-License-Identifier: BSD-2-Clause
/* The critical path: one pass over the timeline, from its end to its start. */
#include "analysis/path.h"

#include <stdlib.h>

#include "analysis/internal.h"
#include "base/map.h"
#include "base/vec.h"
#include "model/timeline.h"

/* A thread's earliest step among those passed: it came to a CPU, ran, and left that at `at`. */
struct stretch {
	uint64_t at, arrived, ready;
	uint32_t place; /* of the wait before it */
	uint8_t kind, woken;
	bool unseen;
	bool is_used;	  /* on the path: it is not entered twice */
	size_t by;	  /* with WOKEN_BY_THREAD */
	size_t hopped_to; /* the path came from there, and wants this wait's cause; or NO_THREAD */
	bool is_there;
};

enum stage {
	STAGE_FIND,  /* a stretch of the thread that reaches to the end of what is left */
	STAGE_SINCE, /* it was in one: how long had it been off the CPU before that? */
	STAGE_DONE,
};

struct walk {
	const struct model *m;
	struct path *path;
	struct stretch *threads; /* by place in model.threads */
	struct timeline_reader reader;
	struct map part_by_key, hop_by_key, waking_by_key;
	VEC(struct path_part) parts;
	VEC(struct path_hop) hops;
	VEC(struct waking) wakings;
	enum stage stage;
	size_t on;     /* the thread that the path is on */
	size_t woken;  /* with STAGE_FIND: the thread from which it came there */
	uint64_t left; /* what is before that is still to be found */
};

static uint64_t since_start(const struct walk *w, uint64_t at)
{
	return at > w->m->origin ? at - w->m->origin : 0;
}

static struct path_part *part_of(struct walk *w, const struct path_part *like)
{
	uint64_t key = map_hash(map_hash(map_hash(0, like->thread), like->place),
				(uint64_t)like->what << 8 | like->cause) >>
		       1;
	uint64_t *number = map_add(&w->part_by_key, key);

	if (*number == MAP_NONE) {
		*number = w->parts.n;
		*vec_add(&w->parts) = *like;
	}
	return &w->parts.items[*number];
}

/* What is left now ends at `from`; what was behind that is of this kind. */
static void assign_to(struct walk *w, size_t thread, uint64_t from, enum path_what what,
		      enum cause cause, uint32_t place)
{
	struct path_part like = { .thread = thread, .what = what, .cause = cause }, *part;

	if (from >= w->left)
		return;
	if (w->parts.n < PATH_PAIRS)
		like.place = place;
	part = part_of(w, &like);
	part->ns += w->left - from;
	part->times++;
	w->path->sums_ns[what] += w->left - from;
	w->left = from;
}

static void assign(struct walk *w, uint64_t from, enum path_what what)
{
	assign_to(w, what == PATH_UNKNOWN ? NO_THREAD : w->on, from, what, CAUSE_UNKNOWN, 0);
}

static void add_hop(struct walk *w, size_t from, size_t to, enum cause cause, uint32_t where,
		    bool created)
{
	uint64_t key = map_hash(map_hash(map_hash(map_hash(0, from), to), where),
				(uint64_t)created << 8 | cause) >>
		       1;
	uint64_t *place = map_add(&w->hop_by_key, key);

	if (*place == MAP_NONE && w->hops.n == PATH_PAIRS) {
		map_remove(&w->hop_by_key, key);
		w->path->more_hops++;
		return;
	}
	if (*place == MAP_NONE) {
		*place = w->hops.n;
		*vec_add(&w->hops) = (struct path_hop){ from, to, cause, where, created, 0 };
	}
	w->hops.items[*place].times++;
}

static void add_waking(struct walk *w, size_t thread, const struct stretch *s,
		       const struct mark *wait, uint64_t ns)
{
	size_t by = s->woken == WOKEN_BY_THREAD ? s->by : NO_THREAD;
	uint64_t key = map_hash(map_hash(map_hash(0, thread), by),
				(uint64_t)s->woken << 8 | wait->cause) >>
		       1;
	uint64_t *place = map_add(&w->waking_by_key, key);
	struct waking *row;

	if (*place == MAP_NONE && w->wakings.n == PATH_PAIRS) {
		map_remove(&w->waking_by_key, key);
		w->path->more_wakings++;
		return;
	}
	if (*place == MAP_NONE) {
		*place = w->wakings.n;
		*vec_add(&w->wakings) = (struct waking){
			.thread = thread, .cause = wait->cause, .how = s->woken, .by = by
		};
	}
	row = &w->wakings.items[*place];
	row->waits++;
	row->ns += ns;
	if (ns > row->max_ns)
		row->max_ns = ns;
}

static void go_to(struct walk *w, size_t thread)
{
	w->woken = w->on;
	w->on = thread;
	w->stage = thread == NO_THREAD || !w->left ? STAGE_DONE : STAGE_FIND;
}

/* The path comes to a stretch of the thread that it is on, and leaves it at its front: to whoever
 * woke that, or for the time before. */
static void pass(struct walk *w, struct stretch *s)
{
	s->is_used = true;
	assign(w, since_start(w, s->arrived), PATH_RUNNING);
	w->stage = STAGE_SINCE;
	if (s->unseen || s->woken != WOKEN_BY_THREAD || s->by == NO_THREAD || s->by == w->on)
		return;
	assign(w, since_start(w, s->ready), PATH_QUEUED);
	s->hopped_to = s->by;
	go_to(w, s->by);
}

/* Goes on as far as what was passed allows. */
static void follow(struct walk *w)
{
	while (w->stage == STAGE_FIND) {
		struct stretch *s = &w->threads[w->on];

		if (!s->is_there || s->is_used || s->kind == MARK_BEGIN ||
		    since_start(w, s->arrived) > w->left)
			return;
		pass(w, s);
	}
}

/* The time between two stretches of the thread that the path is on, of which `m` ends the first. */
static void pass_gap(struct walk *w, const struct mark *m, const struct stretch *next)
{
	uint64_t since = since_start(w, m->at);

	if (next && next->is_there && next->unseen)
		assign(w, since, PATH_UNKNOWN);
	if (m->off == OFF_BLOCKED && next && next->is_there)
		assign(w, since_start(w, next->ready > m->at ? next->ready : m->at), PATH_QUEUED);
	if (m->off == OFF_BLOCKED || m->off == OFF_THROTTLED)
		assign_to(w, w->on, since, PATH_BLOCKED, m->cause, next ? next->place : 0);
	assign(w, since, PATH_QUEUED);
}

static struct stretch stretch_of(struct walk *w, const struct mark *m)
{
	struct stretch s = { .at = m->at,
			     .arrived = m->at - m->ran,
			     .place = m->place,
			     .kind = m->kind,
			     .woken = m->woken,
			     .unseen = m->unseen,
			     .by = NO_THREAD,
			     .hopped_to = NO_THREAD,
			     .is_there = true };
	uint64_t *by =
		m->woken == WOKEN_BY_THREAD ? map_find(&w->reader.thread_by_id, m->woken_by) : NULL;

	s.ready = s.arrived > m->queued ? s.arrived - m->queued : 0;
	if (by)
		s.by = *by;
	return s;
}

/* A thread's life began: whoever created it did what comes before. */
static void begin_of(struct walk *w, size_t thread)
{
	uint64_t *creator =
		map_find(&w->reader.thread_by_id, (uint32_t)w->m->threads[thread].creator_id);

	if (!creator || *creator == thread ||
	    w->m->threads[*creator].start_ns >= w->m->threads[thread].start_ns) {
		w->stage = STAGE_DONE;
		return;
	}
	add_hop(w, *creator, thread, CAUSE_UNKNOWN, 0, true);
	go_to(w, *creator);
}

static void wait_ended(struct walk *w, size_t thread, const struct mark *m, struct stretch *next)
{
	uint64_t ready = next->ready > m->at ? next->ready : m->at;

	if (m->off != OFF_BLOCKED || next->unseen || !next->is_there)
		return;
	if (next->woken)
		add_waking(w, thread, next, m, ready - m->at);
	if (next->hopped_to != NO_THREAD)
		add_hop(w, next->hopped_to, thread, m->cause, next->place, false);
}

/* All steps from `at` on were passed: those threads that had none before that were created then. */
static void begin_before(struct walk *w, uint64_t at)
{
	while (w->stage != STAGE_DONE && w->m->threads[w->on].start_ns > at) {
		assign(w, w->m->threads[w->on].start_ns, PATH_QUEUED);
		begin_of(w, w->on);
		follow(w);
	}
}

static void add_step(struct walk *w, const struct timeline_step *step)
{
	const struct mark *m = &step->mark;
	struct stretch *s, next;

	if (step->thread == NO_THREAD)
		return;
	begin_before(w, since_start(w, m->at));
	s = &w->threads[step->thread];
	next = *s;
	wait_ended(w, step->thread, m, &next);
	*s = stretch_of(w, m);
	if (w->stage == STAGE_DONE || step->thread != w->on)
		return;
	if (w->stage == STAGE_SINCE ||
	    (w->stage == STAGE_FIND && since_start(w, m->at) < w->left)) {
		if (w->stage == STAGE_FIND) /* the other came to be queued as late as that */
			assign_to(w, w->woken, since_start(w, m->at), PATH_QUEUED, CAUSE_UNKNOWN,
				  0);
		pass_gap(w, m, &next);
		if (m->kind == MARK_BEGIN)
			begin_of(w, step->thread);
		else
			pass(w, s);
	}
	follow(w);
}

/* --- where it begins --------------------------------------------------------------------------- */

static bool has_ended(const struct model *m)
{
	return m->complete && m->end.ended_by == ENDED_COMMAND;
}

/* Is it the one whose end the path leads to? */
static bool is_last(const struct model *m, const struct timeline_step *step)
{
	if (step->thread == NO_THREAD || step->mark.kind == MARK_BEGIN)
		return false;
	if (!has_ended(m))
		return step->mark.ran > 0;
	return m->threads[step->thread].process == 0 &&
	       m->threads[step->thread].tid == m->threads[step->thread].pid;
}

static void begin(struct walk *w, const struct timeline_step *step)
{
	w->path->last = w->on = step->thread;
	w->path->end_ns = w->left = since_start(w, step->mark.at);
	w->stage = STAGE_FIND;
}

static int longest_part(const void *a, const void *b)
{
	const struct path_part *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return x->what != y->what ? (int)x->what - (int)y->what : (int)x->place - (int)y->place;
}

static int most_hops(const void *a, const void *b)
{
	const struct path_hop *x = a, *y = b;

	if (x->times != y->times)
		return x->times > y->times ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return x->cause != y->cause ? (int)x->cause - (int)y->cause : (int)x->place - (int)y->place;
}

static int longest_waking(const void *a, const void *b)
{
	const struct waking *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->by != y->by)
		return x->by < y->by ? -1 : 1;
	return (int)(x->how << 8 | x->cause) - (int)(y->how << 8 | y->cause);
}

static void hand_in(struct walk *w)
{
	struct path *p = w->path;

	if (w->parts.n)
		qsort(w->parts.items, w->parts.n, sizeof(*w->parts.items), longest_part);
	if (w->hops.n)
		qsort(w->hops.items, w->hops.n, sizeof(*w->hops.items), most_hops);
	if (w->wakings.n)
		qsort(w->wakings.items, w->wakings.n, sizeof(*w->wakings.items), longest_waking);
	p->parts = w->parts.items;
	p->n_parts = w->parts.n;
	p->hops = w->hops.items;
	p->n_hops = w->hops.n;
	p->wakings = w->wakings.items;
	p->n_wakings = w->wakings.n;
}

struct path *path_new(const struct model *m)
{
	struct walk w = { .m = m, .stage = STAGE_DONE };
	struct timeline_step step;
	bool has_begun = false;

	w.path = zeroed(1, sizeof(*w.path));
	w.path->last = NO_THREAD;
	w.threads = zeroed(m->n_threads + 1, sizeof(*w.threads));
	for (timeline_begin(&w.reader, m, TIMELINE_BACK); timeline_next(&w.reader, &step);) {
		if (!has_begun && is_last(m, &step)) {
			begin(&w, &step);
			has_begun = true;
		}
		add_step(&w, &step);
	}
	begin_before(&w, 0);
	w.path->start_ns = w.left;
	hand_in(&w);
	timeline_end(&w.reader);
	map_free(&w.part_by_key);
	map_free(&w.hop_by_key);
	map_free(&w.waking_by_key);
	free(w.threads);
	return w.path;
}

void path_free(struct path *p)
{
	if (!p)
		return;
	free(p->parts);
	free(p->hops);
	free(p->wakings);
	free(p);
}

const char *path_what_name(unsigned int what)
{
	static const char *const names[PATH_WHAT_COUNT] = { [PATH_RUNNING] = "running",
							    [PATH_QUEUED] = "queued",
							    [PATH_BLOCKED] = "blocked",
							    [PATH_UNKNOWN] = "unknown" };

	return names[what];
}
