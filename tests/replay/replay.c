// SPDX-License-Identifier: BSD-2-Clause
/* usage: replay RECORDING: is the ledger of each thread what its timeline gives? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/vec.h"
#include "event/marks.h"
#include "event/recording.h"

struct step {
	struct mark mark;
	size_t order;
};

static VEC(struct step) steps;
static VEC(struct ev_thread) threads;
static size_t bytes, lost;

static int on_event(void *ctx, const struct event *ev)
{
	struct marks_reader r;
	struct mark mark;
	int more = 0;

	(void)ctx;
	if (ev->kind == EV_THREAD)
		*vec_add(&threads) = *(const struct ev_thread *)ev;
	if (ev->kind == EV_LOSS && ((const struct ev_loss *)ev)->what == LOSS_MARKS)
		lost += ((const struct ev_loss *)ev)->count;
	if (ev->kind != EV_MARKS)
		return 0;
	bytes += ev->size;
	for (marks_begin(&r, (const struct ev_marks *)ev); (more = marks_next(&r, &mark)) > 0;)
		*vec_add(&steps) = (struct step){ mark, steps.n };
	return more;
}

/* What is measured of a thread begins first, and is finished last. */
static int in_time(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->mark.thread != y->mark.thread)
		return x->mark.thread < y->mark.thread ? -1 : 1;
	if (x->mark.kind != y->mark.kind &&
	    (x->mark.kind != MARK_DEPART || y->mark.kind != MARK_DEPART))
		return x->mark.kind < y->mark.kind ? -1 : 1;
	if (x->mark.at != y->mark.at)
		return x->mark.at < y->mark.at ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static size_t differ(const struct ev_thread *t, const struct ledger *l)
{
	const __u64 *is = (const __u64 *)l, *should = (const __u64 *)&t->ledger;
	size_t wrong = 0;

	for (size_t i = 0; i < sizeof(*l) / sizeof(*is); i++) {
		if (is[i] == should[i])
			continue;
		if (!wrong++)
			printf("%.16s (%llu): number %zu of its ledger is %llu, by the timeline "
			       "%llu\n",
			       t->comm, (unsigned long long)t->id, i, (unsigned long long)should[i],
			       (unsigned long long)is[i]);
	}
	return wrong != 0;
}

static size_t compare(void)
{
	struct track *tracks = calloc(threads.n + 1, sizeof(*tracks));
	struct map by_id = { 0 };
	size_t wrong = 0;

	if (!tracks)
		return 1;
	for (size_t i = 0; i < threads.n; i++)
		*map_add(&by_id, (__u32)threads.items[i].id) = i;
	for (size_t i = 0; i < steps.n; i++) {
		uint64_t *place = map_find(&by_id, steps.items[i].mark.thread);

		if (place)
			marks_replay(&tracks[*place], &steps.items[i].mark);
	}
	for (size_t i = 0; i < threads.n; i++)
		wrong += differ(&threads.items[i], &tracks[i].ledger);
	map_free(&by_id);
	free(tracks);
	return wrong;
}

int main(int argc, char **argv)
{
	FILE *in = argc == 2 ? fopen(argv[1], "rb") : NULL;
	struct err err = { 0 };
	size_t wrong;
	bool cut;

	if (!in || recording_read(in, on_event, NULL, &cut, &err)) {
		fprintf(stderr, "replay: %s\n", in ? err.text : "which recording?");
		return 2;
	}
	fclose(in);
	if (steps.n)
		qsort(steps.items, steps.n, sizeof(*steps.items), in_time);
	wrong = compare();
	printf("%zu threads, %zu steps in %zu bytes, %zu lost, %zu threads differ\n", threads.n,
	       steps.n, bytes, lost, wrong);
	free(steps.items);
	free(threads.items);
	return wrong || !steps.n;
}
