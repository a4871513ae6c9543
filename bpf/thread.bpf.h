/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What the probes share: the maps, the switches that user space sets (both are
 * defined in thread.bpf.c; what they hold is in state.h), and each other.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

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

extern struct threads_map threads SEC(".maps");
extern struct programs_map programs SEC(".maps");

/* Written before the probes are attached. */
extern const volatile __u32 page_size;
extern const volatile struct code fault_entry; /* asm_exc_page_fault() */

/* Written while they run. */
extern __u64 stopped;	 /* the measurement is over */
extern __u64 end_at;	 /* its end, valid once stopped */
extern __u64 linger;	 /* it ends with the last tracked thread, not with the command */
extern __u64 window;	 /* serial number of the window of calls that is open or was last */
extern __u64 locks_seen; /* a thread has waited for a lock */
extern __u64 waits_seen; /* a futex or epoll wait has blocked */
extern struct clock_pair clock_pair; /* of the collector's last switch-in */
extern __u64 ns_level;		     /* of the collector's PID namespace, read there too */
extern struct probe_cost cost[COST_COUNT];
extern __u64 lost[LOSS_KIND_COUNT];

static __always_inline struct program *the_program(void)
{
	u32 zero = 0;

	return bpf_map_lookup_elem(&programs, &zero);
}

/* kernel/sched/sched.h: each sched_entity knows its run queue, whatever its class. */
static __always_inline struct rq *rq_of(struct task_struct *task)
{
	return task->se.cfs_rq->rq;
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
}

/*
 * Global functions: the verifier looks at each by itself, once, and not again on
 * each path that calls it. They take no kernel pointer for that reason: the task
 * that they are about is the current one, which at a switch is the one that leaves.
 */
/* cause.bpf.c: why the current task, leaving the CPU in this state, is blocked. */
u32 cause_of(struct tracked *t, u32 state);
/* cause.bpf.c: it leaves the CPU by sched_yield(2). */
int in_yield(void);
/* ledger.bpf.c: its last switch-out; after_end: the measurement was over before. */
int thread_ended(struct tracked *t, u32 after_end);
