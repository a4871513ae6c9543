// SPDX-License-Identifier: BSD-2-Clause
/* The calls that wait for one of many descriptors, made alike. */
#include "loops.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <unistd.h>

static __thread struct account before_stop;
static __thread int64_t stops, stop_ns;

static bool is_epoll(const struct watch *w)
{
	return w->how >= EPOLL;
}

void watch_begin(struct watch *w, enum how how)
{
	w->how = how;
	w->n = 0;
	w->epoll = -1;
	if (is_epoll(w))
		w->epoll = (int)must(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
}

static void control(const struct watch *w, int op, int which, uint32_t also)
{
	struct epoll_event event = { .events = EPOLLIN | also, .data.u32 = (uint32_t)which };

	must(epoll_ctl(w->epoll, op, w->fd[which], &event), "epoll_ctl");
}

void watch_add(struct watch *w, int fd, uint32_t also)
{
	must(w->n < MOST && (w->how > PSELECT || fd < FD_SETSIZE) ? 0 : -1, "room for descriptors");
	w->fd[w->n++] = fd;
	if (is_epoll(w))
		control(w, EPOLL_CTL_ADD, w->n - 1, also);
}

void watch_again(const struct watch *w, int which, uint32_t also)
{
	control(w, EPOLL_CTL_MOD, which, also);
}

void watch_events(struct watch *w, int n, uint32_t also)
{
	for (int i = 0; i < n; i++)
		watch_add(w, (int)must(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd"), also);
}

void watch_end(const struct watch *w)
{
	for (int i = 0; i < w->n; i++)
		must(close(w->fd[i]), "close");
	if (is_epoll(w))
		must(close(w->epoll), "close");
}

const char *watch_call(const struct watch *w)
{
	return is_epoll(w) ? "epoll" : w->how <= PSELECT ? "select" : "poll";
}

const char *watch_cause(const struct watch *w)
{
	return truth_path("event.%s", watch_call(w));
}

static struct timespec time_of(int timeout)
{
	return (struct timespec){ .tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * MS };
}

static int wait_select(const struct watch *w, int timeout, int *ready)
{
	struct timespec time = time_of(timeout);
	struct timeval tv = { .tv_sec = time.tv_sec, .tv_usec = time.tv_nsec / 1000 };
	int most = -1, count, n = 0;
	fd_set set;

	FD_ZERO(&set);
	for (int i = 0; i < w->n; i++) {
		FD_SET(w->fd[i], &set);
		most = w->fd[i] > most ? w->fd[i] : most;
	}
	if (w->how == SELECT)
		count = select(most + 1, &set, NULL, NULL, timeout < 0 ? NULL : &tv);
	else
		count = pselect(most + 1, &set, NULL, NULL, timeout < 0 ? NULL : &time, NULL);
	for (int i = 0; count > 0 && i < w->n; i++)
		if (FD_ISSET(w->fd[i], &set))
			ready[n++] = i;
	return count;
}

static int wait_poll(const struct watch *w, int timeout, int *ready)
{
	static __thread struct pollfd set[MOST];
	struct timespec time = time_of(timeout);
	int count, n = 0;

	for (int i = 0; i < w->n; i++)
		set[i] = (struct pollfd){ .fd = w->fd[i], .events = POLLIN };
	if (w->how == POLL)
		count = poll(set, (nfds_t)w->n, timeout);
	else
		count = ppoll(set, (nfds_t)w->n, timeout < 0 ? NULL : &time, NULL);
	for (int i = 0; count > 0 && i < w->n; i++)
		if (set[i].revents)
			ready[n++] = i;
	return count;
}

static int wait_epoll(const struct watch *w, int timeout, int *ready)
{
	static __thread struct epoll_event set[MOST];
	struct timespec time = time_of(timeout);
	int count;

	if (w->how == EPOLL)
		count = epoll_wait(w->epoll, set, MOST, timeout);
	else if (w->how == EPOLL_PWAIT)
		count = epoll_pwait(w->epoll, set, MOST, timeout, NULL);
	else /* by its number: older C libraries have no function */
		count = (int)syscall(SYS_epoll_pwait2, w->epoll, set, MOST,
				     timeout < 0 ? NULL : &time, NULL, (size_t)0);
	for (int i = 0; i < count; i++)
		ready[i] = (int)set[i].data.u32;
	return count;
}

int watch_wait(const struct watch *w, int timeout, int *ready)
{
	if (is_epoll(w))
		return wait_epoll(w, timeout, ready);
	return w->how <= PSELECT ? wait_select(w, timeout, ready) : wait_poll(w, timeout, ready);
}

struct journal *journal_new(void)
{
	return shared_memory(sizeof(struct journal));
}

int turn(const struct watch *w, struct journal *j, int timeout, int *ready)
{
	struct turn t = { .stops = stops, .stop_ns = stop_ns };

	if (j->turns == LOG) {
		fprintf(stderr, "loops: a journal is full\n");
		exit(EXIT_FAILURE);
	}
	stops = stop_ns = 0;
	t.before = look();
	t.ready = watch_wait(w, timeout, ready);
	t.after = look();
	must(t.ready, watch_call(w));
	j->turn[j->turns++] = t;
	j->pid = getpid();
	return t.ready;
}

void stop_begins(void)
{
	before_stop = look();
}

void stop_ends(void)
{
	struct account span = account_between(before_stop, look());

	if (!span.voluntary)
		return;
	stops += span.voluntary;
	stop_ns += account_blocked(span);
}
