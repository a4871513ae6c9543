// SPDX-License-Identifier: BSD-2-Clause
/*
 * The strip of the run, cut where its character changes: at most PHASES_MAX pieces,
 * as few as leave little of the variance within them. What alternates faster than
 * such pieces can follow is one phase, and a mixture.
 */
#include "analysis/internal.h"

#include <stdlib.h>

#define DIMENSIONS  5
#define LEAST_SLOTS 3	 /* of a phase */
#define LEAST_SHARE 0.04 /* of the run, for a phase */
#define PRICE	    0.02 /* of one more cut, in variance; a change of everything is worth 1/2 */
#define EXPLAINS    0.7	 /* of the variance, or the cuts are no phases */
#define ALIKE	    0.25 /* neighbours of a class whose parallelism differs by less are one */

/* Sums over the slots before each: of weight, weighted vectors, weighted squares. */
struct prefix {
	double weight, square, vector[DIMENSIONS];
};

/* Threads that run at once, while any does. */
static double at_once(const struct slot *s)
{
	return s->running_ns ? (double)s->busy_ns / s->running_ns : 0;
}

static void describe_slot(double v[DIMENSIONS], double *weight, const struct findings *f, size_t i,
			  double most)
{
	const struct slot *slot = &f->model->strip[i];
	double length = (double)(slot->end_ns - slot->start_ns), wanting;
	struct shares s;

	shares_of_slots(&s, f, i, i + 1);
	/* That others had a CPU is no change of the program's own character. */
	wanting = s.cpu + s.crowd + s.others + s.limit;
	v[0] = most > 0 ? at_once(slot) / most * (wanting + s.lock) / length : 0;
	v[1] = wanting / length;
	v[2] = (s.device + s.fault + s.peer) / length;
	v[3] = s.lock / length;
	v[4] = (s.sleep + s.demand) / length;
	*weight = length / f->model->wall_ns;
}

static void sum_slots(struct prefix *sums, const struct findings *f)
{
	double most = 0;

	for (size_t i = 0; i < f->model->n_strip; i++) {
		double here = at_once(&f->model->strip[i]);

		most = here > most ? here : most;
	}
	for (size_t i = 0; i < f->model->n_strip; i++) {
		double v[DIMENSIONS], weight;

		describe_slot(v, &weight, f, i, most);
		sums[i + 1] = sums[i];
		sums[i + 1].weight += weight;
		for (int d = 0; d < DIMENSIONS; d++) {
			sums[i + 1].vector[d] += weight * v[d];
			sums[i + 1].square += weight * v[d] * v[d];
		}
	}
}

/* The variance within the slots from..to-1. */
static double variance(const struct prefix *sums, size_t from, size_t to)
{
	const struct prefix *a = &sums[from], *b = &sums[to];
	double weight = b->weight - a->weight, mean = 0;

	for (int d = 0; d < DIMENSIONS; d++) {
		double v = b->vector[d] - a->vector[d];

		mean += v * v;
	}
	return weight > 0 ? b->square - a->square - mean / weight : 0;
}

/* cut[k][n]: where the last of k + 1 pieces of the first n slots begins. */
struct cuts {
	double cost[PHASES_MAX][STRIP_SLOTS + 1];
	size_t from[PHASES_MAX][STRIP_SLOTS + 1];
};

static bool is_long_enough(const struct prefix *sums, size_t from, size_t to)
{
	return to - from >= LEAST_SLOTS && sums[to].weight - sums[from].weight >= LEAST_SHARE;
}

static void find_cuts(struct cuts *c, const struct prefix *sums, size_t n)
{
	for (size_t to = 0; to <= n; to++)
		c->cost[0][to] = variance(sums, 0, to);
	for (int k = 1; k < PHASES_MAX; k++) {
		for (size_t to = 0; to <= n; to++) {
			c->cost[k][to] = 1e9;
			for (size_t from = 1; from < to; from++) {
				double cost = c->cost[k - 1][from];

				if (!is_long_enough(sums, from, to) ||
				    (k == 1 && !is_long_enough(sums, 0, from)))
					continue;
				cost += variance(sums, from, to);
				if (cost < c->cost[k][to]) {
					c->cost[k][to] = cost;
					c->from[k][to] = from;
				}
			}
		}
	}
}

static int cheapest(const struct cuts *c, size_t n)
{
	int best = 0;

	for (int k = 1; k < PHASES_MAX; k++) {
		if (c->cost[k][n] + k * PRICE < c->cost[best][n] + best * PRICE)
			best = k;
	}
	return c->cost[best][n] <= (1 - EXPLAINS) * c->cost[0][n] ? best : 0;
}

static void fill_phase(struct phase *ret, const struct findings *f, size_t from, size_t to)
{
	const struct slot *strip = f->model->strip;
	double busy = 0;
	struct verdict v;
	struct shares s;

	shares_of_slots(&s, f, from, to);
	classify(&s, &v);
	for (size_t i = from; i < to; i++)
		busy += strip[i].busy_ns;
	ret->first_slot = from;
	ret->end_slot = to;
	ret->start_ns = strip[from].start_ns;
	ret->end_ns = strip[to - 1].end_ns;
	ret->class = v.class;
	ret->parallelism = ret->end_ns > ret->start_ns ? busy / (ret->end_ns - ret->start_ns) : 0;
}

static bool are_alike(const struct phase *a, const struct phase *b)
{
	double more = a->parallelism > b->parallelism ? a->parallelism : b->parallelism;
	double less = a->parallelism > b->parallelism ? b->parallelism : a->parallelism;

	return a->class == b->class && more - less <= ALIKE * more;
}

static void add_phase(struct findings *f, size_t from, size_t to)
{
	struct phase *last = f->n_phases ? &f->phases[f->n_phases - 1] : NULL, phase;

	fill_phase(&phase, f, from, to);
	if (last && are_alike(last, &phase))
		fill_phase(last, f, last->first_slot, to);
	else
		f->phases[f->n_phases++] = phase;
}

static void cut(struct findings *f)
{
	struct prefix *sums = zeroed(STRIP_SLOTS + 1, sizeof(*sums));
	struct cuts *cuts = zeroed(1, sizeof(*cuts));
	size_t ends[PHASES_MAX], n = f->model->n_strip;
	int k;

	sum_slots(sums, f);
	find_cuts(cuts, sums, n);
	k = cheapest(cuts, n);
	for (int i = k; i >= 0; i--) {
		ends[i] = n;
		n = cuts->from[i][n];
	}
	for (int i = 0; i <= k; i++)
		add_phase(f, i ? ends[i - 1] : 0, ends[i]);
	free(sums);
	free(cuts);
}

void phases_find(struct findings *f)
{
	if (f->model->n_strip && f->model->wall_ns)
		cut(f);
}
