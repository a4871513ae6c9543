// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/internal.h"

#include <stdlib.h>

#include "model/timeline.h"

static double allowed_cpus(const struct model *m)
{
	const struct ev_run *run = &m->run;
	double cpus = m->cpus ? m->cpus : 1;

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

#define IDLE_TICKS_NS 20000000.0 /* by which idle time, counted in ticks, may be too long */

/* The idle time of the allowed CPUs, less what they were idle while nothing ran; of a
 * program that has restricted itself to some of them it is not known. */
static void find_idle(struct findings *f)
{
	const struct model *m = f->model;
	double all = m->run.cpus_allowed * (double)m->wall_ns;
	double standing = all - m->run.cpus_allowed * (double)f->running_ns;
	double ours = (double)m->wall.busy_ns + m->wall.missed_ns + m->end.idle_ns;

	f->others_ns = -1;
	if (!m->end.idle_known || m->cpus != m->run.cpus_allowed)
		return;
	if (m->end.idle_ns > standing)
		f->idle_running_ns = m->end.idle_ns - standing;
	f->others_ns = (all > ours ? all - ours : 0) + IDLE_TICKS_NS * m->run.cpus_allowed;
}

/* Threads that run in turns for a lock are often queued for one CPU while another is
 * idle. Such time counts as far as there was idle time that is not counted already. */
static void find_serialised(struct findings *f)
{
	const struct wall_sums *w = &f->model->wall;
	double spare = f->idle_running_ns - w->serialised_ns - w->convoy_ns;

	if (f->model->cpus < 2) /* it may have restricted itself: no other CPU was free for it */
		return;
	f->serialised_ns = w->serialised_ns;
	if (spare > 0)
		f->serialised_ns += spare < w->stacked_ns ? (uint64_t)spare : w->stacked_ns;
}

/* The verdict's own stays the first; those of one severity stay in order. */
static void sort_by_severity(struct findings *f)
{
	for (size_t i = 2; i < f->n_list; i++) {
		struct finding one = f->list[i];
		size_t k = i;

		for (; k > 1 && f->list[k - 1].severity < one.severity; k--)
			f->list[k] = f->list[k - 1];
		f->list[k] = one;
	}
}

const struct thread *listed_thread(const struct model *m, uint64_t id)
{
	for (size_t i = 0; i < m->n_threads; i++) {
		if (m->threads[i].id == id)
			return &m->threads[i];
	}
	return NULL;
}

struct findings *findings_new(const struct model *model)
{
	struct findings *f = zeroed(1, sizeof(*f));

	f->model = model;
	f->cpus_allowed = allowed_cpus(model);
	sum_wall(f);
	find_idle(f);
	find_serialised(f);
	totals_sum(&f->totals, model);
	trust_compare(&f->trust, model);
	shares_prepare(f);
	sites_find(f);
	locks_find(f);
	io_places_find(f);
	channels_find(f);
	io_folders_find(f);
	io_models_find(f);
	cgroups_find(f);
	handlers_find(f);
	takers_find(f);
	if (timeline_is_there(model))
		f->path = path_new(model);
	kinds_find(f);
	amdahl_find(f);
	lifecycle_find(f);
	family_find(f);
	convoy_find(f);
	phases_find(f);
	verdict_find(f);
	follow_waits(f);
	rules_find(f);
	deadlocks_say(f);
	hang_find(f);
	lifecycle_say(f);
	sort_by_severity(f);
	if (model->run.mode == MODE_WHY)
		why_find(f);
	return f;
}

void findings_free(struct findings *f)
{
	if (!f)
		return;
	lifecycle_free(&f->lives);
	sites_forget(&f->sites);
	free(f->locks);
	free(f->lock_rank);
	free(f->why.groups);
	free(f->why.members);
	free(f->lock_sites);
	free(f->io_sites);
	free(f->io_places);
	channels_free(&f->channels);
	free(f->folders);
	free(f->folder_of);
	free(f->cgroups);
	free(f->handlers);
	path_free(f->path);
	free(f->takers);
	free(f->io_row_models);
	free(f->kinds);
	free(f->pool_of);
	gate_results_free(f->gates, f->n_gates);
	free(f->list);
	free(f->thread_class);
	free(f->process_class);
	free(f);
}
