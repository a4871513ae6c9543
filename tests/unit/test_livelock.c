// SPDX-License-Identifier: BSD-2-Clause
/* Threads that try locks, give up and try again: what of them is seen, and what is none of it. */
#include "findings.h"

#include "event/trylock.h"

/* Stacks, innermost first: each has the numbers of its frames. */
enum stacks {
	SLEEPING = 1, /* clock_nanosleep < pause_a_while < try_both, which tries */
	FAR,	      /* ... three functions of the program between */
	ELSEWHERE,    /* clock_nanosleep < idle, which does not */
	SPINNING,     /* pthread_mutex_unlock < try_both */
	WORKING,      /* work < try_both */
	IN_A_TRY,     /* pthread_mutex_trylock < unknown_to_try */
	INLINED,      /* nanosleep < std::x, which tries, in caller */
	IN_THE_KERNEL,
};

static void put_frame(uint32_t id, const char *function, const char *object, uint32_t flags)
{
	struct ev_frame *e = frame(id, function, "prog.c", object);

	e->flags = flags;
	e->line = id;
	put(e);
	free(e);
}

static void put_chain(uint32_t id, const uint32_t *frames, size_t n)
{
	struct ev_stack *e = stack(id, frames, n);

	put(e);
	free(e);
}

#define CHAIN(id, ...)                                                                             \
	put_chain(id, (const uint32_t[]){ __VA_ARGS__ },                                           \
		  sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

static void begin(void)
{
	static const struct {
		const char *function, *object;
		uint32_t flags;
	} frames[] = {
		{ "clock_nanosleep", "/lib/libc.so.6", 0 },
		{ "pause_a_while", "/bin/prog", 0 },
		{ "try_both", "/bin/prog", FRAME_TRIES_LOCK },
		{ "idle", "/bin/prog", 0 },
		{ "pthread_mutex_unlock", "/lib/libc.so.6", 0 },
		{ "work", "/bin/prog", 0 },
		{ "___pthread_mutex_trylock", "/lib/libc.so.6", 0 },
		{ "unknown_to_try", "/bin/prog", 0 },
		{ "std::x", "/bin/prog", FRAME_TRIES_LOCK | FRAME_INLINED },
		{ "caller", "/bin/prog", 0 },
		{ "do_sched_yield", "[kernel]", FRAME_KERNEL },
		{ "deeper", "/bin/prog", 0 },
		{ "deepest", "/bin/prog", 0 },
	};

	setup();
	for (uint32_t i = 0; i < sizeof(frames) / sizeof(*frames); i++)
		put_frame(i + 1, frames[i].function, frames[i].object, frames[i].flags);
	CHAIN(SLEEPING, 1, 2, 3);
	CHAIN(FAR, 1, 13, 12, 2, 3);
	CHAIN(ELSEWHERE, 1, 4);
	CHAIN(SPINNING, 5, 3);
	CHAIN(WORKING, 6, 3);
	CHAIN(IN_A_TRY, 7, 8);
	CHAIN(INLINED, 1, 9, 10);
	CHAIN(IN_THE_KERNEL, 11, 3);
}

/* A thread of the process of thread 1 that sleeps so long in that stack, of a second. */
static void sleeps(uint64_t id, enum stacks at, uint64_t count, uint64_t ns)
{
	struct ev_thread t = thread(id, 1, id == 1 ? 0 : 1, 0, SECOND);
	struct ev_site s = wait_site(id, at, CAUSE_TIMER_SLEEP, count, ns);

	waited(&t, CAUSE_TIMER_SLEEP, ns, count);
	put(&t);
	put(&s);
}

/* One that computes all the time: so many samples in each of two stacks. */
static void computes(uint64_t id, enum stacks at, uint64_t n, enum stacks also_at, uint64_t m)
{
	struct ev_thread t = thread(id, 1, id == 1 ? 0 : 1, 0, SECOND);
	struct ev_site s = cpu_site(id, at, n), also = cpu_site(id, also_at, m);

	put(&t);
	put(&s);
	if (m)
		put(&also);
}

static const struct finding *livelock(void)
{
	analyse(wall(SECOND));
	for (size_t i = 0; i < f->n_list; i++) {
		if (!strcmp(f->list[i].rule, "livelock"))
			return &f->list[i];
	}
	return NULL;
}

Test(livelock, two_that_sleep, .init = begin, .fini = teardown)
{
	const struct finding *it;

	sleeps(1, SLEEPING, 900, 950 * MS);
	sleeps(2, SLEEPING, 800, 960 * MS);
	it = livelock();
	cr_assert(it);
	cr_expect_eq(it->severity, SEVERITY_WARNING);
	cr_expect_str_eq(
		it->title,
		"2 threads do little but try locks, again and again: a livelock, or polling");
	cr_assert_eq(it->n_evidence, 3);
	cr_expect_eq(it->evidence[0].value, 900);
	cr_expect_str_eq(it->evidence[1].text,
			 "t2 (1002): 96 % of its time, with 800 sleeps of 1.20 ms each, is in "
			 "try_both (prog.c:3)");
	cr_expect_str_eq(it->evidence[2].text, "all of them waited for locks for 0 ns");
}

Test(livelock, two_that_spin, .init = begin, .fini = teardown)
{
	const struct finding *it;

	computes(1, SPINNING, 50, WORKING, 30);
	computes(2, IN_THE_KERNEL, 50, SPINNING, 49);
	it = livelock();
	cr_assert(it);
	cr_expect_eq(it->evidence[0].value, 80);
	cr_expect_str_eq(it->evidence[1].text,
			 "t2 (1002): 100 % of its time, computing by 99 samples, is in try_both "
			 "(prog.c:3)");
}

Test(livelock, by_the_function_that_tries, .init = begin, .fini = teardown)
{
	const struct finding *it;

	computes(1, IN_A_TRY, 50, ELSEWHERE, 5);
	computes(2, IN_A_TRY, 50, ELSEWHERE, 5);
	it = livelock();
	cr_assert(it && strstr(it->evidence[0].text, "unknown_to_try"));
}

Test(livelock, tried_in_what_is_inlined, .init = begin, .fini = teardown)
{
	const struct finding *it;

	sleeps(1, INLINED, 100, 900 * MS);
	sleeps(2, INLINED, 100, 900 * MS);
	it = livelock();
	cr_assert(it && strstr(it->evidence[0].text, " in caller (prog.c:10)"));
}

Test(livelock, many_threads, .init = begin, .fini = teardown)
{
	const struct finding *it;

	for (uint64_t id = 1; id <= 9; id++)
		sleeps(id, SLEEPING, 100, 900 * MS);
	it = livelock();
	cr_assert(it && it->n_evidence == 6);
	cr_expect_str_eq(it->evidence[4].text, "5 more do so");
}

/* --- what is none --------------------------------------------------------------------- */

Test(livelock, not_one_alone, .init = begin, .fini = teardown)
{
	sleeps(1, SLEEPING, 900, 950 * MS);
	sleeps(2, ELSEWHERE, 900, 950 * MS);
	cr_assert_null(livelock());
}

Test(livelock, not_in_two_processes, .init = begin, .fini = teardown)
{
	struct ev_thread t = thread(2, 1, 0, 0, SECOND);
	struct ev_site s = wait_site(2, SLEEPING, CAUSE_TIMER_SLEEP, 900, 950 * MS);

	sleeps(1, SLEEPING, 900, 950 * MS);
	waited(&t, CAUSE_TIMER_SLEEP, 950 * MS, 900);
	put(&t);
	put(&s);
	cr_assert_null(livelock());
}

Test(livelock, not_for_a_few_long_sleeps, .init = begin, .fini = teardown)
{
	sleeps(1, SLEEPING, 49, 950 * MS);
	sleeps(2, SLEEPING, 49, 950 * MS);
	cr_assert_null(livelock());
}

Test(livelock, not_for_a_part_of_the_time, .init = begin, .fini = teardown)
{
	sleeps(1, SLEEPING, 900, 790 * MS);
	sleeps(2, SLEEPING, 900, 790 * MS);
	cr_assert_null(livelock());
}

Test(livelock, not_where_functions_lie_between, .init = begin, .fini = teardown)
{
	sleeps(1, FAR, 900, 950 * MS);
	sleeps(2, FAR, 900, 950 * MS);
	cr_assert_null(livelock());
}

Test(livelock, not_who_gets_the_lock_and_works, .init = begin, .fini = teardown)
{
	computes(1, SPINNING, 40, WORKING, 60);
	computes(2, SPINNING, 40, WORKING, 60);
	cr_assert_null(livelock());
}

Test(livelock, not_by_few_samples, .init = begin, .fini = teardown)
{
	computes(1, SPINNING, 11, ELSEWHERE, 0);
	computes(2, SPINNING, 11, ELSEWHERE, 0);
	cr_assert_null(livelock());
}

/* Who waits for the lock as well is not only trying. */
Test(livelock, not_who_waits_for_locks, .init = begin, .fini = teardown)
{
	for (uint64_t id = 1; id <= 2; id++) {
		struct ev_thread t = thread(id, 1, id == 1 ? 0 : 1, 0, SECOND);
		struct ev_site s = wait_site(id, SLEEPING, CAUSE_TIMER_SLEEP, 900, 850 * MS);

		waited(&t, CAUSE_TIMER_SLEEP, 850 * MS, 900);
		waited(&t, CAUSE_LOCK_MUTEX, 110 * MS, 90);
		put(&t);
		put(&s);
	}
	cr_assert_null(livelock());
}

/* Their sites are known, and not whose they are. */
Test(livelock, not_of_threads_that_are_not_known_one_by_one, .init = begin, .fini = teardown)
{
	for (uint64_t id = 1; id <= 2; id++) {
		struct ev_thread t = thread(id, 1, id == 1 ? 0 : 1, 0, SECOND);

		waited(&t, CAUSE_TIMER_SLEEP, 950 * MS, 900);
		put(&t);
	}
	put(&(struct ev_site){ .head = HEAD(EV_SITE, ev_site),
			       .what = SITE_WAIT,
			       .stack = SLEEPING,
			       .cause = CAUSE_TIMER_SLEEP,
			       .row = row_of_cause(CAUSE_TIMER_SLEEP),
			       .samples = 1800,
			       .waits = 1800,
			       .ns = 1900 * MS });
	cr_assert_null(livelock());
}

/* --- names ---------------------------------------------------------------------------- */

Test(livelock, names_of_functions_that_try)
{
	static const struct {
		const char *name;
		bool tries;
	} all[] = {
		{ "pthread_mutex_trylock", true },
		{ "___pthread_mutex_trylock", true },
		{ "__GI___pthread_rwlock_trywrlock", true },
		{ "__pthread_rwlock_tryrdlock", true },
		{ "pthread_mutex_trylock@GLIBC_2.34", true },
		{ "__new_sem_trywait", true },
		{ "sem_trywait", true },
		{ "mtx_trylock", true },
		{ "pthread_spin_trylock", true },
		{ "pthread_mutex_lock", false },
		{ "pthread_mutex_timedlock", false },
		{ "pthread_mutex_trylock_all", false },
		{ "my_pthread_mutex_trylock", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		cr_expect_eq(is_trylock(all[i].name), all[i].tries, "%s", all[i].name);
}

/* As who looks into a queue now and then: it is said, and is no warning. */
Test(livelock, restful, .init = begin, .fini = teardown)
{
	const struct finding *it;

	sleeps(1, SLEEPING, 60, 950 * MS);
	sleeps(2, SLEEPING, 60, 960 * MS);
	it = livelock();
	cr_assert(it);
	cr_expect_eq(it->severity, SEVERITY_NOTE);
}
