// SPDX-License-Identifier: BSD-2-Clause
/* One look at threads: which are alike, and whom the others wait for. */
#include "findings.h"

#include "analysis/why.h"

#define PROCESS 1

static void begin(void)
{
	struct ev_run r = run();

	b = model_builder_new();
	r.mode = MODE_WHY;
	put(&r);
}

/* A thread of a process that waits; what else it says of itself can be set before put_stand(). */
static struct ev_stand *waiter(uint64_t id, uint64_t process, enum cause cause, const char *text)
{
	struct ev_thread t = thread(id, 0, process, 0, 9 * SECOND);
	struct ev_stand *s = stand(id, STAND_BLOCKED, text);

	waited(&t, cause, 8 * SECOND, 1);
	t.flags &= ~(THREAD_ENDED | THREAD_GROUP_DEAD);
	t.flags |= THREAD_OPEN_WAIT;
	t.open_cause = cause;
	t.open_row = row_of_cause(cause);
	t.open_since = T0 + SECOND;
	put(&t);
	s->for_ns = 8 * SECOND;
	return s;
}

static void put_stand(struct ev_stand *s)
{
	put(s);
	free(s);
}

static void look(void)
{
	struct ev_end e = end(0);

	put(&e);
	m = model_builder_finish(b);
	f = findings_new(m);
	cr_assert_geq(f->n_list, 1);
	cr_assert_str_eq(f->list[0].rule, f->verdict.rule);
}

Test(group, the_same_at_the_same_place, .init = begin, .fini = teardown)
{
	for (uint64_t id = 1; id <= 5; id++)
		put_stand(waiter(id, PROCESS, CAUSE_SYNC_COND, ""));
	look();
	cr_assert_eq(f->why.n_groups, 1);
	cr_assert_eq(f->why.groups[0].n, 5);
	cr_assert_eq(f->why.groups[0].longest_ns, 8 * SECOND);
}

/* The sentence of a group is that of its first: whoever waits for anything else is of another. */
Test(group, not_what_waits_for_another_process, .init = begin, .fini = teardown)
{
	struct ev_need one = need(1, 7, NEED_CHILD), other = need(2, 8, NEED_CHILD);

	put_stand(waiter(1, PROCESS, CAUSE_CHILD_WAIT, ""));
	put_stand(waiter(2, PROCESS, CAUSE_CHILD_WAIT, ""));
	put(&one);
	put(&other);
	look();
	cr_assert_eq(f->why.n_groups, 2);
}

Test(group, not_what_waits_at_another_name, .init = begin, .fini = teardown)
{
	put_stand(waiter(1, PROCESS, CAUSE_IO_PIPE, "left"));
	put_stand(waiter(2, PROCESS, CAUSE_IO_PIPE, "right"));
	look();
	cr_assert_eq(f->why.n_groups, 2);
}

Test(group, not_what_has_a_time_out, .init = begin, .fini = teardown)
{
	struct ev_stand *timed = waiter(2, PROCESS, CAUSE_SYNC_COND, "");

	put_stand(waiter(1, PROCESS, CAUSE_SYNC_COND, ""));
	timed->is_timed = 1;
	put_stand(timed);
	look();
	cr_assert_eq(f->why.n_groups, 2);
}

/* 1 and 2 wait for what 3 has, 3 for process 4, whose only thread sleeps. */
Test(root, through_locks_and_processes, .init = begin, .fini = teardown)
{
	struct ev_need n = need(3, 4, NEED_READER);

	for (uint64_t id = 1; id <= 2; id++) {
		struct ev_stand *s = waiter(id, PROCESS, CAUSE_LOCK_MUTEX, "");

		s->other_id = 3;
		s->other_is = HOLDER_IS_THREAD;
		put_stand(s);
	}
	put_stand(waiter(3, PROCESS, CAUSE_IO_PIPE, "pipe:[7]"));
	put(&n);
	put_stand(waiter(4, 4, CAUSE_TIMER_SLEEP, ""));
	look();
	cr_assert_eq(f->why.behind, 3);
	cr_assert_eq(m->stands[f->why.root].thread_id, 4);
	cr_assert_str_eq(f->list[0].title, "3 threads wait, in the end, for t4 (1004)");
}

/* Of a circle nobody is the end: what could be proved is said otherwise. */
Test(root, none_in_a_circle, .init = begin, .fini = teardown)
{
	for (uint64_t id = 1; id <= 2; id++) {
		struct ev_stand *s = waiter(id, PROCESS, CAUSE_LOCK_MUTEX, "");

		s->other_id = 3 - id;
		s->other_is = HOLDER_IS_THREAD;
		put_stand(s);
	}
	look();
	cr_assert_eq(f->why.root, WHY_NONE);
	cr_assert_str_eq(f->list[0].rule, "hang");
}

/* Who waits for a process that was not looked at may be woken by it. */
Test(hang, not_if_somebody_was_not_looked_at, .init = begin, .fini = teardown)
{
	struct ev_need n = need(1, 0, NEED_CHILD);

	put_stand(waiter(1, PROCESS, CAUSE_CHILD_WAIT, ""));
	put(&n);
	look();
	cr_assert_str_eq(f->list[0].rule, "why");
}

/* --- sleeps ----------------------------------------------------------------------------------- */

/* Where a thread sleeps is said if that function tries a lock. */
static void sleeps_in(uint64_t id, uint32_t flags)
{
	struct ev_frame *inner = frame(id * 2 - 1, "usleep", "", "/lib/libc.so.6");
	struct ev_frame *outer = frame(id * 2, "get", "", "/bin/prog");
	const uint32_t frames[] = { id * 2 - 1, id * 2 };
	struct ev_stack *s = stack(id, frames, 2);
	struct ev_site site = wait_site(id, id, CAUSE_TIMER_SLEEP, 1, MS);

	outer->flags = flags;
	put(inner);
	put(outer);
	put(s);
	put(&site);
	put_stand(waiter(id, PROCESS, CAUSE_TIMER_SLEEP, ""));
	free(inner);
	free(outer);
	free(s);
}

Test(sleep, between_tries_of_a_lock, .init = begin, .fini = teardown)
{
	char words[WHY_WORDS];

	sleeps_in(1, FRAME_TRIES_LOCK);
	sleeps_in(2, 0);
	look();
	cr_assert_eq(m->n_stands, 2);
	cr_expect_str_eq(why_words(words, sizeof(words), f, &m->stands[0], false),
			 "sleeps in get, which tries a lock");
	cr_expect_str_eq(why_words(words, sizeof(words), f, &m->stands[1], false), "sleeps");
}
