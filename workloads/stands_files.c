// SPDX-License-Identifier: BSD-2-Clause
/* Waits at descriptors, whose other ends another process has. */
#include "stands.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define WATCHED 3
#define FIFO	"stands.fifo"

int listener;

static int from[2], to[2], talk[2]; /* 0: to read, 1: to write */
static int near_end, far_end, event, set, single_set;
static int whole, range; /* locked files */

static int empty_file(const char *name)
{
	return (int)must(open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600), name);
}

static int watch_pipe(int n)
{
	int fd = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1"), pair[2];

	for (int i = 0; i < n; i++) {
		struct epoll_event wanted = { .events = EPOLLIN };

		must(pipe2(pair, O_CLOEXEC), "pipe2");
		must(epoll_ctl(fd, EPOLL_CTL_ADD, pair[0], &wanted), "epoll_ctl");
	}
	return fd;
}

static void connect_both(void)
{
	int port = listen_at(0);

	far_end = connect_to(port_of(port));
	near_end = (int)must(accept(port, NULL, NULL), "accept");
	must(close(port), "close");
}

void files_make(void)
{
	must(pipe2(from, O_CLOEXEC), "pipe2");
	must(pipe2(to, O_CLOEXEC), "pipe2");
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk), "socketpair");
	connect_both();
	whole = empty_file("stands.whole");
	range = empty_file("stands.range");
	must(mkfifo(FIFO, 0600), "mkfifo");
}

static long lock_range(int command)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(range, command, &lock);
}

void files_be_partner(void)
{
	must(close(from[0]), "close");
	must(close(to[1]), "close");
	must(close(talk[0]), "close");
	must(close(near_end), "close");
	whole = empty_file("stands.whole"); /* a lock of the same open file would be shared */
	must(flock(whole, LOCK_EX), "flock");
	must(lock_range(F_SETLK), "fcntl");
}

void files_leave_to_partner(void)
{
	must(close(from[1]), "close");
	must(close(to[0]), "close");
	must(close(talk[1]), "close");
	must(close(far_end), "close");
	listener = listen_at(0);
	event = (int)must(eventfd(0, EFD_CLOEXEC), "eventfd");
	set = watch_pipe(WATCHED);
	single_set = watch_pipe(1);
}

static void read_pipe(void)
{
	char byte;

	over(read(from[0], &byte, 1), "read");
}

static void poll_pipe(void)
{
	struct pollfd polled = { .fd = from[0], .events = POLLIN };

	over(poll(&polled, 1, -1), "poll");
}

static void poll_two(void)
{
	struct pollfd polled[] = { { .fd = from[0], .events = POLLIN },
				   { .fd = talk[0], .events = POLLIN } };

	over(poll(polled, 2, -1), "poll");
}

static void select_pipe(void)
{
	fd_set wanted;

	FD_ZERO(&wanted);
	FD_SET(from[0], &wanted);
	over(select(from[0] + 1, &wanted, NULL, NULL, NULL), "select");
}

static void write_pipe(void)
{
	static char much[1 << 20];

	over(write(to[1], much, sizeof(much)), "write");
}

static void read_pair(void)
{
	char byte;

	over(read(talk[0], &byte, 1), "read");
}

static void read_connection(void)
{
	char byte;

	over(recv(near_end, &byte, 1, 0), "recv");
}

static void accept_client(void)
{
	over(accept(listener, NULL, NULL), "accept");
}

static void read_event(void)
{
	uint64_t count;

	over(read(event, &count, sizeof(count)), "read");
}

static void epoll_some(void)
{
	struct epoll_event got;

	over(epoll_wait(set, &got, 1, -1), "epoll_wait");
}

static void epoll_one(void)
{
	struct epoll_event got;

	over(epoll_wait(single_set, &got, 1, -1), "epoll_wait");
}

static void open_fifo(void)
{
	over(open(FIFO, O_RDONLY | O_CLOEXEC), "open");
}

static void lock_whole(void)
{
	over(flock(whole, LOCK_EX), "flock");
}

static void wait_for_range(void)
{
	over(lock_range(F_SETLKW), "fcntl");
}

struct wait file_waits[] = {
	{ "reader", AT(read_pipe), "io.pipe", .how = "writer", .fd = &from[0], .descriptors = 1 },
	{ "writer", AT(write_pipe), "io.pipe", .how = "reader", .fd = &to[1], .descriptors = 1 },
	{ "poller", AT(poll_pipe), "event.poll", .how = "writer", .fd = &from[0],
	  .descriptors = 1 },
	{ "poll-two", AT(poll_two), "event.poll", .descriptors = 2 },
	{ "select", AT(select_pipe), "event.select" },
	{ "pair", AT(read_pair), "io.socket", .how = "peer", .fd = &talk[0], .descriptors = 1 },
	{ "tcp", AT(read_connection), "io.socket", .how = "peer", .fd = &near_end,
	  .descriptors = 1 },
	{ "server", AT(accept_client), "io.socket", .fd = &listener, .descriptors = 1 },
	{ "eventfd", AT(read_event), "event.eventfd", .fd = &event, .descriptors = 1 },
	{ "epoll", AT(epoll_some), "event.epoll", .fd = &set, .descriptors = WATCHED },
	{ "epoll-one", AT(epoll_one), "event.epoll", .fd = &single_set, .descriptors = 1 },
	{ "fifo", AT(open_fifo), "io.pipe" },
	{ "flock", AT(lock_whole), "lock.file", .how = "holder", .fd = &whole, .descriptors = 1 },
	{ "fcntl", AT(wait_for_range), "lock.file", .how = "holder", .fd = &range,
	  .descriptors = 1 },
	{ 0 },
};
