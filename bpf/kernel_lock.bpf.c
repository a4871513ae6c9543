// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel lock that may put its waiter to sleep (mutex, rwsem, percpu rwsem,
 * rtmutex): what happens between the two events is a wait for that lock. They
 * fire on the slow path only.
 */
#include "thread.bpf.h"

#define LCB_F_SPIN 1 /* include/trace/events/lock.h */

SEC("tp_btf/contention_begin")
int BPF_PROG(cp_lock_begin, void *lock, unsigned int flags)
{
	struct tracked *t;

	if (flags & LCB_F_SPIN || stopped)
		return 0;
	t = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0, 0);
	if (t)
		t->kernel_lock = (u64)lock;
	return 0;
}

SEC("tp_btf/contention_end")
int BPF_PROG(cp_lock_end, void *lock, int ret)
{
	struct tracked *t;

	if (stopped)
		return 0;
	t = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0, 0);
	/* A spin lock's end, inside or in an interrupt, leaves the other one open. */
	if (t && t->kernel_lock == (u64)lock)
		t->kernel_lock = 0;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
