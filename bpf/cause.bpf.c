// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a thread that leaves the CPU is blocked: read from the task itself at the
 * switch-out, so that a system call that does not block costs nothing. What the
 * task's state says comes first: its registers still show the last call when it
 * is stopped, frozen, faulting or dying.
 */
#include "thread.bpf.h"
#include "arch.bpf.h"
#include "target.bpf.h"

/* include/linux/sched.h */
#define TASK_STOPPED   0x0004
#define TASK_TRACED    0x0008
#define TASK_FROZEN    0x8000
#define PF_EXITING     0x00000004
#define PF_IO_WORKER   0x00000010
#define PF_USER_WORKER 0x00004000
#define PF_KTHREAD     0x00200000
/* include/linux/sched/jobctl.h */
#define JOBCTL_TRAP_FREEZE (1UL << 23)
/* include/uapi/asm-generic/fcntl.h */
#define F_SETLKW     7
#define F_SETLKW64   14 /* i386 */
#define F_OFD_SETLKW 38

#define CLONE_VFORK 0x00004000

static __always_inline bool in_iowait(struct task_struct *task)
{
	return BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait);
}

/* Is the current task inside this kernel function? For what neither its state nor
 * its registers tell, such as a page fault that it met inside a system call. Costs
 * about a microsecond, so it is asked for rare or long waits only. A global
 * function: see thread.bpf.h. */
__noinline int is_inside(u64 start, u64 end)
{
	u64 stack[32];
	long n = bpf_get_task_stack(bpf_get_current_task_btf(), stack, sizeof(stack), 0);

	for (int i = 0; i < 32; i++) {
		if (i * 8 >= n)
			break;
		if (stack[i] >= start && stack[i] < end)
			return 1;
	}
	return 0;
}

/* By the operation and the value, as glibc and musl use them: a mutex waits with
 * FUTEX_WAIT for a word that says "locked, with waiters"; pthread_join with a
 * shared FUTEX_WAIT_BITSET for the thread's tid to be cleared (nptl). */
static __always_inline u32 futex_cause(const struct call *call)
{
	u32 op = CALL_ARG1(call), value = CALL_ARG2(call);

	switch (op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) {
	case FUTEX_WAIT:
		return value == 2 || value & FUTEX_WAITERS ? CAUSE_LOCK_MUTEX : CAUSE_SYNC_FUTEX;
	case FUTEX_WAIT_BITSET:
		if (!(op & FUTEX_PRIVATE_FLAG) && (op & FUTEX_CLOCK_REALTIME) && value > 2)
			return CAUSE_SYNC_JOIN;
		return CAUSE_SYNC_FUTEX;
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return CAUSE_LOCK_PI;
	case FUTEX_WAIT_REQUEUE_PI:
		return CAUSE_SYNC_COND;
	}
	return CAUSE_KERNEL_OTHER;
}

static __always_inline u32 futex_wait(struct tracked *t, const struct call *call)
{
	u32 cause = futex_cause(call);

	if (cause == CAUSE_SYNC_FUTEX && CALL_ARG3(call) && !call->compat)
		return WAIT(cause,
			    begin_futex(t, CALL_ARG0(call), CALL_ARG3(call), CALL_ARG1(call)));
	if (cause == CAUSE_SYNC_FUTEX)
		return WAIT(cause, train_row(&t->train, CALL_ARG0(call)));
	return plain_wait(cause);
}

static __always_inline u32 fcntl_cause(const struct call *call)
{
	u32 cmd = CALL_ARG1(call);

	if (cmd == F_SETLKW || cmd == F_OFD_SETLKW || (call->compat && cmd == F_SETLKW64))
		return CAUSE_LOCK_FILE;
	return CAUSE_KERNEL_OTHER;
}

/* vfork's parent waits killably (wait_for_vfork_done), whichever call it used. */
static __always_inline u32 fork_cause(u32 state)
{
	return in_d_state(state) ? CAUSE_CHILD_VFORK : CAUSE_KERNEL_OTHER;
}

/* Opening a FIFO waits for its other end, and the path walk has come to it then; what
 * else waits interruptibly on a name waits for who serves its file system (FUSE, a
 * network). A global function: see thread.bpf.h. */
__noinline u32 path_wait(u32 state)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u16 mode;

	if (in_d_state(state))
		return plain_wait(CAUSE_KERNEL_OTHER);
	mode = BPF_CORE_READ(task, nameidata, path.dentry, d_inode, i_mode);
	return plain_wait((mode & S_IFMT) == S_IFIFO ? CAUSE_IO_PIPE : CAUSE_IO_FILE);
}

/* Where the call alone tells. */
static __always_inline u32 simple_cause(u32 class)
{
	switch (class) {
	case CALL_SLEEP:
		return CAUSE_TIMER_SLEEP;
	case CALL_CHILD:
		return CAUSE_CHILD_WAIT;
	case CALL_FUTEX_WAIT:
		return CAUSE_SYNC_FUTEX;
	case CALL_SOCKET:
		return CAUSE_IO_SOCKET;
	case CALL_SYSV_MSG:
		return CAUSE_IPC_SYSV_MSG;
	case CALL_SYSV_SEM:
		return CAUSE_IPC_SYSV_SEM;
	case CALL_MQ:
		return CAUSE_IPC_POSIX_MQ;
	case CALL_FLOCK:
		return CAUSE_LOCK_FILE;
	case CALL_URING:
		return CAUSE_IO_URING;
	case CALL_AIO:
		return CAUSE_IO_AIO;
	}
	return CAUSE_KERNEL_OTHER;
}

static __always_inline u32 poll_wait(struct tracked *t, const struct call *call, u32 is_time)
{
	if (!CALL_ARG1(call))
		return plain_wait(CAUSE_TIMER_SLEEP);
	if (!call->compat)
		begin_poll(t, CALL_ARG0(call), CALL_ARG1(call), CALL_ARG2(call), is_time);
	return plain_wait(CAUSE_EVENT_POLL);
}

static __always_inline u32 select_wait(struct tracked *t, const struct call *call, u32 part_ns)
{
	if (!(u32)CALL_ARG0(call))
		return plain_wait(CAUSE_TIMER_SLEEP);
	if (!call->compat)
		begin_select(t, CALL_ARG1(call), CALL_ARG0(call), CALL_ARG4(call), part_ns);
	return plain_wait(CAUSE_EVENT_SELECT);
}

static __always_inline u32 epoll_wait(struct tracked *t, const struct call *call, u32 is_time)
{
	waits_seen = 1;
	begin_epoll(t, CALL_ARG0(call), CALL_ARG3(call), is_time);
	return plain_wait(CAUSE_EVENT_EPOLL);
}

/* After stop and continue a sleep goes on under the number of restart_syscall. */
static __always_inline u32 restarted_wait(struct tracked *t)
{
	return plain_wait(t->track.ledger.blocks ? t->last_call_cause : CAUSE_UNKNOWN);
}

static __always_inline u32 call_wait(struct task_struct *task, struct tracked *t,
				     const struct call *call, u32 state)
{
	switch (class_of(call)) {
	case CALL_FD:
	case CALL_FD_BARE:
		return fd_wait(task, CALL_ARG0(call), state);
	case CALL_FUTEX:
		waits_seen = 1;
		return futex_wait(t, call);
	case CALL_EPOLL:
		return epoll_wait(t, call, 0);
	case CALL_EPOLL_TIME:
		return epoll_wait(t, call, 1);
	case CALL_POLL:
		return poll_wait(t, call, 0);
	case CALL_POLL_TIME:
		return poll_wait(t, call, 1);
	case CALL_SELECT:
		return select_wait(t, call, 1000);
	case CALL_SELECT_TIME:
		return select_wait(t, call, 1);
	case CALL_FORK:
		return plain_wait(fork_cause(state));
	case CALL_SIGNAL:
		t->event.resolve = RESOLVE_SIGNAL;
		return plain_wait(CAUSE_SIGNAL_WAIT);
	case CALL_FD_TO_FD:
		return two_fd_wait(CALL_ARG0(call), CALL_ARG1(call), state);
	case CALL_FD_X_FD:
		return two_fd_wait(CALL_ARG0(call), CALL_ARG2(call), state);
	case CALL_FCNTL:
		return plain_wait(fcntl_cause(call));
	case CALL_SYNC:
		return plain_wait(in_d_state(state) ? CAUSE_IO_DISK : CAUSE_KERNEL_OTHER);
	case CALL_RESTART:
		return restarted_wait(t);
	case CALL_PATH:
		return path_wait(state);
	}
	return plain_wait(simple_cause(class_of(call)));
}

/* The cgroup freezer of version 2 sleeps interruptibly in a trap of its own
 * (kernel/signal.c, do_freezer_trap). */
static __always_inline bool is_frozen(struct task_struct *task, u32 state)
{
	return state & TASK_FROZEN || task->jobctl & JOBCTL_TRAP_FREEZE;
}

/* Without a system call of its own: the kernel's workers, and a task that exits. */
static __always_inline u32 worker_cause(struct task_struct *task, u32 state)
{
	if (in_d_state(state) && in_iowait(task))
		return CAUSE_IO_DISK;
	return task->flags & PF_IO_WORKER ? CAUSE_IO_URING : CAUSE_KERNEL_OTHER;
}

/* A wait for a device, inside a system call: the call's own, or that of a page
 * fault in it. */
static __always_inline u32 device_wait(const struct call *call, u32 wait)
{
	if (class_of(call) != CALL_FD_BARE) {
		if (!fault_entry.start)
			return plain_wait(CAUSE_UNKNOWN);
		if (is_inside(fault_entry.start, fault_entry.end))
			return plain_wait(CAUSE_FAULT_MAJOR);
	}
	return (wait & 0xff) == CAUSE_KERNEL_OTHER ? plain_wait(CAUSE_IO_DISK) : wait;
}

u32 wait_of(struct tracked *t, u32 state)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call call;
	bool d = in_d_state(state);
	u32 wait;

	if (!t)
		return plain_wait(CAUSE_UNKNOWN);
	t->event.resolve = RESOLVE_NOT;
	if (state & (TASK_STOPPED | TASK_TRACED))
		return plain_wait(state & TASK_STOPPED ? CAUSE_SIGNAL_STOP : CAUSE_SIGNAL_PTRACE);
	if (is_frozen(task, state))
		return plain_wait(CAUSE_KERNEL_FREEZE);
	if (t->kernel_lock)
		return plain_wait(CAUSE_KERNEL_LOCK);
	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER | PF_EXITING))
		return plain_wait(worker_cause(task, state));
	read_call(task, &call);
	if (call.nr < 0)
		return plain_wait(d && in_iowait(task) ? CAUSE_FAULT_MAJOR : CAUSE_FAULT_MINOR);
	wait = call_wait(task, t, &call, state);
	if (d && in_iowait(task))
		return device_wait(&call, wait);
	t->last_call_cause = wait & 0xff;
	return wait;
}

int in_yield(void)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call call;

	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER))
		return 0;
	read_call(task, &call);
	return call.nr >= 0 && class_of(&call) == CALL_YIELD;
}

char LICENSE[] SEC("license") = "GPL";
