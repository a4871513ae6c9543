// SPDX-License-Identifier: BSD-2-Clause
/* The ledger against itself, and against the kernel's own accounting of the same threads. */
#include "analysis/internal.h"

/* Parts can exceed the whole only in a stream that contradicts itself. */
static uint64_t less(uint64_t whole, uint64_t part)
{
	return whole > part ? whole - part : 0;
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* run_delay counts what we call throttled as well, since the kernel keeps such a task
 * runnable; it leaves out the moment in which a task is moved to another CPU. */
static uint64_t delay_of(const struct thread *t)
{
	uint64_t ns = t->state_ns[TS_WOKEN] + t->state_ns[TS_PREEMPTED] + t->state_ns[TS_YIELDED];

	for (size_t i = 0; i < t->n_waits; i++) {
		if (t->waits[i].cause == CAUSE_KERNEL_THROTTLE)
			ns += t->waits[i].ns;
	}
	return less(ns, t->moving_ns);
}

static void compare(struct trust *to, const struct thread *t)
{
	uint64_t states = 0, kernel = t->witness.voluntary + t->witness.involuntary;

	for (int s = 0; s < TS_COUNT; s++)
		states += t->state_ns[s];
	to->residual_ns += apart(states, t->lifetime_ns);
	to->cpu_ns += t->state_ns[TS_RUNNING];
	/* The kernel's sums of a living thread lag behind until its next switch. */
	if (!(t->flags & (THREAD_ENDED | THREAD_UNSENT)))
		return;
	to->running_off_ns += apart(less(t->state_ns[TS_RUNNING], t->stolen_ns), t->witness.run_ns);
	to->running_kernel_ns += t->witness.run_ns;
	to->delay_off_ns += apart(delay_of(t), t->witness.delay_ns);
	to->delay_kernel_ns += t->witness.delay_ns;
	to->switches_off += apart(t->switches, kernel);
	to->switches_kernel += kernel;
}

void trust_compare(struct trust *ret, const struct model *m)
{
	for (size_t i = 0; i < m->n_threads; i++)
		compare(ret, &m->threads[i]);
	if (m->n_unsent)
		compare(ret, &m->unsent);
	if (ret->cpu_ns)
		ret->bpf_share = (double)m->end.bpf_ns / ret->cpu_ns;
}
