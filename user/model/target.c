// SPDX-License-Identifier: BSD-2-Clause
#include "model/target.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

const char *target_path(const struct ev_target *t)
{
	bool is_root = t->text[0] == '/' && !t->text[1];
	bool is_path = is_root ? t->kind == TARGET_FILE
			       : *t->text == '/' || (*t->text && t->kind == TARGET_NAME);

	switch (t->kind) {
	case TARGET_FILE:
	case TARGET_PIPE:
	case TARGET_TTY:
	case TARGET_DEVICE:
	case TARGET_NAME:
		return is_path ? t->text : NULL;
	case TARGET_SOCKET:
		return t->family == AF_UNIX && is_path ? t->text : NULL;
	}
	return NULL;
}

static bool has_ports(const struct ev_target *t)
{
	return t->protocol == IPPROTO_TCP || t->protocol == IPPROTO_UDP;
}

static void inet_end(char *buf, size_t size, const struct ev_target *t,
		     const struct target_end *end)
{
	static const struct target_end any;
	char address[INET6_ADDRSTRLEN];

	if (!end->port || !has_ports(t))
		return;
	if (!memcmp(end->address, any.address, sizeof(any.address)))
		snprintf(buf, size, "*:%u", end->port);
	else if (inet_ntop(t->family, end->address, address, sizeof(address)))
		snprintf(buf, size, t->family == AF_INET6 ? "[%s]:%u" : "%s:%u", address,
			 end->port);
}

/* The name of a server's socket; NULs, with which an abstract one begins, are shown as ss(8) does. */
static void unix_end(char *buf, size_t size, const struct ev_target *t)
{
	size_t n = t->size - 1 < size - 1 ? t->size - 1 : size - 1;

	if (n && t->text[0] && !t->text[n - 1]) /* the end of a path */
		n--;
	for (size_t i = 0; i < n; i++)
		buf[i] = t->text[i] ? t->text[i] : '@';
	buf[n] = '\0';
}

static bool is_inet(const struct ev_target *t)
{
	return t->kind == TARGET_SOCKET && (t->family == AF_INET || t->family == AF_INET6);
}

static bool is_unix(const struct ev_target *t)
{
	return t->kind == TARGET_SOCKET && t->family == AF_UNIX;
}

char *target_local(char *buf, size_t size, const struct ev_target *t)
{
	*buf = '\0';
	if (is_inet(t))
		inet_end(buf, size, t, &t->local);
	else if (is_unix(t) && t->side != SIDE_CONNECTED)
		unix_end(buf, size, t);
	return buf;
}

char *target_peer(char *buf, size_t size, const struct ev_target *t)
{
	*buf = '\0';
	if (is_inet(t))
		inet_end(buf, size, t, &t->peer);
	else if (is_unix(t) && t->side == SIDE_CONNECTED)
		unix_end(buf, size, t);
	return buf;
}

static void socket_name(char *buf, size_t size, const struct ev_target *t)
{
	static const char *const how[SIDE_COUNT] = {
		[SIDE_OTHER] = "",
		[SIDE_CONNECTED] = "",
		[SIDE_SERVED] = " from clients",
		[SIDE_LISTENING] = " new connections",
		[SIDE_BOUND] = " from anybody",
		[SIDE_PAIR] = "",
	};
	const char *protocol = t->protocol == IPPROTO_TCP ? "tcp" : "udp";
	char end[END_NAME_SIZE];

	if (is_inet(t) && !has_ports(t))
		snprintf(buf, size, "ip socket");
	else if (is_inet(t) && t->side != SIDE_CONNECTED)
		snprintf(buf, size, "%s port %u%s", protocol, t->local.port, how[t->side]);
	else if (is_inet(t))
		snprintf(buf, size, "%s %s", protocol, target_peer(end, sizeof(end), t));
	else if (is_unix(t) && t->size > 1)
		snprintf(buf, size, "unix %s%s",
			 t->side == SIDE_CONNECTED ? target_peer(end, sizeof(end), t)
						   : target_local(end, sizeof(end), t),
			 how[t->side]);
	else if (is_unix(t))
		snprintf(buf, size, t->side == SIDE_PAIR ? "socketpair" : "unix socket");
	else if (t->family == AF_NETLINK)
		snprintf(buf, size, "netlink");
	else
		snprintf(buf, size, "socket of family %u", t->family);
}

static const char *object_name(enum cause cause)
{
	switch (cause) {
	case CAUSE_EVENT_EVENTFD:
		return "eventfd";
	case CAUSE_EVENT_SIGNALFD:
		return "signalfd";
	case CAUSE_EVENT_INOTIFY:
		return "inotify";
	case CAUSE_TIMER_TIMERFD:
		return "timerfd";
	case CAUSE_EVENT_EPOLL:
		return "epoll";
	case CAUSE_IO_URING:
		return "io_uring";
	case CAUSE_IO_AIO:
		return "aio";
	case CAUSE_FAULT_MAJOR:
	case CAUSE_IO_DISK: /* as the kernel reads memory in before it is touched */
		return "swap";
	default:
		return "object";
	}
}

char *target_name(char *buf, size_t size, const struct ev_target *t, enum cause cause)
{
	static const char *const nameless[TARGET_KIND_COUNT] = {
		[0] = "not known",
		[TARGET_FILE] = "a file",
		[TARGET_PIPE] = "pipe",
		[TARGET_TTY] = "a terminal",
		[TARGET_DEVICE] = "a device",
		[TARGET_NAME] = "files by name",
		[TARGET_QUEUE] = "message queue",
		[TARGET_SIGNALS] = "signals",
	};
	const char *path = target_path(t);

	if (t->kind == TARGET_SOCKET)
		socket_name(buf, size, t);
	else if (t->kind == TARGET_OBJECT)
		snprintf(buf, size, "%s", object_name(t->object ? t->object : cause));
	else if (t->kind == TARGET_QUEUE && *t->text)
		snprintf(buf, size, "message queue %s", t->text);
	else if (path)
		snprintf(buf, size, "%s%s%s", t->flags & TARGET_CUT ? "..." : "", path,
			 t->flags & TARGET_DELETED ? " (deleted)" : "");
	else
		snprintf(buf, size, "%s", nameless[t->kind]);
	return buf;
}

/* Is the other end of this connection on this machine? */
static bool is_local(const struct ev_target *t)
{
	static const struct target_end loopback6 = { .address = { [15] = 1 } };

	if (t->family == AF_INET && t->peer.address[0] == 127)
		return true;
	if (t->family == AF_INET6 && !memcmp(t->peer.address, loopback6.address, 16))
		return true;
	return !memcmp(t->peer.address, t->local.address, sizeof(t->peer.address));
}

static void socket_channel(char *buf, size_t size, const struct ev_target *t)
{
	bool is_client = t->side == SIDE_CONNECTED;
	const char *protocol = t->protocol == IPPROTO_TCP ? "tcp" : "udp";
	char end[END_NAME_SIZE];

	if (is_inet(t) && has_ports(t) && t->side && (!is_client || is_local(t)))
		snprintf(buf, size, "%s port %u", protocol,
			 is_client ? t->peer.port : t->local.port);
	else if (is_unix(t) && t->side == SIDE_PAIR && t->id)
		snprintf(buf, size, "socketpair:[%u]", t->id);
	else if (is_unix(t) && t->size > 1)
		snprintf(buf, size, "unix %s",
			 is_client ? target_peer(end, sizeof(end), t)
				   : target_local(end, sizeof(end), t));
}

char *target_channel(char *buf, size_t size, const struct ev_target *t, enum cause cause)
{
	const char *path = target_path(t);

	*buf = '\0';
	if (t->kind == TARGET_SOCKET)
		socket_channel(buf, size, t);
	else if (path && cause == CAUSE_IO_PIPE) /* one that is open, or to be opened */
		snprintf(buf, size, "%s", path);
	else if (t->kind == TARGET_PIPE && t->id) /* 0: of a recording of before */
		snprintf(buf, size, "pipe:[%u]", t->id);
	else if (t->kind == TARGET_QUEUE && *t->text)
		target_name(buf, size, t, cause);
	else if (t->kind == TARGET_QUEUE)
		snprintf(buf, size, "message queue:[%u]", t->id);
	else if (t->kind == TARGET_SIGNALS)
		snprintf(buf, size, "signals to %u", t->id);
	else if (t->kind == TARGET_OBJECT && (t->object ? t->object : cause) == CAUSE_EVENT_EVENTFD)
		snprintf(buf, size, t->id ? "eventfd:[%u]" : "eventfd", t->id - 1);
	return buf;
}

const char *target_end_of(const char *path, size_t most)
{
	const char *end = path, *last = strrchr(path, '/');

	while (end && strlen(end) > most)
		end = strchr(end + 1, '/');
	return end ? end : last ? last : path;
}
