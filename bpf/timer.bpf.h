/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Timers of the kernel's. */
#include "thread.bpf.h"

/* include/linux/hrtimer.h */
#define HRTIMER_STATE_ENQUEUED 1

/* Since 7.2 it says so in a field of its own. */
struct hrtimer___bool {
	bool is_queued;
} __attribute__((preserve_access_index));

static __always_inline bool is_timer_set(struct hrtimer *timer)
{
	struct hrtimer___bool *newer = (void *)timer;

	if (bpf_core_field_exists(timer->state))
		return BPF_CORE_READ(timer, state) & HRTIMER_STATE_ENQUEUED;
	return BPF_CORE_READ(newer, is_queued);
}

/* timer_create(2). The list was one of two ends before 6.12: of itself, if it is empty. */
static __always_inline bool has_timer(struct signal_struct *signal)
{
	u64 list = (u64)&signal->posix_timers, first = 0;

	bpf_probe_read_kernel(&first, sizeof(first), (void *)list);
	return first && first != list;
}

/* A signal will come, by that or by setitimer(2). */
static __always_inline bool has_alarm(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	return is_timer_set((void *)signal + bpf_core_field_offset(signal->real_timer)) ||
	       has_timer(signal);
}
