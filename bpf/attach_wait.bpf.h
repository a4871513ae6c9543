/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What a task waits for that has begun to before anybody looked. As wait_of(), but that one reads the
 * current task at its switch, and this one any: what is in its memory has been read before
 * (cp_attach_words()), or stays open.
 */
#include "call.bpf.h"

/* include/linux/sched.h */
#define TASK_STOPPED 0x0004
#define TASK_TRACED  0x0008
#define TASK_FROZEN  0x8000
/* include/linux/sched/jobctl.h */
#define JOBCTL_TRAP_FREEZE (1UL << 23)

/* The word at which a thread waits and what stands behind it. */
#define WORDS 8

struct words {
	u64 address; /* it may wait at another by now */
	u32 at[WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, struct words);
} attach_words SEC(".maps");

/* NULL: not read, or those of another wait of its. */
static __always_inline struct words *words_of(struct task_struct *task, u64 address)
{
	u32 pid = BPF_CORE_READ(task, pid);
	struct words *words = bpf_map_lookup_elem(&attach_words, &pid);

	return words && words->address == address ? words : NULL;
}

static __always_inline bool is_thread(u32 number)
{
	return number && number < PID_MAX_LIMIT;
}

/* FUTEX_WAIT_BITSET: see futex_hint() in cause.bpf.c, which may wait for a second time to come. */
static __always_inline u32 hint_of_bitset(struct task_struct *task, const struct call *call)
{
	u32 op = CALL_ARG1(call), value = CALL_ARG2(call);
	struct words *words = words_of(task, CALL_ARG0(call));

	if (!(op & FUTEX_PRIVATE_FLAG) && (op & FUTEX_CLOCK_REALTIME) && value > 2)
		return LOCK_HINT_JOIN;
	if (!words)
		return LOCK_HINT_OTHER;
	if (value == 3 && is_thread(words->at[CALL_ARG0(call) & 4 ? 3 : 4]))
		return LOCK_HINT_RWLOCK;
	if (value == 2 && is_thread(words->at[2]))
		return LOCK_HINT_WORD;
	return value == 2 && is_glibc(op) ? LOCK_HINT_RWLOCK : LOCK_HINT_OTHER;
}

static __always_inline u32 attach_hint(struct task_struct *task, const struct call *call)
{
	u32 op = CALL_ARG1(call), value = CALL_ARG2(call);

	switch (op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) {
	case FUTEX_WAIT:
		return value == 2	       ? LOCK_HINT_WORD
		       : value & FUTEX_WAITERS ? LOCK_HINT_ROBUST
					       : LOCK_HINT_OTHER;
	case FUTEX_WAIT_BITSET:
		return hint_of_bitset(task, call);
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return LOCK_HINT_PI;
	case FUTEX_WAIT_REQUEUE_PI:
		return LOCK_HINT_REQUEUE;
	}
	return 0;
}

static __always_inline u32 attach_futex(struct task_struct *task, struct tracked *t,
					const struct call *call)
{
	u32 op = CALL_ARG1(call), hint = attach_hint(task, call);

	/* A shared word's key is found in the memory of who waits. */
	if (hint && (op & FUTEX_PRIVATE_FLAG || hint == LOCK_HINT_JOIN)) {
		t->lock.word = CALL_ARG0(call);
		t->lock.hint = hint | (CALL_ARG3(call) ? LOCK_HINT_TIMED : 0) |
			       (is_glibc(op) ? LOCK_HINT_GLIBC : 0);
		t->lock.state = LOCK_WAIT_CALLED;
	}
	waits_seen = 1;
	return plain_wait(futex_cause(hint));
}

static __always_inline u32 attach_file(struct task_struct *task, struct tracked *t, u32 fd)
{
	u64 file = (u64)file_of(task, fd);

	wait_for_file(t, file, fd, 0, 0);
	return file_target(file, fd) & 0xffff;
}

static __always_inline u32 attach_epoll(struct task_struct *task, struct tracked *t, u32 fd)
{
	struct file *file = file_of(task, fd);

	waits_seen = 1;
	t->event.resolve = RESOLVE_EPOLL;
	t->event.object = file ? (u64)BPF_CORE_READ(file, private_data) : 0;
	t->event.fd = fd;
	return plain_wait(CAUSE_EVENT_EPOLL);
}

static __always_inline u32 attach_call(struct task_struct *task, struct tracked *t,
				       const struct call *call, u32 class, u32 state)
{
	switch (class) {
	case CALL_FD:
	case CALL_FD_BARE:
	case CALL_MQ:
		return attach_file(task, t, CALL_ARG0(call));
	case CALL_EPOLL:
	case CALL_EPOLL_TIME:
		return attach_epoll(task, t, CALL_ARG0(call));
	case CALL_POLL:
	case CALL_POLL_TIME:
		return plain_wait(CALL_ARG1(call) ? CAUSE_EVENT_POLL : CAUSE_TIMER_SLEEP);
	case CALL_SELECT:
	case CALL_SELECT_TIME:
		return plain_wait(CALL_ARG0(call) ? CAUSE_EVENT_SELECT : CAUSE_TIMER_SLEEP);
	case CALL_FUTEX:
		return attach_futex(task, t, call);
	case CALL_FUTEX_WAIT:
		return plain_wait(CAUSE_SYNC_FUTEX);
	case CALL_SLEEP:
		return plain_wait(CAUSE_TIMER_SLEEP);
	case CALL_CHILD:
	case CALL_CHILD_ID:
		return plain_wait(CAUSE_CHILD_WAIT);
	case CALL_FORK:
	case CALL_VFORK:
		return plain_wait(in_d_state(state) ? CAUSE_CHILD_VFORK : CAUSE_KERNEL_OTHER);
	case CALL_SIGNAL:
		return plain_wait(CAUSE_SIGNAL_WAIT);
	case CALL_SOCKET:
		return plain_wait(CAUSE_IO_SOCKET);
	case CALL_SYSV_MSG:
		return plain_wait(CAUSE_IPC_SYSV_MSG);
	case CALL_SYSV_SEM:
		return plain_wait(CAUSE_IPC_SYSV_SEM);
	case CALL_FLOCK:
		return plain_wait(CAUSE_LOCK_FILE);
	case CALL_FCNTL:
		return plain_wait(is_file_lock(call) ? CAUSE_LOCK_FILE : CAUSE_KERNEL_OTHER);
	case CALL_PATH:
		return plain_wait(path_cause(task, state));
	case CALL_SYNC:
		return plain_wait(in_d_state(state) ? CAUSE_IO_DISK : CAUSE_KERNEL_OTHER);
	case CALL_URING:
		return plain_wait(CAUSE_IO_URING);
	case CALL_AIO:
		return plain_wait(CAUSE_IO_AIO);
	}
	/* Which of two descriptors, the rest of a sleep that was cut. */
	return plain_wait(CAUSE_UNKNOWN);
}

static __always_inline u32 attach_wait(struct task_struct *task, struct tracked *t, u32 state)
{
	bool for_device = in_d_state(state) && BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait);
	struct call call;
	u32 row, wait;

	if (state & (TASK_STOPPED | TASK_TRACED))
		return plain_wait(state & TASK_STOPPED ? CAUSE_SIGNAL_STOP : CAUSE_SIGNAL_PTRACE);
	if (state & TASK_FROZEN || BPF_CORE_READ(task, jobctl) & JOBCTL_TRAP_FREEZE)
		return plain_wait(CAUSE_KERNEL_FREEZE);
	if (!has_user_code(task))
		return plain_wait(CAUSE_KERNEL_OTHER);
	read_call(task, &call);
	if (call.nr < 0)
		return plain_wait(for_device ? CAUSE_FAULT_MAJOR : CAUSE_FAULT_MINOR);
	row = row_of_call(&call);
	t->io.writes = row / CALL_WRITES;
	wait = attach_call(task, t, &call, row & CALL_CLASS, state);
	if (for_device && WAIT_CAUSE(wait) != CAUSE_IO_DISK && WAIT_CAUSE(wait) != CAUSE_IO_FILE) {
		t->lock.state = LOCK_WAIT_NONE;
		t->event.resolve = RESOLVE_NOT;
		t->io.file = 0;
		return plain_wait(CAUSE_IO_DISK);
	}
	t->last_call_cause = WAIT_CAUSE(wait);
	return wait;
}
