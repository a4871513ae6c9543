// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event loops: how long threads wait for many descriptors, and how long they are away from that and
 * why. What a thread does is kept with it, and added to its loop when the next wait ends, so
 * that a wait takes one look-up.
 */
#include "thread.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LOOPS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct loop_key);
	__type(value, struct loop);
} loops SEC(".maps");

static const struct loop no_loop;

static __always_inline bool is_same(const struct loop_key *a, const struct loop_key *b)
{
	return a->instance == b->instance && a->thread == b->thread && a->cause == b->cause;
}

/* --- loops --------------------------------------------------------------------------------- */

static __always_inline struct loop *loop_at(const struct loop_key *at)
{
	struct loop_key key = *at;
	struct loop *l = bpf_map_lookup_elem(&loops, &key);

	if (l)
		return l;
	bpf_map_update_elem(&loops, &key, &no_loop, BPF_NOEXIST);
	l = bpf_map_lookup_elem(&loops, &key);
	if (!l)
		__sync_fetch_and_add(&lost[LOSS_LOOPS], 1);
	return l;
}

static __always_inline void join(struct loop *l, const struct tracked *t, u32 cause, u32 fd)
{
	u32 n;

	for (u32 i = 0; i < LOOP_USERS; i++) {
		if (l->users[i] == t->id)
			return;
		if (!l->users[i])
			break;
	}
	if (l->n_users > LOOP_USERS)
		return;
	n = __sync_fetch_and_add(&l->n_users, 1);
	if (n < LOOP_USERS)
		l->users[n] = t->id;
	if (n)
		return;
	l->cause = cause;
	l->pid = t->pid;
	l->fd = fd;
}

/* Of several threads none is the one that sees to the descriptors. */
static __always_inline bool is_shared(const struct loop *l)
{
	return *(volatile u32 *)&l->n_users > 1;
}

static __always_inline void count(u64 *histogram, u64 ns)
{
	u64 bucket = loop_bucket(bucket_of(ns), ns);

	barrier_var(bucket); /* what is checked is what is used, for 6.1's verifier */
	if (bucket < LOOP_BUCKETS)
		histogram[bucket]++;
}

/* --- away ---------------------------------------------------------------------------------- */

/* There is no room for it alone: it joins others of its cause, and if there are none what is of several
 * causes. */
static __always_inline struct loop_block *block_for_several(struct loop_blocks *to, u32 cause)
{
	struct loop_block *b = NULL;

	for (u32 i = 0; i < LOOP_BLOCKS; i++) {
		b = &to->items[i];
		if (b->cause == cause)
			break;
	}
	if (b->cause != cause)
		b->cause = CAUSE_COUNT;
	b->target = 0;
	return b;
}

/* Global, so that the verifier does not walk it for each of them. */
__noinline int add_block(struct loop_blocks *to, struct loop_block *one)
{
	struct loop_block *b = NULL;

	if (!to || !one)
		return 0;
	for (u32 i = 0; i < LOOP_BLOCKS; i++) {
		b = &to->items[i];
		if (!b->waits || (b->cause == one->cause && b->target == one->target))
			break;
	}
	if (!b->waits || (b->cause == one->cause && b->target == one->target)) {
		b->cause = one->cause;
		b->target = one->target;
	} else {
		b = block_for_several(to, one->cause);
	}
	b->waits += one->waits;
	b->ns += one->ns;
	if (one->max_ns > b->max_ns)
		b->max_ns = one->max_ns;
	return 0;
}

/* So far; also for what is not known. */
static __always_inline u64 blocked_of(const struct tracked *t)
{
	return t->track.ledger.state_ns[TS_BLOCKED] + t->track.ledger.state_ns[TS_UNKNOWN];
}

/* While it was away it has waited for something else. */
static __always_inline void add_blocked(struct tracked *t, u64 ns)
{
	struct loop_stretch *s = &t->loop.stretch;
	struct loop_block one = {
		.cause = t->loop.cause, .target = t->loop.target, .waits = 1, .ns = ns, .max_ns = ns
	};

	if (ns > s->worst_ns) {
		s->worst_ns = ns;
		s->worst_cause = one.cause;
		s->worst_target = one.target;
	}
	add_block(&t->loop.blocks, &one);
}

static __always_inline void end_stretch(struct tracked *t, u64 end)
{
	const struct ledger *ledger = &t->track.ledger;
	struct loop_stretch *s = &t->loop.stretch;

	s->from = t->loop.since;
	s->ns = end > s->from ? end - s->from : 0;
	s->running_ns = ledger->state_ns[TS_RUNNING] - t->loop.running;
	s->blocked_ns = blocked_of(t) - t->loop.blocked;
	t->loop.since = 0;
}

__noinline int add_stretch(struct loop_away *a, struct looping *g)
{
	struct loop_stretch *s;

	if (!a || !g)
		return 0;
	s = &g->stretch;
	a->times++;
	a->ns += s->ns;
	a->running_ns += s->running_ns;
	a->blocked_ns += s->blocked_ns;
	count(a->histogram, s->ns);
	if (s->ns > a->longest.ns)
		a->longest = *s;
	for (u32 i = 0; i < LOOP_BLOCKS; i++) {
		struct loop_block one = g->blocks.items[i];

		if (!one.waits)
			break;
		add_block(&a->blocks, &one);
	}
	return 0;
}

/* --- waits --------------------------------------------------------------------------------- */

static __always_inline void find_loop(struct tracked *t)
{
	struct looping *g = &t->loop;
	u32 cause = t->track.cause;

	g->fd = t->event.fd;
	g->watched = t->event.watched;
	g->reach = cause == CAUSE_EVENT_SELECT ? t->event.reach : 0;
	g->edge = 0;
	g->in.cause = cause;
	g->in.instance = cause == CAUSE_EVENT_EPOLL ? t->event.object : 0;
	g->in.thread = cause == CAUSE_EVENT_EPOLL ? 0 : t->id;
	g->in_rank = cause == CAUSE_EVENT_EPOLL ? RANK_EPOLL
		     : g->watched > 1		? RANK_MANY
						: RANK_ONE;
}

/* One that it does not come back to any more is the main one no longer. */
#define ELSEWHERE_MOST	    4
#define ELSEWHERE_MOST_LESS 64		  /* ... for one of a lower rank, ... */
#define ELSEWHERE_NS	    2000000000ull /* ... and so long */

static __always_inline bool is_left(struct looping *g, u64 now)
{
	if (g->elsewhere++ < (g->in_rank >= g->rank ? ELSEWHERE_MOST : ELSEWHERE_MOST_LESS))
		return false;
	return g->in_rank >= g->rank || now - g->main_at > ELSEWHERE_NS;
}

static __always_inline void wait_elsewhere(struct looping *g, u64 now)
{
	/* The same number again: the other was closed. */
	bool is_closed = g->in_rank == RANK_EPOLL && g->rank == RANK_EPOLL && g->fd == g->main_fd;

	if (is_same(&g->other, &g->in))
		g->other_waits++;
	else
		g->other_waits = 1;
	g->other = g->in;
	if (g->main.cause && g->in_rank <= g->rank && !is_closed && !is_left(g, now))
		return;
	g->main = g->in;
	g->main_fd = g->fd;
	g->rank = g->in_rank;
	g->since = 0;
	g->stretch.ns = 0;
	g->waits = g->other_waits;
	g->elsewhere = 0;
}

#define LOOK_NS 20000000 /* between looks at instances that take turns */

static __always_inline bool is_power_of_two(u32 n)
{
	return !(n & (n - 1));
}

static __always_inline void begin_wait(struct tracked *t)
{
	struct looping *g = &t->loop;
	u32 waits;

	find_loop(t);
	g->late = 0;
	if (g->begun++ == g->seen)
		g->entered = t->track.last_out;
	if (g->main.cause && is_same(&g->main, &g->in)) {
		if (g->since)
			end_stretch(t, t->track.last_out);
		waits = ++g->waits;
		g->elsewhere = 0;
		g->main_at = t->track.last_out;
	} else {
		wait_elsewhere(g, t->track.last_out);
		waits = g->other_waits;
	}
	if (g->in_rank != RANK_EPOLL)
		return;
	g->watched = 0;
	/* How many there are changes seldom, and to count them takes long. */
	if (is_power_of_two(waits) && (waits > 1 || t->track.last_out - g->looked_at > LOOK_NS)) {
		g->looked_at = t->track.last_out;
		look_at_instance(t);
	}
}

static __always_inline void add_wait(struct tracked *t, struct loop *l, u64 ns, bool is_open)
{
	struct looping *g = &t->loop;

	join(l, t, g->in.cause, g->fd);
	__sync_fetch_and_add(&l->waits, 1);
	__sync_fetch_and_add(&l->ns, ns);
	if (ns > l->max_ns)
		l->max_ns = ns;
	if (is_open)
		__sync_fetch_and_add(&l->open, 1);
	else if (g->late)
		__sync_fetch_and_add(&l->empty, 1);
	if (g->watched) {
		l->watched = g->watched;
		l->edge = g->edge;
	}
	if (g->reach > l->reach)
		l->reach = g->reach;
}

/* The wait has ended, or goes on at the end of the measurement. */
__noinline int loop_waited(struct tracked *t, u64 ns, u32 is_open)
{
	struct loop_key key;
	struct loop *l;

	if (!t)
		return 0;
	key = t->loop.in;
	l = loop_at(&key);
	if (!l)
		return 0;
	add_wait(t, l, ns, is_open);
	if (t->loop.stretch.ns && is_same(&key, &t->loop.main)) {
		if (!is_shared(l))
			add_stretch(&l->away, &t->loop);
		t->loop.stretch.ns = 0;
	}
	return 0;
}

/* It comes from a wait, and is away since it was woken. */
static __always_inline void go_away(struct tracked *t, u64 arrived, u64 woken_ns)
{
	const struct ledger *ledger = &t->track.ledger;
	struct looping *g = &t->loop;

	g->since = arrived - woken_ns;
	g->running = ledger->state_ns[TS_RUNNING] - (t->track.last_out - arrived);
	g->blocked = blocked_of(t);
	g->stretch.worst_ns = 0;
	__builtin_memset(&g->blocks, 0, sizeof(g->blocks));
}

/* What it was blocked in up to `arrived`; its ledger has that. */
static __always_inline void end_wait(struct tracked *t, u64 arrived, u64 ns, u64 woken_ns)
{
	struct looping *g = &t->loop;
	bool is_main = is_same(&g->in, &g->main);

	loop_waited(t, ns, 0);
	if (is_main)
		go_away(t, arrived, woken_ns);
	else if (g->since)
		add_blocked(t, ns);
	g->in.cause = 0;
}

int loop_switch(struct tracked *t, u64 arrived)
{
	struct looping *g;
	u64 blocked, ns, woken, woken_ns;

	if (!t)
		return 0;
	g = &t->loop;
	t->loops = 1;
	blocked = blocked_of(t);
	ns = blocked - g->blocked_before;
	g->blocked_before = blocked;
	woken = t->track.ledger.state_ns[TS_WOKEN];
	woken_ns = woken - g->woken_before;
	g->woken_before = woken;
	g->target = t->io.ended;
	if (g->in.cause)
		end_wait(t, arrived, ns, woken_ns);
	else if (g->since && ns)
		add_blocked(t, ns);
	g->cause = t->track.cause;
	if (t->track.off == OFF_BLOCKED && IS_LOOP(t->track.cause))
		begin_wait(t);
	return 0;
}

/* --- calls, in windows ----------------------------------------------------------------------- */

static __always_inline void add_turn(struct tracked *t, struct loop_calls *c, u64 ns)
{
	c->turns++;
	c->turns_ns += ns;
	if (ns > c->max_ns)
		c->max_ns = ns;
	count(c->histogram, ns);
}

int loop_called(struct tracked *t, struct loop_call *call)
{
	struct loop_key key = {};
	u64 now = scheduler_now(), entered;
	struct loop *l;

	if (!t || !call)
		return 0;
	key.cause = call->cause;
	if (key.cause == CAUSE_EVENT_EPOLL)
		key.instance = fd_private(call->fd);
	else
		key.thread = t->id;
	l = loop_at(&key);
	if (!l)
		return 0;
	join(l, t, call->cause, call->fd);
	__sync_fetch_and_add(&l->calls.calls, 1);
	if (call->result > 0)
		__sync_fetch_and_add(&l->calls.events, call->result);
	else
		__sync_fetch_and_add(&l->calls.empty, 1);
	if (call->at_once)
		__sync_fetch_and_add(&l->calls.at_once, 1);
	entered = call->at_once ? now : t->loop.entered;
	if (t->loop.window == (u32)window && is_same(&t->loop.at, &key) && !is_shared(l) &&
	    entered > t->loop.returned)
		add_turn(t, &l->calls, entered - t->loop.returned);
	t->loop.window = window;
	t->loop.at = key;
	t->loop.returned = now;
	return 0;
}

/* --- an exec: its instances are gone, or another program's ------------------------------------- */

int loop_forget(struct tracked *t)
{
	u64 blocked, woken;

	if (!t)
		return 0;
	blocked = t->loop.blocked_before;
	woken = t->loop.woken_before;
	__builtin_memset(&t->loop, 0, sizeof(t->loop));
	t->loop.blocked_before = blocked;
	t->loop.woken_before = woken;
	return 0;
}

/* --- the end --------------------------------------------------------------------------------- */

/* It is away at the end of the measurement, and may never come back. */
static __always_inline void not_back(struct tracked *t)
{
	struct loop_key key = t->loop.main;
	struct loop *l = bpf_map_lookup_elem(&loops, &key);

	if (l && !is_shared(l))
		l->away.open = t->loop.stretch;
}

int loop_finish(struct tracked *t, u64 end)
{
	struct looping *g;
	u64 ns;

	if (!t)
		return 0;
	g = &t->loop;
	ns = blocked_of(t) - g->blocked_before;
	g->blocked_before += ns;
	g->target = t->io.ended;
	if (g->in.cause)
		loop_waited(t, ns, 1);
	g->in.cause = 0;
	if (!g->since)
		return 0;
	if (ns)
		add_blocked(t, ns);
	end_stretch(t, end);
	not_back(t);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
