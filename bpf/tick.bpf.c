// SPDX-License-Identifier: GPL-2.0-only
/*
 * Some kernels tell of no switch when certain tasks leave the CPU. A thread of the program that
 * comes to it so would not count as running until it leaves in its turn, which may take seconds:
 * so the next tick, or any other timer that interrupts it, looks whether it does.
 */
#include "thread.bpf.h"

#define DEFAULT_PRIO 120 /* include/linux/sched/prio.h: nice 0 */

static __always_inline bool is_rescheduled(const struct task_struct *task, const struct tracked *t)
{
	return task->policy != t->schedule.policy ||
	       task->static_prio - DEFAULT_PRIO != t->schedule.nice ||
	       task->rt_priority != t->schedule.rt_priority ||
	       task->cpus_mask.bits[0] != t->cpus_seen;
}

static __always_inline u32 on_tick(struct task_struct *task, struct program *g)
{
	struct tracked *t = bpf_task_storage_get(&threads, task, 0, 0);
	u64 arrived;

	if (!t)
		return COST_ELSEWHERE;
	if (unlikely(is_rescheduled(task, t)) && !t->role)
		schedule_look(t, bpf_get_current_task());
	arrived = task->sched_info.last_arrival;
	if (likely(t->position == POS_RUNNING) || t->role || t->position == POS_GONE ||
	    arrived < t->track.last_out)
		return COST_TICK;
	bpf_spin_lock(&g->lock);
	wall_missed(&g->wall, t->position, arrived, t->track.row, t->pending_mark);
	bpf_spin_unlock(&g->lock);
	t->position = POS_RUNNING;
	return COST_TICK;
}

SEC("tp_btf/hrtimer_expire_entry")
int BPF_PROG(cp_tick)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct program *g;
	u64 from;
	u32 row;

	if (!task->pid || stopped)
		return 0;
	g = the_program();
	if (!g)
		return 0;
	from = bpf_ktime_get_ns();
	row = on_tick(task, g);
	if (unlikely(from % COST_SAMPLE == 0))
		add_cost(row, from);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
