// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/internal.h"

#include <stdlib.h>

static double allowed_cpus(const struct ev_run *run)
{
	double cpus = run->cpus_allowed ? run->cpus_allowed : 1;

	if (run->quota_us > 0 && run->period_us > 0) {
		double quota = (double)run->quota_us / run->period_us;

		if (quota < cpus)
			cpus = quota;
	}
	return cpus;
}

static void sum_wall(struct findings *f)
{
	const struct model *m = f->model;

	for (size_t n = 1; n < WALL_COUNTS; n++) {
		f->running_ns += m->wall.by_count[n];
		if (m->wall.by_count[n])
			f->n_counts = n + 1;
	}
	if (!f->n_counts)
		f->n_counts = 1;
	if (m->wall_ns)
		f->parallelism = (double)m->wall.busy_ns / m->wall_ns;
}

struct findings *findings_new(const struct model *model)
{
	struct findings *f = zeroed(1, sizeof(*f));

	f->model = model;
	f->cpus_allowed = allowed_cpus(&model->run);
	sum_wall(f);
	totals_sum(&f->totals, model);
	trust_compare(&f->trust, model);
	shares_prepare(f);
	convoy_find(f);
	phases_find(f);
	verdict_find(f);
	follow_waits(f);
	rules_find(f);
	return f;
}

void findings_free(struct findings *f)
{
	if (!f)
		return;
	free(f->list);
	free(f->thread_class);
	free(f->process_class);
	free(f);
}
