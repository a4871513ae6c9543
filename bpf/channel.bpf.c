// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who ended whose waits. Whoever wakes a thread is looked at when it does so, and believed when
 * the wait is over and it is known what it was for: the waker's call must have been on the other
 * end of that. An interrupt comes upon anybody.
 */
#include "target.bpf.h"
#include "arch.bpf.h"
#include "channel.h"

/* What a wake-up of such a thread has to have been caused by. */
#define CHANNELS                                                                                   \
	(BIT(CAUSE_IO_PIPE) | BIT(CAUSE_IO_SOCKET) | BIT(CAUSE_EVENT_EVENTFD) |                    \
	 BIT(CAUSE_EVENT_EPOLL) | BIT(CAUSE_EVENT_POLL) | BIT(CAUSE_EVENT_SELECT) |                \
	 BIT(CAUSE_IPC_SYSV_MSG) | BIT(CAUSE_IPC_POSIX_MQ) | BIT(CAUSE_SIGNAL_WAIT) |              \
	 BIT(CAUSE_EVENT_SIGNALFD))

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WAKES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct wake_key);
	__type(value, struct wake_sums);
} wakes SEC(".maps");

/* ... of the kernel's clock, and how many wake-ups have been looked at in it. */
__u64 wakes_period = 0, wakes_looked_at = 0;

static const struct wake_sums new_wakes;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SIGNALS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct signal_key);
	__type(value, struct signal_sums);
} signals SEC(".maps");

/* --- when it is woken -------------------------------------------------------------------- */

static __always_inline u16 port_of_name(u64 name)
{
	u16 parts[2] = {}; /* struct sockaddr_in, struct sockaddr_in6: family and port */

	if (!name || bpf_probe_read_user(parts, sizeof(parts), (const void *)name))
		return 0;
	return parts[0] == AF_INET || parts[0] == AF_INET6 ? __builtin_bswap16(parts[1]) : 0;
}

/* Where a datagram of a socket that is not connected goes. */
static __always_inline u16 port_of_call(const struct call *call)
{
	u64 name = 0;

	if (call->compat)
		return 0;
	if (call->nr == NR_SENDTO)
		return port_of_name(CALL_ARG4(call));
	if (call->nr == NR_SENDMSG || call->nr == NR_SENDMMSG) /* both begin with the name */
		bpf_probe_read_user(&name, sizeof(name), (const void *)CALL_ARG1(call));
	return port_of_name(name);
}

#define V4_IN_V6 0xffff0000 /* ::ffff:0:0, in network order */

/* What is the same of an address at either end, be that AF_INET or a mapped one of AF_INET6; others of AF_INET6 are
 * mixed to 32 bits. */
static __always_inline u32 address_of(struct sock *sk, bool is_far)
{
	struct in6_addr a = {};

	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
		return (is_far ? BPF_CORE_READ(sk, __sk_common.skc_daddr)
			       : BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr)) ^
		       V4_IN_V6;
	if (is_far)
		bpf_core_read(&a, sizeof(a), &sk->__sk_common.skc_v6_daddr);
	else
		bpf_core_read(&a, sizeof(a), &sk->__sk_common.skc_v6_rcv_saddr);
	return a.in6_u.u6_addr32[0] ^ a.in6_u.u6_addr32[1] ^ a.in6_u.u6_addr32[2] ^
	       a.in6_u.u6_addr32[3];
}

static __always_inline void note_sock(struct wake_up *w, struct file *file, const struct call *call)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);

	w->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (w->family == AF_UNIX)
		return;
	w->local = BPF_CORE_READ(sk, __sk_common.skc_num);
	w->remote = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (!w->remote) {
		w->remote = port_of_call(call);
		return;
	}
	w->is_connected = 1;
	w->near = address_of(sk, false);
	w->far = address_of(sk, true);
}

static __always_inline void note_file(struct wake_up *w, u32 fd, const struct call *call)
{
	struct file *file = (struct file *)fd_file(fd);
	struct inode *inode;

	if (!file)
		return;
	inode = BPF_CORE_READ(file, f_inode);
	w->files[w->n_files & 1] = (u64)file;
	w->inodes[w->n_files & 1] = (u64)inode;
	w->n_files++;
	if ((BPF_CORE_READ(inode, i_mode) & S_IFMT) == S_IFSOCK)
		note_sock(w, file, call);
}

static __always_inline u32 call_wakes(struct wake_up *w, const struct call *call)
{
	switch (class_of(call)) {
	case CALL_FD:
	case CALL_FD_BARE:
	case CALL_MQ:
		note_file(w, CALL_ARG0(call), call);
		return WAKE_BY_FILE;
	case CALL_FD_TO_FD:
		note_file(w, CALL_ARG0(call), call);
		note_file(w, CALL_ARG1(call), call);
		return WAKE_BY_FILE;
	case CALL_FD_X_FD:
		note_file(w, CALL_ARG0(call), call);
		note_file(w, CALL_ARG2(call), call);
		return WAKE_BY_FILE;
	case CALL_SYSV_MSG:
		w->id = CALL_ARG0(call);
		return WAKE_BY_ID;
	case CALL_KILL:
		return WAKE_BY_SIGNAL;
	case CALL_CLOSE:
		return WAKE_BY_CLOSING;
	case CALL_PATH: /* execve(2) closes, and to open a FIFO wakes who waits for that */
		return WAKE_BY_OPENING;
	case CALL_URING:
		return WAKE_BY_RING;
	}
	return WAKE_BY_NOBODY;
}

static __always_inline u32 how_it_wakes(struct task_struct *task, struct wake_up *w)
{
	struct call call;

	if (!task->pid || task->flags & PF_KTHREAD)
		return WAKE_BY_NOBODY;
	if (task->flags & (PF_IO_WORKER | PF_USER_WORKER))
		return WAKE_BY_RING;
	if (task->flags & PF_EXITING)
		return WAKE_BY_EXIT;
	read_call(task, &call);
	return call.nr < 0 ? WAKE_BY_NOBODY : call_wakes(w, &call);
}

static __always_inline void note_waker(struct tracked *t)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct wake_up *w = &t->wake;
	struct tracked *by;

	__builtin_memset(w, 0, sizeof(*w));
	t->wake_seen = 1;
	w->how = how_it_wakes(task, w);
	if (w->how == WAKE_BY_NOBODY)
		return;
	by = bpf_task_storage_get(&threads, task, 0, 0);
	if (by && by->role == ROLE_TRACKED) {
		/* The last of its threads closes what the process had. */
		w->by = task->flags & PF_EXITING ? by->process_id : by->id;
		return;
	}
	w->by = WAKER_OUTSIDE | number_of(BPF_CORE_READ(task, group_leader, thread_pid));
	bpf_get_current_comm(w->comm, sizeof(w->comm));
}

/* What is a lock has holders instead. */
__noinline int channel_woken_at_futex(struct tracked *t)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct wake_up *w;

	if (!t || !channel_has_time())
		return 0;
	wakes_looked_at++;
	w = &t->wake;
	t->wake_seen = 1;
	w->how = WAKE_AT_FUTEX;
	w->by = t->lock.waker;
	if (w->by != LOCK_WAKER_OUTSIDE)
		return 0;
	w->by = WAKER_OUTSIDE | number_of(BPF_CORE_READ(task, group_leader, thread_pid));
	bpf_get_current_comm(w->comm, sizeof(w->comm));
	return 0;
}

/* Of a thread that is not at a lock; before the wake-up itself, which may turn out to be none. */
__noinline int channel_woken(struct tracked *t)
{
	u64 from = 0;

	if (!t || t->arrived || t->role || t->track.off != OFF_BLOCKED ||
	    t->track.cause >= CAUSE_COUNT || !(CHANNELS & BIT(t->track.cause)) ||
	    !channel_has_time())
		return 0;
	if (++wakes_looked_at % COST_SAMPLE == 0)
		from = bpf_ktime_get_ns();
	note_waker(t);
	if (from)
		add_cost(COST_WAKING, from);
	return 0;
}

/* --- when it runs again ------------------------------------------------------------------ */

static __always_inline struct sock *sock_waited_for(const struct tracked *t)
{
	struct file *file = (struct file *)t->io.file;
	struct socket *socket = BPF_CORE_READ(file, private_data);

	return BPF_CORE_READ(socket, sk);
}

static __always_inline bool is_local(struct sock *sk)
{
	u32 address;

	switch (BPF_CORE_READ(sk, __sk_common.skc_family)) {
	case AF_UNIX:
		return true;
	case AF_INET:
		address = BPF_CORE_READ(sk, __sk_common.skc_daddr);
		return (address & 0xff) == 127 ||
		       address == BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	case AF_INET6:
		return address_of(sk, true) == address_of(sk, false);
	}
	return false;
}

/* Two ends of one connection on this machine; or one that connects, or sends datagrams. */
static __always_inline bool is_other_end(const struct tracked *t)
{
	struct sock *sk = sock_waited_for(t);
	u16 local = BPF_CORE_READ(sk, __sk_common.skc_num),
	    remote = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));

	if (t->wake.how != WAKE_BY_FILE)
		return is_local(sk);
	if (!t->wake.family || t->wake.family == AF_UNIX)
		return t->wake.family == BPF_CORE_READ(sk, __sk_common.skc_family);
	if (t->wake.is_connected && remote &&
	    (t->wake.far != address_of(sk, false) || t->wake.near != address_of(sk, true)))
		return false;
	return t->wake.remote == local && (!remote || t->wake.local == remote);
}

static __always_inline bool is_same_file(const struct tracked *t)
{
	const struct wake_up *w = &t->wake;

	/* All anonymous files have one inode. */
	if ((t->io.mode & S_IFMT) == S_IFIFO || t->track.cause == CAUSE_IPC_POSIX_MQ)
		return t->io.inode == w->inodes[0] || t->io.inode == w->inodes[1];
	return t->io.file == w->files[0] || t->io.file == w->files[1];
}

/* Something is closed, or done by io_uring, and not said what. */
static __always_inline bool may_be(const struct tracked *t)
{
	if (t->io.file > IO_LAST_SPECIAL && (t->io.mode & S_IFMT) == S_IFSOCK)
		return t->wake.how != WAKE_BY_OPENING && is_other_end(t);
	if (t->track.cause == CAUSE_SIGNAL_WAIT) /* a child's end */
		return t->wake.how == WAKE_BY_EXIT;
	return t->track.cause == CAUSE_IO_PIPE || (t->io.mode & S_IFMT) == S_IFIFO ||
	       t->wake.how == WAKE_BY_RING;
}

/* Was it the one that woke it? */
static __always_inline bool is_waker(const struct tracked *t)
{
	switch (t->wake.how) {
	case WAKE_AT_FUTEX:
		return true;
	case WAKE_BY_SIGNAL:
		return t->track.cause == CAUSE_SIGNAL_WAIT ||
		       t->track.cause == CAUSE_EVENT_SIGNALFD;
	case WAKE_BY_ID:
		return t->track.cause == CAUSE_IPC_SYSV_MSG && t->io.version == t->wake.id;
	case WAKE_BY_FILE:
		if (t->io.file > IO_LAST_SPECIAL && (t->io.mode & S_IFMT) == S_IFSOCK)
			return is_other_end(t);
		return is_same_file(t);
	case WAKE_BY_NOBODY:
		return false;
	}
	return may_be(t);
}

int channel_waited(struct tracked *t, u64 end)
{
	struct wake_key key = {};
	struct wake_sums *sums;
	u64 ns;

	if (!t)
		return 0;
	t->wake_seen = 0;
	if (t->wake.how == WAKE_AT_FUTEX) {
		key.lock = t->lock.key;
	} else if (t->io.ended) {
		key.lock.space = t->io.ended | (t->io.writes ? WAKE_WRITES : 0);
		key.lock.word = WAKE_AT_TARGET;
	} else {
		return 0;
	}
	key.waiter = t->id;
	if (is_waker(t))
		key.waker = t->wake.by;
	sums = bpf_map_lookup_elem(&wakes, &key);
	if (!sums) {
		bpf_map_update_elem(&wakes, &key, &new_wakes, BPF_NOEXIST);
		sums = bpf_map_lookup_elem(&wakes, &key);
	}
	if (!sums) {
		__sync_fetch_and_add(&lost[LOSS_WAKES], 1);
		return 0;
	}
	ns = end > t->track.last_out ? end - t->track.last_out : 0;
	if (!sums->waits) /* nobody else has this key: of this waiter there is one */
		__builtin_memcpy(sums->comm, t->wake.comm, sizeof(sums->comm));
	sums->waits++;
	sums->ns += ns;
	if (ns > sums->max_ns)
		sums->max_ns = ns;
	return 0;
}

/* --- signals ----------------------------------------------------------------------------- */

/* include/trace/events/signal.h */
#define SIGNAL_IGNORED 1
#define SIGNAL_PENDING 2

int channel_signalled(struct tracked *to, u32 number, u32 result, u32 by_kernel)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct signal_sums *sums, none = {};
	struct signal_key key = {};
	struct tracked *by;

	if (!to)
		return 0;
	key.to = to->process_id;
	key.number = number;
	by = by_kernel ? NULL : bpf_task_storage_get(&threads, task, 0, 0);
	if (by && by->role == ROLE_TRACKED)
		key.from = by->process_id;
	else if (!by_kernel)
		key.from = WAKER_OUTSIDE | number_of(BPF_CORE_READ(task, group_leader, thread_pid));
	sums = bpf_map_lookup_elem(&signals, &key);
	if (!sums) {
		if (key.from & WAKER_OUTSIDE)
			bpf_get_current_comm(none.comm, sizeof(none.comm));
		bpf_map_update_elem(&signals, &key, &none, BPF_NOEXIST);
		sums = bpf_map_lookup_elem(&signals, &key);
	}
	if (!sums) {
		__sync_fetch_and_add(&lost[LOSS_SIGNALS], 1);
		return 0;
	}
	__sync_fetch_and_add(&sums->sent, 1);
	if (result == SIGNAL_PENDING)
		__sync_fetch_and_add(&sums->merged, 1);
	else if (result == SIGNAL_IGNORED)
		__sync_fetch_and_add(&sums->ignored, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
