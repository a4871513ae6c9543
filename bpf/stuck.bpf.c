// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that stand still, and whom they wait for: read out of an iterator while the program
 * runs, so that no event costs anything for it. Unlike the probes, it may read the memory of
 * threads that do not run now, and sleep meanwhile.
 */
#include "thread.bpf.h"
#include "arch.bpf.h"
#include "file_lock.bpf.h"
#include "stack.bpf.h"
#include "stuck.h"
#include "target.bpf.h"
#include "timer.bpf.h"

/* include/linux/threads.h */
#define PID_MAX_LIMIT (4 * 1024 * 1024)

/* glibc, sysdeps/nptl/bits/struct_mutex.h, of 64 bits. */
struct mutex_words {
	u32 lock, count, owner, nusers, kind;
};

/* glibc, sysdeps/nptl/lowlevellock.h: locked, and somebody may wait */
#define LLL_LOCK_WAITERS 2

/* glibc, nptl/pthreadP.h: what a mutex's kind is made of */
#define MUTEX_TYPE	0x003
#define MUTEX_RECURSIVE 1
#define MUTEX_KIND	0x3ff

/* Threads whose stacks are asked for, by their ids; pipes and open files whose descriptors are. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, u32);
} asked SEC(".maps");

/* Only one reader at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct code_stack);
} stuck_stack SEC(".maps");

static __always_inline bool stands(const struct tracked *t)
{
	return !t->role && t->lock.state == LOCK_WAIT_BEGUN && !t->arrived &&
	       may_be_endless(t->lock.hint);
}

static __always_inline u32 their_word(struct task_struct *task, u64 address)
{
	u32 word = 0;

	return bpf_copy_from_user_task(&word, sizeof(word), (void *)address, task, 0) ? 0 : word;
}

/* The same value stands in locks that have no owner, as those of streams and of the allocator. What
 * lies there must be a mutex in all its parts before its owner is believed. */
static __always_inline u32 mutex_owner(struct task_struct *task, u64 word)
{
	struct mutex_words m = {};

	if (bpf_copy_from_user_task(&m, sizeof(m), (void *)word, task, 0))
		return 0;
	if (m.lock != LLL_LOCK_WAITERS || m.kind & ~MUTEX_KIND || !m.nusers ||
	    m.owner > PID_MAX_LIMIT)
		return 0;
	if (((m.kind & MUTEX_TYPE) == MUTEX_RECURSIVE) != (m.count > 0))
		return 0;
	return m.owner;
}

/* A thread of this process that has ended had that number; of memory that processes share, another
 * one, as far as can be told here. */
static __always_inline u32 is_gone(struct stuck *s, const struct number *key,
				   const struct tracked *t)
{
	u64 *space = bpf_map_lookup_elem(&gone, key);

	if (s->key.space & LOCK_SHARED || (space && *space == t->space))
		return HOLDER_IS_NOBODY;
	return HOLDER_IS_UNKNOWN;
}

/* The thread of that number has other memory. If it forked this process, what it had is its first
 * thread's here; what other threads of the parent had is nobody's. */
static __always_inline u32 is_copied(struct stuck *s, struct task_struct *task,
				     struct task_struct *holder)
{
	struct number key = {};
	struct numbered *leader;
	struct tracked *first;
	u64 creator = 0, id = 0;

	read_own_number(BPF_CORE_READ(task, group_leader, thread_pid), &key);
	leader = bpf_map_lookup_elem(&numbered, &key);
	if (!leader)
		return HOLDER_IS_UNKNOWN;
	first = (struct tracked *)leader->tracked;
	bpf_probe_read_kernel(&id, sizeof(id), &first->id);
	bpf_probe_read_kernel(&creator, sizeof(creator), &first->creator_id);
	if (id != leader->id)
		return HOLDER_IS_UNKNOWN;
	if (creator == s->holder_id) {
		s->holder_id = id;
		return HOLDER_IS_THREAD;
	}
	return BPF_CORE_READ(task, group_leader, real_parent, tgid) == BPF_CORE_READ(holder, tgid)
		       ? HOLDER_IS_FOREIGN
		       : HOLDER_IS_UNKNOWN;
}

/* Who has that number, and whether it can have what lies in the memory of t. */
static __always_inline u32 holder_is(struct stuck *s, struct task_struct *task,
				     const struct tracked *t)
{
	struct number key = { t->number.ns, s->holder_nr };
	struct numbered *n;
	struct task_struct *owner;
	struct tracked *holder;
	u64 id = 0, space = 0;

	if (s->key.space & LOCK_SHARED && several_ns)
		return HOLDER_IS_UNKNOWN; /* it is not known in which it has the number */
	n = bpf_map_lookup_elem(&numbered, &key);
	if (!n)
		return is_gone(s, &key, t);
	holder = (struct tracked *)n->tracked;
	bpf_probe_read_kernel(&id, sizeof(id), &holder->id);
	bpf_probe_read_kernel(&space, sizeof(space), &holder->space);
	if (id != n->id)
		return HOLDER_IS_UNKNOWN; /* it ends just now */
	s->holder_id = id;
	owner = (struct task_struct *)n->task;
	if (s->key.space & LOCK_SHARED || space == t->space)
		return HOLDER_IS_THREAD;
	if (BPF_CORE_READ(owner, mm) == task->mm) /* a child of vfork(2) has its parent's memory */
		return HOLDER_IS_THREAD;
	return is_copied(s, task, owner);
}

static __always_inline void find_holder(struct stuck *s, struct task_struct *task,
					const struct tracked *t)
{
	u64 word = t->lock.word, owner = owner_address(word, s->hints);

	if (s->hints & LOCK_HINT_WORD)
		s->holder_nr = mutex_owner(task, word);
	else if (owner)
		s->holder_nr = their_word(task, owner) & FUTEX_TID_MASK;
	if (s->holder_nr)
		s->holder_is = holder_is(s, task, t);
}

/* Blocked in a call, and not for a lock. */
static __always_inline bool waits_for(const struct tracked *t, u32 cause)
{
	return !t->role && !t->arrived && t->track.off == OFF_BLOCKED && t->track.cause == cause;
}

/* Of a pipe that one descriptor both reads and writes it is not known. */
static __always_inline bool find_pipe(struct stuck *s, struct task_struct *task,
				      const struct call *call)
{
	struct file *file;
	u32 mode;

	if (class_of(call) != CALL_FD)
		return false;
	file = file_of(task, CALL_ARG0(call));
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFIFO)
		return false;
	mode = BPF_CORE_READ(file, f_mode) & (FMODE_READ | FMODE_WRITE);
	s->want = mode == FMODE_WRITE ? WANT_READER : WANT_WRITER;
	s->object = (u64)BPF_CORE_READ(file, f_inode, i_pipe);
	return mode == FMODE_WRITE || mode == FMODE_READ;
}

/* include/uapi/linux/wait.h */
#define P_ALL 0
#define P_PID 1

static __always_inline bool find_child(struct stuck *s, const struct call *call)
{
	s32 pid = CALL_ARG0(call);

	s->want = WANT_CHILD;
	switch (class_of(call)) {
	case CALL_CHILD: /* wait4: a pid, any child, or a process group */
		s->object = pid > 0 ? pid : 0;
		return pid > 0 || pid == -1;
	case CALL_CHILD_ID:
		s->object = pid == P_PID ? CALL_ARG1(call) : 0;
		return pid == P_PID || pid == P_ALL;
	}
	return false;
}

static __always_inline bool find_file_lock(struct stuck *s, struct task_struct *task,
					   const struct tracked *t, const struct call *call)
{
	struct file *file = file_of(task, CALL_ARG0(call));

	if (!file)
		return false;
	s->want = WANT_FILE_LOCK;
	s->key = t->lock.key;
	s->hints = t->lock.hint;
	s->object = file_lock_owner(task, file, class_of(call) == CALL_FLOCK);
	/* A table that others have may change meanwhile, so the call has taken a reference. */
	s->file = s->files_users > 1 ? (u64)file : 0;
	return s->object != 0;
}

/* What it waits for, if others of the program alone can do that. */
static __always_inline bool find_want(struct stuck *s, struct task_struct *task,
				      const struct tracked *t)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct call call;
	bool is_file = t->lock.hint & LOCK_HINT_FILE;

	if (stands(t) && !is_file) {
		s->key = t->lock.key;
		s->hints = t->lock.hint;
		find_holder(s, task, t);
		return stands(t);
	}
	/* Its handler may end what has no time-out of its own; not that of a futex, which is waited for
	 * again. */
	if (!regs || s->has_alarm)
		return false;
	parse_call(task, regs, &call);
	if (stands(t))
		return find_file_lock(s, task, t, &call);
	if (waits_for(t, CAUSE_IO_PIPE))
		return find_pipe(s, task, &call);
	return waits_for(t, CAUSE_CHILD_WAIT) && find_child(s, &call);
}

SEC("iter.s/task")
int cp_stuck(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct stuck s = {};
	struct tracked *t;

	if (!task)
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, 0);
	if (!t)
		return 0;
	s.since = t->track.last_out;
	s.blocks = t->track.ledger.blocks;
	s.files = (u64)BPF_CORE_READ(task, files);
	s.files_users = BPF_CORE_READ(task, files, count.counter);
	s.has_alarm = has_alarm(task);
	if (!find_want(&s, task, t))
		return 0;
	s.thread_id = t->id;
	s.process_id = t->process_id;
	s.tid = t->tid;
	s.pid = t->pid;
	s.pid_ns = t->number.ns;
	s.threads = BPF_CORE_READ(task, signal, nr_threads);
	bpf_probe_read_kernel_str(s.comm, sizeof(s.comm), task->comm);
	if (!t->arrived && s.since == t->track.last_out) /* still */
		bpf_seq_write(ctx->meta->seq, &s, sizeof(s));
	return 0;
}

/* Whose process it is, of the program. */
static __always_inline u64 process_of(struct task_struct *task)
{
	struct number key = {};
	struct numbered *n;
	struct tracked *t;
	u64 id = 0, process = 0;

	read_own_number(BPF_CORE_READ(task, thread_pid), &key);
	n = bpf_map_lookup_elem(&numbered, &key);
	if (!n)
		return 0;
	t = (struct tracked *)n->tracked;
	bpf_probe_read_kernel(&id, sizeof(id), &t->id);
	bpf_probe_read_kernel(&process, sizeof(process), &t->process_id);
	return id == n->id ? process : 0;
}

/* The descriptors of the pipes that were asked for. */
SEC("iter/task_file")
int cp_pipe_ends(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct pipe_inode_info *pipe;
	struct pipe_end end = {};

	if (!file)
		return 0;
	barrier(); /* see cp_servers() */
	if (!task || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFIFO)
		return 0;
	pipe = BPF_CORE_READ(file, f_inode, i_pipe);
	end.pipe = (u64)pipe;
	if (!bpf_map_lookup_elem(&asked, &end.pipe))
		return 0;
	end.file = (u64)file;
	end.process_id = process_of(task);
	end.mode = BPF_CORE_READ(file, f_mode) & (FMODE_READ | FMODE_WRITE);
	end.readers = BPF_CORE_READ(pipe, readers);
	end.writers = BPF_CORE_READ(pipe, writers);
	bpf_seq_write(ctx->meta->seq, &end, sizeof(end));
	return 0;
}

/* The descriptors of the open files that were asked for. */
SEC("iter/task_file")
int cp_lock_files(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct file_slot slot = {};

	if (!file)
		return 0;
	barrier(); /* see cp_servers() */
	slot.file = (u64)file;
	if (!task || !bpf_map_lookup_elem(&asked, &slot.file))
		return 0;
	slot.files = (u64)BPF_CORE_READ(task, files);
	slot.fd = ctx->fd;
	slot.process_id = process_of(task);
	slot.users = file_users(file) - 1; /* the iterator has taken one */
	bpf_seq_write(ctx->meta->seq, &slot, sizeof(slot));
	return 0;
}

SEC("iter.s/task")
int cp_stuck_stacks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct code_stack *s;
	struct pt_regs *regs;
	struct tracked *t;
	u32 zero = 0;
	u64 id;

	if (!task)
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, 0);
	s = bpf_map_lookup_elem(&stuck_stack, &zero);
	if (!t || !s || t->role)
		return 0;
	id = t->id;
	if (ask_all ? t->arrived != 0 : !bpf_map_lookup_elem(&asked, &id))
		return 0;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	if (!regs || !has_user_code(task) || !is_native_code(regs))
		return 0;
	s->what = CODE_STUCK;
	s->at = bpf_ktime_get_ns();
	s->thread_id = id;
	s->process_id = t->process_id;
	s->tid = t->tid;
	s->pid = t->pid;
	s->cause = t->track.cause;
	s->weight = 1;
	s->lock.space = s->lock.word = s->word = 0;
	if (t->lock.state == LOCK_WAIT_BEGUN && !(t->lock.hint & LOCK_HINT_FILE)) {
		s->lock = t->lock.key;
		s->word = t->lock.word;
	}
	bpf_probe_read_kernel(s->regs, sizeof(s->regs), regs);
	s->n_bytes = copy_their_stack(s->bytes, regs->sp, task);
	bpf_seq_write(ctx->meta->seq, s, sizeof(*s));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
