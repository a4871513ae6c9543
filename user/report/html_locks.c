// SPDX-License-Identifier: BSD-2-Clause
/* Locks, targets and loops one by one: how long waits took, who waited, who had it, where. */
#include "report/html.h"

#include <string.h>

#include "base/escape.h"
#include "base/units.h"
#include "report/frames.h"

#define LOCKS	    12
#define TARGETS	    8
#define LOOPS	    4
#define PEOPLE	    8 /* waiters and holders of a lock */
#define STACKS	    3
#define STACKS_SEEN 256
#define FRAMES	    16
#define HIGH	    64 /* pixels of a histogram's highest bar */
#define BUCKET	    30 /* ... and of a bar's width */
#define LABELS	    18
#define SMALL	    0.001 /* of the wall time: not opened up */
#define BUCKETS	    LOCK_BUCKETS
#define QUARTERS    (LOOP_BUCKETS / BUCKETS)

/* --- histograms --------------------------------------------------------------------------- */

/* "1 µs", of a power of two from there on: the lower bound of a bucket. */
static char *bound(char *buf, size_t bucket)
{
	static const char *const units[] = { "µs", "ms", "s" };
	size_t power = bucket ? bucket - 1 : 0, unit = power / 10;

	snprintf(buf, UNITS_SIZE, "%u %s", 1u << power % 10, units[unit < 3 ? unit : 2]);
	return buf;
}

/* Buckets from the first that is not empty to the last. */
struct span {
	const uint64_t *counts;
	size_t first, end;
	uint64_t most;
};

static struct span span_of(const uint64_t *counts)
{
	struct span s = { .counts = counts, .end = BUCKETS };

	while (s.end && !counts[s.end - 1])
		s.end--;
	while (s.first < s.end && !counts[s.first])
		s.first++;
	for (size_t i = s.first; i < s.end; i++)
		s.most = counts[i] > s.most ? counts[i] : s.most;
	return s;
}

/* "from 8 µs: 1,234" */
static void put_words(FILE *out, const struct span *s, size_t i)
{
	char label[UNITS_SIZE], count[UNITS_SIZE];

	fprintf(out, "%s %s: %s", i ? "from" : "below", bound(label, i ? i : 1),
		units_count(count, s->counts[i]));
}

static void put_bucket(FILE *out, const struct span *s, size_t i)
{
	uint64_t n = s->counts[i];
	double height = n ? 1 + (HIGH - 1) * (double)n / (double)s->most : 0;
	size_t x = (i - s->first) * BUCKET;
	char label[UNITS_SIZE];

	fprintf(out,
		"<rect class=\"t-lock\" x=\"%zu\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"><title>",
		x + 1, HIGH - height, BUCKET - 2, height);
	put_words(out, s, i);
	fputs("</title></rect>", out);
	if ((i - s->first) % 2 == 0)
		fprintf(out, "<text class=\"tick\" x=\"%zu\" y=\"%d\">%s%s</text>\n", x, HIGH + 14,
			i ? "" : "&lt;", bound(label, i));
}

/* what: "waits" */
static void put_histogram(struct page *p, const uint64_t *counts, const char *what)
{
	struct span s = span_of(counts);
	size_t width = (s.end - s.first) * BUCKET;

	if (s.end - s.first < 2)
		return;
	html_flow(p);
	fprintf(p->out,
		"<figure class=\"histogram\"><figcaption>How long the %s took: how many of each "
		"length</figcaption>\n<svg viewBox=\"0 0 %zu %d\" width=\"%zu\" role=\"img\" "
		"aria-label=\"",
		what, width, HIGH + LABELS, width);
	for (size_t i = s.first; i < s.end; i++) {
		if (!counts[i])
			continue;
		put_words(p->out, &s, i);
		fputs("; ", p->out);
	}
	fputs("\">\n", p->out);
	for (size_t i = s.first; i < s.end; i++)
		put_bucket(p->out, &s, i);
	fputs("</svg></figure>\n", p->out);
}

/* --- who ------------------------------------------------------------------------------------ */

enum { W_WHO, W_TID, W_WAITS, W_TOTAL, W_LONGEST };

static const struct column waiter_columns[] = {
	[W_WHO] = { .head = "who waited", .left = true, .name = true },
	[W_TID] = { .head = "tid" },
	[W_WAITS] = { .head = "waits" },
	[W_TOTAL] = { .head = "total" },
	[W_LONGEST] = { .head = "longest" },
};

static void set_thread(struct page *p, struct table *t, const struct model *m, size_t thread)
{
	char text[128], tid[16];

	if (thread == NO_THREAD) {
		table_set(t, W_WHO, "(not listed)");
		return;
	}
	table_set(t, W_WHO, NAME(p, text, m->threads[thread].comm, p->name));
	snprintf(tid, sizeof(tid), "%u", m->threads[thread].tid);
	table_set(t, W_TID, tid);
}

static void put_left(struct page *p, size_t n, size_t shown, const char *what)
{
	if (n > shown)
		page_text(p, 2, NULL, STYLE_DIM, "%zu more %s", n - shown, what);
}

static void put_waiters(struct page *p, const struct model *m, const struct lock *l)
{
	struct table t = { .columns = waiter_columns, .n_columns = W_LONGEST + 1 };
	size_t n = l->n_waiters < PEOPLE ? l->n_waiters : PEOPLE;
	char text[UNITS_SIZE];

	for (size_t i = 0; i < n; i++) {
		const struct lock_waiter *w = &l->waiters[i];

		table_row(&t, STYLE_PLAIN);
		set_thread(p, &t, m, w->thread);
		table_set(&t, W_WAITS, page_cell_count(text, w->waits));
		table_set(&t, W_TOTAL, page_cell_ns(p, text, w->ns));
		table_set(&t, W_LONGEST, page_cell_ns(p, text, w->max_ns));
	}
	table_print(&t, p);
	put_left(p, l->n_waiters, n, "threads waited");
}

enum { H_WHO, H_TID, H_FOR, H_DOING };

static const struct column holder_columns[] = {
	[H_WHO] = { .head = "who had it", .left = true, .name = true },
	[H_TID] = { .head = "tid" },
	[H_FOR] = { .head = "was waited for" },
	[H_DOING] = { .head = "mostly", .left = true },
};

static void put_holders(struct page *p, const struct model *m, const struct lock *l)
{
	struct table t = { .columns = holder_columns, .n_columns = H_DOING + 1 };
	size_t n = l->n_holders < PEOPLE ? l->n_holders : PEOPLE;
	char text[UNITS_SIZE];
	uint64_t known;

	for (size_t i = 0; i < n; i++) {
		const struct lock_holder *h = &l->holders[i];
		enum doing_kind most = doing_most(h->doing_ns, &known);

		table_row(&t, STYLE_PLAIN);
		set_thread(p, &t, m, h->thread);
		table_set(&t, H_FOR, page_cell_ns(p, text, h->ns));
		table_set(&t, H_DOING, 2 * known >= h->ns && known ? doing_words(most) : "");
	}
	table_print(&t, p);
	put_left(p, l->n_holders, n, "threads had it");
}

/* --- where ---------------------------------------------------------------------------------- */

/* All waits there from one stack. */
struct place_sum {
	size_t stack;
	double ns;
};

static int longest_first(const void *a, const void *b)
{
	const struct place_sum *v = a, *w = b;

	if (v->ns != w->ns)
		return v->ns > w->ns ? -1 : 1;
	return v->stack < w->stack ? -1 : v->stack > w->stack;
}

static void put_stacks(struct page *p, const struct findings *f, const struct lock *lock)
{
	const struct model *m = f->model;
	VEC(struct place_sum) sums = { 0 };
	char time[UNITS_SIZE];
	size_t k;

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];

		if (s->lock == NO_LOCK || &m->locks[s->lock] != lock)
			continue;
		for (k = 0; k < sums.n && sums.items[k].stack != s->stack;)
			k++;
		if (k == sums.n && k < STACKS_SEEN)
			*vec_add(&sums) = (struct place_sum){ .stack = s->stack };
		if (k < sums.n)
			sums.items[k].ns += f->sites.ns[i];
	}
	if (sums.n)
		qsort(sums.items, sums.n, sizeof(*sums.items), longest_first);
	for (k = 0; k < sums.n && k < STACKS; k++) {
		page_text(p, 2, NULL, STYLE_PLAIN, "%s was waited for it in",
			  page_ns(p, time, estimate_whole(sums.items[k].ns)));
		text_stack(p, 4, m, sums.items[k].stack, FRAMES);
		html_flow(p);
	}
	put_left(p, sums.n, k, "stacks");
	free(sums.items);
}

/* --- one by one ------------------------------------------------------------------------------- */

/* times: "12 waits, 2.3 s" */
static void begin_one(struct page *p, const char *name, const char *kind, uint64_t waits,
		      uint64_t ns)
{
	char count[64], time[UNITS_SIZE];

	html_flow(p);
	fputs("<details class=\"one\"><summary><span class=\"n\">", p->out);
	html_name(p, name, 80);
	fprintf(p->out, "</span> %s: %s, %s</summary>\n", kind,
		page_counted(count, sizeof(count), waits, "wait", "waits"), page_ns(p, time, ns));
}

static void end_one(struct page *p)
{
	html_flow(p);
	fputs("</details>\n", p->out);
}

static bool is_worth(const struct findings *f, uint64_t ns)
{
	return ns && (double)ns >= SMALL * (double)f->model->wall_ns;
}

void html_locks(struct page *p, const struct findings *f)
{
	size_t worth = 0;

	for (size_t i = 0; i < f->n_locks; i++) {
		const struct lock *l = f->locks[i].lock;

		if (!is_worth(f, l->any_ns) || worth++ >= LOCKS)
			continue;
		begin_one(p, f->locks[i].name, lock_kind_name(l->kind), l->waits, l->ns);
		put_histogram(p, l->histogram, "waits");
		put_waiters(p, f->model, l);
		put_holders(p, f->model, l);
		put_stacks(p, f, l);
		end_one(p);
	}
	put_left(p, worth, LOCKS, "are only in the table");
}

static bool has_histogram(const uint64_t *counts, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		used += counts[i] != 0;
	return used > 1;
}

void html_targets(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	size_t worth = 0;

	for (size_t i = 0; i < m->n_ios; i++) {
		const struct io *io = &m->ios[i];

		if (!is_worth(f, io->any_ns) || !has_histogram(io->histogram, TARGET_BUCKETS) ||
		    worth++ >= TARGETS)
			continue;
		begin_one(p, io->name, cause_name(io->cause), io->waits, io->ns);
		put_histogram(p, io->histogram, "waits");
		end_one(p);
	}
	put_left(p, worth, TARGETS, "are only in the table");
}

/* Its buckets are quarters of the others'. */
void html_loops(struct page *p, const struct findings *f)
{
	const struct model *m = f->model;
	size_t worth = 0;

	for (size_t i = 0; i < m->n_loops; i++) {
		const struct event_loop *l = &m->loops[i];
		uint64_t counts[BUCKETS] = { 0 };

		for (size_t k = 0; k < LOOP_BUCKETS; k++)
			counts[k / QUARTERS] += l->away.histogram[k];
		if (!l->away.times || !has_histogram(counts, BUCKETS) || worth++ >= LOOPS)
			continue;
		begin_one(p, l->thread == NO_THREAD ? "a thread" : m->threads[l->thread].comm,
			  "was away from its loop", l->away.times, l->away.ns);
		put_histogram(p, counts, "times away");
		end_one(p);
	}
	put_left(p, worth, LOOPS, "are only in the table");
}
