// SPDX-License-Identifier: BSD-2-Clause
/* Files that have to be waited for, and connections on this machine. */
#include "truth.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Large enough that waiting for the device takes much longer than asking it. */
#define DEVICE_READ  (1 << 20)
#define DEVICE_READS 16

int nameless_file(const char *workload, int flags)
{
	const char *name = truth_path("concprof-%s.%d", workload, getpid());
	int fd = (int)must(open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | flags, 0600), name);

	must(unlink(name), name);
	return fd;
}

static void device_read(const struct device *d, int64_t round)
{
	must(pread(d->fd, d->buffer, DEVICE_READ, round % DEVICE_READS * DEVICE_READ), "pread");
}

void device_read_for(const struct device *d, int64_t ns)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC) + ns;

	for (int64_t i = 0; clock_ns(CLOCK_MONOTONIC) < end; i++)
		device_read(d, i);
}

bool device_open(struct device *ret, const char *workload)
{
	struct account before;

	ret->fd = nameless_file(workload, 0);
	must0(posix_memalign(&ret->buffer, 4096, DEVICE_READ), "posix_memalign");
	memset(ret->buffer, 'x', DEVICE_READ);
	for (int i = 0; i < DEVICE_READS; i++)
		must(write(ret->fd, ret->buffer, DEVICE_READ), "write");
	must(fsync(ret->fd), "fsync");
	if (fcntl(ret->fd, F_SETFL, O_DIRECT) == -1)
		return false;
	before = account_now();
	for (int i = 0; i < DEVICE_READS; i++)
		device_read(ret, i);
	before = account_since(before);
	return account_blocked(before) > 3 * before.cpu;
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

int listen_at(int port)
{
	struct sockaddr_in at = loopback(port);
	int fd = (int)must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	must(bind(fd, (struct sockaddr *)&at, sizeof(at)), "bind");
	must(listen(fd, SOMAXCONN), "listen");
	return fd;
}

int port_of(int listener)
{
	struct sockaddr_in at;
	socklen_t size = sizeof(at);

	must(getsockname(listener, (struct sockaddr *)&at, &size), "getsockname");
	return ntohs(at.sin_port);
}

int connect_to(int port)
{
	struct sockaddr_in at = loopback(port);
	int fd = (int)must(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");

	must(connect(fd, (struct sockaddr *)&at, sizeof(at)), "connect");
	return fd;
}
