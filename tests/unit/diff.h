/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Runs, and comparisons of them. */
#include "stream.h"

#include <criterion/criterion.h>

#include "analysis/diff.h"

#define MS     1000000ULL
#define SECOND 1000000000ULL
#define RUNS   16

static struct model *models[2 * RUNS];
static struct findings *findings[2 * RUNS];
static size_t n_runs;
static uint64_t starts; /* of the next run; 0: not known */
/* Adds to the next runs, unless it is NULL. */
static void (*more)(struct model_builder *b);
/* Of the next comparisons; all zero: none. */
static struct gates gates = { .of_diff = true };

/* A run in which a thread computes for so long, and waits for a lock. */
static inline void run_of(uint64_t wall_ns, uint64_t lock_ns, unsigned int cpus)
{
	struct model_builder *b = model_builder_new();
	struct ev_run r = run();
	struct ev_thread t = thread(COMMAND_ID, 0, 0, 0, wall_ns);
	struct ev_wall w = wall(wall_ns);
	struct ev_end e = end(0);

	r.cpus_allowed = cpus;
	r.realtime_ns = starts ? starts++ : 0;
	if (lock_ns)
		waited(&t, CAUSE_LOCK_MUTEX, lock_ns, 100);
	if (more)
		more(b);
	cr_assert_eq(model_builder_event(b, &r.head), 0);
	cr_assert_eq(model_builder_event(b, &t.head), 0);
	cr_assert_eq(model_builder_event(b, &w.head), 0);
	cr_assert_eq(model_builder_event(b, &e.head), 0);
	models[n_runs] = model_builder_finish(b);
	findings[n_runs] = findings_new(models[n_runs]);
	n_runs++;
}

static inline struct diff *compare(size_t n_base)
{
	return diff_new((const struct findings *const *)findings, n_base,
			(const struct findings *const *)findings + n_base, n_runs - n_base, &gates);
}

static inline void forget(void)
{
	more = NULL;
	while (n_runs) {
		n_runs--;
		findings_free(findings[n_runs]);
		model_free(models[n_runs]);
	}
}

static inline const struct diff_row *row(const struct diff *d, const char *name)
{
	for (size_t i = 0; i < d->n_rows; i++) {
		if (!strcmp(d->rows[i].name, name))
			return &d->rows[i];
	}
	return NULL;
}
