// SPDX-License-Identifier: BSD-2-Clause
/* One thread that waits for all clients at once. */
#include "echo.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <ucontext.h>
#include <unistd.h>

#define FOREVER (-1)

static int fds[1 + CLIENTS]; /* the first: who comes */
static int n_fds, n_gone;

static void begin(int listener)
{
	fds[n_fds++] = listener;
}

static int take_client(void)
{
	int fd = (int)must(accept(fds[0], NULL, NULL), "accept");

	set_nonblocking(fd);
	fds[n_fds++] = fd;
	return fd;
}

/* Returns what it took the descriptor's place for: a new one, or -1. */
static int see_to(int fd)
{
	if (fd == fds[0])
		return take_client();
	if (!echo_now(fd)) {
		must(close(fd), "close");
		for (int i = 1; i < n_fds; i++)
			fds[i] = fds[i] == fd ? -1 : fds[i];
		n_gone++;
	}
	return -1;
}

static const char *serve_by_select(int listener)
{
	begin(listener);
	while (n_gone < CLIENTS) {
		int n = n_fds;
		fd_set set;

		FD_ZERO(&set);
		for (int i = 0; i < n; i++)
			if (fds[i] >= 0)
				FD_SET(fds[i], &set);
		must(select(FD_SETSIZE, &set, NULL, NULL, NULL), "select");
		for (int i = 0; i < n; i++)
			if (fds[i] >= 0 && FD_ISSET(fds[i], &set))
				see_to(fds[i]);
	}
	return NULL;
}

static const char *serve_by_poll(int listener)
{
	begin(listener);
	while (n_gone < CLIENTS) {
		struct pollfd set[1 + CLIENTS];
		int n = n_fds;

		for (int i = 0; i < n; i++)
			set[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
		must(poll(set, (nfds_t)n, FOREVER), "poll");
		for (int i = 0; i < n; i++)
			if (set[i].revents)
				see_to(fds[i]);
	}
	return NULL;
}

static void watch(int epoll, int fd, void *who)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (who)
		event.data.ptr = who;
	else
		event.data.fd = fd;
	must(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static const char *serve_by_epoll(int listener)
{
	int epoll = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");

	begin(listener);
	watch(epoll, listener, NULL);
	while (n_gone < CLIENTS) {
		struct epoll_event ready[CLIENTS];
		int n = (int)must(epoll_wait(epoll, ready, CLIENTS, FOREVER), "epoll_wait");

		for (int i = 0; i < n; i++) {
			int fd = see_to(ready[i].data.fd);

			if (fd >= 0)
				watch(epoll, fd, NULL);
		}
	}
	return NULL;
}

/* --- coroutines, which look as if each waited for its client ------------------------------------- */

#define STACK 65536

struct coroutine {
	ucontext_t context;
	int fd;
	char stack[STACK];
};

static struct coroutine coroutines[CLIENTS], *current;
static ucontext_t scheduler;

static void await_ready(void)
{
	must(swapcontext(&current->context, &scheduler), "swapcontext");
}

static void serve_one(void)
{
	while (echo_now(current->fd))
		await_ready();
	must(close(current->fd), "close");
	n_gone++;
}

static void start(struct coroutine *c, int epoll)
{
	c->fd = take_client();
	must(getcontext(&c->context), "getcontext");
	c->context.uc_stack.ss_sp = c->stack;
	c->context.uc_stack.ss_size = sizeof(c->stack);
	c->context.uc_link = &scheduler;
	makecontext(&c->context, serve_one, 0);
	watch(epoll, c->fd, c);
}

static void resume(struct coroutine *c)
{
	current = c;
	must(swapcontext(&scheduler, &c->context), "swapcontext");
}

static const char *serve_by_coroutines(int listener)
{
	int epoll = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
	static int any; /* whose address stands for who comes */
	int n_started = 0;

	begin(listener);
	watch(epoll, listener, &any);
	while (n_gone < CLIENTS) {
		struct epoll_event ready[CLIENTS];
		int n = (int)must(epoll_wait(epoll, ready, CLIENTS, FOREVER), "epoll_wait");

		for (int i = 0; i < n; i++) {
			if (ready[i].data.ptr == &any)
				start(&coroutines[n_started++], epoll);
			else
				resume(ready[i].data.ptr);
		}
	}
	return NULL;
}

const struct server many_servers[] = {
	{ "select", serve_by_select, "multiplexed-select", 1, false },
	{ "poll", serve_by_poll, "multiplexed-poll", 1, false },
	{ "epoll", serve_by_epoll, "multiplexed-epoll", 1, false },
	{ "coroutines", serve_by_coroutines, "multiplexed-epoll", 1, false },
	{ 0 },
};
