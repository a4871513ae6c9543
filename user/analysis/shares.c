// SPDX-License-Identifier: BSD-2-Clause
/* Time by its reason: of the program by its wall rows, of a thread by its states. */
#include "analysis/internal.h"

#define CROWD_FULL 0.5 /* of the allowed CPUs, at least, for a crowd */

/* Which share each row of waits is. */
static double *share_of_row(struct shares *s, unsigned int row)
{
	switch (row) {
	case ROW_IO:
		return &s->device;
	case ROW_FAULT:
		return &s->fault;
	case ROW_PEER:
		return &s->peer;
	case ROW_LOCK:
		return &s->lock;
	case ROW_TIMER:
		return &s->sleep;
	case ROW_DEMAND:
	case ROW_EVENT:
	case ROW_TICK:
	case ROW_SIGNAL:
	case ROW_QUEUE:
		return &s->demand;
	case ROW_UNKNOWN:
		return &s->unknown;
	}
	return &s->other;
}

static double less(double whole, double part)
{
	return whole > part ? whole - part : 0;
}

/* Thread-time that was queued behind other programs. */
static double behind_others(const uint64_t *state_ns, uint64_t own_ns, uint64_t idle_ns)
{
	return less((double)state_ns[TS_WOKEN] + state_ns[TS_PREEMPTED], (double)own_ns + idle_ns);
}

/* Thread-time that wanted a CPU, and that even an empty machine could not have served:
 * if others keep all CPUs but one busy, two threads that share that one are no crowd. */
static double in_excess(const struct findings *f, double wanted)
{
	const struct wall_sums *w = &f->model->wall;
	double wanting = less(f->running_ns + (double)w->runnable_ns, w->latency_ns + w->limit_ns);

	return less(wanted, f->cpus_allowed * wanting);
}

/* Thread-time that others kept from the CPUs, if the kernel says how much they had of
 * these: what was queued, and not in excess, behind whomever, since they pile up on the
 * CPUs that are left. */
static double lost_to_others(const struct findings *f, double own, double others, double excess)
{
	double lost = less(own + others, excess);

	return lost < f->others_ns ? lost : f->others_ns;
}

/* Crowded: not at all while up to a quarter more threads wanted a CPU than had one, all
 * of it from three quarters on. Who is queued behind another program does not count,
 * nor does who gave the CPU away (sched_yield). Held back: while one thread runs, others
 * may still be kept waiting by other programs; what was queued while none ran is known
 * from the wall rows already. */
void shares_prepare(struct findings *f)
{
	const struct totals *t = &f->totals;
	double ran = t->state_ns[TS_RUNNING], own = t->queued_own_ns;
	double others = behind_others(t->state_ns, t->queued_own_ns, t->queued_idle_ns);
	double excess = in_excess(f, ran + own + others), crowd, over, lost;

	/* Where a CPU was idle, the scheduler had them share, and no crowd. */
	crowd = less(own, f->idle_running_ns);
	crowd = excess < crowd ? excess : crowd;
	over = ran > 0 ? 2 * (crowd / ran - 0.25) : 0;
	f->crowding = over < 0 ? 0 : over > 1 ? 1 : over;
	if (f->others_ns >= 0) {
		lost = less(lost_to_others(f, own, others, excess), f->model->wall.runnable_ns);
		f->held_back = lost > 0 ? lost / (ran + lost) : 0;
	} else {
		lost = less(others, f->model->wall.runnable_ns);
		f->held_back = lost > 0 ? lost / (ran + own + lost) : 0;
	}
}

/* Divides the time with a thread running. Where CPUs were free there was no crowd. */
static void add_running(struct shares *s, const struct findings *f, double ns, double busy,
			double serialised)
{
	bool full = busy > CROWD_FULL * f->cpus_allowed * ns;

	s->lock += serialised;
	ns = less(ns, serialised);
	s->others += ns * f->held_back;
	ns -= ns * f->held_back;
	s->crowd += full ? ns * f->crowding : 0;
	s->cpu += full ? ns * (1 - f->crowding) : ns;
}

/* Timed waits again and again: for a lock, or else only to look. */
static void add_rows(struct shares *s, const struct findings *f, const __u64 *row_ns)
{
	for (int r = 0; r < ROW_COUNT; r++) {
		if (r != ROW_CONVOY)
			*share_of_row(s, r) += row_ns[r];
	}
	*(f->convoy.is_lock ? &s->lock : &s->sleep) += row_ns[ROW_CONVOY];
}

/* A woken thread on its way to an idle CPU says nothing about why it had waited: that
 * time is left out. */
void shares_of_program(struct shares *ret, const struct findings *f)
{
	const struct wall_sums *w = &f->model->wall;
	struct shares s = { .all = less(f->model->wall_ns, w->latency_ns) };

	add_running(&s, f, f->running_ns, w->busy_ns,
		    f->serialised_ns + (f->convoy.is_lock ? w->convoy_ns : 0));
	s.limit = w->limit_ns;
	s.others += less(w->runnable_ns, w->latency_ns + w->limit_ns);
	add_rows(&s, f, w->row_ns);
	*ret = s;
}

/* Of what is stacked, as much as in the whole. */
double slot_serialised(const struct findings *f, const struct slot *slot)
{
	const struct wall_sums *w = &f->model->wall;
	double more = less(f->serialised_ns, w->serialised_ns);

	return slot->serialised_ns + (more > 0 ? more / w->stacked_ns * slot->stacked_ns : 0);
}

void shares_of_slots(struct shares *ret, const struct findings *f, size_t from, size_t to)
{
	struct shares s = { 0 };

	for (size_t i = from; i < to; i++) {
		const struct slot *slot = &f->model->strip[i];

		s.all += less(slot->end_ns - slot->start_ns, slot->latency_ns);
		add_running(&s, f, slot->running_ns, slot->busy_ns,
			    slot_serialised(f, slot) + (f->convoy.is_lock ? slot->convoy_ns : 0));
		s.limit += slot->limit_ns;
		s.others += less(slot->runnable_ns, slot->latency_ns + slot->limit_ns);
		add_rows(&s, f, slot->row_ns);
	}
	*ret = s;
}

/* Waiting for another thread's work is waiting for something to do. */
void shares_of_thread(struct shares *ret, const struct findings *f, const struct thread *t)
{
	struct shares s = { .all = less(t->lifetime_ns, t->queued_idle_ns) };

	s.cpu = (double)t->state_ns[TS_RUNNING] + t->state_ns[TS_YIELDED];
	s.crowd = t->queued_own_ns;
	s.others = behind_others(t->state_ns, t->queued_own_ns, t->queued_idle_ns);
	for (int r = 0; r < ROW_COUNT; r++)
		*share_of_row(&s, r) += t->row_ns[r];
	for (size_t i = 0; i < t->n_waits; i++) {
		if (t->waits[i].cause == CAUSE_KERNEL_THROTTLE) {
			s.limit += t->waits[i].ns;
			s.other = less(s.other, t->waits[i].ns);
		}
	}
	s.other = less(s.other, t->row_ns[ROW_SYNC] + t->row_ns[ROW_CONVOY]);
	s.unknown = t->state_ns[TS_UNKNOWN];
	s.demand += t->row_ns[ROW_SYNC];
	*(f->convoy.is_lock ? &s.lock : &s.demand) += t->row_ns[ROW_CONVOY];
	*ret = s;
}

#define PARTS(s)                                                                                   \
	{                                                                                          \
		&(s)->cpu, &(s)->crowd, &(s)->others, &(s)->limit, &(s)->device, &(s)->fault,      \
			&(s)->peer, &(s)->lock, &(s)->sleep, &(s)->demand, &(s)->other,            \
			&(s)->unknown,                                                             \
	}

void shares_add(struct shares *to, const struct shares *from)
{
	double *into[] = PARTS(to);
	const double *part[] = PARTS(from);

	to->all += from->all;
	for (size_t i = 0; i < sizeof(into) / sizeof(*into); i++)
		*into[i] += *part[i];
}

void shares_add_like(struct shares *to, const struct shares *by, double ns)
{
	double *into[] = PARTS(to);
	const double *part[] = PARTS(by);

	if (by->all <= 0) {
		to->other += ns;
		return;
	}
	for (size_t i = 0; i < sizeof(into) / sizeof(*into); i++)
		*into[i] += *part[i] / by->all * ns;
}
