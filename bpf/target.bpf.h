/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What a descriptor is, and what a wait on it is for: at the other end of a socket
 * may be a server that is asked, or clients who ask.
 */
#include "thread.bpf.h"
#include "arch.bpf.h"

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
/* include/linux/fs.h */
#define FMODE_READ  1
#define FMODE_WRITE 2
/* include/linux/socket.h, include/linux/net.h, include/net/tcp_states.h, include/net/sock.h */
#define AF_UNIX		   1
#define AF_INET		   2
#define AF_INET6	   10
#define AF_NETLINK	   16
#define AF_PACKET	   17
#define IPPROTO_TCP	   6
#define TCP_ESTABLISHED	   1
#define TCP_LISTEN	   10
#define SOCK_NOSPACE	   2
#define SOCK_BINDPORT_LOCK 8

struct target {
	u32 cause;	/* CAUSE_UNKNOWN: no such descriptor */
	u32 row;	/* what a wait on it is for */
	bool by_device; /* a file or disk: waited for in state D */
};

/* A port that connect() chose belongs to a client: its bucket says so
 * (__inet_hash_connect()). Others were bound, so a connected socket on such a port was
 * accepted; that its peer does not read (no space) is a wait for the peer again. */
static __always_inline bool is_tcp_client(struct sock *sk)
{
	struct inet_bind_bucket *bucket =
		BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_bind_hash);

	return !bucket || BPF_CORE_READ(bucket, fastreuse) < 0;
}

static __always_inline u32 tcp_row(struct socket *socket, struct sock *sk)
{
	if (is_tcp_client(sk))
		return ROW_PEER;
	return BPF_CORE_READ(socket, flags) & 1 << SOCK_NOSPACE ? ROW_PEER : ROW_DEMAND;
}

/* Bound to a port and to no peer: a server. */
static __always_inline u32 datagram_row(struct sock *sk, u32 state)
{
	u64 locks = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks);

	return locks & SOCK_BINDPORT_LOCK && state != TCP_ESTABLISHED ? ROW_DEMAND : ROW_PEER;
}

/* An accepted socket has its listener's name (unix_stream_connect()), a client's peer
 * has one; a pair has none. */
static __always_inline u32 unix_row(struct socket *socket, struct sock *sk)
{
	struct unix_sock *peer;

	if (!bpf_core_type_exists(struct unix_sock)) /* CONFIG_UNIX=m */
		return ROW_PEER;
	if (BPF_CORE_READ((struct unix_sock *)sk, addr))
		return ROW_DEMAND;
	peer = (struct unix_sock *)BPF_CORE_READ((struct unix_sock *)sk, peer);
	return peer && BPF_CORE_READ(peer, addr) ? ROW_PEER : ROW_DEMAND;
}

static __always_inline u32 socket_row(struct file *file)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	u32 state = BPF_CORE_READ(sk, __sk_common.skc_state);

	if (state == TCP_LISTEN)
		return ROW_DEMAND;
	switch (BPF_CORE_READ(sk, __sk_common.skc_family)) {
	case AF_INET:
	case AF_INET6:
		return BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP ? tcp_row(socket, sk)
								     : datagram_row(sk, state);
	case AF_UNIX:
		return unix_row(socket, sk);
	case AF_NETLINK:
	case AF_PACKET:
		return ROW_DEMAND;
	}
	return ROW_PEER;
}

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
	case 'i': /* [io_uring] */
		return CAUSE_IO_URING;
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

/* A descriptor of any task's; NULL: it has none of that number. By copies: each load through a
 * pointer takes the verifier a millisecond. */
static __always_inline struct file *file_of(struct task_struct *task, u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);

	if (!table || fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	return (struct file *)load_word((u64)(BPF_CORE_READ(table, fd) + fd), 8);
}

/* What is not cheap to tell, or rare. */
static __always_inline void read_special(const struct opened *o, struct target *ret)
{
	struct inode *inode = o->inode;
	struct super_block *sb;

	ret->row = ROW_IO;
	switch (o->mode & S_IFMT) {
	case S_IFCHR:
		if (is_tty(BPF_CORE_READ(inode, i_rdev))) {
			ret->cause = CAUSE_IO_TTY;
			ret->row = ROW_DEMAND;
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
		ret->cause = anonymous_cause(o->file);
		ret->row = row_of_cause(ret->cause);
		return;
	}
	ret->cause = BPF_CORE_READ(sb, s_bdev) ? CAUSE_IO_DISK : CAUSE_IO_FILE;
	ret->by_device = true;
}

static __always_inline void describe_opened(const struct opened *o, struct target *ret)
{
	ret->by_device = false;
	switch (o->mode & S_IFMT) {
	case S_IFIFO:
		ret->cause = CAUSE_IO_PIPE;
		/* Full: who should read it does not. */
		ret->row = (o->f_mode & (FMODE_READ | FMODE_WRITE)) == FMODE_WRITE ? ROW_PEER
										   : ROW_DEMAND;
		return;
	case S_IFSOCK:
		ret->cause = CAUSE_IO_SOCKET;
		ret->row = socket_row(o->file);
		return;
	}
	read_special(o, ret);
}

/* No address that a program has lies below. */
#define LEAST_ADDRESS 0x100000ull
#define AT_FDCWD      (-100)

/* The name that the current task's call works on: while the kernel looks for it, what that has; else
 * the first argument, or the second if the first is a directory's descriptor. Returns what it takes
 * with its NUL, or 0. */
static __always_inline u32 read_path(char *to, u32 size)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const char *name = BPF_CORE_READ(task, nameidata, name, name);
	struct call call;
	u64 first;
	long n;

	if (name) {
		n = bpf_probe_read_kernel_str(to, size, name);
	} else {
		read_call(task, &call);
		first = CALL_ARG0(&call);
		if ((s32)first == AT_FDCWD || first < LEAST_ADDRESS)
			first = CALL_ARG1(&call);
		n = bpf_probe_read_user_str(to, size, (const void *)first);
	}
	return n > 1 ? n : 0;
}

/* The name of the server that a Unix socket belongs to, which may be this one; side: enum target_side.
 * Returns its size, or 0. */
static __always_inline u32 read_unix_name(char *to, struct sock *sk, u32 side)
{
	struct unix_address *address;
	u64 size; /* of 32 bits it would be forgotten on the stack how large it is, by 6.1's verifier */

	if (!bpf_core_type_exists(struct unix_sock)) /* CONFIG_UNIX=m */
		return 0;
	if (side == SIDE_CONNECTED)
		sk = BPF_CORE_READ((struct unix_sock *)sk, peer);
	address = BPF_CORE_READ((struct unix_sock *)sk, addr);
	size = BPF_CORE_READ(address, len) - sizeof(u16);
	if (!address || size > sizeof(address->name->sun_path) ||
	    bpf_core_read(to, size, &address->name[0].sun_path))
		return 0;
	return size;
}

static __always_inline bool in_iowait(struct task_struct *task)
{
	return BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait);
}

/* io_begin() finds out which target it is. */
static __always_inline void wait_with(struct io_wait *io, const struct opened *o, u32 fd)
{
	io->file = (u64)o->file;
	io->inode = (u64)o->inode;
	io->version = o->ino;
	io->mode = o->mode;
	io->fd = fd;
}

static __always_inline bool is_eventfd(const struct io_wait *io)
{
	return io->file > IO_LAST_SPECIAL &&
	       (io->cause == CAUSE_EVENT_EVENTFD || io->object == CAUSE_EVENT_EVENTFD);
}

/* Its number may have been another file's. */
static __always_inline bool has_generation(u32 mode)
{
	return (mode & S_IFMT) == S_IFREG || (mode & S_IFMT) == S_IFDIR;
}

/* ... so that this tells it from those. */
static __always_inline u64 generation_of(const struct io_wait *io)
{
	struct inode *inode = (struct inode *)io->inode;

	return mix(io->version, BPF_CORE_READ(inode, i_generation), 0x9e3779b97f4a7c15ull);
}

/* Its number, see /proc/PID/fdinfo, and 1: all anonymous files have one inode. */
static __always_inline u64 eventfd_number(struct file *file)
{
	struct eventfd_ctx *ctx = BPF_CORE_READ(file, private_data);

	if (!bpf_core_type_exists(struct eventfd_ctx) || !ctx)
		return 0;
	return (u32)BPF_CORE_READ(ctx, id) + 1;
}

static __always_inline void wait_without_file(struct io_wait *io, u64 by)
{
	io->file = by;
	io->inode = 0;
	io->version = 0;
	io->mode = 0;
	io->fd = TARGET_NO_FD;
}

static __always_inline void wait_with_ring(struct io_wait *io)
{
	wait_without_file(io, IO_BY_RING);
}

static __always_inline void wait_with_id(struct io_wait *io, u32 id)
{
	wait_without_file(io, IO_BY_ID);
	io->version = id;
}

static __always_inline void read_target(struct files_struct *files, u32 fd, struct io_wait *io,
					struct target *ret)
{
	struct fdtable *table;
	struct opened opened;

	ret->cause = CAUSE_UNKNOWN;
	ret->row = ROW_UNKNOWN;
	ret->by_device = false;
	if (!files)
		return;
	table = files->fdt;
	if (fd >= table->max_fds || !load_opened(as_scalar(table->fd + fd), &opened))
		return;
	describe_opened(&opened, ret);
	wait_with(io, &opened, fd);
}

/* What a task waits for in a call on a descriptor: WAIT(). */
static __always_inline u32 fd_wait(struct task_struct *task, struct tracked *t, u32 fd, u32 state)
{
	struct target target;

	read_target(task->files, fd, &t->io, &target);
	if (target.cause == CAUSE_IO_DISK && !in_d_state(state))
		return WAIT(CAUSE_IO_FILE, ROW_IO);
	if (!target.by_device && in_d_state(state))
		return WAIT(CAUSE_KERNEL_OTHER, ROW_OTHER);
	return WAIT(target.cause, target.row);
}
