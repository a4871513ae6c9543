// SPDX-License-Identifier: BSD-2-Clause
/* The live view: rows from looks, and lines from rows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "live/frame.h"
#include "stream.h"

#define SECOND 1000000000ULL
#define MS     1000000ULL

static struct live_table table;
static struct live_frame picture;

static void setup(void)
{
	memset(&table, 0, sizeof(table));
	memset(&picture, 0, sizeof(picture));
}

static void teardown(void)
{
	live_frame_free(&picture);
	live_free(&table);
}

TestSuite(live, .init = setup, .fini = teardown);

static struct peeked seen(__u64 id, const char *comm, __u64 running, __u64 waiting)
{
	struct peeked p = { .thread = thread(id, 0, 1, 0, SECOND),
			    .position = POS_BLOCKED,
			    .cause = CAUSE_IO_PIPE };

	memset(p.thread.comm, 0, sizeof(p.thread.comm));
	memcpy(p.thread.comm, comm, strnlen(comm, sizeof(p.thread.comm)));
	p.thread.ledger.state_ns[TS_RUNNING] = running;
	p.thread.ledger.state_ns[TS_BLOCKED] = waiting;
	p.thread.ledger.cause[CAUSE_IO_PIPE].ns = waiting;
	p.thread.ledger.switches = running / MS;
	return p;
}

static void look(__u64 at, const struct peeked *threads, size_t n)
{
	live_begin_look(&table, T0 + at);
	for (size_t i = 0; i < n; i++)
		live_see_thread(&table, &threads[i]);
	live_end_look(&table);
}

static const struct live_row *row(size_t i)
{
	return &table.rows[LIVE_THREADS].items[i];
}

/* The first look is where counting begins; the next ones show what has happened since. */
Test(live, since_the_look_before)
{
	struct peeked first = seen(1, "a", 900 * MS, 100 * MS),
		      next = seen(1, "a", 1150 * MS, 850 * MS);

	look(SECOND, &first, 1);
	cr_assert_eq(row(0)->running, 0);
	cr_assert(!row(0)->is_new);
	look(2 * SECOND, &next, 1);
	cr_assert_float_eq(row(0)->running, 0.25, 1e-9);
	cr_assert_float_eq(row(0)->waiting, 0.75, 1e-9);
	cr_assert_float_eq(row(0)->rate, 250, 1e-6);
	cr_assert_eq(row(0)->mostly, CAUSE_IO_PIPE);
	cr_assert_eq(row(0)->n_history, 2);
	cr_assert_float_eq(table.running, 0.25, 1e-9);
}

/* One that came between two looks is measured since it came; one that has gone is said once. */
Test(live, come_and_gone)
{
	struct peeked one = seen(1, "a", 0, 0), two[] = { one, seen(2, "b", 250 * MS, 250 * MS) };

	two[1].thread.ledger.start_at = T0 + 1500 * MS;
	look(SECOND, &one, 1);
	look(2 * SECOND, two, 2);
	cr_assert(row(1)->is_new);
	cr_assert_float_eq(row(1)->running, 0.5, 1e-9);
	look(3 * SECOND, two, 1);
	cr_assert_eq(table.rows[LIVE_THREADS].n, 2);
	cr_assert(row(1)->has_ended);
	cr_assert_eq(table.n_threads, 1);
	look(4 * SECOND, two, 1);
	cr_assert_eq(table.rows[LIVE_THREADS].n, 1);
}

Test(live, in_order)
{
	struct peeked before[] = { seen(1, "c", 0, 0), seen(2, "a", 0, 0), seen(3, "b", 0, 0) };
	struct peeked after[] = { seen(1, "c", 100 * MS, 900 * MS), seen(2, "a", 300 * MS, 0),
				  seen(3, "b", 200 * MS, 100 * MS) };
	static const size_t expected[LIVE_SORTS][3] = { [LIVE_BY_RUNNING] = { 1, 2, 0 },
							[LIVE_BY_QUEUED] = { 0, 2, 1 },
							[LIVE_BY_WAITING] = { 0, 2, 1 },
							[LIVE_BY_RATE] = { 1, 2, 0 },
							[LIVE_BY_NAME] = { 1, 2, 0 } };

	look(SECOND, before, 3);
	look(2 * SECOND, after, 3);
	for (enum live_sort by = 0; by < LIVE_SORTS; by++) {
		size_t n, *order = live_order(&table, LIVE_THREADS, by, &n);

		cr_assert_eq(n, 3);
		for (size_t i = 0; i < n; i++)
			cr_assert_eq(order[i], expected[by][i], "by %d, place %zu", by, i);
		free(order);
	}
}

Test(live, locks_and_targets)
{
	struct ev_lock l = lock_at(0x1000, 0, 100 * MS);
	struct ev_lock_waiter w = lock_waiter(0x1000, 1, CAUSE_LOCK_MUTEX, 1, 100 * MS);
	struct ev_target *target = target_event(1, TARGET_FILE, "/a/file");
	struct ev_io i = io(1, CAUSE_IO_DISK, 3, 100 * MS);

	live_note(&table, &target->head);
	for (int k = 1; k <= 2; k++) {
		live_begin_look(&table, T0 + k * SECOND);
		live_see(&table, &l.head);
		live_see(&table, &w.head);
		live_see(&table, &i.head);
		live_end_look(&table);
		l.any_ns += 500 * MS;
		i.any_ns += 250 * MS;
		i.waits += 7;
	}
	cr_assert_float_eq(table.rows[LIVE_LOCKS].items[0].waiting, 0.5, 1e-9);
	cr_assert_eq(table.rows[LIVE_LOCKS].items[0].cause, CAUSE_LOCK_MUTEX);
	cr_assert_float_eq(table.rows[LIVE_TARGETS].items[0].waiting, 0.25, 1e-9);
	cr_assert_float_eq(table.rows[LIVE_TARGETS].items[0].rate, 7, 1e-9);
	cr_assert_str_eq(table.rows[LIVE_TARGETS].items[0].name, "/a/file");
	free(target);
}

/* --- lines --------------------------------------------------------------------------------- */

static void make(size_t columns, size_t lines, enum live_view view, bool utf8)
{
	struct live_wish wish = { .view = view,
				  .columns = columns,
				  .lines = lines,
				  .utf8 = utf8,
				  .what = "a\x1b[31m program",
				  .elapsed_ns = 61 * SECOND,
				  .left_ns = 59 * SECOND,
				  .cpus = 2 };

	live_frame_free(&picture);
	live_frame_make(&picture, &table, &wish);
}

static bool shows(const char *text)
{
	for (size_t i = 0; i < picture.lines.n; i++) {
		if (strstr(picture.lines.items[i].text, text))
			return true;
	}
	return false;
}

/* Whatever the screen's size, no line is longer, there are no more lines, and nothing steers it. */
Test(live, fits_the_screen)
{
	struct peeked threads[30];

	for (size_t i = 0; i < 30; i++)
		threads[i] =
			seen(i + 1, i & 1 ? "\x1b]0;x\a\xe2\x80\xae\xff" : "wörker", i * MS, 0);
	for (__u64 at = 1; at < 40; at++) {
		for (size_t i = 0; i < 30; i++)
			threads[i].thread.ledger.state_ns[TS_RUNNING] += at * i * MS;
		look(at * SECOND, threads, 30);
	}
	for (size_t columns = 1; columns < 150; columns += 7) {
		for (size_t lines = 1; lines < 60; lines += 5) {
			make(columns, lines, (columns + lines) % LIVE_VIEWS, lines & 2);
			cr_assert_eq(picture.lines.n, lines);
			for (size_t i = 0; i < picture.lines.n; i++) {
				const char *text = picture.lines.items[i].text;

				cr_assert_leq(text_columns(text, strlen(text)), columns);
				for (const char *c = text; *c; c++)
					cr_assert((unsigned char)*c >= ' ' && *c != 0x7f);
			}
		}
	}
}

Test(live, says_what_there_is)
{
	struct peeked before[] = { seen(1, "one", 0, 0), seen(2, "two", 0, 0) };
	struct peeked after[] = { seen(1, "one", 600 * MS, 400 * MS), seen(2, "two", 0, SECOND) };

	look(SECOND, before, 2);
	look(2 * SECOND, after, 2);
	make(120, 10, LIVE_THREADS, false);
	cr_assert(shows("61 s, 59 s left"), "%s", picture.lines.items[0].text);
	cr_assert(shows("0.60 running and 0.00 queued of 2 threads, on 2 CPUs"));
	cr_assert(shows("60 %") && shows("40 %") && shows("100 %"));
	cr_assert(shows("io.pipe") && shows("q ends"));
	make(20, 10, LIVE_THREADS, false);
	cr_assert(shows("60 %") && !shows("io.pipe"), "what matters most stays");
	make(80, 10, LIVE_LOCKS, false);
	cr_assert(shows("nobody has waited for a lock"));
}
