// SPDX-License-Identifier: BSD-2-Clause
/*
 * A trace for Perfetto's viewer: processes and threads; of each CPU who had it, and when threads
 * became ready to run; of each thread what it waited for, as slices on a track of its own.
 *
 * Times are those since the start of the measurement. Switches are packed as the kernel's own
 * tracer packs them (compact_sched), of which the viewer makes the states of threads.
 */
#include "report/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/timeline.h"
#include "report/protobuf.h"

/* Numbers of fields: protos/perfetto/trace/ of the viewer's sources. */
enum { TRACE_PACKET = 1 };
enum {
	PACKET_FTRACE = 1,
	PACKET_PROCESSES = 2,
	PACKET_CLOCKS = 6,
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE = 10,
	PACKET_EVENT = 11,
	PACKET_INTERNED = 12,
	PACKET_FLAGS = 13,
	PACKET_TRACK = 60,
};
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
enum { TREE_PROCESS = 1, TREE_THREAD = 2 };
enum { PROCESS_PID = 1, PROCESS_PPID = 2, PROCESS_ARGS = 3 };
enum { THREAD_TID = 1, THREAD_NAME = 2, THREAD_TGID = 3 };
enum { CLOCKS_CLOCK = 1 };
enum { CLOCK_ID = 1, CLOCK_AT = 2 };
enum { CLOCK_REAL = 1, CLOCK_BOOT = 6 };
enum { TRACK_UUID = 1, TRACK_NAME = 2, TRACK_THREAD = 4, TRACK_PARENT = 5 };
enum { OWNER_PID = 1, OWNER_TID = 2, OWNER_NAME = 5 };
enum { EVENT_TYPE = 9, EVENT_NAME = 10, EVENT_TRACK = 11 };
enum { EVENT_BEGIN = 1, EVENT_END = 2 };
enum { INTERNED_NAMES = 2 };
enum { NAME_NUMBER = 1, NAME_TEXT = 2 };

#define SEQUENCE     1
#define FLAG_NEEDS   2	   /* what was interned before */
#define FLAG_CLEARED 3	   /* ... which begins here */
#define PREEMPTED    0x100 /* include/trace/events/sched.h: TASK_REPORT_MAX */
#define BUNDLE_MOST  4096  /* switches */

struct ready {
	uint64_t at, name;
	size_t thread;
};

/* What one CPU did, until it is written. */
struct bundle {
	VEC(uint64_t) at, state, pid, prio, name;
	VEC(struct ready) wakes;
	VEC(size_t) names; /* threads that are named in it; number 0 is who idles */
	struct map name_by_thread;
	uint64_t last_at; /* of its last switch, of all */
	bool is_idle;
	uint64_t left_state; /* ... how who had it before left it */
};

/* A thread's way off the CPU. */
struct waiting {
	uint64_t since; /* 0: it has not been on one */
	uint8_t off, cause;
	bool has_track;
};

struct tracing {
	const struct model *m;
	FILE *out;
	int error;
	struct bundle *cpus;
	size_t n_cpus;
	struct waiting *threads; /* by place in model.threads */
};

static void put_packet(struct tracing *t, const struct proto *packet)
{
	struct proto head = { 0 };

	proto_element(&head, TRACE_PACKET, packet->items, packet->n);
	if (!t->error && fwrite(head.items, 1, head.n, t->out) != head.n)
		t->error = errno ? -errno : -EIO;
	free(head.items);
}

static uint64_t since_start(const struct tracing *t, uint64_t at)
{
	return at > t->m->origin ? at - t->m->origin : 0;
}

/* --- who there is ------------------------------------------------------------------------------ */

static void put_process(struct proto *tree, const struct process *p)
{
	struct proto one = { 0 };

	proto_number(&one, PROCESS_PID, p->pid);
	proto_number(&one, PROCESS_PPID, p->ppid);
	for (size_t i = 0; i < p->n_args; i++)
		proto_element(&one, PROCESS_ARGS, p->args[i], strlen(p->args[i]));
	if (!p->n_args)
		proto_bytes(&one, PROCESS_ARGS, p->comm, strlen(p->comm));
	proto_element(tree, TREE_PROCESS, one.items, one.n);
	free(one.items);
}

static void put_thread(struct proto *tree, const struct thread *t)
{
	struct proto one = { 0 };

	proto_number(&one, THREAD_TID, t->tid);
	proto_bytes(&one, THREAD_NAME, t->comm, strlen(t->comm));
	proto_number(&one, THREAD_TGID, t->pid);
	proto_element(tree, TREE_THREAD, one.items, one.n);
	free(one.items);
}

static void put_tree(struct tracing *t)
{
	struct proto tree = { 0 }, packet = { 0 };

	for (size_t i = 0; i < t->m->n_processes; i++)
		put_process(&tree, &t->m->processes[i]);
	for (size_t i = 0; i < t->m->n_threads; i++)
		put_thread(&tree, &t->m->threads[i]);
	proto_element(&packet, PACKET_PROCESSES, tree.items, tree.n);
	put_packet(t, &packet);
	free(tree.items);
	free(packet.items);
}

static void put_clock(struct proto *clocks, uint64_t number, uint64_t at)
{
	struct proto one = { 0 };

	proto_number(&one, CLOCK_ID, number);
	proto_number(&one, CLOCK_AT, at);
	proto_element(clocks, CLOCKS_CLOCK, one.items, one.n);
	free(one.items);
}

/* What time of the day it was at the start. */
static void put_clocks(struct tracing *t)
{
	struct proto clocks = { 0 }, packet = { 0 };

	put_clock(&clocks, CLOCK_BOOT, 0);
	put_clock(&clocks, CLOCK_REAL, t->m->run.realtime_ns);
	proto_element(&packet, PACKET_CLOCKS, clocks.items, clocks.n);
	put_packet(t, &packet);
	free(clocks.items);
	free(packet.items);
}

/* --- CPUs --------------------------------------------------------------------------------------- */

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

static int by_time(const void *a, const void *b)
{
	const struct ready *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static void put_wakes(struct proto *sched, const struct tracing *t, struct bundle *b, size_t cpu)
{
	VEC(uint64_t)
	at = { 0 }, pid = { 0 }, where = { 0 }, prio = { 0 }, name = { 0 }, flags = { 0 };

	if (b->wakes.n)
		qsort(b->wakes.items, b->wakes.n, sizeof(*b->wakes.items), by_time);
	for (size_t i = 0; i < b->wakes.n; i++) {
		const struct ready *w = &b->wakes.items[i];
		const struct thread *thread = &t->m->threads[w->thread];

		*vec_add(&at) = w->at;
		*vec_add(&pid) = thread->tid;
		*vec_add(&where) = cpu;
		*vec_add(&prio) = priority_of(thread);
		*vec_add(&name) = w->name;
		*vec_add(&flags) = 0;
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

static void put_bundle(struct tracing *t, size_t cpu)
{
	struct proto sched = { 0 }, bundle = { 0 }, packet = { 0 };
	struct bundle *b = &t->cpus[cpu];

	if (!b->at.n && !b->wakes.n)
		return;
	put_names(&sched, t, b);
	make_deltas(b->at.items, b->at.n);
	proto_packed(&sched, SCHED_AT, b->at.items, b->at.n);
	proto_packed(&sched, SCHED_PREV_STATE, b->state.items, b->state.n);
	proto_packed(&sched, SCHED_NEXT_PID, b->pid.items, b->pid.n);
	proto_packed(&sched, SCHED_NEXT_PRIO, b->prio.items, b->prio.n);
	proto_packed(&sched, SCHED_NEXT_NAME, b->name.items, b->name.n);
	put_wakes(&sched, t, b, cpu);
	proto_number(&bundle, BUNDLE_CPU, cpu);
	proto_element(&bundle, BUNDLE_SCHED, sched.items, sched.n);
	proto_element(&packet, PACKET_FTRACE, bundle.items, bundle.n);
	put_packet(t, &packet);
	b->at.n = b->state.n = b->pid.n = b->prio.n = b->name.n = b->wakes.n = b->names.n = 0;
	map_free(&b->name_by_thread);
	free(sched.items);
	free(bundle.items);
	free(packet.items);
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
	struct bundle *b = &t->cpus[s->cpu];
	uint64_t to = since_start(t, s->mark.at), from = since_start(t, s->mark.at - s->mark.ran);

	/* Whoever had it before has left it: at this very moment, or some time ago. */
	if (!b->is_idle && from > b->last_at)
		add_switch(t, b, b->last_at, b->left_state, NO_THREAD);
	add_switch(t, b, from, b->is_idle ? 0 : b->left_state, s->thread);
	b->last_at = to > b->last_at ? to : b->last_at;
	b->left_state = state_of(&s->mark, false);
	if (b->at.n >= BUNDLE_MOST)
		put_bundle(t, s->cpu);
}

/* --- waits --------------------------------------------------------------------------------------- */

#define TRACK_OF(thread) ((uint64_t)(thread)*2 + 1) /* its own; one more: that of its waits */

static void put_event(struct tracing *t, uint64_t at, uint64_t type, uint64_t track, uint64_t name)
{
	struct proto event = { 0 }, packet = { 0 };

	proto_number(&packet, PACKET_TIMESTAMP, at);
	proto_number(&packet, PACKET_SEQUENCE, SEQUENCE);
	proto_number(&packet, PACKET_FLAGS, FLAG_NEEDS);
	proto_number(&event, EVENT_TYPE, type);
	if (name)
		proto_number(&event, EVENT_NAME, name);
	proto_number(&event, EVENT_TRACK, track);
	proto_element(&packet, PACKET_EVENT, event.items, event.n);
	put_packet(t, &packet);
	free(event.items);
	free(packet.items);
}

/* What threads may wait for, by numbers: those of the causes, and 1. */
static void put_interned(struct tracing *t)
{
	struct proto interned = { 0 }, packet = { 0 };

	proto_number(&packet, PACKET_SEQUENCE, SEQUENCE);
	proto_number(&packet, PACKET_FLAGS, FLAG_CLEARED);
	for (unsigned int c = 0; c < CAUSE_COUNT; c++) {
		struct proto name = { 0 };

		if (!cause_name(c))
			continue;
		proto_number(&name, NAME_NUMBER, c + 1);
		proto_bytes(&name, NAME_TEXT, cause_name(c), strlen(cause_name(c)));
		proto_element(&interned, INTERNED_NAMES, name.items, name.n);
		free(name.items);
	}
	proto_element(&packet, PACKET_INTERNED, interned.items, interned.n);
	put_packet(t, &packet);
	free(interned.items);
	free(packet.items);
}

static void put_track(struct tracing *t, uint64_t number, uint64_t parent, const char *name,
		      const struct thread *of)
{
	struct proto owner = { 0 }, track = { 0 }, packet = { 0 };

	proto_number(&track, TRACK_UUID, number);
	if (name)
		proto_bytes(&track, TRACK_NAME, name, strlen(name));
	if (parent)
		proto_number(&track, TRACK_PARENT, parent);
	if (of) {
		proto_number(&owner, OWNER_PID, of->pid);
		proto_number(&owner, OWNER_TID, of->tid);
		proto_bytes(&owner, OWNER_NAME, of->comm, strlen(of->comm));
		proto_element(&track, TRACK_THREAD, owner.items, owner.n);
	}
	proto_number(&packet, PACKET_SEQUENCE, SEQUENCE);
	proto_element(&packet, PACKET_TRACK, track.items, track.n);
	put_packet(t, &packet);
	free(owner.items);
	free(track.items);
	free(packet.items);
}

static void put_wait(struct tracing *t, size_t thread, uint64_t from, uint64_t to)
{
	struct waiting *w = &t->threads[thread];

	if (!w->has_track) {
		put_track(t, TRACK_OF(thread), 0, NULL, &t->m->threads[thread]);
		put_track(t, TRACK_OF(thread) + 1, TRACK_OF(thread), "waits for", NULL);
		w->has_track = true;
	}
	put_event(t, from, EVENT_BEGIN, TRACK_OF(thread) + 1, (uint64_t)w->cause + 1);
	put_event(t, to, EVENT_END, TRACK_OF(thread) + 1, 0);
}

/* The thread came to a CPU: what was before that. */
static void add_wait(struct tracing *t, const struct timeline_step *s)
{
	uint64_t arrived = since_start(t, s->mark.at - s->mark.ran);
	struct waiting *w = &t->threads[s->thread];
	uint64_t ready = arrived > s->mark.queued ? arrived - s->mark.queued : 0;
	struct bundle *b = &t->cpus[s->cpu];

	ready = ready > w->since ? ready : w->since;
	if (w->off != OFF_BLOCKED && w->off != OFF_NEW)
		return;
	if (s->mark.kind == MARK_DEPART && !s->mark.unseen)
		*vec_add(&b->wakes) = (struct ready){ ready, name_in(b, s->thread), s->thread };
	if (w->off == OFF_BLOCKED && ready > w->since)
		put_wait(t, s->thread, w->since, ready);
}

static void add_step(struct tracing *t, const struct timeline_step *s)
{
	struct waiting *w;

	if (s->thread == NO_THREAD)
		return;
	if (s->mark.kind != MARK_BEGIN)
		add_wait(t, s);
	w = &t->threads[s->thread];
	w->since = since_start(t, s->mark.at);
	w->off = s->mark.off;
	w->cause = s->mark.cause;
	if (s->mark.kind == MARK_DEPART)
		add_run(t, s);
}

/* --- all of it ----------------------------------------------------------------------------------- */

static size_t cpus_of(const struct model *m)
{
	size_t n = 1;

	for (size_t i = 0; i < m->n_marks; i++)
		n = m->marks[i]->cpu >= n ? m->marks[i]->cpu + 1 : n;
	return n;
}

static void put_rest(struct tracing *t)
{
	for (size_t i = 0; i < t->n_cpus; i++) {
		struct bundle *b = &t->cpus[i];

		if (!b->is_idle)
			add_switch(t, b, b->last_at, b->left_state, NO_THREAD);
		put_bundle(t, i);
		free(b->at.items);
		free(b->state.items);
		free(b->pid.items);
		free(b->prio.items);
		free(b->name.items);
		free(b->wakes.items);
		free(b->names.items);
	}
}

int report_perfetto_write(const struct findings *f, const struct report_opts *opts, FILE *out)
{
	struct tracing t = { .m = f->model, .out = out, .n_cpus = cpus_of(f->model) };
	struct timeline_reader reader;
	struct timeline_step step;

	(void)opts;
	t.cpus = calloc(t.n_cpus, sizeof(*t.cpus));
	t.threads = calloc(t.m->n_threads + 1, sizeof(*t.threads));
	if (!t.cpus || !t.threads) {
		free(t.cpus);
		free(t.threads);
		return -ENOMEM;
	}
	for (size_t i = 0; i < t.n_cpus; i++)
		t.cpus[i].is_idle = true;
	put_clocks(&t);
	put_tree(&t);
	put_interned(&t);
	for (timeline_begin(&reader, t.m, TIMELINE_FORTH); timeline_next(&reader, &step);)
		add_step(&t, &step);
	timeline_end(&reader);
	put_rest(&t);
	free(t.cpus);
	free(t.threads);
	return t.error;
}
