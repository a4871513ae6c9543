// SPDX-License-Identifier: BSD-2-Clause
/* What threads did over time, as a picture has it. */
#include "findings.h"

#include "report/lanes.h"

#define US 1000ULL

TestSuite(lanes, .init = setup, .fini = teardown);

/* A thread that runs for one microsecond of each two, and waits for a pipe else. */
static void put_steps(__u32 thread, size_t n)
{
	struct ev_marks *ev = calloc(1, MARKS_ROOM(n));
	struct mark *marks = calloc(n, sizeof(*marks));

	for (size_t i = 0; i < n; i++)
		marks[i] = (struct mark){ .at = T0 + (2 * i + 2) * US,
					  .ran = US,
					  .thread = thread,
					  .kind = MARK_DEPART,
					  .off = OFF_BLOCKED,
					  .cause = CAUSE_IO_PIPE,
					  .was_row = ROW_PEER };
	marks_pack(ev, marks, n, 0);
	put(ev);
	free(marks);
	free(ev);
}

static void draw(struct lanes *lanes, size_t most_runs)
{
	static const size_t threads[] = { 0 };

	lanes_make(lanes, m, threads, 1, most_runs);
	cr_assert_eq(lanes->items.n, 1);
	cr_assert_leq(lanes->items.items[0].runs.n, most_runs);
}

/* Where each begins, and that they do not overlap. */
static void check_runs(const struct lanes *lanes)
{
	const struct lane *lane = &lanes->items.items[0];
	uint32_t end = 0;

	for (size_t i = 0; i < lane->runs.n; i++) {
		cr_assert_geq(lane->runs.items[i].from, end);
		cr_assert_geq(lane->runs.items[i].n, 1);
		end = lane->runs.items[i].from + lane->runs.items[i].n;
		cr_assert_leq(end, lanes->slots);
	}
}

Test(lanes, as_fine_as_there_is_room)
{
	struct lanes lanes;

	put_thread(thread(1, 0, 0, 0, 200 * US));
	put_steps(1, 100);
	analyse(wall(200 * US));
	draw(&lanes, 1000);
	check_runs(&lanes);
	/* First it was new, and had no CPU yet. */
	cr_assert_eq(lanes.items.items[0].runs.n, 200);
	cr_assert_eq(lanes.items.items[0].runs.items[0].tone, TONE_QUEUED);
	cr_assert_eq(lanes.items.items[0].runs.items[1].tone, TONE_RUNNING);
	cr_assert_eq(lanes.items.items[0].runs.items[2].tone, ROW_PEER);
	cr_assert_eq(lanes.items.items[0].ns[TONE_RUNNING], 100 * US);
	cr_assert_eq(lanes.items.items[0].ns[ROW_PEER], 99 * US);
	cr_assert_eq(lanes.items.items[0].ns[TONE_QUEUED], US);
	lanes_free(&lanes);
}

/* Little room: slots are longer, and the sums are what they were. */
Test(lanes, coarser)
{
	for (size_t room = 1; room <= 64; room *= 2) {
		struct lanes lanes;

		if (room > 1)
			setup();
		put_thread(thread(1, 0, 0, 0, 20000 * US));
		put_steps(1, 10000);
		analyse(wall(20000 * US));
		draw(&lanes, room);
		check_runs(&lanes);
		cr_assert_eq(lanes.items.items[0].ns[TONE_RUNNING], 10000 * US);
		cr_assert_geq(lanes.slot_ns * lanes.slots, 20000 * US);
		lanes_free(&lanes);
		if (room < 64)
			teardown();
	}
}

/* Busy first, then not: what took most of a slot is what it shows. */
Test(lanes, what_took_most)
{
	struct ev_marks *ev = calloc(1, MARKS_ROOM(2));
	struct mark marks[] = {
		{ .at = T0 + 60 * MS,
		  .ran = 60 * MS,
		  .thread = 1,
		  .kind = MARK_DEPART,
		  .off = OFF_BLOCKED,
		  .cause = CAUSE_IO_DISK },
		{ .at = T0 + 100 * MS,
		  .ran = MS,
		  .thread = 1,
		  .kind = MARK_DEPART,
		  .off = OFF_BLOCKED,
		  .was_row = ROW_IO },
	};
	struct lanes lanes;

	put_thread(thread(1, 0, 0, 0, 100 * MS));
	marks_pack(ev, marks, 2, 0);
	put(ev);
	free(ev);
	analyse(wall(100 * MS));
	draw(&lanes, 2);
	check_runs(&lanes);
	cr_assert_eq(lanes.items.items[0].runs.items[0].tone, TONE_RUNNING);
	cr_assert_eq(lanes.items.items[0].runs.items[1].tone, ROW_IO);
	cr_assert_float_eq((double)lanes.items.items[0].runs.items[1].from * (double)lanes.slot_ns,
			   60 * MS, 14 * MS);
	lanes_free(&lanes);
}
