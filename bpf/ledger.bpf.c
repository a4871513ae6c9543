// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a thread's creation to its ledger: who is tracked, what it executes, and
 * the one event that says all about it, sent at its last switch-out or, for
 * those alive at the end, by an iterator over all tasks.
 *
 * Pointers are followed by BPF_CORE_READ here, and by loads in what fires often:
 * for each load of a pointer the verifier searches the kernel's whole BTF several
 * times (type_is_trusted()), half a millisecond each when concprof starts.
 */
#include "thread.bpf.h"
#include "peek.h"
#include "arch.bpf.h"
#include "number.bpf.h"

#define CLONE_VM     0x00000100
#define CLONE_THREAD 0x00010000
#define DEFAULT_PRIO 120 /* include/linux/sched/prio.h: nice 0 */

/* Room for the ledgers of some 3,000 threads that end at once. */
#define RING_SIZE (4 << 20)

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_SIZE);
} ring SEC(".maps");

/* Too large for the stack. One for each CPU: the iterator is not preempted. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ev_thread);
} scratch SEC(".maps");

/* The sum of the ledgers that found no room in the ring, on each CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ev_thread);
} unsent SEC(".maps");

__u64 next_id = COMMAND_ID;

static __always_inline void note_gone(struct tracked *t)
{
	struct number key = t->number;
	u64 space = t->space;

	bpf_map_update_elem(&gone, &key, &space, BPF_ANY);
}

/* The same as it was at the last switch-out that we saw: for a thread that has lived on
 * since the measurement's end. */
static __always_inline void read_last_witness(const struct tracked *t, struct witness *ret)
{
	/* Only the low half of the voluntary switches is kept: enough for the growth. */
	u32 voluntary = t->voluntary - (u32)t->base.voluntary;

	ret->run_ns = t->kernel_run_ns;
	ret->delay_ns = t->track.run_delay;
	ret->voluntary = t->base.voluntary + voluntary;
	ret->involuntary = t->kernel_switches - ret->voluntary;
}

static __always_inline void witness_since(struct witness *w, const struct witness *base)
{
	w->run_ns -= base->run_ns;
	w->delay_ns -= base->delay_ns;
	w->voluntary -= base->voluntary;
	w->involuntary -= base->involuntary;
	w->migrations -= base->migrations;
	w->user_ns -= base->user_ns;
	w->kernel_ns -= base->kernel_ns;
	w->reads -= base->reads;
	w->read_bytes -= base->read_bytes;
	w->writes -= base->writes;
	w->written_bytes -= base->written_bytes;
}

static __always_inline void read_affinity(struct ev_thread *ev, struct task_struct *task)
{
	u32 last = (possible_cpus - 1) / 64;

	if (last >= EVENT_CPU_WORDS)
		return;
	bpf_probe_read_kernel(ev->cpus, (last + 1) * sizeof(u64), &task->cpus_mask);
	/* The bits behind are whatever the first task of all had. */
	ev->cpus[last] &= ~0ull >> (63 - (possible_cpus - 1) % 64);
}

static __always_inline void fill(struct ev_thread *ev, struct task_struct *task, struct tracked *t,
				 u32 flags)
{
	u64 rss;

	__builtin_memset(ev, 0, offsetof(struct ev_thread, ledger));
	ev->head.kind = EV_THREAD;
	ev->head.size = sizeof(*ev);
	ev->id = t->id;
	ev->creator_id = t->creator_id;
	ev->process_id = t->process_id;
	ev->tid = t->tid;
	ev->pid = t->pid;
	ev->flags = t->flags | flags | (counts_io() ? THREAD_IO_COUNTED : 0);
	ev->exit_code = status_of(task);
	ev->policy = task->policy;
	ev->nice = task->static_prio - DEFAULT_PRIO;
	ev->rt_priority = task->rt_priority;
	rss = BPF_CORE_READ(task, signal, maxrss);
	if (rss > t->rss_before) /* else its own peak is lower, and not known */
		ev->max_rss_bytes = rss * page_size;
	ev->count = 1;
	if (bpf_core_field_exists(task->cgroups))
		ev->cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp, kn, id);
	ev->first_io_at = t->first_io;
	if (t->flags & THREAD_OPEN_WAIT) {
		ev->open_cause = t->track.cause;
		ev->open_row = t->track.row;
		ev->open_since = t->open_since;
	}
	bpf_probe_read_kernel(ev->comm, sizeof(ev->comm), task->comm);
	read_affinity(ev, task);
	read_witness(task, &ev->witness);
	if (!(flags & THREAD_ENDED))
		read_last_witness(t, &ev->witness);
	witness_since(&ev->witness, &t->base);
	bpf_probe_read_kernel(&ev->ledger, sizeof(ev->ledger), &t->track.ledger);
}

/* On the stack there is no room for a witness, nor in the caller's for what this keeps there: the
 * chain of calls from the switch is as deep as may be. */
static __noinline void add_unsent(struct task_struct *task, struct tracked *t)
{
	struct ev_thread *sum;
	u32 zero = 0;

	sum = bpf_map_lookup_elem(&unsent, &zero);
	if (!sum)
		return;
	witness_since(&sum->witness, &t->base);
	read_witness(task, &t->base);
	thread_sum(sum, &t->track.ledger, &t->base, 1);
	sum->witness.user_ns = sum->witness.kernel_ns = 0; /* of which there is no sum */
}

/* Since when the task was queued after its last switch-out, as sched_info has it; 0:
 * it was not. Of one that has run since: until then. */
static __always_inline u64 queued_at(struct task_struct *task, struct tracked *t)
{
	u64 last = task->sched_info.last_queued, arrived = task->sched_info.last_arrival;
	u64 delay = task->sched_info.run_delay - t->track.run_delay;

	if (last)
		return last > delay ? last - delay : last;
	return arrived > t->track.last_out && arrived > delay ? arrived - delay : 0;
}

/* A thread that was alive at the measurement's end. Doing it twice adds nothing. */
static __always_inline void finish(struct task_struct *task, struct tracked *t)
{
	struct standing s = { .end = end_at, .queued_at = queued_at(task, t) };
	bool queued = s.queued_at && s.queued_at <= end_at;

	if (t->position == POS_RUNNING)
		s.arrived_at = t->arrived;
	if (t->position >= POS_BLOCKED && !queued && !(t->flags & THREAD_OPEN_WAIT)) {
		t->flags |= THREAD_OPEN_WAIT;
		t->open_since = t->track.last_out;
		if (t->event.resolve)
			t->track.row = wait_row(t, 0, 1);
		if (t->peer.key.family)
			peer_waited(t, end_at, t->track.run_delay, 0);
	}
	if (t->lock.state)
		lock_waited(t, queued ? s.queued_at : end_at, !queued);
	if (t->io.target)
		wait_ended(t, queued ? s.queued_at : end_at, queued ? IO_PASSED : IO_OPEN);
	if (t->taken.is_off)
		taker_gone(t, end_at, 0, 0);
	if (timeline)
		mark_finish(t, &s);
	track_finish(&t->track, &s);
	if (t->loops && !(task->flags & PF_EXITING)) /* it will not come back to them */
		loop_finish(t, end_at);
}

/* Its registers still show the call that it was in: exit(2), unless it was made to end. */
static __always_inline bool is_cut_off(struct task_struct *task)
{
	struct call call;

	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER))
		return false;
	read_call(task, &call);
	return call.nr < 0 || class_of(&call) != CALL_EXIT;
}

int thread_ended(struct tracked *t, u32 after_end)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ev_thread *ev;
	u32 flags = 0;

	if (!t)
		return 0;
	if (!after_end)
		life_died(t);
	forget_number(t);
	if (BPF_CORE_READ(task, signal, live.counter))
		note_gone(t);
	if (__sync_val_compare_and_swap(&t->sent, 0, 1))
		return 0;
	if (after_end) { /* it was alive at the end */
		finish(task, t);
		__sync_fetch_and_add(&survivors, 1);
	} else {
		flags |= THREAD_ENDED;
	}
	taker_keep(t);
	if (!after_end)
		schedule_look(t, as_scalar(task));
	ev = bpf_ringbuf_reserve(&ring, sizeof(*ev), 0);
	if (!ev) {
		add_unsent(task, t);
		return 0;
	}
	fill(ev, task, t, flags);
	if (flags && is_cut_off(task)) {
		ev->flags |= THREAD_CUT_OFF;
		ev->open_cause = t->last_wait;
	}
	if (!BPF_CORE_READ(task, signal, live.counter))
		ev->flags |= THREAD_GROUP_DEAD;
	bpf_ringbuf_submit(ev, wakeup_flag(&ring, RING_SIZE));
	return 0;
}

/* A held command that creates a thread has been released, unseen. */
static __always_inline void release_creator(struct task_struct *task, struct tracked *t)
{
	u64 lag = BPF_CORE_READ(task, se.cfs_rq, rq, clock) -
		  BPF_CORE_READ(task, se.cfs_rq, rq, clock_task);
	u64 arrived = task->sched_info.last_arrival;
	struct program *g = the_program();

	if (!g)
		return;
	release_late(task, t, lag);
	begin_life(t, arrived);
	t->position = POS_RUNNING;
	bpf_spin_lock(&g->lock);
	wall_start(&g->wall, arrived);
	g->wall.alive = g->wall.command_alive = g->wall.running = 1;
	bpf_spin_unlock(&g->lock);
}

/* The first process of a PID namespace below our own. */
static __always_inline u32 is_init(struct task_struct *task)
{
	struct pid *pid = BPF_CORE_READ(task, thread_pid);
	u32 nr = 0, level = BPF_CORE_READ(pid, level);

	if (level <= ns_level)
		return 0;
	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (void *)pid + bpf_core_field_offset(pid->numbers) +
				      level * bpf_core_type_size(struct upid));
	return nr == 1;
}

/* include/trace/events/task.h: in copy_process(), of threads, processes and the
 * kernel's workers alike; the new task cannot run yet. */
SEC("tp_btf/task_newtask")
int BPF_PROG(cp_newtask, struct task_struct *task, u64 clone_flags)
{
	struct task_struct *current = bpf_get_current_task_btf();
	struct tracked *parent, *t;
	struct program *g;
	u64 now;

	if (stopped)
		return 0;
	parent = bpf_task_storage_get(&threads, current, 0, 0);
	if (parent && parent->role == ROLE_HELD)
		release_creator(current, parent);
	if (!parent || parent->role)
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	g = the_program();
	if (!t || !g) {
		__sync_fetch_and_add(&lost[LOSS_UNTRACKED], 1);
		return 0;
	}
	if (t->id)
		return 0; /* it has been taken over by now: see attach.bpf.c */
	now = BPF_CORE_READ(current, se.cfs_rq, rq, clock);
	t->id = __sync_fetch_and_add(&next_id, 1) + 1;
	t->creator_id = parent->id;
	t->space = clone_flags & CLONE_VM ? parent->space : t->id;
	if (clone_flags & CLONE_THREAD) {
		t->process_id = parent->process_id;
		t->rss_before = parent->rss_before;
	} else {
		t->process_id = t->id;
		t->flags = THREAD_LEADER;
	}
	if (task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER))
		t->flags |= THREAD_KERNEL;
	read_numbers(task, t);
	note_number(task, t);
	if (t->flags & THREAD_LEADER)
		life_born(t, parent, clone_flags, is_init(task));
	schedule_look(t, as_scalar(task));
	read_witness(task, &t->base);
	t->track.run_delay = t->base.delay_ns;
	t->kernel_switches = t->base.voluntary + t->base.involuntary;
	t->voluntary = t->base.voluntary;
	t->position = POS_RUNNABLE;
	bpf_spin_lock(&g->lock);
	wall_advance(&g->wall, now);
	wall_move(&g->wall, POS_GONE, POS_RUNNABLE, ROW_UNKNOWN, g->wall.pending_ever);
	g->wall.alive++;
	if (t->process_id == COMMAND_ID)
		g->wall.command_alive++;
	bpf_spin_unlock(&g->lock);
	return 0;
}

/* The command may be a program that restricts itself and executes another (taskset(1)). */
static __always_inline void limit_cpus(struct task_struct *task)
{
	u64 now = BPF_CORE_READ(task, se.cfs_rq, rq, clock);
	u32 cpus = BPF_CORE_READ(task, nr_cpus_allowed);
	struct program *g = the_program();

	if (!g || cpus >= g->wall.cpus_allowed)
		return;
	bpf_spin_lock(&g->lock);
	wall_advance(&g->wall, now);
	g->wall.cpus_allowed = cpus;
	bpf_spin_unlock(&g->lock);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(cp_exec, struct task_struct *task, pid_t old_pid, struct linux_binprm *bprm)
{
	struct tracked *t = bpf_task_storage_get(&threads, task, 0, 0);
	struct ev_exec *ev;
	u64 start, size;

	if (stopped || !t || t->role)
		return 0;
	if (t->process_id == COMMAND_ID)
		limit_cpus(task);
	/* execve(2): a thread that is not the leader takes over the leader's number. */
	renumber(task, t);
	t->space = t->process_id | ((t->space >> SPACE_EXECS_SHIFT) + 1) << SPACE_EXECS_SHIFT;
	t->first_io = 0;
	t->schedule.n_cpus = 0; /* what it was before is another program's */
	schedule_look(t, as_scalar(task));
	if (t->loops)
		loop_forget(t);
	/* exec_mmap() has taken over the peak of the memory that was there before. */
	t->rss_before = BPF_CORE_READ(task, signal, maxrss);
	ev = bpf_ringbuf_reserve(&ring, sizeof(*ev), 0);
	if (!ev) {
		__sync_fetch_and_add(&lost[LOSS_EXEC], 1);
		return 0;
	}
	ev->head.kind = EV_EXEC;
	ev->head.size = sizeof(*ev);
	ev->at = scheduler_now();
	ev->thread_id = t->id;
	ev->process_id = t->process_id;
	ev->pid = t->pid;
	ev->uid = BPF_CORE_READ(task, cred, euid.val);
	bpf_probe_read_kernel(ev->comm, sizeof(ev->comm), task->comm);
	if (bpf_probe_read_kernel_str(ev->path, sizeof(ev->path), BPF_CORE_READ(bprm, filename)) <
	    0)
		ev->path[0] = '\0';
	start = BPF_CORE_READ(task, mm, arg_start);
	size = BPF_CORE_READ(task, mm, arg_end) - start;
	ev->args_truncated = size > EVENT_ARGS_SIZE;
	barrier_var(size);
	if (size > EVENT_ARGS_SIZE)
		size = EVENT_ARGS_SIZE;
	if (bpf_probe_read_user(ev->args, size, (void *)start))
		size = 0;
	ev->args_size = size;
	bpf_ringbuf_submit(ev, wakeup_flag(&ring, RING_SIZE));
	return 0;
}

/* Run once, after the end: the threads that are still alive. */
SEC("iter/task")
int cp_alive(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct ev_thread *ev;
	struct tracked *t;
	u32 zero = 0;

	if (!task)
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, 0);
	ev = bpf_map_lookup_elem(&scratch, &zero);
	if (!t || !ev)
		return 0;
	if (t->role || __sync_val_compare_and_swap(&t->sent, 0, 1))
		return 0;
	finish(task, t);
	taker_keep(t);
	schedule_look(t, as_scalar(task));
	fill(ev, task, t, 0);
	if (bpf_seq_write(ctx->meta->seq, ev, sizeof(*ev)))
		t->sent = 0; /* the buffer is full: the kernel calls again for this task */
	else
		__sync_fetch_and_add(&survivors, 1);
	return 0;
}

/* Its ledger grows meanwhile: what is looked at is a copy. */
struct peek_room {
	struct peeked seen;
	struct track track;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct peek_room);
} peek_rooms SEC(".maps");

/* Run now and then: the threads that are alive, as they are; nothing is changed. */
SEC("iter/task")
int cp_peek(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct standing s = { .end = scheduler_now() };
	struct peek_room *room;
	struct tracked *t;
	u32 zero = 0;

	if (!task)
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, 0);
	room = bpf_map_lookup_elem(&peek_rooms, &zero);
	if (!t || !room || t->role || t->sent)
		return 0;
	fill(&room->seen.thread, task, t, 0);
	bpf_probe_read_kernel(&room->track, sizeof(room->track), &t->track);
	s.queued_at = queued_at(task, t);
	if (t->position == POS_RUNNING)
		s.arrived_at = t->arrived;
	track_finish(&room->track, &s);
	bpf_probe_read_kernel(&room->seen.thread.ledger, sizeof(room->seen.thread.ledger),
			      &room->track.ledger);
	room->seen.at = s.end;
	room->seen.position =
		s.queued_at && t->position != POS_RUNNING ? POS_RUNNABLE : t->position;
	room->seen.cause = t->track.cause;
	bpf_seq_write(ctx->meta->seq, &room->seen, sizeof(room->seen));
	return 0;
}

/* Pids of the processes that are tracked and alive, for signals to them. */
SEC("iter/task")
int cp_pids(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct tracked *t;

	if (!task || task != BPF_CORE_READ(task, group_leader))
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, 0);
	if (t && !t->role && t->pid)
		bpf_seq_write(ctx->meta->seq, &t->pid, sizeof(t->pid));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
