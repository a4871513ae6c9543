// SPDX-License-Identifier: BSD-2-Clause
/* What moves through sockets of this machine alone. */
#include "channels.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ROOM	 (8 * 1024) /* of a local socket, in which the kernel's own needs have a share */
#define MESSAGE	 2048
#define TCP_ROOM (64 * 1024)
#define TCP_SEND (16 * 1024)

static const char zeros[TCP_SEND];

static void set_room(int fd, int option, int size)
{
	must(setsockopt(fd, SOL_SOCKET, option, &size, sizeof(size)), "setsockopt");
}

static void receive(int fd, size_t size)
{
	char buffer[TCP_SEND];

	must(recv(fd, buffer, size, MSG_WAITALL) == (ssize_t)size ? 0 : -1, "recv");
}

static void send_all(int fd, size_t size)
{
	must(send(fd, zeros, size, 0) == (ssize_t)size ? 0 : -1, "send");
}

static void receive_message(struct scene *s, long i)
{
	(void)i;
	receive(s->fd[READER], MESSAGE);
}

static void send_message(struct scene *s, long i)
{
	(void)i;
	send_all(s->fd[WRITER], MESSAGE);
}

static const char *make_pair(struct scene *s)
{
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s->fd), "socketpair");
	set_room(s->fd[WRITER], SO_SNDBUF, ROOM / 2);
	return NULL;
}

/* --- those of which the writer is a client ---------------------------------------------------- */

/* Connected, for which nobody waits: it is there before it is accepted. */
static void open_connection(struct scene *s, enum role role, void (*connect_it)(struct scene *s))
{
	if (role == WRITER) {
		connect_it(s);
		tell(&s->open[WRITER]);
		return;
	}
	await(&s->open[WRITER]);
	s->fd[READER] = (int)must(accept(s->id[READER], NULL, NULL), "accept");
}

static struct sockaddr_un address_of(const struct scene *s)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	memcpy(at.sun_path, s->path, sizeof(s->path));
	return at;
}

static const char *make_unix(struct scene *s)
{
	struct sockaddr_un at;

	snprintf(s->path, sizeof(s->path), "/tmp/concprof-socket.%d", getpid());
	at = address_of(s);
	s->id[READER] = (int)must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	must(bind(s->id[READER], (struct sockaddr *)&at, sizeof(at)), "bind");
	must(listen(s->id[READER], 1), "listen");
	return NULL;
}

static void connect_unix(struct scene *s)
{
	struct sockaddr_un at = address_of(s);

	s->fd[WRITER] = (int)must(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	set_room(s->fd[WRITER], SO_SNDBUF, ROOM / 2);
	must(connect(s->fd[WRITER], (struct sockaddr *)&at, sizeof(at)), "connect");
}

static void open_unix(struct scene *s, enum role role)
{
	open_connection(s, role, connect_unix);
}

static void remove_unix(struct scene *s)
{
	hope(unlink(s->path), s->path);
}

static const char *make_tcp(struct scene *s)
{
	s->id[READER] = listen_at(0);
	set_room(s->id[READER], SO_RCVBUF, TCP_ROOM);
	return NULL;
}

static void connect_tcp(struct scene *s)
{
	s->fd[WRITER] = connect_to(port_of(s->id[READER]));
	set_room(s->fd[WRITER], SO_SNDBUF, TCP_ROOM / 2);
}

static void open_tcp(struct scene *s, enum role role)
{
	open_connection(s, role, connect_tcp);
}

static void receive_much(struct scene *s, long i)
{
	(void)i;
	receive(s->fd[READER], TCP_SEND);
}

static void send_much(struct scene *s, long i)
{
	(void)i;
	send_all(s->fd[WRITER], TCP_SEND);
}

/* --- datagrams -------------------------------------------------------------------------------- */

static const char *make_udp(struct scene *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(at);

	for (int role = 0; role < ROLES; role++)
		s->fd[role] = (int)must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	must(bind(s->fd[READER], (struct sockaddr *)&at, size), "bind");
	must(getsockname(s->fd[READER], (struct sockaddr *)&at, &size), "getsockname");
	must(connect(s->fd[WRITER], (struct sockaddr *)&at, size), "connect");
	return NULL;
}

#define SOCKET	 "io.socket", IN_IO, .apart = true
#define MESSAGES .move = { receive_message, send_message }

const struct medium socket_media[] = {
	{ "socketpair", "socketpair", SOCKET, .threads = true, .by_call = true, .make = make_pair,
	  .open = keep_own, MESSAGES },
	{ "unix", "unix", SOCKET, .by_call = true, .make = make_unix, .open = open_unix, MESSAGES,
	  .remove = remove_unix },
	{ "tcp", "tcp", SOCKET, .by_call = true, .make = make_tcp, .open = open_tcp,
	  .move = { receive_much, send_much } },
	{ "udp", "udp", SOCKET, .endless = true, .by_call = true, .make = make_udp,
	  .open = keep_own, MESSAGES },
	{ 0 },
};
