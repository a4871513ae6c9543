// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a switch-out cannot show of futex, epoll, poll and select: calls that did not block,
 * results, wakes; and what goes through channels. The tracepoint fires for each system call of the machine, so
 * it is attached in short windows, or on request; one for the exit is enough,
 * since the registers still hold the arguments there.
 */
#include "thread.bpf.h"
#include "arch.bpf.h"
#include "event_lock.h"

#define EAGAIN	  11
#define ETIMEDOUT 110

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct calls_sums);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct lock_key);
	__type(value, struct lock_calls);
} lock_calls SEC(".maps");

static const struct lock_calls no_calls;

/* Is it certain that the thread did not sleep in the call that it leaves? If it had, it
 * would have begun to wait since the last call that we saw return. */
static __always_inline bool went_through(struct tracked *t)
{
	bool slept = t->loop.begun != t->loop.seen;

	t->loop.seen = t->loop.begun;
	return !slept;
}

static __always_inline void count_wait(struct calls_sums *s, long result)
{
	s->futex_waits++;
	if (result == -EAGAIN)
		s->futex_again++;
	else if (result == -ETIMEDOUT)
		s->futex_timeouts++;
	else if (result >= 0)
		s->futex_blocked++;
}

static __always_inline void count_wakes(struct calls_sums *s, long result)
{
	s->futex_wakes++;
	if (result > 0)
		s->futex_woken += result;
	else
		s->futex_wake_none++;
}

/* NULL: there is no room, which is counted. */
static __always_inline struct lock_calls *calls_at(struct tracked *t, u64 word, u32 op)
{
	struct lock_key key = { .space = t->space, .word = word };
	struct lock_calls *c;

	if (!(op & FUTEX_PRIVATE_FLAG))
		lock_find_shared(&key);
	c = bpf_map_lookup_elem(&lock_calls, &key);
	if (c)
		return c;
	bpf_map_update_elem(&lock_calls, &key, &no_calls, BPF_NOEXIST);
	c = bpf_map_lookup_elem(&lock_calls, &key);
	if (!c)
		__sync_fetch_and_add(&lost[LOSS_CALLS], 1);
	return c;
}

static __always_inline void wait_at(struct tracked *t, u64 word, u32 op, long result)
{
	struct lock_calls *c = calls_at(t, word, op);

	if (!c)
		return;
	__sync_fetch_and_add(&c->waits, 1);
	if (result == -EAGAIN)
		__sync_fetch_and_add(&c->again, 1);
}

static __always_inline void wake_at(struct tracked *t, u64 word, u32 op, long result)
{
	struct lock_calls *c = calls_at(t, word, op);

	if (!c)
		return;
	__sync_fetch_and_add(&c->wakes, 1);
	if (result > 0)
		__sync_fetch_and_add(&c->woken, result);
	else
		__sync_fetch_and_add(&c->wake_none, 1);
}

static __always_inline void count_futex(struct calls_sums *s, struct tracked *t,
					const struct call *call, long result)
{
	u64 word = CALL_ARG0(call);
	u32 op = CALL_ARG1(call);

	switch (op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
	case FUTEX_LOCK_PI:
	case FUTEX_LOCK_PI2:
	case FUTEX_WAIT_REQUEUE_PI:
		count_wait(s, result);
		wait_at(t, word, op, result);
		return;
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
	case FUTEX_WAKE_OP:
		count_wakes(s, result);
		wake_at(t, word, op, result);
		return;
	}
	s->futex_other++;
}

/* The word, no operation: its flags are the fourth argument. */
static __always_inline void count_futex2(struct calls_sums *s, struct tracked *t,
					 const struct call *call, long result)
{
	u64 word = CALL_ARG0(call);
	u32 flags = CALL_ARG3(call);

	switch (call->nr) {
	case NR_FUTEX_WAITV:
		count_wait(s, result);
		return;
	case NR_FUTEX_WAIT:
		count_wait(s, result);
		wait_at(t, word, flags, result);
		return;
	case NR_FUTEX_WAKE:
		count_wakes(s, result);
		wake_at(t, word, flags, result);
		return;
	}
	s->futex_other++;
}

/* Without a descriptor poll and select are sleeps. */
static __always_inline u32 loop_cause(u32 class, const struct call *call)
{
	switch (class) {
	case CALL_EPOLL:
	case CALL_EPOLL_TIME:
		return CAUSE_EVENT_EPOLL;
	case CALL_POLL:
	case CALL_POLL_TIME:
		return CALL_ARG1(call) ? CAUSE_EVENT_POLL : 0;
	case CALL_SELECT:
	case CALL_SELECT_TIME:
		return (u32)CALL_ARG0(call) ? CAUSE_EVENT_SELECT : 0;
	}
	return 0;
}

static __always_inline void count_loop(struct calls_sums *s, struct tracked *t, u32 cause, u32 fd,
				       long result)
{
	bool through = went_through(t);
	struct loop_call call = { .result = result,
				  .cause = cause,
				  .fd = cause == CAUSE_EVENT_EPOLL ? fd : 0,
				  .at_once = through };

	loop_called(t, &call);
	if (cause != CAUSE_EVENT_EPOLL)
		return;
	s->epoll_waits++;
	if (result > 0) {
		s->epoll_events += result;
		s->epoll_ready += through;
	} else {
		s->epoll_empty++;
	}
}

static __always_inline bool is_new_futex(const struct call *call)
{
	return call->nr == NR_FUTEX_WAKE || call->nr == NR_FUTEX_REQUEUE;
}

/* Of a queue's message any size is one; of a file none is its end. */
static __always_inline bool has_moved(u32 row, long result)
{
	u32 class = row & CALL_CLASS;

	if (!(row & (CALL_READS | CALL_WRITES)))
		return false;
	return class == CALL_MQ || class == CALL_SYSV_MSG ? result >= 0 : result > 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(cp_call, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct calls_sums *s;
	struct tracked *t;
	struct call call;
	u32 row, class, loop, zero = 0;
	bool moved;

	parse_call(task, regs, &call);
	row = row_of_call(&call);
	class = row & CALL_CLASS;
	moved = has_moved(row, result);
	loop = loop_cause(class, &call);
	if (!moved && !loop && class != CALL_FUTEX && class != CALL_FUTEX_WAIT &&
	    !is_new_futex(&call))
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, 0);
	s = bpf_map_lookup_elem(&calls, &zero);
	if (!t || !s || t->role || stopped)
		return 0;
	if (moved)
		message_moved(row, CALL_ARG0(&call),
			      class == CALL_FD_X_FD ? CALL_ARG2(&call) : CALL_ARG1(&call));
	else if (loop)
		count_loop(s, t, loop, CALL_ARG0(&call), result);
	else if (class == CALL_FUTEX)
		count_futex(s, t, &call, result);
	else
		count_futex2(s, t, &call, result);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
