// SPDX-License-Identifier: BSD-2-Clause
/* Completions that a loop is told of: by a ring's descriptor, or an eventfd. */
#include "targets_async.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static int loop = -1, told = -1; /* the descriptors that it waits at; -1: it does not */
static struct iocb asked[2];

static void make_loop(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	loop = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	must(epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void make_told(int flags)
{
	told = (int)must(eventfd(0, EFD_CLOEXEC | flags), "eventfd");
}

static void wait_once(void)
{
	struct epoll_event event;
	uint64_t count;

	/* The kernel breaks it off for a request to go on in this thread. */
	if (loop != -1 && epoll_wait(loop, &event, 1, -1) == -1 && errno != EINTR)
		must(-1, "epoll_wait");
	if (told != -1 && read(told, &count, sizeof(count)) == -1 && errno != EAGAIN)
		must(-1, "read of an eventfd");
}

/* --- rings ------------------------------------------------------------------------------- */

static const char *make_by_epoll(void)
{
	const char *reason = make_two();

	if (!reason)
		make_loop(ring.fd);
	return reason;
}

/* Whoever watches comes to know what the eventfd is for by a first completion: for a thread apart. */
static void first_wait(struct record *unused, int party)
{
	struct pollfd only = { .fd = told, .events = POLLIN };
	char byte;

	(void)unused, (void)party;
	queue(&(struct io_uring_sqe){ .opcode = IORING_OP_READ,
				      .fd = objects[0].fd,
				      .addr = (uintptr_t)&byte,
				      .len = 1,
				      .user_data = 1 });
	enter(0);
	while (poll(&only, 1, -1) == -1)
		must(errno == EINTR ? 0 : -1, "poll");
	must(read(told, &(uint64_t){ 0 }, sizeof(uint64_t)), "read of an eventfd");
	must0(pop() == 1 ? 0 : EIO, "a completion");
}

static const char *make_registered(int flags)
{
	struct actor first = { .comm = "first", .body = first_wait };
	const char *reason = make_two();

	if (reason)
		return reason;
	make_told(flags);
	must(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_EVENTFD, &told, 1),
	     "io_uring_register");
	actor_start(&first);
	sleep_ns(2 * MS);
	write_it(&objects[0], 0);
	actor_end(&first);
	return NULL;
}

static const char *make_by_eventfd(void)
{
	return make_registered(0);
}

static const char *make_by_both(void)
{
	const char *reason = make_registered(EFD_NONBLOCK);

	if (!reason)
		make_loop(told);
	return reason;
}

static void ask_now(struct object *o, long i)
{
	ask(o, i);
	enter(0);
}

/* What was taken before it was due is not waited for. */
static void await_told(struct object *o, long i)
{
	uint64_t found;

	(void)i;
	for (;;) {
		while ((found = pop()))
			is_early[found - 1] = true;
		if (is_early[o - objects])
			return;
		wait_once();
	}
}

/* --- the kernel's aio ---------------------------------------------------------------------- */

static bool get_events(void)
{
	struct timespec now = { 0 };
	struct io_event events[2];
	long n = must(syscall(SYS_io_getevents, context, 0, 2, events, &now), "io_getevents");

	for (long k = 0; k < n; k++)
		is_early[events[k].data] = true;
	return n;
}

static void ask_told(struct object *o, long i)
{
	(void)o, (void)i;
	for (int k = 0; k < 2; k++) {
		if (is_pending[k])
			continue;
		asked[k] = (struct iocb){ .aio_data = (uint64_t)k,
					  .aio_lio_opcode = IOCB_CMD_POLL,
					  .aio_fildes = (uint32_t)objects[k].fd,
					  .aio_buf = POLLIN,
					  .aio_flags = IOCB_FLAG_RESFD,
					  .aio_resfd = (uint32_t)told };
		submit(&asked[k]);
		is_pending[k] = true;
	}
}

/* ... and here by what it is given for a first request. */
static const char *make_aio_told(int flags)
{
	const char *reason = make_aio_two();
	uint64_t count;

	if (reason)
		return reason;
	make_told(flags);
	write_it(&objects[0], 0);
	ask_told(&objects[0], 0);
	must(read(told, &count, sizeof(count)), "read of an eventfd");
	must0(get_events() && is_early[0] ? 0 : EIO, "io_getevents");
	read_it(&objects[0], 0);
	is_early[0] = is_pending[0] = false;
	return NULL;
}

static const char *make_aio_by_eventfd(void)
{
	return make_aio_told(0);
}

static const char *make_aio_by_both(void)
{
	const char *reason = make_aio_told(EFD_NONBLOCK);

	if (!reason)
		make_loop(told);
	return reason;
}

static void await_aio_told(struct object *o, long i)
{
	(void)i;
	for (;;) {
		get_events();
		if (is_early[o - objects])
			return;
		wait_once();
	}
}

static void take_told(struct object *o, long i)
{
	is_early[o - objects] = is_pending[o - objects] = false;
	read_it(o, i);
}

#define PIPE(cause) "pipe", cause, BY_PATH, 1
#define BOTH	    .mixed = true, .replaced = true, .let = write_it
#define RING	    .before = ask_now, .wait = await_told, .after = take, .end = close_ring, BOTH
#define AIO	    .before = ask_told, .wait = await_aio_told, .after = take_told, BOTH
#define URING	    PIPE("io.uring")

const struct target told_targets[] = {
	{ "uring-by-epoll", URING, make_by_epoll, RING, .blocked = "event.epoll" },
	{ "uring-by-eventfd", URING, make_by_eventfd, RING, .blocked = "event.eventfd" },
	{ "uring-by-both", URING, make_by_both, RING, .blocked = "event.epoll" },
	{ "aio-by-eventfd", PIPE("io.aio"), make_aio_by_eventfd, AIO, .blocked = "event.eventfd" },
	{ "aio-by-both", PIPE("io.aio"), make_aio_by_both, AIO, .blocked = "event.epoll" },
	{ 0 },
};
