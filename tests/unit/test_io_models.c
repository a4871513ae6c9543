// SPDX-License-Identifier: BSD-2-Clause
/* The models of input and output: for each what it is told by, and what looks like another. */
#include "troubles.h"

/* One thread of nine seconds, whose other time is computing. */
static struct ev_thread alone(void)
{
	return thread(1, 0, 1, 0, 9 * SECOND);
}

static void put_use(__u64 thread_id, enum io_call call, __u32 flags, enum cause cause, __u64 count)
{
	struct ev_use u = use(thread_id, call, flags, cause, count);

	put(&u);
}

static void put_signals(__u64 thread_id, __u64 count)
{
	struct ev_use u = use(thread_id, IO_CALL_OTHER, 0, CAUSE_UNKNOWN, count);

	u.what = USE_SIGNAL;
	put(&u);
}

/* In order, with blanks between them. */
static void names(const char *expected)
{
	char got[200] = "";

	for (size_t i = 0; i < f->n_named_io_models; i++) {
		strcat(got, i ? " " : "");
		strcat(got, io_model_name(f->io_model_order[i]));
	}
	cr_assert_str_eq(got, expected);
}

TestSuite(models, .init = setup, .fini = teardown);

Test(models, of_waits)
{
	static const struct {
		enum cause cause;
		const char *model;
	} cases[] = {
		{ CAUSE_IO_SOCKET, "blocking" },
		{ CAUSE_IO_DISK, "blocking" },
		{ CAUSE_EVENT_EVENTFD, "blocking" },
		{ CAUSE_EVENT_EPOLL, "multiplexed-epoll" },
		{ CAUSE_EVENT_POLL, "multiplexed-poll" },
		{ CAUSE_EVENT_SELECT, "multiplexed-select" },
		{ CAUSE_IO_AIO, "aio" },
		{ CAUSE_IO_URING, "io_uring" },
		{ CAUSE_SYNC_COND, "" },
		{ CAUSE_TIMER_SLEEP, "" },
		{ CAUSE_SIGNAL_WAIT, "" },
		{ CAUSE_FAULT_MAJOR, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ev_thread t = alone();

		if (i) {
			teardown();
			setup();
		}
		waited(&t, cases[i].cause, 8 * SECOND, 100);
		put(&t);
		analyse(wall(9 * SECOND));
		names(cases[i].model);
	}
}

/* By time or by number they are few. */
Test(models, start_is_no_model)
{
	struct ev_thread t = alone();

	waited(&t, CAUSE_EVENT_EPOLL, 8 * SECOND, 1000);
	waited(&t, CAUSE_IO_DISK, 30 * MS, 300);
	put(&t);
	put_use(1, IO_CALL_OTHER, 0, CAUSE_UNKNOWN, 90);
	put_use(1, IO_CALL_read, 0, CAUSE_IO_DISK, 4);
	analyse(wall(9 * SECOND));
	names("multiplexed-epoll");
	cr_assert_eq(f->io_models[IO_MODEL_BLOCKING].waits, 300);
	cr_assert_eq(f->n_io_models, 2);
}

Test(models, slow_start_is_no_model)
{
	struct ev_thread t = alone();

	waited(&t, CAUSE_EVENT_EPOLL, 7 * SECOND, 1000);
	waited(&t, CAUSE_IO_DISK, SECOND, 20);
	put(&t);
	analyse(wall(9 * SECOND));
	names("multiplexed-epoll");
}

Test(models, mixture)
{
	struct ev_thread t = alone();

	waited(&t, CAUSE_EVENT_EPOLL, 6 * SECOND, 1000);
	waited(&t, CAUSE_IO_DISK, SECOND, 200);
	put(&t);
	analyse(wall(9 * SECOND));
	names("multiplexed-epoll blocking");
	cr_assert_float_eq(f->io_models[IO_MODEL_BLOCKING].share, 1 / 7.0, 0.001);
}

/* All of it is nothing to the program. */
Test(models, trifle)
{
	struct ev_thread t = alone();

	waited(&t, CAUSE_IO_DISK, 80 * MS, 200);
	put(&t);
	analyse(wall(9 * SECOND));
	names("");
	cr_assert_eq(f->n_io_models, 1);
}

Test(models, polling)
{
	struct ev_thread t = alone();
	const struct finding *it;

	counted(&t, 1000000, 10, 0, 0);
	put(&t);
	put_use(1, IO_CALL_OTHER, 0, CAUSE_UNKNOWN, 300);
	put_use(1, IO_CALL_read, USE_NONBLOCK, CAUSE_IO_PIPE, 600);
	analyse(wall(9 * SECOND));
	names("non-blocking");
	cr_assert_eq(f->io_models[IO_MODEL_POLLING].running_ns, 6 * SECOND);
	it = fires("io.busy_polling");
	cr_assert_str_eq(it->title,
			 "asks again and again without blocking: read of descriptor 5, which does "
			 "not block");
	says(it, "600 of the thread's 900 samples");
	says(it, "it read 1.0 M times and got 10 bytes");
}

/* What it asks for is there: it works through it. */
Test(models, fruitful)
{
	struct ev_thread t = alone();

	counted(&t, 1000000, 4096000000, 0, 0);
	put(&t);
	put_use(1, IO_CALL_read, USE_NONBLOCK, CAUSE_IO_PIPE, 600);
	analyse(wall(9 * SECOND));
	is_silent("io.busy_polling");
}

Test(models, connecting)
{
	struct ev_thread t = alone();

	put(&t);
	put_use(1, IO_CALL_connect, USE_NONBLOCK, CAUSE_IO_SOCKET, 600);
	analyse(wall(9 * SECOND));
	names("");
}

/* It makes no difference to files. */
Test(models, file_that_need_not_block)
{
	struct ev_thread t = alone();

	put(&t);
	put_use(1, IO_CALL_read, USE_NONBLOCK, CAUSE_IO_DISK, 600);
	analyse(wall(9 * SECOND));
	names("blocking");
	is_silent("io.busy_polling");
}

Test(models, time_out_of_0)
{
	struct ev_thread t = alone();

	put(&t);
	put_use(1, IO_CALL_epoll_wait, USE_AT_ONCE, CAUSE_EVENT_EPOLL, 600);
	analyse(wall(9 * SECOND));
	names("non-blocking");
	fires("io.busy_polling");
}

/* A loop that has more to do looks in between without waiting. */
Test(models, time_out_of_0_in_between)
{
	struct ev_thread t = alone();

	waited(&t, CAUSE_EVENT_EPOLL, 2 * SECOND, 100);
	put(&t);
	put_use(1, IO_CALL_epoll_wait, USE_AT_ONCE, CAUSE_EVENT_EPOLL, 600);
	analyse(wall(9 * SECOND));
	names("multiplexed-epoll");
	is_silent("io.busy_polling");
}

/* It looked up a name at first, say, which takes a poll: that it asks without blocking is not hidden by it. */
Test(models, polled_once)
{
	struct ev_thread t = alone();

	waited(&t, CAUSE_EVENT_POLL, 20 * MS, 1);
	put(&t);
	put_use(1, IO_CALL_OTHER, 0, CAUSE_UNKNOWN, 300);
	put_use(1, IO_CALL_recvfrom, USE_NONBLOCK, CAUSE_IO_SOCKET, 600);
	analyse(wall(9 * SECOND));
	names("non-blocking");
	fires("io.busy_polling");
}

/* A sample stands for the same time of any thread, also where others were too short to have one. */
Test(models, of_short_threads)
{
	put_thread(thread(1, 0, 0, 0, SECOND));
	for (__u64 id = 2; id <= 101; id++) /* of 10 ms each */
		put_thread(thread(id, 1, 0, SECOND, SECOND + 10 * MS));
	put_use(1, IO_CALL_OTHER, 0, CAUSE_UNKNOWN, 50);
	put_use(1, IO_CALL_read, 0, CAUSE_IO_FILE, 50);
	put_use(7, IO_CALL_read, 0, CAUSE_IO_FILE, 100);
	analyse(wall(9 * SECOND));
	cr_assert_eq(f->io_models[IO_MODEL_BLOCKING].running_ns, 1500 * MS);
}

/* A server that never comes to wait is one all the same, with what it does on its sockets. */
Test(models, busy_server)
{
	struct ev_thread t = alone();

	put(&t);
	put_use(1, IO_CALL_epoll_wait, 0, CAUSE_EVENT_EPOLL, 100);
	put_use(1, IO_CALL_recvfrom, USE_NONBLOCK, CAUSE_IO_SOCKET, 400);
	put_use(1, IO_CALL_sendto, 0, CAUSE_IO_SOCKET, 400);
	analyse(wall(9 * SECOND));
	names("multiplexed-epoll");
	cr_assert(f->io_models[IO_MODEL_EPOLL].calls[IO_CALL_recvfrom]);
	is_silent("io.busy_polling");
}

Test(models, signals)
{
	struct ev_thread t = alone();

	waited(&t, CAUSE_SIGNAL_WAIT, 8 * SECOND, 100);
	put(&t);
	put_signals(1, 100);
	put_use(1, IO_CALL_recvfrom, USE_NONBLOCK | USE_ASYNC, CAUSE_IO_SOCKET, 30);
	analyse(wall(9 * SECOND));
	names("signal-driven");
	cr_assert_eq(f->io_models[IO_MODEL_SIGNAL].wait_ns, 8 * SECOND);
	cr_assert_eq(f->io_models[IO_MODEL_SIGNAL].signals, 100);
}

/* Of a hundred waits for signals ten were for descriptors. */
Test(models, signals_for_other_things)
{
	struct ev_thread t = alone();

	waited(&t, CAUSE_SIGNAL_WAIT, 8 * SECOND, 100);
	put(&t);
	put_signals(1, 10);
	analyse(wall(9 * SECOND));
	cr_assert_eq(f->io_models[IO_MODEL_SIGNAL].wait_ns, 800 * MS);
	cr_assert_eq(f->io_models[IO_MODEL_SIGNAL].waits, 10);
}

/* The worker of a ring waits for a disk, and the program does not. */
Test(models, worker_of_ring)
{
	struct ev_thread t = alone(), worker = thread(2, 1, 1, 0, 9 * SECOND);

	waited(&t, CAUSE_IO_URING, 8 * SECOND, 100);
	put(&t);
	worker.flags |= THREAD_KERNEL;
	waited(&worker, CAUSE_IO_DISK, 7 * SECOND, 100);
	put(&worker);
	analyse(wall(9 * SECOND));
	names("io_uring");
	cr_assert_eq(f->io_models[IO_MODEL_URING].wait_ns, 15 * SECOND);
}

Test(models, peers)
{
	for (__u64 i = 1; i <= 8; i++) {
		struct ev_thread t = thread(i, i > 1, 1, 0, 9 * SECOND);

		waited(&t, CAUSE_IO_SOCKET, 8 * SECOND, 100);
		put(&t);
	}
	analyse(wall(9 * SECOND));
	cr_assert_str_eq(fires("io.thread_per_peer")->title,
			 "8 threads, each blocked 89 % of its life for a socket");
}

/* One after the other they are never eight. */
Test(models, peers_in_turn)
{
	for (__u64 i = 1; i <= 8; i++) {
		struct ev_thread t = thread(i, i > 1, 1, (i - 1) * SECOND, i * SECOND);

		waited(&t, CAUSE_IO_SOCKET, SECOND, 100);
		put(&t);
	}
	analyse(wall(9 * SECOND));
	is_silent("io.thread_per_peer");
}

/* Workers that wait for who comes are a pool. */
Test(models, listeners)
{
	struct ev_target *target = target_event(1, TARGET_SOCKET, "");
	struct ev_io i = io(1, CAUSE_IO_SOCKET, 800, 64 * SECOND);

	target->side = SIDE_LISTENING;
	put_freed(target);
	put(&i);
	for (__u64 k = 1; k <= 8; k++) {
		struct ev_thread t = thread(k, k > 1, 1, 0, 9 * SECOND);

		waited(&t, CAUSE_IO_SOCKET, 8 * SECOND, 100);
		put(&t);
	}
	analyse(wall(9 * SECOND));
	is_silent("io.thread_per_peer");
}

/* glibc's threads have nothing of the program on their stacks. */
static void helper(const char *object)
{
	static const char *const functions[] = { "pread64", "", "start_thread" };
	struct ev_thread t = alone(), worker = thread(2, 1, 1, 0, 9 * SECOND);
	struct ev_site s = wait_site(2, 1, CAUSE_IO_DISK, 100, 8 * SECOND);
	__u32 ids[] = { 1, 2, 3 };

	put(&t);
	waited(&worker, CAUSE_IO_DISK, 8 * SECOND, 100);
	put(&worker);
	for (__u32 i = 0; i < 3; i++)
		put_freed(frame(i + 1, functions[i], "", i == 2 ? object : "/lib/libc.so.6"));
	put_freed(stack(1, ids, 3));
	put(&s);
	analyse(wall(9 * SECOND));
}

Test(models, aio_of_library)
{
	helper("/lib/libc.so.6");
	names("aio");
	cr_assert(f->io_models[IO_MODEL_AIO].calls[IO_CALL_pread64]);
}

Test(models, no_aio_of_library)
{
	helper("/usr/bin/reader");
	names("blocking");
}

/* What calls on a target took is its part of what its threads computed. */
Test(models, rows)
{
	struct ev_thread t = alone();
	struct ev_io i = io(1, CAUSE_IO_PIPE, 0, 0);
	struct ev_use u = use(1, IO_CALL_write, 0, CAUSE_IO_PIPE, 30);

	u.target = 1;
	put(&t);
	put_freed(target_event(1, TARGET_PIPE, "/"));
	put(&i);
	put(&u);
	put_use(1, IO_CALL_OTHER, 0, CAUSE_UNKNOWN, 60);
	analyse(wall(9 * SECOND));
	cr_assert_eq(m->n_ios, 1);
	cr_assert_eq(m->ios[0].samples, 30);
	cr_assert_eq(m->ios[0].running_ns, 3 * SECOND);
	cr_assert_eq(f->io_row_models[0], IO_MODEL_BLOCKING);
	cr_assert_eq(f->io_models[IO_MODEL_BLOCKING].targets, 1);
}

/* Of a thread that is not in the list only the samples are known. */
Test(models, of_nobody)
{
	struct ev_thread t = alone();

	put(&t);
	put_use(77, IO_CALL_read, USE_NONBLOCK, CAUSE_IO_PIPE, 600);
	put_signals(77, 600);
	analyse(wall(9 * SECOND));
	names("");
}
