// SPDX-License-Identifier: BSD-2-Clause
/* What a timeline tells of who waited for whom. */
#include "report/json_parts.h"

#include <inttypes.h>
#include <stdio.h>

#include "analysis/places.h"
#include "report/words.h"

static void put_thread(struct json *j, const struct model *m, const char *key, size_t thread)
{
	char text[24];

	if (thread == NO_THREAD)
		return;
	snprintf(text, sizeof(text), "t%" PRIu64, m->threads[thread].id);
	json_string(j, key, text);
}

/* What a wait was at; nothing if that has no name. */
static void put_place(struct json *j, const struct places *places, size_t thread, uint32_t place)
{
	const char *name = place_name(places, thread, place);

	if (name)
		json_string(j, "where", name);
}

static void put_parts(struct json *j, const struct places *places, const struct path *p,
		      struct room *r)
{
	const struct model *m = places->f->model;
	size_t n = room_for(r, ROOM_PATH_PARTS, p->n_parts);

	json_array(j, "parts");
	for (size_t i = 0; i < n; i++) {
		const struct path_part *part = &p->parts[i];

		json_line_object(j, NULL);
		put_thread(j, m, "thread", part->thread);
		if (part->thread != NO_THREAD) {
			json_u64(j, "tid", m->threads[part->thread].tid);
			json_string(j, "comm", m->threads[part->thread].comm);
		}
		json_string(j, "what", path_what_name(part->what));
		if (part->what == PATH_BLOCKED)
			json_string(j, "cause", cause_name(part->cause));
		put_place(j, places, part->thread, part->place);
		json_u64(j, "ns", part->ns);
		json_u64(j, "times", part->times);
		json_end(j);
	}
	json_end(j);
}

static void put_hops(struct json *j, const struct places *places, const struct path *p,
		     struct room *r)
{
	const struct model *m = places->f->model;
	size_t n = room_for(r, ROOM_PATH_HOPS, p->n_hops);

	json_array(j, "hops");
	for (size_t i = 0; i < n; i++) {
		const struct path_hop *h = &p->hops[i];

		json_line_object(j, NULL);
		put_thread(j, m, "from", h->from);
		put_thread(j, m, "to", h->to);
		if (!h->created)
			json_string(j, "cause", cause_name(h->cause));
		put_place(j, places, h->to, h->place);
		json_bool(j, "created", h->created);
		json_u64(j, "times", h->times);
		json_end(j);
	}
	json_end(j);
}

void json_path(struct json *j, const struct findings *f, struct room *r)
{
	const struct path *p = f->path;
	struct places places;
	char key[32];

	if (!p || p->last == NO_THREAD)
		return;
	json_object(j, "critical_path");
	put_thread(j, f->model, "thread", p->last);
	json_u64(j, "start_ns", p->start_ns);
	json_u64(j, "end_ns", p->end_ns);
	for (int what = 0; what < PATH_WHAT_COUNT; what++) {
		snprintf(key, sizeof(key), "%s_ns", path_what_name(what));
		json_u64(j, key, p->sums_ns[what]);
	}
	places_begin(&places, f);
	put_parts(j, &places, p, r);
	put_hops(j, &places, p, r);
	places_end(&places);
	json_end(j);
}

void json_wakings(struct json *j, const struct findings *f, struct room *r)
{
	static const char *const hows[] = { [WOKEN_BY_THREAD] = "thread",
					    [WOKEN_BY_INTERRUPT] = "interrupt",
					    [WOKEN_FROM_OUTSIDE] = "outside" };
	const struct path *p = f->path;
	size_t n;

	if (!p)
		return;
	n = room_for(r, ROOM_WAKINGS, p->n_wakings);
	json_array(j, "wakings");
	for (size_t i = 0; i < n; i++) {
		const struct waking *w = &p->wakings[i];

		json_line_object(j, NULL);
		put_thread(j, f->model, "thread", w->thread);
		json_string(j, "cause", cause_name(w->cause));
		json_string(j, "by", hows[w->how]);
		put_thread(j, f->model, "waker", w->by);
		json_u64(j, "waits", w->waits);
		json_u64(j, "ns", w->ns);
		json_u64(j, "max_ns", w->max_ns);
		json_end(j);
	}
	json_end(j);
}
