// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits that may end for several reasons: what they could be for is noted when they
 * begin, when the thread's own memory can be read, and which it was is decided when
 * they end. Global functions: see thread.bpf.h.
 */
#include "thread.bpf.h"

#define DEADLINE_PART 16 /* of a time-out, by which it is known at least */
#define EPOLL_MAX     8	 /* of an epoll instance */

/* include/uapi/asm-generic/siginfo.h, include/uapi/asm-generic/signal.h */
#define SI_TIMER -2
#define TIMER_SIGNALS                                                                              \
	(1ull << (14 - 1) | 1ull << (26 - 1) | 1ull << (27 - 1)) /* ALRM VTALRM PROF */

struct user_time {
	s64 seconds, part;
};

struct user_pollfd {
	s32 fd;
	s16 events, revents;
};

/* The kernel has counted from somewhere in the call, before it looked at the descriptors: it has
 * been on the CPU since then. */
static __always_inline void set_deadline(struct tracked *t, u64 from_now)
{
	u64 now = bpf_ktime_get_ns(), ran = now - clock_lag - t->arrived;

	if (!t->arrived || ran > from_now / DEADLINE_PART)
		ran = from_now / DEADLINE_PART;
	t->event.deadline_at = now + from_now - ran;
}

/* Of a struct timespec or timeval; a part of it counts so many nanoseconds. */
static __always_inline void read_timeout(struct tracked *t, u64 address, u32 part_ns)
{
	struct user_time time;

	t->event.deadline_at = 0;
	if (address && !bpf_probe_read_user(&time, sizeof(time), (void *)address))
		set_deadline(t, time.seconds * 1000000000ull + time.part * part_ns);
}

static __always_inline void begin_set(struct tracked *t)
{
	t->event.resolve = RESOLVE_POLL;
	t->event.set = 0;
	t->event.looked = 0;
	t->event.object = 0;
	t->event.deadline_at = 0;
}

/* Global, so that the verifier does not walk it for each descriptor. */
__noinline int add_to_set(struct tracked *t, u32 fd, u32 events)
{
	u64 n, file;
	u32 set;

	if (!t)
		return 0;
	n = t->event.looked++;
	barrier_var(n);
	if (n >= SET_MAX)
		return 0;
	file = fd_file(fd);
	t->event.items[n].file = file;
	t->event.items[n].fd = fd;
	t->event.items[n].events = events;
	set = file_target(file, fd) >> 16;
	if (set & SET_PEER && !t->event.object)
		t->event.object = fd_sock(fd);
	t->event.set |= set;
	return 0;
}

struct epoll_scan {
	u64 queue[EPOLL_MAX]; /* nodes of the tree, each before its children */
	u32 n, set;
};

/* Not on the stack, of which there is too little. A switch is not interrupted. */
struct scan {
	struct user_pollfd poll[SET_MAX];
	struct epoll_scan epoll;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct scan);
} scans SEC(".maps");

static __always_inline struct scan *this_scan(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&scans, &zero);
}

/* bpf_loop() has the verifier walk the body of a loop once. */
struct poll_scan {
	struct tracked *t;
	const struct user_pollfd *set;
};

static int look_at_pollfd(u32 i, struct poll_scan *scan)
{
	if (i >= SET_MAX)
		return 0;
	if (scan->set[i].fd >= 0)
		add_to_set(scan->t, scan->set[i].fd, (u16)scan->set[i].events);
	else
		scan->t->event.watched--; /* poll(2): it is ignored */
	return 0;
}

/* timeout: milliseconds, or with is_time the address of a timespec. */
int begin_poll(struct tracked *t, u64 fds, u32 n, u64 timeout, u32 is_time)
{
	struct poll_scan scan = { .t = t };
	struct scan *room = this_scan();

	if (!t || !room)
		return 0;
	begin_set(t);
	if (is_time)
		read_timeout(t, timeout, 1);
	else if ((s32)timeout > 0)
		set_deadline(t, (u32)timeout * 1000000ull);
	if (n > SET_MAX)
		n = SET_MAX;
	scan.set = room->poll;
	if (n && !bpf_probe_read_user(room->poll, n * sizeof(*room->poll), (void *)fds))
		bpf_loop(n, look_at_pollfd, &scan, 0);
	return 0;
}

/* include/uapi/linux/posix_types.h: __FD_SETSIZE */
#define FD_SETSIZE 1024
#define SET_WORDS  64 /* of higher descriptors it is not counted how many there are */

/* include/uapi/asm-generic/poll.h */
#define POLLIN	1
#define POLLPRI 2
#define POLLOUT 4

struct select_scan {
	struct tracked *t;
	u32 is_resolved, pad;
};

static __always_inline u64 set_word(u64 set, u32 i)
{
	u64 word = 0;

	if (set)
		bpf_probe_read_user(&word, sizeof(word), (void *)(set + i * sizeof(word)));
	return word;
}

/* The lowest of the descriptors in these words, from fd on; returns the others. */
static __always_inline u64 add_lowest(struct tracked *t, u64 all, u64 read, u64 write, u32 fd)
{
	u64 lowest = all & -all;

	add_to_set(t, fd + __builtin_popcountll(lowest - 1),
		   (read & lowest ? POLLIN : 0) | (write & lowest ? POLLOUT : 0) |
			   (read & lowest || write & lowest ? 0 : POLLPRI));
	return all & ~lowest;
}

static int look_at_word(u32 i, struct select_scan *scan)
{
	struct tracked *t = scan->t;
	u64 read = set_word(t->event.sets[0], i), write = set_word(t->event.sets[1], i);
	u64 all = read | write | set_word(t->event.sets[2], i);

	t->event.watched += __builtin_popcountll(all);
	if (!scan->is_resolved)
		return 0;
	for (u32 k = 0; k < SET_MAX; k++) {
		if (!all || t->event.looked >= SET_MAX)
			break;
		all = add_lowest(t, all, read, write, 64 * i);
	}
	return 0;
}

/* core_sys_select(): of higher numbers there are none, and it looks no further. */
static __always_inline u32 below_table(u32 n)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 most;

	if (n <= FD_SETSIZE)
		return n;
	most = BPF_CORE_READ(task, files, fdt, max_fds);
	return n < most ? n : most;
}

int begin_select(struct tracked *t, u32 n, u64 timeout, u32 part_ns)
{
	struct select_scan scan = { .t = t, .is_resolved = part_ns != 0 };
	u32 words;

	if (!t)
		return 0;
	n = below_table(n);
	t->event.watched = 0;
	t->event.reach = n;
	begin_set(t);
	read_timeout(t, timeout, part_ns);
	if (!part_ns)
		t->event.resolve = RESOLVE_NOT;
	words = (n + 63) / 64;
	bpf_loop(words < SET_WORDS ? words : SET_WORDS, look_at_word, &scan, 0);
	return 0;
}

/* timeout: milliseconds, or with is_time the address of a timespec. */
int begin_epoll(struct tracked *t, u32 fd, u64 timeout, u32 is_time)
{
	if (!t)
		return 0;
	t->event.resolve = RESOLVE_EPOLL;
	t->event.deadline_at = 0;
	if (is_time)
		read_timeout(t, timeout, 1);
	else if ((s32)timeout > 0)
		set_deadline(t, (u32)timeout * 1000000ull);
	t->event.object = fd_private(fd);
	t->event.fd = fd;
	return 0;
}

/* A wait with a time-out for a word to change; returns its row so far. */
int begin_futex(struct tracked *t, u64 word, u64 timeout, u32 op)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct user_time time;
	u64 now, deadline;

	if (!t || bpf_probe_read_user(&time, sizeof(time), (void *)timeout))
		return ROW_SYNC;
	now = bpf_ktime_get_ns();
	deadline = time.seconds * 1000000000ull + time.part;
	if ((op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) == FUTEX_WAIT)
		deadline += now;
	else if (op & FUTEX_CLOCK_REALTIME)
		deadline -= realtime_offset;
	t->event.resolve = RESOLVE_FUTEX;
	t->event.deadline_at = deadline;
	return track_train(&t->train, word, task->se.sum_exec_runtime,
			   (s64)(deadline - now) <= (s64)TRAIN_TIMEOUT_NS);
}

static __always_inline void add_node(struct epoll_scan *scan, struct rb_node *node)
{
	if (node && scan->n < EPOLL_MAX)
		scan->queue[scan->n++ & (EPOLL_MAX - 1)] = (u64)node;
}

static int look_at_item(u32 i, struct epoll_scan **at)
{
	struct epoll_scan *scan = *at;
	struct rb_node *node = (struct rb_node *)scan->queue[i & (EPOLL_MAX - 1)];
	struct epitem *item;

	if (!node)
		return 1;
	item = (void *)node - bpf_core_field_offset(struct epitem, rbn);
	scan->set |=
		file_target((u64)BPF_CORE_READ(item, ffd.file), BPF_CORE_READ(item, ffd.fd)) >> 16;
	add_node(scan, BPF_CORE_READ(node, rb_left));
	add_node(scan, BPF_CORE_READ(node, rb_right));
	return 0;
}

/* What an epoll instance waits for, from the top of its tree down. */
static __always_inline u32 epoll_set(struct eventpoll *ep)
{
	struct scan *room = this_scan();
	struct epoll_scan *scan;

	if (!room)
		return 0;
	scan = &room->epoll;
	__builtin_memset(scan, 0, sizeof(*scan));
	add_node(scan, BPF_CORE_READ(ep, rbr.rb_root.rb_node));
	bpf_loop(EPOLL_MAX, look_at_item, &scan, 0);
	return scan->set;
}

/* Nothing came, up to the time-out or (open) the measurement's end: what could have. */
static __always_inline u32 row_of_set(u32 set, u32 open)
{
	if (set & SET_DEMAND)
		return open ? ROW_EVENT : ROW_TICK;
	return set & SET_PEER ? ROW_PEER : ROW_TIMER;
}

/* The first struct epitem that is ready: fs/eventpoll.c links it before it wakes who waits. 0: none. */
static __always_inline u64 first_ready(u64 instance)
{
	struct eventpoll *ep = (struct eventpoll *)instance;
	struct list_head *first = ep ? BPF_CORE_READ(ep, rdllist.next) : NULL;

	if (!first ||
	    (void *)first == (void *)ep + bpf_core_field_offset(struct eventpoll, rdllist))
		return 0;
	return (u64)first - bpf_core_field_offset(struct epitem, rdllink);
}

__noinline u32 row_of_instance(u64 instance, u32 open)
{
	return instance ? row_of_set(epoll_set((struct eventpoll *)instance), open) : ROW_EVENT;
}

/* The wait has ended by this file. */
__noinline u32 file_row(struct tracked *t, u64 file, u32 fd, u32 events)
{
	u32 wait = file_target(file, fd), row = WAIT_ROW(wait);

	if (t) {
		wait_for_file(t, file, fd, WAIT_CAUSE(wait), events);
		t->io.writes = events & READY_TO_WRITE && !(events & READY_TO_READ);
	}
	return row < ROW_COUNT && row != ROW_UNKNOWN ? row : ROW_EVENT;
}

static __always_inline u32 item_row(struct tracked *t, u64 address)
{
	struct epitem *item = (struct epitem *)address;

	return file_row(t, (u64)BPF_CORE_READ(item, ffd.file), BPF_CORE_READ(item, ffd.fd),
			BPF_CORE_READ(item, event.events));
}

/* The struct sock of a file that is a socket. */
static __always_inline u64 file_sock(u64 file)
{
	struct socket *socket = BPF_CORE_READ((struct file *)file, private_data);

	return socket ? (u64)BPF_CORE_READ(socket, sk) : 0;
}

/* The struct sock of that one, which is a socket; or 0. */
__noinline u64 item_sock(u64 address)
{
	struct epitem *item = (struct epitem *)address;
	struct socket *socket = item ? BPF_CORE_READ(item, ffd.file, private_data) : NULL;

	return socket ? (u64)BPF_CORE_READ(socket, sk) : 0;
}

static __always_inline bool has_answer(u64 object)
{
	struct sock *sk = (struct sock *)object;

	return BPF_CORE_READ(sk, sk_receive_queue.qlen) || BPF_CORE_READ(sk, sk_shutdown);
}

static __always_inline u32 poll_row(struct tracked *t, bool late, u32 open)
{
	u32 set = t->event.set;

	if (late)
		return row_of_set(set, open);
	if (set & SET_PEER &&
	    (!(set & SET_DEMAND) || (t->event.object && has_answer(t->event.object))))
		return ROW_PEER;
	return set & SET_DEMAND ? ROW_DEMAND : ROW_EVENT;
}

/* Of the first in a queue of pending signals: was it a timer's? */
static __always_inline bool from_timer(struct sigpending *pending)
{
	struct sigqueue *first;

	if (BPF_CORE_READ(pending, signal.sig[0]) & TIMER_SIGNALS)
		return true;
	first = (struct sigqueue *)BPF_CORE_READ(pending, list.next);
	return (void *)first != (void *)pending + bpf_core_field_offset(struct sigpending, list) &&
	       BPF_CORE_READ(first, info.si_code) == SI_TIMER;
}

static __always_inline u32 signal_row(struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);

	if (from_timer((void *)task + bpf_core_field_offset(struct task_struct, pending)) ||
	    from_timer((void *)signal +
		       bpf_core_field_offset(struct signal_struct, shared_pending)))
		return ROW_TIMER;
	return ROW_SIGNAL;
}

/* A poll or select ended by that one. */
static __always_inline u32 ended_row(struct tracked *t, u64 which)
{
	u64 file;
	u32 row;

	barrier_var(which);
	if (which >= SET_MAX)
		return ROW_UNKNOWN;
	file = t->event.items[which].file;
	row = file_row(t, file, t->event.items[which].fd, t->event.items[which].events);
	if (row == ROW_PEER)
		note_peer(t, file_sock(file));
	return row;
}

/* What has ended a wait for several may be done asynchronously. */
static __always_inline bool may_be_asynchronous(const struct tracked *t, u32 none)
{
	if (t->event.resolve != RESOLVE_EPOLL && t->event.resolve != RESOLVE_POLL)
		return false;
	return none || t->io.object == CAUSE_EVENT_EVENTFD || t->io.object == CAUSE_IO_URING;
}

/* The wait that t is in ends, or (open) the measurement ends in it: what it was for. */
u32 wait_row(struct tracked *t, u64 task, u32 open)
{
	u32 row, which;
	bool late;
	u64 item;

	if (!t)
		return ROW_UNKNOWN;
	row = t->track.row;
	late = open || (t->event.deadline_at && bpf_ktime_get_ns() >= t->event.deadline_at);
	switch (t->event.resolve) {
	case RESOLVE_EPOLL:
		item = open ? 0 : first_ready(t->event.object);
		late = !item;
		row = item ? item_row(t, item) : row_of_instance(t->event.object, open);
		if (row == ROW_PEER)
			note_peer(t, item_sock(item));
		break;
	case RESOLVE_POLL:
		which = open ? NOT_ENDED_BY : poll_ended_by(t, task, late);
		row = ended_row(t, which);
		if (row != ROW_UNKNOWN) {
			late = false;
			break;
		}
		row = poll_row(t, late, open);
		late = late || which == ENDED_BY_NONE;
		if (row == ROW_PEER)
			note_peer(t, t->event.object);
		break;
	case RESOLVE_FUTEX:
		if (row != ROW_CONVOY)
			row = late ? ROW_TIMER : ROW_SYNC;
		break;
	case RESOLVE_SIGNAL:
		row = open ? ROW_SIGNAL : signal_row((struct task_struct *)task);
		break;
	}
	if (open && row == ROW_TIMER && !t->event.deadline_at)
		row = ROW_SYNC; /* for ever, and for nothing but the program itself */
	if (!open && may_be_asynchronous(t, late) && ring_polled(t, task)) {
		late = false;
		row = row_of_cause(CAUSE_IO_URING);
	}
	t->event.resolve = RESOLVE_NOT;
	t->loop.late = late;
	return row;
}

/* The switch-in after it was not seen: whether it was late is known, and nothing else. */
int event_missed(struct tracked *t, u64 arrived)
{
	if (!t)
		return 0;
	t->loop.late = t->event.deadline_at && arrived + clock_lag >= t->event.deadline_at;
	t->event.resolve = RESOLVE_NOT;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
