// SPDX-License-Identifier: BSD-2-Clause
/* What each thread waits for, as one look found it: those that are alike once. */
#include "analysis/why.h"
#include "report/json_parts.h"

#include <inttypes.h>
#include <stdio.h>

static void put_id(struct json *j, const char *key, uint64_t id)
{
	char text[24];

	snprintf(text, sizeof(text), "t%" PRIu64, id);
	json_string(j, key, text);
}

static void put_process(struct json *j, const struct model *m, const struct why_group *g)
{
	const struct process *p = &m->processes[g->process];

	json_object(j, NULL);
	json_u64(j, "pid", p->pid);
	json_string(j, "comm", p->comm);
	json_string(j, "exe", p->exe);
	json_line_array(j, "args");
	for (size_t i = 0; i < p->n_args; i++)
		json_string(j, NULL, p->args[i]);
	json_end(j);
	json_bool(j, "args_truncated", p->args_truncated);
	json_u64(j, "threads", p->n_threads);
	json_bool(j, "asked", g->is_asked);
	json_end(j);
}

/* The groups of a process stand together. */
static void put_processes(struct json *j, const struct findings *f)
{
	const struct why *w = &f->why;

	json_array(j, "looked_at");
	for (size_t i = 0; i < w->n_groups; i++) {
		if (!i || w->groups[i].process != w->groups[i - 1].process)
			put_process(j, f->model, &w->groups[i]);
	}
	json_end(j);
}

static void put_threads(struct json *j, const struct findings *f, const struct why_group *g,
			struct room *r)
{
	const struct model *m = f->model;
	size_t n = room_for(r, ROOM_STUCK, g->n);

	json_array(j, "threads");
	for (size_t i = 0; i < n; i++) {
		const struct stand *s = &m->stands[g->stands[i]];
		const struct thread *t = &m->threads[s->thread];

		json_line_object(j, NULL);
		put_id(j, "id", t->id);
		json_u64(j, "tid", t->tid);
		json_string(j, "comm", t->comm);
		if (s->for_ns)
			json_u64(j, "off_cpu_ns", s->for_ns);
		if (s->is_timed)
			json_u64(j, "left_ns", s->left_ns);
		json_end(j);
	}
	json_end(j);
}

static void put_needs(struct json *j, const struct stand *s)
{
	json_array(j, "waits_for");
	for (size_t i = 0; i < s->n_needs; i++) {
		json_line_object(j, NULL);
		json_string(j, "how", need_how_name(s->needs[i].how));
		json_u64(j, "pid", s->needs[i].pid);
		json_string(j, "comm", s->needs[i].comm[0] ? s->needs[i].comm : NULL);
		json_end(j);
	}
	json_end(j);
}

static void put_lock(struct json *j, const struct findings *f, const struct stand *s)
{
	if (s->lock == NO_LOCK) {
		json_null(j, "lock");
		return;
	}
	json_line_object(j, "lock");
	json_string(j, "name", f->locks[f->lock_rank[s->lock]].name);
	json_string(j, "kind", lock_kind_name(f->model->locks[s->lock].kind));
	json_end(j);
}

static void put_descriptor(struct json *j, const struct stand *s)
{
	if (s->fd < 0) {
		json_null(j, "descriptor");
		return;
	}
	json_line_object(j, "descriptor");
	json_i64(j, "fd", s->fd);
	json_string(j, "target", s->text[0] ? s->text : NULL);
	json_end(j);
}

static void put_group(struct json *j, const struct findings *f, const struct why_group *g,
		      struct room *r)
{
	const struct model *m = f->model;
	const struct stand *s = &m->stands[g->stands[0]];
	const struct thread *t = &m->threads[s->thread];
	char words[WHY_WORDS];

	json_object(j, NULL);
	json_u64(j, "pid", t->pid);
	json_u64(j, "count", g->n);
	json_string(j, "state", stand_state_name(s->state));
	json_string(j, "cause", s->state == STAND_BLOCKED ? cause_name(t->open_cause) : NULL);
	json_string(j, "text", why_words(words, sizeof(words), f, s, g->n > 1));
	put_lock(j, f, s);
	put_descriptor(j, s);
	json_u64(j, "descriptors", s->n_fds);
	if (s->other != NO_THREAD)
		put_id(j, "holder", s->other_id);
	else
		json_null(j, "holder");
	put_needs(j, s);
	put_threads(j, f, g, r);
	json_stack(j, m, t->stack == NO_STACK ? NULL : &m->stacks[t->stack]);
	json_end(j);
}

static void put_root(struct json *j, const struct findings *f)
{
	const struct why *w = &f->why;

	if (w->root == WHY_NONE) {
		json_null(j, "in_the_end");
		return;
	}
	json_line_object(j, "in_the_end");
	put_id(j, "thread", f->model->stands[w->root].thread_id);
	json_u64(j, "waiters", w->behind);
	json_end(j);
}

void json_why(struct json *j, const struct findings *f, struct room *r)
{
	size_t n = room_for(r, ROOM_STANDS, f->why.n_groups);

	put_processes(j, f);
	put_root(j, f);
	json_array(j, "stands");
	for (size_t i = 0; i < n; i++)
		put_group(j, f, &f->why.groups[i], r);
	json_end(j);
}
