// SPDX-License-Identifier: BSD-2-Clause
/*
 * Amdahl's law from what was measured: of the wall time the part that more CPUs do not make shorter,
 * and of the CPU time what ran two or more at once.
 */
#include "../bpf/wall.h"
#include "analysis/internal.h"

#define RUNNING_LEAST  0.5 /* of the wall time: a program that mostly waits gains by other things */
#define PARALLEL_LEAST 0.01 /* of the wall time, with two or more threads running */
#define HELD_BACK_MOST 0.1  /* of the time: more, and others had the CPUs that it wanted */

double amdahl_speedup(const struct amdahl *a, unsigned int cpus)
{
	double serial = (double)a->serial_ns, parallel = (double)a->parallel_ns;
	double time = serial + (cpus ? parallel / cpus : 0);

	return time > 0 ? (serial + parallel) / time : 0;
}

/* None ran, since one waited for another. */
static uint64_t inside_ns(const struct model *m)
{
	uint64_t ns = 0;

	for (unsigned int r = 0; r < ROW_COUNT; r++) {
		unsigned int kind = row_kind(r);

		if (kind == ROW_LOCK || kind == ROW_SYNC || kind == ROW_CHILD)
			ns += m->wall.row_ns[r];
	}
	return ns;
}

void amdahl_find(struct findings *f)
{
	const struct model *m = f->model;
	struct amdahl *a = &f->amdahl;
	uint64_t parallel_wall = 0;

	a->serial_ns = m->wall.by_count[1] + inside_ns(m);
	for (size_t n = 2; n < WALL_COUNTS; n++)
		parallel_wall += m->wall.by_count[n];
	if (m->wall.busy_ns > m->wall.by_count[1])
		a->parallel_ns = m->wall.busy_ns - m->wall.by_count[1];
	a->is_known = f->cpus_allowed >= 2 && f->held_back <= HELD_BACK_MOST &&
		      (double)f->running_ns >= RUNNING_LEAST * (double)m->wall_ns &&
		      (double)parallel_wall >= PARALLEL_LEAST * (double)m->wall_ns;
}
