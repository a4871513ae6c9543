// SPDX-License-Identifier: BSD-2-Clause
/* Event loops: what is known of their time away, and what is said of it. */
#include "findings.h"

#include "../bpf/lock.h"
#include "../bpf/loop.h"

static void begin(void)
{
	begin_waiting(CAUSE_EVENT_EPOLL);
}

static void put_target(__u32 index, const char *path)
{
	struct ev_target *t = target_event(index, TARGET_FILE, path);

	put(t);
	free(t);
}

/* One that was seen for all of the thread's life, half of it away. */
static struct ev_loop busy_loop(void)
{
	struct ev_loop l = loop(1, CAUSE_EVENT_EPOLL, 100, 4 * SECOND);

	l.watched = 20;
	l.away.times = 99;
	l.away.ns = 4 * SECOND;
	return l;
}

static const struct finding *finding_of(const char *rule)
{
	for (size_t i = 0; i < f->n_list; i++) {
		if (!strcmp(f->list[i].rule, rule))
			return &f->list[i];
	}
	return NULL;
}

static void block(struct ev_loop *l, enum cause cause, __u32 target, __u64 waits, __u64 ns,
		  __u64 max_ns)
{
	struct loop_block *to = l->away.blocks.items;

	while (to->waits)
		to++;
	*to = (struct loop_block){ cause, target, waits, ns, max_ns };
}

/* Each power of two in four, up to its upper edge. */
Test(bucket, quarters)
{
	static const struct {
		__u64 ns;
		__u32 bucket;
	} cases[] = {
		{ 0, 0 },
		{ 1023, 0 },
		{ 1024, 4 },
		{ 1279, 4 },
		{ 1280, 5 },
		{ 2047, 7 },
		{ 2048, 8 },
		{ 1 << 20, 44 },
		{ 5ull << 18, 45 },
		{ 7ull << 18, 47 },
		{ (1ull << 21) - 1, 47 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		cr_assert_eq(loop_bucket(lock_bucket(cases[i].ns), cases[i].ns), cases[i].bucket,
			     "%llu", (unsigned long long)cases[i].ns);
	cr_assert_lt(loop_bucket(lock_bucket(~0ull), ~0ull), LOOP_BUCKETS);
}

/* 99 of 100 lie below that, and none above the longest. */
Test(p99, is_an_upper_edge, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	l.away.longest.ns = SECOND;
	l.away.histogram[loop_bucket(lock_bucket(MS), MS)] = 99;
	l.away.histogram[loop_bucket(lock_bucket(SECOND), SECOND)] = 1;
	l.calls.calls = l.calls.turns = 1;
	l.calls.max_ns = 1100;
	l.calls.histogram[4] = 1;
	put(&l);
	end_waiting();
	cr_assert_eq(m->loops[0].away_p99_ns, 1048576); /* of 917,504 to 1,048,576 */
	cr_assert_eq(m->loops[0].turn_p99_ns, 1100);
}

Test(p99, counts_one_in_a_hundred, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	l.away.longest.ns = SECOND;
	l.away.histogram[loop_bucket(lock_bucket(MS), MS)] = 98;
	l.away.histogram[loop_bucket(lock_bucket(SECOND), SECOND)] = 2;
	put(&l);
	end_waiting();
	cr_assert_eq(m->loops[0].away_p99_ns, SECOND);
}

Test(rows, longest_seen_first, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop(), poll = loop(1, CAUSE_EVENT_POLL, 3, 9 * SECOND);

	l.away.longest.from = T0 + SECOND;
	l.away.longest.worst_ns = 5;
	l.away.longest.worst_cause = CAUSE_IO_DISK;
	l.away.longest.worst_target = 1;
	block(&l, CAUSE_LOCK_MUTEX, 0, 2, 3 * MS, MS);
	block(&l, CAUSE_IO_DISK, 1, 1, 4 * MS, 4 * MS);
	put_target(1, "/srv/a");
	put(&l);
	put(&poll);
	end_waiting();
	cr_assert_eq(m->n_loops, 2);
	cr_assert_eq(m->loops[0].cause, CAUSE_EVENT_POLL);
	cr_assert_eq(m->loops[1].thread, 0);
	cr_assert_eq(m->loops[1].away.longest.from, SECOND);
	cr_assert_eq(m->loops[1].n_blocked, 2);
	cr_assert_eq(m->loops[1].blocked[0].cause, CAUSE_IO_DISK);
	cr_assert_str_eq(m->loops[1].blocked[0].target, "/srv/a");
	cr_assert_str_eq(m->loops[1].worst.target, "/srv/a");
	cr_assert_null(m->loops[1].blocked[1].target);
}

/* Nobody of several is away: another one may see to it. */
Test(rows, of_several_threads, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	l.users[1] = 77;
	l.n_users = 2;
	block(&l, CAUSE_IO_DISK, 0, 9, SECOND, SECOND);
	put(&l);
	end_waiting();
	cr_assert_eq(m->loops[0].away.times, 0);
	cr_assert_eq(m->loops[0].n_blocked, 0);
	cr_assert_null(finding_of("loop.blocked"));
}

Test(blocked, is_said, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	put_target(1, "/srv/a");
	block(&l, CAUSE_IO_DISK, 1, 3, 40 * MS, 20 * MS);
	put(&l);
	end_waiting();
	cr_assert_not_null(finding_of("loop.blocked"));
	cr_assert_not_null(strstr(finding_of("loop.blocked")->title, "20.0 ms"), "%s",
			   finding_of("loop.blocked")->title);
	cr_assert_not_null(strstr(finding_of("loop.blocked")->evidence[0].text, "/srv/a"));
	check();
}

/* What it is not: short, done to it, or no loop at all. */
static void blocked_is_silent(struct ev_loop l)
{
	put(&l);
	end_waiting();
	cr_assert_null(finding_of("loop.blocked"));
}

/* One hiccup in a long run is none; one that a person notices is. */
Test(blocked, hiccup, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	block(&l, CAUSE_IO_DISK, 0, 1, 30 * MS, 30 * MS);
	blocked_is_silent(l);
}

Test(blocked, one_long, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	block(&l, CAUSE_SYNC_FUTEX, 0, 10000, 200 * MS, MS / 50);
	block(&l, CAUSE_IO_DISK, 0, 1, 150 * MS, 150 * MS);
	put(&l);
	end_waiting();
	cr_assert_not_null(finding_of("loop.blocked"));
	cr_assert_not_null(strstr(finding_of("loop.blocked")->title, "150 ms"));
}

/* A session with one client: nobody else waits for it. */
Test(blocked, session, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	l.watched = 3;
	block(&l, CAUSE_IO_DISK, 0, 100, SECOND, 90 * MS);
	blocked_is_silent(l);
}

Test(blocked, page_faults, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	block(&l, CAUSE_FAULT_MAJOR, 0, 100, SECOND, 90 * MS);
	blocked_is_silent(l);
}

Test(blocked, short_ones, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	block(&l, CAUSE_IO_DISK, 0, 100, 300 * MS, 9 * MS); /* of 8 s */
	blocked_is_silent(l);
}

Test(blocked, throttled, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	block(&l, CAUSE_KERNEL_THROTTLE, 0, 100, 3 * SECOND, 90 * MS);
	blocked_is_silent(l);
}

Test(blocked, one_descriptor, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	l.cause = CAUSE_EVENT_POLL;
	l.watched = 1;
	block(&l, CAUSE_IO_DISK, 0, 100, 3 * SECOND, 90 * MS);
	blocked_is_silent(l);
}

Test(blocked, part_of_a_life, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	l.ns = l.away.ns = SECOND;
	block(&l, CAUSE_IO_DISK, 0, 100, SECOND / 2, 90 * MS);
	blocked_is_silent(l);
}

static struct ev_loop computing(__u64 longest)
{
	struct ev_loop l = busy_loop();

	l.away.running_ns = l.away.ns;
	l.away.longest.ns = l.away.longest.running_ns = longest;
	return l;
}

Test(lag, is_said, .init = begin, .fini = teardown)
{
	struct ev_loop l = computing(300 * MS);

	l.calls.calls = 100;
	l.calls.at_once = 5;
	put(&l);
	end_waiting();
	cr_assert_not_null(finding_of("loop.lag"));
	cr_assert_not_null(strstr(finding_of("loop.lag")->title, "300 ms"));
	check();
}

/* Calls that return at once may lie between two that blocked: only a turn is certain. */
Test(lag, busy_server, .init = begin, .fini = teardown)
{
	struct ev_loop l = computing(300 * MS);

	l.calls.calls = 100;
	l.calls.at_once = 90;
	l.calls.max_ns = 2 * MS;
	put(&l);
	end_waiting();
	cr_assert_null(finding_of("loop.lag"));
}

Test(lag, long_turn, .init = begin, .fini = teardown)
{
	struct ev_loop l = computing(300 * MS);

	l.calls.calls = 100;
	l.calls.at_once = 90;
	l.calls.max_ns = 150 * MS;
	put(&l);
	end_waiting();
	cr_assert_not_null(finding_of("loop.lag"));
	cr_assert_not_null(strstr(finding_of("loop.lag")->title, "150 ms"));
}

Test(lag, calls_not_seen, .init = begin, .fini = teardown)
{
	struct ev_loop l = computing(300 * MS);

	put(&l);
	end_waiting();
	cr_assert_null(finding_of("loop.lag"));
}

/* Late, but not by its own doing. */
/* 99 of 100 took less than the longest, which has no end in the histogram. */
Test(p99, beyond_the_last, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	l.away.longest.ns = 17 * SECOND;
	l.away.histogram[loop_bucket(lock_bucket(17 * SECOND), 17 * SECOND)] = 9;
	l.calls.histogram[LOOP_BUCKETS - 1] = l.calls.histogram[0] = UINT64_MAX;
	put(&l);
	end_waiting();
	cr_assert_eq(m->loops[0].away_p99_ns, 17 * SECOND);
}

/* What goes on at the end may be for ever: it makes no loop. */
Test(rows, open_is_apart, .init = begin, .fini = teardown)
{
	struct ev_loop l = busy_loop();

	l.ns = l.away.ns = SECOND;
	l.away.open = (struct loop_stretch){ .from = T0 + 2 * SECOND,
					     .ns = 7 * SECOND,
					     .blocked_ns = 7 * SECOND };
	block(&l, CAUSE_SYNC_JOIN, 0, 100, SECOND, 200 * MS);
	put(&l);
	end_waiting();
	cr_assert_eq(m->loops[0].away.open.from, 2 * SECOND);
	cr_assert_null(finding_of("loop.blocked"));
}

Test(lag, queued, .init = begin, .fini = teardown)
{
	struct ev_loop l = computing(300 * MS);

	l.calls.calls = 100;
	l.away.longest.running_ns = 10 * MS;
	put(&l);
	end_waiting();
	cr_assert_null(finding_of("loop.lag"));
}

/* Of the thread's samples so many were in there. */
static void scans(enum cause cause, __u32 watched, __u64 samples, __u64 others)
{
	struct ev_frame *scan = frame(1, "do_sys_poll", "", "[kernel]"),
			*own = frame(2, "work", "a.c", "/bin/a");
	struct ev_stack *in = stack(1, (const __u32[]){ 1, 2 }, 2),
			*out = stack(2, (const __u32[]){ 2 }, 1);
	struct ev_site a = cpu_site(1, 1, samples), c = cpu_site(1, 2, others);
	struct ev_loop l = busy_loop();

	scan->flags = FRAME_KERNEL;
	put(scan);
	put(own);
	put(in);
	put(out);
	put(&a);
	put(&c);
	l.cause = cause;
	l.watched = watched;
	put(&l);
	end_waiting();
	free(scan);
	free(own);
	free(in);
	free(out);
}

Test(scan, is_said, .init = begin, .fini = teardown)
{
	scans(CAUSE_EVENT_POLL, 1000, 30, 70);
	cr_assert_not_null(finding_of("loop.scan"));
	cr_assert_not_null(strstr(finding_of("loop.scan")->title, "1000 descriptors"));
	cr_assert_not_null(strstr(finding_of("loop.scan")->evidence[0].text, "30 %"));
}

Test(scan, few_descriptors, .init = begin, .fini = teardown)
{
	scans(CAUSE_EVENT_POLL, 10, 30, 70);
	cr_assert_null(finding_of("loop.scan"));
}

Test(scan, is_not_much, .init = begin, .fini = teardown)
{
	scans(CAUSE_EVENT_POLL, 1000, 10, 90);
	cr_assert_null(finding_of("loop.scan"));
}

Test(scan, epoll_does_not, .init = begin, .fini = teardown)
{
	scans(CAUSE_EVENT_EPOLL, 1000, 30, 70);
	cr_assert_null(finding_of("loop.scan"));
}

/* --- what is ready for one of many ------------------------------------------------------------- */

static struct ev_io listened(__u64 looked, __u64 empty)
{
	struct ev_io i = io(1, CAUSE_EVENT_EPOLL, 1000, SECOND);

	put_target(1, "/run/x.sock");
	i.looked = looked;
	i.empty = empty;
	i.n_users = 2;
	i.users[1] = (struct target_user){ 1001, 3 };
	return i;
}

Test(herd, is_said, .init = begin, .fini = teardown)
{
	struct ev_io i = listened(1000, 400);
	const struct finding *it;

	put(&i);
	end_waiting();
	it = finding_of("loop.herd");
	cr_assert_not_null(it);
	cr_assert_str_eq(it->title, "2 processes wait at once for /run/x.sock, and 40 % of their "
				    "wake-ups find nothing");
	cr_assert_not_null(strstr(it->evidence[0].text, "400 of 1,000 waits"));
	check();
}

Test(herd, of_threads, .init = begin, .fini = teardown)
{
	struct ev_io i = listened(1000, 400);

	i.n_users = 1;
	put(&i);
	end_waiting();
	cr_assert_not_null(strstr(finding_of("loop.herd")->title, "several threads wait at once"));
}

Test(herd, of_many, .init = begin, .fini = teardown)
{
	struct ev_io i = listened(1000, 400);

	i.n_users = 9;
	put(&i);
	end_waiting();
	cr_assert_not_null(strstr(finding_of("loop.herd")->title, "at least 3 processes"));
}

/* Few, and few of many: another one was faster. */
Test(herd, few, .init = begin, .fini = teardown)
{
	struct ev_io i = listened(120, 99);

	put(&i);
	end_waiting();
	cr_assert_null(finding_of("loop.herd"));
}

Test(herd, few_of_many, .init = begin, .fini = teardown)
{
	struct ev_io i = listened(1000, 199);

	put(&i);
	end_waiting();
	cr_assert_null(finding_of("loop.herd"));
}

Test(fd_setsize, is_said, .init = begin, .fini = teardown)
{
	struct ev_loop l = loop(1, CAUSE_EVENT_SELECT, 1, SECOND);

	l.reach = 1025;
	put(&l);
	end_waiting();
	cr_assert_not_null(finding_of("loop.fd_setsize"));
	cr_assert_not_null(
		strstr(finding_of("loop.fd_setsize")->title, "look at 1,025 descriptors"), "%s",
		finding_of("loop.fd_setsize")->title);
	check();
}

Test(fd_setsize, fits, .init = begin, .fini = teardown)
{
	struct ev_loop l = loop(1, CAUSE_EVENT_SELECT, 1000, SECOND);

	l.reach = 1024;
	put(&l);
	end_waiting();
	cr_assert_null(finding_of("loop.fd_setsize"));
}
