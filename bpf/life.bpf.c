// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens to processes: created, killed, dead, reaped. These events have a ring of
 * their own, so that no flood of ledgers can push one out.
 *
 * No tracepoint says that a process was reaped. Who waits is seen at the beginning of the
 * call (kernel/exit.c, do_wait()), and by what it blocked in at the end of its wait; it
 * then reaps the first of its children that is dead.
 */
#include "thread.bpf.h"
#include "arch.bpf.h"
#include "event_life.h"

/* Processes of the program that are dead, and that the kernel has not forgotten yet. */
__u64 dead = 0;

/* include/linux/sched.h */
#define EXIT_DEAD   0x10
#define EXIT_ZOMBIE 0x20
/* include/uapi/linux/wait.h */
#define WNOHANG	  0x00000001
#define WEXITED	  0x00000004
#define WNOWAIT	  0x01000000
#define WNOTHREAD 0x20000000 /* __WNOTHREAD */
#define P_ALL	  0
#define P_PGID	  2
/* include/uapi/linux/sched.h */
#define CLONE_VM    0x00000100
#define CLONE_VFORK 0x00004000
/* include/asm-generic/signal.h: as x86 and arm64 number them */
#define SIGKILL	     9
#define SIGCHLD	     17
#define SIG_IGN	     1
#define SA_NOCLDWAIT 2
/* include/linux/signal.h: what the default action of does not end a process. SIGCHLD,
 * SIGCONT, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH. */
#define HARMLESS                                                                                   \
	((1ull << 17 | 1ull << 18 | 1ull << 19 | 1ull << 20 | 1ull << 21 | 1ull << 22 |            \
	  1ull << 23 | 1ull << 28))
/* include/linux/sched/signal.h */
#define SEND_SIG_PRIV 1
/* include/uapi/asm-generic/siginfo.h */
#define SI_TIMER (-2)
#define SI_SIGIO (-5)

#define CHILDREN_MAX 4096 /* of one thread, that are looked at for the first dead one */
#define THREADS_MAX  256  /* of which the children are looked at */

static __always_inline struct ev_life *begin_event(u32 what, u64 at)
{
	struct ev_life *ev = bpf_ringbuf_reserve(&lives, sizeof(*ev), 0);

	if (!ev) {
		__sync_fetch_and_add(&lost[LOSS_LIFE], 1);
		return NULL;
	}
	__builtin_memset(ev, 0, sizeof(*ev));
	ev->head.kind = EV_LIFE;
	ev->head.size = sizeof(*ev);
	ev->what = what;
	ev->at = at;
	return ev;
}

static __always_inline u32 number_of_process(struct task_struct *task)
{
	return number_of(BPF_CORE_READ(task, group_leader, thread_pid));
}

/* The current thread does it; t: its own, or NULL. */
static __always_inline void set_doer(struct ev_life *ev, struct tracked *t)
{
	struct task_struct *task = bpf_get_current_task_btf();

	ev->by_id = t && !t->role ? t->id : 0;
	ev->by_pid = number_of_process(task);
	bpf_probe_read_kernel(ev->by_comm, sizeof(ev->by_comm), task->comm);
}

/* Its process group or session; 0: it has been reaped. */
static __always_inline u32 group_of(struct task_struct *task, u32 type)
{
	struct signal_struct *shared = BPF_CORE_READ(task, signal);

	return number_of(BPF_CORE_READ(shared, pids[type]));
}

static __always_inline void set_place(struct ev_life *ev, struct task_struct *task)
{
	ev->uid = BPF_CORE_READ(task, cred, euid.val);
	ev->group = group_of(task, PIDTYPE_PGID);
	ev->session = group_of(task, PIDTYPE_SID);
}

/* --- creation --------------------------------------------------------------------- */

int life_born(struct tracked *t, struct tracked *creator, u64 clone_flags, u32 is_init)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct ev_life *ev;
	struct call call;

	if (!t)
		return 0;
	ev = begin_event(LIFE_BORN, scheduler_now());
	if (!ev)
		return 0;
	ev->process_id = t->process_id;
	ev->pid = t->pid;
	ev->value = clone_flags;
	ev->flags = is_init ? LIFE_INIT : 0;
	set_doer(ev, creator);
	set_place(ev, task);
	read_call(task, &call);
	if (class_of(&call) == CALL_VFORK)
		ev->code = BIRTH_VFORK;
	else if (clone_flags & CLONE_VFORK)
		ev->code = BIRTH_SPAWN;
	else
		ev->code = clone_flags & CLONE_VM ? BIRTH_CLONE : BIRTH_FORK;
	bpf_ringbuf_submit(ev, wakeup_flag(&lives, LIVES_SIZE));
	return 0;
}

/* --- end -------------------------------------------------------------------------- */

/* It has told the kernel that it does not want to know (sigaction(2), SIGCHLD). */
static __always_inline bool does_not_wait(struct task_struct *parent)
{
	u64 handler, flags;

	handler = (u64)BPF_CORE_READ(parent, sighand, action[SIGCHLD - 1].sa.sa_handler);
	flags = BPF_CORE_READ(parent, sighand, action[SIGCHLD - 1].sa.sa_flags);
	return handler == SIG_IGN || flags & SA_NOCLDWAIT;
}

/* What a thread is blocked in, or CAUSE_COUNT. */
static __always_inline u32 doing_now(struct tracked *t)
{
	return t && !t->role && t->position >= POS_BLOCKED ? t->track.cause : CAUSE_COUNT;
}

/* If it is one of the program's threads. */
static __always_inline void set_parent(struct ev_life *ev, struct task_struct *task)
{
	struct task_struct *parent = task->real_parent;
	struct tracked *t = NULL;

	ev->doing = CAUSE_COUNT;
	if (!parent)
		return;
	t = bpf_task_storage_get(&threads, parent, 0, 0);
	if (t && !t->role)
		ev->by_id = t->id;
	ev->doing = doing_now(t);
	ev->by_pid = number_of_process(parent);
	bpf_probe_read_kernel(ev->by_comm, sizeof(ev->by_comm), parent->comm);
}

/* Of a process whose last threads end at once this is said by more than one of them;
 * the last one counts. */
int life_died(struct tracked *t)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u32 state = BPF_CORE_READ(task, group_leader, exit_state);
	struct ev_life *ev;

	if (!t)
		return 0;
	if (task->pid == task->tgid)
		__sync_fetch_and_add(&dead, 1);
	if (BPF_CORE_READ(task, signal, live.counter) ||
	    BPF_CORE_READ(task, signal, nr_threads) > 1)
		return 0;
	ev = begin_event(LIFE_DIED, t->reap.kind == REAP_DEAD ? t->reap.at : scheduler_now());
	if (!ev)
		return 0;
	ev->process_id = t->process_id;
	ev->pid = t->pid;
	ev->code = status_of(task);
	set_parent(ev, task);
	set_place(ev, task);
	if (t->reap.kind == REAP_DEAD) {
		/* Its death may have woken its parent since, and that have reaped it. */
		ev->doing = t->reap.doing;
		ev->group = t->reap.pid;
		ev->session = t->reap.session;
	}
	if (state & EXIT_DEAD && does_not_wait(task->real_parent))
		ev->flags |= LIFE_UNWANTED;
	if (BPF_CORE_READ(task, signal, oom_mm))
		ev->flags |= LIFE_OUT_OF_MEMORY;
	bpf_ringbuf_submit(ev, wakeup_flag(&lives, LIVES_SIZE));
	return 0;
}

static __always_inline bool is_fatal(struct task_struct *task, u32 sig)
{
	u32 n = (sig - 1) & 63;

	if (sig == SIGKILL)
		return true;
	if (sig > 64 || HARMLESS >> (n + 1) & 1)
		return false;
	return !BPF_CORE_READ(task, sighand, action[n].sa.sa_handler);
}

/* A timer's, or for input and output: the current task was interrupted. */
static __always_inline bool is_of_interrupt(struct kernel_siginfo *info)
{
	s32 code = (u64)info > SEND_SIG_PRIV ? BPF_CORE_READ(info, si_code) : 0;

	return code == SI_TIMER || code == SI_SIGIO;
}

static __always_inline u32 sent_how(struct task_struct *task, struct kernel_siginfo *info, u32 sig)
{
	struct task_struct *sender = bpf_get_current_task_btf();

	if ((u64)info == SEND_SIG_PRIV)
		return LIFE_BY_KERNEL;
	if (info)
		return BPF_CORE_READ(info, si_code) > 0 ? LIFE_BY_KERNEL : 0;
	/* kernel/exit.c, forget_original_parent(): prctl(2), PR_SET_PDEATHSIG */
	if (sender->flags & PF_EXITING && task->pdeath_signal == (int)sig)
		return LIFE_BY_PARENT_DEATH;
	return 0;
}

static __always_inline void last_wait_over(struct tracked *t, u64 arrived);

static __always_inline u32 parent_doing(struct task_struct *task)
{
	struct task_struct *parent = task->group_leader->real_parent;

	return parent ? doing_now(bpf_task_storage_get(&threads, parent, 0, 0)) : CAUSE_COUNT;
}

/* include/trace/events/signal.h: kernel/signal.c, __send_signal_locked(); the current
 * thread sends. Result 0: delivered. Of SIGCHLD, even where it is ignored as by default, it
 * is the moment in which a process becomes a zombie. */
SEC("tp_btf/signal_generate")
int BPF_PROG(cp_signal, int sig, struct kernel_siginfo *info, struct task_struct *task, int group,
	     int result)
{
	struct task_struct *sender = bpf_get_current_task_btf();
	struct kernel_siginfo *how =
		(void *)as_scalar(info); /* verifiers take info for never NULL */
	struct tracked *t, *by;
	struct ev_life *ev;

	if (stopped)
		return 0;
	by = bpf_task_storage_get(&threads, sender, 0, 0);
	if (sig == SIGCHLD) {
		if (by && sender->flags & PF_EXITING) {
			if (by->reap.kind)
				last_wait_over(by, sender->sched_info.last_arrival);
			by->reap.kind = REAP_DEAD;
			by->reap.at = scheduler_now();
			by->reap.doing = parent_doing(sender);
			by->reap.pid = group_of(sender, PIDTYPE_PGID);
			by->reap.session = group_of(sender, PIDTYPE_SID);
		}
		return 0;
	}
	t = bpf_task_storage_get(&threads, task, 0, 0);
	if (!t || t->role)
		return 0;
	channel_signalled(t, sig, result,
			  sent_how(task, how, sig) & LIFE_BY_KERNEL || is_of_interrupt(how));
	if (result)
		return 0;
	use_signalled(t, (u64)how, sig);
	if (!is_fatal(task, sig))
		return 0;
	ev = begin_event(LIFE_KILLED, scheduler_now());
	if (!ev)
		return 0;
	ev->process_id = t->process_id;
	ev->pid = t->pid;
	ev->value = t->id;
	ev->code = sig;
	ev->flags = sent_how(task, how, sig) | (group ? 0 : LIFE_TO_THREAD);
	set_doer(ev, by);
	bpf_ringbuf_submit(ev, wakeup_flag(&lives, LIVES_SIZE));
	return 0;
}

/* --- reaping ---------------------------------------------------------------------- */

/* Dead, with all of its threads, and not reaped: kernel/exit.c, delay_group_leader(). */
static __always_inline bool is_zombie(struct task_struct *task)
{
	return BPF_CORE_READ(task, exit_state) == EXIT_ZOMBIE &&
	       BPF_CORE_READ(task, signal, nr_threads) == 1;
}

/* The dead child that a wait finds, in the order in which do_wait() looks at them: the
 * caller's own, then those of the process's other threads (kernel/exit.c, __do_wait()). */
struct search {
	u64 thread, first_thread;
	u64 head, at; /* in the list of the thread's children */
	u64 group;    /* struct pid; 0: any */
	u32 own_only;
	u32 found; /* number of the first that is dead */
};

static int look_at_child(u32 i, struct search *s)
{
	struct task_struct *child;

	if (s->at == s->head || !s->at)
		return 1;
	child = (void *)(s->at - bpf_core_field_offset(struct task_struct, sibling));
	s->at = (u64)BPF_CORE_READ(child, sibling.next);
	if (!is_zombie(child))
		return 0;
	if (s->group && s->group != (u64)BPF_CORE_READ(child, signal, pids[PIDTYPE_PGID]))
		return 0;
	s->found = number_of(BPF_CORE_READ(child, thread_pid));
	return 1;
}

static int look_at_thread(u32 i, struct search *s)
{
	struct task_struct *task = (void *)s->thread;
	u64 next, threads;

	s->head = s->thread + bpf_core_field_offset(task->children);
	s->at = (u64)BPF_CORE_READ(task, children.next);
	bpf_loop(CHILDREN_MAX, look_at_child, s, 0);
	if (s->found || s->own_only)
		return 1;
	next = (u64)BPF_CORE_READ(task, thread_node.next);
	threads = (u64)BPF_CORE_READ(task, signal) +
		  bpf_core_field_offset(struct signal_struct, thread_head);
	if (next == threads)
		next = (u64)BPF_CORE_READ(task, signal, thread_head.next);
	s->thread = next - bpf_core_field_offset(task->thread_node);
	return !next || s->thread == s->first_thread;
}

/* A global function: see thread.bpf.h. */
__noinline u32 first_dead(u64 group, u32 own_only)
{
	struct search s = { .group = group, .own_only = own_only };

	s.thread = s.first_thread = bpf_get_current_task();
	bpf_loop(THREADS_MAX, look_at_thread, &s, 0);
	return s.found;
}

/* The child that is waited for by its number; NULL: it is not the caller's, and the wait fails. */
static __always_inline struct task_struct *child_of(struct task_struct *parent, struct pid *pid)
{
	u64 first = (u64)BPF_CORE_READ(pid, tasks[PIDTYPE_PID].first);
	struct task_struct *task;

	if (!first)
		return NULL;
	task = (void *)(first - bpf_core_field_offset(struct task_struct, pid_links[PIDTYPE_PID]));
	return BPF_CORE_READ(task, real_parent, tgid) == parent->tgid ? task : NULL;
}

/* A global function: see thread.bpf.h. t: who waits; NULL: none of the program's. */
__noinline int say_reaped(struct tracked *t, u64 at, u32 kind, u32 pid, u32 flags)
{
	struct ev_life *ev = begin_event(LIFE_REAPED, at);

	if (!ev)
		return 0;
	ev->code = kind;
	ev->pid = pid;
	ev->flags = flags;
	ev->doing = CAUSE_COUNT;
	if (t && t->track.off == OFF_BLOCKED) {
		ev->doing = t->track.cause;
		ev->value = bpf_get_current_task_btf()->sched_info.last_arrival - t->track.last_out;
	}
	set_doer(ev, t);
	bpf_ringbuf_submit(ev, wakeup_flag(&lives, LIVES_SIZE));
	return 0;
}

int life_waited(struct tracked *t, u64 arrived)
{
	struct reap_wait *r;

	if (!t)
		return 0;
	r = &t->reap;
	if (r->kind == REAP_DEAD || t->track.ledger.blocks == r->blocks)
		return 0; /* it has not blocked since the call */
	r->blocks = t->track.ledger.blocks;
	if (t->track.cause == CAUSE_CHILD_WAIT) {
		r->at = 0;
		say_reaped(t, arrived, r->kind, r->pid, LIFE_AWAITED | r->flags);
		return 0;
	}
	if (r->at) /* the call did not block at all */
		say_reaped(t, r->at, r->kind, r->pid, LIFE_AWAITED | r->flags);
	r->kind = REAP_NOT;
	return 0;
}

/* The thread is back from its wait, for sure. If it has not blocked, its child died as it
 * called. */
static __always_inline void last_wait_over(struct tracked *t, u64 arrived)
{
	struct reap_wait *r = &t->reap;

	if (r->kind != REAP_DEAD && r->at && t->track.ledger.blocks == r->blocks)
		say_reaped(t, r->at, r->kind, r->pid, LIFE_AWAITED | r->flags);
	else
		life_waited(t, arrived);
	r->kind = REAP_NOT;
}

/* include/trace/events/sched.h: in the one who waits, at the call's beginning; pid: of
 * the process or the group that is waited for, or NULL. */
SEC("tp_btf/sched_process_wait")
int BPF_PROG(cp_wait, struct pid *waited_for)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct tracked *t = bpf_task_storage_get(&threads, task, 0, 0);
	u32 class, options, flags, kind = REAP_PID, found;
	struct pid *pid = (struct pid *)as_scalar(waited_for);
	struct task_struct *child;
	struct call call;
	s32 which;

	if (stopped || (!t && !dead) || (t && t->role))
		return 0;
	if (t && t->reap.kind)
		last_wait_over(t, task->sched_info.last_arrival);
	read_call(task, &call);
	class = class_of(&call);
	if (class != CALL_CHILD && class != CALL_CHILD_ID)
		return 0; /* the kernel's own */
	options = class == CALL_CHILD ? CALL_ARG2(&call) : CALL_ARG3(&call);
	flags = class == CALL_CHILD_ID ? LIFE_BY_WAITID : 0;
	which = CALL_ARG0(&call);
	if (options & WNOWAIT || (class == CALL_CHILD_ID && !(options & WEXITED)))
		return 0;
	if (!pid || (class == CALL_CHILD ? which == -1 : which == P_ALL))
		kind = REAP_ANY;
	else if (class == CALL_CHILD ? which <= 0 : which == P_PGID)
		kind = REAP_GROUP;
	if (kind == REAP_PID) {
		child = child_of(task, pid);
		if (!child)
			return 0;
		found = is_zombie(child) ? number_of(pid) : 0;
	} else {
		found = first_dead(kind == REAP_GROUP ? (u64)pid : 0, options & WNOTHREAD);
	}
	if (found) {
		say_reaped(t, scheduler_now(), REAP_PID, found, flags);
		return 0;
	}
	if (!t || options & WNOHANG)
		return 0;
	t->reap.kind = kind;
	t->reap.flags = flags;
	t->reap.pid = kind == REAP_ANY ? 0 : number_of(pid);
	t->reap.blocks = t->track.ledger.blocks;
	t->reap.at = scheduler_now();
	return 0;
}

/* After it was reaped, and a grace period of RCU later. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(cp_free, struct task_struct *task)
{
	struct tracked *t = bpf_task_storage_get(&threads, task, 0, 0);
	struct ev_life *ev;

	if (stopped || !t || t->role || BPF_CORE_READ(task, group_leader) != task)
		return 0;
	__sync_fetch_and_add(&dead, -1);
	ev = begin_event(LIFE_FREED, scheduler_now());
	if (!ev)
		return 0;
	ev->process_id = t->process_id;
	ev->pid = t->pid;
	bpf_ringbuf_submit(ev, wakeup_flag(&lives, LIVES_SIZE));
	return 0;
}

/* --- the end of the measurement --------------------------------------------------- */

/* Run once, after the end: processes that live on, and zombies. */
SEC("iter/task")
int cp_lives(struct bpf_iter__task *ctx)
{
	struct ev_life ev = { .head = { EV_LIFE, sizeof(ev) }, .what = LIFE_LIVES };
	struct task_struct *task = ctx->task;
	struct tracked *t;

	if (!task)
		return 0;
	t = bpf_task_storage_get(&threads, task, 0, 0);
	if (!t || t->role || t->track.ledger.start_at > end_at)
		return 0;
	if (t->reap.kind && !t->sent)
		life_waited(t, task->sched_info.last_arrival);
	if (BPF_CORE_READ(task, group_leader) != task)
		return 0;
	if (BPF_CORE_READ(task, exit_state)) {
		if (!is_zombie(task))
			return 0;
		ev.what = LIFE_LEFT;
	}
	ev.at = end_at;
	ev.process_id = t->process_id;
	ev.pid = t->pid;
	set_parent(&ev, task);
	set_place(&ev, task);
	bpf_seq_write(ctx->meta->seq, &ev, sizeof(ev));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
