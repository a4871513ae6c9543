// SPDX-License-Identifier: BSD-2-Clause
/*
 * One look at threads: those that are alike together, and the thread that the others wait for, in
 * the end.
 */
#include "analysis/why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/deadlocks.h"
#include "analysis/internal.h"
#include "base/units.h"

/* --- who waits for whom ---------------------------------------------------------------------- */

static const struct thread *thread_of(const struct findings *f, size_t stand)
{
	return &f->model->threads[f->model->stands[stand].thread];
}

/* The stand of a thread, which are in order; WHY_NONE: there is none. */
static size_t stand_of(const struct model *m, size_t thread)
{
	size_t from = 0, to = m->n_stands;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (m->stands[mid].thread < thread)
			from = mid + 1;
		else
			to = mid;
	}
	return from < m->n_stands && m->stands[from].thread == thread ? from : WHY_NONE;
}

/* Of a process that is waited for, the thread that has stood least long acts for all; one that runs
 * before all others. */
static void find_actors(const struct model *m, size_t *actor)
{
	for (size_t i = 0; i < m->n_processes; i++)
		actor[i] = WHY_NONE;
	for (size_t i = 0; i < m->n_stands; i++) {
		size_t *of = &actor[m->threads[m->stands[i].thread].process];

		if (*of == WHY_NONE || m->stands[i].for_ns < m->stands[*of].for_ns)
			*of = i;
	}
}

/* What it waits for, if that is one thread, or the processes that could end its wait. */
static size_t next_of(const struct model *m, const size_t *actor, size_t i)
{
	const struct stand *s = &m->stands[i];
	size_t own = m->threads[s->thread].process;

	if (s->state != STAND_BLOCKED)
		return WHY_NONE;
	if (s->other != NO_THREAD)
		return s->other == s->thread ? WHY_NONE : stand_of(m, s->other);
	for (size_t k = 0; k < s->n_needs; k++) {
		if (s->needs[k].process != NO_PROCESS && s->needs[k].process != own)
			return actor[s->needs[k].process];
	}
	return WHY_NONE;
}

/* Where the chain from there ends; WHY_NONE: in a circle. */
static size_t end_of(const size_t *next, size_t n, size_t i)
{
	for (size_t steps = 0; steps <= n; steps++) {
		if (next[i] == WHY_NONE)
			return i;
		i = next[i];
	}
	return WHY_NONE;
}

static void find_root(struct findings *f)
{
	const struct model *m = f->model;
	size_t *next = zeroed(m->n_stands, sizeof(*next));
	size_t *behind = zeroed(m->n_stands, sizeof(*behind));
	size_t *actor = zeroed(m->n_processes, sizeof(*actor));

	find_actors(m, actor);
	for (size_t i = 0; i < m->n_stands; i++)
		next[i] = next_of(m, actor, i);
	f->why.root = WHY_NONE;
	for (size_t i = 0; i < m->n_stands; i++) {
		size_t end = next[i] == WHY_NONE ? WHY_NONE : end_of(next, m->n_stands, i);

		if (end == WHY_NONE)
			continue;
		behind[end]++;
		if (behind[end] > f->why.behind) {
			f->why.behind = behind[end];
			f->why.root = end;
		}
	}
	free(next);
	free(behind);
	free(actor);
}

/* --- those that are alike ---------------------------------------------------------------- */

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

struct likeness {
	const struct findings *f;
	size_t stand;
};

static int by_needs(const struct stand *s, const struct stand *t)
{
	int order = compare(s->n_needs, t->n_needs);

	for (size_t i = 0; !order && i < s->n_needs; i++)
		order = compare(s->needs[i].pid, t->needs[i].pid);
	return order ? order : strcmp(s->text, t->text);
}

static int by_what_they_wait_for(const void *a, const void *b)
{
	const struct likeness *v = a, *w = b;
	const struct model *m = v->f->model;
	const struct stand *s = &m->stands[v->stand], *t = &m->stands[w->stand];
	const struct thread *x = thread_of(v->f, v->stand), *y = thread_of(w->f, w->stand);
	const uint64_t keys[][2] = {
		{ x->process, y->process },	  { s->state, t->state },
		{ x->open_cause, y->open_cause }, { s->lock, t->lock },
		{ s->other, t->other },		  { (uint64_t)s->fd, (uint64_t)t->fd },
		{ s->is_timed, t->is_timed },	  { x->stack, y->stack },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		int order = compare(keys[i][0], keys[i][1]);

		if (order)
			return order;
	}
	return by_needs(s, t);
}

static int alike_and_in_order(const void *a, const void *b)
{
	const struct likeness *v = a, *w = b;
	int order = by_what_they_wait_for(a, b);

	return order ? order : compare(v->stand, w->stand);
}

/* What was asked for, then the most threads; of one process together. */
static int by_weight(const void *a, const void *b)
{
	const struct why_group *g = a, *h = b;

	if (g->is_asked != h->is_asked)
		return g->is_asked ? -1 : 1;
	if (g->process != h->process)
		return compare(g->process, h->process);
	if (g->n != h->n)
		return g->n > h->n ? -1 : 1;
	return compare(g->stands[0], h->stands[0]);
}

static void find_groups(struct findings *f)
{
	const struct model *m = f->model;
	struct likeness *all = zeroed(m->n_stands, sizeof(*all));
	struct why *w = &f->why;

	w->members = zeroed(m->n_stands, sizeof(*w->members));
	w->groups = zeroed(m->n_stands, sizeof(*w->groups));
	for (size_t i = 0; i < m->n_stands; i++)
		all[i] = (struct likeness){ f, i };
	qsort(all, m->n_stands, sizeof(*all), alike_and_in_order);
	for (size_t i = 0; i < m->n_stands; i++) {
		const struct stand *s = &m->stands[all[i].stand];
		struct why_group *g = w->n_groups ? &w->groups[w->n_groups - 1] : NULL;

		w->members[i] = all[i].stand;
		if (!g || by_what_they_wait_for(&all[i - 1], &all[i])) {
			g = &w->groups[w->n_groups++];
			*g = (struct why_group){ .stands = &w->members[i],
						 .process = m->threads[s->thread].process,
						 .is_asked = s->is_asked };
		}
		g->n++;
		if (s->for_ns > g->longest_ns)
			g->longest_ns = s->for_ns;
	}
	if (w->n_groups)
		qsort(w->groups, w->n_groups, sizeof(*w->groups), by_weight);
	free(all);
}

/* --- what it comes to ------------------------------------------------------------------------ */

struct census {
	size_t threads, working, outward, inward;
};

static struct census count(const struct model *m, bool all)
{
	struct census c = { 0 };

	for (size_t i = 0; i < m->n_stands; i++) {
		const struct stand *s = &m->stands[i];
		unsigned int row = m->threads[s->thread].open_row;

		if (!all && !s->is_asked)
			continue;
		c.threads++;
		if (s->state != STAND_BLOCKED)
			c.working += s->state != STAND_DEAD;
		else if (!s->is_timed && row_is_inward(row))
			c.inward++;
		else
			c.outward++;
	}
	return c;
}

static void say_root(struct finding *to, const struct findings *f)
{
	const struct stand *root = &f->model->stands[f->why.root];
	char name[48], words[WHY_WORDS];

	stuck_name(name, sizeof(name), f->model, root->thread);
	finding_title(to, "%zu thread%s wait%s, in the end, for %s", f->why.behind,
		      f->why.behind == 1 ? "" : "s", f->why.behind == 1 ? "s" : "", name);
	evidence_add(to, "threads", root->for_ns, "%s %.150s", name,
		     why_words(words, sizeof(words), f, root, false));
}

static void say_census(struct finding *to, const struct census *c)
{
	if (c->working)
		finding_title(to, "%zu of %zu thread%s run%s", c->working, c->threads,
			      c->threads == 1 ? "" : "s",
			      c->working == 1 ? "s or wants a CPU" : " or want a CPU");
	else if (c->inward || c->outward)
		finding_title(to, "no thread runs; input, events or time can wake %s",
			      c->inward		? "some"
			      : c->outward == 1 ? "it"
						: "each");
	else
		finding_title(to, "no thread is left: what was asked for is dead");
}

/* As hang_find() of a measurement. */
static void say_hang(struct finding *to, const struct census *c)
{
	finding_title(to, "the program stands still: %s",
		      c->inward == 1 ? "its only thread waits for what has no time-out"
				     : "each thread waits for another one");
	evidence_add(to, "threads", c->inward,
		     "%zu wait%s for another thread or a child, with no time-out", c->inward,
		     c->inward == 1 ? "s" : "");
	hang_advise(to);
}

static void say_numbers(struct finding *to, const struct census *c)
{
	if (c->working)
		evidence_add(to, "threads", c->working, "%zu run%s", c->working,
			     c->working == 1 ? "s or wants a CPU" : " or want a CPU");
	if (c->inward)
		evidence_add(to, "threads", c->inward,
			     "%zu wait%s for other threads, or for a child process", c->inward,
			     c->inward == 1 ? "s" : "");
	if (c->outward)
		evidence_add(to, "threads", c->outward,
			     "%zu wait%s for input, events, time or a device", c->outward,
			     c->outward == 1 ? "s" : "");
}

/* Nobody can go on, and nobody is waited for that was not looked at. */
static bool is_hang(const struct model *m)
{
	struct census all = count(m, true);

	for (size_t i = 0; i < m->n_stand_needs; i++) {
		if (m->stand_needs[i].process == NO_PROCESS)
			return false;
	}
	return all.inward && !all.working && !all.outward;
}

static void say_rest(struct findings *f)
{
	struct census c = count(f->model, false);
	struct finding *to = finding_add(f, "why", SEVERITY_NOTE);

	if (f->why.root != WHY_NONE && !c.working)
		say_root(to, f);
	else
		say_census(to, &c);
	say_numbers(to, &c);
}

void why_find(struct findings *f)
{
	struct census all = count(f->model, true);

	f->n_list = 0;
	f->verdict = (struct verdict){ .class = CLASS_UNKNOWN };
	find_root(f);
	find_groups(f);
	if (deadlock_deciding(f)) {
		f->verdict.class = CLASS_DEADLOCKED;
		deadlock_say_verdict(finding_add(f, "deadlock", SEVERITY_ERROR), f);
	} else if (is_hang(f->model)) {
		say_hang(finding_add(f, "hang", SEVERITY_ERROR), &all);
	} else {
		say_rest(f);
	}
	f->verdict.rule = f->list[0].rule;
	deadlocks_say(f);
}
