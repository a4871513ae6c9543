// SPDX-License-Identifier: BSD-2-Clause
/* The wait-for graph: what two looks prove, and what they do not. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "waitfor/graph.h"

static struct watch *w;
static struct stuck look[64];
static struct need needs[64];
static size_t n, n_needs;

static void setup(void)
{
	w = watch_new();
	cr_assert_not_null(w);
	n = n_needs = 0;
}

static void teardown(void)
{
	watch_free(w);
}

/* Waits since 100 at the lock of its holder's number: a mutex. */
static struct stuck *waits(uint64_t id, uint64_t holder)
{
	struct stuck *s = &look[n++];

	*s = (struct stuck){ .thread_id = id,
			     .process_id = 1,
			     .since = 100,
			     .blocks = 7,
			     .holder_id = holder,
			     .key = { 1, 64 * holder },
			     .hints = LOCK_HINT_WORD,
			     .holder_is = HOLDER_IS_THREAD,
			     .holder_nr = (uint32_t)holder + 1000,
			     .tid = (uint32_t)id + 1000 };
	snprintf(s->comm, sizeof(s->comm), "t%u", (unsigned int)id);
	return s;
}

static size_t looked(uint64_t at)
{
	return watch_look(w, &(struct look){ look, n, needs, n_needs, at });
}

static const struct knot *knot(size_t i)
{
	size_t found;
	const struct knot *knots = watch_knots(w, &found);

	cr_assert(i < found, "%zu of %zu", i, found);
	return &knots[i];
}

static void none(void)
{
	size_t found;

	watch_knots(w, &found);
	cr_assert_eq(found, 0, "%zu", found);
}

static void is_member(const struct knot *k, size_t i, uint64_t id)
{
	cr_assert_eq(k->waits[i].thread_id, id, "%zu is %llu", i,
		     (unsigned long long)k->waits[i].thread_id);
}

static void says(const struct knot *k, const char *text)
{
	char line[1024];

	knot_say(k, line, sizeof(line));
	cr_assert_str_eq(line, text);
}

/* --- cycles ----------------------------------------------------------------------- */

Test(cycle, two_looks_prove_it, .init = setup, .fini = teardown)
{
	waits(2, 3);
	waits(3, 2);
	cr_assert_eq(looked(1000), 0, "one look is none");
	none();
	cr_assert_eq(looked(1250), 1);
	cr_assert_eq(knot(0)->kind, DEADLOCK_CYCLE);
	cr_assert_eq(knot(0)->n_members, 2);
	cr_assert_eq(knot(0)->n, 2);
	is_member(knot(0), 0, 2);
	is_member(knot(0), 1, 3);
	cr_assert_eq(knot(0)->proved_at, 1250);
	cr_assert_eq(looked(1500), 0, "it is known");
	cr_assert_eq(knot(0)->proved_at, 1250);
	cr_assert_eq(knot(0)->seen_at, 1500);
	says(knot(0), "deadlock: t2 (1002) waits for a mutex of t3 (1003), which waits for a mutex "
		      "of t2 (1002)");
}

Test(cycle, of_one, .init = setup, .fini = teardown)
{
	waits(2, 2);
	looked(1000);
	cr_assert_eq(looked(1250), 1);
	cr_assert_eq(knot(0)->n_members, 1);
	says(knot(0), "deadlock: t2 (1002) waits for a mutex of its own");
}

Test(cycle, in_the_order_of_waiting, .init = setup, .fini = teardown)
{
	waits(5, 3);
	waits(3, 8);
	waits(8, 5)->hints = LOCK_HINT_JOIN;
	looked(1000);
	looked(1250);
	is_member(knot(0), 0, 3);
	is_member(knot(0), 1, 8);
	is_member(knot(0), 2, 5);
	says(knot(0), "deadlock: t3 (1003) waits for a mutex of t8 (1008), which waits for the end "
		      "of t5 (1005), which waits for a mutex of t3 (1003)");
}

Test(cycle, of_many_is_said_in_part, .init = setup, .fini = teardown)
{
	for (uint64_t id = 1; id <= 6; id++)
		waits(id, id % 6 + 1)->hints = id == 2 ? LOCK_HINT_PI : LOCK_HINT_RWLOCK;
	looked(1000);
	looked(1250);
	says(knot(0), "deadlock: of 6 threads: t1 (1001) waits for a read-write lock of t2 (1002), "
		      "which waits for a PI mutex of t3 (1003), which waits for a read-write lock "
		      "of t4 (1004), which waits for a read-write lock of t5 (1005), and so on");
}

Test(cycle, a_name_from_outside, .init = setup, .fini = teardown)
{
	strcpy(waits(2, 2)->comm, "a\x1b[2Jb\n");
	looked(1000);
	looked(1250);
	says(knot(0), "deadlock: a\\x1b[2Jb\\n (1002) waits for a mutex of its own");
}

Test(cycle, who_waits_behind, .init = setup, .fini = teardown)
{
	waits(9, 7);
	waits(7, 2);
	waits(2, 3);
	waits(3, 2);
	waits(4, 5); /* 5 goes on */
	looked(1000);
	cr_assert_eq(looked(1250), 1);
	cr_assert_eq(knot(0)->n_members, 2);
	cr_assert_eq(knot(0)->n, 4);
	is_member(knot(0), 2, 9);
	is_member(knot(0), 3, 7);
	waits(6, 9);
	looked(1500);
	cr_assert_eq(looked(1750), 0);
	cr_assert_eq(knot(0)->n, 5, "one more came");
}

Test(cycle, two_of_them, .init = setup, .fini = teardown)
{
	waits(2, 3);
	waits(3, 2);
	looked(1000);
	cr_assert_eq(looked(1250), 1);
	waits(4, 5);
	waits(5, 4);
	cr_assert_eq(looked(1500), 0);
	cr_assert_eq(looked(1750), 1);
	is_member(knot(0), 0, 2);
	is_member(knot(1), 0, 4);
	cr_assert_eq(knot(1)->n, 2, "and nobody of the other");
}

/* --- what is none ------------------------------------------------------------------ */

struct change {
	const char *name;
	void (*make)(struct stuck *s);
};

static void ran_between(struct stuck *s)
{
	s->since++;
}

static void blocked_again(struct stuck *s)
{
	s->blocks++;
}

static void other_lock(struct stuck *s)
{
	s->key.word += 64;
}

static void other_space(struct stuck *s)
{
	s->key.space++;
}

static void other_holder(struct stuck *s)
{
	s->holder_id = 4;
}

static void other_number(struct stuck *s)
{
	s->holder_nr++;
}

static void unknown_holder(struct stuck *s)
{
	s->holder_is = HOLDER_IS_UNKNOWN;
}

Test(none, if_anything_has_changed, .init = setup, .fini = teardown)
{
	static const struct change changes[] = {
		{ "ran", ran_between },	       { "blocked", blocked_again },
		{ "lock", other_lock },	       { "space", other_space },
		{ "holder", other_holder },    { "number", other_number },
		{ "unknown", unknown_holder },
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		n = 0;
		looked(0);
		waits(2, 3);
		waits(3, 2);
		looked(1000);
		changes[i].make(&look[1]);
		cr_assert_eq(looked(1250), 0, "%s", changes[i].name);
		none();
	}
}

Test(none, if_the_circle_is_open, .init = setup, .fini = teardown)
{
	waits(2, 3);
	waits(3, 4);
	waits(5, 2);
	looked(1000);
	cr_assert_eq(looked(1250), 0);
	none();
}

Test(none, one_that_has_come_between, .init = setup, .fini = teardown)
{
	waits(2, 3);
	looked(1000);
	waits(3, 2);
	cr_assert_eq(looked(1250), 0);
	cr_assert_eq(looked(1500), 1);
}

/* --- pipes and children --------------------------------------------------------------- */

/* The only thread of its process needs something of any thread of another one. */
static struct stuck *wants(uint64_t id, enum stuck_want want, uint64_t process_id)
{
	struct stuck *s = waits(id, 0);

	s->process_id = id;
	s->threads = 1;
	s->want = want;
	s->key = (struct lock_key){ 0 };
	needs[n_needs++] = (struct need){ n - 1, process_id };
	return s;
}

static bool is_deadlock(void)
{
	looked(1000);
	return looked(1250);
}

Test(processes, a_child_that_nobody_reads, .init = setup, .fini = teardown)
{
	wants(2, WANT_CHILD, 3);
	wants(3, WANT_READER, 2);
	cr_assert(is_deadlock());
	cr_assert_eq(knot(0)->n_members, 2);
	cr_assert_eq(knot(0)->waits[0].holder_id, 3);
	says(knot(0),
	     "deadlock: t2 (1002) waits for the end of its child t3 (1003), which waits for "
	     "a pipe to be read by t2 (1002)");
}

Test(processes, both_write, .init = setup, .fini = teardown)
{
	wants(2, WANT_READER, 3);
	wants(3, WANT_WRITER, 2);
	wants(4, WANT_CHILD, 2);
	cr_assert(is_deadlock());
	cr_assert_eq(knot(0)->n_members, 2);
	cr_assert_eq(knot(0)->n, 3);
}

Test(processes, its_own_pipe, .init = setup, .fini = teardown)
{
	wants(2, WANT_READER, 2);
	cr_assert(is_deadlock());
	says(knot(0), "deadlock: t2 (1002) waits for a pipe to be read by itself");
}

Test(processes, through_a_lock, .init = setup, .fini = teardown)
{
	struct stuck *s = waits(5, 2);

	s->process_id = 2;
	s->threads = 2;
	wants(2, WANT_CHILD, 3)->threads = 2;
	wants(3, WANT_READER, 2);
	cr_assert(is_deadlock());
	cr_assert_eq(knot(0)->n, 3);
}

Test(processes, another_thread_may_read, .init = setup, .fini = teardown)
{
	wants(2, WANT_CHILD, 3)->threads = 2;
	wants(3, WANT_READER, 2);
	cr_assert_not(is_deadlock());
}

Test(processes, another_process_may_read, .init = setup, .fini = teardown)
{
	wants(2, WANT_CHILD, 3);
	wants(3, WANT_READER, 2);
	needs[n_needs++] = (struct need){ 1, 0 };
	cr_assert_not(is_deadlock());
}

Test(processes, another_child_may_end, .init = setup, .fini = teardown)
{
	wants(3, WANT_READER, 2);
	wants(2, WANT_CHILD, 3);
	needs[n_needs++] = (struct need){ 1, 4 };
	cr_assert_not(is_deadlock());
}

Test(processes, none_that_needs_nobody, .init = setup, .fini = teardown)
{
	wants(2, WANT_CHILD, 3);
	wants(3, WANT_READER, 2);
	n_needs = 1;
	cr_assert_not(is_deadlock());
}

Test(processes, whose_ends_are_not_known, .init = setup, .fini = teardown)
{
	wants(2, WANT_CHILD, 3);
	wants(3, WANT_READER, 2)->holder_is = HOLDER_IS_UNKNOWN;
	cr_assert_not(is_deadlock());
}

/* --- locks of files ---------------------------------------------------------------------- */

static struct stuck *wants_file(uint64_t id, uint64_t inode, uint64_t process_id)
{
	struct stuck *s = wants(id, WANT_FILE_LOCK, process_id);

	s->key = (struct lock_key){ LOCK_OF_FILE | 1, inode };
	s->hints = LOCK_HINT_FILE;
	return s;
}

Test(files, in_opposite_order, .init = setup, .fini = teardown)
{
	wants_file(2, 11, 3);
	wants_file(3, 12, 2);
	wants_file(4, 11, 3);
	cr_assert(is_deadlock());
	cr_assert_eq(knot(0)->n_members, 2);
	cr_assert_eq(knot(0)->n, 3);
	cr_assert_eq(knot(0)->waits[0].holder_id, 3);
	says(knot(0), "deadlock: t2 (1002) waits for a file's lock of t3 (1003), which waits for a "
		      "file's lock of t2 (1002)");
}

Test(files, by_itself, .init = setup, .fini = teardown)
{
	wants_file(2, 11, 2);
	cr_assert(is_deadlock());
	says(knot(0), "deadlock: t2 (1002) waits for a file's lock of its own");
}

Test(files, a_parent_that_waits_for_its_child, .init = setup, .fini = teardown)
{
	wants(2, WANT_CHILD, 3);
	wants_file(3, 11, 2);
	cr_assert(is_deadlock());
}

Test(files, all_that_have_it_must_be_stuck, .init = setup, .fini = teardown)
{
	wants_file(3, 12, 2);
	wants_file(2, 11, 3);
	needs[n_needs++] = (struct need){ 1, 4 };
	cr_assert_not(is_deadlock());
}

Test(files, another_lock_in_the_second_look, .init = setup, .fini = teardown)
{
	wants_file(2, 11, 3);
	wants_file(3, 12, 2);
	looked(1000);
	look[0].key.word = 13;
	cr_assert_eq(looked(1250), 0);
}

/* --- locks that nobody lets go -------------------------------------------------------- */

Test(abandoned, by_a_dead_thread, .init = setup, .fini = teardown)
{
	for (uint64_t id = 2; id <= 4; id++) {
		struct stuck *s = waits(id, 9);

		s->holder_is = HOLDER_IS_NOBODY;
		s->holder_id = 0;
	}
	waits(5, 3);
	looked(1000);
	cr_assert_eq(looked(1250), 1);
	cr_assert_eq(knot(0)->kind, DEADLOCK_ABANDONED);
	cr_assert_eq(knot(0)->n_members, 3);
	cr_assert_eq(knot(0)->n, 4);
	is_member(knot(0), 3, 5);
	says(knot(0),
	     "deadlock: t2 (1002) and 2 more wait for a mutex that nobody can let go: thread "
	     "1009, which took it, is dead");
	waits(6, 9)->holder_is = HOLDER_IS_NOBODY;
	look[n - 1].holder_id = 0;
	looked(1500);
	cr_assert_eq(looked(1750), 0, "it is the same");
	cr_assert_eq(knot(0)->n_members, 4);
}

Test(abandoned, a_copy, .init = setup, .fini = teardown)
{
	waits(2, 9)->holder_is = HOLDER_IS_FOREIGN;
	looked(1000);
	cr_assert_eq(looked(1250), 1);
	says(knot(0), "deadlock: t2 (1002) waits for a mutex that nobody can let go: thread 1009, "
		      "which took it, is none of this process (a fork left a copy of it)");
}

Test(abandoned, the_kernel_tells_of_these, .init = setup, .fini = teardown)
{
	struct stuck *s = waits(2, 9);

	s->holder_is = HOLDER_IS_NOBODY;
	s->hints = LOCK_HINT_JOIN;
	s = waits(3, 8);
	s->holder_is = HOLDER_IS_NOBODY;
	s->hints = LOCK_HINT_PI;
	looked(1000);
	cr_assert_eq(looked(1250), 0);
	none();
}

Test(abandoned, a_single_word_may_be_anything, .init = setup, .fini = teardown)
{
	struct stuck *s = waits(2, 9);

	s->holder_is = HOLDER_IS_NOBODY;
	s->hints = LOCK_HINT_ROBUST;
	looked(1000);
	cr_assert_eq(looked(1250), 0);
	none();
}

/* --- as events ---------------------------------------------------------------------- */

static struct ev_deadlock told[8];
static size_t n_told;

static int keep(void *ctx, const struct event *ev)
{
	(void)ctx;
	cr_assert_eq(ev->kind, EV_DEADLOCK);
	cr_assert(event_is_valid(ev, ev->size));
	told[n_told++] = *(const struct ev_deadlock *)ev;
	return 0;
}

Test(events, of_each_wait, .init = setup, .fini = teardown)
{
	waits(2, 2);
	waits(7, 2);
	waits(3, 3);
	looked(1000);
	looked(1250);
	looked(1500);
	cr_assert_eq(watch_tell(w, keep, NULL), 0);
	cr_assert_eq(n_told, 3);
	cr_assert_eq(told[0].number, 1);
	cr_assert(told[0].is_member && !told[1].is_member && told[2].is_member);
	cr_assert_eq(told[1].thread_id, 7);
	cr_assert_eq(told[1].number, 1);
	cr_assert_eq(told[2].number, 2);
	cr_assert_eq(told[2].proved_at, 1250);
	cr_assert_eq(told[2].seen_at, 1500);
}

static int keep_loss(void *ctx, const struct event *ev)
{
	const struct ev_loss *loss = (const struct ev_loss *)ev;

	if (ev->kind == EV_LOSS) {
		cr_assert_eq(loss->what, LOSS_DEADLOCKS);
		*(uint64_t *)ctx += loss->count;
	}
	return 0;
}

Test(events, of_those_that_find_no_room, .init = setup, .fini = teardown)
{
	static struct stuck many[2 * KNOTS_MAX];
	uint64_t lost = 0;
	size_t found;

	for (size_t i = 0; i < KNOTS_MAX + 3; i++) {
		n = 0;
		many[i] = *waits(i + 1, i + 1);
	}
	watch_look(w, &(struct look){ many, KNOTS_MAX + 3, NULL, 0, 1000 });
	cr_assert_eq(watch_look(w, &(struct look){ many, KNOTS_MAX + 3, NULL, 0, 1250 }),
		     KNOTS_MAX);
	watch_knots(w, &found);
	cr_assert_eq(found, KNOTS_MAX);
	cr_assert_eq(watch_tell(w, keep_loss, &lost), 0);
	cr_assert_eq(lost, 3);
}

/* --- against the slow way ------------------------------------------------------------ */

#define NODES 12

static size_t after(const size_t *next, size_t at, size_t steps)
{
	while (steps-- && at != GRAPH_NONE)
		at = next[at];
	return at;
}

static bool is_on_circle(const size_t *next, size_t at)
{
	for (size_t steps = 1; steps <= NODES; steps++) {
		if (after(next, at, steps) == at)
			return true;
	}
	return false;
}

static size_t found_behind(const size_t *next, const size_t *circle, size_t at)
{
	for (size_t steps = 0; steps <= NODES; steps++) {
		size_t there = after(next, at, steps);

		if (there != GRAPH_NONE && circle[there] != GRAPH_NONE)
			return circle[there];
	}
	return GRAPH_NONE;
}

Test(graph, circles_of_any)
{
	struct rng rng = rng_seed(7);
	size_t next[NODES], circle[NODES], leads[NODES];

	for (int run = 0; run < 20000; run++) {
		for (size_t i = 0; i < NODES; i++)
			next[i] = rng_one_in(&rng, 4) ? GRAPH_NONE : rng_below(&rng, NODES);
		graph_circles(next, NODES, circle);
		graph_lead(next, NODES, circle, leads);
		for (size_t i = 0; i < NODES; i++) {
			cr_assert_eq(circle[i] != GRAPH_NONE, is_on_circle(next, i));
			if (circle[i] != GRAPH_NONE)
				cr_assert_eq(circle[i], circle[next[i]]);
			cr_assert_eq(leads[i], found_behind(next, circle, i));
		}
	}
}

Test(graph, a_thousand_in_one)
{
	static size_t next[1000], circle[1000];

	for (size_t i = 0; i < 1000; i++)
		next[i] = (i + 7) % 1000;
	cr_assert_eq(graph_circles(next, 1000, circle), 1);
}
