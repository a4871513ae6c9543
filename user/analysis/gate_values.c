// SPDX-License-Identifier: BSD-2-Clause
#include "analysis/gate_values.h"

#include <string.h>
#include <sys/wait.h>

#include "../bpf/wall.h"

static struct gate_value word(const char *text)
{
	return (struct gate_value){ .got = text ? GOT_VALUE : GOT_NULL, .word = text };
}

static const struct gate_value nothing = { .got = GOT_NULL };

struct gate_value get_quota(const struct findings *f, unsigned int key)
{
	const struct ev_run *run = &f->model->run;

	(void)key;
	if (run->quota_us < 0 || run->period_us <= 0)
		return nothing;
	return gate_number((double)run->quota_us / (double)run->period_us);
}

struct gate_value get_mode(const struct findings *f, unsigned int key)
{
	(void)key;
	return word(mode_name(f->model->run.mode));
}

struct gate_value get_ended_by(const struct findings *f, unsigned int key)
{
	(void)key;
	return word(ended_by_name(f->model->end.ended_by));
}

struct gate_value get_exit_code(const struct findings *f, unsigned int key)
{
	int status = f->model->end.status;

	(void)key;
	return WIFSIGNALED(status) ? nothing : gate_number(WEXITSTATUS(status));
}

struct gate_value get_exit_signal(const struct findings *f, unsigned int key)
{
	int status = f->model->end.status;

	(void)key;
	return WIFSIGNALED(status) ? gate_number(WTERMSIG(status)) : nothing;
}

struct gate_value get_class(const struct findings *f, unsigned int key)
{
	(void)key;
	return word(class_name(f->verdict.class));
}

struct gate_value get_runner_up(const struct findings *f, unsigned int key)
{
	enum verdict_class class = f->verdict.runner_up;

	(void)key;
	return word(class == CLASS_UNKNOWN ? NULL : class_name(class));
}

struct gate_value get_parts(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number(sizeof(f->verdict.parts) / sizeof(*f->verdict.parts));
}

struct gate_value get_of_rule(const struct findings *f, unsigned int key)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_list; i++)
		n += !strcmp(f->list[i].rule, gate_rule_name(key));
	return gate_number(n);
}

/* Is it named? */
struct gate_value get_concurrency(const struct findings *f, unsigned int key)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n_kind_names; i++)
		n += f->kind_names[i] == key;
	return gate_number(n);
}

struct gate_value get_serial_share(const struct findings *f, unsigned int key)
{
	double all = (double)f->amdahl.serial_ns + (double)f->amdahl.parallel_ns;

	(void)key;
	return gate_number(all > 0 ? (double)f->amdahl.serial_ns / all : 0);
}

struct gate_value get_kind(const struct findings *f, unsigned int key)
{
	uint64_t ns = 0;

	for (unsigned int r = 0; r < ROW_COUNT; r++)
		ns += row_kind(r) == key ? f->model->wall.row_ns[r] : 0;
	return gate_number(ns);
}

struct gate_value get_queued_others(const struct findings *f, unsigned int key)
{
	const struct totals *t = &f->totals;
	uint64_t queued = t->state_ns[TS_WOKEN] + t->state_ns[TS_PREEMPTED];
	uint64_t known = t->queued_own_ns + t->queued_idle_ns;

	(void)key;
	return gate_number(queued > known ? queued - known : 0);
}

struct gate_value get_slice(const struct findings *f, unsigned int key)
{
	const struct totals *t = &f->totals;

	(void)key;
	return gate_number(t->switches ? t->state_ns[TS_RUNNING] / t->switches : 0);
}

struct gate_value get_omitted(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number((f->model->n_unsent > 0) + (f->sites.n_waits > SITES_LISTED) +
			   (f->sites.n_cpu > SITES_LISTED));
}

/* As many as the JSON lists. */
struct gate_value get_wait_sites(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number(f->sites.n_waits < SITES_LISTED ? f->sites.n_waits : SITES_LISTED);
}

struct gate_value get_cpu_sites(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number(f->sites.n_cpu < SITES_LISTED ? f->sites.n_cpu : SITES_LISTED);
}

/* --- what is not in every report ------------------------------------------------- */

bool has_end(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->complete;
}

bool has_status(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->complete && f->model->end.status >= 0;
}

bool knows_end(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->complete && ended_by_name(f->model->end.ended_by);
}

bool has_cost(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->complete && f->trust.cpu_ns;
}

bool has_mode(const struct findings *f, unsigned int key)
{
	(void)key;
	return mode_name(f->model->run.mode);
}

bool is_mixed(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->verdict.class == CLASS_MIXED;
}

bool has_strip(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->n_strip;
}

bool has_notes(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->n_notes;
}

bool has_calls(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->calls.windows || f->model->calls.all_time;
}

bool has_slices(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->totals.longest_run_ns && f->totals.switches;
}

bool knows_idle(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->model->complete && f->model->end.idle_known;
}

bool has_wait(const struct findings *f, unsigned int cause)
{
	const struct wait *w = &f->totals.waits[cause];

	return w->count || w->ns || w->open;
}

bool has_io_model(const struct findings *f, unsigned int model)
{
	const struct io_model_sum *sum = &f->io_models[model];

	return sum->waits || sum->samples || sum->signals;
}

bool has_amdahl(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->amdahl.is_known;
}

bool has_path(const struct findings *f, unsigned int key)
{
	(void)key;
	return f->path && f->path->last != NO_THREAD;
}

struct gate_value get_path_time(const struct findings *f, unsigned int what)
{
	return gate_number((double)f->path->sums_ns[what]);
}

struct gate_value get_path_end(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number((double)f->path->end_ns);
}

struct gate_value get_path_start(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number((double)f->path->start_ns);
}

struct gate_value get_path_parts(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number((double)f->path->n_parts);
}

struct gate_value get_path_hops(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number((double)f->path->n_hops);
}

struct gate_value get_wakings(const struct findings *f, unsigned int key)
{
	(void)key;
	return gate_number((double)f->path->n_wakings);
}

bool has_row(const struct findings *f, unsigned int row)
{
	return f->totals.row_ns[row];
}
