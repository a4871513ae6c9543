// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a thread that leaves the CPU is blocked: read from the task itself at the
 * switch-out, so that a system call that does not block costs nothing. What the
 * task's state says comes first: its registers still show the last call when it
 * is stopped, frozen, faulting or dying.
 */
#include "thread.bpf.h"
#include "arch.bpf.h"

/* include/linux/sched.h */
#define TASK_INTERRUPTIBLE   0x0001
#define TASK_UNINTERRUPTIBLE 0x0002
#define TASK_STOPPED	     0x0004
#define TASK_TRACED	     0x0008
#define TASK_FROZEN	     0x8000
#define PF_EXITING	     0x00000004
#define PF_IO_WORKER	     0x00000010
#define PF_USER_WORKER	     0x00004000
#define PF_KTHREAD	     0x00200000
/* include/linux/sched/jobctl.h */
#define JOBCTL_TRAP_FREEZE (1UL << 23)
/* include/uapi/linux/stat.h */
#define S_IFMT	 0170000
#define S_IFSOCK 0140000
#define S_IFREG	 0100000
#define S_IFBLK	 0060000
#define S_IFDIR	 0040000
#define S_IFCHR	 0020000
#define S_IFIFO	 0010000
/* include/uapi/linux/magic.h */
#define ANON_INODE_FS_MAGIC 0x09041934
/* include/uapi/asm-generic/fcntl.h */
#define F_SETLKW     7
#define F_SETLKW64   14 /* i386 */
#define F_OFD_SETLKW 38

#define CLONE_VFORK 0x00004000

/* A wait in state D cannot be one for a peer: pipes, sockets, terminals, futexes
 * and timers are waited for interruptibly. */
static __always_inline bool in_d_state(u32 state)
{
	return (state & TASK_UNINTERRUPTIBLE) && !(state & TASK_INTERRUPTIBLE);
}

static __always_inline bool in_iowait(struct task_struct *task)
{
	return BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait);
}

/* Is the current task inside this kernel function? For what neither its state nor
 * its registers tell, such as a page fault that it met inside a system call. Costs
 * about a microsecond, so it is asked for rare or long waits only. A global
 * function: see thread.bpf.h. */
int is_inside(u64 start, u64 end)
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

struct target {
	u32 cause;	/* CAUSE_UNKNOWN: no such descriptor */
	bool by_device; /* a file or disk: waited for in state D */
};

static __always_inline u32 anonymous_cause(struct file *file)
{
	const unsigned char *name = BPF_CORE_READ(file, f_path.dentry, d_name.name);
	char text[8] = {};

	if (bpf_probe_read_kernel(text, sizeof(text), name))
		return CAUSE_UNKNOWN;
	switch (text[1]) {
	case 'e': /* [eventfd], [eventpoll] */
		return text[6] == 'f' ? CAUSE_EVENT_EVENTFD : CAUSE_EVENT_EPOLL;
	case 't': /* [timerfd] */
		return CAUSE_TIMER_TIMERFD;
	case 's': /* [signalfd] */
		return CAUSE_EVENT_SIGNALFD;
	case 'n': /* inotify */
		return CAUSE_EVENT_INOTIFY;
	case 'f': /* [fanotify] */
		return CAUSE_EVENT_INOTIFY;
	}
	return CAUSE_KERNEL_OTHER;
}

/* Documentation/admin-guide/devices.txt: consoles, serial lines, pseudo-terminals. */
static __always_inline bool is_tty(dev_t dev)
{
	u32 major = dev >> 20;

	return major == 4 || major == 5 || major == 188 || major == 204 || major == 229 ||
	       (major >= 136 && major <= 143) || major == 3 || major == 2;
}

/* Makes a number a pointer that can be loaded through, which costs a tenth of a
 * copy by bpf_probe_read_kernel(); since 6.2. */
extern void *bpf_rdonly_cast(const void *pointer, __u32 btf_id) __ksym __weak;

struct opened {
	struct file *file;
	struct inode *inode;
	u16 mode;
};

/* The kernel's types have no array of pointers to load from; a struct that begins with
 * a pointer does as well. */
static __always_inline bool read_opened(struct file **slot, struct opened *ret)
{
	struct hlist_head *pointer;
	struct file *file = NULL;
	struct inode *inode;

	if (&bpf_rdonly_cast) {
		pointer = bpf_rdonly_cast(slot, bpf_core_type_id_kernel(struct hlist_head));
		if (!pointer->first)
			return false;
		file = bpf_rdonly_cast(pointer->first, bpf_core_type_id_kernel(struct file));
		inode = file->f_inode;
		ret->file = file;
		ret->inode = inode;
		ret->mode = inode->i_mode;
		return true;
	}
	if (bpf_probe_read_kernel(&file, sizeof(file), slot) || !file)
		return false;
	inode = BPF_CORE_READ(file, f_inode);
	ret->file = file;
	ret->inode = inode;
	ret->mode = BPF_CORE_READ(inode, i_mode);
	return true;
}

static __always_inline void read_target(struct files_struct *files, u32 fd, struct target *ret)
{
	struct fdtable *table;
	struct opened opened;
	struct inode *inode;
	struct super_block *sb;

	ret->cause = CAUSE_UNKNOWN;
	ret->by_device = false;
	if (!files)
		return;
	table = files->fdt;
	if (fd >= table->max_fds || !read_opened(table->fd + fd, &opened))
		return;
	inode = opened.inode;
	switch (opened.mode & S_IFMT) {
	case S_IFIFO:
		ret->cause = CAUSE_IO_PIPE;
		return;
	case S_IFSOCK:
		ret->cause = CAUSE_IO_SOCKET;
		return;
	case S_IFCHR:
		if (is_tty(BPF_CORE_READ(inode, i_rdev))) {
			ret->cause = CAUSE_IO_TTY;
			return;
		}
		ret->cause = CAUSE_IO_FILE;
		ret->by_device = true;
		return;
	case S_IFBLK:
		ret->cause = CAUSE_IO_DISK;
		ret->by_device = true;
		return;
	}
	sb = BPF_CORE_READ(inode, i_sb);
	if (BPF_CORE_READ(sb, s_magic) == ANON_INODE_FS_MAGIC) {
		ret->cause = anonymous_cause(opened.file);
		return;
	}
	ret->cause = BPF_CORE_READ(sb, s_bdev) ? CAUSE_IO_DISK : CAUSE_IO_FILE;
	ret->by_device = true;
}

u32 fd_cause(u32 fd, u32 state)
{
	struct target target;

	read_target(bpf_get_current_task_btf()->files, fd, &target);
	if (target.cause == CAUSE_IO_DISK && !in_d_state(state))
		return CAUSE_IO_FILE;
	if (!target.by_device && in_d_state(state))
		return CAUSE_KERNEL_OTHER;
	return target.cause;
}

/* Two descriptors, of which one is waited for: the device in state D, the peer
 * otherwise. Two peers cannot be told apart unless they are of one kind. */
u32 two_fd_cause(u32 from, u32 to, u32 state)
{
	struct files_struct *files = bpf_get_current_task_btf()->files;
	struct target a, b;
	bool d = in_d_state(state);

	read_target(files, from, &a);
	read_target(files, to, &b);
	if (a.cause == b.cause || (a.by_device == d && b.by_device != d))
		return a.cause;
	if (b.by_device == d && a.by_device != d)
		return b.cause;
	return CAUSE_UNKNOWN;
}

/* By the operation and the value, as glibc and musl use them: a mutex waits with
 * FUTEX_WAIT for a word that says "locked, with waiters"; pthread_join with a
 * shared FUTEX_WAIT_BITSET for the thread's tid to be cleared (nptl). */
static __always_inline u32 futex_cause(const struct call *call)
{
	u32 op = call->arg[1], value = call->arg[2];

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

static __always_inline u32 fcntl_cause(const struct call *call)
{
	u32 cmd = call->arg[1];

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
u32 path_cause(u32 state)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u16 mode;

	if (in_d_state(state))
		return CAUSE_KERNEL_OTHER;
	mode = BPF_CORE_READ(task, nameidata, path.dentry, d_inode, i_mode);
	return (mode & S_IFMT) == S_IFIFO ? CAUSE_IO_PIPE : CAUSE_IO_FILE;
}

static __always_inline u32 call_cause(struct tracked *t, const struct call *call, u32 state)
{
	switch (class_of(call)) {
	case CALL_FD:
	case CALL_FD_BARE:
		return fd_cause(call->arg[0], state);
	case CALL_FUTEX:
		waits_seen = 1;
		return futex_cause(call);
	case CALL_EPOLL:
		waits_seen = 1;
		return CAUSE_EVENT_EPOLL;
	case CALL_POLL:
		return call->arg[1] ? CAUSE_EVENT_POLL : CAUSE_TIMER_SLEEP;
	case CALL_SELECT:
		return (u32)call->arg[0] ? CAUSE_EVENT_SELECT : CAUSE_TIMER_SLEEP;
	case CALL_SLEEP:
		return CAUSE_TIMER_SLEEP;
	case CALL_CHILD:
		return CAUSE_CHILD_WAIT;
	case CALL_FUTEX_WAIT:
		return CAUSE_SYNC_FUTEX;
	case CALL_FORK:
		return fork_cause(state);
	case CALL_SIGNAL:
		return CAUSE_SIGNAL_WAIT;
	case CALL_SOCKET:
		return CAUSE_IO_SOCKET;
	case CALL_FD_TO_FD:
		return two_fd_cause(call->arg[0], call->arg[1], state);
	case CALL_FD_X_FD:
		return two_fd_cause(call->arg[0], call->arg[2], state);
	case CALL_SYSV_MSG:
		return CAUSE_IPC_SYSV_MSG;
	case CALL_SYSV_SEM:
		return CAUSE_IPC_SYSV_SEM;
	case CALL_MQ:
		return CAUSE_IPC_POSIX_MQ;
	case CALL_FLOCK:
		return CAUSE_LOCK_FILE;
	case CALL_FCNTL:
		return fcntl_cause(call);
	case CALL_URING:
		return CAUSE_IO_URING;
	case CALL_AIO:
		return CAUSE_IO_AIO;
	case CALL_SYNC:
		return in_d_state(state) ? CAUSE_IO_DISK : CAUSE_KERNEL_OTHER;
	case CALL_RESTART: /* after stop and continue a sleep goes on under this number */
		return t->track.ledger.blocks ? t->last_call_cause : CAUSE_UNKNOWN;
	case CALL_PATH:
		return path_cause(state);
	}
	return CAUSE_KERNEL_OTHER;
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
static __always_inline u32 device_cause(const struct call *call, u32 cause)
{
	if (class_of(call) != CALL_FD_BARE) {
		if (!fault_entry.start)
			return CAUSE_UNKNOWN;
		if (is_inside(fault_entry.start, fault_entry.end))
			return CAUSE_FAULT_MAJOR;
	}
	return cause == CAUSE_KERNEL_OTHER ? CAUSE_IO_DISK : cause;
}

u32 cause_of(struct tracked *t, u32 state)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call call;
	bool d = in_d_state(state);
	u32 cause;

	if (!t)
		return CAUSE_UNKNOWN;
	if (state & (TASK_STOPPED | TASK_TRACED))
		return state & TASK_STOPPED ? CAUSE_SIGNAL_STOP : CAUSE_SIGNAL_PTRACE;
	if (is_frozen(task, state))
		return CAUSE_KERNEL_FREEZE;
	if (t->kernel_lock)
		return CAUSE_KERNEL_LOCK;
	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER | PF_EXITING))
		return worker_cause(task, state);
	read_call(task, &call);
	if (call.nr < 0)
		return d && in_iowait(task) ? CAUSE_FAULT_MAJOR : CAUSE_FAULT_MINOR;
	cause = call_cause(t, &call, state);
	if (d && in_iowait(task))
		return device_cause(&call, cause);
	t->last_call_cause = cause;
	return cause;
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
