/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Why a thread that leaves the CPU is blocked: read from the task itself at the
 * switch-out, so that a system call that does not block costs nothing. What the
 * task's state says comes first: its registers still show the last call when it
 * is stopped, frozen, faulting or dying.
 */
#include "thread.bpf.h"
#include "arch.bpf.h"
#include "target.bpf.h"

/* include/linux/sched.h */
#define TASK_STOPPED 0x0004
#define TASK_TRACED  0x0008
#define TASK_FROZEN  0x8000
/* include/linux/sched/jobctl.h */
#define JOBCTL_TRAP_FREEZE (1UL << 23)

/* The cgroup freezer of version 2 sleeps interruptibly in a trap of its own
 * (kernel/signal.c, do_freezer_trap). */
static __always_inline bool is_frozen(struct task_struct *task, u32 state)
{
	return state & TASK_FROZEN || task->jobctl & JOBCTL_TRAP_FREEZE;
}

/* Is it inside a page fault? A look costs microseconds, so whoever has met no fault of
 * this kind in so many waits is not looked at until one has been counted: of more
 * waits than these, one is taken for the call's own by mistake. */
#define FAULT_LOOKS 64

static __always_inline bool in_fault(struct task_struct *task, struct tracked *t)
{
	u32 faults = task->maj_flt;

	if (t->faults != faults) {
		t->faults = faults;
		t->fault_looks = 0;
	}
	if (t->fault_looks >= FAULT_LOOKS)
		return false;
	t->fault_looks++;
	return is_inside(fault_entry.start, fault_entry.end);
}

/* A wait for a device, inside a system call: the call's own, or that of a page
 * fault in it. */
static __always_inline u32 device_wait(struct task_struct *task, struct tracked *t, u32 class,
				       u32 wait)
{
	if (class != CALL_FD_BARE) {
		if (!fault_entry.start)
			return plain_wait(CAUSE_UNKNOWN);
		if (in_fault(task, t)) {
			t->io.file = IO_BY_FAULT;
			return plain_wait(CAUSE_FAULT_MAJOR);
		}
	}
	if ((wait & 0xff) != CAUSE_KERNEL_OTHER)
		return wait;
	/* A socket, say, is not what the disk was read for; memory that is to be mapped may be. */
	if (t->io.file != IO_BY_NAME)
		t->io.file = IO_BY_FAULT;
	return plain_wait(CAUSE_IO_DISK);
}

/* In no system call. */
static __always_inline u32 fault_wait(struct tracked *t, bool for_device)
{
	if (!for_device)
		return plain_wait(CAUSE_FAULT_MINOR);
	t->io.file = IO_BY_FAULT;
	return plain_wait(CAUSE_FAULT_MAJOR);
}

/* What the task, leaving the CPU in this state, waits for: WAIT(). */
static __always_inline u32 wait_of(struct task_struct *task, struct tracked *t, u32 state)
{
	bool d = in_d_state(state);
	struct call call;
	u32 row, class, wait;

	t->event.resolve = RESOLVE_NOT;
	t->peer.key.family = 0;
	t->io.file = 0;
	t->io.writes = 0;
	t->io.ring = 0;
	if (unlikely(state & (TASK_STOPPED | TASK_TRACED)))
		return plain_wait(state & TASK_STOPPED ? CAUSE_SIGNAL_STOP : CAUSE_SIGNAL_PTRACE);
	if (unlikely(is_frozen(task, state)))
		return plain_wait(CAUSE_KERNEL_FREEZE);
	if (unlikely(t->kernel_lock))
		return plain_wait(CAUSE_KERNEL_LOCK);
	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER | PF_EXITING))
		return worker_wait(t, state);
	read_call(task, &call);
	if (unlikely(call.nr < 0))
		return fault_wait(t, d && in_iowait(task));
	row = row_of_call(&call);
	class = row & CALL_CLASS;
	t->io.writes = row / CALL_WRITES;
	if (class == CALL_FD || class == CALL_FD_BARE)
		wait = fd_wait(task, t, CALL_ARG0(&call), state);
	else
		wait = call_wait(t, state);
	if (d && in_iowait(task)) {
		/* A page fault inside a call for a futex, say, is no wait at that. */
		t->lock.state = LOCK_WAIT_NONE;
		return device_wait(task, t, class, wait);
	}
	t->last_call_cause = wait & 0xff;
	return wait;
}

/* It leaves the CPU by sched_yield(2). */
static __always_inline bool in_yield(struct task_struct *task)
{
	struct call call;

	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER))
		return false;
	read_call(task, &call);
	return call.nr >= 0 && class_of(&call) == CALL_YIELD;
}
