/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Streams whose numbers contradict each other, as far as the model lets them. */
#include "findings.h"
#include "random.h"

static inline uint64_t some(struct rng *rng)
{
	return rng_one_in(rng, 3) ? 0 : rng_next(rng) >> (20 + rng_below(rng, 40));
}

/* The model insists that the rows add up; what is part of a row may be anything. */
static inline struct ev_wall any_wall(struct rng *rng)
{
	struct ev_wall w = wall(0);

	for (int i = 0; i < 3; i++) {
		uint64_t ns = some(rng);

		w.sums.by_count[1 + rng_below(rng, WALL_COUNTS - 1)] += ns;
		w.sums.at += ns;
	}
	for (int r = 0; r < ROW_COUNT; r++) {
		w.sums.row_ns[r] = some(rng);
		w.sums.pending_ns[r] = some(rng);
		w.sums.at += w.sums.row_ns[r] + w.sums.pending_ns[r];
	}
	w.sums.runnable_ns = some(rng);
	w.sums.still_ns = some(rng);
	w.sums.at += w.sums.runnable_ns + w.sums.still_ns;
	w.sums.busy_ns = some(rng);
	w.sums.serialised_ns = some(rng);
	w.sums.latency_ns = some(rng);
	w.sums.limit_ns = some(rng);
	w.sums.convoy_ns = some(rng);
	w.sums.convoy_still_ns = some(rng);
	return w;
}

static inline struct ev_thread any_thread(struct rng *rng, uint64_t id)
{
	struct ev_thread t = thread(id, rng_below(rng, id), rng_below(rng, id + 1), 0, some(rng));
	struct ledger_cause *c = &t.ledger.cause[rng_below(rng, CAUSE_COUNT)];

	for (int s = 0; s < TS_COUNT; s++)
		t.ledger.state_ns[s] = some(rng);
	for (int r = 0; r < ROW_COUNT; r++)
		t.ledger.row_ns[r] = some(rng);
	c->ns = some(rng);
	c->count = some(rng);
	t.ledger.stolen_ns = some(rng);
	t.ledger.moving_ns = some(rng);
	t.ledger.queued_own_ns = some(rng);
	t.ledger.queued_idle_ns = some(rng);
	t.ledger.yields = some(rng);
	t.ledger.switches = some(rng);
	if (rng_one_in(rng, 2))
		t.exit_code = rng_below(rng, 256);
	if (rng_one_in(rng, 8))
		t.flags = THREAD_UNSENT;
	return t;
}

/* pid: perhaps that of a thread that any_thread() makes. */
static inline struct ev_peer any_peer(struct rng *rng)
{
	static const __u16 families[] = { PEER_UNIX, PEER_INET, PEER_INET6 };
	struct ev_peer p =
		peer(rng_one_in(rng, 3) ? 0 : 1000 + rng_below(rng, 6), some(rng), some(rng));

	for (size_t i = 0; i < sizeof(p.key.address); i++)
		p.key.address[i] = rng_next(rng) >> 32;
	p.key.family = families[rng_below(rng, 3)];
	p.key.port = rng_next(rng) >> 32;
	p.key.pid = some(rng);
	p.is_local = rng_one_in(rng, 2);
	if (rng_one_in(rng, 3))
		snprintf(p.comm, sizeof(p.comm), "\033[31m\"\xff\n");
	return p;
}

/* pid: perhaps that of a thread that any_thread() makes. */
static inline struct ev_other any_other(struct rng *rng)
{
	struct ev_other o =
		other(rng_one_in(rng, 3) ? some(rng) : 1000 + rng_below(rng, 6), some(rng));

	if (rng_one_in(rng, 3))
		snprintf(o.comm, sizeof(o.comm), "\033[31m\"\xff)\n");
	return o;
}

/* Perhaps of a process that any_thread() makes, or done by one. */
static inline struct ev_life any_life(struct rng *rng)
{
	enum life_what what = 1 + rng_below(rng, LIFE_COUNT - 1);
	struct ev_life l = by(life(what, 0, rng_below(rng, 5)), rng_below(rng, 5));

	l.at = rng_one_in(rng, 8) ? rng_next(rng) : T0 + some(rng);
	l.code = rng_below(rng, what == LIFE_BORN     ? BIRTH_COUNT
				: what == LIFE_REAPED ? REAP_COUNT
						      : 256);
	l.pid = rng_one_in(rng, 3) ? 0 : 1000 + rng_below(rng, 6);
	l.value = rng_one_in(rng, 2) ? rng_below(rng, 6) : rng_next(rng);
	l.flags = rng_below(rng, 64);
	l.doing = rng_below(rng, CAUSE_COUNT + 1);
	l.group = 1000 + rng_below(rng, 3);
	if (rng_one_in(rng, 3))
		snprintf(l.by_comm, sizeof(l.by_comm), "\033[31m\"\xff%%s\n");
	return l;
}

static inline const char *any_name(struct rng *rng)
{
	static const char *const names[] = {
		"", "main", "f", "a;b c\n", "\033[31m\"\xff\\", "/lib/x.so", "<b a='\"\''>&amp;"
	};

	return names[rng_below(rng, sizeof(names) / sizeof(*names))];
}

static inline struct lock_key any_key(struct rng *rng)
{
	return (struct lock_key){ rng_below(rng, 3) | (rng_one_in(rng, 4) ? LOCK_SHARED : 0),
				  64 + 4 * rng_below(rng, 4) };
}

/* Some locks, and who waited there: perhaps threads that there are. */
static inline void put_any_locks(struct rng *rng)
{
	for (int i = rng_below(rng, 8); i; i--) {
		struct ev_lock l = { .head = HEAD(EV_LOCK, ev_lock),
				     .key = any_key(rng),
				     .hints = rng_next(rng) >> 40,
				     .waits = some(rng),
				     .any_ns = some(rng),
				     .calls = { some(rng), some(rng), some(rng) } };
		struct ev_lock_waiter w = { .head = HEAD(EV_LOCK_WAITER, ev_lock_waiter),
					    .key = any_key(rng),
					    .thread_id = rng_below(rng, 5),
					    .waits = some(rng),
					    .ns = some(rng),
					    .max_ns = some(rng),
					    .cause = rng_below(rng, CAUSE_COUNT),
					    .is_open = rng_one_in(rng, 2) };
		struct ev_lock_holder h = { .head = HEAD(EV_LOCK_HOLDER, ev_lock_holder),
					    .key = any_key(rng),
					    .thread_id = rng_below(rng, 5) };

		struct ev_lock_order o = lock_order(0, 0, some(rng));
		struct ev_deadlock d = { .head = HEAD(EV_DEADLOCK, ev_deadlock),
					 .number = 1 + rng_below(rng, 3),
					 .kind = 1 + rng_below(rng, DEADLOCK_KIND_COUNT - 1),
					 .is_member = rng_one_in(rng, 2),
					 .holder_is = rng_below(rng, HOLDER_IS_COUNT),
					 .thread_id = rng_below(rng, 5),
					 .holder_id = rng_below(rng, 5),
					 .key = any_key(rng),
					 .hints = rng_next(rng) >> 40,
					 .since = some(rng),
					 .proved_at = some(rng),
					 .seen_at = some(rng),
					 .want = rng_below(rng, WANT_COUNT) };

		o.held = any_key(rng);
		o.wanted = any_key(rng);
		l.owner_id = rng_below(rng, 5);
		l.owner_how = rng_below(rng, HOLDER_COUNT + 1);
		put(&o);
		d.key.space += !d.key.space;
		if (d.kind != DEADLOCK_CYCLE)
			d.want = WANT_HOLDER;
		put(&d);
		h.ns[rng_below(rng, HOLDER_COUNT)] = some(rng);
		h.doing_ns[rng_below(rng, DOING_COUNT)] = some(rng);
		put(&l);
		put(&w);
		put(&h);
	}
}

/* Threads as one look found them, and who could end their waits: perhaps such as there are. */
static inline void put_any_stands(struct rng *rng)
{
	for (int i = rng_below(rng, 8); i; i--) {
		struct ev_stand *s =
			stand(rng_below(rng, 5), 1 + rng_below(rng, STAND_STATE_COUNT - 1),
			      any_name(rng));
		struct ev_need n = need(rng_below(rng, 5), rng_below(rng, 5),
					1 + rng_below(rng, NEED_HOW_COUNT - 1));

		s->is_asked = rng_one_in(rng, 2);
		s->for_ns = some(rng);
		s->is_timed = rng_one_in(rng, 2);
		s->left_ns = some(rng);
		s->other_id = rng_below(rng, 5);
		s->other_is = rng_below(rng, HOLDER_IS_COUNT);
		s->fd = (int)rng_below(rng, 4) - 1;
		s->readers = rng_below(rng, 3);
		s->n_fds = rng_below(rng, 4);
		s->fd_is = rng_below(rng, STAND_FD_COUNT);
		put(s);
		put(&n);
		free(s);
	}
}

/* Some frames, stacks of them, and sites there: perhaps of threads that there are. */
static inline void put_any_sites(struct rng *rng)
{
	__u32 n_frames = 1 + rng_below(rng, 4), n_stacks = 1 + rng_below(rng, 4), frames[6];

	for (__u32 id = 1; id <= n_frames; id++) {
		struct ev_frame *e = frame(id, any_name(rng), any_name(rng), any_name(rng));

		e->line = rng_below(rng, 3);
		e->flags = rng_below(rng, 4);
		put(e);
		free(e);
	}
	for (__u32 id = 1; id <= n_stacks; id++) {
		struct ev_stack *e;
		size_t n = rng_below(rng, 7);

		for (size_t i = 0; i < n; i++)
			frames[i] = 1 + rng_below(rng, n_frames);
		e = stack(id, frames, n);
		e->end = rng_below(rng, STACK_END_COUNT);
		put(e);
		free(e);
	}
	for (int i = rng_below(rng, 12); i; i--) {
		struct ev_site e =
			cpu_site(rng_below(rng, 5), 1 + rng_below(rng, n_stacks), some(rng));

		e.what = 1 + rng_below(rng, SITE_WHAT_COUNT - 1);
		e.process_id = rng_below(rng, 5);
		e.thread_id = rng_one_in(rng, 16) ? UINT64_MAX - rng_below(rng, 99) : e.thread_id;
		e.cause = rng_below(rng, CAUSE_COUNT);
		e.row = rng_below(rng, ROW_COUNT);
		e.waits = some(rng);
		e.ns = some(rng);
		if (rng_one_in(rng, 2))
			e.lock = any_key(rng);
		if (rng_one_in(rng, 3))
			e.held = any_key(rng);
		put(&e);
	}
}

/* Up to three threads, on few CPUs, what happened to their processes, some servers, other
 * programs, some sites and some sums. */
static inline void analyse_any(struct rng *rng)
{
	struct ev_wall last = any_wall(rng);

	on_cpus(rng_below(rng, 5));
	for (uint64_t i = 1, n = rng_below(rng, 4); i <= n; i++)
		put_thread(any_thread(rng, i));
	for (int i = rng_below(rng, 12); i; i--) {
		struct ev_life l = any_life(rng);

		put(&l);
	}
	for (int i = rng_below(rng, 4); i; i--) {
		struct ev_peer p = any_peer(rng);

		put(&p);
	}
	for (int i = rng_below(rng, 3); i; i--) {
		struct ev_unreaped u =
			unreaped(1000 + rng_below(rng, 6), some(rng), some(rng), some(rng));

		put(&u);
	}
	for (int i = rng_below(rng, 5); i; i--) {
		struct ev_other o = any_other(rng);

		put(&o);
	}
	if (rng_one_in(rng, 2))
		put_any_sites(rng);
	if (rng_one_in(rng, 2))
		put_any_locks(rng);
	if (rng_one_in(rng, 3))
		put_any_stands(rng);
	for (int i = rng_below(rng, 3); i; i--) {
		struct ev_wall w = any_wall(rng);

		model_builder_event(b, &w.head); /* it may go back in time */
		last = w.sums.at > last.sums.at ? w : last;
	}
	analyse(last);
}
