// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a thread is scheduled, and whether that has changed: no tracepoint tells of it, and to compare
 * at each switch would cost each switch.
 */
#include "thread.bpf.h"

#define DEFAULT_PRIO 120 /* include/linux/sched/prio.h: nice 0 */

/* The bits behind are whatever the first task of all had. */
static __always_inline u64 possible(u64 cpus)
{
	return possible_cpus < 64 ? cpus & ((1ull << possible_cpus) - 1) : cpus;
}

static __always_inline bool is_same(const struct schedule *a, const struct schedule *b)
{
	return a->policy == b->policy && a->nice == b->nice && a->rt_priority == b->rt_priority &&
	       a->n_cpus == b->n_cpus && a->cpus == b->cpus;
}

int schedule_look(struct tracked *t, u64 address)
{
	struct task_struct *task = (struct task_struct *)address;
	struct schedule now = {};
	struct ev_change *ev;

	if (!t)
		return 0;
	now.policy = BPF_CORE_READ(task, policy);
	now.nice = BPF_CORE_READ(task, static_prio) - DEFAULT_PRIO;
	now.rt_priority = BPF_CORE_READ(task, rt_priority);
	now.n_cpus = BPF_CORE_READ(task, nr_cpus_allowed);
	if (now.n_cpus > possible_cpus)
		now.n_cpus = possible_cpus;
	t->cpus_seen = BPF_CORE_READ(task, cpus_mask.bits[0]);
	now.cpus = possible(t->cpus_seen);
	if (!t->schedule.n_cpus || is_same(&t->schedule, &now)) {
		t->schedule = now;
		return 0;
	}
	ev = NULL;
	if (t->changes < CHANGES_MOST)
		ev = bpf_ringbuf_reserve(&lives, sizeof(*ev), 0);
	t->changes++;
	if (!ev) {
		__sync_fetch_and_add(&lost[LOSS_CHANGES], 1);
		t->schedule = now;
		return 0;
	}
	ev->head.kind = EV_CHANGE;
	ev->head.size = sizeof(*ev);
	ev->thread_id = t->id;
	ev->at = scheduler_now();
	ev->was = t->schedule;
	ev->now = now;
	t->schedule = now;
	bpf_ringbuf_submit(ev, wakeup_flag(&lives, LIVES_SIZE));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
