// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often something moves through channels: calls that have read or written, in windows of calls. They are
 * counted by what the kernel has for the channel, which is the same for whoever has a descriptor of it. Which
 * target that is, is found out once, and asked for at the end: somebody may wait there only later.
 */
#include "target.bpf.h"
#include "arch.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, MESSAGES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct io_object);
	__type(value, struct messages);
} messages SEC(".maps");

/* For io_find_key(): too large for the stack. Calls do not interrupt each other. */
struct message_work {
	struct io_wait wait;
	struct messages first;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct message_work);
} message_work SEC(".maps");

/* CAUSE_UNKNOWN: it is no channel. */
static __always_inline u32 cause_of_channel(const struct opened *o, u32 class)
{
	struct inode *inode = o->inode;

	if ((o->mode & S_IFMT) == S_IFIFO)
		return CAUSE_IO_PIPE;
	if ((o->mode & S_IFMT) == S_IFSOCK)
		return CAUSE_IO_SOCKET;
	if (class == CALL_MQ)
		return CAUSE_IPC_POSIX_MQ;
	if (BPF_CORE_READ(inode, i_sb, s_magic) == ANON_INODE_FS_MAGIC &&
	    anonymous_cause(o->file) == CAUSE_EVENT_EVENTFD)
		return CAUSE_EVENT_EVENTFD;
	return CAUSE_UNKNOWN;
}

/* What the number is of, a descriptor or a queue: as io.bpf.c has it for a wait. Returns false if it is no
 * channel. */
static __always_inline bool find_channel(struct io_wait *io, u32 class, u32 number)
{
	struct opened opened;
	struct file *file;

	io->object = 0;
	if (class == CALL_SYSV_MSG) {
		wait_with_id(io, number);
		io->cause = CAUSE_IPC_SYSV_MSG;
		return true;
	}
	file = (struct file *)fd_file(number);
	if (!file)
		return false;
	read_file(file, &opened);
	wait_with(io, &opened, number);
	io->cause = cause_of_channel(&opened, class);
	if (io->cause == CAUSE_EVENT_EVENTFD)
		io->version = eventfd_number(file);
	else if (has_generation(io->mode)) /* of a queue of POSIX */
		io->version = generation_of(io);
	return io->cause != CAUSE_UNKNOWN;
}

static __always_inline struct messages *messages_of(struct message_work *w)
{
	struct io_object object = { 0, w->wait.inode, w->wait.version, w->wait.cause };
	struct messages *m;

	if (w->wait.cause == CAUSE_EVENT_EVENTFD)
		object.file = w->wait.file;
	m = bpf_map_lookup_elem(&messages, &object);
	if (m)
		return m;
	__builtin_memset(&w->first, 0, sizeof(w->first));
	w->first.key.cause = w->wait.cause;
	io_find_key(&w->first.key, &w->wait);
	bpf_map_update_elem(&messages, &object, &w->first, BPF_NOEXIST);
	m = bpf_map_lookup_elem(&messages, &object);
	if (!m)
		__sync_fetch_and_add(&lost[LOSS_CALLS], 1);
	return m;
}

__noinline int message_at(u32 class, u32 number, u32 writes)
{
	u32 zero = 0;
	struct message_work *w = bpf_map_lookup_elem(&message_work, &zero);
	struct messages *m;

	if (!w || !find_channel(&w->wait, class, number))
		return 0;
	m = messages_of(w);
	if (m)
		__sync_fetch_and_add(writes ? &m->writes : &m->reads, 1);
	return 0;
}

int message_moved(u32 row, u32 first, u32 second)
{
	u32 class = row & CALL_CLASS;

	if (class == CALL_FD_TO_FD) { /* sendfile: to the first */
		message_at(class, first, 1);
		message_at(class, second, 0);
	} else if (class == CALL_FD_X_FD) {
		message_at(class, first, 0);
		message_at(class, second, 1);
	} else {
		message_at(class, first, row & CALL_WRITES);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
