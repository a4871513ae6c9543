// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/stuck.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "waitfor/waitfor.h"

#define LOOK_NS	    250000000ull /* at the least, between looks: two of them are needed */
#define LOOK_SHARE  500
#define LINE_SIZE   1024
#define STILL_LOOKS 3

struct stuck_looks {
	struct watch *watch;
	uint64_t began;	    /* the last standstill; CLOCK_MONOTONIC */
	unsigned int looks; /* ... in which there were so many */
	uint64_t owed_ns;   /* CPU time of the look before, which has had no pause yet */
};

struct stuck_looks *stuck_looks_new(void)
{
	struct stuck_looks *s = calloc(1, sizeof(*s));

	if (s)
		s->watch = watch_new();
	if (s && s->watch)
		return s;
	free(s);
	return NULL;
}

void stuck_looks_free(struct stuck_looks *s)
{
	if (!s)
		return;
	watch_free(s->watch);
	free(s);
}

static int take_stacks(struct probe *p, const struct knot *k)
{
	uint64_t *ids = malloc((k->n + 1) * sizeof(*ids));
	int error;

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < k->n; i++)
		ids[i] = k->waits[i].thread_id;
	error = probe_stuck_stacks(p, ids, k->n);
	free(ids);
	return error;
}

static int announce(struct stuck_looks *s, struct probe *p, size_t new)
{
	size_t n;
	const struct knot *knots = watch_knots(s->watch, &n);
	char line[LINE_SIZE];
	int error = 0;

	for (size_t i = n - new; i < n && !error; i++) {
		knot_say(&knots[i], line, sizeof(line));
		fprintf(stderr, "concprof: %s\n", line);
		error = take_stacks(p, &knots[i]);
	}
	return error;
}

/* Locks say that somebody waits at them; pipes and children do not, and are looked at once no
 * thread runs. Of a standstill that goes on two looks are enough. */
static int is_worth_a_look(struct stuck_looks *s, struct probe *p, bool *ret)
{
	uint64_t still, began;
	int error = probe_still_ns(p, &still);

	*ret = probe_may_be_stuck(p);
	if (error || still < LOOK_NS)
		return error;
	began = clock_ns() - still;
	if (began > s->began + LOOK_NS / 2) {
		s->began = began;
		s->looks = 0;
	}
	*ret |= s->looks < STILL_LOOKS;
	return 0;
}

/* Not by the wall: on a busy machine a look that was put off would put off the next one for long. */
static uint64_t own_cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* A proof takes two looks: the second comes soon, and the pause behind it is for both. */
static uint64_t pay(struct stuck_looks *s, uint64_t spent)
{
	uint64_t pause = (s->owed_ns + spent) * LOOK_SHARE;

	s->owed_ns = s->owed_ns ? 0 : spent;
	return s->owed_ns || pause < LOOK_NS ? LOOK_NS : pause;
}

int stuck_look(struct stuck_looks *s, struct probe *p, uint64_t *ret_next_ns)
{
	uint64_t begin = own_cpu_ns(), spent;
	bool worth = false;
	struct look look;
	size_t new;
	int error = is_worth_a_look(s, p, &worth);

	*ret_next_ns = LOOK_NS;
	if (error || !worth)
		return error;
	error = probe_stuck(p, &look);
	if (!error) {
		s->looks++;
		new = watch_look(s->watch, &look);
		if (new)
			error = announce(s, p, new);
	}
	probe_stuck_free(&look);
	spent = own_cpu_ns() - begin;
	if (s->owed_ns || spent * LOOK_SHARE > LOOK_NS)
		*ret_next_ns = pay(s, spent);
	return error;
}

int stuck_tell(const struct stuck_looks *s, event_fn fn, void *ctx)
{
	return watch_tell(s->watch, fn, ctx);
}
