// SPDX-License-Identifier: BSD-2-Clause
/* Of several that wait for each other: who holds up the others. */
#include "analysis/internal.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define WAITS_LEAST 0.3	 /* of the wall time, by one crew, for another one */
#define CHILD_LEAST 0.5	 /* of its life that it waits for its children, for these to be asked */
#define ON_LEAST    0.1	 /* of its life that who is waited for waits, to go on from there */
#define LATER_LEAST 0.05 /* of the wall time, for another waiter to be named */
#define MOST	    0.5	 /* of the rest of its life, to say what it does */
#define HANDED	    10 /* times that who waits was given something to go on with: else it is no stage */
#define NAMED	    2
#define FOLLOWED    64 /* links, and steps from each */

/* Without the time that its threads wait for each other. */
static double life_of(const struct crew *p)
{
	double life = (double)p->lifetime_ns - p->inner_ns;

	return life > 1 ? life : 1;
}

/* For whom this one waited most; NO_PARTY: for none of the program. The links come longest first. */
static size_t most_waited(const struct channels *c, size_t waiter)
{
	for (size_t i = 0; i < c->n_links; i++) {
		const struct channel_link *link = &c->links[i];

		if (link->waiter == waiter && link->waker != waiter && link->held_ns > link->ns / 2)
			return crew_first(c, link->waker)->process == OUTSIDE ? NO_PARTY
									      : link->waker;
	}
	return NO_PARTY;
}

/* Of its children the crew that was ready for longest. */
static size_t busiest_child(const struct findings *f, size_t of)
{
	const struct channels *c = &f->channels;
	size_t most = NO_PARTY;

	for (size_t i = 0; i < c->n_crews; i++) {
		size_t process = crew_first(c, i)->process;

		if (process == OUTSIDE || f->model->processes[process].parent < 0 ||
		    (size_t)f->model->processes[process].parent != crew_first(c, of)->process)
			continue;
		if (most == NO_PARTY || c->crews[i].ready_ns > c->crews[most].ready_ns)
			most = i;
	}
	return most;
}

/* Whatever it does itself as long as it has a CPU. */
static double own_ns(const struct crew *p)
{
	return (double)p->running_ns + (double)p->device_ns + (double)p->sleep_ns;
}

static size_t next_of(const struct findings *f, size_t at)
{
	const struct crew *p = &f->channels.crews[at];

	if ((double)p->child_ns >= CHILD_LEAST * life_of(p))
		return busiest_child(f, at);
	return p->waited_ns >= ON_LEAST * life_of(p) ? most_waited(&f->channels, at) : NO_PARTY;
}

/* All that wait for each other have the same work to do: who holds up the others is the one that
 * takes most time for it, more than who waits first, and more than it waits itself. */
static size_t follow(const struct findings *f, size_t from)
{
	const struct crew *crews = f->channels.crews;
	size_t most = from, at = most_waited(&f->channels, from);

	for (size_t steps = 0; steps < FOLLOWED && at != NO_PARTY && at != from; steps++) {
		if (own_ns(&crews[at]) > own_ns(&crews[most]))
			most = at;
		at = next_of(f, at);
	}
	return most == from || crews[most].waited_ns > own_ns(&crews[most]) ? NO_PARTY : most;
}

/* What it does itself, most of the time; NULL: nothing that is known. */
static const char *doing_of(const struct crew *p)
{
	double most = MOST * (life_of(p) - p->waited_ns);

	if ((double)p->ready_ns >= most)
		return "computes";
	if ((double)p->device_ns >= most)
		return "waits for a disk or another device";
	return (double)p->sleep_ns >= most ? "sleeps" : NULL;
}

/* Does this link show that somebody waits for it? Not who waits for its end: that is no stage. */
static bool shows(const struct findings *f, const struct channel_link *link, size_t slow)
{
	return link->waker == slow && link->waiter != slow &&
	       strcmp(f->channels.items[link->most->channel].kind, "join") != 0 &&
	       link->waits >= HANDED && link->held_ns >= LATER_LEAST * (double)f->model->wall_ns;
}

static bool is_waited_for(const struct findings *f, size_t slow)
{
	for (size_t i = 0; i < f->channels.n_links; i++) {
		if (shows(f, &f->channels.links[i], slow))
			return true;
	}
	return false;
}

/* What a person calls it. Locks proper are no channels. */
static const char *kind_words(const char *kind)
{
	static const char *const words[][2] = { { "cond", "condition" },
						{ "sem", "semaphore" },
						{ "sysv-sem", "semaphore" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcmp(kind, words[i][0]))
			return words[i][1];
	}
	return kind;
}

static void add_evidence(struct finding *to, const struct findings *f, size_t slow)
{
	const struct channels *c = &f->channels;
	size_t said = 0;

	for (size_t i = 0; i < c->n_links && said < NAMED; i++) {
		const struct channel_link *link = &c->links[i];
		const struct crew *p = &c->crews[link->waiter];
		char total[UNITS_SIZE], name[CREW_LABEL_SIZE];

		if (!shows(f, link, slow))
			continue;
		said++;
		evidence_add(to, "channels.wait_ns", estimate_whole(link->held_ns),
			     "%s wait%s for it for %s, %.0f %% of %s, %s %s",
			     crew_label(name, sizeof(name), c, link->waiter),
			     p->parties > 1 ? "" : "s",
			     units_ns(total, estimate_whole(link->held_ns), true),
			     100 * link->held_ns / life_of(p),
			     p->parties > 1 ? "their lives" : "its life",
			     c->items[link->most->channel].is_futex ? "at a"
			     : link->most->writes		    ? "to write to"
								    : "to read from",
			     kind_words(c->items[link->most->channel].kind));
	}
}

static void say(struct findings *f, size_t slow, bool by_futex)
{
	const struct crew *p = &f->channels.crews[slow];
	const char *doing = doing_of(p), *who = "it";
	char label[CREW_LABEL_SIZE];
	struct finding *to;

	/* Who waits for a condition of a thread that sleeps may just have nothing to do. */
	if (!doing || ((double)p->sleep_ns >= MOST * (life_of(p) - p->waited_ns) && by_futex))
		return;
	to = finding_add(f, "pipeline.bottleneck", SEVERITY_NOTE);
	crew_name(to->subject, sizeof(to->subject), &f->channels, slow);
	if (p->parties > 1) {
		snprintf(label, sizeof(label), "%zu of them", p->parties);
		who = label;
	} else if (!crew_is_named(&f->channels, slow)) { /* others have its name */
		who = crew_label(label, sizeof(label), &f->channels, slow);
	}
	finding_title(to, "the others wait for %s, and %s %s", who, p->parties > 1 ? "each" : "it",
		      doing);
	add_evidence(to, f, slow);
	evidence_add(
		to, "channels.own_ns", p->ready_ns,
		"%.0f %% of its own life it computes or is queued, %.0f %% it waits for others",
		100 * (double)p->ready_ns / life_of(p), 100 * p->waited_ns / life_of(p));
	finding_advice(to,
		       "Make this one faster, or have several of it: the others cannot go faster "
		       "than it does, and a change to them would gain nothing.");
}

void bottleneck_find(struct findings *f)
{
	const struct channels *c = &f->channels;

	for (size_t i = 0; i < c->n_links && i < FOLLOWED; i++) {
		const struct channel_link *link = &c->links[i];
		size_t slow;

		if (link->held_ns < WAITS_LEAST * (double)f->model->wall_ns || link->waits < HANDED)
			continue;
		slow = link->waiter == link->waker ? NO_PARTY : follow(f, link->waiter);
		if (slow == NO_PARTY || !is_waited_for(f, slow))
			continue;
		say(f, slow, c->items[link->most->channel].is_futex);
		return;
	}
}
