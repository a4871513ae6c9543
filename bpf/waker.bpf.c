// SPDX-License-Identifier: GPL-2.0-only
/* Who ended each wait, for the timeline. */
#include "thread.bpf.h"
#include "arch.bpf.h"
#include "mark.h"

/* What the probe was called with lies on the stack that the kernel works on: that of the task, or
 * else one of interrupts. What counts these is not to be had on every kernel. */
static __always_inline bool is_on_stack(struct task_struct *current, const void *ctx)
{
	u64 at = as_scalar(ctx);

	return at >= as_scalar(current->stack) && at < as_scalar((void *)bpf_task_pt_regs(current));
}

/* Was it the current task's doing, and not that of an interrupt that came upon it? On x86-64 one that
 * comes upon user code is on the task's stack: arch/x86/include/asm/irq_stack.h. What a socket on
 * this machine is sent an interrupt delivers, but one of the sender's own, in its system call. */
static __always_inline bool is_own_doing(struct task_struct *current, const struct tracked *woken,
					 const void *ctx)
{
	bool on_stack = is_on_stack(current, ctx);
	struct call call;

	if (!current->pid)
		return false;
	if (on_stack && current->flags & (PF_EXITING | PF_KTHREAD))
		return true;
	if (!on_stack && !IS_LOOP(woken->track.cause) && woken->track.cause != CAUSE_IO_SOCKET)
		return false;
	read_call(current, &call);
	return call.nr >= 0;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(cp_waker, struct task_struct *task)
{
	struct task_struct *current;
	struct tracked *t, *by;

	if (stopped)
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, 0);
	if (!t || t->position == POS_RUNNING) /* it is on its way to sleep, and will not */
		return 0;
	current = bpf_get_current_task_btf();
	if (!is_own_doing(current, t, ctx)) {
		t->woken = WOKEN_BY_INTERRUPT;
		return 0;
	}
	by = bpf_task_storage_get(&threads, current, 0, 0);
	if (!by || by->role) {
		t->woken = WOKEN_FROM_OUTSIDE;
		return 0;
	}
	t->woken_by = by->id;
	t->woken = WOKEN_BY_THREAD;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
