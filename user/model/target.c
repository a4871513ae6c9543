// SPDX-License-Identifier: BSD-2-Clause
#include "model/target.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

const char *target_path(const struct ev_target *t)
{
	bool is_path =
		t->text[0] == '/' ? t->text[1] != '\0' : t->text[0] && t->kind == TARGET_NAME;

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

static void inet_end(char *buf, size_t size, const struct ev_target *t,
		     const struct target_end *end)
{
	static const struct target_end any;
	char address[INET6_ADDRSTRLEN];

	if (!end->port)
		return;
	if (!memcmp(end->address, any.address, sizeof(any.address)))
		snprintf(buf, size, "*:%u", end->port);
	else if (inet_ntop(t->family, end->address, address, sizeof(address)))
		snprintf(buf, size, t->family == AF_INET6 ? "[%s]:%u" : "%s:%u", address,
			 end->port);
}

/* The name of a server's socket; an abstract one begins with a NUL. */
static void unix_end(char *buf, size_t size, const struct ev_target *t)
{
	size_t skip = t->size > 1 && !t->text[0];

	snprintf(buf, size, "%s%.*s", skip ? "@" : "", (int)(t->size - 1 - skip), t->text + skip);
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

static const char *protocol_of(const struct ev_target *t)
{
	switch (t->protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	}
	return "ip";
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
	char end[END_NAME_SIZE];

	if (is_inet(t) && t->side != SIDE_CONNECTED)
		snprintf(buf, size, "%s port %u%s", protocol_of(t), t->local.port, how[t->side]);
	else if (is_inet(t))
		snprintf(buf, size, "%s %s", protocol_of(t), target_peer(end, sizeof(end), t));
	else if (is_unix(t) && t->size > 1)
		snprintf(buf, size, "unix %s%s",
			 t->side == SIDE_CONNECTED ? target_peer(end, sizeof(end), t)
						   : target_local(end, sizeof(end), t),
			 how[t->side]);
	else if (is_unix(t))
		snprintf(buf, size, "socketpair");
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
	default:
		return "object";
	}
}

char *target_name(char *buf, size_t size, const struct ev_target *t, enum cause cause)
{
	const char *path = target_path(t);

	if (t->kind == TARGET_SOCKET)
		socket_name(buf, size, t);
	else if (t->kind == TARGET_OBJECT)
		snprintf(buf, size, "%s", object_name(cause));
	else if (path)
		snprintf(buf, size, "%s%s%s", t->flags & TARGET_CUT ? "..." : "", path,
			 t->flags & TARGET_DELETED ? " (deleted)" : "");
	else
		snprintf(buf, size, "%s", t->kind == TARGET_PIPE ? "pipe" : "files by name");
	return buf;
}
