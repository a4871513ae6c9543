// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which descriptor a wait for several was ended by. Poll and select tell it to the program alone, in memory
 * that is soon used for the next call; but when the wait ends, nobody has taken yet what it ended by.
 */
#include "target.bpf.h"

/* include/uapi/linux/magic.h */
#define PIPEFS_MAGIC 0x50495045
/* include/net/sock.h */
#define RCV_SHUTDOWN  1
#define SHUTDOWN_MASK 3
/* include/net/tcp_states.h, include/uapi/linux/in.h */
#define TCP_SYN_SENT 2
#define IPPROTO_UDP  17

static __always_inline u32 is_ready(bool yes)
{
	return yes ? READY : READY_NOT;
}

/* Who polls a socket to write finds it without space marked so, until there is some. */
static __always_inline u32 tcp_ready(struct socket *socket, struct sock *sk, u32 state, u32 events)
{
	struct inet_connection_sock *listener = (struct inet_connection_sock *)sk;

	if (state == TCP_LISTEN)
		return is_ready(BPF_CORE_READ(listener, icsk_accept_queue.rskq_accept_head));
	if (events & READY_TO_READ && BPF_CORE_READ(sk, sk_receive_queue.qlen))
		return BPF_CORE_READ(sk, sk_rcvlowat) > 1 ? READY_UNKNOWN : READY;
	if (!(events & READY_TO_WRITE) || state == TCP_SYN_SENT)
		return READY_NOT;
	return is_ready(!(BPF_CORE_READ(socket, flags) & 1 << SOCK_NOSPACE));
}

static __always_inline u32 socket_ready(struct socket *socket, u32 events)
{
	struct sock *sk = BPF_CORE_READ(socket, sk);
	u32 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	u32 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	u32 protocol = BPF_CORE_READ(sk, sk_protocol);
	u32 shutdown = BPF_CORE_READ(sk, sk_shutdown) & SHUTDOWN_MASK;
	bool is_inet = family == AF_INET || family == AF_INET6;

	if (shutdown == SHUTDOWN_MASK || BPF_CORE_READ(sk, sk_err) ||
	    BPF_CORE_READ(sk, sk_error_queue.qlen) ||
	    (shutdown & RCV_SHUTDOWN && events & READY_TO_READ))
		return READY;
	if (is_inet && protocol == IPPROTO_TCP)
		return tcp_ready(socket, sk, state, events);
	if (events & READY_TO_READ && BPF_CORE_READ(sk, sk_receive_queue.qlen))
		return READY;
	if (events & READY_TO_WRITE)
		return READY_UNKNOWN;
	return (is_inet && protocol == IPPROTO_UDP) || family == AF_UNIX || family == AF_NETLINK
		       ? READY_NOT
		       : READY_UNKNOWN;
}

static __always_inline u32 pipe_ready(const struct opened *o, u32 events)
{
	struct inode *inode = o->inode;
	struct pipe_inode_info *pipe = BPF_CORE_READ(inode, i_pipe);
	u32 used = BPF_CORE_READ(pipe, head) - BPF_CORE_READ(pipe, tail);

	if (o->f_mode & FMODE_READ && events & READY_TO_READ && used)
		return READY;
	if (o->f_mode & FMODE_WRITE && events & READY_TO_WRITE &&
	    used < BPF_CORE_READ(pipe, max_usage))
		return READY;
	if (o->f_mode & FMODE_READ ? BPF_CORE_READ(pipe, writers) : BPF_CORE_READ(pipe, readers))
		return READY_NOT;
	/* A FIFO may not have had another end yet. */
	return BPF_CORE_READ(inode, i_sb, s_magic) == PIPEFS_MAGIC ? READY : READY_UNKNOWN;
}

static __always_inline u32 object_ready(struct file *file, u32 events)
{
	void *object = BPF_CORE_READ(file, private_data);

	if (events & READY_TO_WRITE)
		return READY_UNKNOWN;
	switch (anonymous_cause(file)) {
	case CAUSE_EVENT_EVENTFD:
		if (bpf_core_type_exists(struct eventfd_ctx))
			return is_ready(BPF_CORE_READ((struct eventfd_ctx *)object, count));
		break;
	case CAUSE_TIMER_TIMERFD:
		if (bpf_core_type_exists(struct timerfd_ctx))
			return is_ready(BPF_CORE_READ((struct timerfd_ctx *)object, ticks));
		break;
	}
	return READY_UNKNOWN;
}

u32 file_ready(u64 file, u32 events)
{
	struct file *opened = (struct file *)file;
	struct inode *inode;
	struct opened o;

	if (!file)
		return READY_UNKNOWN;
	read_file(opened, &o);
	inode = o.inode;
	switch (o.mode & S_IFMT) {
	case S_IFSOCK:
		return socket_ready(BPF_CORE_READ(opened, private_data), events);
	case S_IFIFO:
		return pipe_ready(&o, events);
	case S_IFCHR:
	case S_IFBLK:
	case S_IFDIR:
		return READY_UNKNOWN;
	}
	/* Some kernels say that anonymous ones are regular files. */
	return BPF_CORE_READ(inode, i_sb, s_magic) == ANON_INODE_FS_MAGIC
		       ? object_ready(opened, events)
		       : READY_UNKNOWN;
}

/* A signal may have ended a wait. */
static __always_inline bool is_signalled(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	return (BPF_CORE_READ(task, pending.signal.sig[0]) |
		BPF_CORE_READ(signal, shared_pending.signal.sig[0])) &
	       ~BPF_CORE_READ(task, blocked.sig[0]);
}

u32 poll_ended_by(struct tracked *t, u64 task, u32 late)
{
	u32 unknown = 0, last = 0, ready;

	if (!t)
		return NOT_ENDED_BY;
	for (u32 i = 0; i < SET_MAX; i++) {
		if (i >= t->event.looked)
			break;
		ready = file_ready(t->event.items[i].file, t->event.items[i].events);
		if (ready == READY)
			return i;
		if (ready == READY_UNKNOWN) {
			unknown++;
			last = i;
		}
	}
	if (t->event.looked != t->event.watched)
		return NOT_ENDED_BY;
	if (!unknown && t->event.watched > 1)
		return ENDED_BY_NONE;
	if (unknown > 1 || late || is_signalled((struct task_struct *)task))
		return NOT_ENDED_BY;
	return last; /* ready or not */
}

int look_again(struct tracked *t)
{
	if (!t)
		return 0;
	t->io.crowd =
		file_ready(t->io.file, t->io.events) == READY_NOT ? CROWD_NOTHING : CROWD_SOMETHING;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
