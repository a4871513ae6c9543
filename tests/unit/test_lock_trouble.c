// SPDX-License-Identifier: BSD-2-Clause
/* Locks: what is wrong with how they are used, and whom a lock's holder waited for in turn. */
#include "findings.h"

#include <sched.h>

static const struct finding *found(const char *rule)
{
	for (size_t i = 0; i < f->n_list; i++) {
		if (!strcmp(f->list[i].rule, rule))
			return &f->list[i];
	}
	return NULL;
}

/* One that was waited at for 300 ms by thread 2. */
static void put_lock(uint64_t word, uint32_t hints, enum cause cause)
{
	struct ev_lock l = lock_at(word, hints, 300 * MS);
	struct ev_lock_waiter w = lock_waiter(word, 2, cause, 10, 300 * MS);
	char name[24];
	struct ev_word *variable;

	snprintf(name, sizeof(name), "lock_%u", (unsigned int)word);
	variable = word_name(word, name, "", "/bin/prog");
	put(&l);
	put(&w);
	put(variable);
	free(variable);
}

static void put_holder(uint64_t word, uint64_t id, enum holder_how how, enum doing_kind doing,
		       uint64_t ns)
{
	struct ev_lock_holder h = lock_holder(word, id, how, 300 * MS);

	h.doing_ns[doing] = ns;
	put(&h);
}

/* "main", "waiter" and "holder"; what they do is for a second. */
static void put_threads(int waiter_nice, uint32_t waiter_policy, int holder_nice)
{
	static const char *const names[] = { "main", "waiter", "holder" };

	for (uint64_t id = 1; id <= 3; id++) {
		struct ev_thread t = thread(id, id - 1, 1, 0, SECOND);

		strcpy(t.comm, names[id - 1]);
		t.nice = id == 2 ? waiter_nice : id == 3 ? holder_nice : 0;
		t.policy = id == 2 ? waiter_policy : SCHED_OTHER;
		t.rt_priority = t.policy == SCHED_OTHER ? 0 : 1;
		put(&t);
	}
}

static void finish(void)
{
	analyse(wall(SECOND));
	check();
}

/* --- inversion --------------------------------------------------------------------------- */

static void inverted(int waiter_nice, uint32_t waiter_policy, int holder_nice, uint64_t queued_ns)
{
	put_threads(waiter_nice, waiter_policy, holder_nice);
	put_lock(64, LOCK_HINT_WORD, CAUSE_LOCK_MUTEX);
	put_holder(64, 3, HOLDER_WORD, DOING_QUEUED, queued_ns);
	finish();
}

Test(inversion, of_a_fixed_priority, .init = setup, .fini = teardown)
{
	inverted(0, SCHED_FIFO, -20, 200 * MS);
	cr_assert(found("lock.inversion"));
	cr_assert(strstr(found("lock.inversion")->title, "waiter waits for holder"));
	cr_assert(strstr(found("lock.inversion")->evidence[0].text, "lock_64"));
}

Test(inversion, is_said_once, .init = setup, .fini = teardown)
{
	size_t n = 0;

	put_lock(128, LOCK_HINT_WORD, CAUSE_LOCK_MUTEX);
	put_holder(128, 3, HOLDER_WORD, DOING_QUEUED, 200 * MS);
	inverted(0, SCHED_FIFO, 0, 200 * MS);
	for (size_t i = 0; i < f->n_list; i++)
		n += !strcmp(f->list[i].rule, "lock.inversion");
	cr_assert_eq(n, 1);
}

Test(inversion, by_nice, .init = setup, .fini = teardown)
{
	inverted(-5, SCHED_OTHER, 0, 200 * MS);
	cr_assert(found("lock.inversion"));
}

Test(inversion, not_of_equals, .init = setup, .fini = teardown)
{
	inverted(0, SCHED_OTHER, 4, 200 * MS);
	cr_assert_null(found("lock.inversion"));
}

Test(inversion, not_if_the_holder_has_a_cpu, .init = setup, .fini = teardown)
{
	inverted(0, SCHED_FIFO, 0, 74 * MS);
	cr_assert_null(found("lock.inversion"));
}

Test(inversion, not_of_the_holder_above, .init = setup, .fini = teardown)
{
	inverted(19, SCHED_OTHER, 0, 200 * MS);
	cr_assert_null(found("lock.inversion"));
}

/* --- starving writers --------------------------------------------------------------------- */

static void read_and_written(const char *call, enum holder_how how, uint64_t longest_ns)
{
	struct ev_frame *frames[] = { frame(1, call, "", "/lib/libc.so.6"),
				      frame(2, "work", "work.c", "/bin/prog") };
	struct ev_stack *s = stack(1, (const uint32_t[]){ 1, 2 }, 2);
	struct ev_site site = wait_site(2, 1, CAUSE_LOCK_RWLOCK, 10, 300 * MS);

	site.max_ns = longest_ns;
	site.lock = (struct lock_key){ LOCK_SPACE, 64 };
	put_threads(0, SCHED_OTHER, 0);
	put_lock(64, LOCK_HINT_RWLOCK, CAUSE_LOCK_RWLOCK);
	put_holder(64, 3, how, DOING_RUNNING, 300 * MS);
	put(frames[0]);
	put(frames[1]);
	put(s);
	put(&site);
	free(frames[0]);
	free(frames[1]);
	free(s);
	finish();
}

Test(starved, writers_by_readers, .init = setup, .fini = teardown)
{
	read_and_written("pthread_rwlock_wrlock@@GLIBC_2.34", HOLDER_WAKER, 200 * MS);
	cr_assert(found("lock.starved"));
	cr_assert(strstr(found("lock.starved")->title, "lock_64"));
}

Test(starved, not_readers, .init = setup, .fini = teardown)
{
	read_and_written("pthread_rwlock_rdlock", HOLDER_WAKER, 200 * MS);
	cr_assert_null(found("lock.starved"));
}

Test(starved, not_by_writers, .init = setup, .fini = teardown)
{
	read_and_written("pthread_rwlock_wrlock", HOLDER_WORD, 200 * MS);
	cr_assert_null(found("lock.starved"));
}

Test(starved, not_for_a_moment, .init = setup, .fini = teardown)
{
	read_and_written("pthread_rwlock_wrlock", HOLDER_WAKER, 49 * MS);
	cr_assert_null(found("lock.starved"));
}

/* --- orders ------------------------------------------------------------------------------- */

static void put_order(uint64_t held, uint64_t wanted, uint64_t count)
{
	struct ev_lock_order o = lock_order(held, wanted, count);

	put(&o);
}

static void two_locks(uint32_t hints_of_second)
{
	put_threads(0, SCHED_OTHER, 0);
	put_lock(64, LOCK_HINT_WORD, CAUSE_LOCK_MUTEX);
	put_lock(128, hints_of_second, CAUSE_LOCK_MUTEX);
}

Test(order, of_both, .init = setup, .fini = teardown)
{
	two_locks(LOCK_HINT_WORD);
	put_order(64, 128, 3);
	put_order(128, 64, 5);
	finish();
	cr_assert(found("lock.order"));
	cr_assert_eq(found("lock.order")->n_evidence, 2);
	cr_assert_eq(
		found("lock.order")->evidence[0].value + found("lock.order")->evidence[1].value, 8);
	cr_assert_eq(m->lock_orders[0].count, 5);
}

Test(order, of_one, .init = setup, .fini = teardown)
{
	two_locks(LOCK_HINT_WORD);
	put_order(64, 128, 3);
	put_order(64, 64, 3);
	finish();
	cr_assert_null(found("lock.order"));
}

/* An interpreter's lock is made of several words. */
Test(order, of_the_parts_of_one, .init = setup, .fini = teardown)
{
	put_threads(0, SCHED_OTHER, 0);
	put_lock(64, LOCK_HINT_CONVOY, CAUSE_LOCK_MUTEX);
	put_lock(128, LOCK_HINT_CONVOY, CAUSE_LOCK_MUTEX);
	put_order(64, 128, 3);
	put_order(128, 64, 5);
	finish();
	cr_assert_eq(m->locks[0].kind, LOCK_KIND_GIL);
	cr_assert_eq(m->locks[1].kind, LOCK_KIND_GIL);
	cr_assert_null(found("lock.order"));
}

/* To wait for a thread that waits for a lock is no order of locks. */
Test(order, with_what_is_no_lock, .init = setup, .fini = teardown)
{
	two_locks(LOCK_HINT_JOIN);
	put_order(64, 128, 3);
	put_order(128, 64, 5);
	finish();
	cr_assert_null(found("lock.order"));
}

/* --- chains, and who has it at the end ------------------------------------------------------ */

Test(chain, is_followed_to_its_end, .init = setup, .fini = teardown)
{
	struct ev_wall w = wall(SECOND);
	bool told = false;

	put_threads(0, SCHED_OTHER, 0);
	put_lock(64, LOCK_HINT_WORD, CAUSE_LOCK_MUTEX);
	put_lock(128, LOCK_HINT_WORD, CAUSE_LOCK_MUTEX);
	put_holder(64, 3, HOLDER_WORD, DOING_LOCK, 290 * MS);
	put_holder(128, 1, HOLDER_WORD, DOING_IO, 290 * MS);
	put_order(64, 128, 9);
	stood(&w, &w.sums.row_ns[ROW_LOCK], 600 * MS);
	analyse(w);
	cr_assert_eq(f->verdict.class, CLASS_LOCK_BOUND);
	for (size_t i = 0; i < f->list[0].n_evidence; i++)
		told |= !strcmp(
			f->list[0].evidence[i].text,
			"that other lock is lock_128 (mutex): mostly for main, which was in "
			"input or output for 100 % of it");
	cr_assert(told);
}

Test(owner, of_an_open_wait, .init = setup, .fini = teardown)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_WORD, 300 * MS);
	struct ev_lock_waiter w = lock_waiter(64, 2, CAUSE_LOCK_MUTEX, 1, 300 * MS);

	put_threads(0, SCHED_OTHER, 0);
	l.owner_id = 3;
	l.owner_how = HOLDER_WORD;
	w.is_open = true;
	put(&l);
	put(&w);
	finish();
	cr_assert_eq(m->threads[m->locks[0].owner].id, 3);
	cr_assert_eq(m->locks[0].owner_how, HOLDER_WORD);
}

Test(owner, of_one_where_nobody_waits, .init = setup, .fini = teardown)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_WORD, 300 * MS);
	struct ev_lock_waiter w = lock_waiter(64, 2, CAUSE_LOCK_MUTEX, 1, 300 * MS);

	put_threads(0, SCHED_OTHER, 0);
	l.owner_id = 3;
	put(&l);
	put(&w);
	finish();
	cr_assert_eq(m->locks[0].owner, NO_THREAD);
}
