/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The numbers of threads, and who has one: what stands in a lock as its owner. */
#include "thread.bpf.h"

/* Unless another thread has the number by now: see execve(2). */
static __always_inline void forget_number(struct tracked *t)
{
	struct numbered *n = numbered_of(t);
	struct number key = t->number;

	if (n && n->id == t->id)
		bpf_map_delete_elem(&numbered, &key);
}

static __always_inline void read_numbers(struct task_struct *task, struct tracked *t)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);

	t->tid = number_of(pid);
	t->pid = number_of(BPF_CORE_READ(task, group_leader, thread_pid));
	read_own_number(pid, &t->number);
	if (!number_ns)
		number_ns = t->number.ns;
	else if (number_ns != t->number.ns)
		several_ns = 1;
}

static __always_inline void note_number(struct task_struct *task, struct tracked *t)
{
	struct numbered n = { .id = t->id, .tracked = (u64)t, .task = (u64)task };
	struct number key = t->number;

	if (bpf_map_update_elem(&numbered, &key, &n, BPF_ANY))
		__sync_fetch_and_add(&lost[LOSS_LOCKS], 1);
}

/* A thread that executes a program takes over its leader's number. */
static __always_inline void renumber(struct task_struct *task, struct tracked *t)
{
	forget_number(t);
	read_numbers(task, t);
	note_number(task, t);
}
