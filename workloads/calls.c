// SPDX-License-Identifier: BSD-2-Clause
/* calls [MILLISECONDS]: futex and epoll calls, each counted by its result, for at least so long. */
#include "truth.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* As the report has them. */
struct counts {
	int64_t waits, wakes, other, again, timeouts, woken, wake_none;
	int64_t epoll_waits, events, empty;
};

static struct counts made;    /* by main() */
static struct counts *theirs; /* by its child, in shared memory like the words */
static uint32_t *words;
static int events_fd, ready_fd, epoll_fd;

static long futex(uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

static void wake(struct counts *c, uint32_t *word, int op)
{
	long rc =
		must(syscall(SYS_futex, word, op, 1, NULL, NULL, FUTEX_BITSET_MATCH_ANY), "futex");

	c->wakes++;
	c->woken += rc;
	c->wake_none += !rc;
}

static void wait_on(struct counts *c, uint32_t *word, uint32_t value,
		    const struct timespec *timeout)
{
	long rc = futex(word, FUTEX_WAIT, value, timeout);

	c->waits++;
	if (rc && errno == EAGAIN)
		c->again++;
	else if (rc && errno == ETIMEDOUT)
		c->timeouts++;
	else
		must(rc, "futex");
}

/* Passes the turn in a word of two processes, to and fro. */
static void take_turns(struct counts *c, uint32_t mine, int turns)
{
	for (int i = 0; i < turns; i++) {
		while (__atomic_load_n(words, __ATOMIC_SEQ_CST) != mine)
			wait_on(c, words, !mine, NULL);
		__atomic_store_n(words, !mine, __ATOMIC_SEQ_CST);
		wake(c, words, FUTEX_WAKE);
	}
}

static void play(int turns)
{
	pid_t child = (pid_t)must(fork(), "fork");
	int status;

	if (!child) {
		take_turns(theirs, 1, turns);
		_exit(0);
	}
	take_turns(&made, 0, turns);
	must(waitpid(child, &status, 0), "waitpid");
	must(status ? -1 : 0, "the child");
}

static void call_futex(void)
{
	const struct timespec soon = { .tv_nsec = 100 * US };

	for (int i = 0; i < 100; i++)
		wake(&made, &words[1], i % 2 ? FUTEX_WAKE : FUTEX_WAKE_BITSET);
	for (int i = 0; i < 50; i++)
		wait_on(&made, &words[1], 1, NULL); /* its value is 0 */
	for (int i = 0; i < 10; i++)
		wait_on(&made, &words[1], 0, &soon);
	for (int i = 0; i < 7; i++) {
		must(syscall(SYS_futex, &words[1], FUTEX_CMP_REQUEUE, 1, 1, &words[2], 0), "futex");
		made.other++;
	}
}

static void await(int timeout)
{
	struct epoll_event event;
	int n = (int)must(epoll_wait(epoll_fd, &event, 1, timeout), "epoll_wait");

	made.epoll_waits++;
	made.events += n;
	made.empty += !n;
}

static void call_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };

	for (int i = 0; i < 40; i++)
		await(0);
	await(1);
	must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ready_fd, &event), "epoll_ctl");
	for (int i = 0; i < 60; i++)
		await(-1); /* which does not wait: it is ready */
	must(epoll_ctl(epoll_fd, EPOLL_CTL_DEL, ready_fd, NULL), "epoll_ctl");
}

static void expect(const char *path, int64_t low, int64_t high, const char *why)
{
	truth_expect((struct expectation){
		.path = truth_path("calls.%s", path), .in = { low, high }, .why = why });
}

static void expect_number(const char *path, int64_t number)
{
	expect(path, number, number, "so many calls, counted by their results");
}

static void expect_all(void)
{
	int64_t waits = made.waits + theirs->waits, again = made.again + theirs->again;

	expect_number("futex.waits", waits);
	expect_number("futex.wakes", made.wakes + theirs->wakes);
	expect_number("futex.other", made.other);
	expect_number("futex.again", again);
	expect_number("futex.timeouts", made.timeouts);
	expect_number("futex.blocked", waits - again - made.timeouts);
	expect_number("futex.woken", made.woken + theirs->woken);
	expect_number("futex.wakes_without_waiter", made.wake_none + theirs->wake_none);
	expect_number("epoll.waits", made.epoll_waits);
	expect_number("epoll.events", made.events);
	expect_number("epoll.empty", made.empty);
	expect("epoll.ready", made.events - 1, made.events,
	       "no call that brought an event had to wait; of a thread's first that is not known");
}

int main(int argc, char **argv)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC);

	if (argc > 1)
		end += number_arg(argv[1], 0, 3600 * 1000) * MS;
	words = shared_memory(4096);
	theirs = shared_memory(sizeof(*theirs));
	events_fd = (int)must(eventfd(0, EFD_CLOEXEC), "eventfd");
	ready_fd = (int)must(eventfd(1, EFD_CLOEXEC), "eventfd");
	epoll_fd = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	must(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, events_fd,
		       &(struct epoll_event){ .events = EPOLLIN }),
	     "epoll_ctl");
	do {
		call_futex();
		call_epoll();
		play(100);
	} while (clock_ns(CLOCK_MONOTONIC) < end);
	truth_begin("calls");
	expect_all();
	return truth_end();
}
