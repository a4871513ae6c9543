// SPDX-License-Identifier: BSD-2-Clause
#include "look/seen.h"

#include <linux/futex.h>
#include <sys/stat.h>

#include "../bpf/lock.h"
#include "../bpf/wall.h"

/* include/linux/sched.h */
#define TASK_INTERRUPTIBLE   0x0001
#define TASK_UNINTERRUPTIBLE 0x0002
#define TASK_STOPPED	     0x0004
#define TASK_TRACED	     0x0008

/* include/linux/threads.h */
#define PID_MAX_LIMIT (4 * 1024 * 1024)

/* fcntl(2), as each ABI numbers it; the last is i386's */
#define SETLKW	   7
#define OFD_SETLKW 38
#define SETLKW64   14

/* include/uapi/linux/wait.h */
#define WAITID_ALL 0
#define WAITID_PID 1

static bool in_d_state(const struct seen *s)
{
	return s->state & TASK_UNINTERRUPTIBLE && !(s->state & TASK_INTERRUPTIBLE);
}

static void wait_for(struct seen_wait *w, enum cause cause)
{
	w->cause = cause;
	w->row = row_of_cause(cause);
}

/* --- futexes -------------------------------------------------------------------------------- */

static uint32_t word_at(const struct seen *s, size_t i)
{
	return s->flags & SEEN_WORDS ? s->words[i] : 0;
}

/* nptl/bits/struct_mutex.h, of 64 bits: what lies there must be a mutex in all its parts before its
 * owner is believed. */
static uint32_t mutex_owner(const struct seen *s)
{
	enum { LOCK, COUNT, OWNER, USERS, KIND };
	uint32_t kind = word_at(s, KIND);

	if (word_at(s, LOCK) != 2 || kind & ~0x3ffu || !word_at(s, USERS) ||
	    word_at(s, OWNER) > PID_MAX_LIMIT)
		return 0;
	if (((kind & 3) == 1) != (word_at(s, COUNT) > 0)) /* recursive */
		return 0;
	return word_at(s, OWNER);
}

/* nptl/bits/struct_rwlock.h: behind both words that are waited at. */
static uint32_t rwlock_writer(const struct seen *s)
{
	return word_at(s, s->args[0] & 4 ? 3 : 4);
}

static bool is_glibc(uint32_t op)
{
	return (op & ~(uint32_t)FUTEX_PRIVATE_FLAG) == (FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME);
}

static bool is_number(uint32_t nr)
{
	return nr && nr < PID_MAX_LIMIT;
}

/* FUTEX_WAIT_BITSET, of which glibc's read-write locks, its mutexes with a time-out and its joins
 * are made. */
static uint32_t bitset_hint(const struct seen *s)
{
	uint32_t op = s->args[1], value = s->args[2];

	if (value == 3 && is_number(rwlock_writer(s)))
		return LOCK_HINT_RWLOCK;
	if (!(op & FUTEX_PRIVATE_FLAG) && op & FUTEX_CLOCK_REALTIME && value > 2)
		return LOCK_HINT_JOIN;
	if (value == 2 && (s->args[3] || is_glibc(op)) && mutex_owner(s))
		return LOCK_HINT_WORD;
	if (value == 2 && !s->args[3] && is_glibc(op)) /* a writer, for readers */
		return LOCK_HINT_RWLOCK;
	return LOCK_HINT_OTHER;
}

static const struct {
	uint32_t op, hint;
} operations[] = {
	{ FUTEX_LOCK_PI, LOCK_HINT_PI },
	{ FUTEX_LOCK_PI2, LOCK_HINT_PI },
	{ FUTEX_WAIT_REQUEUE_PI, LOCK_HINT_REQUEUE },
};

static uint32_t futex_hint(const struct seen *s)
{
	uint32_t op = s->args[1] & ~(uint32_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	uint32_t value = s->args[2];

	if (op == FUTEX_WAIT)
		return value == 2	       ? LOCK_HINT_WORD
		       : value & FUTEX_WAITERS ? LOCK_HINT_ROBUST
					       : LOCK_HINT_OTHER;
	if (op == FUTEX_WAIT_BITSET)
		return bitset_hint(s);
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		if (operations[i].op == op)
			return operations[i].hint;
	}
	return 0;
}

static uint32_t futex_holder(const struct seen *s, uint32_t hint)
{
	if (hint == LOCK_HINT_WORD)
		return mutex_owner(s);
	if (hint == LOCK_HINT_RWLOCK)
		return is_number(rwlock_writer(s)) ? rwlock_writer(s) : 0;
	if (hint & (LOCK_HINT_PI | LOCK_HINT_ROBUST | LOCK_HINT_JOIN))
		return word_at(s, 0) & FUTEX_TID_MASK;
	return 0;
}

static void at_futex(const struct seen *s, struct seen_wait *w)
{
	static const struct {
		uint32_t hint;
		enum cause cause;
	} causes[] = {
		{ LOCK_HINT_WORD, CAUSE_LOCK_MUTEX },	 { LOCK_HINT_ROBUST, CAUSE_LOCK_MUTEX },
		{ LOCK_HINT_RWLOCK, CAUSE_LOCK_RWLOCK }, { LOCK_HINT_PI, CAUSE_LOCK_PI },
		{ LOCK_HINT_JOIN, CAUSE_SYNC_JOIN },	 { LOCK_HINT_REQUEUE, CAUSE_SYNC_COND },
		{ LOCK_HINT_OTHER, CAUSE_SYNC_FUTEX },
	};
	uint32_t hint = futex_hint(s), op = s->args[1];

	wait_for(w, CAUSE_KERNEL_OTHER);
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
		if (causes[i].hint == hint)
			wait_for(w, causes[i].cause);
	}
	w->word = s->args[0];
	w->is_shared = !(op & FUTEX_PRIVATE_FLAG);
	w->is_timed |= s->args[3] != 0;
	w->holder_nr = futex_holder(s, hint);
	w->hints = hint | (s->args[3] ? LOCK_HINT_TIMED : 0) |
		   (is_glibc(op) ? LOCK_HINT_GLIBC : 0) | (w->is_shared ? LOCK_HINT_SHARED : 0);
}

/* --- descriptors and children --------------------------------------------------------------- */

static void want_pipe(struct seen_wait *w)
{
	if (w->fd->mode == END_WRITES)
		w->want = WANT_READER;
	else if (w->fd->mode == END_READS)
		w->want = WANT_WRITER;
	else
		return; /* it may be its own other end */
	w->object = w->fd->object;
}

/* As fd_wait() in bpf/target.bpf.h. */
static void at_fd(const struct seen *s, const struct seen_fd *fd, struct seen_wait *w)
{
	bool by_device = fd->cause == CAUSE_IO_DISK || fd->cause == CAUSE_IO_FILE;

	w->fd = fd;
	w->cause = fd->cause;
	w->row = fd->row;
	if (fd->cause == CAUSE_IO_DISK && !in_d_state(s))
		w->cause = CAUSE_IO_FILE;
	else if (!by_device && in_d_state(s))
		wait_for(w, CAUSE_KERNEL_OTHER);
	if (w->cause == CAUSE_IO_PIPE)
		want_pipe(w);
}

static bool is_device(const struct seen_fd *fd)
{
	return fd->cause == CAUSE_IO_DISK || fd->cause == CAUSE_IO_FILE;
}

/* As two_fd_wait() there. */
static void at_two_fds(const struct seen *s, struct seen_wait *w)
{
	const struct seen_fd *a = &s->fds[0], *b = &s->fds[1];
	bool d = in_d_state(s);

	if (a->cause == b->cause || (is_device(a) == d && is_device(b) != d))
		at_fd(s, a, w);
	else if (is_device(b) == d && is_device(a) != d)
		at_fd(s, b, w);
	else
		wait_for(w, CAUSE_UNKNOWN);
}

/* Of two descriptors that are polled the first is as good. */
static void at_poll(const struct seen *s, enum cause cause, bool is_sleep, struct seen_wait *w)
{
	wait_for(w, is_sleep ? CAUSE_TIMER_SLEEP : cause);
	if (s->n_fds == 1 && s->fds[0].fd >= 0)
		w->fd = &s->fds[0];
}

static void for_child(const struct seen *s, struct seen_wait *w)
{
	bool by_id = s->class == CALL_CHILD_ID;
	int32_t pid = s->args[0], of_all = by_id ? WAITID_ALL : -1;

	wait_for(w, CAUSE_CHILD_WAIT);
	if (by_id ? pid == WAITID_PID : pid > 0)
		w->object = by_id ? (uint32_t)s->args[1] : (uint32_t)pid;
	else if (pid != of_all)
		return; /* a process group */
	w->want = WANT_CHILD;
}

/* --- calls --------------------------------------------------------------------------------- */

static enum cause fcntl_cause(const struct seen *s)
{
	uint32_t cmd = s->args[1];

	return cmd == SETLKW || cmd == OFD_SETLKW || (s->flags & SEEN_COMPAT && cmd == SETLKW64)
		       ? CAUSE_LOCK_FILE
		       : CAUSE_KERNEL_OTHER;
}

static enum cause path_cause(const struct seen *s)
{
	if (in_d_state(s))
		return CAUSE_KERNEL_OTHER;
	return S_ISFIFO(s->path_mode) ? CAUSE_IO_PIPE : CAUSE_IO_FILE;
}

/* Where the call tells, with its arguments. */
static enum cause call_cause(const struct seen *s)
{
	switch (s->class) {
	case CALL_FORK:
	case CALL_VFORK:
		return in_d_state(s) ? CAUSE_CHILD_VFORK : CAUSE_KERNEL_OTHER;
	case CALL_FCNTL:
		return fcntl_cause(s);
	case CALL_SYNC:
		return in_d_state(s) ? CAUSE_IO_DISK : CAUSE_KERNEL_OTHER;
	case CALL_PATH:
		return path_cause(s);
	case CALL_RESTART: /* which call it goes on with is not told */
		return CAUSE_UNKNOWN;
	}
	return CAUSE_KERNEL_OTHER;
}

/* Where the call alone tells. */
static const enum cause simple_causes[] = {
	[CALL_SLEEP] = CAUSE_TIMER_SLEEP,
	[CALL_SOCKET] = CAUSE_IO_SOCKET,
	[CALL_SYSV_MSG] = CAUSE_IPC_SYSV_MSG,
	[CALL_SYSV_SEM] = CAUSE_IPC_SYSV_SEM,
	[CALL_MQ] = CAUSE_IPC_POSIX_MQ,
	[CALL_URING] = CAUSE_IO_URING,
	[CALL_AIO] = CAUSE_IO_AIO,
	[CALL_SIGNAL] = CAUSE_SIGNAL_WAIT,
	[CALL_FLOCK] = CAUSE_LOCK_FILE,
	[CALL_FUTEX_WAIT] = CAUSE_SYNC_FUTEX,
	[CALL_EPOLL] = CAUSE_EVENT_EPOLL,
	[CALL_EPOLL_TIME] = CAUSE_EVENT_EPOLL,
};

static void in_call(const struct seen *s, struct seen_wait *w)
{
	switch (s->class) {
	case CALL_FUTEX:
		at_futex(s, w);
		return;
	case CALL_FD:
	case CALL_FD_BARE:
		at_fd(s, &s->fds[0], w);
		return;
	case CALL_FD_TO_FD:
	case CALL_FD_X_FD:
		at_two_fds(s, w);
		return;
	case CALL_POLL:
	case CALL_POLL_TIME:
		at_poll(s, CAUSE_EVENT_POLL, !s->args[1], w);
		return;
	case CALL_SELECT:
	case CALL_SELECT_TIME:
		at_poll(s, CAUSE_EVENT_SELECT, !(uint32_t)s->args[0], w);
		return;
	case CALL_CHILD:
	case CALL_CHILD_ID:
		for_child(s, w);
		return;
	}
	if (s->class < sizeof(simple_causes) / sizeof(*simple_causes) && simple_causes[s->class])
		wait_for(w, simple_causes[s->class]);
	else
		wait_for(w, call_cause(s));
	if (s->fds[0].fd >= 0)
		w->fd = &s->fds[0];
}

static void blocked(const struct seen *s, struct seen_wait *w)
{
	bool d = in_d_state(s), device = d && s->flags & SEEN_IOWAIT;

	w->is_deep = d;
	if (s->state & (TASK_STOPPED | TASK_TRACED))
		wait_for(w, s->state & TASK_STOPPED ? CAUSE_SIGNAL_STOP : CAUSE_SIGNAL_PTRACE);
	else if (s->flags & SEEN_FROZEN)
		wait_for(w, CAUSE_KERNEL_FREEZE);
	else if (s->flags & (SEEN_KERNEL | SEEN_EXITING))
		wait_for(w, device ? CAUSE_IO_DISK : CAUSE_KERNEL_OTHER);
	else if (s->nr < 0)
		wait_for(w, device ? CAUSE_FAULT_MAJOR : CAUSE_FAULT_MINOR);
	else
		in_call(s, w);
	/* A page fault inside a call for a futex, say, is no wait at that. */
	if (device && row_kind(w->row) != ROW_IO) {
		wait_for(w, CAUSE_IO_DISK);
		w->hints = 0;
	}
}

void seen_wait_of(const struct seen *s, struct seen_wait *ret)
{
	*ret = (struct seen_wait){ .row = ROW_UNKNOWN,
				   .is_timed = s->flags & (SEEN_TIMER | SEEN_ALARM) };
	if (s->exit_state)
		ret->state = STAND_DEAD;
	else if (s->flags & SEEN_ON_CPU)
		ret->state = STAND_RUNNING;
	else
		ret->state = s->state ? STAND_BLOCKED : STAND_QUEUED;
	if (ret->state == STAND_BLOCKED)
		blocked(s, ret);
}
