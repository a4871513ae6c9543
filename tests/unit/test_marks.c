// SPDX-License-Identifier: BSD-2-Clause
/* Steps of the timeline: packed and unpacked, and what a thread's ledger becomes of them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "event/marks.h"
#include "random.h"

#define MANY 128

static struct ev_marks *pack(const struct mark *marks, size_t n)
{
	struct ev_marks *ev = calloc(1, MARKS_ROOM(n));

	cr_assert(ev);
	marks_pack(ev, marks, n, 3);
	cr_assert(event_is_valid(&ev->head, ev->head.size));
	return ev;
}

static bool is_wait(const struct mark *m)
{
	return m->off == OFF_BLOCKED || m->off == OFF_THROTTLED;
}

/* Any number, small ones more often. */
static __u64 number(struct rng *r)
{
	return rng_next(r) >> rng_below(r, 64);
}

static struct mark any_mark(struct rng *r)
{
	struct mark m = {
		.at = number(r),
		.ran = number(r),
		.queued = number(r),
		.stolen = rng_below(r, 2) ? number(r) : 0,
		.uncharged = rng_below(r, 4) ? 0 : number(r),
		.thread = (__u32)number(r),
		.kind = (__u8)(1 + rng_below(r, MARK_KIND_COUNT - 1)),
		.off = (__u8)rng_below(r, OFF_THROTTLED + 1),
		.was_row = (__u8)rng_below(r, ROW_COUNT),
		.behind = (__u8)rng_below(r, BEHIND_LIMIT + 1),
		.unseen = !rng_below(r, 8),
		.woken = (__u8)rng_below(r, WOKEN_FROM_OUTSIDE + 1),
	};

	if (rng_below(r, 2))
		m.place = (__u32)number(r);
	if (m.woken == WOKEN_BY_THREAD)
		m.woken_by = (__u32)number(r);
	if (m.behind != BEHIND_UNKNOWN)
		m.behind_ns = rng_below(r, 2) ? ~0ull : number(r);
	if (is_wait(&m)) {
		m.cause = (__u8)rng_below(r, CAUSE_COUNT);
		m.row = (__u8)rng_below(r, ROW_COUNT);
	}
	return m;
}

Test(marks, come_back_as_they_went)
{
	struct rng r = rng_seed(1);
	struct mark marks[MANY], back;
	struct marks_reader reader;
	struct ev_marks *ev;

	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < MANY; i++)
			marks[i] = any_mark(&r);
		ev = pack(marks, MANY);
		cr_assert_eq(ev->n, MANY);
		cr_assert_eq(ev->cpu, 3);
		marks_begin(&reader, ev);
		for (int i = 0; i < MANY; i++) {
			cr_assert_eq(marks_next(&reader, &back), 1);
			cr_assert(!memcmp(&back, &marks[i], sizeof(back)), "round %d, mark %d",
				  round, i);
		}
		cr_assert_eq(marks_next(&reader, &back), 0);
		free(ev);
	}
}

Test(marks, first_form)
{
	static const __u8 bytes[] = {
		MARK_DEPART | OFF_PREEMPTED << 2 | 0x80,
		0,
		2,
		200,
		1,
		50,
		7,
		0, /* by an interrupt */
		MARK_DEPART | OFF_PREEMPTED << 2 | 0x80,
		0,
		2,
		200,
		1,
		50,
		7,
		1, /* from outside */
		MARK_DEPART | OFF_PREEMPTED << 2 | 0x80,
		0,
		2,
		200,
		1,
		50,
		7,
		2 + 3, /* by 3 - 2 */
		MARK_DEPART | OFF_PREEMPTED << 2,
		0,
		2,
		200,
		1,
		50,
		7, /* not seen */
	};
	static const enum woken expected[] = { WOKEN_BY_INTERRUPT, WOKEN_FROM_OUTSIDE,
					       WOKEN_BY_THREAD, WOKEN_UNSEEN };
	struct ev_marks *ev = calloc(1, sizeof(*ev) + sizeof(bytes));
	struct marks_reader reader;
	struct mark m;

	cr_assert(ev);
	memcpy(ev->bytes, bytes, sizeof(bytes));
	ev->n = 4;
	ev->size = sizeof(bytes);
	marks_begin(&reader, ev);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(marks_next(&reader, &m), 1);
		cr_assert(m.woken == expected[i] && m.thread == (__u32)i + 1 && m.queued == 7);
		cr_assert_eq(m.woken_by, m.woken == WOKEN_BY_THREAD ? 1 : 0);
		cr_assert_eq(m.place, 0);
	}
	cr_assert_eq(marks_next(&reader, &m), 0);
	free(ev);
}

/* Two threads that wake each other every two microseconds. */
Test(marks, take_few_bytes)
{
	struct mark marks[MANY] = { 0 };
	struct ev_marks *ev;

	for (int i = 0; i < MANY; i++)
		marks[i] = (struct mark){ .at = 1000000000000ull + 2000 * i,
					  .ran = 1500,
					  .queued = 400,
					  .behind_ns = ~0ull,
					  .stolen = 40,
					  .thread = 1 + (i & 1),
					  .kind = MARK_DEPART,
					  .off = OFF_BLOCKED,
					  .cause = CAUSE_IO_PIPE,
					  .row = ROW_DEMAND,
					  .was_row = ROW_DEMAND,
					  .behind = BEHIND_OWN };
	ev = pack(marks, MANY);
	cr_assert_leq(ev->head.size, MANY * 16);
	free(ev);
}

/* Whatever is cut or changed is read to its end, or refused. */
Test(marks, damage)
{
	struct rng r = rng_seed(2);
	struct mark marks[8], back;
	struct marks_reader reader;
	int more;

	for (int round = 0; round < 20000; round++) {
		struct ev_marks *ev, *copy;

		for (int i = 0; i < 8; i++)
			marks[i] = any_mark(&r);
		ev = pack(marks, 8);
		if (rng_below(&r, 2))
			ev->size = (__u32)rng_below(&r, ev->size);
		else
			ev->bytes[rng_below(&r, ev->size)] = (__u8)rng_next(&r);
		/* So that the sanitizer sees what is read beyond. */
		copy = malloc(sizeof(*copy) + ev->size);
		cr_assert(copy);
		memcpy(copy, ev, sizeof(*copy) + ev->size);
		marks_begin(&reader, copy);
		for (int i = 0; (more = marks_next(&reader, &back)) > 0; i++) {
			cr_assert_lt(i, 8);
			cr_assert(back.cause < CAUSE_COUNT && back.row < ROW_COUNT &&
				  back.was_row < ROW_COUNT && back.off <= OFF_THROTTLED);
		}
		cr_assert(more == 0 || more == -EPROTO);
		free(copy);
		free(ev);
	}
}

/* What the probes do, in few words: the mark is made before the ledger is told. */
static struct mark mark_of(const struct track *t, const struct departure *d)
{
	__u64 ran = d->now - d->arrived;

	return (struct mark){ .at = d->now,
			      .ran = ran,
			      .queued = d->run_delay - t->run_delay,
			      .behind_ns = t->behind_ns,
			      .stolen = d->stolen,
			      .uncharged = ran > d->stolen + d->kernel_ran
						   ? ran - d->stolen - d->kernel_ran
						   : 0,
			      .kind = MARK_DEPART,
			      .off = (__u8)d->off,
			      .cause = (__u8)d->cause,
			      .row = (__u8)d->row,
			      .was_row = (__u8)t->row,
			      .behind = (__u8)t->behind,
			      .unseen = d->unseen != 0 };
}

Test(marks, give_the_same_ledger)
{
	struct rng r = rng_seed(3);
	struct track real = { 0 }, again = { 0 };
	__u64 at = 1000000, delay = 700;

	real.run_delay = delay; /* before it was followed */
	for (int i = 0; i < 5000; i++) {
		struct departure d = { .off = rng_below(&r, OFF_THROTTLED + 1) };
		struct mark m, back;
		struct marks_reader reader;
		struct ev_marks *ev;

		delay += rng_below(&r, 5000);
		d.run_delay = delay;
		d.arrived = at + rng_below(&r, 9000) - rng_below(&r, 300);
		d.now = d.arrived + rng_below(&r, 9000);
		d.stolen = rng_below(&r, 3) ? 0 : rng_below(&r, 90);
		d.kernel_ran = rng_below(&r, 9000);
		d.unseen = !rng_below(&r, 50);
		if (d.off == OFF_BLOCKED || d.off == OFF_THROTTLED) {
			d.cause = rng_below(&r, CAUSE_COUNT);
			d.row = rng_below(&r, ROW_COUNT);
		}
		if (real.ledger.switches && rng_below(&r, 2))
			real.row = rng_below(&r, ROW_COUNT); /* what it turned out to be for */
		real.behind = rng_below(&r, BEHIND_LIMIT + 1);
		real.behind_ns = real.behind ? number(&r) : 0;
		m = mark_of(&real, &d);
		track_depart(&real, &d);
		ev = pack(&m, 1);
		marks_begin(&reader, ev);
		cr_assert_eq(marks_next(&reader, &back), 1);
		marks_replay(&again, &back);
		free(ev);
		at = d.now;
	}
	cr_assert(!memcmp(&again.ledger, &real.ledger, sizeof(real.ledger)));
}
