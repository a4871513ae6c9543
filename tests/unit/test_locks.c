// SPDX-License-Identifier: BSD-2-Clause
/* Locks: what kind each is, what waits at it are called, who is to blame, what it is named. */
#include "findings.h"

#include "analysis/internal.h"

static void put_holder(uint64_t word, uint64_t thread_id, enum holder_how how, uint64_t ns,
		       enum doing_kind doing)
{
	struct ev_lock_holder h = lock_holder(word, thread_id, how, ns);

	if (how != HOLDER_WAKER)
		h.doing_ns[doing] = ns;
	put(&h);
}

static void put_name(uint64_t word, const char *variable, const char *object)
{
	struct ev_word *w = word_name(word, variable, "", object);

	put(w);
	free(w);
}

/* Two threads of one process; each has waited for `cause`, in all 100 ms, ten times. */
static void two_threads(enum cause cause)
{
	struct ev_wall w = wall(SECOND);

	for (uint64_t id = 1; id <= 2; id++) {
		struct ev_thread t = thread(id, id - 1, 1, 0, SECOND);

		waited(&t, cause, 100 * MS, 10);
		put(&t);
	}
	put(&w);
}

static void put_stack(uint32_t id, const char *function, uint64_t word, uint64_t thread_id,
		      enum cause cause, uint64_t ns)
{
	struct ev_frame *in = frame(2 * id - 1, function, "", "/lib/libc.so.6");
	struct ev_frame *own = frame(2 * id, "work", "work.c", "/bin/prog");
	uint32_t frames[] = { 2 * id - 1, 2 * id };
	struct ev_stack *s = stack(id, frames, 2);
	struct ev_site site = wait_site(thread_id, id, cause, 10, ns);

	site.lock = (struct lock_key){ LOCK_SPACE, word };
	put(in);
	put(own);
	put(s);
	put(&site);
	free(in);
	free(own);
	free(s);
}

static const struct wait *wait_of(uint64_t thread_id, enum cause cause)
{
	for (size_t i = 0; i < m->n_threads; i++) {
		const struct thread *t = &m->threads[i];

		for (size_t k = 0; k < t->n_waits && t->id == thread_id; k++) {
			if (t->waits[k].cause == cause)
				return &t->waits[k];
		}
	}
	return NULL;
}

static void finish(void)
{
	analyse(wall(SECOND));
	check();
}

/* --- kinds ------------------------------------------------------------------------- */

static const struct {
	const char *function;
	enum lock_kind kind;
} ways[] = {
	{ "pthread_cond_wait", LOCK_KIND_COND },
	{ "__pthread_cond_timedwait", LOCK_KIND_COND },
	{ "___pthread_cond_clockwait", LOCK_KIND_COND },
	{ "pthread_barrier_wait@GLIBC_2.34", LOCK_KIND_BARRIER },
	{ "__new_sem_wait_slow64.constprop.0", LOCK_KIND_SEM },
	{ "sem_timedwait", LOCK_KIND_SEM },
	{ "__pthread_rwlock_wrlock", LOCK_KIND_RWLOCK },
	{ "pthread_mutex_lock", LOCK_KIND_MUTEX },
	{ "__pthread_clockjoin_ex", LOCK_KIND_JOIN },
	{ "__pthread_once_slow", LOCK_KIND_ONCE },
	{ "std::sys::sync::condvar::futex::Condvar::wait_optional_timeout", LOCK_KIND_COND },
	{ "runtime.notetsleep_internal", LOCK_KIND_COND },
	{ "take_gil", LOCK_KIND_GIL },
	{ "semaphore_of_mine", LOCK_KIND_UNKNOWN },
	{ "sem_waiting_room", LOCK_KIND_UNKNOWN },
	{ "", LOCK_KIND_UNKNOWN },
};

Test(kind, by_the_function_of_the_library, .init = setup)
{
	two_threads(CAUSE_SYNC_FUTEX);
	for (uint32_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		struct ev_lock l = lock_at(64 * (i + 1), LOCK_HINT_OTHER, MS);

		put(&l);
		put_stack(i + 1, ways[i].function, 64 * (i + 1), 1, CAUSE_SYNC_FUTEX, MS);
	}
	finish();
	cr_assert_eq(m->n_locks, sizeof(ways) / sizeof(*ways));
	for (size_t i = 0; i < m->n_locks; i++)
		cr_assert_eq(m->locks[i].kind, ways[m->locks[i].key.word / 64 - 1].kind, "%s: %s",
			     ways[m->locks[i].key.word / 64 - 1].function,
			     lock_kind_name(m->locks[i].kind));
	teardown();
}

/* On a busy machine its timed waits may look like those that such a lock is made of. */
Test(kind, a_semaphore_is_no_interpreters_lock, .init = setup)
{
	struct ev_lock sem = lock_at(64, LOCK_HINT_CONVOY, MS),
		       gil = lock_at(128, LOCK_HINT_CONVOY, MS);

	two_threads(CAUSE_SYNC_FUTEX);
	put(&sem);
	put(&gil);
	put_stack(1, "sem_timedwait", 64, 1, CAUSE_SYNC_FUTEX, MS);
	put_stack(2, "pthread_cond_timedwait", 128, 1, CAUSE_SYNC_FUTEX, MS);
	finish();
	for (size_t i = 0; i < m->n_locks; i++)
		cr_assert_eq(m->locks[i].kind,
			     m->locks[i].key.word == 64 ? LOCK_KIND_SEM : LOCK_KIND_GIL);
	teardown();
}

Test(kind, by_how_it_waits, .init = setup)
{
	static const struct {
		uint32_t hint;
		enum lock_kind kind;
	} hints[] = {
		{ LOCK_HINT_WORD, LOCK_KIND_MUTEX },	{ LOCK_HINT_JOIN, LOCK_KIND_JOIN },
		{ LOCK_HINT_PI, LOCK_KIND_PI },		{ LOCK_HINT_RWLOCK, LOCK_KIND_RWLOCK },
		{ LOCK_HINT_OTHER, LOCK_KIND_UNKNOWN }, { LOCK_HINT_CONVOY, LOCK_KIND_GIL },
		{ LOCK_HINT_FILE, LOCK_KIND_FILE },	{ LOCK_HINT_SYSV, LOCK_KIND_SYSV },
		{ LOCK_HINT_KERNEL, LOCK_KIND_KERNEL },
	};

	two_threads(CAUSE_SYNC_FUTEX);
	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++) {
		struct ev_lock l = lock_at(64 * (i + 1), hints[i].hint, MS);

		put(&l);
	}
	finish();
	for (size_t i = 0; i < m->n_locks; i++)
		cr_assert_eq(m->locks[i].kind, hints[m->locks[i].key.word / 64 - 1].kind);
	teardown();
}

/* --- causes ------------------------------------------------------------------------ */

Test(cause, of_the_ledger_follows_the_kind, .init = setup)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_OTHER, MS);
	struct ev_lock_waiter w = lock_waiter(64, 1, CAUSE_SYNC_FUTEX, 4, 30 * MS);

	two_threads(CAUSE_SYNC_FUTEX);
	put(&l);
	put(&w);
	put_stack(1, "pthread_cond_wait", 64, 1, CAUSE_SYNC_FUTEX, 30 * MS);
	finish();
	cr_assert_eq(wait_of(1, CAUSE_SYNC_COND)->ns, 30 * MS);
	cr_assert_eq(wait_of(1, CAUSE_SYNC_COND)->count, 4);
	cr_assert_eq(wait_of(1, CAUSE_SYNC_FUTEX)->ns, 70 * MS);
	cr_assert_eq(wait_of(1, CAUSE_SYNC_FUTEX)->count, 6);
	cr_assert_eq(wait_of(2, CAUSE_SYNC_FUTEX)->ns, 100 * MS, "another thread's stay");
	cr_assert_null(wait_of(2, CAUSE_SYNC_COND));
	cr_assert_eq(m->sites[0].cause, CAUSE_SYNC_COND);
	teardown();
}

Test(cause, nothing_is_left_behind, .init = setup)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_OTHER, MS);
	struct ev_lock_waiter w = lock_waiter(64, 1, CAUSE_SYNC_FUTEX, 10, 100 * MS - 3);

	two_threads(CAUSE_SYNC_FUTEX);
	put(&l);
	put(&w);
	put_stack(1, "sem_wait", 64, 1, CAUSE_SYNC_FUTEX, 30 * MS);
	finish();
	cr_assert_eq(wait_of(1, CAUSE_SYNC_SEM)->ns, 100 * MS, "stamps differ by nanoseconds");
	cr_assert_null(wait_of(1, CAUSE_SYNC_FUTEX));
	teardown();
}

/* The wall time was added up by what the probes said: a cause stays within its row. */
Test(cause, does_not_change_its_row, .init = setup)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_OTHER, MS);
	struct ev_lock_waiter w = lock_waiter(64, 1, CAUSE_SYNC_FUTEX, 10, 100 * MS);

	two_threads(CAUSE_SYNC_FUTEX);
	put(&l);
	put(&w);
	put_stack(1, "pthread_mutex_lock", 64, 1, CAUSE_SYNC_FUTEX, 30 * MS);
	finish();
	cr_assert_eq(m->locks[0].kind, LOCK_KIND_MUTEX);
	cr_assert_eq(wait_of(1, CAUSE_SYNC_FUTEX)->ns, 100 * MS);
	cr_assert_null(wait_of(1, CAUSE_LOCK_MUTEX));
	teardown();
}

/* --- one lock of two words ---------------------------------------------------------- */

Test(words, of_a_condition_are_one, .init = setup)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_OTHER, 10 * MS);
	struct ev_lock_waiter w = lock_waiter(64, 1, CAUSE_SYNC_FUTEX, 2, 10 * MS);

	two_threads(CAUSE_SYNC_FUTEX);
	put(&l);
	put(&w);
	put_stack(1, "pthread_cond_wait", 64, 1, CAUSE_SYNC_FUTEX, 10 * MS);
	put_stack(2, "pthread_cond_timedwait", 68, 1, CAUSE_SYNC_FUTEX, 10 * MS);
	l.key.word = w.key.word = 68;
	put(&l);
	put(&w);
	put_holder(64, 2, HOLDER_WAKER, 5 * MS, 0);
	put_holder(68, 2, HOLDER_WAKER, 6 * MS, 0);
	finish();
	cr_assert_eq(m->n_locks, 1);
	cr_assert_eq(m->locks[0].n_waiters, 1);
	cr_assert_eq(m->locks[0].ns, 20 * MS);
	cr_assert_eq(m->locks[0].waits, 4);
	cr_assert_eq(m->locks[0].any_ns, 20 * MS);
	cr_assert_eq(m->locks[0].n_holders, 1);
	cr_assert_eq(m->locks[0].blamed_ns, 11 * MS);
	cr_assert_eq(m->sites[1].lock, 0);
	teardown();
}

Test(words, of_other_kinds_are_not, .init = setup)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_WORD, 10 * MS),
		       k = lock_at(68, LOCK_HINT_WORD, MS);

	two_threads(CAUSE_LOCK_MUTEX);
	put(&l);
	put(&k);
	finish();
	cr_assert_eq(m->n_locks, 2);
	teardown();
}

/* --- the report's view --------------------------------------------------------------- */

static void contended(const char *variable)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_WORD, 150 * MS);

	two_threads(CAUSE_LOCK_MUTEX);
	put(&l);
	for (uint64_t id = 1; id <= 2; id++) {
		struct ev_lock_waiter w = lock_waiter(64, id, CAUSE_LOCK_MUTEX, 10, 100 * MS);

		put(&w);
	}
	put_stack(1, "__lll_lock_wait", 64, 1, CAUSE_LOCK_MUTEX, 100 * MS);
	put_holder(64, 2, HOLDER_WORD, 90 * MS, DOING_IO);
	put_holder(64, 1, HOLDER_WOKEN, 80 * MS, DOING_RUNNING);
	if (variable)
		put_name(64, variable, "/bin/prog");
	finish();
}

Test(row, has_the_name_of_its_variable, .init = setup)
{
	contended("account_lock");
	cr_assert_str_eq(f->locks[0].name, "account_lock");
	cr_assert_str_eq(f->locks[0].lock->object, "/bin/prog");
	teardown();
}

Test(row, has_the_name_of_who_waits_there, .init = setup)
{
	contended(NULL);
	cr_assert_str_eq(f->locks[0].name, "work");
	cr_assert_str_eq(f->locks[0].place->file, "work.c");
	teardown();
}

Test(row, waited_for_in_several_functions, .init = setup)
{
	struct ev_frame *other = frame(3, "drain", "work.c", "/bin/prog");
	struct ev_stack *s = stack(2, (const uint32_t[]){ 1, 3 }, 2);
	struct ev_site site = wait_site(1, 2, CAUSE_LOCK_MUTEX, 30, 150 * MS);
	struct ev_lock l = lock_at(64, LOCK_HINT_WORD, 150 * MS);

	two_threads(CAUSE_LOCK_MUTEX);
	put(&l);
	put_stack(1, "__lll_lock_wait", 64, 1, CAUSE_LOCK_MUTEX, 50 * MS);
	put(other);
	put(s);
	site.lock = (struct lock_key){ LOCK_SPACE, 64 };
	put(&site);
	free(other);
	free(s);
	finish();
	cr_assert_eq(f->locks[0].n_sites, 2);
	cr_assert_str_eq(f->locks[0].sites[0].frame->function, "drain");
	cr_assert_float_eq(f->locks[0].sites[0].ns, 75.0 * MS, 1);
	cr_assert_float_eq(f->locks[0].sites[1].waits, 2.5, 0.01);
	cr_assert_eq(f->locks[0].place, f->locks[0].sites[0].frame);
	teardown();
}

Test(row, holder_and_what_it_did, .init = setup)
{
	contended("account_lock");
	cr_assert_eq(f->locks[0].holder->id, 2);
	cr_assert_eq(f->locks[0].holder_ns, 90 * MS);
	cr_assert_eq(f->locks[0].holder_doing_ns[DOING_IO], 90 * MS);
	cr_assert_eq(f->locks[0].lock->doing_ns[DOING_RUNNING], 80 * MS);
	teardown();
}

/* Of so many waits in 100 ms; what to do against them. */
static void advises(uint64_t waits, enum holder_how how, enum doing_kind doing, const char *words)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_WORD, 100 * MS);
	struct ev_lock_waiter w = lock_waiter(64, 1, CAUSE_LOCK_MUTEX, waits, 100 * MS);

	two_threads(CAUSE_LOCK_MUTEX);
	put(&l);
	put(&w);
	put_holder(64, 2, how, 90 * MS, doing);
	finish();
	cr_assert(strstr(lock_advice(f), words), "%s", lock_advice(f));
	teardown();
}

Test(advice, sections_that_are_too_long, .init = setup)
{
	advises(100, HOLDER_WORD, DOING_RUNNING, "Do less under the lock");
}

Test(advice, too_many_short_ones, .init = setup)
{
	advises(2000, HOLDER_WORD, DOING_RUNNING, "too many of them");
}

Test(advice, a_convoy, .init = setup)
{
	advises(2000, HOLDER_WOKEN, DOING_QUEUED, "A convoy");
}

Test(advice, a_holder_that_is_preempted, .init = setup)
{
	advises(2000, HOLDER_WORD, DOING_QUEUED, "loses the CPU");
}

Test(advice, input_and_output_under_it, .init = setup)
{
	advises(2000, HOLDER_WORD, DOING_IO, "input and output");
}

/* Several CPUs' clocks: microseconds too much. */
Test(row, blames_no_more_than_was_waited, .init = setup)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_WORD, 110 * MS);
	struct ev_lock_waiter w = lock_waiter(64, 1, CAUSE_LOCK_MUTEX, 10, 100 * MS);

	two_threads(CAUSE_LOCK_MUTEX);
	put(&l);
	put(&w);
	put_holder(64, 2, HOLDER_WORD, 75 * MS, DOING_IO);
	put_holder(64, 1, HOLDER_WAKER, 50 * MS, DOING_IO);
	finish();
	cr_assert_eq(m->locks[0].blamed_ns, 100 * MS);
	cr_assert_eq(m->locks[0].holders[0].ns, 60 * MS);
	cr_assert_eq(m->locks[0].holders[0].doing_ns[DOING_IO], 60 * MS);
	cr_assert_eq(m->locks[0].holders[1].ns, 40 * MS);
	cr_assert_eq(m->locks[0].any_ns, 100 * MS);
	teardown();
}

/* Three places in which thread 2 has the lock: a line each of two functions, computing. */
static void held_in_places(enum doing_kind doing)
{
	static const char *const functions[] = { "scan", "sort", "scan", "save" };
	struct ev_lock l = lock_at(64, LOCK_HINT_WORD, 150 * MS);

	two_threads(CAUSE_IO_DISK);
	put(&l);
	put_holder(64, 2, HOLDER_WORD, 90 * MS, doing);
	for (uint32_t i = 0; i < 4; i++) {
		struct ev_frame *f = frame(i + 1, functions[i], "work.c", "/bin/prog");
		struct ev_stack *s = stack(i + 1, &(uint32_t){ i + 1 }, 1);
		struct ev_site site = i < 3 ? cpu_site(2, i + 1, i == 1 ? 3 : 2)
					    : wait_site(2, i + 1, CAUSE_IO_DISK, 10, 100 * MS);

		site.held = (struct lock_key){ LOCK_SPACE, 64 };
		put(f);
		put(s);
		put(&site);
		free(f);
		free(s);
	}
	finish();
}

Test(row, held_in_the_function_that_computed_most, .init = setup)
{
	held_in_places(DOING_RUNNING);
	cr_assert_str_eq(f->locks[0].held_in->function, "scan");
	teardown();
}

Test(row, held_in_what_the_holder_did_most, .init = setup)
{
	held_in_places(DOING_IO);
	cr_assert_str_eq(f->locks[0].held_in->function, "save");
	teardown();
}

Test(row, held_nowhere_that_is_known, .init = setup)
{
	contended(NULL);
	cr_assert_null(f->locks[0].held_in);
	teardown();
}

/* Threads of one name are one. */
Test(row, holders_of_one_name, .init = setup)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_WORD, 150 * MS);
	struct ev_thread t = thread(1, 0, 1, 0, SECOND);

	put(&t);
	put(&l);
	for (uint64_t id = 2; id <= 4; id++) {
		t = thread(id, 1, 1, 0, SECOND);
		strcpy(t.comm, id < 4 ? "worker" : "logger");
		put(&t);
		put_holder(64, id, HOLDER_WORD, (id < 4 ? 6 : 10) * MS, DOING_RUNNING);
	}
	finish();
	cr_assert_str_eq(f->locks[0].holder->comm, "worker");
	cr_assert_eq(f->locks[0].holder_threads, 2);
	cr_assert_eq(f->locks[0].holder_ns, 12 * MS);
	teardown();
}

Test(row, gil_by_its_object, .init = setup)
{
	struct ev_lock l = lock_at(64, LOCK_HINT_CONVOY, 150 * MS);

	two_threads(CAUSE_SYNC_FUTEX);
	put(&l);
	put_name(64, "_PyRuntime+432", "/usr/bin/python3.11");
	finish();
	cr_assert_str_eq(f->locks[0].name, "the GIL");
	cr_assert(lock_is_contended(f->locks[0].lock));
	teardown();
}

Test(row, locks_come_before_what_is_waited_for_as_it_should_be, .init = setup)
{
	struct ev_lock cond = lock_at(64, LOCK_HINT_REQUEUE, 900 * MS);
	struct ev_lock join = lock_at(128, LOCK_HINT_JOIN, 950 * MS);
	struct ev_lock mutex = lock_at(192, LOCK_HINT_WORD, 10 * MS);

	two_threads(CAUSE_LOCK_MUTEX);
	put(&cond);
	put(&join);
	put(&mutex);
	finish();
	cr_assert_eq(f->locks[0].lock->kind, LOCK_KIND_MUTEX);
	cr_assert_eq(f->locks[1].lock->kind, LOCK_KIND_COND);
	cr_assert_eq(f->locks[2].lock->kind, LOCK_KIND_JOIN);
	teardown();
}
