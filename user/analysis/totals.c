// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/internal.h"

static void add(struct totals *to, const struct thread *t, uint64_t count)
{
	to->threads += count;
	to->lifetime_ns += t->lifetime_ns;
	for (int s = 0; s < TS_COUNT; s++)
		to->state_ns[s] += t->state_ns[s];
	for (size_t i = 0; i < t->n_waits; i++) {
		struct wait *w = &to->waits[t->waits[i].cause];

		w->ns += t->waits[i].ns;
		w->count += t->waits[i].count;
		w->open |= t->waits[i].open;
		if (t->waits[i].max_ns > w->max_ns)
			w->max_ns = t->waits[i].max_ns;
	}
	for (int r = 0; r < ROW_COUNT; r++)
		to->row_ns[r] += t->row_ns[r];
	to->queued_own_ns += t->queued_own_ns;
	to->queued_idle_ns += t->queued_idle_ns;
	to->switches += t->switches;
	to->voluntary += t->witness.voluntary;
	to->involuntary += t->witness.involuntary;
	to->yields += t->yields;
	to->preempts += t->preempts;
	to->preempted_run_ns += t->preempted_run_ns;
	if (t->longest_run_ns > to->longest_run_ns)
		to->longest_run_ns = t->longest_run_ns;
	to->migrations += t->witness.migrations;
}

void totals_sum(struct totals *ret, const struct model *m)
{
	for (int c = 0; c < CAUSE_COUNT; c++)
		ret->waits[c].cause = c;
	ret->processes = m->n_processes;
	for (size_t i = 0; i < m->n_threads; i++)
		add(ret, &m->threads[i], 1);
	if (m->n_unsent)
		add(ret, &m->unsent, m->n_unsent);
}
