// SPDX-License-Identifier: BSD-2-Clause
/* Of several that wait for each other: who holds up the others. */
#include "analysis/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define WAITS_LEAST 0.3	 /* of the wall time, by one party, for another one */
#define OWN_MOST    0.5	 /* of its life that who holds up others waits for others itself */
#define LATER_LEAST 0.05 /* of the wall time, for another waiter to be named */
#define MOST	    0.6	 /* of the life of a party, to say what it does */
#define NAMED	    2

static double life_of(const struct party *p)
{
	return p->lifetime_ns ? (double)p->lifetime_ns : 1;
}

/* What this one waited for another party most; NULL: for none much. The links come longest first. */
static const struct channel_link *most_waited(const struct channels *c, size_t waiter)
{
	for (size_t i = 0; i < c->n_links; i++) {
		const struct channel_link *link = &c->links[i];

		if (link->waiter == waiter && link->waker != waiter)
			return c->parties[link->waker].process == OUTSIDE ? NULL : link;
	}
	return NULL;
}

/* From who waits on, as long as who is waited for waits for another one in turn. */
static size_t follow(const struct channels *c, size_t from)
{
	size_t at = from;

	for (size_t steps = 0; steps <= c->n_parties; steps++) {
		const struct party *p = &c->parties[at];
		const struct channel_link *link = most_waited(c, at);

		if (at != from && p->waited_ns < OWN_MOST * life_of(p))
			return at;
		if (!link)
			return NO_PARTY;
		at = link->waker;
	}
	return NO_PARTY; /* in turns */
}

/* What it does itself, most of the time. */
static const char *doing_of(const struct findings *f, const struct party *p)
{
	const struct model *m = f->model;
	double io = 0, sleep = 0;

	if (p->running_ns >= MOST * life_of(p))
		return "computes";
	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		if (t->process_id != m->processes[p->process].id || strcmp(t->comm, p->comm))
			continue;
		io += t->row_ns[ROW_IO] + t->row_ns[ROW_FAULT];
		sleep += t->row_ns[ROW_TIMER];
	}
	if (io >= MOST * life_of(p))
		return "waits for a disk or another device";
	return sleep >= MOST * life_of(p) ? "sleeps" : NULL;
}

static void add_evidence(struct finding *to, const struct findings *f, size_t slow)
{
	const struct channels *c = &f->channels;
	size_t said = 0;

	for (size_t i = 0; i < c->n_links && said < NAMED; i++) {
		const struct channel_link *link = &c->links[i];
		const struct party *p = &c->parties[link->waiter];
		char total[UNITS_SIZE];

		if (link->waker != slow || link->waiter == slow ||
		    link->ns < LATER_LEAST * (double)f->model->wall_ns)
			continue;
		said++;
		evidence_add(to, "channels.wait_ns", estimate_whole(link->ns),
			     "%.0f %% of its life %s waits for it, %s, to %s %s",
			     100 * link->ns / life_of(p), p->comm,
			     units_ns(total, estimate_whole(link->ns), true),
			     link->most->writes ? "write to" : "read from",
			     c->items[link->most->channel].kind);
	}
}

static void say(struct findings *f, size_t slow)
{
	const struct channels *c = &f->channels;
	const struct party *p = &c->parties[slow];
	const char *doing = doing_of(f, p);
	struct finding *to = finding_add(f, "pipeline.bottleneck", SEVERITY_NOTE);

	snprintf(to->subject, sizeof(to->subject), "%s", p->comm);
	finding_title(to, "%s holds up the others: they wait for it, and it %s", p->comm,
		      doing ? doing : "hardly for them");
	add_evidence(to, f, slow);
	evidence_add(to, "channels.waited_ns", estimate_whole(p->waited_ns),
		     "%.0f %% of its own life it computes, %.0f %% it waits for others",
		     100 * (double)p->running_ns / life_of(p), 100 * p->waited_ns / life_of(p));
	finding_advice(to, "Make this one faster, or have several of it: the others cannot go faster "
			   "than it does. A change to one of them would gain nothing.");
}

void bottleneck_find(struct findings *f)
{
	const struct channels *c = &f->channels;
	size_t slow;

	for (size_t i = 0; i < c->n_links; i++) {
		const struct channel_link *link = &c->links[i];

		if (link->ns < WAITS_LEAST * (double)f->model->wall_ns)
			return;
		if (link->waiter == link->waker ||
		    c->parties[link->waker].process == OUTSIDE)
			continue;
		slow = follow(c, link->waiter);
		if (slow == NO_PARTY)
			continue;
		say(f, slow);
		return;
	}
}
