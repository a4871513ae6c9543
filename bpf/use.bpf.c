// SPDX-License-Identifier: GPL-2.0-only
/*
 * How threads do their input and output, where no wait tells: in which calls the clock finds them, on
 * what and with which flags; and signals that tell them that a descriptor is ready.
 */
#include "target.bpf.h"
#include "use.h"

/* include/uapi/asm-generic/fcntl.h: as x86 and arm64 have them */
#define O_NONBLOCK 00004000
#define FASYNC	   00020000
/* include/asm-generic/signal.h, siginfo.h: as x86 and arm64 number them */
#define SIGIO	 29
#define SIGRTMIN 32
#define SI_SIGIO (-5)
#define POLL_IN	 1
#define POLL_HUP 6
/* include/linux/sched/signal.h: of the kernel's own, with no more to say */
#define SEND_SIG_PRIV 1
/* include/linux/socket.h */
#define MSG_DONTWAIT 0x40

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, USES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct use_key);
	__type(value, struct use_sum);
} uses SEC(".maps");

/* For io_target_of(): too large for the stack. The clock does not interrupt itself. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct io_wait);
} use_waits SEC(".maps");

static __always_inline void count_use(const struct use_key *key, u32 fd)
{
	struct use_sum *known = bpf_map_lookup_elem(&uses, key), first = { .count = 1, .fd = fd };

	if (!known && bpf_map_update_elem(&uses, key, &first, BPF_NOEXIST)) {
		known = bpf_map_lookup_elem(&uses, key); /* another CPU was faster */
		if (!known)
			__sync_fetch_and_add(&lost[LOSS_USES], 1);
	} else if (!known) {
		return;
	}
	if (!known)
		return;
	__sync_fetch_and_add(&known->count, 1);
	if (known->fd != fd)
		known->fd = TARGET_NO_FD;
}

/* The names of targets are put together in memory of the CPU's. A switch is not interrupted while it
 * does that; a completion of io_uring is. */
static __always_inline u32 target_of(struct tracked *t, struct file *file, u32 fd, u32 cause)
{
	u32 zero = 0, index;
	struct io_wait *wait = bpf_map_lookup_elem(&use_waits, &zero);
	struct opened opened;

	if (!wait || rings_seen || aio_seen)
		return 0;
	read_file(file, &opened);
	__builtin_memset(wait->slots, 0, sizeof(wait->slots));
	wait_with(wait, &opened, fd);
	wait->cause = cause;
	wait->object = 0;
	wait->sampled = 1;
	wait->next = 0;
	index = io_target_of(t, wait);
	io_sampled(index);
	return index;
}

static __always_inline void see_descriptor(struct tracked *t, struct use_key *key, u32 fd)
{
	struct file *file = (struct file *)fd_file(fd);
	u32 flags;

	if (!file)
		return;
	flags = BPF_CORE_READ(file, f_flags);
	if (flags & O_NONBLOCK)
		key->flags |= USE_NONBLOCK;
	if (flags & FASYNC)
		key->flags |= USE_ASYNC;
	key->cause = WAIT_CAUSE(file_target((u64)file, fd));
	if (key->cause >= CAUSE_COUNT)
		key->cause = CAUSE_UNKNOWN;
	else
		key->target = target_of(t, file, fd, key->cause);
}

static __always_inline u32 flag_if(bool is_set, u32 flag)
{
	return is_set ? flag : 0;
}

/* Both words of what a pointer of the program's leads to are 0: a time-out that has passed already. */
static __always_inline bool is_no_time(u64 pointer)
{
	u64 time[2];

	return pointer && !bpf_probe_read_user(time, sizeof(time), (void *)pointer) && !time[0] &&
	       !time[1];
}

static __always_inline bool says_dontwait(const struct call *call)
{
	unsigned long nr = call->nr;
	u32 at;

	if (call->compat || nr >= CALL_TABLE)
		return false;
	barrier_var(nr);
	at = calls_message_flags[nr & (CALL_TABLE - 1)];
	return (at == 3 && CALL_ARG2(call) & MSG_DONTWAIT) ||
	       (at == 4 && CALL_ARG3(call) & MSG_DONTWAIT);
}

/* A wait for many descriptors: how it ends if there are none. Returns false if it is for none. */
static __always_inline bool see_many(struct use_key *key, const struct call *call, u32 class)
{
	u64 a3 = CALL_ARG3(call), a2 = CALL_ARG2(call);

	switch (class) {
	case CALL_EPOLL:
		key->cause = CAUSE_EVENT_EPOLL;
		key->flags = flag_if(!(u32)a3, USE_AT_ONCE);
		return true;
	case CALL_EPOLL_TIME:
		key->cause = CAUSE_EVENT_EPOLL;
		key->flags = flag_if(is_no_time(a3), USE_AT_ONCE);
		return true;
	case CALL_POLL:
		key->cause = CAUSE_EVENT_POLL;
		key->flags = flag_if(!(u32)a2, USE_AT_ONCE);
		return CALL_ARG1(call);
	case CALL_POLL_TIME:
		key->cause = CAUSE_EVENT_POLL;
		key->flags = flag_if(is_no_time(a2), USE_AT_ONCE);
		return CALL_ARG1(call);
	case CALL_SELECT:
	case CALL_SELECT_TIME:
		key->cause = CAUSE_EVENT_SELECT;
		key->flags = flag_if(is_no_time(CALL_ARG4(call)), USE_AT_ONCE);
		return CALL_ARG0(call);
	case CALL_URING: /* without waiting for a completion it only hands over */
		key->cause = CAUSE_IO_URING;
		key->flags = flag_if(!(u32)a2, USE_AT_ONCE);
		return true;
	case CALL_AIO:
		key->cause = CAUSE_IO_AIO;
		return true;
	}
	return false;
}

static __always_inline bool is_on_descriptor(u32 class)
{
	return class == CALL_FD || class == CALL_FD_BARE || class == CALL_FD_TO_FD ||
	       class == CALL_FD_X_FD;
}

int use_sampled(struct tracked *t, u32 in_kernel)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct use_key key = { .what = USE_RUNNING, .nr = USE_NO_CALL };
	u32 class = CALL_OTHER, fd = TARGET_NO_FD;
	struct call call;

	if (!t)
		return 0;
	key.thread_id = t->id;
	read_call(task, &call);
	/* An interrupt of the program's own code leaves no number of a call there. */
	if (in_kernel && call.nr >= 0 && has_user_code(task))
		class = class_of(&call);
	if (is_on_descriptor(class)) {
		key.what = USE_CALL;
		fd = CALL_ARG0(&call);
		see_descriptor(t, &key, fd);
		if (says_dontwait(&call))
			key.flags |= USE_NONBLOCK;
	} else if (see_many(&key, &call, class)) {
		key.what = USE_CALL;
		if (class == CALL_EPOLL || class == CALL_EPOLL_TIME)
			fd = CALL_ARG0(&call);
	} else {
		key.cause = CAUSE_UNKNOWN;
		key.flags = 0;
	}
	if (key.what == USE_CALL && !call.compat)
		key.nr = call.nr;
	count_use(&key, fd);
	return 0;
}

/* fs/fcntl.c, send_sigio_to_task(): whatever the signal is that the program chose, by F_SETSIG. */
static __always_inline bool is_of_descriptor(s32 code, u32 sig)
{
	if (sig == SIGIO)
		return code > 0;
	return sig >= SIGRTMIN ? code >= POLL_IN && code <= POLL_HUP : code == SI_SIGIO;
}

int use_signalled(struct tracked *t, u64 info, u32 sig)
{
	struct use_key key = { .what = USE_SIGNAL, .nr = USE_NO_CALL };
	struct kernel_siginfo *from = (struct kernel_siginfo *)info;
	bool has_more = info > SEND_SIG_PRIV;
	s32 code = info == SEND_SIG_PRIV;

	if (has_more)
		code = BPF_CORE_READ(from, si_code);
	if (!t || !is_of_descriptor(code, sig))
		return 0;
	key.thread_id = t->id;
	count_use(&key, has_more ? BPF_CORE_READ(from, _sifields._sigpoll._fd) : TARGET_NO_FD);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
