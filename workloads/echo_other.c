// SPDX-License-Identifier: BSD-2-Clause
/* A server that asks again and again, and one that signals call. */
#include "echo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int fds[CLIENTS];
static int n_fds, n_gone;

/* -1: nobody comes now. */
static int take_client(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1) {
		must(errno == EAGAIN ? 0 : -1, "accept4");
		return -1;
	}
	fds[n_fds++] = fd;
	return fd;
}

static void see_to(int i)
{
	if (fds[i] < 0 || echo_now(fds[i]))
		return;
	must(close(fds[i]), "close");
	fds[i] = -1;
	n_gone++;
}

static const char *serve_by_asking(int listener)
{
	set_nonblocking(listener);
	while (n_gone < CLIENTS) {
		if (n_fds < CLIENTS)
			take_client(listener);
		for (int i = 0; i < n_fds; i++)
			see_to(i);
	}
	return NULL;
}

/* The same by epoll, which need not wait either. */
static const char *serve_by_asking_epoll(int listener)
{
	int epoll = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	struct epoll_event event = { .events = EPOLLIN, .data.fd = -1 };

	set_nonblocking(listener);
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
	while (n_gone < CLIENTS) {
		struct epoll_event ready[CLIENTS];
		int n = (int)must(epoll_wait(epoll, ready, CLIENTS, 0), "epoll_wait");

		for (int i = 0; i < n; i++) {
			event.data.fd = n_fds;
			if (ready[i].data.fd >= 0)
				see_to(ready[i].data.fd);
			else if (take_client(listener) >= 0)
				must(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[n_fds - 1], &event),
				     "epoll_ctl");
		}
	}
	return NULL;
}

/* --- signals -------------------------------------------------------------------------------- */

#define CALL SIGRTMIN

static void call_for(int fd)
{
	must(fcntl(fd, F_SETOWN, getpid()), "F_SETOWN");
	must(fcntl(fd, F_SETSIG, CALL), "F_SETSIG");
	must(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC | O_NONBLOCK), "O_ASYNC");
}

static void take_clients(int listener)
{
	int fd;

	while (n_fds < CLIENTS && (fd = take_client(listener)) >= 0) {
		call_for(fd);
		see_to(n_fds - 1); /* what has come before nobody calls for */
	}
}

static const char *serve_by_signals(int listener)
{
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, CALL);
	must0(pthread_sigmask(SIG_BLOCK, &set, NULL), "pthread_sigmask");
	call_for(listener);
	take_clients(listener);
	while (n_gone < CLIENTS) {
		must(sigwaitinfo(&set, &info), "sigwaitinfo");
		take_clients(listener);
		for (int i = 0; i < n_fds; i++)
			if (fds[i] == info.si_fd)
				see_to(i);
	}
	return NULL;
}

const struct server other_servers[] = {
	{ "asking", serve_by_asking, "non-blocking", 1, true },
	{ "asking-epoll", serve_by_asking_epoll, "non-blocking", 1, true },
	{ "signals", serve_by_signals, "signal-driven", 1, false },
	{ 0 },
};
