/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What the probes share: the maps, the switches that user space sets (both are
 * defined in thread.bpf.c; what they hold is in state.h), and each other.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "load.bpf.h"
#include "state.h"

struct threads_map {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct tracked);
};

struct programs_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct program);
};

#define NUMBERED 65536 /* threads alive at once; of others it is not known what they hold */

struct numbered_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NUMBERED);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct number);
	__type(value, struct numbered);
};

/* Threads that have ended before their process: a lock may still have their numbers. */
struct gone_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct number);
	__type(value, u64); /* its memory: see struct lock_key */
};

struct cpus_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct cpu_use);
};

extern struct threads_map threads SEC(".maps");
extern struct programs_map programs SEC(".maps");
extern struct numbered_map numbered SEC(".maps");
extern struct gone_map gone SEC(".maps");
extern struct cpus_map cpus SEC(".maps"); /* sched.bpf.c */

/* Written before the probes are attached. */
extern const volatile __u32 page_size;
extern const volatile __u32 possible_cpus;
extern const volatile __u32 timeline;	       /* each step of each thread is handed over */
extern const volatile struct code fault_entry; /* asm_exc_page_fault() */
extern const volatile __s64 realtime_offset;   /* CLOCK_REALTIME less CLOCK_MONOTONIC */
extern const volatile __u64 lock_secret;       /* hides addresses of the kernel's locks */

/* Written while they run. */
extern __u64 stopped;	   /* the measurement is over */
extern __u64 end_at;	   /* its end, valid once stopped */
extern __u64 ask_all;	   /* see cp_stuck_stacks() */
extern __u64 linger;	   /* it ends with the last tracked thread, not with the command */
extern __u64 attaching;	   /* ... but not yet: who is to be tracked is still looked for */
extern __u64 next_id;	   /* of the last thread that was found */
extern __u64 window;	   /* serial number of the window of calls that is open or was last */
extern __u64 locks_seen;   /* a thread has waited for a lock */
extern __u64 waits_seen;   /* a futex has been waited at, or many descriptors */
extern __u64 rings_seen;   /* a wait for io_uring has blocked */
extern __u64 aio_seen;	   /* ... or one for aio of the kernel's */
extern __u64 lock_waits;   /* threads that wait at a futex now */
extern __u64 locks_begun;  /* ... have begun to, about so often */
extern __u64 number_ns;	   /* the PID namespace of the first thread's number */
extern __u64 several_ns;   /* ... and there are others: equal numbers may be two threads */
extern __u64 lock_endless; /* ... of them such as may wait for ever, see HINTS_ENDLESS */
extern struct clock_pair clock_pair; /* of the collector's last switch-in */
extern __u64 clock_lag;		     /* CLOCK_MONOTONIC less the scheduler's clock then */
extern __u64 ns_level;		     /* of the collector's PID namespace, read there too */
extern struct probe_cost cost[COST_COUNT];
extern __u64 lost[LOSS_KIND_COUNT];
extern __u64 survivors; /* alive at the end, whose ledger has been handed over since */

#define LIVES_SIZE (2 << 20)

/* What happens to processes, and what targets are called. */
struct lives_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LIVES_SIZE);
};

extern struct lives_map lives SEC(".maps");

/* The collector looks now and then by itself; it is woken for a quarter full. */
static __always_inline u64 wakeup_flag(void *ring, u64 size)
{
	return bpf_ringbuf_query(ring, BPF_RB_AVAIL_DATA) > size / 4 ? BPF_RB_FORCE_WAKEUP
								     : BPF_RB_NO_WAKEUP;
}

static __always_inline struct program *the_program(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&programs, &zero);
}

static __always_inline struct cpu_use *this_cpu(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&cpus, &zero);
}

/* Before 6.2 a map takes no key that is a part of an argument. */
static __always_inline struct numbered *numbered_of(const struct tracked *t)
{
	struct number key = t->number;

	return bpf_map_lookup_elem(&numbered, &key);
}

/* kernel/sched/sched.h: each sched_entity knows its run queue, whatever its class. */
static __always_inline struct rq *rq_of(struct task_struct *task)
{
	return task->se.cfs_rq->rq;
}

/* A task's number as its own PID namespace has it. */
static __always_inline void read_own_number(struct pid *pid, struct number *ret)
{
	u32 level = BPF_CORE_READ(pid, level);
	struct upid *upid = (void *)pid + bpf_core_field_offset(pid->numbers) +
			    level * bpf_core_type_size(struct upid);

	ret->nr = BPF_CORE_READ(upid, nr);
	ret->ns = BPF_CORE_READ(upid, ns, ns.inum);
}

/* Now, where rq->clock may be as old as the last tick. */
static __always_inline u64 scheduler_now(void)
{
	return bpf_ktime_get_ns() - clock_lag;
}

/* The number of a task in concprof's own PID namespace; 0: it has none there. */
static __always_inline u32 number_of(struct pid *pid)
{
	u32 level = ns_level;
	struct upid *numbers;

	if (!pid || level > BPF_CORE_READ(pid, level))
		return 0;
	numbers = (void *)pid + bpf_core_field_offset(pid->numbers) +
		  level * bpf_core_type_size(struct upid);
	return BPF_CORE_READ(numbers, nr);
}

/* CONFIG_TASK_XACCT */
static __always_inline bool counts_io(void)
{
	return bpf_core_field_exists(struct task_io_accounting, syscr);
}

/* The kernel's accounting of a task so far. */
static __always_inline void read_witness(struct task_struct *task, struct witness *ret)
{
	ret->run_ns = task->se.sum_exec_runtime;
	ret->delay_ns = task->sched_info.run_delay;
	ret->voluntary = task->nvcsw;
	ret->involuntary = task->nivcsw;
	ret->migrations = task->se.nr_migrations;
	ret->user_ns = task->utime;
	ret->kernel_ns = task->stime;
	if (!counts_io())
		return;
	ret->reads = task->ioac.syscr;
	ret->read_bytes = task->ioac.rchar;
	ret->writes = task->ioac.syscw;
	ret->written_bytes = task->ioac.wchar;
}

/* include/linux/sched.h */
#define PF_EXITING     0x00000004
#define PF_IO_WORKER   0x00000010
#define PF_USER_WORKER 0x00004000
#define PF_KTHREAD     0x00200000
/* A task of the kernel has none, even one that works for the program. */
static __always_inline bool has_user_code(const struct task_struct *task)
{
	return !(task->flags & (PF_KTHREAD | PF_IO_WORKER | PF_USER_WORKER | PF_EXITING));
}

/* include/linux/sched/signal.h */
#define SIGNAL_GROUP_EXIT 0x00000004

/* The status that wait(2) will give of the process, as far as it is settled. */
static __always_inline u32 status_of(struct task_struct *task)
{
	if (BPF_CORE_READ(task, signal, flags) & SIGNAL_GROUP_EXIT)
		return BPF_CORE_READ(task, signal, group_exit_code);
	return task->exit_code;
}

/* mark.bpf.c: t leaves the CPU; its ledger does not know yet. */
int mark_depart(struct tracked *t, struct departure *d);
/* ... what is measured of it has just begun; or it is about to end. */
int mark_begin(struct tracked *t);
int mark_finish(struct tracked *t, struct standing *s);

static __always_inline void begin_life(struct tracked *t, u64 at)
{
	t->kernel_switches = t->base.voluntary + t->base.involuntary;
	t->kernel_run_ns = t->base.run_ns;
	t->voluntary = t->base.voluntary;
	t->track.run_delay = t->base.delay_ns;
	t->track.last_out = at;
	t->track.ledger.start_at = at;
	t->role = ROLE_TRACKED;
	if (timeline)
		mark_begin(t);
}

/* The command's release was not seen: as with any switch-in, the kernel may have
 * emitted none. It has run since its last arrival. begin_life() follows. */
static __always_inline void release_late(struct task_struct *task, struct tracked *t, u64 lag)
{
	read_witness(task, &t->base);
	t->base.run_ns -= task->se.exec_start + lag - task->sched_info.last_arrival;
}

/* One run in COST_SAMPLE, which began then. */
static __always_inline void add_cost(u32 which, u64 from)
{
	if (which >= COST_COUNT)
		return;
	__sync_fetch_and_add(&cost[which].ns, bpf_ktime_get_ns() - from);
	__sync_fetch_and_add(&cost[which].samples, 1);
}

/* The number that stands in user memory at this address; 0: it cannot be read. */
static __always_inline u32 user_word(u64 address)
{
	u32 word;

	return bpf_probe_read_user(&word, sizeof(word), (void *)address) ? 0 : word;
}

/* include/linux/sched.h */
#define TASK_INTERRUPTIBLE   0x0001
#define TASK_UNINTERRUPTIBLE 0x0002

/* A wait in state D cannot be one for a peer: pipes, sockets, terminals, futexes
 * and timers are waited for interruptibly. */
static __always_inline bool in_d_state(u32 state)
{
	return (state & TASK_UNINTERRUPTIBLE) && !(state & TASK_INTERRUPTIBLE);
}

/* include/uapi/linux/futex.h */
#define FUTEX_WAIT	      0
#define FUTEX_WAKE	      1
#define FUTEX_WAKE_OP	      5
#define FUTEX_LOCK_PI	      6
#define FUTEX_WAIT_BITSET     9
#define FUTEX_WAKE_BITSET     10
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_LOCK_PI2	      13
#define FUTEX_PRIVATE_FLAG    128
#define FUTEX_CLOCK_REALTIME  256
#define FUTEX_WAITERS	      0x80000000

/* include/uapi/linux/bpf.h */
#define BPF_NOEXIST 1

#define BIT(cause) (1ull << (cause))

/* A wait in one word: enum cause, above it enum wall_row. */
#define WAIT(cause, row) ((u32)(cause) | (u32)(row) << 8)
#define WAIT_CAUSE(wait) ((wait)&0xff)
#define WAIT_ROW(wait)	 ((wait) >> 8 & 0xff)

/* One whose cause tells what it is for. */
static __always_inline u32 plain_wait(u32 cause)
{
	return WAIT(cause, row_of_cause(cause));
}

/*
 * Global functions: the verifier looks at each by itself, once, and not again on
 * each path that calls it. They take no kernel pointer for that reason: the task
 * that they are about is the current one, which at a switch is the one that leaves.
 */
/* cause.bpf.c: what the current task, leaving the CPU in this state, waits for in a system
 * call that is not on one descriptor: WAIT(). */
u32 call_wait(struct tracked *t, u32 state);
/* cause.bpf.c: is it inside this function of the kernel? If so, the number of the call of it. */
int is_inside(u64 start, u64 end);
/* ... of this number, from the innermost on, the return address; some are left from before. */
u64 kernel_call(u32 i);
/* life.bpf.c: the current thread, whose is `creator`, creates the process of t. */
int life_born(struct tracked *t, struct tracked *creator, u64 clone_flags, u32 is_init);
/* life.bpf.c: the current thread, at its last switch-out. */
int life_died(struct tracked *t);
/* life.bpf.c: the thread, on a CPU since `arrived`, has waited for children before, perhaps. */
int life_waited(struct tracked *t, u64 arrived);
/* ledger.bpf.c: its last switch-out; after_end: the measurement was over before. */
int thread_ended(struct tracked *t, u32 after_end);

/* site.bpf.c: t, which leaves the CPU, begins to wait; `what`: for what. The wait stands for so many. */
int site_wait(struct tracked *t, u64 what, u32 stands_for);
/* site.bpf.c: it was seen to; since then it has been on a CPU. What the wait was for. */
int site_waited(struct tracked *t, u32 row);

/* target.bpf.c: what the current task waits for in a call on two descriptors: WAIT(). */
u32 two_fd_wait(struct tracked *t, u32 from, u32 to, u32 state);
/* target.bpf.c: a descriptor in a set: WAIT(), above it its enum event_set. */
u32 file_target(u64 file, u32 fd);
/* target.bpf.c: its struct file, that one's private data, its struct sock. 0: none. */
u64 fd_file(u32 fd);
u64 fd_private(u32 fd);
u64 fd_sock(u32 fd);
/* target.bpf.c: t waits for this struct file to be ready so, for which one waits with that cause. */
int wait_for_file(struct tracked *t, u64 file, u32 fd, u32 cause, u32 events);
/* target.bpf.c: the current task's first descriptor of a file; TARGET_NO_FD: none, or a high one. */
u32 fd_of(u64 file);

/* lock.bpf.c: t leaves the CPU, to wait at the futex that its call named. */
int lock_begin(struct tracked *t);
/* ... it has waited there already; owner: whose lock it is, by its word, or 0. */
int lock_attach(struct tracked *t, u32 owner);
/* lock.bpf.c: ... and its wait ended then; or goes on at the end of the measurement. */
int lock_waited(struct tracked *t, u64 end, u32 is_open);
/* lock_key.bpf.c: the key of a word that several processes may share, one wherever they map it. */
int lock_find_shared(struct lock_key *key);
/* ... of a file's lock, a set of semaphores or a kernel lock, of which it has the descriptor, the
 * number or the address. */
int lock_find_kernels(struct lock_key *key, u32 hint);

/* Is this what is waited for? */
static __always_inline bool is_slot(const struct io_wait *io, u32 cause, const struct io_slot *s)
{
	return s->file == io->file && s->inode == io->inode && s->version == io->version &&
	       s->cause == cause && s->fd == io->fd;
}

/* fault.bpf.c: puts the file that a page fault waits for into t's struct io_wait, or none; stack:
 * an address on the kernel's stack, further in than where that begins to wait. */
int find_fault(struct tracked *t, u64 stack);
/* io.bpf.c: t, which leaves the CPU, begins to wait at what its struct io_wait says. */
int io_begin(struct tracked *t);
/* io.bpf.c: ... and its wait ended then; how: enum io_end. */
int io_waited(struct tracked *t, u64 end, u32 how);
/* io.bpf.c: the index of what `io`, of t, says; 0: there is no room. */
u32 io_target_of(struct tracked *t, struct io_wait *io);
/* io.bpf.c: a wait, which ended then or is open, was at this target after all. */
int io_add_late(u32 index, u64 begin, u64 end, u32 is_open);
/* io.bpf.c: somebody is in a call on this target. */
int io_sampled(u32 index);
/* Less than this is not worth a row of whoever came between, and goes to the first. */
#define BETWEEN_NS 20000

static __always_inline u64 most(u64 a, u64 b)
{
	return a > b ? a : b;
}

static __always_inline void charge_certain(struct taker_sum *sum, u64 ns, u64 certain)
{
	sum->ns += ns;
	sum->max_ns = most(sum->max_ns, ns);
	sum->certain_ns += certain;
	sum->certain_max_ns = most(sum->certain_max_ns, certain);
}

/* taker.bpf.c: the CPU is taken from t, by another one than the last time: then who that is must be told, by
 * the address of its task. */
int taker_changes(struct tracked *t, u64 by, u32 policy);
int taker_describe(struct tracked *t, u64 task);
/* taker.bpf.c: t comes to a CPU. `by`, the current task, had it last; 0: not known, if it was preempted.
 * Woken, it waited for so long. */
int taker_gone(struct tracked *t, u64 now, u64 waited_ns, u64 by);
/* taker.bpf.c: what is kept with t goes to the map. */
int taker_keep(struct tracked *t);
/* schedule.bpf.c: whether t, whose task lies there, is scheduled in another way than before. */
int schedule_look(struct tracked *t, u64 task);
/* use.bpf.c: the clock finds the current task, t, at work. */
int use_sampled(struct tracked *t, u32 in_kernel);
/* use.bpf.c: t is sent a signal, perhaps since a descriptor is ready; info: address of its siginfo. */
int use_signalled(struct tracked *t, u64 info, u32 sig);
/* message.bpf.c: a call of the current task, of this row of the tables, has moved something; first, second:
 * its descriptors, or the number of a queue. */
int message_moved(u32 row, u32 first, u32 second);
/* ring.bpf.c: the current task waits in io_uring_enter(2). */
int ring_begin(struct tracked *t, u32 fd, u32 least, u32 flags);
/* ring.bpf.c: t, the current task, waits in io_getevents(2). */
int aio_begin(struct tracked *t);
/* ring.bpf.c: t, whose task lies there, has waited for several descriptors, and with none of them or what is in
 * t->io it has ended. 1: it was woken for one of its requests at a ring to go on in it. */
u32 ring_polled(struct tracked *t, u64 task);
/* ring.bpf.c: t, the current task, begins to wait at an eventfd; does it have requests that may signal it? */
u32 ring_may_signal(struct tracked *t);
/* ring.bpf.c: the current task, t, leaves the CPU, after a wait at a ring. */
int ring_left(struct tracked *t);
/* ring.bpf.c: as io_waited(), at a ring. */
int ring_waited(struct tracked *t, u64 end, u32 how);

static __always_inline void wait_ended(struct tracked *t, u64 end, u32 how)
{
	if (unlikely(t->io.ring)) /* not from inside io_waited(): see the size of the stack */
		ring_waited(t, end, how);
	else
		io_waited(t, end, how);
}

/* ring.bpf.c: what the current task, which works for the program in the kernel, waits for: WAIT(). */
u32 worker_wait(struct tracked *t, u32 state);
/* lock.bpf.c: of the length of a wait, in a histogram. */
u32 bucket_of(u64 ns);
/* io_key.bpf.c: what a wait is at: its enum target_kind, and its key, of which the cause is there. */
u32 io_kind(struct io_wait *io);
int io_find_key(struct io_key *key, struct io_wait *io);
/* io_key.bpf.c: of a struct sock: its enum target_side. */
u32 socket_side(u64 sock);
/* io_name.bpf.c: what a target is: a file, or the name that the current task's call has. */
int name_target(u64 file, u32 index, u32 kind, u32 number);

/* channel.bpf.c: the current task wakes t, perhaps. */
int channel_woken(struct tracked *t);
/* channel.bpf.c: it has woken t, which waited at a futex that is no lock, or nobody has. */
int channel_woken_at_futex(struct tracked *t);
/* channel.bpf.c: ... and its wait, at t->io.ended or that futex, ended then. */
int channel_waited(struct tracked *t, u64 end);

/* channel.bpf.c: the current task, or the kernel, sends a signal to t's process. */
int channel_signalled(struct tracked *t, u32 number, u32 result, u32 by_kernel);

extern __u64 wakes_period, wakes_looked_at; /* see channel_has_time() */

/* One that is looked at costs a fraction of a microsecond. So of each period, a quarter of a
 * second at 250 Hz, the first few are; which makes a sample where there are more. */
static __always_inline bool channel_has_time(void)
{
	u64 period = bpf_jiffies64() / WAKES_JIFFIES;

	if (period != wakes_period) {
		wakes_period = period;
		wakes_looked_at = 0;
	}
	return wakes_looked_at < WAKES_A_PERIOD;
}

/* Waits for many descriptors at once. */
#define IS_LOOP(cause)                                                                             \
	((cause) == CAUSE_EVENT_EPOLL || (cause) == CAUSE_EVENT_POLL ||                            \
	 (cause) == CAUSE_EVENT_SELECT)

/* watch.bpf.c: counts what the epoll instance that t begins to wait at watches. */
int look_at_instance(struct tracked *t);
/* loop.bpf.c: t, on a CPU since `arrived`, leaves it; its ledger says what it does from now on. */
int loop_switch(struct tracked *t, u64 arrived);
/* loop.bpf.c: ... or the measurement ends; its ledger is complete. */
int loop_finish(struct tracked *t, u64 end);
/* loop.bpf.c: it executes another program. */
int loop_forget(struct tracked *t);
/* loop.bpf.c: its call, for CAUSE_EVENT_*, has returned so many descriptors. */
int loop_called(struct tracked *t, struct loop_call *call);

/* peer.bpf.c: t waits for the other end of this struct sock, or of its call's first descriptor. */
int note_peer(struct tracked *t, u64 sock);
int note_call_peer(struct tracked *t);
/* peer.bpf.c: ... and comes to a CPU, with what sched_info has of it. */
int peer_waited(struct tracked *t, u64 now, u64 run_delay, u64 last_queued);

/* event_wait.bpf.c: the current task begins a wait that may end for several reasons. */
int begin_poll(struct tracked *t, u64 fds, u32 n, u64 timeout, u32 is_time);
/* ... by select(2) on the descriptors below n of t->event.sets; part_ns 0: it is not resolved. */
int begin_select(struct tracked *t, u32 n, u64 timeout, u32 part_ns);
int begin_epoll(struct tracked *t, u32 fd, u64 timeout, u32 is_time);
int begin_futex(struct tracked *t, u64 word, u64 timeout, u32 op);
/* event_wait.bpf.c: ... and it ended, and the thread leaves the CPU again already. */
int event_missed(struct tracked *t, u64 arrived);
/* event_wait.bpf.c: ... and it ends, or (open) the measurement does: its enum wall_row. What ended it, if
 * that is known, is in t->io then, for io_begin(). */
u32 wait_row(struct tracked *t, u64 task, u32 open);
/* ready.bpf.c: whether that struct file is ready: enum readiness. */
u32 file_ready(u64 file, u32 events);
/* ready.bpf.c: which of t->event.items ended the wait of `task`, or NOT_ENDED_BY, or ENDED_BY_NONE. */
u32 poll_ended_by(struct tracked *t, u64 task, u32 late);
/* ready.bpf.c: t comes to a CPU, for one descriptor for which others wait, too: see enum io_crowd. */
int look_again(struct tracked *t);
