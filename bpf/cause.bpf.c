// SPDX-License-Identifier: GPL-2.0-only
/* What a thread waits for in a system call, where that is not told by one descriptor. */
#include "thread.bpf.h"
#include "arch.bpf.h"
#include "call.bpf.h"
#include "target.bpf.h"

/* Too large for the stack, of which there are 512 bytes for all calls together. One for each
 * CPU: a switch is not interrupted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64[32]);
} kernel_calls SEC(".maps");

/* Is the current task inside this kernel function? For what neither its state nor
 * its registers tell, such as a page fault that it met inside a system call. Costs
 * microseconds, so it is asked for rare or long waits only. A global
 * function: see thread.bpf.h. */
__noinline int is_inside(u64 start, u64 end)
{
	u32 zero = 0;
	u64 *stack = bpf_map_lookup_elem(&kernel_calls, &zero);
	long n;

	if (!stack)
		return 0;
	n = bpf_get_task_stack(bpf_get_current_task_btf(), stack, 32 * sizeof(*stack), 0);
	for (int i = 0; i < 32; i++) {
		if (i * 8 >= n)
			break;
		if (stack[i] >= start && stack[i] < end)
			return i + 1;
	}
	return 0;
}

u64 kernel_call(u32 i)
{
	u32 zero = 0;
	u64 *stack = bpf_map_lookup_elem(&kernel_calls, &zero);

	return stack && i < 32 ? stack[i] : 0;
}

/* "Locked, with waiters", by FUTEX_WAIT_BITSET: a mutex of glibc's with a time-out, behind which
 * its owner's number stands; a writer who waits for readers; or a mutex of Rust's. */
static __always_inline u32 hint_of_two(struct tracked *t, const struct call *call)
{
	u64 word = CALL_ARG0(call), timeout = CALL_ARG3(call);
	u32 owner = 0;

	if (timeout || is_glibc(CALL_ARG1(call)))
		owner = user_word(word + 8);
	if (owner && owner < PID_MAX_LIMIT)
		return LOCK_HINT_WORD;
	if (timeout || !track_locked(&t->locked_words, word))
		return LOCK_HINT_OTHER;
	return is_glibc(CALL_ARG1(call)) ? LOCK_HINT_RWLOCK : LOCK_HINT_AGAIN;
}

/* nptl/bits/struct_rwlock.h: both words that are waited at so, with the value 3 ("taken, and
 * somebody waits"), lie before the number of the thread that writes. Between two writers that
 * is 0: then it has to come twice, as with a mutex. */
static __always_inline bool is_rwlock(struct tracked *t, u64 word)
{
	u32 writer = user_word(word + (word & 4 ? 12 : 16));

	if (writer && writer < PID_MAX_LIMIT)
		return true;
	return !writer && track_locked(&t->locked_words, word);
}

/* By the operation and the value, as glibc and musl use them: a mutex waits with
 * FUTEX_WAIT for a word that says "locked, with waiters"; pthread_join with a
 * shared FUTEX_WAIT_BITSET for the thread's tid to be cleared (nptl). Rust's mutex:
 * see track_locked(). */
static __always_inline u32 futex_hint(struct tracked *t, const struct call *call)
{
	u32 op = CALL_ARG1(call), value = CALL_ARG2(call);

	switch (op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) {
	case FUTEX_WAIT:
		return value == 2	       ? LOCK_HINT_WORD
		       : value & FUTEX_WAITERS ? LOCK_HINT_ROBUST
					       : LOCK_HINT_OTHER;
	case FUTEX_WAIT_BITSET:
		if (value == 3 && is_rwlock(t, CALL_ARG0(call))) /* or a process-shared one */
			return LOCK_HINT_RWLOCK;
		if (!(op & FUTEX_PRIVATE_FLAG) && (op & FUTEX_CLOCK_REALTIME) && value > 2)
			return LOCK_HINT_JOIN;
		if (value == 2)
			return hint_of_two(t, call);
		return LOCK_HINT_OTHER;
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
		return LOCK_HINT_PI;
	case FUTEX_WAIT_REQUEUE_PI:
		return LOCK_HINT_REQUEUE;
	}
	return 0;
}

static __always_inline u32 futex_wait(struct tracked *t, const struct call *call)
{
	u64 word = CALL_ARG0(call), timeout = CALL_ARG3(call), run_ns;
	u32 hint = futex_hint(t, call), cause = futex_cause(hint);

	if (hint) {
		t->lock.word = word;
		t->lock.hint = hint | (timeout ? LOCK_HINT_TIMED : 0) |
			       (is_glibc(CALL_ARG1(call)) ? LOCK_HINT_GLIBC : 0) |
			       (CALL_ARG1(call) & FUTEX_PRIVATE_FLAG ? 0 : LOCK_HINT_SHARED);
		t->lock.state = LOCK_WAIT_CALLED;
	}
	if (cause != CAUSE_SYNC_FUTEX)
		return plain_wait(cause);
	if (timeout && !call->compat)
		return WAIT(cause, begin_futex(t, word, timeout, CALL_ARG1(call)));
	run_ns = bpf_get_current_task_btf()->se.sum_exec_runtime;
	return WAIT(cause, track_train(&t->train, word, run_ns, 0));
}

/* futex_waitv(2): the first of the words stands for all. */
static __always_inline u32 futex2_wait(struct tracked *t, const struct call *call)
{
	u64 word = CALL_ARG0(call), flags = CALL_ARG3(call), first[3] = {};

	if (call->nr == NR_FUTEX_WAITV) { /* struct futex_waitv: value, address, flags */
		bpf_probe_read_user(first, sizeof(first), (void *)word);
		word = first[1];
		flags = first[2];
	}
	if (word && !call->compat) {
		t->lock.word = word;
		t->lock.hint =
			LOCK_HINT_OTHER | (flags & FUTEX_PRIVATE_FLAG ? 0 : LOCK_HINT_SHARED);
		t->lock.state = LOCK_WAIT_CALLED;
	}
	return plain_wait(CAUSE_SYNC_FUTEX);
}

/* A lock that the kernel keeps itself; the word says which. */
static __always_inline u32 kernel_wait(struct tracked *t, u32 word, u32 hint, u32 cause)
{
	t->lock.word = word;
	t->lock.hint = hint | LOCK_HINT_SHARED;
	t->lock.state = LOCK_WAIT_CALLED;
	return plain_wait(cause);
}

static __always_inline u32 fcntl_wait(struct tracked *t, const struct call *call)
{
	if (is_file_lock(call))
		return kernel_wait(t, CALL_ARG0(call), LOCK_HINT_FILE, CAUSE_LOCK_FILE);
	return plain_wait(CAUSE_KERNEL_OTHER);
}

/* vfork's parent waits killably (wait_for_vfork_done), whichever call it used. */
static __always_inline u32 fork_cause(u32 state)
{
	return in_d_state(state) ? CAUSE_CHILD_VFORK : CAUSE_KERNEL_OTHER;
}

/* A global function: see thread.bpf.h. */
__noinline u32 path_wait(u32 state)
{
	return plain_wait(path_cause(bpf_get_current_task_btf(), state));
}

/* Where the call alone tells. */
static __always_inline u32 simple_cause(u32 class)
{
	switch (class) {
	case CALL_SLEEP:
		return CAUSE_TIMER_SLEEP;
	case CALL_CHILD:
	case CALL_CHILD_ID:
		return CAUSE_CHILD_WAIT;
	case CALL_SOCKET:
		return CAUSE_IO_SOCKET;
	case CALL_SYSV_MSG:
		return CAUSE_IPC_SYSV_MSG;
	case CALL_MQ:
		return CAUSE_IPC_POSIX_MQ;
	}
	return CAUSE_KERNEL_OTHER;
}

static __always_inline u32 poll_wait(struct tracked *t, const struct call *call, u32 is_time)
{
	if (!CALL_ARG1(call))
		return plain_wait(CAUSE_TIMER_SLEEP);
	waits_seen = 1;
	t->event.watched = CALL_ARG1(call);
	if (!call->compat)
		begin_poll(t, CALL_ARG0(call), CALL_ARG1(call), CALL_ARG2(call), is_time);
	return plain_wait(CAUSE_EVENT_POLL);
}

static __always_inline u32 select_wait(struct tracked *t, const struct call *call, u32 part_ns)
{
	u32 n = CALL_ARG0(call);

	if (!n)
		return plain_wait(CAUSE_TIMER_SLEEP);
	waits_seen = 1;
	t->event.sets[0] = CALL_ARG1(call);
	t->event.sets[1] = CALL_ARG2(call);
	t->event.sets[2] = CALL_ARG3(call);
	begin_select(t, n, CALL_ARG4(call), call->compat ? 0 : part_ns);
	return plain_wait(CAUSE_EVENT_SELECT);
}

static __always_inline u32 epoll_wait(struct tracked *t, const struct call *call, u32 is_time)
{
	waits_seen = 1;
	begin_epoll(t, CALL_ARG0(call), CALL_ARG3(call), is_time);
	return plain_wait(CAUSE_EVENT_EPOLL);
}

/* In state D it waits for a device in the middle of its requests, not for their end. */
static __always_inline u32 ring_wait(struct tracked *t, const struct call *call, u32 state)
{
	u32 flags = in_d_state(state) ? 0 : CALL_ARG3(call);

	ring_begin(t, CALL_ARG0(call), CALL_ARG2(call), flags);
	return plain_wait(CAUSE_IO_URING);
}

/* After stop and continue a sleep goes on under the number of restart_syscall. */
static __always_inline u32 restarted_wait(struct tracked *t)
{
	return plain_wait(t->track.ledger.blocks ? t->last_call_cause : CAUSE_UNKNOWN);
}

static __always_inline u32 class_wait(struct tracked *t, const struct call *call, u32 state)
{
	switch (class_of(call)) {
	case CALL_FUTEX:
		waits_seen = 1;
		return futex_wait(t, call);
	case CALL_FUTEX_WAIT:
		return futex2_wait(t, call);
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
	case CALL_VFORK:
		return plain_wait(fork_cause(state));
	case CALL_SIGNAL:
		t->event.resolve = RESOLVE_SIGNAL;
		wait_with_id(&t->io, t->pid);
		return plain_wait(CAUSE_SIGNAL_WAIT);
	case CALL_FD_TO_FD:
		return two_fd_wait(t, CALL_ARG0(call), CALL_ARG1(call), state);
	case CALL_FD_X_FD:
		return two_fd_wait(t, CALL_ARG0(call), CALL_ARG2(call), state);
	case CALL_FCNTL:
		return fcntl_wait(t, call);
	case CALL_FLOCK:
		return kernel_wait(t, CALL_ARG0(call), LOCK_HINT_FILE, CAUSE_LOCK_FILE);
	case CALL_SYSV_SEM:
		return kernel_wait(t, CALL_ARG0(call), LOCK_HINT_SYSV, CAUSE_IPC_SYSV_SEM);
	case CALL_SYNC:
		return plain_wait(in_d_state(state) ? CAUSE_IO_DISK : CAUSE_KERNEL_OTHER);
	case CALL_RESTART:
		return restarted_wait(t);
	case CALL_URING:
		return ring_wait(t, call, state);
	case CALL_AIO:
		aio_begin(t);
		return plain_wait(CAUSE_IO_AIO);
	case CALL_SYSV_MSG:
		wait_with_id(&t->io, (u32)CALL_ARG0(call));
		break;
	case CALL_MQ:
		wait_for_file(t, fd_file(CALL_ARG0(call)), CALL_ARG0(call), 0, 0);
		break;
	case CALL_PATH:
		t->io.file = IO_BY_NAME;
		return path_wait(state);
	}
	return plain_wait(simple_cause(class_of(call)));
}

u32 call_wait(struct tracked *t, u32 state)
{
	struct call call;

	if (!t)
		return plain_wait(CAUSE_UNKNOWN);
	read_call(bpf_get_current_task_btf(), &call);
	return class_wait(t, &call, state);
}

char LICENSE[] SEC("license") = "GPL";
