// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who took the CPU from whom. A switch only counts in the thread itself; all that is here comes when
 * another one takes it than the last time, when the thread comes back, or when it has waited long.
 */
#include "thread.bpf.h"

#define DEFAULT_PRIO 120 /* include/linux/sched/prio.h: nice 0 */

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TAKERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct taker_key);
	__type(value, struct taker_sum);
} takers SEC(".maps");

__u64 takers_known; /* rows in it */

static __always_inline void describe(struct taker_sum *sum, struct task_struct *task, u64 by)
{
	sum->pid = number_of(BPF_CORE_READ(task, group_leader, thread_pid));
	sum->nice = BPF_CORE_READ(task, static_prio) - DEFAULT_PRIO;
	sum->rt_priority = BPF_CORE_READ(task, rt_priority);
	if (!(by & TAKER_OUTSIDE))
		sum->is = TAKER_IS_OWN;
	else if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		sum->is = TAKER_IS_KERNEL;
	else
		sum->is = TAKER_IS_OTHER;
	bpf_probe_read_kernel(sum->comm, sizeof(sum->comm), task->comm);
}

static __always_inline struct taker_sum *find_sum(struct taker_key *key)
{
	struct taker_sum *known = bpf_map_lookup_elem(&takers, key);

	if (known || takers_known < TAKERS_APART)
		return known;
	key->thread_id = TAKER_SEVERAL;
	if (!(key->by & TAKER_OUTSIDE))
		key->by = 0;
	return bpf_map_lookup_elem(&takers, key);
}

static __always_inline struct taker_sum *new_sum(const struct taker_key *key,
						 const struct taker_sum *sum)
{
	struct taker_sum *known;

	if (!bpf_map_update_elem(&takers, key, sum, BPF_NOEXIST)) {
		__sync_fetch_and_add(&takers_known, 1);
		return NULL;
	}
	known = bpf_map_lookup_elem(&takers, key); /* another CPU was faster */
	if (!known)
		__sync_fetch_and_add(&lost[LOSS_TAKERS], sum->count);
	return known;
}

static __always_inline void add_sum(struct taker_key *key, const struct taker_sum *sum)
{
	struct taker_sum *known = find_sum(key);

	if (!known)
		known = new_sum(key, sum);
	if (!known)
		return;
	__sync_fetch_and_add(&known->count, sum->count);
	__sync_fetch_and_add(&known->ns, sum->ns);
	__sync_fetch_and_add(&known->certain_ns, sum->certain_ns);
	known->max_ns = most(known->max_ns, sum->max_ns);
	known->certain_max_ns = most(known->certain_max_ns, sum->certain_max_ns);
	if (!sum->pid)
		return;
	known->pid = sum->pid;
	known->nice = sum->nice;
	known->rt_priority = sum->rt_priority;
}

int taker_keep(struct tracked *t)
{
	struct taker_key key;
	struct taker_sum sum;

	if (!t || !t->taken.sum.count)
		return 0;
	key = t->taken.key;
	sum = t->taken.sum;
	t->taken.sum.count = 0;
	add_sum(&key, &sum);
	return 0;
}

int taker_changes(struct tracked *t, u64 by, u32 policy)
{
	struct taken *taken;

	if (!t)
		return 0;
	taken = &t->taken;
	taker_keep(t);
	schedule_look(t, bpf_get_current_task()); /* it may not come to a tick for long */
	taken->key.thread_id = t->id;
	taken->key.by = by;
	taken->key.policy = policy;
	taken->key.how = TAKER_PREEMPTED;
	__builtin_memset(&taken->sum, 0, sizeof(taken->sum));
	taken->sum.count = 1;
	return 0;
}

int taker_describe(struct tracked *t, u64 task)
{
	if (t)
		describe(&t->taken.sum, (struct task_struct *)task, t->taken.key.by);
	return 0;
}

/* The current task leaves the CPU to t. These two are global, so that the verifier looks at each once. */
__noinline int taker_charge_last(struct tracked *t, u64 by, u32 how, u64 ns, u64 certain)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct taker_sum sum = {};
	struct taker_key key = {};

	if (!t)
		return 0;
	key.thread_id = t->id;
	key.by = by;
	key.policy = task->policy;
	key.how = how;
	sum.count = how == TAKER_WOKEN;
	charge_certain(&sum, ns, certain);
	describe(&sum, task, by);
	add_sum(&key, &sum);
	return 0;
}

/* For how long the current task has had the CPU, of so long. */
static __always_inline u64 last_part(u64 now, u64 of)
{
	struct task_struct *task = bpf_get_current_task_btf();
	u64 arrived = task->sched_info.last_arrival;
	u64 ns = now > arrived ? now - arrived : 0;

	return ns < of ? ns : of;
}

/* Somebody of that kind had it as well. Of the program's own, it is the last one that left this CPU. */
__noinline int taker_charge_other(struct tracked *t, u32 is, u32 how, u64 ns)
{
	struct taker_sum sum = {};
	struct taker_key key = {};
	struct cpu_use *use = this_cpu();

	if (!t)
		return 0;
	sum.is = is;
	sum.ns = sum.max_ns = ns;
	key.thread_id = t->id;
	key.by = TAKER_OUTSIDE;
	key.how = how;
	if (is == TAKER_IS_OWN && use) {
		key.by = use->out_id;
		key.policy = use->out_policy;
	}
	add_sum(&key, &sum);
	return 0;
}

struct shares {
	u64 first, last; /* but what is certain */
	u64 between;
	u32 between_is;
	u32 pad;
};

static __always_inline u64 less(u64 a, u64 b)
{
	return a > b ? a - b : 0;
}

/* See enum taker_how. own_ns: the part of the program's own threads; of_last: certainly the last one's. */
static __always_inline void divide(struct shares *s, struct tracked *t, u64 ns, u64 own_ns,
				   u64 last, u64 of_last)
{
	bool first_own = !(t->taken.key.by & TAKER_OUTSIDE), last_own = !(last & TAKER_OUTSIDE);
	u64 own = less(own_ns, last_own ? of_last : 0);
	u64 outside = less(ns - own_ns, last_own ? 0 : of_last);

	s->first = first_own ? own : outside;
	if (first_own != last_own) {
		s->last = first_own ? outside : own;
	} else {
		s->between = first_own ? outside : own;
		s->between_is = first_own ? TAKER_IS_OTHER : TAKER_IS_OWN;
	}
	if (s->between < BETWEEN_NS) {
		s->first += s->between;
		s->between = 0;
	}
}

/* t was preempted, so long ago. */
static __always_inline void divide_wait(struct tracked *t, u64 ns, u64 last, u64 of_last)
{
	struct shares s = {};
	struct task_struct *task = bpf_get_current_task_btf();
	bool is_known = t->track.behind == BEHIND_OWN && t->track.behind_ns != ~0ull;
	u64 own_ns = t->track.behind_ns < ns ? t->track.behind_ns : ns;
	u64 most_of_last = last & TAKER_OUTSIDE ? ns - own_ns : own_ns;

	if (is_known && of_last > most_of_last) /* by the time to find the next task */
		of_last = most_of_last;
	if (is_known)
		divide(&s, t, ns, own_ns, last, of_last);
	else
		s.first = ns - of_last;
	if (last == t->taken.key.by) {
		charge_certain(&t->taken.sum, s.first + of_last, of_last);
	} else {
		if (t->taken.sum.is == TAKER_IS_KERNEL && !(task->flags & PF_KTHREAD) &&
		    (last & TAKER_OUTSIDE || !is_known)) {
			s.last += s.first;
			s.first = 0;
		}
		charge_certain(&t->taken.sum, s.first, 0);
		taker_charge_last(t, last, TAKER_PREEMPTED, s.last + of_last, of_last);
	}
	if (s.between)
		taker_charge_other(t, s.between_is, TAKER_PREEMPTED, s.between);
}

/* t was woken, so long ago. Before other programs had the CPU, a thread of this one had it. */
static __always_inline void divide_queue(struct tracked *t, u64 ns, u64 last, u64 of_last)
{
	u64 own_ns = 0;

	if (t->track.behind == BEHIND_OTHERS && t->track.behind_ns < ns)
		own_ns = ns - t->track.behind_ns;
	if (own_ns < BETWEEN_NS)
		own_ns = 0;
	taker_charge_last(t, last, TAKER_WOKEN, ns - own_ns, of_last);
	if (own_ns)
		taker_charge_other(t, TAKER_IS_OWN, TAKER_WOKEN, own_ns);
}

int taker_gone(struct tracked *t, u64 now, u64 waited_ns, u64 by)
{
	bool is_known = by && by != TAKER_OUTSIDE; /* not idle */
	u64 part, off_ns;

	if (!t)
		return 0;
	off_ns = now > t->track.last_out ? now - t->track.last_out : 0;
	if (t->taken.is_off || waited_ns > off_ns)
		waited_ns = off_ns;
	part = is_known ? last_part(now, waited_ns) : 0;
	if (t->taken.is_off) {
		t->taken.is_off = 0;
		if (is_known)
			divide_wait(t, waited_ns, by, part);
		else
			charge_certain(&t->taken.sum, waited_ns, 0);
	} else if (is_known && t->track.off <= OFF_BLOCKED) { /* and not throttled */
		divide_queue(t, waited_ns, by, part);
	}
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
