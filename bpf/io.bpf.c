// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is waited for with descriptors and names, and how long: added up by target when the
 * wait ends. What a target is takes long to find out, so each thread remembers the last few.
 */
#include "target.bpf.h"

#define RAISE_TRIES 4 /* more threads at one moment lose a longest wait */

#define HAS_TARGET                                                                                 \
	(BIT(CAUSE_FAULT_MAJOR) | BIT(CAUSE_EVENT_EPOLL) | BIT(CAUSE_IO_DISK) |                    \
	 BIT(CAUSE_IO_FILE) | BIT(CAUSE_IO_PIPE) | BIT(CAUSE_IO_SOCKET) | BIT(CAUSE_IO_TTY) |      \
	 BIT(CAUSE_EVENT_POLL) | BIT(CAUSE_EVENT_SELECT) | BIT(CAUSE_IO_URING) |                   \
	 BIT(CAUSE_IO_AIO) | BIT(CAUSE_EVENT_EVENTFD) | BIT(CAUSE_EVENT_SIGNALFD) |                \
	 BIT(CAUSE_EVENT_INOTIFY) | BIT(CAUSE_TIMER_TIMERFD) | BIT(CAUSE_IPC_SYSV_MSG) |           \
	 BIT(CAUSE_IPC_POSIX_MQ) | BIT(CAUSE_SIGNAL_WAIT))

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, IO_TARGETS);
	__type(key, u32);
	__type(value, struct io_target);
} io_targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, IO_TARGETS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct io_key);
	__type(value, u32);
} io_indexes SEC(".maps");

/* One that is thrown out is counted twice if it comes again. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, IO_TARGETS);
	__type(key, struct io_object);
	__type(value, u32);
} io_objects SEC(".maps");

__u64 io_count = 0; /* targets so far; the first has index 1 */

/* --- which target ------------------------------------------------------------------------ */

/* What tells it from others of its kind and name; of TARGET_OBJECT of which kind it is, in 8 bits, and that. */
static __always_inline u32 number_of_target(const struct io_key *key)
{
	if (key->kind == TARGET_SOCKET)
		return key->id[0] == ((u64)AF_UNIX << 48 | SIDE_PAIR << 16) ? key->id[1] : 0;
	if (key->kind == TARGET_OBJECT)
		return (key->id[0] & 0xff) | key->id[1] << 8;
	return key->kind == TARGET_FILE || key->kind == TARGET_NAME ? 0 : key->id[0];
}

/* A new one gets the next number. 0: there is no room. */
static __always_inline u32 index_of(u64 file, const struct io_key *key)
{
	u32 *known = bpf_map_lookup_elem(&io_indexes, key), index;

	if (known)
		return *known;
	if (io_count >= IO_TARGETS - 1)
		return 0;
	index = __sync_fetch_and_add(&io_count, 1) + 1;
	if (index >= IO_TARGETS)
		return 0;
	if (bpf_map_update_elem(&io_indexes, key, &index, BPF_NOEXIST)) {
		known = bpf_map_lookup_elem(&io_indexes, key); /* another CPU was faster */
		return known ? *known : 0;
	}
	name_target(file, index, key->kind, number_of_target(key));
	return index;
}

static __always_inline void add_user(struct io_target *target, const struct tracked *t,
				     const struct io_wait *io)
{
	u32 fd = io->file == IO_BY_NAME ? TARGET_NO_FD : io->fd;
	u32 n;

	for (u32 i = 0; i < TARGET_USERS; i++) {
		if (i < target->n_users && target->users[i].pid == t->pid &&
		    (target->users[i].fd == fd || fd == TARGET_NO_FD))
			return;
	}
	if (fd == TARGET_NO_FD && io->file > IO_LAST_SPECIAL && target->n_users < TARGET_USERS)
		fd = fd_of(io->file);
	n = __sync_fetch_and_add(&target->n_users, 1);
	if (n >= TARGET_USERS)
		return;
	target->users[n].pid = t->pid;
	target->users[n].fd = fd;
}

static __always_inline void fill_slot(struct io_wait *io, u32 target)
{
	struct io_slot *s = &io->slots[io->next++ % IO_SLOTS];

	s->file = io->file;
	s->inode = io->inode;
	s->version = io->version;
	s->cause = io->cause;
	s->fd = io->fd;
	s->target = target;
}

/* A name may be another thing next time, and a socket that is not connected yet may be soon. */
static __always_inline bool is_settled(const struct io_key *key)
{
	return key->kind != TARGET_NAME &&
	       (key->kind != TARGET_SOCKET || (key->id[0] >> 16 & 0xff) != SIDE_OTHER);
}

/* A thread meets a target that it has not waited at lately. */
static __always_inline u32 meet(struct tracked *t, struct io_wait *io)
{
	struct io_object object = { io->file, io->inode, io->version, io->cause };
	struct io_key key = { .cause = io->cause };
	struct io_target *target;
	u32 *known = NULL, index;
	bool is_new = true;

	if (object.file != IO_BY_NAME) {
		object.file = 0;
		if (io_kind(io) == TARGET_OBJECT)
			object.file = io->file;
		known = bpf_map_lookup_elem(&io_objects, &object);
	}
	if (known) {
		index = *known;
	} else {
		io_find_key(&key, io);
		index = index_of(io->file, &key);
		if (index && !io->sampled && is_settled(&key)) /* or another CPU was faster */
			is_new = !bpf_map_update_elem(&io_objects, &object, &index, BPF_NOEXIST);
	}
	target = bpf_map_lookup_elem(&io_targets, &index);
	if (!target || !index)
		return 0;
	target->cause = io->cause;
	if (io->sampled)
		return index;
	if (object.file == IO_BY_NAME)
		target->objects = 1;
	else if (!known && is_new)
		__sync_fetch_and_add(&target->objects, 1);
	__sync_val_compare_and_swap(&target->thread, 0, t->id);
	if (target->thread != t->id && !target->shared) {
		target->any_alone = target->any_ns;
		target->shared = 1;
	}
	add_user(target, t, io);
	if (known || is_settled(&key))
		fill_slot(io, index);
	return index;
}

static __always_inline u32 slot_target(const struct io_wait *io)
{
	for (int i = 0; i < IO_SLOTS; i++) {
		if (is_slot(io, io->cause, &io->slots[i]))
			return io->slots[i].target;
	}
	return 0;
}

__noinline u32 io_target_of(struct tracked *t, struct io_wait *io)
{
	u32 index;

	if (!t || !io || !io->file || io->cause >= CAUSE_COUNT || !(HAS_TARGET & BIT(io->cause)))
		return 0;
	if (io->file != IO_BY_NAME && has_generation(io->mode))
		io->version = generation_of(io);
	if (is_eventfd(io))
		io->version = eventfd_number((struct file *)io->file);
	index = io->file == IO_BY_NAME ? 0 : slot_target(io);
	if (!index) {
		index = meet(t, io);
		if (!index)
			__sync_fetch_and_add(&lost[LOSS_TARGETS], 1);
	}
	return index;
}

/* --- waits ------------------------------------------------------------------------------- */

/* Who waits for one of many descriptors is woken with all others that do, and not in turn. */
static __always_inline bool is_crowd(const struct io_target *target, u32 cause)
{
	return IS_LOOP(cause) && *(volatile u32 *)&target->objects == 1;
}

/* t, off the CPU since its last switch-out, is one of those that wait there. */
static __always_inline void enter(struct io_target *target, const struct tracked *t)
{
	u64 since = t->track.last_out;

	if (since < target->until) /* it is over already, and others have counted that much */
		since = target->until;
	if (!target->waiters)
		target->since = target->until = since;
	if (!__sync_fetch_and_add(&target->waiters, 1))
		target->since = since;
}

/* All names together. */
static __always_inline struct io_target *the_names(const struct tracked *t)
{
	u32 zero = 0;

	if (t->io.file != IO_BY_NAME ||
	    (t->io.cause != CAUSE_IO_DISK && t->io.cause != CAUSE_IO_FILE))
		return NULL;
	return bpf_map_lookup_elem(&io_targets, &zero);
}

int io_begin(struct tracked *t)
{
	struct io_target *target, *names;
	u32 index, shared;
	u32 is_asked = 0;
	bool is_first;

	if (!t)
		return 0;
	index = t->io.target;
	target = bpf_map_lookup_elem(&io_targets, &index);
	if (!target || !index)
		return 0;
	is_first = is_slot(&t->io, t->io.cause, &t->io.slots[0]);
	if (t->io.cause == CAUSE_EVENT_EVENTFD)
		is_asked = ring_may_signal(t);
	if (t->io.ring) { /* it is added when it has ended */
		if (is_first)
			t->io.alone = 0;
		return 0;
	}
	names = the_names(t);
	if (names)
		enter(names, t);
	shared = *(volatile u32 *)&target->shared;
	t->io.counted = shared;
	if (!shared) {
		if (is_first && !is_asked)
			t->io.alone = index;
		return 0;
	}
	t->io.crowd = is_crowd(target, t->io.cause) ? CROWD_UNSEEN : CROWD_NOT;
	enter(target, t);
	return 0;
}

static __always_inline void add(u64 *sum, u64 ns, bool shared)
{
	if (shared)
		__sync_fetch_and_add(sum, ns);
	else
		*sum += ns;
}

/* It began when the thread was the only one that waits there, and is not any more. All that the others have
 * waited so far was meanwhile; who waits still goes on from here. */
static __always_inline u64 leave_alone(struct io_target *target, u64 end, u64 ns)
{
	u64 others = target->any_ns - target->any_alone;

	if (target->waiters && target->since < end)
		target->since = end;
	return ns > others ? ns - others : 0;
}

static __always_inline void raise(u64 *to, u64 value)
{
	for (int i = 0; i < RAISE_TRIES; i++) {
		u64 old = *(volatile u64 *)to;

		if (old >= value || __sync_val_compare_and_swap(to, old, value) == old)
			return;
	}
}

/* Returns how long somebody has waited there that is not counted yet. The last to come to a CPU need not
 * be the last whose wait ended. */
static __always_inline u64 leave(struct io_target *target, u64 end)
{
	u64 since = target->since;

	raise(&target->until, end);
	if (__sync_fetch_and_add(&target->waiters, -1) != 1)
		return 0;
	return target->until > since ? target->until - since : 0;
}

static __always_inline u64 leave_target(struct io_target *target, struct tracked *t, u64 end,
					u64 ns, bool shared)
{
	if (!t->io.counted)
		return shared ? leave_alone(target, end, ns) : ns;
	t->io.counted = 0;
	return leave(target, end);
}

static __always_inline void add_wait(struct io_target *target, u64 ns, bool is_open, bool shared,
				     u32 writes)
{
	u32 bucket = bucket_of(ns);

	add(&target->waits, 1, shared);
	add(&target->ns, ns, shared);
	raise(&target->max_ns, ns);
	if (bucket < TARGET_BUCKETS)
		add(&target->histogram[bucket], 1, shared);
	if (writes) {
		add(&target->write_waits, 1, shared);
		add(&target->write_ns, ns, shared);
		raise(&target->write_max_ns, ns);
	}
	if (is_open)
		__sync_fetch_and_add(&target->open, 1);
}

/* Of the wall time, what is later than the end of all waits before: who else waits is not known, and less than
 * there was is better than more. */
int io_add_late(u32 index, u64 begin, u64 end, u32 is_open)
{
	struct io_target *target = bpf_map_lookup_elem(&io_targets, &index);
	u64 until;

	if (!target || !index)
		return 0;
	if (end < begin)
		end = begin;
	until = target->until > begin ? target->until : begin;
	if (end > until)
		__sync_fetch_and_add(&target->any_ns, end - until);
	raise(&target->until, end);
	add_wait(target, end - begin, is_open, true, 0);
	return 0;
}

/* How much of the wall time there was a wait for any of them. */
static __always_inline void leave_names(const struct tracked *t, u64 end)
{
	struct io_target *names = the_names(t);

	if (!names)
		return;
	__sync_fetch_and_add(&names->any_ns, leave(names, end));
	__sync_fetch_and_add(&names->waits, 1);
}

static __always_inline void add_crowd(struct io_target *target, struct tracked *t)
{
	if (t->io.crowd >= CROWD_SOMETHING)
		__sync_fetch_and_add(&target->looked, 1);
	if (t->io.crowd == CROWD_NOTHING)
		__sync_fetch_and_add(&target->empty, 1);
	t->io.crowd = CROWD_NOT;
}

int io_sampled(u32 index)
{
	struct io_target *target = bpf_map_lookup_elem(&io_targets, &index);

	if (target && index)
		target->sampled = 1;
	return 0;
}

int io_waited(struct tracked *t, u64 end, u32 how)
{
	struct io_target *target;
	u64 ns, any;
	u32 index;
	bool shared;

	if (!t)
		return 0;
	index = t->io.target;
	t->io.target = 0;
	t->io.ended = index;
	target = bpf_map_lookup_elem(&io_targets, &index);
	if (!target || !index)
		return 0;
	ns = end > t->track.last_out ? end - t->track.last_out : 0;
	shared = target->shared;
	if (shared)
		t->io.alone = 0;
	any = leave_target(target, t, end, ns, shared);
	leave_names(t, end);
	if (t->io.crowd)
		add_crowd(target, t);
	add(&target->any_ns, any, shared);
	add_wait(target, ns, how == IO_OPEN, shared, t->io.writes);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
