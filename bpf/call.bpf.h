/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What the arguments of a call say of a wait in it, whoever's it is. */
#include "arch.bpf.h"
#include "target.bpf.h"

/* include/linux/threads.h */
#define PID_MAX_LIMIT (4 * 1024 * 1024)
/* include/uapi/asm-generic/fcntl.h */
#define F_SETLKW     7
#define F_SETLKW64   14 /* i386 */
#define F_OFD_SETLKW 38

/* Does it wait for a lock of a file? */
static __always_inline bool is_file_lock(const struct call *call)
{
	u32 cmd = CALL_ARG1(call);

	return cmd == F_SETLKW || cmd == F_OFD_SETLKW || (call->compat && cmd == F_SETLKW64);
}

/* Opening a FIFO waits for its other end, and the path walk has come to it then; what
 * else waits interruptibly on a name waits for who serves its file system (FUSE, a
 * network). */
static __always_inline u32 path_cause(struct task_struct *task, u32 state)
{
	u16 mode;

	if (in_d_state(state))
		return CAUSE_KERNEL_OTHER;
	mode = BPF_CORE_READ(task, nameidata, path.dentry, d_inode, i_mode);
	return (mode & S_IFMT) == S_IFIFO ? CAUSE_IO_PIPE : CAUSE_IO_FILE;
}

/* sysdeps/nptl/futex-internal.c; Rust's library gives no clock, musl no bits. */
static __always_inline bool is_glibc(u32 op)
{
	return (op & ~FUTEX_PRIVATE_FLAG) == (FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME);
}

static __always_inline u32 futex_cause(u32 hint)
{
	switch (hint) {
	case LOCK_HINT_WORD:
	case LOCK_HINT_ROBUST:
	case LOCK_HINT_AGAIN:
		return CAUSE_LOCK_MUTEX;
	case LOCK_HINT_RWLOCK:
		return CAUSE_LOCK_RWLOCK;
	case LOCK_HINT_PI:
		return CAUSE_LOCK_PI;
	case LOCK_HINT_JOIN:
		return CAUSE_SYNC_JOIN;
	case LOCK_HINT_REQUEUE:
		return CAUSE_SYNC_COND;
	case LOCK_HINT_OTHER:
		return CAUSE_SYNC_FUTEX;
	}
	return CAUSE_KERNEL_OTHER;
}
