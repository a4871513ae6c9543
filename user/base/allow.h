/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A filter of system calls, for processes that handle what a program that is measured has made. */
#include <stddef.h>
#include <stdint.h>

/* A call that is allowed if of its argument `arg` these bits have this value. */
struct allow_rule {
	unsigned call; /* __NR_... */
	unsigned arg;  /* 0 to 5; of it the low half */
	uint32_t bits, value;
};

/*
 * From now on the calling thread, and what it starts, may only make these calls; all others fail with
 * EPERM rather than end it: another libc may do more, and need it less (seccomp(2)). Needs PR_SET_NO_NEW_PRIVS
 * or CAP_SYS_ADMIN. 0, also on a kernel that has no such filters; or -errno.
 */
int allow_only(const unsigned *calls, size_t n_calls, const struct allow_rule *rules,
	       size_t n_rules);
