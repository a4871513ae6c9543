// SPDX-License-Identifier: BSD-2-Clause
/* Event loops: what they waited for, and what kept them away. */
#include "report/json_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PARTS_OF_TWO 4 /* of a bucket, see loop_bucket() */

static void put_thread(struct json *j, const struct model *m, const struct event_loop *l)
{
	char text[24];

	snprintf(text, sizeof(text), "t%" PRIu64, l->thread_id);
	json_string(j, "thread", l->n_users == 1 ? text : NULL);
	json_string(j, "comm", l->thread == NO_THREAD ? NULL : m->threads[l->thread].comm);
	json_u64(j, "threads", l->n_users);
	json_u64(j, "pid", l->pid);
}

static void put_cause(struct json *j, enum cause cause, const char *target)
{
	json_string(j, "cause", cause == CAUSE_COUNT ? "several" : cause_name(cause));
	json_string(j, "target", target);
}

static uint64_t queued_ns(uint64_t ns, uint64_t running_ns, uint64_t blocked_ns)
{
	return ns > running_ns + blocked_ns ? ns - running_ns - blocked_ns : 0;
}

static void put_stretch(struct json *j, const char *key, const struct loop_stretch *s,
			const struct loop_wait *worst)
{
	if (!s->ns) {
		json_null(j, key);
		return;
	}
	json_line_object(j, key);
	json_u64(j, "at_ns", s->from);
	json_u64(j, "ns", s->ns);
	json_u64(j, "running_ns", s->running_ns);
	json_u64(j, "queued_ns", queued_ns(s->ns, s->running_ns, s->blocked_ns));
	json_u64(j, "blocked_ns", s->blocked_ns);
	json_u64(j, "wait_ns", worst->ns);
	if (worst->ns) {
		put_cause(j, worst->cause, worst->target);
	} else {
		json_string(j, "cause", NULL);
		json_string(j, "target", NULL);
	}
	json_end(j);
}

static void put_histogram(struct json *j, const __u64 *fine)
{
	uint64_t histogram[LOOP_BUCKETS / PARTS_OF_TWO] = { 0 };

	for (size_t i = 0; i < LOOP_BUCKETS; i++)
		histogram[i / PARTS_OF_TWO] += fine[i];
	json_histogram(j, "histogram_log2_ns", histogram, LOOP_BUCKETS / PARTS_OF_TWO);
}

static void put_away(struct json *j, const struct event_loop *l)
{
	const struct loop_away *a = &l->away;

	if (l->n_users > 1 || (!a->times && !a->open.ns)) {
		json_null(j, "away");
		return;
	}
	json_object(j, "away");
	json_u64(j, "times", a->times);
	json_u64(j, "ns", a->ns);
	json_u64(j, "max_ns", a->longest.ns);
	json_u64(j, "p99_ns", l->away_p99_ns);
	json_u64(j, "running_ns", a->running_ns);
	json_u64(j, "queued_ns", queued_ns(a->ns, a->running_ns, a->blocked_ns));
	json_u64(j, "blocked_ns", a->blocked_ns);
	put_stretch(j, "longest", &a->longest, &l->worst);
	put_stretch(j, "open", &a->open, &l->open);
	put_histogram(j, a->histogram);
	json_end(j);
}

static void put_blocked(struct json *j, const struct event_loop *l)
{
	json_array(j, "blocked");
	for (size_t i = 0; i < l->n_blocked; i++) {
		const struct loop_wait *w = &l->blocked[i];

		json_line_object(j, NULL);
		put_cause(j, w->cause, w->target);
		json_u64(j, "waits", w->waits);
		json_u64(j, "wait_ns", w->ns);
		json_u64(j, "max_wait_ns", w->max_ns);
		json_end(j);
	}
	json_end(j);
}

static void put_calls(struct json *j, const struct event_loop *l)
{
	const struct loop_calls *c = &l->calls;

	if (!c->calls) {
		json_null(j, "calls");
		return;
	}
	json_object(j, "calls");
	json_u64(j, "seen", c->calls);
	json_u64(j, "events", c->events);
	json_u64(j, "empty", c->empty);
	json_u64(j, "at_once", c->at_once);
	json_u64(j, "turns", c->turns);
	json_u64(j, "turns_ns", c->turns_ns);
	json_u64(j, "turn_max_ns", c->max_ns);
	json_u64(j, "turn_p99_ns", l->turn_p99_ns);
	json_end(j);
}

static void put_count(struct json *j, const char *key, bool is_known, uint64_t n)
{
	if (is_known)
		json_u64(j, key, n);
	else
		json_null(j, key);
}

static void put_loop(struct json *j, const struct model *m, size_t number)
{
	const struct event_loop *l = &m->loops[number];
	bool is_epoll = l->cause == CAUSE_EVENT_EPOLL;
	char id[32];

	json_object(j, NULL);
	snprintf(id, sizeof(id), "loop%zu", number + 1);
	json_string(j, "id", id);
	json_string(j, "call", strchr(cause_name(l->cause), '.') + 1);
	put_thread(j, m, l);
	put_count(j, "fd", is_epoll, l->fd);
	put_count(j, "watches", l->watched > 0, l->watched);
	put_count(j, "edge_triggered", is_epoll && l->watched, l->edge);
	put_count(j, "highest_fd", l->reach > 0, l->reach - 1);
	json_u64(j, "waits", l->waits);
	json_u64(j, "wait_ns", l->ns);
	json_u64(j, "max_wait_ns", l->max_ns);
	json_u64(j, "empty", l->empty);
	json_u64(j, "open", l->open_waits);
	put_away(j, l);
	put_blocked(j, l);
	put_calls(j, l);
	json_end(j);
}

void json_loops(struct json *j, const struct model *m, struct room *r)
{
	size_t n = room_for(r, ROOM_LOOPS, m->n_loops);

	json_array(j, "loops");
	for (size_t i = 0; i < n; i++)
		put_loop(j, m, i);
	json_end(j);
}
