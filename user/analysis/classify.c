// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which class the shares amount to. The time goes to one of four families first:
 * it wants to compute, it waits for input and output, for locks, or for nothing that
 * could be sped up. One family decides with DECIDES of the time, or else two that both
 * matter make a mixture; within a family the class is the one for which its time
 * speaks. The margin is the least share of the time that would have to go otherwise
 * for another class to come out.
 */
#include "analysis/internal.h"

/* Below this a program shows its start-up and nothing else. */
#define TOO_SHORT_NS 10000000.0
/* A family decides with this share of the time, or else together with a second one. */
#define DECIDES 0.6
#define MATTERS 0.2
/* What is not understood may be as much as this. */
#define UNKNOWN_AT_MOST 0.5
/* Of the time in which it wanted to compute: from here on it is that others had the CPU. */
#define STARVES 0.4
/* ... and of the rest, that its own threads crowd. */
#define CROWDS 0.5

struct candidate {
	enum verdict_class class;
	double share;  /* of the time, of the whole family */
	double margin; /* to `next`, in the same family */
	enum verdict_class next;
};

static double at_most_1(double share)
{
	return share > 1 ? 1 : share;
}

/* Whichever side of a threshold a share is on, how far. */
static double distance(double share, double threshold)
{
	return share > threshold ? share - threshold : threshold - share;
}

static void take_nearer(struct candidate *c, double margin, enum verdict_class next)
{
	if (margin < c->margin) {
		c->margin = margin;
		c->next = next;
	}
}

static struct candidate wants_cpu(const struct shares *s)
{
	double starved = (s->others + s->limit) / s->all;
	double computing = (s->cpu + s->crowd) / s->all, all = computing + starved;
	bool crowds = s->crowd / s->all > CROWDS * computing;
	struct candidate c = { .share = at_most_1(all), .margin = 1 };
	enum verdict_class own = crowds ? CLASS_OVERSUBSCRIBED : CLASS_CPU_BOUND;

	if (starved > STARVES * all) {
		c.class = CLASS_STARVED;
		take_nearer(&c, distance(starved, STARVES * all), own);
		return c;
	}
	c.class = own;
	take_nearer(&c, distance(starved, STARVES * all), CLASS_STARVED);
	take_nearer(&c, distance(s->crowd / s->all, CROWDS * computing),
		    crowds ? CLASS_CPU_BOUND : CLASS_OVERSUBSCRIBED);
	return c;
}

static struct candidate waits_for_io(const struct shares *s)
{
	double share = (s->device + s->fault + s->peer) / s->all;

	return (struct candidate){ CLASS_IO_BOUND, at_most_1(share), 1, CLASS_UNKNOWN };
}

static struct candidate waits_for_locks(const struct shares *s)
{
	return (struct candidate){ CLASS_LOCK_BOUND, at_most_1(s->lock / s->all), 1,
				   CLASS_UNKNOWN };
}

static struct candidate rests(const struct shares *s)
{
	bool sleeps = s->sleep > s->demand;
	struct candidate c = {
		.class = sleeps ? CLASS_SLEEP_BOUND : CLASS_IDLE,
		.share = at_most_1((s->sleep + s->demand) / s->all),
		.margin = distance(s->sleep, s->demand) / 2 / s->all,
		.next = sleeps ? CLASS_IDLE : CLASS_SLEEP_BOUND,
	};

	return c;
}

static void decide(const struct candidate *first, const struct candidate *second,
		   struct verdict *ret)
{
	/* Whatever goes from the first to the second makes it a mixture before the second wins. */
	double over = first->share - DECIDES, under = MATTERS - second->share;
	double to_mixed = over > under ? over : under;

	ret->class = first->class;
	ret->runner_up = CLASS_MIXED;
	ret->margin = to_mixed;
	if (first->margin < to_mixed) {
		ret->runner_up = first->next;
		ret->margin = first->margin;
	}
}

/* It stops being a mixture when the first decides, or nothing else matters. */
static void mix(const struct candidate *first, const struct candidate *second,
		const struct candidate *all, size_t n, struct verdict *ret)
{
	double to_first = DECIDES - first->share, to_none = 0;

	for (size_t i = 0; i < n; i++) {
		if (&all[i] != first && all[i].share > MATTERS)
			to_none += all[i].share - MATTERS;
	}
	ret->class = CLASS_MIXED;
	ret->parts[0] = first->class;
	ret->parts[1] = second->class;
	ret->runner_up = first->class;
	ret->margin = to_first < to_none ? to_first : to_none;
}

void classify(const struct shares *s, struct verdict *ret)
{
	struct candidate families[4];
	const struct candidate *first = NULL, *second = NULL;

	*ret = (struct verdict){ .class = CLASS_UNKNOWN };
	if (s->all < TOO_SHORT_NS || (s->unknown + s->other) / s->all > UNKNOWN_AT_MOST)
		return;
	families[0] = wants_cpu(s);
	families[1] = waits_for_io(s);
	families[2] = waits_for_locks(s);
	families[3] = rests(s);
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		const struct candidate *c = &families[i];

		if (!first || c->share > first->share) {
			second = first;
			first = c;
		} else if (!second || c->share > second->share) {
			second = c;
		}
	}
	if (first->share < MATTERS)
		return;
	if (first->share < DECIDES && second->share >= MATTERS)
		mix(first, second, families, sizeof(families) / sizeof(*families), ret);
	else
		decide(first, second, ret);
}
