/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A stream of events from setup() on, its findings from analyse() on. */
#include <criterion/criterion.h>
#include <math.h>

#include "analysis/gate.h"
#include "stream.h"

#define MS     1000000ULL
#define SECOND 1000000000ULL

static struct model_builder *b;
static struct model *m;
static struct findings *f;

static inline void put(const void *event)
{
	const struct event *ev = event;

	cr_assert(event_is_valid(ev, ev->size));
	cr_assert_eq(model_builder_event(b, ev), 0);
}

static inline void put_thread(struct ev_thread t)
{
	put(&t);
}

static inline void on_cpus(unsigned int allowed)
{
	struct ev_run r = run();

	r.cpus_allowed = allowed;
	put(&r);
}

static inline void setup(void)
{
	b = model_builder_new();
	on_cpus(4);
}

static inline void teardown(void)
{
	findings_free(f);
	model_free(m);
}

/* What must hold of the findings about any stream, one that contradicts itself included. */
static inline void check(void)
{
	const struct verdict *v = &f->verdict;

	cr_assert_lt(v->class, CLASS_COUNT);
	cr_assert_lt(v->runner_up, CLASS_COUNT);
	cr_assert(v->margin >= 0 && v->margin <= 1, "margin %g", v->margin);
	cr_assert(v->class == CLASS_UNKNOWN || v->runner_up != v->class);
	cr_assert_geq(f->n_list, 1);
	cr_assert_str_eq(f->list[0].rule, v->rule, "the verdict's own finding comes first");
	for (size_t i = 0; i < f->n_list; i++) {
		const struct finding *one = &f->list[i];

		cr_assert(gate_knows_rule(one->rule), "%s: not among gate_paths.c's", one->rule);
		cr_assert(*one->subject && *one->title && *one->advice);
		cr_assert_leq(one->n_evidence, EVIDENCE_MAX);
		for (size_t k = 0; k < one->n_evidence; k++)
			cr_assert(*one->evidence[k].metric && *one->evidence[k].text);
	}
	for (size_t i = 0; i < m->n_threads; i++)
		cr_assert_lt(f->thread_class[i], CLASS_COUNT);
	for (size_t i = 0; i < m->n_processes; i++)
		cr_assert_lt(f->process_class[i], CLASS_COUNT);
	cr_assert(isfinite(f->parallelism) && f->cpus_allowed > 0);
	cr_assert(f->n_counts >= 1 && f->n_counts <= WALL_COUNTS);
}

/* In place of setup(): one thread, of nine seconds, that has waited for eight of them. */
static inline void begin_waiting(enum cause cause)
{
	struct ev_run r = run();
	struct ev_thread t = thread(1, 0, 1, 0, 9 * SECOND);

	b = model_builder_new();
	put(&r);
	waited(&t, cause, 8 * SECOND, 4);
	put(&t);
}

/* ... and its end. */
static inline void end_waiting(void)
{
	struct ev_wall w = wall(9 * SECOND);
	struct ev_end e = end(0);

	put(&w);
	put(&e);
	m = model_builder_finish(b);
	f = findings_new(m);
}

/* The stream ends with these sums, and the CPUs were idle for so long. */
static inline void analyse_idle(struct ev_wall w, const uint64_t *idle_ns)
{
	struct ev_end e = end(0);

	e.idle_known = idle_ns != NULL;
	e.idle_ns = idle_ns ? *idle_ns : 0;
	put(&w);
	put(&e);
	m = model_builder_finish(b);
	f = findings_new(m);
	check();
}

static inline void analyse(struct ev_wall w)
{
	analyse_idle(w, NULL);
}

/* `ns` of its running time it stood in a queue instead, behind other programs. */
static inline void queued(struct ev_thread *t, enum thread_state state, uint64_t ns)
{
	t->ledger.state_ns[TS_RUNNING] -= ns;
	t->ledger.state_ns[state] += ns;
}

/* ... behind other threads of its program. */
static inline void crowded(struct ev_thread *t, enum thread_state state, uint64_t ns)
{
	queued(t, state, ns);
	t->ledger.queued_own_ns += ns;
}
