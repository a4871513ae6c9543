// SPDX-License-Identifier: BSD-2-Clause
/* Pools that are larger than their work, or too small for it. */
#include "../bpf/wall.h"
#include "analysis/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define POOL_LEAST	4
#define POOL_BUSY_SHARE 0.25 /* of its threads, at most */
#define POOL_MOST_BUSY	0.5  /* ... at once, where that is known */
#define POOL_IDLE_MOST	0.1  /* of its life: less, and it always has work */
#define BLOCKED_LEAST	0.5  /* ... it is blocked for other things: more could be at once */
#define CPUS_MOST	0.75 /* of the allowed CPUs, on average: so that there are some for more */
#define AWAITED_LEAST	0.2  /* of the wall time, that somebody waited for what it does */
#define NAME_MOST	40   /* bytes of a place */

/* --- threads of one process and one name, of which no more is known ---------------------------- */

struct group {
	const struct thread *first;
	size_t n;
	double life, idle, sync;
};

static int by_group(const void *a, const void *b)
{
	const struct thread *t = *(const struct thread *const *)a;
	const struct thread *u = *(const struct thread *const *)b;

	if (t->process != u->process)
		return t->process < u->process ? -1 : 1;
	return strcmp(t->comm, u->comm);
}

static void add(struct group *to, const struct thread *t)
{
	to->n++;
	to->life += t->lifetime_ns;
	to->idle += t->row_ns[ROW_SYNC] + t->row_ns[ROW_EVENT] + t->row_ns[ROW_TICK] +
		    t->row_ns[ROW_DEMAND] + t->row_ns[ROW_QUEUE];
	to->sync += t->row_ns[ROW_SYNC];
}

/* Its threads live for most of the run, wait for each other, and hardly work. */
static bool is_large(const struct group *g, const struct model *m)
{
	return g->n >= POOL_LEAST && g->life > 0.5 * g->n * m->wall_ns && g->sync > g->life / 2 &&
	       g->life - g->idle <= POOL_BUSY_SHARE * g->life;
}

/* The largest of such. */
static void find_group(struct group *ret, const struct model *m)
{
	const struct thread **sorted = zeroed(m->n_threads, sizeof(*sorted));
	size_t n = 0;

	for (size_t i = 0; i < m->n_threads; i++) {
		if (!(m->threads[i].flags & THREAD_LEADER))
			sorted[n++] = &m->threads[i];
	}
	qsort(sorted, n, sizeof(*sorted), by_group);
	for (size_t i = 0, next; i < n; i = next) {
		struct group g = { .first = sorted[i] };

		for (next = i; next < n && !by_group(&sorted[i], &sorted[next]); next++)
			add(&g, sorted[next]);
		if (g.n > ret->n && is_large(&g, m))
			*ret = g;
	}
	free(sorted);
}

static void find_idle_group(struct findings *f)
{
	struct group g = { 0 };
	struct finding *to;
	char busy[UNITS_SIZE];

	find_group(&g, f->model);
	if (!g.n)
		return;
	to = finding_add(f, "pool.large", SEVERITY_NOTE);
	memcpy(to->subject, g.first->comm, sizeof(g.first->comm));
	finding_title(to, "%zu threads of this name, of which %s were busy on average", g.n,
		      units_mean(busy, (g.life - g.idle) / f->model->wall_ns));
	evidence_add(to, "threads.waited_for", (uint64_t)g.idle,
		     "%.0f %% of their lives they waited for something to do",
		     100 * g.idle / g.life);
	finding_advice(to,
		       "If this is a pool of workers, it is larger than the work needs, or the "
		       "work does not reach it: see what hands it out. Idle threads cost memory, "
		       "not time.");
}

/* --- pools of which it is known how many were busy at once ----------------------------------------- */

static struct finding *add_finding(struct findings *f, const struct kind_row *row, const char *rule)
{
	struct finding *to = finding_add(f, rule, SEVERITY_NOTE);

	memcpy(to->subject, f->model->threads[row->thread].comm, EVENT_COMM_SIZE);
	return to;
}

static bool is_too_large(const struct kind_row *row)
{
	return row->busy_most && row->members >= POOL_LEAST && row->life_ns && row->wall_ns &&
	       (double)row->busy_most <= POOL_MOST_BUSY * (double)row->members;
}

static void say_large(struct findings *f, const struct kind_row *row)
{
	struct finding *to = add_finding(f, row, "pool.large");
	char busy[UNITS_SIZE], waits[UNITS_SIZE], idle[UNITS_SIZE];

	finding_title(to, "%zu workers, at most %zu busy at once: %zu would do", row->members,
		      row->busy_most, row->busy_most + 1);
	evidence_add(to, "concurrency.busy_at_once_at_most", row->busy_most,
		     "%s were busy on average, at most %zu at once",
		     units_mean(busy, (double)(row->life_ns - row->idle_ns) / (double)row->wall_ns),
		     row->busy_most);
	evidence_add(to, "concurrency.waits_for_work", row->waits,
		     "they waited for work %s times, %s of their lives, at %.*s",
		     units_count(waits, row->waits),
		     units_percent(idle, (double)row->idle_ns / (double)row->life_ns), NAME_MOST,
		     f->locks[f->lock_rank[row->lock]].name);
	finding_advice(to, "One more than were ever busy is enough for as much work as there was, "
			   "unless more comes at other times. Idle workers cost memory, not time.");
}

/* --- pools that always have work, and mostly wait while they do it ---------------------------------- */

/* What its members are blocked for, but for work; *ret_most: for what most. */
static uint64_t blocked_of(const struct findings *f, const struct kind_row *row,
			   enum cause *ret_most)
{
	const struct model *m = f->model;
	uint64_t by_cause[CAUSE_COUNT] = { 0 }, sum = 0;

	*ret_most = CAUSE_UNKNOWN;
	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		for (size_t w = 0; w < t->n_waits && f->pool_of[i] == row->thread; w++) {
			enum cause c = t->waits[w].cause;

			if (waits_for_others(c) || row_of_cause(c) == ROW_LOCK)
				continue;
			sum += t->waits[w].ns;
			by_cause[c] += t->waits[w].ns;
			*ret_most = by_cause[c] > by_cause[*ret_most] ? c : *ret_most;
		}
	}
	return sum;
}

/* Others waited so long until one of its members woke them; no more than it was for all of it. */
static uint64_t awaited_of(const struct findings *f, const struct kind_row *row)
{
	const struct model *m = f->model;
	uint64_t ns = 0;

	for (size_t i = 0; i < m->n_wakes; i++) {
		const struct wake *w = &m->wakes[i];

		if (w->waker != NO_THREAD && w->waiter != NO_THREAD &&
		    f->pool_of[w->waker] == row->thread && f->pool_of[w->waiter] != row->thread)
			ns += w->ns;
	}
	return ns < m->wall_ns ? ns : m->wall_ns;
}

static void find_small(struct findings *f, const struct kind_row *row)
{
	double life = (double)row->life_ns, wall = (double)f->model->wall_ns;
	char busy[UNITS_SIZE], part[UNITS_SIZE], awaited[UNITS_SIZE], ran[UNITS_SIZE];
	enum cause most;
	uint64_t blocked = blocked_of(f, row, &most), waited = awaited_of(f, row);
	struct finding *to;

	if (!row->life_ns || (double)row->idle_ns > POOL_IDLE_MOST * life ||
	    (double)blocked < BLOCKED_LEAST * life ||
	    f->parallelism > CPUS_MOST * f->cpus_allowed || (double)waited < AWAITED_LEAST * wall)
		return;
	to = add_finding(f, row, "pool.small");
	finding_title(to,
		      "%zu workers, busy all the time and mostly blocked: more could wait at once",
		      row->members);
	evidence_add(to, "concurrency.idle_share", row->idle_ns,
		     "they had work %s of their lives, and were blocked in it %s of them, mostly "
		     "for %s",
		     units_percent(busy, 1 - (double)row->idle_ns / life),
		     units_percent(part, (double)blocked / life), cause_words(most));
	evidence_add(to, "concurrency", waited, "others waited %s for what they do",
		     units_ns(awaited, waited, true));
	evidence_add(to, "parallelism.mean", (uint64_t)f->parallelism,
		     "meanwhile %s threads ran on average, on %.4g CPUs",
		     units_mean(ran, f->parallelism), f->cpus_allowed);
	finding_advice(to,
		       "Work lay and waited for one of them. More workers would have more of it "
		       "under way at once, if what they wait for can serve more at once; so would "
		       "workers that do not block, each with several pieces of work at once.");
}

void pool_find(struct findings *f)
{
	enum verdict_class class = f->verdict.class;
	bool has_large = false;

	for (size_t i = 0; i < f->n_kinds; i++) {
		const struct kind_row *row = &f->kinds[i];

		if (row->kind != KIND_POOL || !row->is_named)
			continue;
		if (is_too_large(row) && !has_large) {
			say_large(f, row);
			has_large = true;
		}
		find_small(f, row);
	}
	/* Of a program that does nothing, it says nothing that its pool does neither. */
	if (!has_large && class != CLASS_IDLE && class != CLASS_SLEEP_BOUND)
		find_idle_group(f);
}
