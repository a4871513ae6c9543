// SPDX-License-Identifier: BSD-2-Clause
/*
 * Event loops that are away for too long: nobody sees then what their descriptors have. Blocked in
 * something else, or computing. And those that take long to look.
 */
#include <string.h>
#include <sys/select.h>

#include "../bpf/wall.h"
#include "analysis/internal.h"
#include "base/units.h"
#include "model/target.h"

#define NAME_MOST 60 /* bytes of a path */

#define WAITS_LEAST   20  /* fewer are no loop */
#define LIFE_LEAST    0.5 /* of its thread's life, that the loop was seen */
#define CLIENTS_NOTE  4	  /* descriptors: with fewer, nobody but who it works for waits meanwhile */
#define CLIENTS_LEAST 8
#define BLOCKED_NS    10000000	/* at a time: a person notices some of them in a row */
#define BLOCKED_LONG  100000000 /* ... and one alone */
#define BLOCKED_SOME  0.005	/* of the time of the loop: some of them */
#define BLOCKED_SHARE 0.05	/* ... however short they are */
#define LAG_NS	      100000000 /* computing at a time: a person notices it */
#define AT_ONCE_MOST  0.05 /* of the calls, for what lies between two that blocked to be one turn */
#define CALLS_LEAST   100  /* that were seen: fewer say little of the others */
#define SCAN_LEAST    64   /* descriptors of poll or select */
#define SAMPLES_LEAST 20   /* of the thread's computing */
#define SCAN_SHARE    0.2  /* ... of which so much is looking through them */
#define BUSY_LEAST    0.5  /* of its time away */

/* What the thread chose to wait for; memory and the kernel's own locks may meet anybody. */
static bool is_its_own(enum cause c)
{
	enum wall_row kind = c < CAUSE_COUNT ? row_kind(row_of_cause(c)) : ROW_UNKNOWN;

	return kind != ROW_UNKNOWN && kind != ROW_OTHER && c != CAUSE_FAULT_MAJOR &&
	       c != CAUSE_FAULT_MINOR && c != CAUSE_KERNEL_LOCK;
}

/* A thread that comes back to the same many descriptors, for most of its life. */
static bool is_loop(const struct model *m, const struct event_loop *l)
{
	uint64_t seen = l->ns + l->away.ns;

	return l->n_users == 1 && l->thread != NO_THREAD && l->waits >= WAITS_LEAST &&
	       l->watched >= CLIENTS_NOTE && seen >= LIFE_LEAST * m->threads[l->thread].lifetime_ns;
}

static struct finding *add(struct findings *f, const struct event_loop *l, const char *rule)
{
	enum severity severity = l->watched >= CLIENTS_LEAST ? SEVERITY_WARNING : SEVERITY_NOTE;
	struct finding *to = finding_add(f, rule, severity);

	memcpy(to->subject, f->model->threads[l->thread].comm, EVENT_COMM_SIZE);
	return to;
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

/* Of all of them; the one with most of it. NULL: there are none. */
static const struct loop_wait *sum_blocked(const struct event_loop *l, uint64_t *ret_ns,
					   uint64_t *ret_max_ns)
{
	const struct loop_wait *most = NULL;

	*ret_ns = *ret_max_ns = 0;
	for (size_t i = 0; i < l->n_blocked; i++) {
		const struct loop_wait *w = &l->blocked[i];

		if (!is_its_own(w->cause))
			continue;
		most = most ? most : w; /* the longest come first */
		*ret_ns += w->ns;
		*ret_max_ns = w->max_ns > *ret_max_ns ? w->max_ns : *ret_max_ns;
	}
	return most;
}

static void find_blocked(struct findings *f, const struct event_loop *l)
{
	char waits[UNITS_SIZE], sum[UNITS_SIZE], most[UNITS_SIZE];
	uint64_t seen = l->ns + l->away.ns, ns, max_ns;
	const struct loop_wait *w = sum_blocked(l, &ns, &max_ns);
	struct finding *to;

	if (!w || (max_ns < BLOCKED_LONG && ns < BLOCKED_SHARE * seen &&
		   (max_ns < BLOCKED_NS || ns < BLOCKED_SOME * seen)))
		return;
	to = add(f, l, "loop.blocked");
	finding_title(to, "its event loop blocks in other waits, %s at the longest",
		      units_ns(most, max_ns, true));
	evidence_add(to, "loops.blocked.wait_ns", w->ns, "%s waits of %s took %s in all%s%s",
		     units_count(waits, w->waits), cause_name(w->cause), units_ns(sum, w->ns, true),
		     w->target ? ", for " : "",
		     w->target ? target_end_of(w->target, NAME_MOST) : "");
	say_place(to, place_of(f, l, SITE_WAIT, w->cause), "they are");
	evidence_add(to, "loops.away.max_ns", l->away.longest.ns,
		     "meanwhile nobody saw to its %u descriptors: %s at the longest", l->watched,
		     units_ns(most, l->away.longest.ns, true));
	finding_advice(to, "%s", blocked_advice(w->cause));
}

/* --- computing ------------------------------------------------------------------------------ */

/* The longest that it is certain to have computed without a call; 0: not known. */
static uint64_t longest_turn(const struct event_loop *l)
{
	const struct loop_stretch *s = &l->away.longest;
	bool is_known = l->calls.calls >= CALLS_LEAST;

	if (is_known && l->calls.at_once <= AT_ONCE_MOST * l->calls.calls)
		return s->running_ns >= BUSY_LEAST * s->ns ? s->running_ns : 0;
	/* A turn may be spent on anything; but a loop that mostly computes spends it so. */
	return l->away.running_ns >= BUSY_LEAST * l->away.ns ? l->calls.max_ns : 0;
}

static void find_lag(struct findings *f, const struct event_loop *l)
{
	uint64_t turn = longest_turn(l);
	char longest[UNITS_SIZE], p99[UNITS_SIZE], times[UNITS_SIZE];
	struct finding *to;

	if (turn < LAG_NS)
		return;
	to = add(f, l, "loop.lag");
	finding_title(to, "its event loop computes for %s before it looks again",
		      units_ns(longest, turn, true));
	evidence_add(to, "loops.away.p99_ns", l->away_p99_ns,
		     "of %s times away 99 %% took at most %s", units_count(times, l->away.times),
		     units_ns(p99, l->away_p99_ns, true));
	say_place(to, place_of(f, l, SITE_CPU, CAUSE_UNKNOWN), "most of its computing is");
	finding_advice(to, "Who waits for the loop waits for that. Do it in parts, and look in "
			   "between; or let another thread compute.");
}

/* --- poll and select look at each descriptor --------------------------------------------------- */

static bool is_scan(const struct model *m, const struct stack *s)
{
	static const char *const functions[] = { "do_sys_poll", "core_sys_select", "do_select" };

	for (size_t i = 0; i < s->n; i++) {
		const struct frame *frame = &m->frames[s->frames[i]];

		for (size_t k = 0; k < sizeof(functions) / sizeof(*functions); k++) {
			if (frame->flags & FRAME_KERNEL && !strcmp(frame->function, functions[k]))
				return true;
		}
	}
	return false;
}

/* Samples of the thread's computing that looked through its descriptors; *ret_all: all. */
static uint64_t scan_samples(const struct model *m, uint64_t thread_id, uint64_t *ret_all)
{
	uint64_t samples = 0, all = 0;

	for (size_t i = 0; i < m->n_sites; i++) {
		const struct site *s = &m->sites[i];

		if (s->thread_id != thread_id || s->what != SITE_CPU)
			continue;
		all += s->samples;
		if (is_scan(m, &m->stacks[s->stack]))
			samples += s->samples;
	}
	*ret_all = all;
	return samples;
}

static void find_scan(struct findings *f, const struct event_loop *l)
{
	uint64_t all, samples = scan_samples(f->model, l->thread_id, &all);
	const char *call = strchr(cause_name(l->cause), '.') + 1;
	char part[UNITS_SIZE];
	struct finding *to;

	if (l->cause == CAUSE_EVENT_EPOLL || l->watched < SCAN_LEAST || all < SAMPLES_LEAST ||
	    samples < SCAN_SHARE * all)
		return;
	to = add(f, l, "loop.scan");
	finding_title(to, "its event loop looks at %u descriptors in each call of %s", l->watched,
		      call);
	evidence_add(to, "cpu_sites.samples", samples,
		     "%s of its computing is that, by %llu samples by the clock",
		     units_percent(part, (double)samples / all), (unsigned long long)all);
	finding_advice(to,
		       "With epoll the kernel is told once what to watch, and gives only what is "
		       "ready: a call costs the same for ten descriptors and for ten thousand.");
}

/* --- more than an fd_set has room for ---------------------------------------------------------- */

static void find_fd_setsize(struct findings *f)
{
	const struct model *m = f->model;
	const struct event_loop *most = NULL;
	char waits[UNITS_SIZE], highest[UNITS_SIZE], room[UNITS_SIZE];
	struct finding *to;

	for (size_t i = 0; i < m->n_loops; i++) {
		if (m->loops[i].reach > FD_SETSIZE && (!most || m->loops[i].reach > most->reach))
			most = &m->loops[i];
	}
	if (!most)
		return;
	to = finding_add(f, "loop.fd_setsize", SEVERITY_WARNING);
	if (most->thread != NO_THREAD)
		memcpy(to->subject, m->threads[most->thread].comm, EVENT_COMM_SIZE);
	finding_title(to,
		      "it has select look at %s descriptors: an fd_set of the C library has "
		      "room for %s",
		      units_count(highest, most->reach), units_count(room, FD_SETSIZE));
	evidence_add(to, "loops.highest_fd", most->reach - 1,
		     "in %s waits; unless the program makes larger sets itself, memory behind them "
		     "is overwritten",
		     units_count(waits, most->waits));
	finding_advice(to, "Use poll or epoll, which have no such limit.");
}

void loops_find(struct findings *f)
{
	static void (*const rules[])(struct findings *, const struct event_loop *) = { find_blocked,
										       find_lag,
										       find_scan };
	const struct model *m = f->model;

	find_fd_setsize(f);
	herd_find(f);
	/* Of several loops each is said of the first that it is true of. */
	for (size_t k = 0; k < sizeof(rules) / sizeof(*rules); k++) {
		size_t n = f->n_list;

		for (size_t i = 0; i < m->n_loops && f->n_list == n; i++) {
			if (is_loop(m, &m->loops[i]))
				rules[k](f, &m->loops[i]);
		}
	}
}
