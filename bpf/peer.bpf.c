// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which servers threads wait for: the other ends of clients' sockets, and who listens
 * there. Global functions: see thread.bpf.h.
 */
#include "target.bpf.h"
#include "arch.bpf.h"

#define PEERS 512

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PEERS);
	__type(key, struct peer_key);
	__type(value, struct peer_sums);
} peers SEC(".maps");

static __always_inline u16 host_order(u16 port)
{
	return __builtin_bswap16(port);
}

static __always_inline bool is_client(struct sock *sk)
{
	return BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP || is_tcp_client(sk);
}

/* Who connects to this machine by one of its own addresses has that one itself. */
static __always_inline void note_inet(struct peer_wait *to, struct sock *sk)
{
	u32 address = BPF_CORE_READ(sk, __sk_common.skc_daddr);

	to->key.family = PEER_INET;
	__builtin_memcpy(to->key.address, &address, sizeof(address));
	to->is_local = to->key.address[0] == 127 ||
		       address == BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
}

static __always_inline void note_inet6(struct peer_wait *to, struct sock *sk)
{
	u32 own[4] = {}, address[4] = {};

	BPF_CORE_READ_INTO(&address, sk, __sk_common.skc_v6_daddr);
	BPF_CORE_READ_INTO(&own, sk, __sk_common.skc_v6_rcv_saddr);
	/* RFC 4291, 2.5.5.2: one of version 4 */
	if (!address[0] && !address[1] && address[2] == __builtin_bswap32(0xffff)) {
		note_inet(to, sk);
		return;
	}
	to->key.family = PEER_INET6;
	__builtin_memcpy(to->key.address, address, sizeof(address));
	to->is_local = address[0] == own[0] && address[1] == own[1] && address[2] == own[2] &&
		       address[3] == own[3];
}

int note_peer(struct tracked *t, u64 sock)
{
	struct sock *sk = (struct sock *)sock;
	struct peer_wait peer = {};
	u16 family;

	if (!t || !sk)
		return 0;
	family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (family == AF_UNIX) {
		peer.key.pid = number_of(BPF_CORE_READ(sk, sk_peer_pid));
		peer.key.family = peer.key.pid ? PEER_UNIX : 0;
		peer.is_local = 1;
	} else if ((family == AF_INET || family == AF_INET6) && is_client(sk)) {
		if (family == AF_INET)
			note_inet(&peer, sk);
		else
			note_inet6(&peer, sk);
		peer.key.port = host_order(BPF_CORE_READ(sk, __sk_common.skc_dport));
		if (!peer.key.port) /* not connected */
			peer.key.family = 0;
	}
	t->peer = peer;
	return 0;
}

int note_call_peer(struct tracked *t)
{
	struct call call;

	if (!has_user_code(bpf_get_current_task_btf())) /* it has made none */
		return 0;
	read_call(bpf_get_current_task_btf(), &call);
	return note_peer(t, fd_sock(CALL_ARG0(&call)));
}

int peer_waited(struct tracked *t, u64 now, u64 run_delay, u64 last_queued)
{
	struct peer_sums *sums, none = {};
	struct peer_key key;
	u64 queued;

	if (!t)
		return 0;
	key = t->peer.key;
	t->peer.key.family = 0;
	if (t->track.off != OFF_BLOCKED)
		return 0;
	sums = bpf_map_lookup_elem(&peers, &key);
	if (!sums) {
		none.is_local = t->peer.is_local;
		/* If another CPU was first, so much the better; if there is no room, see below. */
		bpf_map_update_elem(&peers, &key, &none, BPF_NOEXIST);
		sums = bpf_map_lookup_elem(&peers, &key);
	}
	if (!sums) {
		__sync_fetch_and_add(&lost[LOSS_PEERS], 1);
		return 0;
	}
	__sync_fetch_and_add(&sums->waits, 1);
	queued = run_delay - t->track.run_delay + (last_queued ? now - last_queued : 0);
	if (now > t->track.last_out + queued)
		__sync_fetch_and_add(&sums->ns, now - t->track.last_out - queued);
	return 0;
}

static __always_inline bool is_server(struct sock *sk, u16 family)
{
	u32 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	if (state == TCP_LISTEN)
		return true;
	return family != AF_UNIX && BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP &&
	       state != TCP_ESTABLISHED && BPF_CORE_READ(sk, __sk_common.skc_num);
}

/* Run once, after the end, if a server on this machine was waited for: who they are. */
SEC("iter/task_file")
int cp_servers(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct listener found = {};
	struct socket *socket;
	struct sock *sk;

	if (!file)
		return 0;
	barrier(); /* not an `or` of two pointers, which the verifier refuses */
	if (!task || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return 0;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	found.key.family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if (found.key.family != AF_UNIX && found.key.family != AF_INET &&
	    found.key.family != AF_INET6)
		return 0;
	if (!is_server(sk, found.key.family))
		return 0;
	found.pid = number_of(BPF_CORE_READ(task, group_leader, thread_pid));
	BPF_CORE_READ_INTO(&found.comm, task, group_leader, comm);
	if (found.key.family == AF_UNIX) {
		found.key.pid = found.pid;
	} else {
		found.key.port = BPF_CORE_READ(sk, __sk_common.skc_num);
		if (found.key.family == AF_INET6)
			BPF_CORE_READ_INTO(&found.key.address, sk, __sk_common.skc_v6_rcv_saddr);
		else
			bpf_core_read(&found.key.address, sizeof(u32),
				      &sk->__sk_common.skc_rcv_saddr);
	}
	bpf_seq_write(ctx->meta->seq, &found, sizeof(found));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
