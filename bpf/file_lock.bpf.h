/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Locks of files, as the kernel keeps them (fs/locks.c): an inode lists those that are held, below
 * each hang the requests that wait for it, below a request those that it is in the way of.
 * Read without the kernel's own locks, so what was found counts only if it still hangs together
 * when all of it has been read.
 */
#include "thread.bpf.h"

#define REQUESTS_MAX 1024

/* include/uapi/asm-generic/fcntl.h */
#define F_WRLCK 1

/* 6.9 has put what locks and leases have in common into a struct of its own. */
#define LOCK_READ(lock, field)                                                                     \
	({                                                                                         \
		u64 of_ = (lock);                                                                  \
		bpf_core_type_exists(struct file_lock_core)                                        \
			? BPF_CORE_READ((struct file_lock_core *)of_, flc_##field)                 \
			: BPF_CORE_READ((struct file_lock___old *)of_, fl_##field);                \
	})

/* The compiler may not choose between two sums: one of them cannot be relocated. */
#define LOCK_AT(lock, field)                                                                       \
	({                                                                                         \
		u64 at_ = (lock);                                                                  \
		if (bpf_core_type_exists(struct file_lock_core)) {                                 \
			at_ = (u64) & ((struct file_lock_core *)at_)->flc_##field;                 \
			barrier_var(at_);                                                          \
		} else {                                                                           \
			at_ = (u64) & ((struct file_lock___old *)at_)->fl_##field;                 \
			barrier_var(at_);                                                          \
		}                                                                                  \
		at_;                                                                               \
	})

struct lock_walk {
	u64 task; /* whose request is looked for */
	u64 end;  /* of the list of locks that are held */
	u64 held; /* one of them, */
	u64 at;	  /* and what hangs below it */
	u64 found;
	u32 is_done; /* with all below */
	u32 pad;
};

/* Who sleeps until a request is settled; 0: nobody. */
static __always_inline u64 waiter_of(u64 request)
{
	u64 entry = (u64)LOCK_READ(request, wait.head.next);
	u64 place = (u64) & ((struct wait_queue_entry *)0)->entry;

	if (!entry || entry == LOCK_AT(request, wait.head))
		return 0;
	return (u64)BPF_CORE_READ((struct wait_queue_entry *)(entry - place), private);
}

/* Down to the first of those that wait for this one. */
static __always_inline bool go_down(struct lock_walk *w)
{
	u64 next = (u64)LOCK_READ(w->at, blocked_requests.next);

	if (!next || next == LOCK_AT(w->at, blocked_requests))
		return false;
	w->at = next - LOCK_AT(0, blocked_member);
	return true;
}

/* To what lies beside it, or up. True at the end. */
static __always_inline bool go_on(struct lock_walk *w)
{
	u64 above, next;

	if (w->at == w->held) {
		next = (u64)LOCK_READ(w->held, list.next);
		w->at = w->held = next - LOCK_AT(0, list);
		return !next || next == w->end;
	}
	above = (u64)LOCK_READ(w->at, blocker);
	next = (u64)LOCK_READ(w->at, blocked_member.next);
	w->is_done = next == LOCK_AT(above, blocked_requests);
	w->at = w->is_done ? above : next - LOCK_AT(0, blocked_member);
	return !above || !next;
}

static long look_at_lock(u32 i, void *ctx)
{
	struct lock_walk *w = ctx;

	if (!w->is_done && w->at != w->held && waiter_of(w->at) == w->task) {
		w->found = w->at;
		return 1;
	}
	if (!w->is_done && go_down(w))
		return 0;
	w->is_done = 0;
	return go_on(w);
}

/* The request of a task that waits; 0: it is not there. */
static __always_inline u64 find_request(struct task_struct *task, u64 list)
{
	struct lock_walk w = { .task = (u64)task, .end = list };
	u64 first = (u64)BPF_CORE_READ((struct list_head *)list, next);

	if (!first || first == list)
		return 0;
	w.at = w.held = first - LOCK_AT(0, list);
	bpf_loop(REQUESTS_MAX, look_at_lock, &w, 0);
	return w.found;
}

static long look_above(u32 i, void *ctx)
{
	u64 *at = ctx, above = (u64)LOCK_READ(*at, blocker);

	if (above)
		*at = above;
	return !above;
}

/* The lock below which a request hangs. */
static __always_inline u64 held_above(u64 request)
{
	u64 at = request;

	bpf_loop(REQUESTS_MAX, look_above, &at, 0);
	return at;
}

static __always_inline struct file_lock *range_of(u64 lock)
{
	if (bpf_core_type_exists(struct file_lock_core)) {
		lock -= (u64) & ((struct file_lock *)0)->c;
		barrier_var(lock);
	}
	return (struct file_lock *)lock;
}

/* As long as the one is held the other cannot be: also if requests are between the two. */
static __always_inline bool is_in_the_way(u64 held, u64 request)
{
	struct file_lock *a = range_of(held), *b = range_of(request);

	return LOCK_READ(held, owner) != LOCK_READ(request, owner) &&
	       (LOCK_READ(held, type) == F_WRLCK || LOCK_READ(request, type) == F_WRLCK) &&
	       BPF_CORE_READ(a, fl_start) <= BPF_CORE_READ(b, fl_end) &&
	       BPF_CORE_READ(b, fl_start) <= BPF_CORE_READ(a, fl_end);
}

/* Whose lock a task waits for: an open file, or of POSIX's a table of descriptors. 0: not known, as
 * where a file system keeps locks elsewhere (NFS, FUSE). */
static __always_inline u64 file_lock_owner(struct task_struct *task, struct file *file, bool whole)
{
	struct file_lock_context *locks = BPF_CORE_READ(file, f_inode, i_flctx);
	u64 request, held, owner;
	bool is;

	if (!locks || BPF_CORE_READ(file, f_op, lock) || BPF_CORE_READ(file, f_op, flock))
		return 0;
	request = find_request(task, whole ? (u64)&locks->flc_flock : (u64)&locks->flc_posix);
	held = request ? held_above(request) : 0;
	/* The descriptor may be another file's by now. */
	if (held == request || (u64)LOCK_READ(request, file) != (u64)file)
		return 0;
	owner = (u64)LOCK_READ(held, owner);
	is = is_in_the_way(held, request);
	return is && held_above(request) == held ? owner : 0;
}

/* References to an open file; 6.13 counts them from 0 on. */
static __always_inline u64 file_users(struct file *file)
{
	if (bpf_core_field_exists(file->f_count))
		return BPF_CORE_READ(file, f_count.counter);
	return BPF_CORE_READ(file, f_ref.refcnt.counter) + 1;
}
