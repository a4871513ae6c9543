// SPDX-License-Identifier: BSD-2-Clause
/*
 * Functions of the kernel that say nothing about why a thread is in it. Names come and go from
 * version to version: one that is missing here is a line more in a stack, and nothing else.
 */
#include <stddef.h>
#include <string.h>

#include "sym/kernel.h"

/* A '*' at the end: all that begin so. What a compiler adds behind a '.' does not count. */
static const struct {
	const char *name;
	enum kernel_says says;
} functions[] = {
	/* x86-64: each system call; which one it is, __x64_sys_NAME says */
	{ "entry_SYSCALL_64*", KERNEL_ENTRY },
	{ "do_syscall_64", KERNEL_ENTRY },
	{ "x64_sys_call", KERNEL_ENTRY },
	/* ... each fault and interrupt; exc_NAME and sysvec_NAME say which */
	{ "asm_exc_*", KERNEL_ENTRY },
	{ "asm_sysvec_*", KERNEL_ENTRY },
	{ "asm_common_interrupt", KERNEL_ENTRY },
	{ "error_entry", KERNEL_ENTRY },
	/* arm64: each system call; __arm64_sys_NAME says which */
	{ "el0_svc*", KERNEL_ENTRY },
	{ "do_el0_svc*", KERNEL_ENTRY },
	{ "invoke_syscall*", KERNEL_ENTRY },
	/* ... each fault and interrupt; do_page_fault and its kin say which */
	{ "el0t_64_*", KERNEL_ENTRY },
	{ "el1h_64_*", KERNEL_ENTRY },
	{ "el0_da", KERNEL_ENTRY },
	{ "el0_ia", KERNEL_ENTRY },
	{ "el1_abort", KERNEL_ENTRY },
	{ "do_mem_abort", KERNEL_ENTRY },
	{ "do_translation_fault", KERNEL_ENTRY },
	/* the first of a new thread */
	{ "ret_from_fork*", KERNEL_ENTRY },

	/* what looks at the switch: the probes */
	{ "bpf_*", KERNEL_WAITING },
	{ "__bpf_*", KERNEL_WAITING },
	{ "__traceiter_sched_switch", KERNEL_WAITING },
	/* the scheduler: that the thread waits is known, and for how long at most it says itself */
	{ "__schedule", KERNEL_WAITING },
	{ "schedule", KERNEL_WAITING },
	{ "schedule_timeout*", KERNEL_WAITING },
	{ "schedule_hrtimeout*", KERNEL_WAITING },
	{ "schedule_preempt_disabled", KERNEL_WAITING },
	{ "schedule_rtlock", KERNEL_WAITING },
	{ "io_schedule*", KERNEL_WAITING },
	/* ways to wait for anything */
	{ "bit_wait*", KERNEL_WAITING },
	{ "__wait_on_bit*", KERNEL_WAITING },
	{ "out_of_line_wait_on_bit*", KERNEL_WAITING },
	{ "wait_for_completion*", KERNEL_WAITING },
	{ "__wait_for_common", KERNEL_WAITING },
	{ "do_wait_intr*", KERNEL_WAITING },
	{ "poll_schedule_timeout*", KERNEL_WAITING },
	{ "prepare_to_wait*", KERNEL_WAITING },
	/* the cause says these */
	{ "futex_*", KERNEL_WAITING },
	{ "__futex_*", KERNEL_WAITING },
	{ "do_futex", KERNEL_WAITING },
	{ "do_nanosleep", KERNEL_WAITING },
	{ "hrtimer_nanosleep", KERNEL_WAITING },
	{ "common_nsleep*", KERNEL_WAITING },
};

static int is_called(const char *function, const char *name)
{
	size_t n = strlen(name);

	if (name[n - 1] == '*')
		return !strncmp(function, name, n - 1);
	return !strncmp(function, name, n) && (!function[n] || function[n] == '.');
}

enum kernel_says kernel_says(const char *function)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		if (is_called(function, functions[i].name))
			return functions[i].says;
	}
	return KERNEL_SOMETHING;
}
