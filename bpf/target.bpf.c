// SPDX-License-Identifier: GPL-2.0-only
/* What descriptors are, where that is asked seldom: global functions, see thread.bpf.h. */
#include "target.bpf.h"
#include "arch.bpf.h"

/* Pipes, pairs and counters that a program has to wake itself, unless they are its
 * standard input. */
static __always_inline bool may_be_own(const struct opened *o, u32 fd, u32 cause)
{
	struct file *file = o->file;
	struct socket *socket;
	struct sock *sk;

	if (fd == 0)
		return false;
	if ((o->mode & S_IFMT) != S_IFSOCK)
		return (o->mode & S_IFMT) == S_IFIFO || cause == CAUSE_EVENT_EVENTFD;
	socket = BPF_CORE_READ(file, private_data);
	sk = BPF_CORE_READ(socket, sk);
	return bpf_core_type_exists(struct unix_sock) &&
	       BPF_CORE_READ(sk, __sk_common.skc_family) == AF_UNIX &&
	       !BPF_CORE_READ((struct unix_sock *)sk, addr);
}

static __always_inline u32 set_of(const struct opened *o, u32 fd, const struct target *t)
{
	if (t->row == ROW_PEER)
		return SET_PEER;
	if (t->row != ROW_DEMAND && t->row != ROW_EVENT)
		return 0;
	return may_be_own(o, fd, t->cause) ? SET_OWN : SET_DEMAND;
}

__noinline u32 file_target(u64 file, u32 fd)
{
	struct opened opened;
	struct target target;

	if (!file)
		return WAIT(CAUSE_UNKNOWN, ROW_UNKNOWN);
	read_file((struct file *)file, &opened);
	describe_opened(&opened, &target);
	return WAIT(target.cause, target.row) | set_of(&opened, fd, &target) << 16;
}

__noinline u64 fd_file(u32 fd)
{
	return (u64)file_of(bpf_get_current_task_btf(), fd);
}

static __always_inline bool is_by_device(u32 wait)
{
	return WAIT_CAUSE(wait) == CAUSE_IO_DISK || WAIT_CAUSE(wait) == CAUSE_IO_FILE;
}

static __always_inline void wait_with_file(struct io_wait *io, struct file *file, u32 fd)
{
	struct opened opened;

	read_file(file, &opened);
	wait_with(io, &opened, fd);
}

int wait_for_file(struct tracked *t, u64 file, u32 fd, u32 cause, u32 events)
{
	if (!t || !file)
		return 0;
	wait_with_file(&t->io, (struct file *)file, fd);
	t->io.object = cause;
	t->io.events = events;
	return 0;
}

/* is_last: it is the last descriptor of the current task's call, which has two. */
static __always_inline u32 writes_to(const struct io_wait *io, bool is_last)
{
	struct file *file = (struct file *)io->file;
	struct call call;

	if ((io->mode & S_IFMT) == S_IFIFO)
		return (BPF_CORE_READ(file, f_mode) & (FMODE_READ | FMODE_WRITE)) == FMODE_WRITE;
	read_call(bpf_get_current_task_btf(), &call);
	return class_of(&call) == CALL_FD_TO_FD ? !is_last : is_last; /* sendfile: to the first */
}

/* Two descriptors, of which one is waited for: the device in state D, the peer
 * otherwise. Two peers cannot be told apart unless they are of one kind. */
u32 two_fd_wait(struct tracked *t, u32 from, u32 to, u32 state)
{
	struct file *file_a = file_of(bpf_get_current_task_btf(), from),
		    *file_b = file_of(bpf_get_current_task_btf(), to);
	u32 a = file_target((u64)file_a, from) & 0xffff, b = file_target((u64)file_b, to) & 0xffff;
	bool d = in_d_state(state), a_fits = is_by_device(a) == d, b_fits = is_by_device(b) == d;

	if (WAIT_CAUSE(a) == WAIT_CAUSE(b))
		return a;
	if (a_fits == b_fits)
		return WAIT(CAUSE_UNKNOWN, ROW_UNKNOWN);
	if (!t)
		return a_fits ? a : b;
	wait_with_file(&t->io, a_fits ? file_a : file_b, a_fits ? from : to);
	t->io.writes = writes_to(&t->io, !a_fits);
	return a_fits ? a : b;
}

__noinline u64 fd_private(u32 fd)
{
	struct file *file = file_of(bpf_get_current_task_btf(), fd);

	return file ? (u64)BPF_CORE_READ(file, private_data) : 0;
}

__noinline u64 fd_sock(u32 fd)
{
	struct socket *socket = (struct socket *)fd_private(fd);

	return socket ? (u64)BPF_CORE_READ(socket, sk) : 0;
}

#define FD_SEARCH 256

struct fd_search {
	struct file **slots;
	u64 file;
	u32 found, pad;
};

static long look_at_slot(u32 fd, void *ctx)
{
	struct fd_search *search = ctx;
	u64 file = 0;

	bpf_probe_read_kernel(&file, sizeof(file), search->slots + fd);
	if (file != search->file)
		return 0;
	search->found = fd;
	return 1;
}

__noinline u32 fd_of(u64 file)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct fd_search search = {
		.slots = BPF_CORE_READ(table, fd),
		.file = file,
		.found = TARGET_NO_FD,
	};
	u32 n = BPF_CORE_READ(table, max_fds);

	bpf_loop(n < FD_SEARCH ? n : FD_SEARCH, look_at_slot, &search, 0);
	return search.found;
}

char LICENSE[] SEC("license") = "GPL";
