// SPDX-License-Identifier: BSD-2-Clause
/* Where each thread's time went: the busiest one by one, the rest by name. */
#include "report/text_parts.h"

#include <string.h>

#include "base/units.h"

enum {
	T_NAME,
	T_TID,
	T_LIFE,
	T_RUN,
	T_QUEUED,
	T_YIELDED,
	T_BLOCKED,
	T_UNKNOWN,
	T_MOSTLY,
	T_SWITCHES
};

static const struct column columns[] = {
	[T_NAME] = { "name", true, 0 },	       [T_TID] = { "tid", false, 4 },
	[T_LIFE] = { "life", false, 6 },       [T_RUN] = { "running", false, 0 },
	[T_QUEUED] = { "queued", false, 2 },   [T_YIELDED] = { "yielded", false, 3 },
	[T_BLOCKED] = { "blocked", false, 1 }, [T_UNKNOWN] = { "unknown", false, 2 },
	[T_MOSTLY] = { "mostly in", true, 5 }, [T_SWITCHES] = { "switches", false, 7 },
};

/* One thread, or the sum of several. */
struct line {
	char name[EVENT_COMM_SIZE + 1];
	uint64_t count, lifetime_ns, switches;
	uint64_t state_ns[TS_COUNT];
	uint64_t wait_ns[CAUSE_COUNT];
};

static void add_thread(struct line *l, const struct thread *t, uint64_t count)
{
	l->count += count;
	l->lifetime_ns += t->lifetime_ns;
	l->switches += t->switches;
	for (int s = 0; s < TS_COUNT; s++)
		l->state_ns[s] += t->state_ns[s];
	for (size_t i = 0; i < t->n_waits; i++)
		l->wait_ns[t->waits[i].cause] += t->waits[i].ns;
}

static void put_times(struct page *p, struct table *t, const struct line *l)
{
	const uint64_t *state = l->state_ns;
	char text[64], time[UNITS_SIZE];
	int most = 0;

	table_set(t, T_LIFE, page_cell_ns(p, text, l->lifetime_ns));
	table_set(t, T_RUN, page_cell_ns(p, text, state[TS_RUNNING]));
	table_set(t, T_QUEUED, page_cell_ns(p, text, state[TS_WOKEN] + state[TS_PREEMPTED]));
	table_set(t, T_YIELDED, page_cell_ns(p, text, state[TS_YIELDED]));
	table_set(t, T_BLOCKED, page_cell_ns(p, text, state[TS_BLOCKED]));
	table_set(t, T_UNKNOWN, page_cell_ns(p, text, state[TS_UNKNOWN]));
	table_set(t, T_SWITCHES, page_cell_count(text, l->switches));
	for (int c = 1; c < CAUSE_COUNT; c++) {
		if (l->wait_ns[c] > l->wait_ns[most])
			most = c;
	}
	if (!l->wait_ns[most])
		return;
	snprintf(text, sizeof(text), "%s %s", cause_name((unsigned int)most),
		 page_ns(p, time, l->wait_ns[most]));
	table_set(t, T_MOSTLY, text);
}

static void put_single(struct page *p, struct table *t, const struct thread *thread)
{
	struct line line = { 0 };
	char text[128];

	add_thread(&line, thread, 1);
	table_row(t, STYLE_PLAIN);
	table_set(t, T_NAME, NAME(p, text, thread->comm, p->name));
	snprintf(text, sizeof(text), "%u", thread->tid);
	table_set(t, T_TID, text);
	put_times(p, t, &line);
}

static void put_group(struct page *p, struct table *t, const struct line *line)
{
	char text[192], count[UNITS_SIZE], shown[128];

	NAME(p, shown, line->name, p->name);
	snprintf(text, sizeof(text), "+%s %s", units_count(count, line->count), shown);
	table_row(t, STYLE_DIM);
	table_set(t, T_NAME, text);
	put_times(p, t, line);
}

/* "worker-12" and "worker-3" are one kind of thread: "worker-*". */
static void stem_of(char name[EVENT_COMM_SIZE + 1], const char *comm)
{
	size_t n = strlen(comm), digits = n;

	while (digits && comm[digits - 1] >= '0' && comm[digits - 1] <= '9')
		digits--;
	snprintf(name, EVENT_COMM_SIZE + 1, "%.*s%s", (int)digits, comm, digits < n ? "*" : "");
}

static int busiest_first(const void *a, const void *b)
{
	const struct thread *v = *(const struct thread *const *)a;
	const struct thread *w = *(const struct thread *const *)b;

	if (v->state_ns[TS_RUNNING] != w->state_ns[TS_RUNNING])
		return v->state_ns[TS_RUNNING] > w->state_ns[TS_RUNNING] ? -1 : 1;
	if (v->lifetime_ns != w->lifetime_ns)
		return v->lifetime_ns > w->lifetime_ns ? -1 : 1;
	return v->id < w->id ? -1 : v->id > w->id;
}

static int compare_stems(const char *a, const char *b)
{
	char a_stem[EVENT_COMM_SIZE + 1], b_stem[EVENT_COMM_SIZE + 1];

	stem_of(a_stem, a);
	stem_of(b_stem, b);
	return strcmp(a_stem, b_stem);
}

static int by_stem(const void *a, const void *b)
{
	const struct thread *v = *(const struct thread *const *)a;
	const struct thread *w = *(const struct thread *const *)b;
	int order = compare_stems(v->comm, w->comm);

	return order ? order : busiest_first(a, b);
}

static int biggest_first(const void *a, const void *b)
{
	const struct line *v = a, *w = b;

	if (v->state_ns[TS_RUNNING] != w->state_ns[TS_RUNNING])
		return v->state_ns[TS_RUNNING] > w->state_ns[TS_RUNNING] ? -1 : 1;
	return strcmp(v->name, w->name);
}

static void merge(struct line *to, const struct line *from)
{
	to->count += from->count;
	to->lifetime_ns += from->lifetime_ns;
	to->switches += from->switches;
	for (int s = 0; s < TS_COUNT; s++)
		to->state_ns[s] += from->state_ns[s];
	for (int c = 0; c < CAUSE_COUNT; c++)
		to->wait_ns[c] += from->wait_ns[c];
}

/* Threads beyond the first ones, one line for each kind, as many as there were threads. */
static void put_rest(struct page *p, struct table *t, const struct thread **threads, size_t n)
{
	VEC(struct line) lines = { 0 };
	struct line rest = { .name = "others" }, *l = NULL;

	qsort(threads, n, sizeof(threads[0]), by_stem);
	for (size_t i = 0; i < n; i++) {
		const char *comm = threads[i]->comm;

		if (!i || compare_stems(threads[i - 1]->comm, comm)) {
			l = vec_add(&lines);
			memset(l, 0, sizeof(*l));
			strcpy(l->name, comm);
		} else if (strcmp(l->name, comm)) {
			stem_of(l->name, comm);
		}
		add_thread(l, threads[i], 1);
	}
	qsort(lines.items, lines.n, sizeof(lines.items[0]), biggest_first);
	for (size_t i = 0; i < lines.n; i++) {
		if (i < p->opts->top)
			put_group(p, t, &lines.items[i]);
		else
			merge(&rest, &lines.items[i]);
	}
	if (rest.count)
		put_group(p, t, &rest);
	free(lines.items);
}

void text_threads(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	struct table t = { .columns = columns, .n_columns = TABLE_COLUMNS };
	VEC(const struct thread *) sorted = { 0 };
	size_t shown;

	for (size_t i = 0; i < m->n_threads; i++)
		*vec_add(&sorted) = &m->threads[i];
	if (!sorted.n && !m->n_unsent)
		return;
	page_heading(p, "Threads",
		     "where the time of each went; queued: ready to run, waiting for a CPU");
	if (sorted.n)
		qsort(sorted.items, sorted.n, sizeof(sorted.items[0]), busiest_first);
	shown = sorted.n < p->opts->top ? sorted.n : p->opts->top;
	for (size_t i = 0; i < shown; i++)
		put_single(p, &t, sorted.items[i]);
	if (shown < sorted.n)
		put_rest(p, &t, sorted.items + shown, sorted.n - shown);
	if (m->n_unsent) {
		struct line unsent = { .name = "not listed" };

		add_thread(&unsent, &m->unsent, m->n_unsent);
		put_group(p, &t, &unsent);
	}
	table_print(&t, p);
	free(sorted.items);
}
