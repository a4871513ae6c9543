// SPDX-License-Identifier: BSD-2-Clause
/* Sockets, on either side of a connection. */
#include "targets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TEXT_SIZE sizeof(objects[0].text[0])

static int listener;

/* As the report has addresses. */
static void say_inet(char *ret, int fd, int (*name)(int, struct sockaddr *, socklen_t *))
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} at;
	socklen_t size = sizeof(at);
	char host[INET6_ADDRSTRLEN];
	bool six;

	must(name(fd, &at.any, &size), "name of a socket");
	six = at.any.sa_family == AF_INET6;
	inet_ntop(at.any.sa_family, six ? (void *)&at.in6.sin6_addr : (void *)&at.in.sin_addr, host,
		  sizeof(host));
	snprintf(ret, TEXT_SIZE, six ? "[%s]:%d" : "%s:%d", host, ntohs(at.in.sin_port));
}

static void say_names(struct object *o)
{
	say_inet(o->text[BY_LOCAL], o->fd, getsockname);
	say_inet(o->text[BY_PEER], o->fd, getpeername);
}

/* Both ends of a connection to the listener, by one thread: it is there before it is accepted. */
static void connect_ends(int *client, int *served, const void *at, socklen_t size)
{
	const struct sockaddr *to = at;

	*client = (int)must(socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	must(connect(*client, to, size), "connect");
	*served = (int)must(accept(listener, NULL, NULL), "accept");
}

static void listen_on(const void *at, socklen_t size)
{
	const struct sockaddr *to = at;

	listener = (int)must(socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
	must(bind(listener, to, size), "bind");
	must(listen(listener, SOMAXCONN), "listen");
}

/* --- of this machine alone ---------------------------------------------------------------- */

static const char *make_pair(void)
{
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
	objects[0].fd = ends[0];
	objects[0].partner = ends[1];
	return NULL;
}

static void make_named(enum by by, int *client, int *served)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	own_name(at.sun_path, sizeof(at.sun_path), "socket");
	snprintf(objects[0].text[by], TEXT_SIZE, "%.*s", (int)TEXT_SIZE - 1, at.sun_path);
	listen_on(&at, sizeof(at));
	connect_ends(client, served, &at, sizeof(at));
}

static const char *make_unix_client(void)
{
	make_named(BY_PEER, &objects[0].fd, &objects[0].partner);
	return NULL;
}

static const char *make_unix_served(void)
{
	make_named(BY_LOCAL, &objects[0].partner, &objects[0].fd);
	return NULL;
}

static const char *make_abstract(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char *name = objects[0].text[BY_PEER];
	socklen_t size;

	snprintf(name, TEXT_SIZE, "@concprof-targets.%d", getpid());
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
	memcpy(at.sun_path + 1, name + 1, strlen(name) - 1);
	listen_on(&at, size);
	connect_ends(&objects[0].fd, &objects[0].partner, &at, size);
	return NULL;
}

/* --- of a network --------------------------------------------------------------------------- */

static void make_tcp(int *client, int *served)
{
	listener = listen_at(0);
	*client = connect_to(port_of(listener));
	*served = (int)must(accept(listener, NULL, NULL), "accept");
	say_names(&objects[0]);
}

static const char *make_tcp_client(void)
{
	make_tcp(&objects[0].fd, &objects[0].partner);
	return NULL;
}

static const char *make_tcp_served(void)
{
	make_tcp(&objects[0].partner, &objects[0].fd);
	return NULL;
}

static const char *make_tcp6(void)
{
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t size = sizeof(at);
	int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (probe == -1 || bind(probe, (struct sockaddr *)&at, size))
		return "there is no IPv6";
	must(close(probe), "close");
	listen_on(&at, size);
	must(getsockname(listener, (struct sockaddr *)&at, &size), "getsockname");
	connect_ends(&objects[0].fd, &objects[0].partner, &at, size);
	say_names(&objects[0]);
	return NULL;
}

static const char *make_udp(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct object *o = &objects[0];
	socklen_t size = sizeof(at);

	o->fd = (int)must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	o->partner = (int)must(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket");
	must(bind(o->fd, (struct sockaddr *)&at, size), "bind");
	must(getsockname(o->fd, (struct sockaddr *)&at, &size), "getsockname");
	must(connect(o->partner, (struct sockaddr *)&at, size), "connect");
	say_inet(o->text[BY_LOCAL], o->fd, getsockname);
	return NULL;
}

static void receive(struct object *o, long i)
{
	char byte;

	(void)i;
	must(recv(o->fd, &byte, 1, 0), "recv");
}

/* --- a connection for each operation -------------------------------------------------------- */

static const char *make_listener(void)
{
	listener = listen_at(0);
	say_inet(objects[0].text[BY_LOCAL], listener, getsockname);
	objects[0].fd = listener;
	return NULL;
}

static int accepted;

static void accept_one(struct object *o, long i)
{
	(void)i;
	accepted = (int)must(accept(o->fd, NULL, NULL), "accept");
}

static void close_accepted(struct object *o, long i)
{
	(void)o, (void)i;
	must(close(accepted), "close");
}

static void connect_once(struct object *o, long i)
{
	(void)o, (void)i;
	must(close(connect_to(port_of(listener))), "close");
}

static const char *make_many(void)
{
	listener = listen_at(0);
	say_inet(objects[0].text[BY_PEER], listener, getsockname);
	return NULL;
}

/* Connecting hardly ever waits; if it does, then for the same peer. */
static void ask(struct object *o, long i)
{
	o->fd = connect_to(port_of(listener));
	receive(o, i);
}

static void hang_up(struct object *o, long i)
{
	(void)i;
	must(close(o->fd), "close");
}

static void answer(struct object *o, long i)
{
	o->partner = (int)must(accept(listener, NULL, NULL), "accept");
	write_it(o, i);
	must(close(o->partner), "close");
}

#define SOCKET	"socket", "io.socket"
#define RECEIVE .wait = receive, .let = write_it

const struct target socket_targets[] = {
	{ "socketpair", SOCKET, BY_KIND, 1, make_pair, .wait = read_it, .let = write_it },
	{ "unix-client", SOCKET, BY_PEER, 1, make_unix_client, RECEIVE },
	{ "unix-served", SOCKET, BY_LOCAL, 1, make_unix_served, RECEIVE },
	{ "unix-abstract", SOCKET, BY_PEER, 1, make_abstract, RECEIVE },
	{ "tcp-client", SOCKET, BY_PEER, 1, make_tcp_client, RECEIVE },
	{ "tcp-served", SOCKET, BY_LOCAL, 1, make_tcp_served, RECEIVE },
	{ "tcp-many", SOCKET, BY_PEER, 1, make_many, .wait = ask, .after = hang_up, .let = answer,
	  .many = true },
	{ "accept", SOCKET, BY_LOCAL, 1, make_listener, .wait = accept_one, .after = close_accepted,
	  .let = connect_once },
	{ "udp", SOCKET, BY_LOCAL, 1, make_udp, RECEIVE },
	{ "tcp6", SOCKET, BY_PEER, 1, make_tcp6, RECEIVE },
	{ 0 },
};
