// SPDX-License-Identifier: GPL-2.0-only
/* Which files, sockets and so on are one target: what a person would call one thing has one key. */
#include "target.bpf.h"

/* A name, to be mixed: too large for the stack. A switch is not interrupted. */
#define NAME_WORDS (TARGET_TEXT / 8)

struct name_words {
	u64 item[NAME_WORDS];
	u64 end; /* zeros behind the longest */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct name_words);
} name_words SEC(".maps");

/* Two of them, mixed in two ways: names of hostile programs must not meet in one. */
struct mixed {
	const struct name_words *words;
	struct io_key *key; /* in which they are */
};

static long mix_word(u32 i, void *ctx)
{
	struct mixed *m = ctx;
	u64 word = m->words->item[i & (NAME_WORDS - 1)];

	m->key->id[1] = mix(m->key->id[1], word, 0x9e3779b97f4a7c15ull);
	m->key->id[2] = mix(m->key->id[2], word, 0xc2b2ae3d27d4eb4full);
	return 0;
}

static __always_inline struct name_words *the_words(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&name_words, &zero);
}

/* So many bytes of it. */
static __always_inline void mix_name(struct io_key *key, struct name_words *w, u32 size)
{
	struct mixed m = { .words = w, .key = key };
	char *end = (char *)w + (size & (TARGET_TEXT - 1));

	for (u32 i = 0; i < 8; i++) /* of the last word */
		end[i] = 0;
	key->id[1] = key->id[2] = size;
	bpf_loop((size & (TARGET_TEXT - 1)) / 8 + 1, mix_word, &m, 0);
}

static __always_inline void inet_key(struct io_key *key, struct sock *sk, u32 side)
{
	bool is_far = side == SIDE_CONNECTED;
	u16 port = is_far ? __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport))
			  : BPF_CORE_READ(sk, __sk_common.skc_num);

	key->id[0] = (u64)BPF_CORE_READ(sk, __sk_common.skc_family) << 48 |
		     (u64)BPF_CORE_READ(sk, sk_protocol) << 32 | side << 16 | port;
	if (!is_far)
		return;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET)
		key->id[1] = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	else
		bpf_core_read(&key->id[1], 16, &sk->__sk_common.skc_v6_daddr);
}

/* The lower of its own number and that of the other end, which may be closed. */
static __always_inline u64 pair_number(struct sock *sk, u64 own)
{
	struct sock *peer = BPF_CORE_READ((struct unix_sock *)sk, peer);
	struct socket_alloc *other = (struct socket_alloc *)BPF_CORE_READ(peer, sk_socket);
	u64 number = other ? BPF_CORE_READ(other, vfs_inode.i_ino) : 0;

	return number && number < own ? number : own;
}

static __always_inline void unix_key(struct io_key *key, struct sock *sk, u32 side, u64 version)
{
	struct name_words *w = the_words();

	key->id[0] = (u64)AF_UNIX << 48 | side << 16;
	if (side == SIDE_PAIR)
		key->id[1] = pair_number(sk, version);
	else if (side == SIDE_OTHER)
		key->id[1] = version;
	else if (w)
		mix_name(key, w, read_unix_name((char *)w, sk, side));
}

/* Returns its enum target_side. */
u32 socket_side(u64 sock)
{
	struct sock *sk = (struct sock *)sock;
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	u32 state = BPF_CORE_READ(sk, __sk_common.skc_state);
	struct unix_sock *peer;

	if (family == AF_UNIX && bpf_core_type_exists(struct unix_sock)) {
		if (BPF_CORE_READ((struct unix_sock *)sk, addr))
			return state == TCP_LISTEN	  ? SIDE_LISTENING
			       : state == TCP_ESTABLISHED ? SIDE_SERVED
							  : SIDE_BOUND;
		peer = (struct unix_sock *)BPF_CORE_READ((struct unix_sock *)sk, peer);
		if (!peer) /* not yet, or by sendto() */
			return SIDE_OTHER;
		return BPF_CORE_READ(peer, addr) ? SIDE_CONNECTED : SIDE_PAIR;
	}
	if (family != AF_INET && family != AF_INET6)
		return SIDE_OTHER;
	if (state == TCP_LISTEN)
		return SIDE_LISTENING;
	if (BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP)
		return is_tcp_client(sk) ? SIDE_CONNECTED : SIDE_SERVED;
	return BPF_CORE_READ(sk, __sk_common.skc_dport) ? SIDE_CONNECTED : SIDE_BOUND;
}

static __always_inline void socket_key(struct io_key *key, struct file *file, u64 version)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	u32 side = socket_side((u64)sk);
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	if (family == AF_UNIX)
		unix_key(key, sk, side, version);
	else if (side == SIDE_OTHER)
		key->id[0] = (u64)family << 48 | (u64)BPF_CORE_READ(sk, sk_protocol) << 32;
	else
		inet_key(key, sk, side);
}

static __always_inline void name_key(struct io_key *key)
{
	struct name_words *w = the_words();
	u32 size = w ? read_path((char *)w, TARGET_TEXT - 1) : 0;

	if (size)
		mix_name(key, w, size);
}

__noinline u32 io_kind(struct io_wait *io)
{
	struct inode *inode;

	if (!io)
		return 0;
	inode = (struct inode *)io->inode;
	if (io->file == IO_BY_NAME)
		return TARGET_NAME;
	if (io->file == IO_BY_RING || io->file == IO_BY_SWAP)
		return TARGET_OBJECT;
	if (io->file == IO_BY_ID)
		return io->cause == CAUSE_SIGNAL_WAIT ? TARGET_SIGNALS : TARGET_QUEUE;
	if (io->cause == CAUSE_IPC_POSIX_MQ)
		return TARGET_QUEUE;
	switch (io->mode & S_IFMT) {
	case S_IFIFO:
		return TARGET_PIPE;
	case S_IFSOCK:
		return TARGET_SOCKET;
	case S_IFCHR:
		return is_tty(BPF_CORE_READ(inode, i_rdev)) ? TARGET_TTY : TARGET_DEVICE;
	case S_IFBLK:
		return TARGET_DEVICE;
	}
	return BPF_CORE_READ(inode, i_sb, s_magic) == ANON_INODE_FS_MAGIC ? TARGET_OBJECT
									  : TARGET_FILE;
}

int io_find_key(struct io_key *key, struct io_wait *io)
{
	struct inode *inode;
	struct file *file;

	if (!key || !io)
		return 0;
	inode = (struct inode *)io->inode;
	file = (struct file *)io->file;
	key->kind = io_kind(io);
	if (key->kind == TARGET_NAME) {
		name_key(key);
	} else if (key->kind == TARGET_SOCKET) {
		socket_key(key, file, io->version);
	} else if (key->kind == TARGET_OBJECT) { /* of which all of a kind are one, but eventfds */
		key->id[0] = io->object;
		if (is_eventfd(io))
			key->id[1] = io->version;
	} else if (io->file == IO_BY_ID) {
		key->id[0] = io->version;
	} else {
		key->id[0] = io->version;
		key->id[1] = BPF_CORE_READ(inode, i_sb, s_dev);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
