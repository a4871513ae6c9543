// SPDX-License-Identifier: BSD-2-Clause
/*
 * CPUs: switches are packed as the kernel's own tracer packs them (compact_sched), of which the viewer
 * makes the states of threads. Who wakes a thread has no field there: it is who has the CPU at
 * which the wake-up is written down. So these are laid where the waker was, by a pass from the end
 * to the start first: a wait's waker is known at the end of what follows the wait.
 */
#include "report/perfetto.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

enum { BUNDLE_CPU = 1, BUNDLE_LOST = 3, BUNDLE_SCHED = 4 };
enum {
	SCHED_AT = 1,
	SCHED_PREV_STATE = 2,
	SCHED_NEXT_PID = 3,
	SCHED_NEXT_PRIO = 4,
	SCHED_NAMES = 5,
	SCHED_NEXT_NAME = 6,
	SCHED_WAKING_AT = 7,
	SCHED_WAKING_PID = 8,
	SCHED_WAKING_CPU = 9,
	SCHED_WAKING_PRIO = 10,
	SCHED_WAKING_NAME = 11,
	SCHED_WAKING_FLAGS = 12,
};

#define PREEMPTED   0x100 /* include/trace/events/sched.h: TASK_REPORT_MAX */
#define FROM_IRQ    0x8	  /* include/linux/trace_events.h: TRACE_FLAG_HARDIRQ */
#define BUNDLE_MOST 4096  /* switches */

/* A thread is made ready to run. */
struct wakeup {
	uint64_t at;
	uint32_t thread; /* a place in model.threads */
	uint16_t cpu;	 /* where it will run */
	uint16_t flags;
};

/* What one CPU did, until it is written. */
struct bundle {
	VEC(uint64_t) at, state, pid, prio, name;
	VEC(struct wakeup) wakes; /* all that are still to be written, the last first */
	VEC(size_t) names;	  /* threads that are named in it; number 0 is who idles */
	struct map name_by_thread;
	uint64_t last_at; /* of its last switch, of all */
	bool is_idle;
	uint64_t left_state; /* ... how who had it before left it */
};

struct cpus {
	struct bundle *items;
	size_t n;
};

/* As the kernel numbers it: kernel/sched/core.c, __normal_prio(). */
static uint64_t priority_of(const struct thread *t)
{
	return t->rt_priority ? 99 - t->rt_priority : (uint64_t)(120 + t->nice);
}

/* Differences, of times that do not go back. */
static void make_deltas(uint64_t *times, size_t n)
{
	for (size_t i = n; i > 1 && i--;)
		times[i] -= times[i - 1];
}

static void put_names(struct proto *sched, const struct tracing *t, const struct bundle *b)
{
	static const char idle[] = "swapper";

	proto_element(sched, SCHED_NAMES, idle, sizeof(idle) - 1);
	for (size_t i = 0; i < b->names.n; i++) {
		const char *comm = t->m->threads[b->names.items[i]].comm;

		proto_element(sched, SCHED_NAMES, comm, strlen(comm));
	}
}

static uint64_t name_in(struct bundle *b, size_t thread)
{
	uint64_t *number = map_add(&b->name_by_thread, thread);

	if (*number == MAP_NONE) {
		*vec_add(&b->names) = thread;
		*number = b->names.n; /* 0: who idles */
	}
	return *number;
}

static bool has_wake(const struct bundle *b, uint64_t until)
{
	return b->wakes.n && b->wakes.items[b->wakes.n - 1].at <= until;
}

static void put_wakes(struct proto *sched, const struct tracing *t, struct bundle *b,
		      uint64_t until)
{
	VEC(uint64_t)
	at = { 0 }, pid = { 0 }, where = { 0 }, prio = { 0 }, name = { 0 }, flags = { 0 };

	for (; has_wake(b, until); b->wakes.n--) {
		const struct wakeup *w = &b->wakes.items[b->wakes.n - 1];
		const struct thread *thread = &t->m->threads[w->thread];

		*vec_add(&at) = w->at;
		*vec_add(&pid) = thread->tid;
		*vec_add(&where) = w->cpu;
		*vec_add(&prio) = priority_of(thread);
		*vec_add(&name) = name_in(b, w->thread);
		*vec_add(&flags) = w->flags;
	}
	make_deltas(at.items, at.n);
	proto_packed(sched, SCHED_WAKING_AT, at.items, at.n);
	proto_packed(sched, SCHED_WAKING_PID, pid.items, pid.n);
	proto_packed(sched, SCHED_WAKING_CPU, where.items, where.n);
	proto_packed(sched, SCHED_WAKING_PRIO, prio.items, prio.n);
	proto_packed(sched, SCHED_WAKING_NAME, name.items, name.n);
	proto_packed(sched, SCHED_WAKING_FLAGS, flags.items, flags.n);
	free(at.items);
	free(pid.items);
	free(where.items);
	free(prio.items);
	free(name.items);
	free(flags.items);
}

/* All up to then. */
static void put_bundle(struct tracing *t, size_t cpu, uint64_t until)
{
	struct proto sched = { 0 }, bundle = { 0 }, packet = { 0 };
	struct bundle *b = &t->cpus->items[cpu];

	if (!b->at.n && !has_wake(b, until))
		return;
	make_deltas(b->at.items, b->at.n);
	proto_packed(&sched, SCHED_AT, b->at.items, b->at.n);
	proto_packed(&sched, SCHED_PREV_STATE, b->state.items, b->state.n);
	proto_packed(&sched, SCHED_NEXT_PID, b->pid.items, b->pid.n);
	proto_packed(&sched, SCHED_NEXT_PRIO, b->prio.items, b->prio.n);
	proto_packed(&sched, SCHED_NEXT_NAME, b->name.items, b->name.n);
	put_wakes(&sched, t, b, until);
	put_names(&sched, t, b);
	proto_number(&bundle, BUNDLE_CPU, cpu);
	if (t->has_lost_steps) /* of which CPU they were is not known */
		proto_number(&bundle, BUNDLE_LOST, 1);
	proto_element(&bundle, BUNDLE_SCHED, sched.items, sched.n);
	proto_element(&packet, PACKET_FTRACE, bundle.items, bundle.n);
	perfetto_put(t, &packet);
	b->at.n = b->state.n = b->pid.n = b->prio.n = b->name.n = b->names.n = 0;
	map_free(&b->name_by_thread);
	free(sched.items);
	free(bundle.items);
	free(packet.items);
}

/* From then on `thread` has the CPU, or NO_THREAD: nobody of the program. */
static void add_switch(struct tracing *t, struct bundle *b, uint64_t at, uint64_t state,
		       size_t thread)
{
	const struct thread *to = thread == NO_THREAD ? NULL : &t->m->threads[thread];

	at = at > b->last_at ? at : b->last_at;
	*vec_add(&b->at) = at;
	*vec_add(&b->state) = state;
	*vec_add(&b->pid) = to ? to->tid : 0;
	*vec_add(&b->prio) = to ? priority_of(to) : 120;
	*vec_add(&b->name) = to ? name_in(b, thread) : 0;
	b->last_at = at;
	b->is_idle = !to;
}

/* As the tracepoint has it: include/trace/events/sched.h, __trace_sched_switch_state(). */
static uint64_t state_of(const struct mark *m, bool has_ended)
{
	if (m->off == OFF_PREEMPTED)
		return PREEMPTED;
	if (m->off == OFF_BLOCKED)
		return m->cause == CAUSE_IO_DISK || m->cause == CAUSE_FAULT_MAJOR ? 2 : 1;
	return m->off == OFF_NEW && has_ended ? 0x10 : 0;
}

static void add_run(struct tracing *t, const struct timeline_step *s)
{
	struct bundle *b = &t->cpus->items[s->cpu];
	uint64_t to = since_start(t, s->mark.at), from = since_start(t, s->mark.at - s->mark.ran);

	/* Whoever had it before has left it: at this very moment, or some time ago. */
	if (!b->is_idle && from > b->last_at)
		add_switch(t, b, b->last_at, b->left_state, NO_THREAD);
	add_switch(t, b, from, b->is_idle ? 0 : b->left_state, s->thread);
	b->last_at = to > b->last_at ? to : b->last_at;
	b->left_state = state_of(&s->mark, false);
	if (b->at.n >= BUNDLE_MOST)
		put_bundle(t, s->cpu, b->at.items[b->at.n - 1]);
}

/* --- who woke whom ------------------------------------------------------------------------------- */

/* A thread that has made wakes, on the way back through its stretches of having a CPU. */
struct waker {
	VEC(struct wakeup) wakes; /* not met yet */
	uint64_t from;		  /* the stretch that was met last ... */
	uint32_t cpu;		  /* ... and where it was; if there is one: */
	bool has_run;
};

static void lay(struct tracing *t, uint32_t cpu, const struct wakeup *w)
{
	if (cpu < t->cpus->n)
		*vec_add(&t->cpus->items[cpu].wakes) = *w;
}

#define SKEW_NS 10000 /* of two CPUs' clocks */

/* What falls between two stretches of its waker is of the first: who is woken is queued later, by an
 * interrupt at its own CPU. But clocks of CPUs differ. */
static void lay_beside(struct tracing *t, const struct waker *by, const struct timeline_step *s,
		       struct wakeup *w)
{
	uint64_t from = since_start(t, s->mark.at - s->mark.ran), to = since_start(t, s->mark.at);

	if (by->has_run && by->from - w->at < SKEW_NS && by->from - w->at < w->at - to) {
		w->at = by->from;
		lay(t, by->cpu, w);
		return;
	}
	w->at = to > from ? to - 1 : to;
	lay(t, s->cpu, w);
}

/* The thread had the CPU from then on: what it did as long as that is laid there. */
static void lay_pending(struct tracing *t, struct waker *by, const struct timeline_step *s)
{
	uint64_t from = since_start(t, s->mark.at - s->mark.ran), to = since_start(t, s->mark.at);
	size_t left = 0;

	for (size_t i = 0; i < by->wakes.n; i++) {
		struct wakeup w = by->wakes.items[i];

		if (w.at < from)
			by->wakes.items[left++] = w;
		else if (w.at < to)
			lay(t, s->cpu, &w);
		else
			lay_beside(t, by, s, &w);
	}
	by->wakes.n = left;
	by->from = from;
	by->cpu = s->cpu;
	by->has_run = true;
}

/* What comes before all that its waker did is of its first stretch. */
static void lay_rest(struct tracing *t, struct waker *by)
{
	for (size_t i = 0; by->has_run && i < by->wakes.n; i++) {
		by->wakes.items[i].at = by->from;
		lay(t, by->cpu, &by->wakes.items[i]);
	}
	free(by->wakes.items);
}

/* Who was woken may have left its CPU again before its waker did: that stretch was met already. */
static void add_by_thread(struct tracing *t, struct waker *by, const struct wakeup *w)
{
	if (by->has_run && w->at >= by->from)
		lay(t, by->cpu, w);
	else
		*vec_add(&by->wakes) = *w;
}

static void add_wake(struct tracing *t, struct waker *wakers, struct timeline_reader *r,
		     const struct timeline_step *s)
{
	uint64_t arrived = since_start(t, s->mark.at - s->mark.ran);
	struct wakeup w = { .at = arrived > s->mark.queued ? arrived - s->mark.queued : 0,
			    .thread = (uint32_t)s->thread,
			    .cpu = (uint16_t)s->cpu };
	uint64_t *by = s->mark.woken == WOKEN_BY_THREAD
			       ? map_find(&r->thread_by_id, s->mark.woken_by)
			       : NULL;

	if (s->mark.kind != MARK_DEPART || s->mark.unseen || s->mark.woken == WOKEN_UNSEEN)
		return;
	if (by) {
		add_by_thread(t, &wakers[*by], &w);
		return;
	}
	w.flags = s->mark.woken == WOKEN_BY_INTERRUPT ? FROM_IRQ : 0;
	lay(t, s->cpu, &w);
}

static int latest_first(const void *a, const void *b)
{
	const struct wakeup *x = a, *y = b;

	if (x->at != y->at)
		return x->at > y->at ? -1 : 1;
	return x->thread > y->thread ? -1 : x->thread < y->thread;
}

static void find_wakes(struct tracing *t)
{
	struct waker *wakers = calloc(t->m->n_threads + 1, sizeof(*wakers));
	struct timeline_reader r;
	struct timeline_step s;

	if (!wakers)
		out_of_memory();
	for (timeline_begin(&r, t->m, TIMELINE_BACK); timeline_next(&r, &s);) {
		if (s.thread == NO_THREAD)
			continue;
		if (s.mark.kind == MARK_DEPART)
			lay_pending(t, &wakers[s.thread], &s);
		add_wake(t, wakers, &r, &s);
	}
	timeline_end(&r);
	for (size_t i = 0; i < t->m->n_threads; i++)
		lay_rest(t, &wakers[i]);
	free(wakers);
	for (size_t i = 0; i < t->cpus->n; i++) {
		if (t->cpus->items[i].wakes.n)
			qsort(t->cpus->items[i].wakes.items, t->cpus->items[i].wakes.n,
			      sizeof(struct wakeup), latest_first);
	}
}

/* --- all of them --------------------------------------------------------------------------------- */

void perfetto_cpus_step(struct tracing *t, const struct timeline_step *s)
{
	if (s->mark.kind == MARK_DEPART)
		add_run(t, s);
}

void perfetto_cpus_begin(struct tracing *t)
{
	t->cpus = calloc(1, sizeof(*t->cpus));
	if (!t->cpus)
		out_of_memory();
	t->cpus->n = 1;
	for (size_t i = 0; i < t->m->n_marks; i++) {
		if (t->m->marks[i]->cpu >= t->cpus->n)
			t->cpus->n = t->m->marks[i]->cpu + 1;
	}
	t->cpus->items = calloc(t->cpus->n, sizeof(*t->cpus->items));
	if (!t->cpus->items)
		out_of_memory();
	for (size_t i = 0; i < t->cpus->n; i++)
		t->cpus->items[i].is_idle = true;
	find_wakes(t);
}

void perfetto_cpus_end(struct tracing *t)
{
	for (size_t i = 0; i < t->cpus->n; i++) {
		struct bundle *b = &t->cpus->items[i];

		if (!b->is_idle)
			add_switch(t, b, b->last_at, b->left_state, NO_THREAD);
		put_bundle(t, i, UINT64_MAX);
		free(b->at.items);
		free(b->state.items);
		free(b->pid.items);
		free(b->prio.items);
		free(b->name.items);
		free(b->wakes.items);
		free(b->names.items);
	}
	free(t->cpus->items);
	free(t->cpus);
}
