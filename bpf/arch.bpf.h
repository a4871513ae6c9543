/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What differs between ABIs, and nowhere else: where the registers of a system
 * call are, and which number each call has. A call belongs to a class: how to
 * tell what a thread that blocks in it waits for (cause.bpf.c). The tables are
 * in calls_native.bpf.c and calls_compat.bpf.c, each made from the lists here
 * with its own <asm/unistd_*.h>.
 */
#include "call_class.h"

#define CALL_TABLE 512

/* clang-format off */
/* Calls that each ABI has under the same name. */
#define CALLS_COMMON(X) \
	X(read, FD_IN) X(write, FD_OUT) X(readv, FD_IN) X(writev, FD_OUT) X(pread64, FD_IN) X(pwrite64, FD_OUT) \
	X(preadv, FD_IN) X(pwritev, FD_OUT) X(preadv2, FD_IN) X(pwritev2, FD_OUT) X(ioctl, FD) \
	X(fsync, FD_BARE) X(fdatasync, FD_BARE) X(ftruncate, FD_BARE) X(fallocate, FD_BARE) \
	X(fadvise64, FD_BARE) X(readahead, FD_BARE) X(fstat, FD) X(fstatfs, FD) \
	X(fchmod, FD_BARE) X(fchown, FD_BARE) X(lseek, FD_BARE) X(getdents64, FD) \
	X(connect, FD) X(sendto, FD_OUT) X(recvfrom, FD_IN) X(sendmsg, FD_OUT) X(recvmsg, FD_IN) \
	X(sendmmsg, FD_OUT) X(recvmmsg, FD_IN) X(accept4, FD) X(shutdown, FD) X(getsockopt, FD) \
	X(setsockopt, FD) X(syncfs, FD_BARE) X(vmsplice, FD_OUT) X(tee, FD_TO_FD) \
	X(sendfile, FD_TO_FD_IN) X(splice, FD_X_FD_IN) X(copy_file_range, FD_X_FD) X(sync, SYNC) \
	X(msync, SYNC) X(openat, PATH) X(openat2, PATH) X(execve, PATH) X(execveat, PATH) \
	X(truncate, PATH) X(statx, PATH) X(mkdirat, PATH) X(mknodat, PATH) X(unlinkat, PATH) \
	X(linkat, PATH) X(symlinkat, PATH) X(readlinkat, PATH) X(fchmodat, PATH) \
	X(fchownat, PATH) X(faccessat, PATH) X(faccessat2, PATH) X(renameat2, PATH) \
	X(utimensat, PATH) X(chdir, PATH) X(mount, PATH) X(umount2, PATH) X(statfs, PATH) \
	X(epoll_pwait, EPOLL) X(epoll_pwait2, EPOLL_TIME) X(ppoll, POLL_TIME) X(pselect6, SELECT_TIME) \
	X(nanosleep, SLEEP) X(clock_nanosleep, SLEEP) X(futex, FUTEX) \
	X(rt_sigsuspend, SIGNAL) X(rt_sigtimedwait, SIGNAL) X(wait4, CHILD) X(waitid, CHILD_ID) \
	X(clone, FORK) X(clone3, FORK) X(mq_timedsend, MQ_OUT) X(mq_timedreceive, MQ_IN) \
	X(msgsnd, SYSV_MSG_OUT) X(msgrcv, SYSV_MSG_IN) X(flock, FLOCK) X(fcntl, FCNTL) \
	X(io_uring_enter, URING) X(io_getevents, AIO) X(io_pgetevents, AIO) \
	X(kill, KILL) X(tkill, KILL) X(tgkill, KILL) X(rt_sigqueueinfo, KILL) \
	X(rt_tgsigqueueinfo, KILL) X(close, CLOSE) X(dup3, CLOSE) X(msgctl, SYSV_MSG) \
	X(sched_yield, YIELD) X(restart_syscall, RESTART) X(exit, EXIT) X(exit_group, EXIT)

/* Calls that the newer ABIs (arm64) left out. */
#define CALLS_OLD(X) \
	X(open, PATH) X(creat, PATH) X(stat, PATH) X(lstat, PATH) X(access, PATH) \
	X(rename, PATH) X(renameat, PATH) X(mkdir, PATH) X(rmdir, PATH) X(link, PATH) \
	X(unlink, PATH) X(symlink, PATH) X(readlink, PATH) X(chmod, PATH) X(chown, PATH) \
	X(lchown, PATH) X(mknod, PATH) X(utime, PATH) X(utimes, PATH) X(getdents, FD) \
	X(epoll_wait, EPOLL) X(poll, POLL) X(pause, SIGNAL) X(fork, FORK) X(vfork, VFORK)

/* Calls of the 64-bit ABIs that i386 packs into socketcall and ipc. */
#define CALLS_64(X) \
	X(accept, FD) X(sync_file_range, FD_BARE) X(newfstatat, PATH) X(semop, SYSV_SEM) \
	X(semtimedop, SYSV_SEM)

#define CALLS_X86_64(X) X(select, SELECT)

#define CALLS_I386(X) \
	X(_newselect, SELECT) X(select, SELECT) X(waitpid, CHILD) X(sigsuspend, SIGNAL) \
	X(socketcall, SOCKET) X(fcntl64, FCNTL) X(ftruncate64, FD_BARE) X(truncate64, PATH) \
	X(stat64, PATH) X(lstat64, PATH) X(fstat64, FD) X(fstatat64, PATH) \
	X(sendfile64, FD_TO_FD_IN) X(clock_nanosleep_time64, SLEEP) X(futex_time64, FUTEX) \
	X(ppoll_time64, POLL_TIME) X(pselect6_time64, SELECT_TIME) X(rt_sigtimedwait_time64, SIGNAL) \
	X(mq_timedsend_time64, MQ_OUT) X(mq_timedreceive_time64, MQ_IN) X(recvmmsg_time64, FD_IN) \
	X(semtimedop_time64, SYSV_SEM) X(io_pgetevents_time64, AIO)
/* clang-format on */

#define CALL_FD_IN	  (CALL_FD | CALL_READS)
#define CALL_FD_OUT	  (CALL_FD | CALL_WRITES)
#define CALL_FD_TO_FD_IN  (CALL_FD_TO_FD | CALL_READS)
#define CALL_FD_X_FD_IN	  (CALL_FD_X_FD | CALL_READS)
#define CALL_MQ_IN	  (CALL_MQ | CALL_READS)
#define CALL_MQ_OUT	  (CALL_MQ | CALL_WRITES)
#define CALL_SYSV_MSG_IN  (CALL_SYSV_MSG | CALL_READS)
#define CALL_SYSV_MSG_OUT (CALL_SYSV_MSG | CALL_WRITES)

#define CALL_ROW(name, class) [__NR_##name] = CALL_##class,

/* Newer than some distributions' headers; the same number in each ABI. */
#define NR_FUTEX_WAITV	     449
#define NR_FUTEX_WAKE	     454
#define NR_FUTEX_WAIT	     455
#define NR_FUTEX_REQUEUE     456
#define NR_PIDFD_SEND_SIGNAL 424
#define NR_CLOSE_RANGE	     436
#define CALL_ROWS_NEW                                                                              \
	[NR_FUTEX_WAITV] = CALL_FUTEX_WAIT, [NR_FUTEX_WAIT] = CALL_FUTEX_WAIT,                     \
	[NR_PIDFD_SEND_SIGNAL] = CALL_KILL, [NR_CLOSE_RANGE] = CALL_CLOSE,

extern const unsigned char calls_native[CALL_TABLE];
extern const unsigned char calls_message_flags[CALL_TABLE];

/* An argument is read when it is asked for: a wait needs one of them, or none. */
struct call {
	const struct pt_regs *regs;
	long nr;     /* -1: in no system call */
	bool compat; /* i386's numbers */
};

#if defined(__TARGET_ARCH_x86)

extern const unsigned char calls_compat[CALL_TABLE];

#define TS_COMPAT 2 /* arch/x86/include/asm/thread_info.h: also for int $0x80 from 64-bit code */

static __always_inline void parse_call(struct task_struct *task, struct pt_regs *regs,
				       struct call *ret)
{
	ret->regs = regs;
	ret->nr = (int)regs->orig_ax;
	ret->compat = task->thread_info.status & TS_COMPAT;
}

#define CALL_ARG(call, native, i386)                                                               \
	((call)->compat ? (u32)(call)->regs->i386 : (u64)(call)->regs->native)
#define CALL_ARG0(call) CALL_ARG(call, di, bx)
#define CALL_ARG1(call) CALL_ARG(call, si, cx)
#define CALL_ARG2(call) CALL_ARG(call, dx, dx)
#define CALL_ARG3(call) CALL_ARG(call, r10, si)
#define CALL_ARG4(call) CALL_ARG(call, r8, di)

/* Of calls that name where to send to. */
#define NR_SENDTO   44
#define NR_SENDMSG  46
#define NR_SENDMMSG 307

#define USER_IP(regs)	((regs)->ip)
#define USER_ARG0(regs) ((regs)->di)

/* arch/x86/include/asm/segment.h: __USER_CS, code of 64 bits, whatever calls it makes */
static __always_inline bool is_native_code(const struct pt_regs *regs)
{
	return regs->cs == 0x33;
}

/* What the clock has interrupted: struct bpf_perf_event_data begins with its registers. */
static __always_inline bool was_in_kernel(const u64 *ctx)
{
	return !(ctx[17] & 3); /* cs */
}

static __always_inline const unsigned char *call_table(const struct call *call)
{
	return call->compat ? calls_compat : calls_native;
}

#elif defined(__TARGET_ARCH_arm64)

static __always_inline void parse_call(struct task_struct *task, struct pt_regs *regs,
				       struct call *ret)
{
	ret->regs = regs;
	ret->nr = regs->syscallno;
	ret->compat = false;
}

#define CALL_ARG0(call) ((call)->regs->orig_x0)
#define CALL_ARG1(call) ((call)->regs->regs[1])
#define CALL_ARG2(call) ((call)->regs->regs[2])
#define CALL_ARG3(call) ((call)->regs->regs[3])
#define CALL_ARG4(call) ((call)->regs->regs[4])

#define NR_SENDTO   206
#define NR_SENDMSG  211
#define NR_SENDMMSG 269

#define USER_IP(regs)	((regs)->pc)
#define USER_ARG0(regs) ((regs)->regs[0])

/* arch/arm64/include/uapi/asm/ptrace.h: PSR_MODE32_BIT */
static __always_inline bool is_native_code(const struct pt_regs *regs)
{
	return !(regs->pstate & 0x10);
}

/* What the clock has interrupted: struct bpf_perf_event_data begins with its registers. */
static __always_inline bool was_in_kernel(const u64 *ctx)
{
	return ctx[33] & 0xf; /* pstate: PSR_MODE_MASK, EL0 is 0 */
}

static __always_inline const unsigned char *call_table(const struct call *call)
{
	return calls_native;
}

#endif

/* Its class, and CALL_WRITES or CALL_READS perhaps. */
static __always_inline u32 row_of_call(const struct call *call)
{
	unsigned long nr = call->nr;

	if (nr >= CALL_TABLE)
		return CALL_OTHER;
	barrier_var(nr); /* or the mask, which the verifier needs to see, is optimised away */
	return call_table(call)[nr & (CALL_TABLE - 1)];
}

static __always_inline u32 class_of(const struct call *call)
{
	return row_of_call(call) & CALL_CLASS;
}

/* The call that a task is in, or was in last. */
static __always_inline void read_call(struct task_struct *task, struct call *ret)
{
	parse_call(task, (struct pt_regs *)bpf_task_pt_regs(task), ret);
}
