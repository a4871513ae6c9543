// SPDX-License-Identifier: BSD-2-Clause
/* Polling that is slow, and logs that hold up who writes them; and what looks like them. */
#include "troubles.h"

/* --- timer.polling, slowly ----------------------------------------------------------------------- */

struct naps {
	uint32_t n;
	uint64_t each, work, longest;
	uint64_t writes;
	uint32_t waits; /* of another thread */
	const char *function;
};

static const struct naps looks = {
	.n = 400, .each = 20 * MS, .work = 40000, .longest = 22 * MS, .function = "await_flag"
};

static void nap(struct naps p)
{
	uint64_t life = p.n * (p.each + p.work);
	struct ev_thread t = thread(1, 0, 0, 0, life), u = thread(2, 1, 1, 0, life);
	struct ev_site s = wait_site(1, 1, CAUSE_TIMER_SLEEP, p.n, p.n * p.each);
	const char *const stack[] = { "c:clock_nanosleep", p.function, NULL };
	struct ev_wall w = wall(life);

	waited(&t, CAUSE_TIMER_SLEEP, p.n * p.each, p.n);
	t.ledger.cause[CAUSE_TIMER_SLEEP].max_ns = p.longest;
	counted(&t, 0, 0, p.writes, p.writes);
	waited(&u, CAUSE_SYNC_COND, life, p.waits ? p.waits : 1);
	put(&t);
	put(&u);
	put_stack(stack);
	put(&s);
	stood(&w, &w.sums.row_ns[ROW_TIMER], p.n * p.each);
	analyse(w);
}

Test(polling, slowly, .init = setup, .fini = teardown)
{
	const struct finding *it;

	nap(looks);
	it = fires("timer.polling");
	cr_assert_eq(it->severity, SEVERITY_NOTE);
	says(it, "wakes up from a sleep 49 times a second");
	says(it, "400 sleeps of 20.0 ms on average, and up to 40.0 µs of work after each");
	says(it, "10.0 ms later on average");
	says(it, "await_flag");
}

Test(polling, look_alikes, .init = setup, .fini = teardown)
{
	struct naps p = looks;

	p.n = 299;
	nap(p);
	is_silent("timer.polling"); /* few */
	again();
	p = looks;
	p.each = p.longest = SECOND;
	nap(p);
	is_silent("timer.polling"); /* once a second */
	again();
	p = looks;
	p.writes = 400;
	nap(p);
	is_silent("timer.polling"); /* it writes something each time */
	again();
	p = looks;
	p.waits = 400;
	nap(p);
	is_silent("timer.polling"); /* somebody is woken each time */
	again();
	p = looks;
	p.work = 3 * MS;
	nap(p);
	is_silent("timer.polling"); /* it computes each time */
	again();
	p = looks;
	p.longest = SECOND;
	nap(p);
	is_silent("timer.polling"); /* of any length: a back-off */
	again();
	p = looks;
	p.function = "runtime.sysmon";
	nap(p);
	is_silent("timer.polling"); /* its language does so */
	again();
	p.n = 40000;
	p.each = p.longest = 200000;
	nap(p);
	is_silent("timer.polling"); /* ... and as often as Go's does at first */
	again();
	p.function = "await_flag";
	nap(p);
	fires("timer.polling");
}

/* --- io.log --------------------------------------------------------------------------------------- */

struct lines {
	uint64_t bytes; /* of each */
	unsigned int writers;
	__u32 fd;
	const char *const *stack;
};

static const char *const write_stack[] = { "k:anon_pipe_write", "k:vfs_write", "c:write",
					   "log_line", NULL };
static const struct lines plain = { 100, 2, 1, write_stack };

/* Threads that wait for a second of two. */
static void put_writers(struct lines l)
{
	struct ev_io i = io(1, CAUSE_IO_PIPE, 100 * l.writers, SECOND * l.writers);

	put_freed(target_event(1, TARGET_PIPE, "/"));
	i.any_ns = SECOND;
	i.users[0].fd = l.fd;
	put(&i);
	put_stack(l.stack);
	for (unsigned int k = 1; k <= l.writers; k++) {
		struct ev_thread t = thread(k, k > 1, 1, 0, 2 * SECOND);
		struct ev_site s = wait_site(k, 1, CAUSE_IO_PIPE, 100, SECOND);

		waited(&t, CAUSE_IO_PIPE, SECOND, 100);
		counted(&t, 0, 0, 200, 200 * l.bytes);
		put(&t);
		put(&s);
	}
}

Test(log, of_two_threads, .init = setup, .fini = teardown)
{
	const struct finding *it;

	put_writers(plain);
	analyse(wall(2 * SECOND));
	it = fires("io.log");
	says(it, "2 threads wait again and again to write lines to standard output");
	says(it, "200 waits in writes took 2.000 s, 10.0 ms each");
	says(it, "log_line");
	cr_assert_eq(it->gain_at_most_ns, SECOND);
}

static void is_no_log(struct lines l)
{
	put_writers(l);
	analyse(wall(2 * SECOND));
	is_silent("io.log");
	again();
}

Test(log, look_alikes, .init = setup, .fini = teardown)
{
	static const char *const at_place[] = { "k:vfs_write", "k:ksys_pwrite64", "c:pwrite64",
						"flush", NULL };
	static const char *const reads[] = { "k:anon_pipe_read", "k:vfs_read", "c:read", "next",
					     NULL };
	struct lines l = plain;

	l.writers = 1; /* as any filter */
	is_no_log(l);
	l = plain;
	l.fd = 7; /* it may be a queue */
	is_no_log(l);
	l = plain;
	l.bytes = 65536;
	is_no_log(l);
	l = plain;
	l.stack = reads;
	is_no_log(l);
	l.stack = at_place;
	is_no_log(l);
	put_writers(plain);
	analyse(wall(2 * SECOND));
}

Test(log, of_a_call, .init = setup, .fini = teardown)
{
	static const char *const logs[] = { "k:unix_stream_sendmsg",
					    "c:send",
					    "c:__vsyslog_internal",
					    "c:__syslog",
					    "report",
					    NULL };
	struct lines l = plain;

	l.writers = 1;
	l.stack = logs;
	put_writers(l);
	analyse(wall(2 * SECOND));
	says(fires("io.log"), "it waits in syslog for its log");
}

/* One writes to standard output and has a lock, for which another one waits. */
static void lock_for_log(enum doing_kind doing)
{
	struct ev_thread t = thread(1, 0, 0, 0, 2 * SECOND), u = thread(2, 1, 1, 0, 2 * SECOND);
	struct ev_site s = wait_site(1, 1, CAUSE_IO_PIPE, 100, SECOND);
	struct ev_lock l = lock_at(64, LOCK_HINT_WORD, SECOND);
	struct ev_lock_waiter w = lock_waiter(64, 2, CAUSE_LOCK_MUTEX, 100, SECOND);
	struct ev_lock_holder h = lock_holder(64, 1, HOLDER_WORD, SECOND);
	struct ev_io i = io(1, CAUSE_IO_PIPE, 100, SECOND);

	waited(&t, CAUSE_IO_PIPE, SECOND, 100);
	waited(&u, CAUSE_LOCK_MUTEX, SECOND, 100);
	counted(&t, 0, 0, 200, 20000);
	put(&t);
	put(&u);
	put_freed(target_event(1, TARGET_PIPE, "/"));
	i.users[0].fd = 1;
	put(&i);
	put_stack(write_stack);
	l.waits = 100;
	h.doing_ns[doing] = SECOND;
	s.held = l.key;
	put(&l);
	put(&w);
	put(&h);
	put(&s);
	analyse(wall(2 * SECOND));
}

Test(log, behind_a_lock, .init = setup, .fini = teardown)
{
	const struct finding *it;

	lock_for_log(DOING_IO);
	it = fires("io.log");
	says(it, "threads wait for one that writes lines to standard output, and has a lock");
	says(it, "100 waits took 1.000 s at");
	again();
	lock_for_log(DOING_RUNNING);
	is_silent("io.log");
}
