// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/internal.h"

#include <stdio.h>
#include <stdlib.h>

static void *checked(void *p)
{
	if (!p) {
		fputs("concprof: out of memory\n", stderr);
		abort();
	}
	return p;
}

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

static enum verdict_class class_of(const struct shares *s)
{
	enum verdict_class runner_up, parts[2];
	double margin;

	return classify(s, &margin, &runner_up, parts);
}

static void classify_threads(struct findings *f)
{
	const struct model *m = f->model;
	struct shares *of_process = checked(calloc(m->n_processes + 1, sizeof(*of_process)));

	f->thread_class = checked(calloc(m->n_threads + 1, sizeof(*f->thread_class)));
	f->process_class = checked(calloc(m->n_processes + 1, sizeof(*f->process_class)));
	for (size_t i = 0; i < m->n_threads; i++) {
		struct shares s;

		shares_of_thread(&s, &m->threads[i]);
		f->thread_class[i] = class_of(&s);
		shares_add(&of_process[m->threads[i].process], &s);
	}
	for (size_t i = 0; i < m->n_processes; i++)
		f->process_class[i] = class_of(&of_process[i]);
	free(of_process);
}

struct findings *findings_new(const struct model *model)
{
	struct findings *f = checked(calloc(1, sizeof(*f)));

	f->model = model;
	f->cpus_allowed = allowed_cpus(&model->run);
	sum_wall(f);
	totals_sum(&f->totals, model);
	trust_compare(&f->trust, model);
	verdict_find(f);
	classify_threads(f);
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
