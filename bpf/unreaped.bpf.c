// SPDX-License-Identifier: GPL-2.0-only
/*
 * All zombies of the machine: asked for before something is attached to, and at the end. Their parents
 * are found by number in user space, which knows those that were attached to.
 */
#include "thread.bpf.h"
#include "unreaped.h"

#define EXIT_ZOMBIE 0x00000020 /* include/linux/sched.h */

/* A first thread that has ended before the others of its process is one, too, but not reaped by anybody. */
static __always_inline bool is_zombie(struct task_struct *task)
{
	return BPF_CORE_READ(task, exit_state) == EXIT_ZOMBIE &&
	       BPF_CORE_READ(task, pid) == BPF_CORE_READ(task, tgid) &&
	       !BPF_CORE_READ(task, signal, live.counter);
}

SEC("iter/task")
int cp_unreaped(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct dead_child found = {};

	if (!task || !is_zombie(task))
		return 0;
	found.pid = number_of(BPF_CORE_READ(task, thread_pid));
	found.parent = number_of(BPF_CORE_READ(task, real_parent, group_leader, thread_pid));
	found.started = BPF_CORE_READ(task, start_time);
	BPF_CORE_READ_INTO(&found.comm, task, comm);
	if (found.pid && found.parent)
		bpf_seq_write(ctx->meta->seq, &found, sizeof(found));
	return 0;
}
