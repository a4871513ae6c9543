// SPDX-License-Identifier: BSD-2-Clause
/* Time by its reason: of the program by its wall rows, of a thread by its states. */
#include "analysis/internal.h"

#include "../bpf/state.h"

static void add_row(struct shares *s, unsigned int row, double ns)
{
	switch (row) {
	case ROW_IO:
		s->io += ns;
		break;
	case ROW_LOCK:
		s->lock += ns;
		break;
	case ROW_TIMER:
		s->sleep += ns;
		break;
	case ROW_EVENT:
		s->idle += ns;
		break;
	case ROW_UNKNOWN:
		s->unknown += ns;
		break;
	default:
		s->other += ns;
	}
}

/* How much of the computing was in a crowd: none if the threads that wanted a CPU, run
 * or queued, were up to 5/4 of the allowed CPUs, all of it from 7/4 on. Only demand
 * beyond what even an empty machine could serve is the program's own doing. */
static double crowding(const struct findings *f)
{
	const uint64_t *state = f->totals.state_ns;
	double wanted = f->model->wall.busy_ns + (double)state[TS_WOKEN] + state[TS_PREEMPTED] +
			state[TS_YIELDED];
	double capacity = f->cpus_allowed * (f->running_ns + (double)f->model->wall.runnable_ns);
	double over = capacity > 0 ? 2 * (wanted / capacity - 1.25) : 0;

	return over < 0 ? 0 : over > 1 ? 1 : over;
}

void shares_of_program(struct shares *ret, const struct findings *f)
{
	const struct wall_sums *w = &f->model->wall;
	struct shares s = { .all = f->model->wall_ns };
	double computing = (double)f->running_ns - w->serialised_ns;

	s.lock = w->serialised_ns;
	s.oversubscribed = computing * crowding(f);
	s.cpu = computing - s.oversubscribed;
	s.starved = w->runnable_ns;
	for (int r = 0; r < ROW_COUNT; r++)
		add_row(&s, r, w->row_ns[r]);
	*ret = s;
}

void shares_of_thread(struct shares *ret, const struct thread *t)
{
	struct shares s = { .all = t->lifetime_ns };

	s.cpu = t->state_ns[TS_RUNNING];
	s.starved = t->state_ns[TS_WOKEN] + t->state_ns[TS_PREEMPTED] + t->state_ns[TS_YIELDED];
	for (size_t i = 0; i < t->n_waits; i++) {
		if (t->waits[i].cause == CAUSE_KERNEL_THROTTLE)
			s.starved += t->waits[i].ns;
		else
			add_row(&s, row_of_cause(t->waits[i].cause), t->waits[i].ns);
	}
	*ret = s;
}

void shares_add(struct shares *to, const struct shares *from)
{
	to->all += from->all;
	to->cpu += from->cpu;
	to->oversubscribed += from->oversubscribed;
	to->starved += from->starved;
	to->io += from->io;
	to->lock += from->lock;
	to->sleep += from->sleep;
	to->idle += from->idle;
	to->other += from->other;
	to->unknown += from->unknown;
}
