// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs already when the measurement begins is taken over as it stands, out of an iterator:
 * nobody is stopped. A thread's life is counted from that moment: it is running, or queued, or
 * in a wait of which only the rest is known. What it does between the reading of its state and
 * the moment from which the probes know it is, as anything that they miss, put right by its
 * next switch (wall_missed()), or unknown.
 *
 * Loaded only to attach to something.
 */
#include "thread.bpf.h"
#include "attach.h"
#include "arch.bpf.h"
#include "attach_wait.bpf.h"
#include "number.bpf.h"
#include "stack.bpf.h"
#include "target.bpf.h"

/* include/linux/sched.h */
#define TASK_DEAD   0x0080
#define TASK_WAKING 0x0200
#define TASK_NEW    0x0800

#define CGROUP_LEVELS 64
#define LEAVING_LOOKS (1 << 20) /* some milliseconds: a hypervisor may have taken its CPU */

/* Written before the iterator runs. */
__u64 attach_which = 0; /* enum attach_which */
__u64 attach_cgroup = 0;
__u64 attach_own = 0; /* concprof's own process, whose descendants are not the program either */
/* ... and by it. */
__u64 attached_threads = 0;
__u64 attach_missed = 0; /* something could not be taken over, this time */
__u64 attach_again = 0;	 /* something has come into the cgroup by another way than by its creator */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, u32);
	__type(value, u32);
} attach_pids SEC(".maps");

/* Too large for the stack; only one iterator runs. The second is never written: all of it 0. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, u32);
	__type(value, struct tracked);
} attach_room SEC(".maps");

/* --- which ----------------------------------------------------------------------------- */

struct climb {
	u64 at; /* struct cgroup_subsys_state */
	u32 found, pad;
};

static long look_at_cgroup(u32 i, void *ctx)
{
	struct climb *c = ctx;
	struct cgroup_subsys_state *css = (void *)c->at;
	struct cgroup *cgroup;

	if (!css)
		return 1;
	cgroup = BPF_CORE_READ(css, cgroup);
	c->found = BPF_CORE_READ(cgroup, kn, id) == attach_cgroup;
	c->at = (u64)BPF_CORE_READ(css, parent);
	return c->found;
}

static __always_inline bool is_in_cgroup(struct task_struct *task)
{
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	struct climb c = { .at = (u64)cgroup + bpf_core_field_offset(struct cgroup, self) };

	if (!cgroup)
		return false;
	bpf_loop(CGROUP_LEVELS, look_at_cgroup, &c, 0);
	return c.found;
}

static __always_inline u32 pid_of(struct task_struct *task)
{
	return number_of(BPF_CORE_READ(task, group_leader, thread_pid));
}

#define OWN_DEPTH 3 /* what reads symbols has a child of its own */

static __always_inline bool is_own(struct task_struct *task)
{
	for (int i = 0; i < OWN_DEPTH; i++) {
		if (pid_of(task) == attach_own)
			return true;
		task = BPF_CORE_READ(task, group_leader, real_parent);
	}
	return false;
}

static __always_inline bool is_wanted(struct task_struct *task)
{
	u32 pid = pid_of(task);

	if (!pid || BPF_CORE_READ(task, flags) & PF_KTHREAD || is_own(task))
		return false;
	switch (attach_which) {
	case ATTACH_TO_PIDS:
		return bpf_map_lookup_elem(&attach_pids, &pid);
	case ATTACH_TO_CGROUP:
		return is_in_cgroup(task);
	}
	return attach_which == ATTACH_TO_ALL;
}

/* --- what it waits for ----------------------------------------------------------------- */

/* Its memory is read by a program that may sleep, and before the others are asked: what it finds is
 * thrown away if that was another wait. */
SEC("iter.s/task")
int cp_attach_words(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct words words = {};
	struct pt_regs *regs;
	struct call call;
	u32 pid;

	if (!task || !is_wanted(task) || !has_user_code(task))
		return 0;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	if (!regs)
		return 0;
	parse_call(task, regs, &call);
	if (call.nr < 0 || class_of(&call) != CALL_FUTEX)
		return 0;
	words.address = CALL_ARG0(&call);
	if (bpf_copy_from_user_task(words.at, sizeof(words.at), (void *)words.address, task, 0))
		return 0;
	pid = BPF_CORE_READ(task, pid);
	bpf_map_update_elem(&attach_words, &pid, &words,
			    BPF_ANY); /* without, whose the lock is stays unknown */
	return 0;
}

/* --- how it stands --------------------------------------------------------------------- */

static __always_inline void identify(struct task_struct *task, struct tracked *t)
{
	struct task_struct *leader = task->group_leader, *parent = task->real_parent;
	struct tracked *of;

	t->id = __sync_fetch_and_add(&next_id, 1) + 1;
	t->process_id = t->id;
	t->flags = THREAD_ATTACHED;
	if (BPF_CORE_READ(task, flags) & (PF_IO_WORKER | PF_USER_WORKER))
		t->flags |= THREAD_KERNEL;
	if (leader == task) {
		t->flags |= THREAD_LEADER;
		of = parent ? bpf_task_storage_get(&threads, parent, 0, 0) : NULL;
		if (of && !of->role)
			t->creator_id = of->id;
	} else {
		of = leader ? bpf_task_storage_get(&threads, leader, 0, 0) : NULL;
		if (of && !of->role) {
			t->process_id = of->process_id;
			t->creator_id = of->id;
		}
	}
	t->space = t->process_id;
}

/* It runs, and the kernel has added up its time until its last tick or so. */
static __always_inline void attach_running(struct task_struct *task, struct tracked *t, u64 now)
{
	struct rq *rq = BPF_CORE_READ(task, se.cfs_rq, rq);
	u64 lag = BPF_CORE_READ(rq, clock) - BPF_CORE_READ(rq, clock_task);
	u64 since = BPF_CORE_READ(task, se.exec_start) + lag;

	if (now > since)
		t->base.run_ns += now - since;
	t->arrived = BPF_CORE_READ(task, sched_info.last_arrival);
	t->stolen_mark = lag;
	t->position = POS_RUNNING;
}

static __always_inline void attach_queued(struct task_struct *task, struct tracked *t, u64 now)
{
	u64 queued = BPF_CORE_READ(task, sched_info.last_queued);

	if (queued && now > queued)
		t->base.delay_ns += now - queued;
	t->track.off = OFF_NEW;
	t->position = POS_RUNNABLE;
}

static __always_inline void attach_blocked(struct task_struct *task, struct tracked *t, u32 state)
{
	u32 wait = attach_wait(task, t, state);

	t->track.off = OFF_BLOCKED;
	t->track.cause = WAIT_CAUSE(wait);
	t->track.row = WAIT_ROW(wait);
	t->position = row_position(t->track.row);
	if (t->track.cause < CAUSE_COUNT)
		t->track.ledger.cause[t->track.cause].count = 1;
	if (t->track.row == ROW_LOCK)
		locks_seen = 1;
}

static __always_inline void read_stand(struct task_struct *task, struct tracked *t, u64 now)
{
	u32 state = BPF_CORE_READ(task, __state);

	read_witness(task, &t->base);
	if (BPF_CORE_READ(task, on_cpu))
		attach_running(task, t, now);
	else if (!state || state & (TASK_WAKING | TASK_NEW))
		attach_queued(task, t, now);
	else
		attach_blocked(task, t, state);
	begin_life(t, now);
}

/* --- taking over ------------------------------------------------------------------------ */

/* Into the program's sums, or out of them again. */
__noinline int attach_move(struct tracked *t, u64 now, u32 in, u32 cpus)
{
	struct program *g = the_program();

	if (!g || !t)
		return 0;
	bpf_spin_lock(&g->lock);
	wall_advance(&g->wall, now);
	if (in) {
		wall_move(&g->wall, POS_GONE, t->position, ROW_UNKNOWN, g->wall.pending_ever);
		g->wall.alive++;
		if (cpus > g->wall.cpus_allowed)
			g->wall.cpus_allowed = cpus;
	} else {
		wall_move(&g->wall, t->position, POS_GONE, ROW_UNKNOWN, g->wall.pending_ever);
		g->wall.alive--;
	}
	t->pending_mark = g->wall.pending_ever;
	bpf_spin_unlock(&g->lock);
	return 0;
}

/* Still in the wait in which it was taken over. */
static __always_inline bool waits_since(struct tracked *t)
{
	return t->track.off == OFF_BLOCKED && !t->arrived && !t->track.ledger.switches &&
	       t->flags & THREAD_ATTACHED && t->track.cause < CAUSE_COUNT;
}

/* 0: it has none, or that is not known. */
static __always_inline u32 owner_of(struct task_struct *task, const struct tracked *t)
{
	u64 address = owner_address(t->lock.word, t->lock.hint);
	struct words *words = words_of(task, t->lock.word);

	if (!words || !address)
		return 0;
	return words->at[(address - t->lock.word) / 4 % WORDS] & FUTEX_TID_MASK;
}

/* What a wait is at, before others can see that it is over. */
static __always_inline void begin_waits(struct tracked *t, u64 now)
{
	if (t->io.file) {
		t->io.cause = t->track.cause;
		t->io.target = io_target_of(t, &t->io);
		if (t->io.target)
			io_begin(t);
	}
	if (IS_LOOP(t->track.cause))
		loop_switch(t, now);
}

/* The second time that it is found: by then whose the lock is can be told from the number. */
static __always_inline void begin_lock(struct task_struct *task, struct tracked *t)
{
	if (waits_since(t) && t->lock.state == LOCK_WAIT_CALLED)
		lock_attach(t, owner_of(task, t));
}

/* Dead but for threads of it that live on. */
static __always_inline void attach_dead(struct tracked *t)
{
	t->position = POS_GONE;
	t->sent = 1;
}

/* It has left its CPU for good. */
static __always_inline bool has_left(struct task_struct *task)
{
	return BPF_CORE_READ(task, __state) & TASK_DEAD && !BPF_CORE_READ(task, on_cpu);
}

static long look_whether_left(u32 i, void *ctx)
{
	struct task_struct *task = *(struct task_struct **)ctx;

	return !BPF_CORE_READ(task, on_cpu);
}

/* Whoever leaves for good while it is taken over may have done so before the probes knew it, and
 * they will not see it again. On its way it cannot be preempted. */
static __always_inline bool left_unseen(struct task_struct *task, struct tracked *t)
{
	struct task_struct *leaving = NULL;

	if (!(BPF_CORE_READ(task, __state) & TASK_DEAD))
		return false;
	bpf_probe_read_kernel(&leaving, sizeof(leaving), &task);
	bpf_loop(LEAVING_LOOKS, look_whether_left, &leaving, 0);
	return has_left(task) && !*(volatile u64 *)&t->sent;
}

/* Its creation, which the probes see, may be later than its being found here. */
static __always_inline bool keep(struct task_struct *task, const struct tracked *room)
{
	struct tracked *t =
		bpf_task_storage_get(&threads, task, (void *)room, BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!t)
		attach_missed = 1; /* who uses the storage was interrupted at it on this CPU */
	if (!t || t->id != room->id)
		return false;
	__sync_fetch_and_add(&attached_threads, 1); /* a barrier too: known, and then looked at */
	if (!t->sent && left_unseen(task, t)) {
		bpf_task_storage_delete(&threads, task);
		return false;
	}
	note_number(task, t);
	return true;
}

static __always_inline bool attach(struct task_struct *task)
{
	bool is_dead = has_left(task);
	struct tracked *room, *empty, *t;
	u64 now = scheduler_now(), address = 0;
	u32 zero = 0, one = 1;

	room = bpf_map_lookup_elem(&attach_room, &zero);
	empty = bpf_map_lookup_elem(&attach_room, &one);
	t = bpf_task_storage_get(&threads, task, 0, 0);
	if (t)
		begin_lock(task, t);
	if (!room || !empty || t)
		return false;
	bpf_probe_read_kernel(room, sizeof(*room), empty);
	identify(task, room);
	read_numbers(task, room);
	if (is_dead) {
		attach_dead(room);
	} else {
		read_stand(task, room, now);
		bpf_probe_read_kernel(&address, sizeof(address), &task);
		schedule_look(room, address);
		begin_waits(room, now);
		attach_move(room, now, 1, BPF_CORE_READ(task, nr_cpus_allowed));
	}
	if (keep(task, room))
		return true;
	if (!is_dead)
		attach_move(room, now, 0, 0);
	return false;
}

static __always_inline void say_attached(struct bpf_iter__task *ctx, struct task_struct *task)
{
	struct tracked *t = bpf_task_storage_get(&threads, task, 0, 0);
	struct attached record = {};

	if (!t)
		return;
	record.process_id = t->process_id;
	record.pid = t->pid;
	record.uid = BPF_CORE_READ(task, cred, euid.val);
	bpf_probe_read_kernel(record.comm, sizeof(record.comm), task->comm);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
}

/* A process's first thread comes before the others, whatever their numbers. */
SEC("iter/task")
int cp_attach(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task, *leader;

	if (!task || !is_wanted(task))
		return 0;
	leader = task->group_leader;
	if (!leader)
		return 0;
	if (leader == task && BPF_CORE_READ(task, exit_state) &&
	    BPF_CORE_READ(task, signal, nr_threads) == 1)
		return 0; /* a zombie */
	if (leader != task && BPF_CORE_READ(task, exit_state))
		return 0;
	if (attach(leader))
		say_attached(ctx, leader);
	if (leader != task && bpf_task_storage_get(&threads, leader, 0, 0))
		attach(task);
	return 0;
}

/* --- what comes later ---------------------------------------------------------------------- */

static __always_inline void look_who_came(struct task_struct *task)
{
	if (!stopped && attach_which == ATTACH_TO_CGROUP && is_in_cgroup(task) &&
	    !bpf_task_storage_get(&threads, task, 0, 0))
		attach_again = 1;
}

/* include/trace/events/cgroup.h: the whole process, or one thread of it, is there by now. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(cp_came, struct cgroup *cgroup, const char *path, struct task_struct *task)
{
	look_who_came(task);
	return 0;
}

/* clone3(2), CLONE_INTO_CGROUP */
SEC("tp_btf/task_newtask")
int BPF_PROG(cp_came_to_be, struct task_struct *task)
{
	look_who_came(task);
	return 0;
}

/* --- where in the code ------------------------------------------------------------------- */

#define STACKS_MAX 512 /* the rest of such waits is of no known site */

__u64 attach_stacks = 0;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct code_stack);
} attach_stack SEC(".maps");

/* As site_wait(), of one that does so already: its memory is read by a program that may sleep. */
SEC("iter.s/task")
int cp_attach_stacks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct code_stack *s;
	struct pt_regs *regs;
	struct tracked *t;
	u32 zero = 0;

	if (!task || attach_stacks >= STACKS_MAX)
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, 0);
	s = bpf_map_lookup_elem(&attach_stack, &zero);
	if (!t || !s || t->role || t->site_pending || !waits_since(t))
		return 0;
	regs = (struct pt_regs *)bpf_task_pt_regs(task);
	if (!regs || !has_user_code(task) || !is_native_code(regs))
		return 0;
	s->what = CODE_WAIT;
	s->at = bpf_ktime_get_ns();
	s->thread_id = t->id;
	s->process_id = t->process_id;
	s->tid = t->tid;
	s->pid = t->pid;
	s->cause = t->track.cause;
	s->cause_ns = 0;
	s->cause_count = 1;
	s->weight = 1;
	s->lock.space = s->lock.word = s->word = 0;
	if (t->lock.state == LOCK_WAIT_BEGUN) {
		s->lock = t->lock.key;
		s->word = t->lock.word;
	}
	bpf_probe_read_kernel(s->regs, sizeof(s->regs), regs);
	s->n_bytes = copy_their_stack(s->bytes, regs->sp, task);
	if (!waits_since(t))
		return 0;
	t->site_cause = t->track.cause;
	t->site_ns = 0;
	t->site_pending = 1;
	if (!bpf_seq_write(ctx->meta->seq, s, sizeof(*s)))
		attach_stacks++;
	else
		t->site_pending = 0; /* the buffer is full: the kernel calls again */
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
