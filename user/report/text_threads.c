// SPDX-License-Identifier: BSD-2-Clause
/* Where each thread's time went: the busiest one by one, the rest by name. */
#include "report/text_parts.h"

#include <string.h>

#include "base/units.h"
#include "report/room.h"

#define MATTERS	    0.02 /* of all computing: a thread of more than --top has a row of its own */
#define GROUP_SMALL 0.01 /* ... and a group of them, if it has more than that */
#define NEARLY_ALL  0.95 /* of a thread's waits: their time need not be said again */

enum {
	T_NAME,
	T_TID,
	T_CLASS,
	T_BAR,
	T_LIFE,
	T_RUN,
	T_QUEUED,
	T_YIELDED,
	T_BLOCKED,
	T_MOSTLY,
	T_UNKNOWN,
	T_SWITCHES
};

static const struct column columns[] = {
	[T_NAME] = { .head = "name", .left = true, .name = true },
	[T_TID] = { .head = "tid", .drop = 6 },
	[T_CLASS] = { .head = "class", .left = true, .drop = 9 },
	[T_BAR] = { .head = "states", .bar = true },
	[T_LIFE] = { .head = "life", .drop = 7 },
	[T_RUN] = { .head = "running" },
	[T_QUEUED] = { .head = "queued", .drop = 2 },
	[T_YIELDED] = { .head = "yielded", .drop = 3 },
	[T_BLOCKED] = { .head = "blocked", .drop = 1 },
	[T_MOSTLY] = { .head = "mostly for", .left = true, .drop = 5, .least = 14 },
	[T_UNKNOWN] = { .head = "unknown", .drop = 2 },
	[T_SWITCHES] = { .head = "switches", .drop = 8 },
};

/* One thread, or the sum of several. */
struct line {
	char name[EVENT_COMM_SIZE + 1];
	uint64_t count, lifetime_ns, switches;
	uint64_t state_ns[TS_COUNT];
	uint64_t wait_ns[CAUSE_COUNT];
	uint64_t row_ns[ROW_COUNT];
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
	for (int r = 0; r < ROW_COUNT; r++)
		l->row_ns[r] += t->row_ns[r];
}

/* Without how it waits, which is in brackets: the table of waits says it. */
static size_t brief(const char *words)
{
	const char *end = strstr(words, " (");

	return end ? (size_t)(end - words) : strlen(words);
}

static void put_times(struct page *p, struct table *t, const struct line *l)
{
	const uint64_t *state = l->state_ns;
	char text[64], time[UNITS_SIZE];
	const char *words;
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
	if ((double)l->wait_ns[most] >= NEARLY_ALL * (double)state[TS_BLOCKED])
		time[0] = '\0';
	else
		page_ns(p, time, l->wait_ns[most]);
	words = cause_words((enum cause)most);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)brief(words), words, *time ? " " : "", time);
	table_set(t, T_MOSTLY, text);
}

/* Of the run, on average. */
static void put_parts(struct table *t, const struct findings *f, const struct line *l)
{
	const uint64_t *state = l->state_ns;
	double all = (double)l->count * (double)f->model->wall_ns;
	uint64_t known =
		state[TS_RUNNING] + state[TS_WOKEN] + state[TS_PREEMPTED] + state[TS_YIELDED];

	if (all <= 0)
		return;
	table_part(t, TONE_RUNNING, (double)state[TS_RUNNING] / all);
	table_part(t, TONE_QUEUED, (double)(state[TS_WOKEN] + state[TS_PREEMPTED]) / all);
	table_part(t, TONE_YIELDED, (double)state[TS_YIELDED] / all);
	for (int r = 0; r < ROW_COUNT; r++) {
		table_part(t, r, (double)l->row_ns[r] / all);
		known += l->row_ns[r];
	}
	if (l->lifetime_ns > known)
		table_part(t, TONE_BLOCKED, (double)(l->lifetime_ns - known) / all);
}

static void put_single(struct page *p, struct table *t, const struct findings *f,
		       const struct thread *thread)
{
	struct line line = { 0 };
	enum verdict_class class;
	char text[128];

	add_thread(&line, thread, 1);
	table_row(t, STYLE_PLAIN);
	table_set(t, T_NAME, NAME(p, text, thread->comm, p->name));
	snprintf(text, sizeof(text), "%u", thread->tid);
	table_set(t, T_TID, text);
	class = f->thread_class[thread - f->model->threads];
	if (class != CLASS_UNKNOWN && f->totals.threads > 1)
		table_set(t, T_CLASS, class_name(class));
	put_times(p, t, &line);
	put_parts(t, f, &line);
}

/* times: between their number and their name. */
static void put_group(struct page *p, struct table *t, const struct findings *f,
		      const struct line *line, const char *times)
{
	char text[192], count[UNITS_SIZE], shown[128];

	NAME(p, shown, line->name, p->name);
	if (line->count == 1)
		strcpy(text, shown);
	else
		snprintf(text, sizeof(text), "%s %s%s", units_count(count, line->count), times,
			 shown);
	table_row(t, STYLE_DIM);
	table_set(t, T_NAME, text);
	put_times(p, t, line);
	put_parts(t, f, line);
}

/* "worker-12" and "worker-3" are one kind of thread: "worker-*". */
static void stem_of(char name[EVENT_COMM_SIZE + 1], const char *comm)
{
	size_t n = strlen(comm), digits = n;

	while (digits && comm[digits - 1] >= '0' && comm[digits - 1] <= '9')
		digits--;
	snprintf(name, EVENT_COMM_SIZE + 1, "%.*s%s", (int)digits, comm, digits < n ? "*" : "");
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

	return order ? order : room_busiest_first(a, b);
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
	for (int r = 0; r < ROW_COUNT; r++)
		to->row_ns[r] += from->row_ns[r];
}

static bool has_share(const struct findings *f, uint64_t running_ns, double share)
{
	return (double)running_ns >= share * (double)f->totals.state_ns[TS_RUNNING];
}

/* Threads without a row of their own, by kind. */
static size_t fold(struct line **ret, const struct thread **threads, size_t n)
{
	VEC(struct line) lines = { 0 };
	struct line *l = NULL;

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
	if (lines.n)
		qsort(lines.items, lines.n, sizeof(lines.items[0]), biggest_first);
	*ret = lines.items;
	return lines.n;
}

static void put_rest(struct page *p, struct table *t, const struct findings *f,
		     const struct thread **threads, size_t n)
{
	struct line *lines, rest = { .name = "others" };
	size_t n_lines = fold(&lines, threads, n), shown = 0;

	while (shown < n_lines && shown < p->opts->top &&
	       has_share(f, lines[shown].state_ns[TS_RUNNING], GROUP_SMALL))
		shown++;
	/* A rest of one kind can as well be named. */
	shown += shown + 1 == n_lines;
	for (size_t i = 0; i < shown; i++)
		put_group(p, t, f, &lines[i], p->opts->utf8 ? "× " : "x ");
	for (size_t i = shown; i < n_lines; i++)
		merge(&rest, &lines[i]);
	if (rest.count)
		put_group(p, t, f, &rest, "");
	free(lines);
}

/* How many of the busiest threads have a row of their own. */
static size_t count_shown(const struct page *p, const struct findings *f,
			  const struct thread **sorted, size_t n)
{
	size_t shown = 0;

	if (n <= p->opts->top)
		return n;
	while (shown < p->opts->top && has_share(f, sorted[shown]->state_ns[TS_RUNNING], MATTERS))
		shown++;
	return shown;
}

void text_threads(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	const uint64_t *state = f->totals.state_ns;
	struct table t = { .columns = columns, .n_columns = T_SWITCHES + 1 };
	VEC(const struct thread *) sorted = { 0 };
	size_t shown;

	for (size_t i = 0; i < m->n_threads; i++)
		*vec_add(&sorted) = &m->threads[i];
	if (!sorted.n && !m->n_unsent)
		return;
	page_heading(
		p, "Threads",
		state[TS_WOKEN] + state[TS_PREEMPTED]
			? "where the time of each went; queued: ready to run, waiting for a CPU"
			: "where the time of each went");
	if (sorted.n)
		qsort(sorted.items, sorted.n, sizeof(sorted.items[0]), room_busiest_first);
	shown = count_shown(p, f, sorted.items, sorted.n);
	for (size_t i = 0; i < shown; i++)
		put_single(p, &t, f, sorted.items[i]);
	if (shown < sorted.n)
		put_rest(p, &t, f, sorted.items + shown, sorted.n - shown);
	if (m->n_unsent) {
		struct line unsent = { .name = "not listed" };

		add_thread(&unsent, &m->unsent, m->n_unsent);
		put_group(p, &t, f, &unsent, "");
	}
	table_print(&t, p);
	free(sorted.items);
}
