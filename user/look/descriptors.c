// SPDX-License-Identifier: BSD-2-Clause
/* What the descriptors are that threads wait at, and who else is to be named. */
#include "look/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

/* open(2), which the newer ABIs left out */
#ifdef SYS_open
#define CALL_OPEN SYS_open
#else
#define CALL_OPEN (-1)
#endif

/* Else it is no socket of a network, or connected to nobody. */
static bool has_peer(const struct peer_key *peer)
{
	return (peer->family == PEER_INET || peer->family == PEER_INET6) && peer->port;
}

static void say(const struct looked *t, char *buf, size_t size)
{
	const struct seen_fd *fd = t->wait.fd;

	if (fd->listens)
		snprintf(buf, size, "port %u", fd->listens);
	else if (has_peer(&fd->peer))
		peer_name(buf, size, &fd->peer);
	else if (fd->cause == CAUSE_IO_SOCKET && fd->object)
		snprintf(buf, size, "a local socket");
	else if (!proc_descriptor(t->seen.pid, fd->fd, buf, size))
		*buf = '\0';
}

/* A named pipe is opened, and nobody has opened its other end. */
static bool opens_fifo(const struct looked *t)
{
	return t->wait.cause == CAUSE_IO_PIPE && !t->wait.fd &&
	       (t->seen.nr == SYS_openat || t->seen.nr == CALL_OPEN) &&
	       !(t->seen.flags & SEEN_COMPAT);
}

static void say_path(const struct looked *t, char *buf, size_t size)
{
	if (!proc_string(t->seen.pid, t->seen.args[t->seen.nr == SYS_openat], buf, size))
		*buf = '\0';
}

/* Who should have waited for it. */
static void say_parent(const struct looked *t, char *buf, size_t size)
{
	char comm[EVENT_COMM_SIZE];

	proc_comm(t->seen.parent, comm, sizeof(comm));
	snprintf(buf, size, "%s (%u)", comm, t->seen.parent);
}

static uint32_t count(const struct looked *t)
{
	if (t->wait.fd && t->wait.cause == CAUSE_EVENT_EPOLL)
		return proc_epoll_set(t->seen.pid, t->wait.fd->fd);
	return t->seen.n_fds ? t->seen.n_fds : t->wait.fd != NULL;
}

void read_descriptors(struct look_around *l)
{
	char text[LOOKED_TEXT];

	for (size_t i = 0; i < l->scene.threads.n; i++) {
		struct looked *t = &l->scene.threads.items[i];

		if (t->wait.state == STAND_BLOCKED)
			t->n_fds = count(t);
		if (t->wait.state == STAND_DEAD && t->seen.parent)
			say_parent(t, text, sizeof(text));
		else if (t->wait.state != STAND_BLOCKED)
			continue;
		else if (t->wait.fd)
			say(t, text, sizeof(text));
		else if (opens_fifo(t))
			say_path(t, text, sizeof(text));
		else
			continue;
		t->text = strdup(text);
		if (!t->text)
			out_of_memory();
	}
}
