// SPDX-License-Identifier: BSD-2-Clause
/* Who had the CPU that threads were ready to use; and threads that were scheduled anew. */
#include "report/text_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "report/words.h"

#define MATTERS 0.05 /* of the wall time, all rows together: less is no section */
#define SMALL	0.01 /* ... and a row */

enum { K_WHOM, K_HOW, K_BY, K_IS, K_TIMES, K_TOTAL, K_CERTAIN, K_LONGEST };

static const struct column columns[] = {
	[K_WHOM] = { .head = "thread", .left = true, .name = true },
	[K_HOW] = { .head = "was", .left = true, .drop = 2 },
	[K_BY] = { .head = "by", .left = true, .name = true },
	[K_IS] = { .head = "which is", .left = true, .drop = 3 },
	[K_TIMES] = { .head = "times", .drop = 1 },
	[K_TOTAL] = { .head = "at most" },
	[K_CERTAIN] = { .head = "at least", .drop = 5 },
	[K_LONGEST] = { .head = "longest", .drop = 4 },
};

/* "SCHED_FIFO 10", "nice 5"; empty: nothing special. */
static void describe(char *buf, size_t size, uint32_t policy, int32_t nice, uint32_t rt_priority)
{
	const char *name = policy_name(policy);

	*buf = '\0';
	if (policy && rt_priority)
		snprintf(buf, size, "%s %u", name ? name : "real-time", rt_priority);
	else if (policy)
		snprintf(buf, size, "%s", name ? name : "of a policy that is not known");
	else if (nice)
		snprintf(buf, size, "nice %d", nice);
}

static void put_is(struct table *t, const struct taker_row *r)
{
	const struct taker *k = r->first;
	char text[96], special[48];
	static const char *const what[TAKER_IS_COUNT] = { "", "its own", "another program",
							  "the kernel" };

	describe(special, sizeof(special), k->policy, k->nice, k->rt_priority);
	snprintf(text, sizeof(text), "%s%s%s", what[k->is], *special ? ", " : "", special);
	table_set(t, K_IS, text);
}

static void put_row(struct page *p, struct table *t, const struct taker_row *r)
{
	char text[64], name[160], count[UNITS_SIZE];

	table_row(t, STYLE_PLAIN);
	NAME(p, name, r->whom, p->name);
	if (r->threads > 1) {
		char several[224];

		snprintf(several, sizeof(several), "%s %s%s", units_count(count, r->threads),
			 p->opts->utf8 ? "× " : "x ", name);
		table_set(t, K_WHOM, several);
	} else {
		table_set(t, K_WHOM, name);
	}
	table_set(t, K_HOW, taker_how_name(r->first->how));
	NAME(p, name, r->by, p->name);
	table_set(t, K_BY, name);
	put_is(t, r);
	table_set(t, K_TIMES, page_cell_count(text, r->count));
	table_set(t, K_TOTAL, page_cell_ns(p, text, r->ns));
	table_set(t, K_CERTAIN, page_cell_ns(p, text, r->certain_ns));
	table_set(t, K_LONGEST, page_cell_ns(p, text, r->max_ns));
}

static void put_takers(struct page *p, const struct findings *f)
{
	struct table t = { .columns = columns, .n_columns = sizeof(columns) / sizeof(*columns) };
	double wall = f->model->wall_ns, sum = 0;
	double small = p->opts->verbose ? 0 : SMALL * wall;
	size_t shown = 0;

	for (size_t i = 0; i < f->n_takers; i++)
		sum += f->takers[i].ns;
	if (!f->n_takers || (!p->opts->verbose && sum < MATTERS * wall))
		return;
	while (shown < f->n_takers && shown < p->opts->top && f->takers[shown].ns >= small)
		shown++;
	if (!shown)
		return;
	page_heading(p, "Who took the CPU",
		     "or had it last when a thread was woken and had to wait; for how long that "
		     "was ready to run meanwhile");
	for (size_t i = 0; i < shown; i++)
		put_row(p, &t, &f->takers[i]);
	table_print(&t, p);
	if (shown < f->n_takers)
		page_text(p, 2, NULL, STYLE_DIM, "%zu more", f->n_takers - shown);
}

static void say_schedule(char *buf, size_t size, const struct schedule *s,
			 const struct schedule *other)
{
	char text[48];
	bool is_other = s->policy != other->policy || s->nice != other->nice ||
			s->rt_priority != other->rt_priority;
	size_t used = 0;

	describe(text, sizeof(text), s->policy, s->nice, s->rt_priority);
	*buf = '\0';
	if (is_other)
		used = snprintf(buf, size, "%s", *text ? text : "nice 0");
	if (s->n_cpus != other->n_cpus)
		snprintf(buf + used, size - used, "%s%u CPU%s", used ? ", " : "", s->n_cpus,
			 s->n_cpus == 1 ? "" : "s");
	else if (s->cpus != other->cpus)
		snprintf(buf + used, size - used, "%sCPUs %#llx", used ? ", " : "",
			 (unsigned long long)s->cpus);
}

/* One that came with the thread's first millisecond is how it was meant to be. */
static void put_changes(struct page *p, const struct findings *f)
{
	size_t shown = 0;

	for (size_t i = 0; i < f->model->n_threads && shown < p->opts->top; i++) {
		const struct thread *t = &f->model->threads[i];

		for (size_t k = 0; k < t->n_changes && shown < p->opts->top; k++) {
			const struct reschedule *c = &t->changes[k];
			char was[96], now[96], name[128], at[UNITS_SIZE];

			if (!p->opts->verbose && c->at_ns < t->start_ns + 1000000)
				continue;
			if (!shown++)
				page_heading(p, "Scheduled anew",
					     "as seen at the next timer's tick");
			say_schedule(was, sizeof(was), &c->was, &c->now);
			say_schedule(now, sizeof(now), &c->now, &c->was);
			page_text(p, 2, NULL, STYLE_PLAIN, "%s (tid %u): %s, from %s on %s",
				  NAME(p, name, t->comm, p->name), t->tid, was,
				  page_ns(p, at, c->at_ns), now);
		}
	}
}

/* --- from one CPU to another ------------------------------------------------------------- */

#define MOVES_LEAST 500
#define MOVES_RATE  500	    /* a second of its life, and */
#define STAY_MOST   1000000 /* it runs less than this between two, on average */

static bool moves_often(const struct thread *t)
{
	uint64_t moves = t->witness.migrations;

	return moves >= MOVES_LEAST && t->state_ns[TS_RUNNING] < moves * STAY_MOST &&
	       (double)moves * 1e9 >= MOVES_RATE * (double)t->lifetime_ns;
}

/* No finding: what it costs depends on caches, which nothing here looks into. */
static void put_moves(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	const struct thread *most = NULL;
	char name[128], moves[64], stay[UNITS_SIZE], others[128] = "";
	size_t n = 0;

	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (t->flags & (THREAD_KERNEL | THREAD_UNSENT) || !moves_often(t))
			continue;
		n++;
		if (!most || t->witness.migrations > most->witness.migrations)
			most = t;
	}
	if (!most)
		return;
	if (n > 1)
		snprintf(others, sizeof(others), "; %s as often",
			 page_counted(moves, sizeof(moves), n - 1, "more thread moves",
				      "more threads move"));
	page_heading(p, "Moved between CPUs", "often; what that costs is not measured");
	page_text(p, 2, NULL, STYLE_PLAIN,
		  "%s (tid %u) came to another CPU %s times, after it had run for %s on average%s. "
		  "To see what it costs, keep it on one CPU (taskset, a cpuset, "
		  "sched_setaffinity) and compare both runs",
		  NAME(p, name, most->comm, p->name), most->tid,
		  units_count(moves, most->witness.migrations),
		  page_ns(p, stay, most->state_ns[TS_RUNNING] / most->witness.migrations), others);
}

void text_takers(struct page *p, const struct findings *f)
{
	put_takers(p, f);
	put_changes(p, f);
	put_moves(p, f);
}
