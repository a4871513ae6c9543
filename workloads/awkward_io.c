// SPDX-License-Identifier: BSD-2-Clause
/* Waits for descriptors and events. */
#include "awkward.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

static char watched[] = "/tmp/concprof-XXXXXX";

/* Reads once from the descriptor while another thread does what ends the wait. */
static const char *read_until(int fd, void (*end)(void))
{
	char buffer[4096];
	pthread_t thread = kick(NULL, end);

	wait_begins();
	must(read(fd, buffer, sizeof(buffer)), "read");
	wait_ends();
	join_thread(thread);
	return NULL;
}

static const char *wait_pipe(void)
{
	open_kick_pipe();
	return read_until(kick_pipe[0], write_kick_pipe);
}

static const char *wait_socketpair(void)
{
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, kick_pipe), "socketpair");
	return read_until(kick_pipe[0], write_kick_pipe);
}

static void write_line(void)
{
	must(write(kick_pipe[1], "\n", 1), "write");
}

static const char *wait_tty(void)
{
	kick_pipe[1] = posix_openpt(O_RDWR | O_NOCTTY);
	if (kick_pipe[1] == -1)
		return "there are no pseudo-terminals";
	must(grantpt(kick_pipe[1]), "grantpt");
	must(unlockpt(kick_pipe[1]), "unlockpt");
	kick_pipe[0] = (int)must(open(ptsname(kick_pipe[1]), O_RDWR | O_NOCTTY), "ptsname");
	return read_until(kick_pipe[0], write_line);
}

static void write_eventfd(void)
{
	must(eventfd_write(kick_pipe[1], 1), "eventfd_write");
}

static const char *wait_eventfd(void)
{
	kick_pipe[1] = (int)must(eventfd(0, EFD_CLOEXEC), "eventfd");
	return read_until(kick_pipe[1], write_eventfd);
}

static const char *wait_timerfd(void)
{
	struct itimerspec in = { .it_value.tv_nsec = NAP };
	int fd = (int)must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
	uint64_t ticks;

	wait_begins();
	must(timerfd_settime(fd, 0, &in, NULL), "timerfd_settime");
	must(read(fd, &ticks, sizeof(ticks)), "read");
	wait_ends();
	return NULL;
}

static const char *wait_signalfd(void)
{
	sigset_t set;

	must(sigemptyset(&set), "sigemptyset");
	must(sigaddset(&set, SIGUSR1), "sigaddset");
	must0(pthread_sigmask(SIG_BLOCK, &set, NULL), "pthread_sigmask");
	return read_until((int)must(signalfd(-1, &set, SFD_CLOEXEC), "signalfd"), signal_main);
}

static void remove_watched(void)
{
	must(rmdir(watched), watched);
}

static const char *wait_inotify(void)
{
	int fd = (int)must(inotify_init1(IN_CLOEXEC), "inotify_init1");

	must(mkdtemp(watched) ? 0 : -1, watched);
	must(inotify_add_watch(fd, watched, IN_DELETE_SELF), "inotify_add_watch");
	return read_until(fd, remove_watched);
}

static const char *wait_select0(void)
{
	struct timeval t = { .tv_usec = NAP / US };

	wait_begins();
	must(select(0, NULL, NULL, NULL, &t), "select");
	wait_ends();
	return NULL;
}

static const char *wait_select(void)
{
	pthread_t thread;
	fd_set set;

	open_kick_pipe();
	FD_ZERO(&set);
	FD_SET(kick_pipe[0], &set);
	thread = kick(NULL, write_kick_pipe);
	wait_begins();
	must(select(kick_pipe[0] + 1, &set, NULL, NULL, NULL), "select");
	wait_ends();
	join_thread(thread);
	return NULL;
}

static const char *wait_poll(void)
{
	struct pollfd fd = { .events = POLLIN };
	pthread_t thread;

	open_kick_pipe();
	fd.fd = kick_pipe[0];
	thread = kick(NULL, write_kick_pipe);
	wait_begins();
	must(poll(&fd, 1, -1), "poll");
	wait_ends();
	join_thread(thread);
	return NULL;
}

static const char *wait_epoll(void)
{
	int fd = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	struct epoll_event event = { .events = EPOLLIN };
	pthread_t thread;

	open_kick_pipe();
	must(epoll_ctl(fd, EPOLL_CTL_ADD, kick_pipe[0], &event), "epoll_ctl");
	thread = kick(NULL, write_kick_pipe);
	wait_begins();
	must(epoll_wait(fd, &event, 1, -1), "epoll_wait");
	wait_ends();
	join_thread(thread);
	return NULL;
}

static void *map_ring(int fd, size_t size, off_t offset)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);

	must(p == MAP_FAILED ? -1 : 0, "mmap of io_uring");
	return p;
}

static void queue_read(int ring, const struct io_uring_params *p, int fd, void *buffer)
{
	size_t size = p->sq_off.array + p->sq_entries * sizeof(uint32_t);
	char *sq = map_ring(ring, size, IORING_OFF_SQ_RING);
	struct io_uring_sqe *sqe = map_ring(ring, sizeof(*sqe), IORING_OFF_SQES);
	uint32_t *array = (uint32_t *)(void *)(sq + p->sq_off.array);
	uint32_t *tail = (uint32_t *)(void *)(sq + p->sq_off.tail);

	*sqe = (struct io_uring_sqe){
		.opcode = IORING_OP_READ,
		.fd = fd,
		.addr = (uintptr_t)buffer,
		.len = 1,
	};
	array[0] = 0;
	__atomic_store_n(tail, 1, __ATOMIC_RELEASE);
}

static const char *wait_uring(void)
{
	static char byte;
	struct io_uring_params params = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &params);
	pthread_t thread;

	if (ring == -1)
		return "io_uring is not permitted";
	open_kick_pipe();
	queue_read(ring, &params, kick_pipe[0], &byte);
	thread = kick(NULL, write_kick_pipe);
	wait_begins();
	must(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0),
	     "io_uring_enter");
	wait_ends();
	join_thread(thread);
	return NULL;
}

static const char *wait_aio(void)
{
	struct iocb request = { .aio_lio_opcode = IOCB_CMD_POLL, .aio_buf = POLLIN };
	struct iocb *requests[] = { &request };
	aio_context_t context = 0;
	struct io_event event;
	pthread_t thread;

	if (syscall(SYS_io_setup, 1, &context) == -1)
		return "there is no aio";
	open_kick_pipe();
	request.aio_fildes = (uint32_t)kick_pipe[0];
	must(syscall(SYS_io_submit, context, 1, requests), "io_submit");
	thread = kick(NULL, write_kick_pipe);
	wait_begins();
	must(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), "io_getevents");
	wait_ends();
	join_thread(thread);
	return NULL;
}

const struct mode io_modes[] = {
	{ "pipe", "io.pipe", wait_pipe },
	{ "socketpair", "io.socket", wait_socketpair },
	{ "tty", "io.tty", wait_tty },
	{ "uring", "io.uring", wait_uring },
	{ "aio", "io.aio", wait_aio },
	{ "eventfd", "event.eventfd", wait_eventfd },
	{ "signalfd", "event.signalfd", wait_signalfd },
	{ "inotify", "event.inotify", wait_inotify },
	{ "select", "event.select", wait_select },
	{ "poll", "event.poll", wait_poll },
	{ "epoll", "event.epoll", wait_epoll },
	{ "timerfd", "timer.timerfd", wait_timerfd },
	{ "select0", "timer.sleep", wait_select0 },
	{ 0 },
};
