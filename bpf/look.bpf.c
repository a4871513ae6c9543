// SPDX-License-Identifier: GPL-2.0-only
/*
 * One look at tasks that nobody has watched: iterators alone, in an object of its own that is
 * loaded without the probes.
 */
#include "target.bpf.h"
#include "arch.bpf.h"
#include "look.h"
#include "stack.bpf.h"
#include "timer.bpf.h"

/* The kernel's own calls of a thread that sleeps take less than this of its stack. */
#define KERNEL_WORDS 256

/* include/linux/sched.h */
#define TASK_FROZEN 0x8000
/* include/linux/sched/jobctl.h */
#define JOBCTL_TRAP_FREEZE (1UL << 23)

#define MAPPED __builtin_bswap32(0xffff) /* third word of ::ffff:1.2.3.4 */

__u64 ns_level = 0;	  /* of concprof's PID namespace, see number_of() */
__u64 reader_arrived = 0; /* who reads came to its CPU, by the scheduler's clock */

/* Processes to look at, by their pids; nothing else in it is of interest. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, u32);
} asked_pids SEC(".maps");

/* Ends to look for. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, u32);
} asked_objects SEC(".maps");

/* Too large for the stack. Only one reads at a time. */
struct look_room {
	struct seen seen;
	struct code_stack stack;
	/* What is read back from memory is a number, not a pointer. */
	volatile u64 task, kernel_sp, kernel_end;
	u64 kernel[KERNEL_WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct look_room);
} look_rooms SEC(".maps");

static __always_inline struct look_room *the_look_room(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&look_rooms, &zero);
}

static __always_inline u32 pid_of(struct task_struct *task)
{
	return number_of(BPF_CORE_READ(task, group_leader, thread_pid));
}

static __always_inline bool is_asked(struct task_struct *task, u32 *ret_pid)
{
	struct task_struct *reader = (struct task_struct *)bpf_get_current_task();

	ns_level = BPF_CORE_READ(reader, thread_pid, level);
	reader_arrived = BPF_CORE_READ(reader, sched_info.last_arrival);
	*ret_pid = pid_of(task);
	return *ret_pid && bpf_map_lookup_elem(&asked_pids, ret_pid);
}

/* --- what it waits on -------------------------------------------------------------------- */

/* One direction of a connection. */
static __always_inline u64 way(u64 from, u64 to, u64 addresses)
{
	return ((from << 48 | to << 32) ^ addresses * 0x9e3779b97f4a7c15ull) | 1;
}

static __always_inline void find_address(struct peer_key *key, struct sock *sk, u16 family)
{
	key->family = family;
	key->port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));
	if (family == AF_INET)
		bpf_core_read(&key->address, sizeof(u32), &sk->__sk_common.skc_daddr);
	else
		BPF_CORE_READ_INTO(&key->address, sk, __sk_common.skc_v6_daddr);
}

/* Both, the same from either end. Of IPv6 the kernel sets the short ones only where IPv4 is meant. */
static __always_inline u64 both_addresses(struct sock *sk, u16 family)
{
	u64 far[2] = {}, near[2] = {};

	BPF_CORE_READ_INTO(&far, sk, __sk_common.skc_v6_daddr);
	if (family == AF_INET || (!far[0] && (u32)far[1] == MAPPED))
		return BPF_CORE_READ(sk, __sk_common.skc_daddr) ^
		       BPF_CORE_READ(sk, __sk_common.skc_rcv_saddr);
	BPF_CORE_READ_INTO(&near, sk, __sk_common.skc_v6_rcv_saddr);
	return far[0] ^ far[1] ^ near[0] ^ near[1];
}

static __always_inline void find_inet(struct seen_fd *f, struct sock *sk, u16 family)
{
	u64 addresses = both_addresses(sk, family);
	u64 own = BPF_CORE_READ(sk, __sk_common.skc_num);
	u64 port = __builtin_bswap16(BPF_CORE_READ(sk, __sk_common.skc_dport));

	if (!own || !port)
		return;
	addresses ^= (u64)BPF_CORE_READ(sk, sk_protocol) << 40;
	f->object = way(own, port, addresses);
	f->other = way(port, own, addresses);
}

static __always_inline void find_socket(struct seen_fd *f, struct file *file)
{
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	if (family == AF_UNIX && bpf_core_type_exists(struct unix_sock)) {
		f->object = (u64)sk;
		f->other = (u64)BPF_CORE_READ((struct unix_sock *)sk, peer);
	} else if (family == AF_INET || family == AF_INET6) {
		if (BPF_CORE_READ(sk, __sk_common.skc_state) == TCP_LISTEN) {
			f->listens = BPF_CORE_READ(sk, __sk_common.skc_num);
			return;
		}
		find_address(&f->peer, sk, family);
		find_inet(f, sk, family);
	}
}

static __always_inline void find_object(struct seen_fd *f, const struct opened *o)
{
	struct inode *inode = o->inode;

	f->mode = o->f_mode & (FMODE_READ | FMODE_WRITE);
	if ((o->mode & S_IFMT) == S_IFIFO)
		f->object = f->other = (u64)BPF_CORE_READ(inode, i_pipe);
	else if ((o->mode & S_IFMT) == S_IFSOCK)
		find_socket(f, o->file);
}

/* Global: the verifier looks at it once. */
__noinline int find_fd(struct seen_fd *f, u64 file)
{
	struct opened opened;
	struct target target;

	if (!f || !file) /* closed meanwhile: of no known cause */
		return 0;
	read_file((struct file *)file, &opened);
	describe_opened(&opened, &target);
	f->cause = target.cause;
	f->row = target.row;
	find_object(f, &opened);
	return 0;
}

static __always_inline void find_polled(struct task_struct *task, struct seen *s)
{
	struct {
		s32 fd;
		s16 events, revents;
	} polled[SEEN_FDS] = {}; /* poll(2) */

	s->n_fds = s->args[1];
	if (s->flags & SEEN_COMPAT || !s->n_fds || s->n_fds > SEEN_FDS ||
	    bpf_copy_from_user_task(polled, s->n_fds * sizeof(*polled), (void *)s->args[0], task,
				    0))
		return;
	s->fds[0].fd = polled[0].fd;
	if (s->n_fds > 1)
		s->fds[1].fd = polled[1].fd;
}

static __always_inline void find_fds(struct task_struct *task, struct seen *s)
{
	s->fds[0].fd = s->fds[1].fd = -1;
	switch (s->class) {
	case CALL_FD_TO_FD:
		s->fds[1].fd = s->args[1];
		s->fds[0].fd = s->args[0];
		break;
	case CALL_FD_X_FD:
		s->fds[1].fd = s->args[2];
		s->fds[0].fd = s->args[0];
		break;
	case CALL_FD:
	case CALL_FD_BARE:
	case CALL_EPOLL:
	case CALL_EPOLL_TIME:
	case CALL_FCNTL:
	case CALL_FLOCK:
	case CALL_URING:
		s->fds[0].fd = s->args[0];
		break;
	case CALL_POLL:
	case CALL_POLL_TIME:
		find_polled(task, s);
	}
	for (int i = 0; i < SEEN_FDS; i++) {
		if (s->fds[i].fd >= 0)
			find_fd(&s->fds[i], (u64)file_of(task, s->fds[i].fd));
	}
}

/* --- how long -------------------------------------------------------------------------- */

/* Is it one of a CPU's clocks, which lie side by side there? */
static __always_inline bool is_clock_base(struct hrtimer_clock_base *base)
{
	struct hrtimer_cpu_base *cpu = BPF_CORE_READ(base, cpu_base);
	u64 first = (u64)cpu + bpf_core_field_offset(struct hrtimer_cpu_base, clock_base);

	return cpu && (u64)base == first + BPF_CORE_READ(base, index) *
						   bpf_core_type_size(struct hrtimer_clock_base);
}

/* kernel/time/hrtimer.c: whoever sleeps up to a time has its timer on its own stack, and behind it
 * whom to wake: itself. Global: the verifier looks at it once. */
__noinline int read_timer(struct seen *s, u64 task_at)
{
	u64 at = task_at - bpf_core_field_offset(struct hrtimer_sleeper, task);
	struct hrtimer_sleeper *sleeper = (struct hrtimer_sleeper *)at;

	if (!s || !is_timer_set((void *)sleeper + bpf_core_field_offset(sleeper->timer)) ||
	    !is_clock_base(BPF_CORE_READ(sleeper, timer.base)))
		return 0;
	s->timer_at = BPF_CORE_READ(sleeper, timer._softexpires); /* without slack */
	s->timer_clock = BPF_CORE_READ(sleeper, timer.base, clockid);
	s->flags |= SEEN_TIMER;
	return 1;
}

static __always_inline u64 kernel_sp(struct task_struct *task)
{
#if defined(__TARGET_ARCH_x86)
	return BPF_CORE_READ(task, thread.sp);
#else
	return BPF_CORE_READ(task, thread.cpu_context.sp);
#endif
}

static long try_timer(u32 i, void *ctx)
{
	struct look_room *room = *(struct look_room **)ctx;

	return i < KERNEL_WORDS && room->kernel[i] == room->task &&
	       read_timer(&room->seen, room->kernel_sp + i * 8);
}

/* Its own calls lie between its stack's pointer and the registers of the program. */
static __always_inline void find_timer(struct task_struct *task, struct look_room *room)
{
	u64 size;

	room->task = (u64)task;
	room->kernel_sp = kernel_sp(task) & ~7ull;
	room->kernel_end = (u64)bpf_task_pt_regs(task);
	size = room->kernel_end - room->kernel_sp;
	if (size > sizeof(room->kernel))
		size = sizeof(room->kernel);
	if (!room->kernel_sp || room->seen.flags & SEEN_ON_CPU ||
	    bpf_probe_read_kernel(room->kernel, size, (void *)room->kernel_sp))
		return;
	bpf_loop(size / 8, try_timer, &room, 0);
}

/* --- a task ---------------------------------------------------------------------------- */

static __always_inline u32 flags_of(struct task_struct *task)
{
	u32 flags = 0, state = BPF_CORE_READ(task, __state), kind = BPF_CORE_READ(task, flags);

	if (BPF_CORE_READ_BITFIELD_PROBED(task, on_cpu)) /* since 7.2 a byte */
		flags |= SEEN_ON_CPU;
	if (BPF_CORE_READ_BITFIELD_PROBED(task, in_iowait))
		flags |= SEEN_IOWAIT;
	if (state & TASK_FROZEN || BPF_CORE_READ(task, jobctl) & JOBCTL_TRAP_FREEZE)
		flags |= SEEN_FROZEN;
	if (has_alarm(task))
		flags |= SEEN_ALARM;
	if (kind & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER))
		flags |= SEEN_KERNEL;
	if (kind & PF_EXITING)
		flags |= SEEN_EXITING;
	if (BPF_CORE_READ(task, group_leader) == task)
		flags |= SEEN_LEADER;
	return flags;
}

static __always_inline void read_calls(struct task_struct *task, struct seen *s)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct call call;

	s->nr = -1;
	if (!regs || s->flags & (SEEN_KERNEL | SEEN_EXITING))
		return;
	parse_call(task, regs, &call);
	s->nr = call.nr;
	if (call.nr < 0)
		return;
	if (call.compat)
		s->flags |= SEEN_COMPAT;
	s->class = class_of(&call);
	s->args[0] = CALL_ARG0(&call);
	s->args[1] = CALL_ARG1(&call);
	s->args[2] = CALL_ARG2(&call);
	s->args[3] = CALL_ARG3(&call);
	s->args[4] = CALL_ARG4(&call);
	if (s->class == CALL_PATH) /* see path_wait() */
		s->path_mode = BPF_CORE_READ(task, nameidata, path.dentry, d_inode, i_mode);
}

static __always_inline void read_task(struct task_struct *task, struct seen *s)
{
	struct rq *rq = BPF_CORE_READ(task, se.cfs_rq, rq);
	struct number own = {};

	s->tid = number_of(BPF_CORE_READ(task, thread_pid));
	s->parent = pid_of(BPF_CORE_READ(task, real_parent));
	s->tracer = BPF_CORE_READ(task, ptrace) ? pid_of(BPF_CORE_READ(task, parent)) : 0;
	read_own_number(BPF_CORE_READ(task, thread_pid), &own);
	s->own_tid = own.nr;
	s->pid_ns = own.ns;
	s->threads = BPF_CORE_READ(task, signal, nr_threads);
	s->state = BPF_CORE_READ(task, __state);
	s->exit_state = BPF_CORE_READ(task, exit_state);
	s->flags = flags_of(task);
	s->arrived = BPF_CORE_READ(task, sched_info.last_arrival);
	s->ran = BPF_CORE_READ(task, se.exec_start);
	if (s->ran) /* rq->clock_task leaves out what interrupts and the hypervisor took */
		s->ran += BPF_CORE_READ(rq, clock) - BPF_CORE_READ(rq, clock_task);
	s->switches = BPF_CORE_READ(task, nvcsw) + BPF_CORE_READ(task, nivcsw);
	s->started = BPF_CORE_READ(task, start_time);
	s->uid = BPF_CORE_READ(task, cred, euid.val);
	bpf_probe_read_kernel_str(s->comm, sizeof(s->comm), task->comm);
}

static __always_inline void read_words(struct task_struct *task, struct seen *s)
{
	u64 word = s->args[0];

	if (s->class == CALL_FUTEX && !(word & 3) &&
	    !bpf_copy_from_user_task(s->words, sizeof(s->words), (void *)word, task, 0))
		s->flags |= SEEN_WORDS;
}

SEC("iter.s/task")
int cp_look(struct bpf_iter__task *ctx)
{
	struct look_room *room = the_look_room();
	struct task_struct *task = ctx->task;
	struct seen *s;
	u32 pid;

	if (!task || !room || !is_asked(task, &pid))
		return 0;
	s = &room->seen;
	__builtin_memset(s, 0, sizeof(*s)); /* the room was another task's before */
	s->pid = pid;
	read_task(task, s);
	read_calls(task, s);
	find_fds(task, s);
	find_timer(task, room);
	read_words(task, s);
	bpf_seq_write(ctx->meta->seq, s, sizeof(*s));
	return 0;
}

SEC("iter.s/task")
int cp_look_stacks(struct bpf_iter__task *ctx)
{
	struct look_room *room = the_look_room();
	struct task_struct *task = ctx->task;
	struct code_stack *s;
	struct pt_regs *regs;
	u32 pid;

	if (!task || !room || !is_asked(task, &pid) || !has_user_code(task) ||
	    BPF_CORE_READ_BITFIELD_PROBED(task, on_cpu))
		return 0;
	s = &room->stack;
	s->tid = number_of(BPF_CORE_READ(task, thread_pid));
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	if (!regs || !is_native_code(regs))
		return 0;
	s->what = CODE_STUCK;
	s->at = bpf_ktime_get_ns();
	s->thread_id = s->tid;
	s->process_id = s->pid = pid;
	s->weight = 1;
	s->cause_ns = BPF_CORE_READ(task, nvcsw) + BPF_CORE_READ(task, nivcsw);
	bpf_probe_read_kernel(s->regs, sizeof(s->regs), regs);
	s->n_bytes = copy_their_stack(s->bytes, regs->sp, task);
	bpf_seq_write(ctx->meta->seq, s, sizeof(*s));
	return 0;
}

/* The descriptors at the other ends. */
SEC("iter/task_file")
int cp_look_ends(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct pipe_inode_info *pipe;
	struct seen_end end = {};
	struct seen_fd fd = {};
	struct opened opened;

	if (!file)
		return 0;
	barrier(); /* see cp_servers() */
	if (!task)
		return 0;
	read_file(file, &opened);
	find_object(&fd, &opened);
	end.object = fd.object;
	if (!end.object || !bpf_map_lookup_elem(&asked_objects, &end.object))
		return 0;
	end.file = (u64)file;
	end.pid = pid_of(task);
	end.fd = ctx->fd;
	end.mode = fd.mode;
	if ((opened.mode & S_IFMT) == S_IFIFO) {
		pipe = (struct pipe_inode_info *)end.object;
		end.readers = BPF_CORE_READ(pipe, readers);
		end.writers = BPF_CORE_READ(pipe, writers);
	}
	BPF_CORE_READ_INTO(&end.comm, task, group_leader, comm);
	bpf_seq_write(ctx->meta->seq, &end, sizeof(end));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
