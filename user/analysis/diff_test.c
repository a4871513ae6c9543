// SPDX-License-Identifier: BSD-2-Clause
/* What chance would do: the test of permutation, see diff.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"
#include "analysis/sheet.h"
#include "base/vec.h"

#define LEAST_SPREAD   0.005 /* of a quantity: that it was less in a few runs is chance */
#define EXACT_RUNS     16    /* up to so many, all divisions are looked at */
#define SOME_DIVISIONS 20000 /* of more runs */

struct means {
	double base, head;
	double error; /* of their difference, by the spread within the groups */
};

static struct means means_of(const double *values, size_t n, const bool *is_head, size_t n_head)
{
	double sum[2] = { 0 }, squares[2] = { 0 }, count[2], within = 0, least, m[2];

	count[1] = (double)n_head;
	count[0] = (double)(n - n_head);
	for (size_t i = 0; i < n; i++)
		sum[is_head[i]] += values[i];
	m[0] = sum[0] / count[0];
	m[1] = sum[1] / count[1];
	for (size_t i = 0; i < n; i++)
		squares[is_head[i]] += (values[i] - m[is_head[i]]) * (values[i] - m[is_head[i]]);
	if (n > 2)
		within = (squares[0] + squares[1]) / (double)(n - 2);
	least = LEAST_SPREAD * (sum[0] + sum[1]) / (double)n;
	return (struct means){ m[0], m[1],
			       sqrt((within + least * least) * (1 / count[0] + 1 / count[1])) };
}

/* The difference of the two groups' means by the spread within them. */
static double statistic(const double *values, size_t n, const bool *is_head, size_t n_head)
{
	struct means m = means_of(values, n, is_head, n_head);

	return m.error > 0 ? fabs(m.head - m.base) / m.error : 0; /* else all of it is 0 */
}

struct test {
	const struct sheet *s;
	bool *is_head;
	double *observed;  /* of each row */
	uint64_t *reached; /* of each: divisions in which some row of its group came as far */
	VEC(double) most;  /* of each division: the furthest of the wall time's group */
};

static void look_at_division(struct test *t)
{
	const struct sheet *s = t->s;
	double most[2] = { 0 }; /* of the rows that were not asked for, and that were */

	for (size_t i = 0; i < s->d->n_rows; i++) {
		double x = statistic(s->values[i], s->n, t->is_head, s->n - s->n_base);
		double *of = &most[s->d->rows[i].is_asked];

		*of = x > *of ? x : *of;
	}
	for (size_t i = 0; i < s->d->n_rows; i++)
		t->reached[i] += most[s->d->rows[i].is_asked] >= t->observed[i] * (1 - 1e-9);
	*vec_add(&t->most) = most[s->d->rows[0].is_asked];
	s->d->divisions++;
}

/* Each choice of so many of the runs from `from` on. */
static void choose(struct test *t, size_t from, size_t left)
{
	if (!left) {
		look_at_division(t);
		return;
	}
	for (size_t i = from; i + left <= t->s->n; i++) {
		t->is_head[i] = true;
		choose(t, i + 1, left - 1);
		t->is_head[i] = false;
	}
}

/* The same sequence each time: a report must not change when it is made again. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void choose_some(struct test *t, size_t n_head)
{
	uint64_t random = 0x9e3779b97f4a7c15ull;

	for (size_t i = 0; i < t->s->n; i++)
		t->is_head[i] = i >= t->s->n - n_head;
	look_at_division(t); /* the one that is there counts, or p could be 0 */
	for (size_t k = 1; k < SOME_DIVISIONS; k++) {
		for (size_t i = t->s->n - 1; i; i--) {
			size_t other = next_random(&random) % (i + 1);
			bool swap = t->is_head[i];

			t->is_head[i] = t->is_head[other];
			t->is_head[other] = swap;
		}
		look_at_division(t);
	}
}

static int furthest_first(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x > y ? -1 : x < y;
}

/* Further than all divisions but the share that may be called a change by mistake. */
static double least_change(struct test *t)
{
	const struct sheet *s = t->s;
	struct means wall = means_of(s->values[0], s->n, t->is_head, s->d->n_head);
	size_t allowed = (size_t)(DIFF_LEVEL * (double)t->most.n);

	qsort(t->most.items, t->most.n, sizeof(*t->most.items), furthest_first);
	return wall.base > 0 ? t->most.items[allowed] * wall.error / wall.base : 0;
}

void sheet_test(struct sheet *s)
{
	struct diff *d = s->d;
	struct test t = { .s = s };

	t.is_head = zeroed(s->n, sizeof(*t.is_head));
	t.observed = zeroed(d->n_rows, sizeof(*t.observed));
	t.reached = zeroed(d->n_rows, sizeof(*t.reached));
	for (size_t i = s->n_base; i < s->n; i++)
		t.is_head[i] = true;
	for (size_t i = 0; i < d->n_rows; i++)
		t.observed[i] = statistic(s->values[i], s->n, t.is_head, d->n_head);
	d->is_exact = s->n <= EXACT_RUNS;
	memset(t.is_head, 0, s->n * sizeof(*t.is_head));
	if (d->is_exact)
		choose(&t, 0, d->n_head);
	else
		choose_some(&t, d->n_head);
	/* As far apart as can be is one division, or two if the groups are alike in size. */
	d->can_tell = !d->repeated &&
		      (d->n_base == d->n_head ? 2 : 1) <= DIFF_LEVEL * (double)d->divisions;
	for (size_t i = 0; i < d->n_rows; i++) {
		d->rows[i].p = (double)t.reached[i] / (double)d->divisions;
		d->rows[i].is_change = d->can_tell && d->rows[i].p <= DIFF_LEVEL;
	}
	memset(t.is_head, 0, s->n * sizeof(*t.is_head));
	for (size_t i = s->n_base; i < s->n; i++)
		t.is_head[i] = true;
	d->least_change = d->can_tell ? least_change(&t) : 0;
	free(t.is_head);
	free(t.observed);
	free(t.reached);
	free(t.most.items);
}
