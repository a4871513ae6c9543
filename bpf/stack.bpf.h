/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* The stack of a task that is not the current one, by programs that may sleep. */
#include "thread.bpf.h"
#include "code.h"

/* Page by page, as copy_stack(). */
static __always_inline u32 copy_their_stack(u8 *to, u64 sp, struct task_struct *task)
{
	u32 n = 4096 - (sp & 4095);

	if (bpf_copy_from_user_task(to, n, (void *)sp, task, 0))
		return 0;
	for (int i = 1; i < CODE_STACK / 4096; i++) {
		barrier_var(n);
		if (n > CODE_STACK - 4096 ||
		    bpf_copy_from_user_task(to + n, 4096, (void *)(sp + n), task, 0))
			break;
		n += 4096;
	}
	return n;
}
