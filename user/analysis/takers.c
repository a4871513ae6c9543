// SPDX-License-Identifier: BSD-2-Clause
/* Who had the CPU that threads were ready to use: rows of threads that are alike. */
#include "analysis/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

static const char *whom_of(const struct model *m, const struct taker *t)
{
	if (t->thread != NO_THREAD)
		return m->threads[t->thread].comm;
	return t->thread_id ? "?" : "*";
}

static const char *by_of(const struct model *m, const struct taker *t)
{
	if (t->by != NO_THREAD)
		return m->threads[t->by].comm;
	return *t->comm ? t->comm : "?";
}

/* How much of a name is not its number. */
static size_t stem(const char *comm)
{
	size_t n = strlen(comm);

	while (n && comm[n - 1] >= '0' && comm[n - 1] <= '9')
		n--;
	return n;
}

static int compare_stems(const char *a, const char *b)
{
	size_t n = stem(a), k = stem(b);
	int order = memcmp(a, b, n < k ? n : k);

	if (order)
		return order;
	return n != k ? (n < k ? -1 : 1) : 0;
}

#define ORDER(a, b)                                                                                \
	do {                                                                                       \
		if ((a) != (b))                                                                    \
			return (a) < (b) ? -1 : 1;                                                 \
	} while (0)

/* 0: they are of one row. */
static int compare_rows(const struct model *m, const struct taker *t, const struct taker *u)
{
	int order = compare_stems(whom_of(m, t), whom_of(m, u));

	if (!order)
		order = compare_stems(by_of(m, t), by_of(m, u));
	if (order)
		return order;
	ORDER(t->how, u->how);
	ORDER(t->policy, u->policy);
	ORDER(t->is, u->is);
	return 0;
}

static int alike_together(const void *a, const void *b, void *model)
{
	const struct taker *t = *(const struct taker *const *)a;
	const struct taker *u = *(const struct taker *const *)b;
	int order = compare_rows(model, t, u);

	if (order)
		return order;
	ORDER(t->thread_id, u->thread_id);
	return t < u ? -1 : t > u; /* they are sorted by time already */
}

static int longest_first(const void *a, const void *b)
{
	const struct taker_row *r = a, *s = b;
	int order;

	ORDER(s->ns, r->ns);
	ORDER(s->count, r->count);
	order = strcmp(r->whom, s->whom);
	if (!order)
		order = strcmp(r->by, s->by);
	if (order)
		return order;
	ORDER(r->first->how, s->first->how);
	return 0;
}

static void name_it(char name[EVENT_COMM_SIZE + 1], const char *comm)
{
	if (!*name)
		strcpy(name, comm);
	else if (strcmp(name, comm))
		snprintf(name, EVENT_COMM_SIZE + 1, "%.*s*", (int)stem(comm), comm);
}

static void add(struct taker_row *r, const struct model *m, const struct taker *t)
{
	name_it(r->whom, whom_of(m, t));
	name_it(r->by, by_of(m, t));
	if (!r->first || t->ns > r->first->ns)
		r->first = t;
	r->by_pid = r->count && r->by_pid != t->by_pid ? 0 : t->by_pid;
	r->count += t->count;
	r->ns += t->ns;
	r->certain_ns += t->certain_ns;
	if (t->max_ns > r->max_ns)
		r->max_ns = t->max_ns;
}

void takers_find(struct findings *f)
{
	const struct model *m = f->model;
	const struct taker **sorted = zeroed(m->n_takers, sizeof(*sorted));
	VEC(struct taker_row) rows = { 0 };
	struct taker_row *r = NULL;

	for (size_t i = 0; i < m->n_takers; i++)
		sorted[i] = &m->takers[i];
	qsort_r(sorted, m->n_takers, sizeof(*sorted), alike_together, (void *)m);
	for (size_t i = 0; i < m->n_takers; i++) {
		if (!i || compare_rows(m, sorted[i - 1], sorted[i])) {
			r = vec_add(&rows);
			memset(r, 0, sizeof(*r));
		}
		r->threads += !r->count || sorted[i - 1]->thread_id != sorted[i]->thread_id;
		add(r, m, sorted[i]);
	}
	free(sorted);
	if (rows.n)
		qsort(rows.items, rows.n, sizeof(*rows.items), longest_first);
	f->takers = rows.items;
	f->n_takers = rows.n;
}
