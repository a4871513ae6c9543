/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * Reads the environment that sudo itself was started with by the user uid: the initial one of our
 * nearest ancestor that is sudo (proc_pid_environ(5)). *ret is *ret_len bytes of NUL-terminated
 * strings with one more NUL behind them, which the caller frees. Returns 0; -ENOENT if no ancestor
 * is sudo called by that user; else -errno, for example -EACCES without CAP_SYS_PTRACE.
 */
int launch_sudo_environ(char **ret, size_t *ret_len, uid_t uid);
