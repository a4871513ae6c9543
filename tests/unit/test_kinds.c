// SPDX-License-Identifier: BSD-2-Clause
/* The kinds of concurrency: for each what it is told by, and what looks like it and is none. */
#include "troubles.h"

#define WORK  64 /* a lock */
#define OTHER 128

/* In order, with blanks between them. */
static void names(const char *expected)
{
	char got[200] = "";

	for (size_t i = 0; i < f->n_kind_names; i++) {
		strcat(got, i ? " " : "");
		strcat(got, concurrency_name(f->kind_names[i]));
	}
	cr_assert_str_eq(got, expected);
}

static const struct kind_row *row_of(enum concurrency kind)
{
	for (size_t i = 0; i < f->n_kinds; i++) {
		if (f->kinds[i].kind == kind)
			return &f->kinds[i];
	}
	cr_assert_fail("no row");
	return NULL;
}

static void put_threads(__u64 from, __u64 to, __u64 process)
{
	for (__u64 id = from; id <= to; id++)
		put_thread(thread(id, 1, process, 0, SECOND));
}

TestSuite(kinds, .init = setup, .fini = teardown);

/* --- what is there ------------------------------------------------------------------------------ */

Test(kinds, single)
{
	put_threads(1, 1, 0);
	analyse(wall(SECOND));
	names("single");
}

Test(kinds, threads)
{
	put_thread(thread(1, 0, 0, 0, SECOND));
	put_threads(2, 4, 1);
	analyse(wall(SECOND));
	names("threads");
	cr_assert_eq(f->kinds[0].members, 4);
	cr_assert_eq(f->kinds[0].at_once, 4);
	cr_assert_eq(f->threads_at_once, 4);
}

/* Beside one that works, threads that do nothing are no threads to name, but present. */
Test(kinds, idle_thread)
{
	struct ev_thread t = thread(2, 1, 1, 0, SECOND);

	put_thread(thread(1, 0, 0, 0, SECOND));
	waited(&t, CAUSE_SYNC_COND, 999 * MS, 1);
	put(&t);
	analyse(wall(SECOND));
	names("threads");
	again();
	t = thread(2, 1, 1, 0, 20 * MS);
	put_thread(thread(1, 0, 0, 0, SECOND));
	put(&t);
	analyse(wall(SECOND));
	names("single");
}

Test(kinds, processes)
{
	put_thread(thread(1, 0, 0, 0, SECOND));
	put_threads(2, 3, 0);
	analyse(wall(SECOND));
	names("processes");
	cr_assert(f->kinds[0].of_processes);
	cr_assert_eq(f->kinds[0].members, 3);
}

/* Stages of a pipe, of which one has all the work. */
Test(kinds, stages)
{
	struct ev_thread t = thread(2, 1, 0, 0, SECOND);

	put_thread(thread(1, 0, 0, 0, SECOND));
	waited(&t, CAUSE_IO_PIPE, 990 * MS, 100);
	put(&t);
	analyse(wall(SECOND));
	names("processes");
}

/* A pipe that one writes to and another reads is no pool's, though both wait there. */
Test(kinds, ends_of_a_pipe)
{
	struct ev_io i = io(1, CAUSE_IO_PIPE, 100, 1200 * MS);
	const __u32 chain[] = { 1 };

	i.write_waits = 50;
	put_freed(target_event(1, TARGET_PIPE, ""));
	put(&i);
	put_freed(frame(1, "read", "", "/bin/a"));
	put_freed(stack(1, chain, 1));
	put_thread(thread(1, 0, 0, 0, SECOND));
	for (__u64 id = 2; id < 4; id++) {
		struct ev_thread t = thread(id, 1, 0, 0, SECOND);
		struct ev_site s = wait_site(id, 1, CAUSE_IO_PIPE, 50, 600 * MS);
		struct ev_wake w = wake(1, id, 5 - id, 50, 600 * MS);

		waited(&t, CAUSE_IO_PIPE, 600 * MS, 50);
		put(&t);
		s.target = 1;
		put(&s);
		w.writes = id == 2;
		put(&w);
	}
	analyse(wall(SECOND));
	names("processes");
}

/* Who starts a program and waits for its end does nothing. */
Test(kinds, launcher)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);

	waited(&t, CAUSE_CHILD_WAIT, 990 * MS, 1);
	put(&t);
	put_threads(2, 2, 0);
	analyse(wall(SECOND));
	names("single");
	again();
	put(&t);
	t = thread(2, 1, 0, 0, SECOND); /* ... which does no more than it */
	waited(&t, CAUSE_TIMER_SLEEP, 990 * MS, 1);
	put(&t);
	analyse(wall(SECOND));
	names("single");
}

Test(kinds, nothing_known)
{
	analyse(wall(SECOND));
	names("");
}

/* --- pools -------------------------------------------------------------------------------------- */

struct pool {
	size_t workers;
	__u64 process; /* 0: each is one */
	__u64 waits, idle;
	__u64 lock; /* the first; each one's own is 64 further */
	bool own;
	__u64 waker;
	__u32 away;
};

static const struct pool some = { 6, 1, 20, 700 * MS, WORK, false, 1, 2 };

static void put_wake(__u64 word, __u64 waiter, __u64 waker, __u64 waits)
{
	struct ev_wake w = wake(0, waiter, waker, waits, waits * 10 * MS);

	w.key = (struct lock_key){ LOCK_SPACE, word };
	put(&w);
}

/* What thread 1 hands out, or each other. */
static void put_pool(struct pool p)
{
	for (size_t i = 0; i < p.workers; i++) {
		struct ev_thread t = thread(2 + i, 1, p.process, 0, SECOND);
		__u64 word = p.lock + (p.own ? 64 * i : 0);
		struct ev_lock_waiter w = lock_waiter(word, t.id, CAUSE_SYNC_COND, p.waits, p.idle);
		struct ev_lock l = lock_at(word, LOCK_HINT_OTHER, p.idle);

		l.known = p.own ? 1 : p.workers;
		l.away_most = p.away;
		waited(&t, CAUSE_SYNC_COND, p.idle, p.waits);
		snprintf(t.comm, sizeof(t.comm), "worker-%zu", i);
		put(&t);
		if (!i || p.own)
			put(&l);
		put(&w);
		put_wake(word, t.id, p.waker ? p.waker : 2 + (i + 1) % p.workers, p.waits);
	}
}

static void analyse_pool(struct pool p)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);

	waited(&t, CAUSE_SYNC_SEM, 800 * MS, 40);
	put(&t);
	put_pool(p);
	analyse(wall(SECOND));
}

Test(kinds, pool)
{
	const struct kind_row *row;

	analyse_pool(some);
	names("pool");
	row = row_of(KIND_POOL);
	cr_assert_eq(row->members, 6);
	cr_assert_eq(row->waits, 120);
	cr_assert_eq(row->idle_ns, 6 * 700 * MS);
	cr_assert_eq(row->busy_most, 2);
	cr_assert_eq(row->how, KIND_BY_LOCK);
	cr_assert_neq(row->lock, NO_LOCK);
}

Test(kinds, pool_by_own_locks)
{
	struct pool p = some;

	p.own = true;
	analyse_pool(p);
	names("pool");
	cr_assert_eq(row_of(KIND_POOL)->how, KIND_BY_OWN_LOCKS);
	cr_assert_eq(row_of(KIND_POOL)->busy_most, 0);
}

/* They wait for the beginning once; they take turns; they wait for other things. */
Test(kinds, no_pool)
{
	struct pool once = some, turns = some, own_turns = some, little = some;

	for (once.waits = 1; once.waits < 3; once.waits++) {
		analyse_pool(once);
		names("threads");
		again();
	}
	turns.waker = 0;
	analyse_pool(turns);
	names("threads");
	again();
	own_turns.waker = 0;
	own_turns.own = true;
	analyse_pool(own_turns);
	names("threads");
	again();
	little.workers = 1;
	analyse_pool(little);
	names("threads");
}

/* --- pools that always have work --------------------------------------------------------------- */

#define RESULTS 4096

/* Six workers, which wait at WORK once each; who ends that, and how often each ends a wait of thread 1. */
struct full {
	__u64 waker; /* 0: the next worker, 7: always the last of them */
	__u64 results;
	const char *function; /* that it is in when it waits */
	__u64 other;	      /* another thread that waits there; 0: none */
};

static void put_full(struct full p)
{
	const char *const chain[] = { p.function ? p.function : "get", NULL };
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_lock l = lock_at(WORK, LOCK_HINT_OTHER, 6 * 10 * MS);
	struct ev_lock r = lock_at(RESULTS, LOCK_HINT_OTHER, 800 * MS);
	struct ev_lock_waiter w = lock_waiter(RESULTS, 1, CAUSE_SYNC_SEM, 40, 800 * MS);

	waited(&t, CAUSE_SYNC_SEM, 800 * MS, 40);
	put(&t);
	put(&l);
	put(&r);
	put(&w);
	put_stack(chain);
	for (__u64 id = 2; id < 8; id++) {
		__u64 next = id < 7 ? id + 1 : 2;
		struct ev_site s = wait_site(id, 1, CAUSE_SYNC_SEM, 1, 10 * MS);

		t = thread(id, 1, 1, 0, SECOND);
		waited(&t, CAUSE_SYNC_SEM, 10 * MS, 1);
		waited(&t, CAUSE_TIMER_SLEEP, 900 * MS, 90);
		put(&t);
		w = lock_waiter(WORK, id, CAUSE_SYNC_SEM, 1, 10 * MS);
		put(&w);
		s.lock = (struct lock_key){ LOCK_SPACE, WORK };
		put(&s);
		if (p.waker != id)
			put_wake(WORK, id, p.waker ? p.waker : next, 1);
		if (p.results)
			put_wake(RESULTS, 1, id, p.results);
	}
	if (p.other) {
		w = lock_waiter(WORK, p.other, CAUSE_SYNC_SEM, 1, 10 * MS);
		t = thread(p.other, 0, 0, 0, SECOND);
		put(&t);
		put(&w);
	}
	analyse(wall(SECOND));
}

Test(kinds, full_pool)
{
	const struct kind_row *row;

	put_full((struct full){ .results = 5 });
	names("pool");
	row = row_of(KIND_POOL);
	cr_assert_eq(row->members, 6);
	cr_assert_eq(row->how, KIND_BY_LOCK);
	cr_assert_eq(row->waits, 6);
	cr_assert_eq(row->idle_ns, 60 * MS);
	cr_assert_eq(row->results, 30);
	fires("pool.small");
}

/* A library's queue is one, whoever ends the waits. */
Test(kinds, full_pool_of_library)
{
	put_full((struct full){ .waker = 1, .function = "_queue_SimpleQueue_get_impl" });
	names("pool");
	cr_assert_str_eq(row_of(KIND_POOL)->by, "Python's queue.SimpleQueue");
}

/* They waited to begin, together, or have no results to hand over: they may be one. Where the last of
 * them lets all go on, it is a barrier; where another waits too, it is none of theirs. */
Test(kinds, no_full_pool)
{
	static const struct {
		struct full full;
		size_t maybe;
	} cases[] = {
		{ { .waker = 1, .results = 5 }, 6 },
		{ { .results = 0 }, 6 },
		{ { .results = 2 }, 6 },
		{ { .waker = 7, .results = 5 }, 0 },
		{ { .results = 5, .other = 9 }, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (i)
			again();
		put_full(cases[i].full);
		cr_assert_eq(row_of(KIND_THREADS)->maybe, cases[i].maybe, "case %zu", i);
		for (size_t k = 0; k < f->n_kinds; k++)
			cr_assert_neq(f->kinds[k].kind, KIND_POOL, "case %zu", i);
		is_silent("pool.small");
	}
}

/* Most of a worker's waiting is somewhere else. */
Test(kinds, waits_elsewhere)
{
	put_thread(thread(1, 0, 0, 0, SECOND));
	for (__u64 id = 2; id < 5; id++) {
		struct ev_thread t = thread(id, 1, 1, 0, SECOND);
		struct ev_lock_waiter w = lock_waiter(WORK, id, CAUSE_SYNC_COND, 20, 100 * MS);

		waited(&t, CAUSE_SYNC_COND, 100 * MS, 20);
		waited(&t, CAUSE_IO_PIPE, 600 * MS, 20);
		put(&t);
		put(&w);
	}
	analyse(wall(SECOND));
	names("threads");
}

/* A lock of CPython's runtime is no queue. */
Test(kinds, interpreter_lock)
{
	put_freed(word_name(WORK, "_PyRuntime+436", "", "python3"));
	analyse_pool(some);
	names("threads");
}

/* What each does once, another one does next: at no time were there more than two. */
Test(kinds, one_for_each_task)
{
	put_thread(thread(1, 0, 0, 0, SECOND));
	for (__u64 i = 0; i < 10; i++) {
		struct ev_thread t = thread(2 + i, 1, 1, i * 90 * MS, (i + 1) * 90 * MS);
		struct ev_lock_waiter w = lock_waiter(WORK, t.id, CAUSE_SYNC_COND, 5, 40 * MS);

		waited(&t, CAUSE_SYNC_COND, 40 * MS, 5);
		put(&t);
		put(&w);
	}
	analyse(wall(SECOND));
	names("threads");
}

/* How many were busy at once is known only of those who all were there, and waited there. */
Test(kinds, busy_is_not_known)
{
	struct pool p = some;
	struct ev_lock_waiter main_waits = lock_waiter(WORK, 1, CAUSE_SYNC_SEM, 9, 800 * MS);

	put(&main_waits);
	analyse_pool(p);
	names("pool");
	cr_assert_eq(row_of(KIND_POOL)->busy_most, 0);
}

static void put_listener(void)
{
	struct ev_target *t = target_event(1, TARGET_SOCKET, "");
	struct ev_io i = io(1, CAUSE_IO_SOCKET, 60, 3 * 700 * MS);
	const __u32 none[] = { 1 };
	struct ev_frame *frames = frame(1, "accept", "", "/bin/a");

	t->side = SIDE_LISTENING;
	t->family = 2;
	t->local.port = 80;
	put_freed(t);
	put(&i);
	put_freed(frames);
	put_freed(stack(1, none, 1));
}

Test(kinds, prefork)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	const struct kind_row *row;

	waited(&t, CAUSE_CHILD_WAIT, 990 * MS, 1);
	put(&t);
	put_listener();
	for (__u64 id = 2; id < 5; id++) {
		struct ev_site s = wait_site(id, 1, CAUSE_IO_SOCKET, 20, 700 * MS);

		t = thread(id, 1, 0, 0, SECOND);
		waited(&t, CAUSE_IO_SOCKET, 700 * MS, 20);
		t.ledger.row_ns[ROW_DEMAND] = t.ledger.row_ns[ROW_PEER];
		t.ledger.row_ns[ROW_PEER] = 0;
		put(&t);
		s.target = 1;
		put(&s);
	}
	analyse(wall(SECOND));
	names("pool");
	row = row_of(KIND_POOL);
	cr_assert(row->of_processes);
	cr_assert_eq(row->how, KIND_BY_TARGET);
	cr_assert_eq(row->members, 3);
	cr_assert_eq(row->waits, 60);
}

/* They always find work: who made them waits for what they have done. */
static void put_makers(__u64 reads, __u64 results)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);

	waited(&t, CAUSE_IO_PIPE, 950 * MS, 60);
	put(&t);
	for (__u64 id = 2; id < 4; id++) {
		struct ev_wake w = wake(0, 1, id, results, 400 * MS);

		w.key = (struct lock_key){ LOCK_SPACE, WORK };
		t = thread(id, 1, 0, 0, SECOND);
		counted(&t, reads, 100, 30, 100);
		put(&t);
		put(&w);
	}
	analyse(wall(SECOND));
}

Test(kinds, pool_by_results)
{
	put_makers(60, 30);
	names("pool");
	cr_assert_eq(row_of(KIND_POOL)->how, KIND_BY_RESULTS);
	cr_assert_eq(row_of(KIND_POOL)->results, 60);
	again();
	put_makers(9, 5); /* they work on what they had from the first on */
	names("processes");
	again();
	put_makers(20, 30);
	names("processes");
}

/* --- event loops, coroutines, runtimes ------------------------------------------------------------- */

static void put_loop_of(__u64 ns, __u32 watched, enum cause cause)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_loop l = loop(1, cause, 100, ns);

	l.watched = watched;
	waited(&t, cause, ns, 100);
	waited(&t, CAUSE_IO_DISK, 200 * MS, 10);
	put(&t);
	put(&l);
}

Test(kinds, event_loop)
{
	put_loop_of(700 * MS, 8, CAUSE_EVENT_EPOLL);
	analyse(wall(SECOND));
	names("event-loop");
	cr_assert_eq(row_of(KIND_LOOP)->waits, 100);
	again();
	put_loop_of(700 * MS, 8, CAUSE_EVENT_SELECT);
	analyse(wall(SECOND));
	names("event-loop");
}

/* Who made the loop's thread, and has waited for it since, is no other thread at work. */
Test(kinds, event_loop_of_another_thread)
{
	static const struct {
		__u64 waits; /* of the first thread; the loop begins after 300 ms */
		const char *names;
	} cases[] = { { 690 * MS, "event-loop" }, { 400 * MS, "threads event-loop" } };

	for (size_t i = 0; i < 2; i++) {
		struct ev_thread t = thread(1, 0, 0, 0, SECOND);
		struct ev_loop l = loop(2, CAUSE_EVENT_EPOLL, 100, 400 * MS);

		if (i)
			again();
		waited(&t, CAUSE_SYNC_SEM, cases[i].waits, 1);
		put(&t);
		t = thread(2, 1, 1, 300 * MS, SECOND);
		waited(&t, CAUSE_EVENT_EPOLL, 400 * MS, 100);
		put(&t);
		l.watched = 8;
		put(&l);
		analyse(wall(SECOND));
		names(cases[i].names);
	}
}

/* A session with one client and a signal; or what it mostly waits for is something else. */
Test(kinds, no_event_loop)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_loop l = loop(1, CAUSE_EVENT_EPOLL, 10, 50 * MS);

	put_loop_of(700 * MS, 3, CAUSE_EVENT_EPOLL);
	analyse(wall(SECOND));
	names("single");
	again();
	l.watched = 8;
	waited(&t, CAUSE_EVENT_EPOLL, 50 * MS, 10);
	waited(&t, CAUSE_IO_DISK, 700 * MS, 100);
	put(&t);
	put(&l);
	analyse(wall(SECOND));
	names("single");
}

static void put_libraries(__u32 flags)
{
	struct ev_use u = use(1, IO_CALL_OTHER, flags, CAUSE_UNKNOWN, 1);

	u.what = USE_LIBRARIES;
	put(&u);
}

static void put_python(bool waits)
{
	const __u32 chain[] = { 1, 2 };
	struct ev_site s = wait_site(1, 1, CAUSE_EVENT_EPOLL, 100, 700 * MS);

	put_freed(frame(1, "epoll_wait", "", "/lib/libc.so.6"));
	put_freed(frame(2, "", "", "/usr/bin/python3.11"));
	put_freed(stack(1, chain, 2));
	if (waits)
		put(&s);
}

Test(kinds, asyncio)
{
	put_loop_of(700 * MS, 1, CAUSE_EVENT_EPOLL);
	put_python(true);
	put_libraries(USE_ASYNCIO);
	analyse(wall(SECOND));
	names("event-loop coroutines");
	cr_assert_str_eq(row_of(KIND_COROUTINES)->by, "asyncio");
	again();
	put_threads(1, 1, 0); /* it is loaded, and not used */
	put_libraries(USE_ASYNCIO | USE_GREENLET);
	analyse(wall(SECOND));
	names("single");
}

Test(kinds, own_stacks)
{
	struct ev_use u = use(1, IO_CALL_OTHER, 0, CAUSE_UNKNOWN, 20);

	u.what = USE_STACKS;
	put_threads(1, 1, 0);
	put(&u);
	analyse(wall(SECOND));
	names("coroutines");
	cr_assert_eq(row_of(KIND_COROUTINES)->samples, 20);
	again();
	u.count = 1; /* a handler of a signal, say */
	put_threads(1, 1, 0);
	put(&u);
	analyse(wall(SECOND));
	names("single");
}

static void put_go(__u64 threads)
{
	const char *const chain[] = { "runtime.futexsleep", "runtime.schedule", NULL };
	struct ev_site s = wait_site(1, 1, CAUSE_SYNC_COND, 10, 100 * MS);

	put_thread(thread(1, 0, 0, 0, SECOND));
	for (__u64 id = 2; id <= threads; id++) {
		struct ev_thread t = thread(id, 1, 1, 0, SECOND);

		waited(&t, CAUSE_SYNC_COND, 500 * MS, 10);
		put(&t);
	}
	put_stack(chain);
	put(&s);
	analyse(wall(SECOND));
}

Test(kinds, go)
{
	put_go(4);
	names("mn-threads");
	cr_assert_eq(row_of(KIND_MN)->members, 4);
	cr_assert_eq(row_of(KIND_MN)->waits, 30);
	cr_assert_eq(row_of(KIND_MN)->how, KIND_BY_FUNCTION);
}

/* --- pools that do not fit ---------------------------------------------------------------------- */

Test(kinds, large_pool)
{
	const struct finding *it;
	struct pool p = some;

	p.workers = 16;
	p.away = 3;
	analyse_pool(p);
	it = fires("pool.large");
	cr_assert_str_eq(it->title, "16 workers, at most 3 busy at once: 4 would do");
	again();
	p.away = 9;
	analyse_pool(p);
	is_silent("pool.large");
}

static void put_busy_pool(__u64 idle, __u64 blocked, enum cause cause, __u64 awaited)
{
	struct ev_thread t = thread(1, 0, 0, 0, SECOND);
	struct ev_wall w = wall(SECOND);
	struct ev_lock l = lock_at(WORK, LOCK_HINT_OTHER, idle);

	waited(&t, CAUSE_SYNC_SEM, 900 * MS, 20);
	put(&t);
	put(&l);
	for (__u64 id = 2; id < 4; id++) {
		struct ev_lock_waiter wait = lock_waiter(WORK, id, CAUSE_SYNC_COND, 10, idle);

		t = thread(id, 1, 1, 0, SECOND);
		waited(&t, CAUSE_SYNC_COND, idle, 10);
		waited(&t, cause, blocked, 50);
		put(&t);
		put(&wait);
	}
	if (awaited)
		put_wake(OTHER, 1, 2, awaited / (10 * MS));
	stood(&w, &w.sums.row_ns[ROW_TIMER], 700 * MS);
	analyse(w);
}

Test(kinds, small_pool)
{
	const struct finding *it;

	put_busy_pool(20 * MS, 800 * MS, CAUSE_IO_SOCKET, 800 * MS);
	it = fires("pool.small");
	says(it, "they had work 98 % of their lives");
	says(it, "others waited 800 ms");
	again();
	put_busy_pool(300 * MS, 600 * MS, CAUSE_IO_SOCKET, 800 * MS);
	is_silent("pool.small"); /* they had nothing to do at times */
	again();
	put_busy_pool(20 * MS, 100 * MS, CAUSE_IO_SOCKET, 800 * MS);
	is_silent("pool.small"); /* they compute */
	again();
	put_busy_pool(20 * MS, 800 * MS, CAUSE_LOCK_MUTEX, 800 * MS);
	is_silent("pool.small"); /* more would wait for the same lock */
	again();
	put_busy_pool(20 * MS, 800 * MS, CAUSE_IO_SOCKET, 0);
	is_silent("pool.small"); /* nobody waits for them */
}

/* --- Amdahl --------------------------------------------------------------------------------------- */

static struct ev_wall parallel(__u64 serial, __u64 ns, unsigned int threads)
{
	struct ev_wall w = wall(serial + ns);

	w.sums.by_count[1] = serial;
	w.sums.by_count[threads] += ns;
	w.sums.busy_ns = serial + threads * ns;
	return w;
}

Test(kinds, amdahl)
{
	put_thread(thread(1, 0, 0, 0, SECOND));
	put_threads(2, 4, 1);
	analyse(parallel(500 * MS, 500 * MS, 3));
	cr_assert(f->amdahl.is_known);
	cr_assert_eq(f->amdahl.serial_ns, 500 * MS);
	cr_assert_eq(f->amdahl.parallel_ns, 1500 * MS);
	cr_assert_float_eq(amdahl_speedup(&f->amdahl, 1), 1, 1e-9);
	cr_assert_float_eq(amdahl_speedup(&f->amdahl, 3), 2, 1e-9);
	cr_assert_float_eq(amdahl_speedup(&f->amdahl, 0), 4, 1e-9);
}

/* None ran, as one waited for another: more CPUs do not shorten that, either. */
Test(kinds, amdahl_of_waits_inside)
{
	struct ev_wall w = parallel(400 * MS, 500 * MS, 2);

	w.sums.at += 100 * MS;
	w.sums.row_ns[ROW_LOCK] = 100 * MS;
	put_threads(1, 1, 0);
	put_threads(2, 2, 1);
	analyse(w);
	cr_assert_eq(f->amdahl.serial_ns, 500 * MS);
}

/* It is alone; it mostly waits; it has one CPU. */
Test(kinds, no_amdahl)
{
	struct ev_wall w = parallel(100 * MS, 200 * MS, 2);

	put_threads(1, 1, 0);
	analyse(wall(SECOND));
	cr_assert_not(f->amdahl.is_known);
	again();
	w.sums.at += 700 * MS;
	w.sums.row_ns[ROW_TIMER] = 700 * MS;
	put_threads(1, 1, 0);
	analyse(w);
	cr_assert_not(f->amdahl.is_known);
	again();
	on_cpus(1);
	put_threads(1, 1, 0);
	analyse(parallel(500 * MS, 500 * MS, 2));
	cr_assert_not(f->amdahl.is_known);
}
