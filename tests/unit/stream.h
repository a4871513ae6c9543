/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Streams of events for the tests: a maker for each kind, with what is usual in
 * it; a test changes what it is about and says it. Instants count from T0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/event.h"
#include "event/marks.h"
#include "../bpf/wall.h"

#define T0 5000000000ULL

#define HEAD(k, e)                                                                                 \
	{                                                                                          \
		.kind = (k), .size = sizeof(struct e)                                              \
	}

static inline struct ev_run run(void)
{
	return (struct ev_run){ .head = HEAD(EV_RUN, ev_run),
				.mode = MODE_RUN,
				.cpus = 4,
				.cpus_allowed = 4,
				.cpu_how = CPU_BY_TICK,
				.quota_us = -1,
				.period_us = -1 };
}

/* A thread that lived from start to end and ran all the time. Process 0: it leads its own. */
static inline struct ev_thread thread(__u64 id, __u64 creator, __u64 process, __u64 start,
				      __u64 end)
{
	struct ev_thread t = { .head = HEAD(EV_THREAD, ev_thread),
			       .id = id,
			       .creator_id = creator,
			       .process_id = process ? process : id,
			       .tid = 1000 + id,
			       .pid = 1000 + (process ? process : id),
			       .flags = THREAD_ENDED,
			       .count = 1 };

	if (t.process_id == id)
		t.flags |= THREAD_LEADER | THREAD_GROUP_DEAD;
	snprintf(t.comm, sizeof(t.comm), "t%u", (unsigned int)id);
	t.ledger.start_at = T0 + start;
	t.ledger.end_at = T0 + end;
	t.ledger.state_ns[TS_RUNNING] = end - start;
	return t;
}

/* `ns` of its running time were a wait instead. */
static inline void waited(struct ev_thread *t, enum cause cause, __u64 ns, __u32 count)
{
	struct ledger_cause *c = &t->ledger.cause[cause];

	c->ns += ns;
	c->max_ns = ns;
	c->count += count;
	t->ledger.blocks += count;
	t->ledger.state_ns[TS_RUNNING] -= ns;
	t->ledger.state_ns[cause == CAUSE_UNKNOWN ? TS_UNKNOWN : TS_BLOCKED] += ns;
	t->ledger.row_ns[row_of_cause(cause)] += ns;
}

/* It was alive at the end, and has been waiting since. */
static inline void waits(struct ev_thread *t, enum cause cause, __u64 since)
{
	t->flags &= ~(THREAD_ENDED | THREAD_GROUP_DEAD);
	t->flags |= THREAD_OPEN_WAIT;
	t->open_cause = cause;
	t->open_row = row_of_cause(cause);
	t->open_since = T0 + since;
	waited(t, cause, t->ledger.end_at - t->open_since, 1);
}

/* args: separated by blanks. */
static inline struct ev_exec exec(__u64 at, __u64 thread, __u64 process, const char *path,
				  const char *args)
{
	struct ev_exec e = { .head = HEAD(EV_EXEC, ev_exec),
			     .at = T0 + at,
			     .thread_id = thread,
			     .process_id = process,
			     .pid = 1000 + process };

	snprintf(e.path, sizeof(e.path), "%s", path);
	snprintf(e.comm, sizeof(e.comm), "%.15s",
		 strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	snprintf(e.args, sizeof(e.args), "%s", args);
	e.args_size = *args ? strlen(e.args) + 1 : 0;
	for (char *s = e.args; *s; s++) {
		if (*s == ' ')
			*s = '\0';
	}
	return e;
}

/* The program's sums at `at`, in which it ran alone all the time. */
static inline struct ev_wall wall(__u64 at)
{
	struct ev_wall w = { .head = HEAD(EV_WALL, ev_wall) };

	w.sums.start_at = T0;
	w.sums.at = T0 + at;
	w.sums.by_count[1] = at;
	w.sums.busy_ns = at;
	return w;
}

/* `ns` of its running time were a standstill instead, in a row, pending or open. */
static inline void stood(struct ev_wall *w, __u64 *where, __u64 ns)
{
	*where += ns;
	w->sums.by_count[1] -= ns;
	w->sums.busy_ns -= ns;
}

static inline struct ev_loss loss(enum loss_kind what, __u64 count, __u64 ns, const char *name)
{
	struct ev_loss l = {
		.head = HEAD(EV_LOSS, ev_loss), .what = what, .count = count, .ns = ns
	};

	snprintf(l.name, sizeof(l.name), "%s", name);
	return l;
}

static inline struct ev_probe probe(const char *name, const char *why)
{
	struct ev_probe p = { .head = HEAD(EV_PROBE, ev_probe), .attached = !*why };

	snprintf(p.name, sizeof(p.name), "%s", name);
	snprintf(p.why, sizeof(p.why), "%s", why);
	return p;
}

static inline struct ev_calls calls(__u32 windows)
{
	return (struct ev_calls){ .head = HEAD(EV_CALLS, ev_calls), .windows = windows };
}

/* A server on this machine. pid 0: nobody was found that listens there. */
static inline struct ev_peer peer(__u32 pid, __u64 ns, __u64 waits)
{
	struct ev_peer p = {
		.head = HEAD(EV_PEER, ev_peer),
		.key = { .address = { 127, 0, 0, 1 }, .port = 5432, .family = PEER_INET },
		.ns = ns,
		.waits = waits,
		.is_local = 1,
		.pid = pid
	};

	if (pid)
		snprintf(p.comm, sizeof(p.comm), "s%u", pid);
	return p;
}

/* Zombies from before: of process `parent`, `pid` the first. */
static inline struct ev_unreaped unreaped(__u32 parent, __u32 pid, __u64 count, __u64 left)
{
	return (struct ev_unreaped){ .head = HEAD(EV_UNREAPED, ev_unreaped),
				     .parent = parent,
				     .pid = pid,
				     .count = count,
				     .left = left,
				     .comm = "dead" };
}

static inline struct ev_other other(__u32 pid, __u64 cpu_ns)
{
	struct ev_other o = { .head = HEAD(EV_OTHER, ev_other), .cpu_ns = cpu_ns, .pid = pid };

	snprintf(o.comm, sizeof(o.comm), "o%u", pid);
	return o;
}

/* Something that happened to a process; it was the command's first thread, or the parent is. */
static inline struct ev_life life(enum life_what what, __u64 at, __u64 process)
{
	return (struct ev_life){ .head = HEAD(EV_LIFE, ev_life),
				 .what = what,
				 .at = T0 + at,
				 .process_id = process,
				 .by_id = COMMAND_ID,
				 .by_pid = 1000 + COMMAND_ID,
				 .pid = process ? 1000 + process : 0,
				 .doing = CAUSE_COUNT,
				 .by_comm = "t1" };
}

/* pid: that was waited for; 0: any. */
static inline struct ev_life reaped(__u64 at, enum reap kind, __u32 pid)
{
	struct ev_life l = life(LIFE_REAPED, at, 0);

	l.code = kind;
	l.pid = pid;
	return l;
}

/* A thread of the process that is numbered like it did it, or is the parent. */
static inline struct ev_life by(struct ev_life l, __u64 id)
{
	l.by_id = id;
	l.by_pid = 1000 + id;
	snprintf(l.by_comm, sizeof(l.by_comm), "t%u", (unsigned int)id);
	return l;
}

/* One that is none of the program's. */
static inline struct ev_life by_other(struct ev_life l, __u32 pid, const char *comm)
{
	l.by_id = 0;
	l.by_pid = pid;
	snprintf(l.by_comm, sizeof(l.by_comm), "%s", comm);
	return l;
}

static inline struct ev_end end(__s32 status)
{
	return (struct ev_end){ .head = HEAD(EV_END, ev_end),
				.ended_by = ENDED_COMMAND,
				.status = status };
}

/* To be freed by the caller. */
static inline struct ev_text *text(enum text_kind what, const char *string)
{
	size_t size = (sizeof(struct ev_text) + strlen(string) + 1 + 7) / 8 * 8;
	struct ev_text *t = calloc(1, size);

	if (!t)
		abort();
	t->head.kind = EV_TEXT;
	t->head.size = size;
	t->what = what;
	t->length = strlen(string);
	memcpy(t->text, string, t->length);
	return t;
}

/* An event with something behind it, zeroed. */
static inline void *event_of(unsigned int kind, size_t fixed, size_t more)
{
	size_t size = (fixed + more + 7) / 8 * 8;
	struct event *e = calloc(1, size);

	if (!e)
		abort();
	e->kind = kind;
	e->size = size;
	return e;
}

/* To be freed by the caller. */
static inline struct ev_frame *frame(__u32 id, const char *function, const char *file,
				     const char *object)
{
	const char *names[] = { function, file, object };
	size_t size = strlen(function) + strlen(file) + strlen(object) + 3;
	struct ev_frame *f = event_of(EV_FRAME, sizeof(*f), size);

	f->id = id;
	for (int i = 0; i < 3; i++) {
		strcpy(f->text + f->size, names[i]);
		f->size += strlen(names[i]) + 1;
	}
	return f;
}

/* frames: ids, innermost first. To be freed by the caller. */
static inline struct ev_stack *stack(__u32 id, const __u32 *frames, size_t n)
{
	struct ev_stack *s = event_of(EV_STACK, sizeof(*s), n * sizeof(*frames));

	s->id = id;
	s->n = n;
	for (size_t i = 0; i < n; i++)
		s->frames[i] = frames[i];
	return s;
}

/* A thread of its own process waited there so often, each time looked at. */
static inline struct ev_site wait_site(__u64 thread, __u32 stack, enum cause cause, __u64 waits,
				       __u64 ns)
{
	return (struct ev_site){ .head = HEAD(EV_SITE, ev_site),
				 .thread_id = thread,
				 .process_id = thread,
				 .what = SITE_WAIT,
				 .stack = stack,
				 .cause = cause,
				 .row = row_of_cause(cause),
				 .samples = waits,
				 .waits = waits,
				 .ns = ns,
				 .max_ns = ns };
}

/* ... or was found computing. */
static inline struct ev_site cpu_site(__u64 thread, __u32 stack, __u64 samples)
{
	return (struct ev_site){ .head = HEAD(EV_SITE, ev_site),
				 .thread_id = thread,
				 .process_id = thread,
				 .what = SITE_CPU,
				 .stack = stack,
				 .samples = samples };
}

/* Of the process of thread 1, which has executed nothing. */
#define LOCK_SPACE 1

static inline struct ev_lock lock_at(__u64 word, __u32 hints, __u64 any_ns)
{
	return (struct ev_lock){ .head = HEAD(EV_LOCK, ev_lock),
				 .key = { LOCK_SPACE, word },
				 .hints = hints,
				 .waits = 1,
				 .any_ns = any_ns };
}

static inline struct ev_lock_waiter lock_waiter(__u64 word, __u64 thread_id, enum cause cause,
						__u64 waits, __u64 ns)
{
	return (struct ev_lock_waiter){ .head = HEAD(EV_LOCK_WAITER, ev_lock_waiter),
					.key = { LOCK_SPACE, word },
					.thread_id = thread_id,
					.waits = waits,
					.ns = ns,
					.max_ns = ns / waits,
					.cause = cause };
}

static inline struct ev_lock_holder lock_holder(__u64 word, __u64 thread_id, enum holder_how how,
						__u64 ns)
{
	struct ev_lock_holder h = { .head = HEAD(EV_LOCK_HOLDER, ev_lock_holder),
				    .key = { LOCK_SPACE, word },
				    .thread_id = thread_id };

	h.ns[how] = ns;
	return h;
}

/* A member of the first deadlock, or (0) behind it. */
static inline struct ev_deadlock stuck(__u64 thread_id, __u64 holder_id, __u64 word, __u32 hints,
				       __u32 is_member)
{
	return (struct ev_deadlock){ .head = HEAD(EV_DEADLOCK, ev_deadlock),
				     .number = 1,
				     .kind = DEADLOCK_CYCLE,
				     .is_member = is_member,
				     .holder_is = HOLDER_IS_THREAD,
				     .thread_id = thread_id,
				     .holder_id = holder_id,
				     .key = { LOCK_SPACE, word },
				     .hints = hints,
				     .since = T0 + 100000000,
				     .proved_at = T0 + 400000000,
				     .seen_at = T0 + 900000000 };
}

/* A thread as one look found it; to be freed. */
static inline struct ev_stand *stand(__u64 thread_id, enum stand_state state,
				     const char *descriptor)
{
	size_t length = strlen(descriptor) + 1;
	struct ev_stand *s = event_of(EV_STAND, sizeof(*s), length);

	s->thread_id = thread_id;
	s->state = state;
	s->is_asked = 1;
	s->fd = -1;
	s->size = length;
	memcpy(s->text, descriptor, length);
	return s;
}

static inline struct ev_need need(__u64 thread_id, __u64 process_id, enum need_how how)
{
	return (struct ev_need){ .head = HEAD(EV_NEED, ev_need),
				 .thread_id = thread_id,
				 .process_id = process_id,
				 .pid = process_id + 1000,
				 .how = how,
				 .comm = "other" };
}

/* To be freed by the caller. */
static inline struct ev_target *target_event(__u32 index, enum target_kind kind, const char *path)
{
	struct ev_target *t = event_of(EV_TARGET, sizeof(*t), strlen(path) + 1);

	t->index = index;
	t->kind = kind;
	t->size = strlen(path) + 1;
	strcpy(t->text, path);
	return t;
}

static inline struct ev_io io(__u32 index, enum cause cause, __u64 waits, __u64 ns)
{
	return (struct ev_io){ .head = HEAD(EV_IO, ev_io),
			       .index = index,
			       .cause = cause,
			       .waits = waits,
			       .ns = ns,
			       .max_ns = ns,
			       .any_ns = ns,
			       .objects = 1,
			       .users = { { 1000, 3 } },
			       .n_users = 1 };
}

static inline struct ev_loop loop(__u64 thread_id, enum cause cause, __u64 waits, __u64 ns)
{
	return (struct ev_loop){ .head = HEAD(EV_LOOP, ev_loop),
				 .cause = cause,
				 .pid = 1000,
				 .users = { thread_id },
				 .n_users = 1,
				 .watched = 2,
				 .waits = waits,
				 .ns = ns,
				 .max_ns = ns };
}

/* Waits at a target, ended by a thread. */
static inline struct ev_wake wake(__u32 target, __u64 waiter_id, __u64 waker_id, __u64 waits,
				  __u64 ns)
{
	return (struct ev_wake){ .head = HEAD(EV_WAKE, ev_wake),
				 .target = target,
				 .waiter_id = waiter_id,
				 .waker_id = waker_id,
				 .waits = waits,
				 .ns = ns,
				 .max_ns = ns };
}

static inline struct ev_signal signal_sent(__u64 from_id, __u64 to_id, __u32 number, __u64 sent)
{
	return (struct ev_signal){ .head = HEAD(EV_SIGNAL, ev_signal),
				   .from_id = from_id,
				   .to_id = to_id,
				   .number = number,
				   .sent = sent };
}

static inline struct ev_use use(__u64 thread_id, enum io_call call, __u32 flags, enum cause cause,
				__u64 count)
{
	return (struct ev_use){ .head = HEAD(EV_USE, ev_use),
				.thread_id = thread_id,
				.what = call ? USE_CALL : USE_RUNNING,
				.call = call,
				.flags = flags,
				.fd = 5,
				.cause = cause,
				.count = count };
}

static inline struct ev_lock_order lock_order(__u64 held, __u64 wanted, __u64 count)
{
	return (struct ev_lock_order){ .head = HEAD(EV_LOCK_ORDER, ev_lock_order),
				       .held = { LOCK_SPACE, held },
				       .wanted = { LOCK_SPACE, wanted },
				       .count = count };
}

/* To be freed by the caller. */
static inline struct ev_word *word_name(__u64 word, const char *variable, const char *file,
					const char *object)
{
	const char *names[] = { variable, file, object };
	size_t size = strlen(variable) + strlen(file) + strlen(object) + 3;
	struct ev_word *w = event_of(EV_WORD, sizeof(*w), size);

	w->key = (struct lock_key){ LOCK_SPACE, word };
	for (int i = 0; i < 3; i++) {
		strcpy(w->text + w->size, names[i]);
		w->size += strlen(names[i]) + 1;
	}
	return w;
}

static inline struct ev_cgroup cgroup(__u64 id, const char *path)
{
	struct ev_cgroup c = { .head = HEAD(EV_CGROUP, ev_cgroup), .id = id };

	snprintf(c.path, sizeof(c.path), "%s", path);
	return c;
}

/* The CPU of one thread was taken by another, or by 0: by process 900 of another program. */
static inline struct ev_taker taker(__u64 thread_id, __u64 by_id, enum taker_how how, __u64 count,
				    __u64 ns)
{
	struct ev_taker t = { .head = HEAD(EV_TAKER, ev_taker),
			      .thread_id = thread_id,
			      .by_id = by_id,
			      .by_pid = by_id ? 1000 + by_id : 900,
			      .by_is = by_id ? TAKER_IS_OWN : TAKER_IS_OTHER,
			      .how = how,
			      .count = count,
			      .ns = ns,
			      .max_ns = ns / count,
			      .comm = "other" };

	if (how == TAKER_PREEMPTED) {
		t.certain_ns = ns;
		t.certain_max_ns = ns / count;
	}
	return t;
}

/* To be freed: n steps of one thread. */
static inline struct ev_marks *steps(__u32 thread, __u64 at, size_t n)
{
	struct ev_marks *ev = calloc(1, MARKS_ROOM(n));
	struct mark *marks = calloc(n, sizeof(*marks));

	for (size_t i = 0; i < n; i++)
		marks[i] = (struct mark){ .at = at + 1000 * i,
					  .ran = 500,
					  .thread = thread,
					  .kind = MARK_DEPART,
					  .off = OFF_BLOCKED,
					  .cause = CAUSE_IO_PIPE };
	marks_pack(ev, marks, n, 0);
	free(marks);
	return ev;
}

/* Its nice value changed. */
static inline struct ev_change change(__u64 thread_id, __u64 at, __s32 was, __s32 now)
{
	return (struct ev_change){ .head = HEAD(EV_CHANGE, ev_change),
				   .thread_id = thread_id,
				   .at = T0 + at,
				   .was = { .nice = was, .n_cpus = 4, .cpus = 15 },
				   .now = { .nice = now, .n_cpus = 4, .cpus = 15 } };
}
