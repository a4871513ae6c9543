// SPDX-License-Identifier: BSD-2-Clause
/*
 * Event loops that are away for too long: nobody sees then what their descriptors have. Blocked in
 * something else, or computing.
 */
#include <string.h>

#include "../bpf/wall.h"
#include "analysis/internal.h"
#include "base/units.h"

#define WAITS_LEAST   20	/* fewer are no loop */
#define LIFE_LEAST    0.5	/* of its thread's life, that the loop was seen */
#define BLOCKED_NS    10000000	/* at a time: a person notices some of them in a row */
#define BLOCKED_SHARE 0.05	/* of the time of the loop */
#define LAG_NS	      100000000 /* computing at a time: a person notices it (RAIL and the like) */
#define AT_ONCE_MOST  0.05 /* of the calls, for what lies between two that blocked to be one turn */
#define BUSY_LEAST    0.5  /* of the longest time away */

/* Time that the thread did not choose to spend so. */
static bool is_its_own(enum cause c)
{
	return c != CAUSE_KERNEL_THROTTLE && c != CAUSE_KERNEL_FREEZE && c != CAUSE_SIGNAL_STOP &&
	       c != CAUSE_SIGNAL_PTRACE && c != CAUSE_UNKNOWN && c != CAUSE_COUNT;
}

/* A thread that comes back to the same many descriptors, for most of its life. */
static bool is_loop(const struct model *m, const struct event_loop *l)
{
	uint64_t seen = l->ns + l->away.ns;

	return l->n_users == 1 && l->thread != NO_THREAD && l->waits >= WAITS_LEAST &&
	       (l->cause == CAUSE_EVENT_EPOLL || l->watched > 1) &&
	       seen >= LIFE_LEAST * m->threads[l->thread].lifetime_ns;
}

/* Where in the program's own code the thread does most of it; NULL: not known. */
static const struct frame *place_of(const struct findings *f, const struct event_loop *l,
				    enum site_what what, enum cause cause)
{
	const struct model *m = f->model;
	const struct stack *most = NULL;
	double of_most = 0;
	ptrdiff_t own;

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];

		if (s->thread_id != l->thread_id || s->what != what || f->sites.ns[i] <= of_most ||
		    (what == SITE_WAIT && s->cause != cause))
			continue;
		of_most = f->sites.ns[i];
		most = &m->stacks[s->stack];
	}
	own = most ? own_frame(m, most) : -1;
	return own < 0 || !m->frames[most->frames[own]].function[0] ? NULL
								    : &m->frames[most->frames[own]];
}

static void say_place(struct finding *to, const struct frame *place, const char *does)
{
	char name[128];

	if (place)
		evidence_add(to, "wait_sites", 0, "%s in %s or below it", does,
			     place_words(name, sizeof(name), place));
}

/* --- blocked -------------------------------------------------------------------------------- */

static const char *blocked_advice(enum cause c)
{
	switch (row_kind(row_of_cause(c))) {
	case ROW_LOCK:
	case ROW_SYNC:
		return "Whoever has it makes all clients of the loop wait. Hold it for less time, "
		       "or "
		       "hand the work over and let an eventfd tell the loop that it is done.";
	case ROW_TIMER:
		return "Let a timer of the loop (its time-out, or a timerfd) come back to it, "
		       "instead "
		       "of sleeping in it.";
	case ROW_CHILD:
		return "Let the loop wait for the process too: a pidfd, or SIGCHLD by a signalfd.";
	}
	return "Make the descriptor non-blocking and let the loop wait for it, or, as files know "
	       "no "
	       "such thing, hand it over: to a thread, or io_uring.";
}

static void find_blocked(struct findings *f, const struct event_loop *l)
{
	const struct loop_wait *w = l->blocked, *end = w + l->n_blocked;
	char waits[UNITS_SIZE], sum[UNITS_SIZE], most[UNITS_SIZE];
	uint64_t seen = l->ns + l->away.ns;
	const char *comm = f->model->threads[l->thread].comm;
	struct finding *to;

	while (w < end && !is_its_own(w->cause))
		w++;
	if (w == end || (w->max_ns < BLOCKED_NS && w->ns < BLOCKED_SHARE * seen))
		return;
	to = finding_add(f, "loop.blocked", SEVERITY_WARNING);
	memcpy(to->subject, comm, EVENT_COMM_SIZE);
	finding_title(to, "its event loop blocks in other waits, %s at the longest",
		      units_ns(most, w->max_ns, true));
	evidence_add(to, "loops.blocked.wait_ns", w->ns, "%s waits of %s took %s in all%s%.60s",
		     units_count(waits, w->waits), cause_name(w->cause), units_ns(sum, w->ns, true),
		     w->target ? ", for " : "", w->target ? w->target : "");
	say_place(to, place_of(f, l, SITE_WAIT, w->cause), "they are");
	evidence_add(to, "loops.away.max_ns", l->away.longest.ns,
		     "meanwhile nobody saw to its %u descriptor%s: %s at the longest", l->watched,
		     l->watched == 1 ? "" : "s", units_ns(most, l->away.longest.ns, true));
	finding_advice(to, "%s", blocked_advice(w->cause));
}

/* --- computing ------------------------------------------------------------------------------ */

/* The longest that it is certain to have been busy without a call; 0: not known. */
static uint64_t longest_turn(const struct event_loop *l)
{
	const struct loop_stretch *s = &l->away.longest;

	if (s->running_ns < BUSY_LEAST * s->ns)
		return 0;
	if (l->calls.calls && l->calls.at_once <= AT_ONCE_MOST * l->calls.calls)
		return s->ns;
	return l->calls.max_ns;
}

static void find_lag(struct findings *f, const struct event_loop *l)
{
	const char *comm = f->model->threads[l->thread].comm;
	uint64_t turn = longest_turn(l);
	char longest[UNITS_SIZE], p99[UNITS_SIZE], times[UNITS_SIZE];
	struct finding *to;

	if (turn < LAG_NS)
		return;
	to = finding_add(f, "loop.lag", SEVERITY_WARNING);
	memcpy(to->subject, comm, EVENT_COMM_SIZE);
	finding_title(to, "its event loop computes for %s before it looks again",
		      units_ns(longest, turn, true));
	evidence_add(to, "loops.away.p99_ns", l->away_p99_ns,
		     "of %s times away 99 %% took at most %s", units_count(times, l->away.times),
		     units_ns(p99, l->away_p99_ns, true));
	say_place(to, place_of(f, l, SITE_CPU, CAUSE_UNKNOWN), "most of its computing is");
	finding_advice(to, "Who waits for the loop waits for that. Do it in parts, and look in "
			   "between; or let another thread compute.");
}

void loops_find(struct findings *f)
{
	const struct model *m = f->model;
	bool is_blocked = false, is_late = false;
	size_t n = f->n_list;

	for (size_t i = 0; i < m->n_loops; i++) {
		const struct event_loop *l = &m->loops[i];

		if (!is_loop(m, l))
			continue;
		if (!is_blocked)
			find_blocked(f, l);
		is_blocked |= f->n_list > n;
		n = f->n_list;
		if (!is_late)
			find_lag(f, l);
		is_late |= f->n_list > n;
		n = f->n_list;
	}
}
