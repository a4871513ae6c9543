// SPDX-License-Identifier: BSD-2-Clause
#include "report/json_parts.h"

#include "report/loss.h"
#include "report/words.h"

static void put_losses(struct json *j, const struct model *m, size_t n)
{
	json_array(j, "lost");
	for (size_t i = 0; i < n; i++) {
		const struct loss *l = &m->losses[i];
		const struct loss_words *words = loss_words(l->what);

		json_line_object(j, NULL);
		json_string(j, "what", words->what);
		json_u64(j, "count", l->count);
		json_string(j, "effect", words->effect);
		if (l->name[0])
			json_string(j, "name", l->name);
		if (l->ns)
			json_u64(j, "ns", l->ns);
		json_end(j);
	}
	json_end(j);
}

static void put_probes(struct json *j, const struct model *m)
{
	json_array(j, "probes");
	for (size_t i = 0; i < m->n_probes; i++) {
		const struct ev_probe *p = &m->probes[i];

		json_line_object(j, NULL);
		json_string(j, "name", p->name);
		json_bool(j, "attached", p->attached);
		if (p->attached && (p->timed || p->runs)) { /* else it costs next to nothing */
			json_u64(j, "runs", p->runs);
			json_u64(j, "ns", p->ns);
		}
		json_string(j, "why", p->why[0] ? p->why : NULL);
		json_end(j);
	}
	json_end(j);
}

void json_measurement(struct json *j, const struct findings *f, size_t n_lost)
{
	const struct model *m = f->model;
	const struct trust *t = &f->trust;

	json_object(j, "measurement");
	json_bool(j, "complete", m->complete);
	put_losses(j, m, n_lost);
	json_u64(j, "residual_ns", t->residual_ns);
	json_line_object(j, "kernel_disagreement");
	json_u64(j, "running_ns", t->running_off_ns);
	json_u64(j, "run_delay_ns", t->delay_off_ns);
	json_u64(j, "switches", t->switches_off);
	json_end(j);
	put_probes(j, m);
	if (m->complete) {
		json_u64(j, "bpf_ns_estimated", m->end.bpf_ns);
		if (t->cpu_ns)
			json_double(j, "bpf_share_of_cpu", t->bpf_share);
		json_u64(j, "collector_cpu_ns", m->end.collector_cpu_ns);
		json_u64(j, "collector_rss_bytes", m->end.collector_rss_bytes);
		if (m->end.idle_known)
			json_u64(j, "idle_ns", m->end.idle_ns);
	}
	if (m->n_notes) {
		json_array(j, "notes");
		for (size_t i = 0; i < m->n_notes; i++)
			json_string(j, NULL, m->notes[i]);
		json_end(j);
	}
	json_end(j);
}

void json_calls(struct json *j, const struct model *m)
{
	const struct ev_calls *c = &m->calls;

	if (!c->windows && !c->all_time)
		return;
	json_object(j, "calls");
	json_u64(j, "windows", c->windows);
	json_u64(j, "window_ns", c->window_ns);
	json_bool(j, "all_time", c->all_time);
	json_line_object(j, "futex");
	json_u64(j, "waits", c->sums.futex_waits);
	json_u64(j, "wakes", c->sums.futex_wakes);
	json_u64(j, "other", c->sums.futex_other);
	json_u64(j, "blocked", c->sums.futex_blocked);
	json_u64(j, "again", c->sums.futex_again);
	json_u64(j, "timeouts", c->sums.futex_timeouts);
	json_u64(j, "woken", c->sums.futex_woken);
	json_u64(j, "wakes_without_waiter", c->sums.futex_wake_none);
	json_end(j);
	json_line_object(j, "epoll");
	json_u64(j, "waits", c->sums.epoll_waits);
	json_u64(j, "events", c->sums.epoll_events);
	json_u64(j, "empty", c->sums.epoll_empty);
	json_u64(j, "ready", c->sums.epoll_ready);
	json_end(j);
	json_end(j);
}

void json_strip(struct json *j, const struct model *m)
{
	uint64_t kinds[ROW_KINDS];
	char key[32];

	if (!m->n_strip)
		return;
	json_array(j, "strip");
	for (size_t i = 0; i < m->n_strip; i++) {
		const struct slot *s = &m->strip[i];

		json_line_object(j, NULL);
		json_u64(j, "start_ns", s->start_ns);
		json_u64(j, "end_ns", s->end_ns);
		json_u64(j, "running_ns", s->running_ns);
		json_u64(j, "thread_running_ns", s->busy_ns);
		json_u64(j, "runnable_ns", s->runnable_ns);
		wall_kinds(kinds, s->row_ns);
		for (unsigned int k = 0; k < ROW_KINDS; k++) {
			snprintf(key, sizeof(key), "%s_ns", kind_name(k));
			json_u64(j, key, kinds[k]);
		}
		json_end(j);
	}
	json_end(j);
}
