// SPDX-License-Identifier: BSD-2-Clause
/* A program that stands still at the end: when that is worth a word, and which. */
#include "findings.h"

#include "bpf/state.h"

static const struct finding *hang(void)
{
	for (size_t i = 0; i < f->n_list; i++) {
		if (!strcmp(f->list[i].rule, "hang"))
			return &f->list[i];
	}
	return NULL;
}

static void put_waiting(uint64_t id, enum cause cause, enum wall_row row)
{
	struct ev_thread t = thread(id, id - 1, 1, 0, 3 * SECOND);

	waited(&t, cause, 3 * SECOND, 1);
	t.flags |= THREAD_OPEN_WAIT;
	t.flags &= ~(THREAD_ENDED | THREAD_GROUP_DEAD);
	t.open_cause = cause;
	t.open_row = row;
	t.open_since = T0;
	put(&t);
}

/* So long at the end, and why it ended. */
static void stood_still(uint64_t ns, enum ended_by by)
{
	struct ev_wall w = wall(3 * SECOND);
	struct ev_end e = { .head = HEAD(EV_END, ev_end), .ended_by = by, .status = -1 };

	w.sums.row_ns[ROW_OTHER] = 0;
	w.sums.by_count[1] = 3 * SECOND - ns;
	w.sums.still_ns = ns;
	put(&w);
	put(&e);
	m = model_builder_finish(b);
	f = findings_new(m);
	check();
}

Test(hang, nothing_from_outside_can_wake_it, .init = setup, .fini = teardown)
{
	put_waiting(1, CAUSE_SYNC_JOIN, ROW_SYNC);
	put_waiting(2, CAUSE_SYNC_SEM, ROW_SYNC);
	put_waiting(3, CAUSE_SYNC_SEM, ROW_SYNC);
	stood_still(2 * SECOND, ENDED_SIGNAL);
	cr_assert_not_null(hang());
	cr_assert_str_eq(hang()->title, "the program stood still for 2.000 s");
	cr_assert(strstr(hang()->evidence[0].text, "2 wait for a semaphore"), "%s",
		  hang()->evidence[0].text);
	cr_assert(strstr(hang()->evidence[2].text, "nothing from outside"), "%s",
		  hang()->evidence[2].text);
}

Test(hang, not_if_it_is_short, .init = setup, .fini = teardown)
{
	put_waiting(1, CAUSE_SYNC_JOIN, ROW_SYNC);
	stood_still(SECOND / 2, ENDED_SIGNAL);
	cr_assert_null(hang());
}

Test(hang, not_if_something_may_come, .init = setup, .fini = teardown)
{
	put_waiting(1, CAUSE_SYNC_JOIN, ROW_SYNC);
	put_waiting(2, CAUSE_EVENT_EPOLL, ROW_EVENT);
	stood_still(2 * SECOND, ENDED_SIGNAL);
	cr_assert_null(hang());
}

Test(hang, unless_that_was_asked_for, .init = setup, .fini = teardown)
{
	put_waiting(1, CAUSE_SYNC_JOIN, ROW_SYNC);
	put_waiting(2, CAUSE_EVENT_EPOLL, ROW_EVENT);
	stood_still(2 * SECOND, ENDED_HANG);
	cr_assert_not_null(hang());
	cr_assert(strstr(hang()->title, "and was ended"), "%s", hang()->title);
	cr_assert(strstr(hang()->evidence[2].text, "1 of them can be woken"), "%s",
		  hang()->evidence[2].text);
}

static void put_awake(uint64_t id)
{
	struct ev_thread t = thread(id, id - 1, 1, 0, 3 * SECOND);

	t.flags &= ~(THREAD_ENDED | THREAD_GROUP_DEAD);
	put(&t);
}

/* Who looks now and then may do so just at that moment. */
Test(hang, ended_while_one_looked, .init = setup, .fini = teardown)
{
	put_awake(1);
	stood_still(2 * SECOND, ENDED_HANG);
	cr_assert_not_null(hang());
	cr_assert(strstr(hang()->evidence[0].text, "1 had just woken up"), "%s",
		  hang()->evidence[0].text);
	cr_assert(strstr(hang()->evidence[1].text, "1 of them can be woken"), "%s",
		  hang()->evidence[1].text);
}

Test(hang, not_while_one_is_awake, .init = setup, .fini = teardown)
{
	put_waiting(1, CAUSE_SYNC_JOIN, ROW_SYNC);
	put_awake(2);
	stood_still(2 * SECOND, ENDED_SIGNAL);
	cr_assert_null(hang());
}

/* Members that were killed 10 s after it was closed, and that waited for so long at most; the last
 * look that saw it was 9 s before. */
static bool is_verdict_after(uint64_t longest_ns)
{
	struct ev_deadlock one = stuck(1, 2, 64, LOCK_HINT_WORD, 1),
			   other = stuck(2, 1, 128, LOCK_HINT_WORD, 1);

	for (uint64_t id = 1; id <= 2; id++) {
		struct ev_thread t = thread(id, id - 1, 1, 0, 10 * SECOND);

		waited(&t, CAUSE_LOCK_MUTEX, longest_ns, 1);
		t.flags |= THREAD_ENDED | THREAD_CUT_OFF;
		t.open_cause = CAUSE_LOCK_MUTEX;
		put(&t);
	}
	put(&one);
	put(&other);
	analyse(wall(10 * SECOND));
	return f->verdict.class == CLASS_DEADLOCKED;
}

Test(deadlock, stood_to_the_end_though_nobody_looked, .init = setup, .fini = teardown)
{
	cr_assert(is_verdict_after(9900 * MS));
}

Test(deadlock, was_ended_by_others, .init = setup, .fini = teardown)
{
	cr_assert_not(is_verdict_after(2 * SECOND));
}

Test(hang, not_beside_a_deadlock, .init = setup, .fini = teardown)
{
	struct ev_deadlock one = stuck(2, 3, 64, LOCK_HINT_WORD, 1),
			   other = stuck(3, 2, 128, LOCK_HINT_WORD, 1);

	put_waiting(1, CAUSE_SYNC_JOIN, ROW_SYNC);
	put_waiting(2, CAUSE_LOCK_MUTEX, ROW_LOCK);
	put_waiting(3, CAUSE_LOCK_MUTEX, ROW_LOCK);
	put(&one);
	put(&other);
	stood_still(2 * SECOND, ENDED_SIGNAL);
	cr_assert_null(hang());
	cr_assert_eq(f->verdict.class, CLASS_DEADLOCKED, "%s", class_name(f->verdict.class));
}

Test(standstill, with_what_only_looked)
{
	struct wall_sums s = { .still_ns = 5, .pending_ns = { [ROW_TIMER] = 7, [ROW_TICK] = 11 } };

	cr_assert_eq(wall_standstill(&s), 23);
}
