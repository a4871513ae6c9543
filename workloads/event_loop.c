// SPDX-License-Identifier: BSD-2-Clause
/*
 * event_loop: epoll over a timer, an eventfd and two socket pairs; what comes in is made by a
 * thread that computes.
 * event_loop timer: over a timer alone. event_loop idle: over a socket to which nobody connects,
 * with a time-out every 100 ms.
 */
#include "truth.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define LOOP   "event-loop"
#define FEEDER "feeder"
#define ITEMS  900
#define STEPS  1000	 /* to make an item */
#define BESIDE (10 * MS) /* period of the timer beside the feeder */
#define PERIOD (5 * MS)

enum kind { TIMER, EVENT, FIRST_PAIR, SECOND_PAIR, KINDS };

static int epoll_fd, fds[KINDS], feeds[KINDS];
static int64_t items[KINDS]; /* by what they came through */
static int64_t wakeups, timeouts;
static struct account from, fed;

static void watch(enum kind kind, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = kind };

	fds[kind] = fd;
	must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void watch_timer(int64_t period)
{
	struct itimerspec every = { .it_value.tv_nsec = period, .it_interval.tv_nsec = period };
	int fd = (int)must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");

	must(timerfd_settime(fd, 0, &every, NULL), "timerfd_settime");
	watch(TIMER, fd);
}

static void watch_feeds(void)
{
	int pair[2];

	feeds[EVENT] = (int)must(eventfd(0, EFD_CLOEXEC), "eventfd");
	watch(EVENT, feeds[EVENT]);
	for (enum kind kind = FIRST_PAIR; kind <= SECOND_PAIR; kind++) {
		must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
		feeds[kind] = pair[1];
		watch(kind, pair[0]);
	}
}

static void *feed(void *unused)
{
	struct account before = account_now();

	name_thread(FEEDER);
	for (int i = 0; i < ITEMS; i++) {
		enum kind kind = EVENT + (enum kind)(i % (KINDS - EVENT));

		burn(STEPS);
		if (kind == EVENT)
			must(eventfd_write(feeds[kind], 1), "eventfd_write");
		else
			must(send(feeds[kind], "x", 1, MSG_NOSIGNAL), "send");
	}
	fed = account_since(before);
	return unused;
}

/* A read of a timer or an eventfd gives their count, one of a socket as many bytes as came. */
static void take(enum kind kind)
{
	char bytes[64];
	uint64_t count;
	long got = must(read(fds[kind], bytes, sizeof(bytes)), "read");

	if (kind == TIMER || kind == EVENT)
		memcpy(&count, bytes, sizeof(count));
	else
		count = (uint64_t)got;
	items[kind] += (int64_t)count;
}

/* False if a signal came. */
static bool turn(int timeout)
{
	struct epoll_event events[KINDS];
	int n = epoll_wait(epoll_fd, events, KINDS, timeout);

	if (n == -1 && errno == EINTR)
		return false;
	must(n, "epoll_wait");
	wakeups++;
	timeouts += n == 0;
	for (int i = 0; i < n; i++)
		take((enum kind)events[i].data.u32);
	return true;
}

static void expect_loop(struct account span)
{
	truth_thread(LOOP, from, account_now());
	truth_waits(LOOP, "event.epoll", span,
		    (struct bounds){ span.voluntary - span.voluntary / 50 - 2, span.voluntary + 2 },
		    truth_path("ru_nvcsw: only epoll_wait blocks, which returned %ld times",
			       (long)wakeups));
}

static void run_fed(void)
{
	struct account before;
	pthread_t feeder;

	watch_timer(BESIDE);
	watch_feeds();
	before = account_now();
	feeder = start_thread(feed, NULL);
	while (items[EVENT] + items[FIRST_PAIR] + items[SECOND_PAIR] < ITEMS)
		turn(-1);
	before = account_since(before);
	join_thread(feeder);

	expect_loop(before);
	truth_thread(FEEDER, (struct account){ 0 }, fed);
	truth_verdict_of("cpu-bound", fed,
			 truth_path("the loop waits for what a thread computes; %ld items by "
				    "eventfd, %ld by sockets, %ld ticks beside them",
				    (long)items[EVENT],
				    (long)(items[FIRST_PAIR] + items[SECOND_PAIR]),
				    (long)items[TIMER]));
}

static void run_timer(void)
{
	int64_t blocked;
	struct account before;

	watch_timer(PERIOD);
	before = account_now();
	while (items[TIMER] * PERIOD < SEC)
		turn(-1);
	before = account_since(before);
	blocked = account_blocked(before);

	expect_loop(before);
	truth_expect((struct expectation){
		.path = "wall.timer_ns",
		.in = { blocked - blocked / 20 - 2 * MS, before.wall + 2 * MS },
		.why = truth_path("%ld ticks of a timer, and nothing else; 5 %%",
				  (long)items[TIMER]),
	});
	truth_verdict_of("sleep-bound", before, "nothing but its own timer ever wakes the loop");
}

static void on_alarm(int number)
{
	(void)number;
}

static void run_idle(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	/* In the middle of a wait; again, should it come between two of them. */
	struct itimerval in = { { .tv_usec = 7000 }, { .tv_sec = 1, .tv_usec = 50000 } };
	struct itimerval never = { 0 };
	struct account before;

	watch(FIRST_PAIR, listen_at(0));
	must(sigaction(SIGALRM, &action, NULL), "sigaction");
	before = account_now();
	must(setitimer(ITIMER_REAL, &in, NULL), "setitimer");
	while (turn(100))
		continue;
	must(setitimer(ITIMER_REAL, &never, NULL), "setitimer");
	before = account_since(before);

	expect_loop(before);
	truth_expect((struct expectation){
		.path = blocked_path(LOOP, "event.epoll", "count"),
		.in = { timeouts, timeouts + 1 },
		.why = "each time-out, and the wait that the alarm ended",
	});
	truth_verdict_of("idle", before, "it waits for somebody to connect; its ticks do nothing");
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	from = account_now();
	name_thread(LOOP);
	epoll_fd = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	truth_begin(truth_path("event_loop %s", mode));
	if (!strcmp(mode, "timer"))
		run_timer();
	else if (!strcmp(mode, "idle"))
		run_idle();
	else
		run_fed();
	return truth_end();
}
