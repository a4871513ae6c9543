// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two probes that fire often: a switch and, once it is needed, a wake-up. No
 * look-up by key, no allocation and no ring buffer on their way; a thread's last
 * switch-out alone sends something.
 */
#include "thread.bpf.h"
#include "cause.bpf.h"

#define TASK_DEAD 0x0080 /* include/linux/sched.h */

/* Since 6.18 a throttled task leaves the queue by itself; before, its group did. */
static __always_inline bool is_throttled(struct task_struct *task)
{
	if (bpf_core_field_exists(task->throttled))
		return task->throttled;
	if (bpf_core_field_exists(task->se.cfs_rq->throttle_count))
		return task->se.cfs_rq->throttle_count > 0;
	return false;
}

/* When what happened at a switch. */
struct moment {
	u64 now;
	u64 lag;	/* rq->clock - rq->clock_task then */
	u64 arrived;	/* prev came to the CPU */
	u64 queued_at;	/* next was woken or preempted */
	u32 waited_for; /* prev, before it came to the CPU: enum wall_row */
	u32 pad;
};

#define MOVE_DEAD  0x100 /* prev's last switch-out */
#define MOVE_FIRST 0x200 /* next is the command, released */

struct cpus_map cpus SEC(".maps");

/* What the thread does from now on; returns its position, and MOVE_DEAD. A wait that a signal
 * ended before it began is a voluntary switch of a task that stays queued, and
 * its prev_state may read as 0 or not: only __state is reliable then. */
static __always_inline u32 read_departure(struct task_struct *prev, struct tracked *t, bool preempt,
					  u32 prev_state, struct departure *d)
{
	u32 voluntary = prev->nvcsw, wait;

	if (unlikely(prev_state & TASK_DEAD)) {
		d->off = OFF_NEW;
		return POS_GONE | MOVE_DEAD;
	}
	if (voluntary != t->voluntary && !preempt) {
		t->voluntary = voluntary;
		if (!prev_state || !prev->__state) {
			d->off = OFF_NEW;
			return POS_RUNNABLE;
		}
		t->forget = wait_of(prev, t, prev_state);
		wait = *(volatile u32 *)&t->forget;
		if (unlikely(wait == WAIT(CAUSE_IO_SOCKET, ROW_PEER)))
			note_call_peer(t);
		d->off = OFF_BLOCKED;
		d->cause = WAIT_CAUSE(wait);
		d->row = WAIT_ROW(wait);
		if (unlikely(d->row == ROW_LOCK))
			locks_seen = 1;
		return row_position(d->row);
	}
	t->voluntary = voluntary;
	d->off = OFF_PREEMPTED;
	if (unlikely(is_throttled(prev))) {
		d->off = OFF_THROTTLED;
		d->cause = CAUSE_KERNEL_THROTTLE;
		d->row = ROW_OTHER;
	} else if (!preempt && in_yield(prev)) {
		d->off = OFF_YIELDED;
	}
	return POS_RUNNABLE;
}

/* What was stolen since a switch-in that was not seen: what the kernel's own run time,
 * which leaves it out, is short of. */
static __always_inline u64 stolen_unseen(const struct departure *d)
{
	u64 ran = d->now > d->arrived ? d->now - d->arrived : 0;

	return ran > d->kernel_ran ? ran - d->kernel_ran : 0;
}

/* A task that is preempted on its way to sleep, its state set already, is not queued as
 * sched_info has it (sched_info_depart()), which then neither stamps its return nor adds
 * to run_delay. Our own stamp holds, or else the kernel's run time. */
static __always_inline u64 unstamped_arrival(const struct tracked *t, const struct departure *d)
{
	if (t->arrived)
		return t->arrived;
	return d->kernel_ran < d->now ? d->now - d->kernel_ran : d->arrived;
}

/* Global, so that the verifier does not walk it on each path. */
__noinline int charge(struct tracked *t, struct departure *d)
{
	if (!t || !d)
		return 0;
	if (timeline)
		mark_depart(t, d);
	track_depart(&t->track, d);
	return 0;
}

/* What is waited for as input or output: row_kind() in wall.h. */
#define IO_ROWS (1u << ROW_IO | 1u << ROW_PEER | 1u << ROW_DEMAND | 1u << ROW_FAULT)

/* A task leaves the queue, and its run time ends, before the next one is looked
 * for, which can take microseconds (sched_balance_newidle() moves rq->clock on):
 * se.exec_start is rq->clock_task of that moment, for all classes (update_se()). */
static __always_inline void depart(struct task_struct *prev, struct tracked *t, u64 now, u64 lag,
				   struct departure *d)
{
	u64 switches = prev->nvcsw + prev->nivcsw, out = prev->se.exec_start + lag;
	u64 run_ns = prev->se.sum_exec_runtime;

	d->now = out < now ? out : now;
	d->arrived = prev->sched_info.last_arrival;
	d->run_delay = prev->sched_info.run_delay;
	d->unseen = switches - t->kernel_switches - 1;
	d->kernel_ran = run_ns - t->kernel_run_ns;
	if (unlikely(d->arrived < t->track.last_out))
		d->arrived = unstamped_arrival(t, d);
	if (likely(t->arrived == d->arrived))
		d->stolen = lag - t->stolen_mark;
	else
		d->stolen = stolen_unseen(d);
	t->kernel_run_ns = run_ns;
	t->kernel_switches = switches;
	t->arrived = 0;
	charge(t, d);
}

/* Since when a thread that comes to a CPU was queued: all that run_delay has grown by
 * since its last switch-out, with the part that sched_info adds in a moment. */
static __always_inline u64 queued_since(struct task_struct *next, struct tracked *t, u64 now)
{
	u64 last = next->sched_info.last_queued;
	u64 delay = next->sched_info.run_delay - t->track.run_delay + (last ? now - last : 0);

	return delay < now ? now - delay : now;
}

/* The held command runs again: from here on it is measured. What sched_info
 * still owes for the queueing before belongs to the time before. */
static __always_inline void release(struct task_struct *next, struct tracked *t, u64 now)
{
	read_witness(next, &t->base);
	if (next->sched_info.last_queued)
		t->base.delay_ns += now - next->sched_info.last_queued;
	begin_life(t, now);
}

/* It leaves the CPU, and its release was not seen: this switch is its own. */
static __always_inline void release_unseen(struct task_struct *prev, struct tracked *t,
					   bool preempt, u32 prev_state, u64 lag)
{
	release_late(prev, t, lag);
	if (!preempt && prev_state)
		t->base.voluntary--;
	else
		t->base.involuntary--;
	begin_life(t, prev->sched_info.last_arrival);
	t->position = POS_RUNNING;
}

/* Moves both threads in the program's sums, at one instant; prev, on the CPU since
 * `arrived`, to the position in `what`; next, queued since `queued_at`, to the CPU.
 * Next comes first, so that a hand-over is no standstill. Global, so that the
 * verifier does not walk it on each path. */
__noinline int move_both(struct tracked *p, struct tracked *n, struct moment *m, u32 what)
{
	struct program *g = the_program();
	u32 to = what & 7;
	u64 mark, end = 0;

	if (!g || !m)
		return 0;
	bpf_spin_lock(&g->lock);
	if (what & MOVE_FIRST) {
		wall_start(&g->wall, p ? m->arrived : m->now);
		g->wall.alive = g->wall.command_alive = 1;
		g->wall.running = p != NULL; /* its release was not seen: it runs already */
	}
	if (p && p->position != POS_RUNNING)
		wall_missed(&g->wall, p->position, m->arrived, m->waited_for, p->pending_mark);
	wall_advance(&g->wall, m->now);
	if (n) {
		if (n->position >= POS_BLOCKED)
			wall_woken(&g->wall, m->queued_at);
		wall_queued(&g->wall, n->track.behind);
		wall_move(&g->wall, n->position, POS_RUNNING, n->track.row, n->pending_mark);
	}
	if (p) {
		wall_move(&g->wall, POS_RUNNING, to, ROW_UNKNOWN, g->wall.pending_ever);
		if (what & MOVE_DEAD) {
			g->wall.alive--;
			if (p->process_id == COMMAND_ID)
				g->wall.command_alive--;
			if (linger ? !g->wall.alive && !attaching : !g->wall.command_alive)
				end = g->wall.sums.at;
		}
	}
	mark = g->wall.pending_ever;
	bpf_spin_unlock(&g->lock);
	if (p)
		p->pending_mark = mark;
	if (end) {
		end_at = end;
		stopped = 1;
	}
	return 0;
}

/* From one thread of the program to another on the same CPU, both seen: no lock. */
static __always_inline bool hand_over(struct tracked *p, struct tracked *n, u32 to)
{
	struct program *g = the_program();

	if (!g || p->position != POS_RUNNING ||
	    !wall_hand_over(&g->wall, to, n->position, n->track.last_out))
		return false;
	p->pending_mark = g->wall.pending_ever;
	return true;
}

/* After the end a dying thread must still hand over its ledger: its storage dies with it. */
static __always_inline void after_end(struct task_struct *prev, u32 prev_state)
{
	struct tracked *p;

	if (!(prev_state & TASK_DEAD))
		return;
	p = bpf_task_storage_get(&threads, prev, 0, 0);
	if (p && p->role == ROLE_TRACKED)
		thread_ended(p, 1);
}

/* The collector comes to a CPU. A hypervisor may take that away between the two readings, which
 * makes the difference larger by milliseconds; clocks do not drift apart that fast (adjtimex(2):
 * 500 ppm). */
static __always_inline void note_clocks(struct task_struct *next, u64 now)
{
	s64 lag = bpf_ktime_get_ns() - now;
	s64 most = clock_lag + ((now - clock_pair.sched_ns) >> 11);

	if (clock_pair.sched_ns && now > clock_pair.sched_ns && lag > most)
		lag = most;
	clock_pair.sched_ns = now;
	clock_pair.monotonic_ns = now + lag;
	clock_lag = lag;
	ns_level = BPF_CORE_READ(next, thread_pid, level);
}

/* One after the other: each in the other, they would take more stack than there is. */
static __always_inline void begin_at_target(struct tracked *t)
{
	t->io.cause = t->track.cause;
	t->io.target = io_target_of(t, &t->io);
	if (t->io.target)
		io_begin(t);
}

/* The wait that the task was in has ended: what it was for. */
static __always_inline void resolve_wait(struct task_struct *task, struct tracked *t)
{
	t->track.row = wait_row(t, as_scalar(task), 0);
	if (t->io.file) {
		begin_at_target(t);
		t->io.object = 0;
	}
}

/* Prev leaves this CPU. */
static __always_inline void use_cpu(struct tracked *p, struct cpu_use *use, u32 policy)
{
	const struct departure *d = &use->leaving;

	if (d->now > d->arrived)
		use->own_ns += d->now - d->arrived;
	use->out_at = d->now;
	use->out_id = p->id;
	use->out_policy = policy;
	if (d->off == OFF_PREEMPTED) {
		p->own_mark = use->own_ns;
		p->cpu = bpf_get_smp_processor_id();
	}
}

/* Next comes to this CPU: who had it while it was queued. Of a preempted thread that
 * stayed here it is known how long; of others, who had it last. */
static __always_inline void find_behind(struct tracked *n, u64 now, bool own, bool idle)
{
	struct cpu_use *use = this_cpu();
	struct track *t = &n->track;

	if (!use)
		return;
	t->behind = BEHIND_OWN;
	t->behind_ns = ~0ull;
	if (t->off == OFF_THROTTLED) {
		t->behind = BEHIND_LIMIT;
	} else if (idle) {
		t->behind = BEHIND_IDLE;
	} else if (t->off == OFF_PREEMPTED && n->cpu == bpf_get_smp_processor_id()) {
		t->behind_ns = use->own_ns - n->own_mark;
	} else if (!own) {
		t->behind = BEHIND_OTHERS;
		t->behind_ns = now - use->out_at;
	}
}

/* Whoever has a CPU, as in struct taker_key. */
static __always_inline u64 taker_of(const struct task_struct *task, const struct tracked *t)
{
	return t ? t->id : TAKER_OUTSIDE | (u32)task->tgid;
}

/* Prev was preempted by next. */
static __always_inline void note_taken(struct tracked *p, struct task_struct *next,
				       const struct tracked *n)
{
	struct taken *taken = &p->taken;
	u64 by = taker_of(next, n);

	taken->is_off = 1;
	/* By one that has done it last. */
	if (likely(!((taken->key.by ^ by) | (taken->key.policy ^ next->policy)) &&
		   taken->sum.count)) {
		taken->sum.count++;
		return;
	}
	taker_changes(p, by, next->policy);
	taker_describe(p, as_scalar(next));
}

/* Next comes to the CPU that prev leaves. */
static __always_inline void note_taker(struct tracked *n, struct task_struct *prev,
				       const struct tracked *p, const struct moment *m)
{
	u64 waited = m->now - m->queued_at, by, off, had;

	if (likely(!(n->taken.is_off |
		     (waited >= TAKER_WAIT_NS)))) /* one branch for the verifier */
		return;
	by = taker_of(prev, p);
	off = m->now - n->track.last_out;
	/* Preempted shortly before by the one that has the CPU still: which is how two wake each other. */
	if (likely(n->taken.is_off & (by == n->taken.key.by) & (off < BETWEEN_NS))) {
		had = m->now - prev->sched_info.last_arrival;
		n->taken.is_off = 0;
		charge_certain(&n->taken.sum, off, had < off ? had : off);
		return;
	}
	taker_gone(n, m->now, waited, by);
}

static __always_inline void begin_io(struct tracked *p, void *ctx)
{
	if (unlikely(p->io.file == IO_BY_FAULT))
		find_fault(p, as_scalar(ctx)); /* what a probe is given lies on that stack */
	if (likely(p->io.alone && is_slot(&p->io, p->track.cause, &p->io.slots[0])))
		p->io.target = p->io.alone;
	else
		begin_at_target(p);
}

/* See SITE_DULL. The clock's low bits, mixed, are as good as a die. */
static __always_inline void begin_at_site(struct tracked *p)
{
	u64 what = 1ull << 63 | (u64)p->io.target << 40 | p->lock.state << 8 | p->track.cause;
	u64 at = p->track.last_out;
	bool is_dull;

	if (p->lock.state)
		what ^= p->lock.word << 10;
	is_dull = what == p->site_dull && at - p->site_at < SITE_DULL_NS;
	p->site_at = at;
	if (!is_dull)
		site_wait(p, what, 1);
	else if ((u32)at * 0x9e3779b1 >> 29 == 0)
		site_wait(p, what, SITE_DULL);
}

/* Prev leaves the CPU; returns its position from now on, and what goes with that. */
static __always_inline u32 leave(struct task_struct *prev, struct tracked *p, bool preempt,
				 u32 prev_state, struct moment *m, void *ctx)
{
	struct cpu_use *use = this_cpu();
	struct departure *d;
	u32 first = 0;

	if (!use) /* never */
		return POS_RUNNABLE;
	d = &use->leaving;
	if (unlikely(p->role == ROLE_HELD)) {
		release_unseen(prev, p, preempt, prev_state, m->lag);
		first = MOVE_FIRST;
	}
	if (unlikely(p->lock.state)) { /* its switch-in was not seen */
		u64 delay = prev->sched_info.run_delay - p->track.run_delay;

		lock_waited(p, prev->sched_info.last_arrival - delay, 0);
	}
	if (unlikely(p->io.target)) {
		if (p->io.ring && prev_state && !preempt)
			ring_left(p);
		wait_ended(p,
			   prev->sched_info.last_arrival -
				   (prev->sched_info.run_delay - p->track.run_delay),
			   prev_state && !preempt ? IO_PASSED : IO_WOKEN);
	}
	if (unlikely(p->wake_seen))
		channel_waited(p, prev->sched_info.last_arrival -
					  (prev->sched_info.run_delay - p->track.run_delay));
	if (unlikely(p->event.resolve))
		event_missed(p, prev->sched_info.last_arrival);
	if (unlikely(p->taken.is_off))
		taker_gone(p, prev->sched_info.last_arrival, 0, 0);
	if (unlikely(p->reap.kind))
		life_waited(p, prev->sched_info.last_arrival);
	if (unlikely(prev_state & TASK_DEAD))
		p->last_wait = p->track.off == OFF_BLOCKED ? p->track.cause : CAUSE_UNKNOWN;
	d->cause = d->row = 0;
	p->forget = read_departure(prev, p, preempt, prev_state, d) | first;
	m->waited_for = p->track.row;
	depart(prev, p, m->now, m->lag, d);
	m->arrived = d->arrived;
	if (unlikely(p->site_pending))
		site_waited(p, m->waited_for);
	if (unlikely(p->kernel_lock && d->cause == CAUSE_KERNEL_LOCK))
		p->lock.state = LOCK_WAIT_CALLED;
	if (unlikely(p->lock.state))
		lock_begin(p);
	if (d->off == OFF_BLOCKED) {
		if (unlikely(!p->first_io) && 1u << (d->row & ROW_MASK) & IO_ROWS)
			p->first_io = d->now;
		if (p->io.file)
			begin_io(p, ctx);
		begin_at_site(p);
	}
	if (unlikely(p->loops || IS_LOOP(d->cause)))
		loop_switch(p, d->arrived);
	p->io.ended = 0;
	use_cpu(p, use, prev->policy);
	return *(volatile u32 *)&p->forget;
}

/* Next comes to the CPU; MOVE_FIRST if that is the command's release. */
static __always_inline u32 arrive(struct task_struct *next, struct tracked *n, struct moment *m)
{
	bool first = n->role == ROLE_HELD;

	if (unlikely(first))
		release(next, n, m->now);
	m->queued_at = queued_since(next, n, m->now);
	n->arrived = m->now;
	n->stolen_mark = m->lag;
	if (unlikely(n->event.resolve))
		resolve_wait(next, n);
	if (unlikely(n->peer.key.family))
		peer_waited(n, m->now, next->sched_info.run_delay, next->sched_info.last_queued);
	if (unlikely(n->io.crowd))
		look_again(n);
	if (n->io.target)
		wait_ended(n, m->queued_at, IO_WOKEN);
	if (unlikely(n->wake_seen))
		channel_waited(n, m->queued_at);
	if (unlikely(n->lock.state))
		lock_waited(n, m->queued_at, 0);
	return first ? MOVE_FIRST : 0;
}

/* Returns the row of the cost table. */
static __always_inline u32 on_switch(bool preempt, struct task_struct *prev,
				     struct task_struct *next, u32 prev_state, struct rq *rq,
				     void *ctx)
{
	struct tracked *p = NULL, *n = NULL;
	struct moment m = {};
	u32 what = 0, seen = 0;

	if (prev->pid)
		p = bpf_task_storage_get(&threads, prev, 0, 0);
	if (p) {
		m.now = rq->clock;
		m.lag = m.now - rq->clock_task;
		seen = 1;
		if (unlikely(p->role == ROLE_CLOCK))
			p = NULL;
		else
			what = leave(prev, p, preempt, prev_state, &m, ctx);
	}
	/* Not before, or the verifier would walk all of that with it and without. */
	if (next->pid)
		n = bpf_task_storage_get(&threads, next, 0, 0);
	if (!seen) {
		if (!n)
			return COST_ELSEWHERE;
		m.now = rq->clock;
		m.lag = m.now - rq->clock_task;
	}
	if (n && unlikely(n->role == ROLE_CLOCK)) {
		note_clocks(next, m.now);
		n = NULL;
	}
	if (n) {
		what |= arrive(next, n, &m);
		find_behind(n, m.now, p != NULL, !prev->pid);
		note_taker(n, prev, p, &m);
	}
	if (p && unlikely(p->track.off == OFF_PREEMPTED))
		note_taken(p, next, n);
	if (!p || !n || what > POS_BLOCKED_CONVOY || !hand_over(p, n, what))
		move_both(p, n, &m, what);
	if (n)
		n->position = POS_RUNNING;
	if (p)
		p->position = what & 7;
	if (unlikely(what & MOVE_DEAD))
		thread_ended(p, 0);
	return COST_SWITCH;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(cp_switch, bool preempt, struct task_struct *prev, struct task_struct *next,
	     unsigned int prev_state)
{
	struct rq *rq = rq_of(prev);
	u64 from = 0;
	u32 row;

	if (unlikely(stopped)) {
		after_end(prev, prev_state);
		return 0;
	}
	/* The clock's low bits are as good as a die, and free. */
	if (unlikely(rq->clock % COST_SAMPLE == 0))
		from = bpf_ktime_get_ns();
	row = on_switch(preempt, prev, next, prev_state, rq, ctx);
	if (unlikely(from))
		add_cost(row, from);
	return 0;
}

static __always_inline u32 on_wakeup(struct task_struct *task, struct program *g, u64 now)
{
	struct tracked *t = bpf_task_storage_get(&threads, task, 0, 0);

	if (!t || t->position < POS_BLOCKED)
		return COST_ELSEWHERE;
	if (t->event.resolve)
		resolve_wait(task, t);
	bpf_spin_lock(&g->lock);
	wall_advance(&g->wall, now);
	wall_move(&g->wall, t->position, POS_RUNNABLE, t->track.row, t->pending_mark);
	bpf_spin_unlock(&g->lock);
	t->position = POS_RUNNABLE;
	return COST_WAKEUP;
}

/* Attached once a thread of the program was found queued while none ran, as on a busy
 * machine, or has waited for a lock: then it matters who is queued at each moment. Up
 * to then a wake-up is seen at the switch-in that follows, which costs nothing. */
SEC("tp_btf/sched_wakeup")
int BPF_PROG(cp_wakeup, struct task_struct *task)
{
	struct program *g = the_program();
	u64 from = 0, now;
	u32 row;

	if (stopped || !g)
		return 0;
	/* Who is queued beside one that runs is found at its switch-in: wall_woken(). But
	 * that one is queued tells whether a CPU is free for who waits for a lock. */
	if (g->wall.running && !g->wall.lock_waiters && !g->wall.convoy_waiters)
		return 0;
	now = BPF_CORE_READ(task, se.cfs_rq, rq, clock);
	if (now % COST_SAMPLE == 0)
		from = bpf_ktime_get_ns();
	row = on_wakeup(task, g, now);
	if (unlikely(from))
		add_cost(row, from);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
