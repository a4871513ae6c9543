// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring: what a thread waited for at a ring is told by the completion that ended its wait. Mostly it
 * completes the request itself, once it has come to a CPU; or a worker or another thread of the program has
 * before. So the wait is added to the target's only when the thread leaves the CPU again.
 */
#include "target.bpf.h"

/* include/uapi/linux/io_uring.h */
#define IORING_ENTER_GETEVENTS	     1
#define IORING_ENTER_REGISTERED_RING 16

/* include/uapi/linux/aio_abi.h: in struct io_event, its struct iocb, and in that the descriptor */
#define EVENT_ASKED	8
#define ASKED_FD	20
#define ASKED_FLAGS	56 /* and, if it has one, the eventfd */
#define IOCB_FLAG_RESFD 1

#define RINGS_MAX 4096 /* of more it is not known what ended a wait */

/* By the address of their struct io_ring_ctx; or of a struct eventfd_ctx that is told of completions, or of a
 * thread's struct io_uring_task, for what it goes on with itself. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, RINGS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u64);
	__type(value, struct ring_wait);
} rings SEC(".maps");

/* --- the waiter -------------------------------------------------------------------------- */

static __always_inline u64 ring_of(u32 fd, u32 flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct io_uring_task *own = BPF_CORE_READ(task, io_uring);
	struct file *file = NULL;

	if (!(flags & IORING_ENTER_REGISTERED_RING))
		return fd_private(fd);
	if (own && fd < 16)
		bpf_core_read(&file, sizeof(file), &own->registered_rings[fd]);
	return file ? (u64)BPF_CORE_READ(file, private_data) : 0;
}

/* The collector attaches to what tells of the ends; now, not when it next looks. */
static __always_inline void ask_for_ends(__u64 *seen)
{
	void *nothing;

	if (*seen)
		return;
	*seen = 1;
	nothing = bpf_ringbuf_reserve(&lives, 8, 0);
	if (nothing)
		bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
}

/* It waits there from now on. */
static __always_inline void wait_at(struct tracked *t, u64 address, u32 need)
{
	struct ring_wait wait = { .waiter = t->id, .need = need };
	struct ring_wait *known = bpf_map_lookup_elem(&rings, &address);

	t->io.ring = address;
	if (known)
		*known = wait;
	else if (bpf_map_update_elem(&rings, &address, &wait, BPF_NOEXIST))
		t->io.ring = RING_NONE; /* there is no room */
}

int ring_begin(struct tracked *t, u32 fd, u32 least, u32 flags)
{
	struct io_ring_ctx *ring;
	u64 address;

	if (!t || !bpf_core_type_exists(struct io_ring_ctx))
		return 0;
	ask_for_ends(&rings_seen);
	wait_with_ring(&t->io);
	t->io.fd = flags & IORING_ENTER_REGISTERED_RING ? TARGET_NO_FD : fd;
	t->io.ended_at = 0;
	t->io.ring = RING_NONE;
	address = flags & IORING_ENTER_GETEVENTS ? ring_of(fd, flags) : 0;
	if (!address)
		return 0;
	ring = (struct io_ring_ctx *)address;
	wait_at(t, address, BPF_CORE_READ(ring, rings, cq.head) + least);
	return 0;
}

/* No context of aio, but the thread itself: what ended its wait, it is told as its call returns. */
#define RING_OF_AIO (1ull << 62)

int aio_begin(struct tracked *t)
{
	if (!t)
		return 0;
	ask_for_ends(&aio_seen);
	wait_with_ring(&t->io);
	t->io.ended_at = 0;
	wait_at(t, RING_OF_AIO | t->id, 0);
	return 0;
}

static __always_inline void wait_with_file(struct io_wait *io, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	io->file = (u64)file;
	io->inode = (u64)inode;
	io->version = BPF_CORE_READ(inode, i_ino);
	io->mode = BPF_CORE_READ(inode, i_mode);
	io->fd = TARGET_NO_FD;
}

/* 0: it has none, or who completes it is not of the program. */
static __always_inline u32 target_of_file(struct tracked *t, struct file *file, u32 cause)
{
	if (!file || !t || t->role)
		return 0;
	wait_with_file(&t->done, file);
	t->done.cause = cause;
	return io_target_of(t, &t->done);
}

/* --- who waits with other calls ------------------------------------------------------------ */

/* A wait for a ring's descriptor, or for an eventfd that is told of completions. */
__u64 polls_seen = 0;

/* Has it asked for what is done later? */
static __always_inline bool asks(struct task_struct *task)
{
	struct task_struct *leader = BPF_CORE_READ(task, group_leader);
	struct mm_struct *mm = BPF_CORE_READ(task, mm);
	bool is_any = false;

	if (bpf_core_type_exists(struct io_ring_ctx) &&
	    (BPF_CORE_READ(task, io_uring) || BPF_CORE_READ(leader, io_uring))) {
		polls_seen = is_any = true;
		ask_for_ends(&rings_seen);
	}
	if (bpf_core_field_exists(struct mm_struct, ioctx_table) && mm &&
	    BPF_CORE_READ(mm, ioctx_table)) {
		is_any = true;
		ask_for_ends(&aio_seen);
	}
	return is_any;
}

/* It is told then what has ended the wait; until then it is at what it was found to be. */
static __always_inline struct ring_wait *poll_at(struct tracked *t, u64 address, u32 told)
{
	struct ring_wait none = {}, *wait = bpf_map_lookup_elem(&rings, &address);

	if (!wait) {
		if (told)
			return NULL;
		bpf_map_update_elem(&rings, &address, &none, BPF_NOEXIST);
		wait = bpf_map_lookup_elem(&rings, &address);
		if (!wait)
			return NULL;
	}
	wait->waiter = t->id;
	wait->target = 0;
	wait->poll = RING_POLL_ARMED;
	t->io.ring = address;
	t->io.ended_at = 0;
	return wait;
}

static __always_inline u64 eventfd_count(u64 eventfd)
{
	struct eventfd_ctx *context = (struct eventfd_ctx *)eventfd;

	return bpf_core_type_exists(struct eventfd_ctx) ? BPF_CORE_READ(context, count) : 0;
}

/* Requests that the program completes when it next comes to the ring. */
static __always_inline bool has_work(struct io_ring_ctx *ring)
{
	return bpf_core_field_exists(struct io_ring_ctx, work_llist) &&
	       BPF_CORE_READ(ring, work_llist.first);
}

/* The waiter has not come to look yet; count: of the eventfd. */
static __always_inline void poll_ended(struct ring_wait *wait, u64 address, u64 count)
{
	struct io_ring_ctx *ring = (struct io_ring_ctx *)address;
	u32 head = BPF_CORE_READ(ring, rings, cq.head);

	if (BPF_CORE_READ(ring, cached_cq_tail) != head) {
		wait->poll = RING_POLL_ENDED;
		if (wait->number == head + 1)
			wait->target = wait->first;
	} else if (count && !has_work(ring)) { /* the program has written it */
		wait->poll = RING_POLL_OTHER;
	}
}

/* It has been woken for one of its requests to go on in it. */
static __always_inline bool has_own_work(struct task_struct *task, struct io_uring_task *own)
{
	return own && bpf_core_field_exists(struct io_uring_task, task_work) &&
	       (void *)BPF_CORE_READ(task, task_works) ==
		       (void *)own + bpf_core_field_offset(struct io_uring_task, task_work);
}

static __always_inline u32 poll_own_work(struct tracked *t, struct task_struct *task)
{
	struct io_uring_task *own = BPF_CORE_READ(task, io_uring);

	if (!has_own_work(task, own))
		return 0;
	polls_seen = 1;
	ask_for_ends(&rings_seen);
	wait_with_ring(&t->io);
	t->io.object = CAUSE_IO_URING;
	poll_at(t, (u64)own, 0);
	return 1;
}

static __always_inline void poll_ring(struct tracked *t, u64 ring)
{
	struct ring_wait *wait;

	polls_seen = 1;
	ask_for_ends(&rings_seen);
	wait = poll_at(t, ring, 0);
	if (wait)
		poll_ended(wait, ring, 0);
}

static __always_inline void poll_eventfd(struct tracked *t, u64 eventfd)
{
	struct ring_wait *wait = poll_at(t, eventfd, 1);

	if (wait && wait->told == CAUSE_IO_URING)
		poll_ended(wait, wait->ring, eventfd_count(eventfd));
}

u32 ring_polled(struct tracked *t, u64 address)
{
	struct task_struct *task = (struct task_struct *)address;
	struct file *file;
	u64 object;

	if (!t || !bpf_core_type_exists(struct io_ring_ctx))
		return 0;
	if (t->io.object != CAUSE_IO_URING && t->io.object != CAUSE_EVENT_EVENTFD)
		return poll_own_work(t, task);
	file = (struct file *)t->io.file;
	object = (u64)BPF_CORE_READ(file, private_data);
	if (t->io.object == CAUSE_IO_URING)
		poll_ring(t, object);
	else if (asks(task))
		poll_eventfd(t, object);
	return 0;
}

u32 ring_may_signal(struct tracked *t)
{
	struct file *file;

	if (!t || t->io.file <= IO_LAST_SPECIAL || !asks(bpf_get_current_task_btf()))
		return 0;
	file = (struct file *)t->io.file;
	poll_at(t, (u64)BPF_CORE_READ(file, private_data), 1);
	return 1;
}

/* Another thread that waits at the same ring makes it unknown. */
static __always_inline struct ring_wait *own_wait(const struct tracked *t)
{
	u64 address = t->io.ring;
	struct ring_wait *wait = bpf_map_lookup_elem(&rings, &address);

	return wait && wait->waiter == t->id ? wait : NULL;
}

static __always_inline bool is_of_wait(const struct tracked *t, const struct ring_wait *wait)
{
	return !wait->ready_at || (s64)(wait->ready_at - clock_lag - t->io.since) >= 0;
}

/* A request that can go on wakes the thread, which leaves it to a worker perhaps, and waits again. If it is not
 * known which completion has ended the wait, it is said that one has. */
int ring_left(struct tracked *t)
{
	struct ring_wait *wait = t ? own_wait(t) : NULL;

	if (!wait || wait->target || t->role)
		return 0;
	t->done.cause = CAUSE_IO_URING;
	if (wait->poll == RING_POLL_ENDED) {
		wait_with_ring(&t->done);
		if (wait->told == CAUSE_IO_AIO)
			t->done.cause = CAUSE_IO_AIO;
	} else if (wait->ready && is_of_wait(t, wait)) {
		wait_with_file(&t->done, (struct file *)wait->ready);
		wait->ready = 0;
	} else {
		return 0;
	}
	wait->target = io_target_of(t, &t->done);
	return 0;
}

__noinline int ring_waited(struct tracked *t, u64 end, u32 how)
{
	struct ring_wait *wait;
	u32 index;

	if (!t)
		return 0;
	wait = own_wait(t);
	if (!t->io.ended_at) {
		t->io.since = t->track.last_out;
		if (how != IO_OPEN)
			t->io.ended_at = end;
		if (wait && wait->poll == RING_POLL_ARMED && wait->told == CAUSE_IO_URING)
			poll_ended(wait, wait->ring, eventfd_count(t->io.ring));
	}
	if (how == IO_WOKEN)
		return 0;
	if (t->io.ended_at)
		end = t->io.ended_at;
	index = t->io.target;
	if (wait && wait->target)
		index = wait->target;
	io_add_late(index, t->io.since, end, !t->io.ended_at);
	t->io.ring = 0;
	t->io.target = 0;
	t->io.ended = index;
	return 0;
}

/* --- completions ------------------------------------------------------------------------- */

/* A request may complete many times, and all but the last time the kernel does not say which it is, only
 * what the program calls it. For what file it is then, is known from what woke it. */
struct shot {
	u64 ring, user_data;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096); /* of more it is not known */
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct shot);
	__type(value, u64); /* address of the file; 0: several go by one name */
} shots SEC(".maps");

__u64 shots_seen = 0;

/* Who asked for it goes on with it, and may be woken for that. */
static __always_inline void ready_for_own(struct io_kiocb *req, u64 file)
{
	struct io_kiocb___6_12 *before = (void *)req;
	struct ring_wait *wait;
	u64 own;

	if (bpf_core_field_exists(struct io_kiocb, tctx))
		own = (u64)BPF_CORE_READ(req, tctx);
	else
		own = (u64)BPF_CORE_READ(before, task, io_uring);
	wait = bpf_map_lookup_elem(&rings, &own);
	if (!wait)
		return;
	wait->ready = file;
	wait->ready_at = bpf_ktime_get_ns();
}

/* In io_uring/poll.c, whoever makes a file ready. */
SEC("tp_btf/io_uring_task_add")
int BPF_PROG(cp_ready, struct io_kiocb *req)
{
	struct shot shot = { .ring = (u64)BPF_CORE_READ(req, ctx) };
	u64 file = (u64)BPF_CORE_READ(req, file), *known;
	struct ring_wait *wait;

	if (stopped)
		return 0;
	if (polls_seen)
		ready_for_own(req, file);
	wait = bpf_map_lookup_elem(&rings, &shot.ring);
	if (!wait)
		return 0;
	if (!wait->ready)
		wait->ready = file;
	if (!shots_seen)
		return 0;
	shot.user_data = BPF_CORE_READ(req, cqe.user_data);
	known = bpf_map_lookup_elem(&shots, &shot);
	if (!known)
		bpf_map_update_elem(&shots, &shot, &file, BPF_NOEXIST);
	else if (*known != file)
		*known = 0;
	return 0;
}

/* What: until 6.14 its name, since then its struct io_uring_cqe, which begins with that. */
static __always_inline struct file *file_of_shot(u64 ring, u64 what)
{
	struct shot shot = { .ring = ring, .user_data = what };
	u64 *known;

	shots_seen = 1;
	known = bpf_map_lookup_elem(&shots, &shot);
	if (!known && !bpf_probe_read_kernel(&shot.user_data, sizeof(u64), (void *)what))
		known = bpf_map_lookup_elem(&shots, &shot);
	return known ? (struct file *)*known : NULL;
}

static __always_inline struct file *file_of_request(u64 ring, struct io_kiocb *req)
{
	struct shot shot = { .ring = ring };

	if (shots_seen) {
		shot.user_data = BPF_CORE_READ(req, cqe.user_data);
		bpf_map_delete_elem(&shots, &shot);
	}
	return BPF_CORE_READ(req, file);
}

/* It tells the waiter, or who will wait. */
static __always_inline void tell(struct ring_wait *wait, struct tracked *t, struct file *file,
				 struct io_ring_ctx *ring)
{
	u32 number = BPF_CORE_READ(ring, cached_cq_tail);
	bool is_first = number - BPF_CORE_READ(ring, rings, cq.head) == 1;
	u32 target;

	if (!is_first && wait->poll != RING_POLL_ARMED)
		return;
	target = target_of_file(t, file, CAUSE_IO_URING);
	if (is_first) {
		wait->first = target;
		wait->number = number;
		wait->ring = (u64)ring;
	}
	if (wait->poll == RING_POLL_ARMED) {
		wait->target = target;
		wait->poll = RING_POLL_ENDED;
	}
}

static __always_inline void tell_eventfd(struct tracked *t, struct file *file,
					 struct io_ring_ctx *ring)
{
	struct ring_wait new = { .ring = (u64)ring, .told = CAUSE_IO_URING };
	struct io_ev_fd *by = BPF_CORE_READ(ring, io_ev_fd);
	u64 eventfd = by ? (u64)BPF_CORE_READ(by, cq_ev_fd) : 0;
	struct ring_wait *wait;

	if (!eventfd)
		return;
	wait = bpf_map_lookup_elem(&rings, &eventfd);
	if (wait)
		tell(wait, t, file, ring);
	else
		bpf_map_update_elem(&rings, &eventfd, &new, BPF_NOEXIST);
}

static __always_inline void tell_others(struct tracked *t, struct file *file,
					struct io_ring_ctx *ring)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 own = (u64)BPF_CORE_READ(task, io_uring);
	struct ring_wait *wait;

	tell_eventfd(t, file, ring);
	wait = bpf_map_lookup_elem(&rings, &own);
	if (!wait)
		return;
	wait->ready = 0;
	if (t && t->io.ring == own && wait->poll == RING_POLL_ARMED)
		tell(wait, t, file, ring);
}

/* In this order since 5.18, whatever follows. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(cp_complete, void *ring, void *req, u64 what)
{
	struct io_ring_ctx *context = ring;
	u64 address = (u64)ring;
	struct ring_wait *wait;
	struct tracked *t;
	struct file *file;
	u32 number;

	if (stopped)
		return 0;
	wait = bpf_map_lookup_elem(&rings, &address);
	if (!wait && !polls_seen)
		return 0;
	t = bpf_task_storage_get(&threads, bpf_get_current_task_btf(), 0, 0);
	if (req)
		file = file_of_request(address, req);
	else
		file = file_of_shot(address, what);
	if (polls_seen)
		tell_others(t, file, context);
	if (!wait)
		return 0;
	number = BPF_CORE_READ(context, cached_cq_tail);
	wait->ready = 0;
	if (polls_seen)
		tell(wait, t, file, context);
	if (wait->poll == RING_POLL_NOT && (s32)(number - wait->need) <= 0)
		wait->target = target_of_file(t, file, CAUSE_IO_URING);
	return 0;
}

/* That is told of this request, if it is one; it is known to be one from now on. */
static __always_inline u64 told_eventfd(u64 asked)
{
	struct ring_wait new = { .told = CAUSE_IO_AIO };
	u32 flags_and_fd[2] = {};
	u64 eventfd;

	if (bpf_probe_read_user(flags_and_fd, sizeof(flags_and_fd),
				(void *)(asked + ASKED_FLAGS)) ||
	    !(flags_and_fd[0] & IOCB_FLAG_RESFD))
		return 0;
	eventfd = fd_private(flags_and_fd[1]);
	if (eventfd && !bpf_map_lookup_elem(&rings, &eventfd))
		bpf_map_update_elem(&rings, &eventfd, &new, BPF_NOEXIST);
	return eventfd;
}

/* The first event that io_getevents(2) returns is in the program's memory, and so is what was asked for:
 * the program has not run since. */
SEC("tp_btf/sys_exit")
int BPF_PROG(cp_got, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ring_wait *wait;
	struct tracked *t;
	struct call call;
	u64 asked = 0, eventfd;
	u32 fd = 0;

	if (stopped || result <= 0)
		return 0;
	read_call(task, &call);
	if (class_of(&call) != CALL_AIO || call.compat)
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, 0);
	if (!t ||
	    bpf_probe_read_user(&asked, sizeof(asked), (void *)(CALL_ARG3(&call) + EVENT_ASKED)) ||
	    bpf_probe_read_user(&fd, sizeof(fd), (void *)(asked + ASKED_FD)))
		return 0;
	eventfd = told_eventfd(asked);
	wait = t->io.ring ? own_wait(t) : NULL;
	if (!wait || wait->target || (t->io.ring != (RING_OF_AIO | t->id) && t->io.ring != eventfd))
		return 0;
	wait->target = target_of_file(t, (struct file *)fd_file(fd), CAUSE_IO_AIO);
	if (wait->poll)
		wait->poll = RING_POLL_ENDED;
	return 0;
}

/* --- workers ----------------------------------------------------------------------------- */

/* What a worker does now; NULL: nothing, or it is none. */
static __always_inline struct io_kiocb *request_of(struct task_struct *task)
{
	struct io_worker *worker;
	struct io_wq_work *work;

	if (!bpf_core_type_exists(struct io_worker))
		return NULL;
	worker = BPF_CORE_READ(task, worker_private);
	if (!worker)
		return NULL;
	work = BPF_CORE_READ(worker, cur_work);
	return work ? (void *)work - bpf_core_field_offset(struct io_kiocb, work) : NULL;
}

static __always_inline u32 request_wait(struct tracked *t, struct file *file, u32 state)
{
	u32 wait = file_target((u64)file, TARGET_NO_FD) & 0xffff, cause = WAIT_CAUSE(wait);
	bool by_device = cause == CAUSE_IO_DISK || cause == CAUSE_IO_FILE;

	if (!by_device && in_d_state(state))
		return plain_wait(CAUSE_KERNEL_OTHER);
	wait_with_file(&t->io, file); /* a request has it under another number, perhaps */
	if (cause == CAUSE_IO_DISK && !in_d_state(state))
		return WAIT(CAUSE_IO_FILE, ROW_IO);
	return wait;
}

/* Threads of the kernel have no call of their own, and no more has a task that exits. */
u32 worker_wait(struct tracked *t, u32 state)
{
	struct task_struct *task = bpf_get_current_task_btf();
	bool is_worker = task->flags & PF_IO_WORKER && !(task->flags & PF_EXITING);
	struct io_kiocb *req = is_worker ? request_of(task) : NULL;
	bool by_disk = in_d_state(state) && in_iowait(task);
	struct file *file;
	u32 wait;

	if (!t)
		return plain_wait(CAUSE_UNKNOWN);
	file = req ? BPF_CORE_READ(req, file) : NULL;
	if (file) {
		wait = request_wait(t, file, state);
		if (WAIT_CAUSE(wait) != CAUSE_KERNEL_OTHER || !by_disk)
			return wait;
	}
	if (by_disk)
		return plain_wait(CAUSE_IO_DISK);
	if (req)
		return plain_wait(CAUSE_IO_URING);
	/* One that has nothing to do does not keep the program waiting. */
	return is_worker ? WAIT(CAUSE_KERNEL_OTHER, ROW_EVENT) : plain_wait(CAUSE_KERNEL_OTHER);
}

char LICENSE[] SEC("license") = "GPL";
