// SPDX-License-Identifier: BSD-2-Clause
/* Descriptors of the kernel's own events. */
#include "targets.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static const char *make_eventfd(void)
{
	/* One count a read, though the partner may be ahead. */
	objects[0].fd = (int)must(eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE), "eventfd");
	return NULL;
}

static void count_up(struct object *o, long i)
{
	(void)i;
	must(eventfd_write(o->fd, 1), "eventfd_write");
}

static const char *make_timerfd(void)
{
	struct timespec every = { .tv_nsec = 2 * MS };
	struct itimerspec when = { .it_interval = every, .it_value = every };

	objects[0].fd = (int)must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd_create");
	must(timerfd_settime(objects[0].fd, 0, &when, NULL), "timerfd_settime");
	return NULL;
}

static const char *make_signalfd(void)
{
	sigset_t set;

	must(sigemptyset(&set), "sigemptyset");
	must(sigaddset(&set, SIGRTMIN), "sigaddset");
	must0(pthread_sigmask(SIG_BLOCK, &set, NULL), "pthread_sigmask");
	objects[0].fd = (int)must(signalfd(-1, &set, SFD_CLOEXEC), "signalfd");
	return NULL;
}

/* One of those that queue. */
static void send_signal(struct object *o, long i)
{
	(void)o, (void)i;
	must(kill(getpid(), SIGRTMIN), "kill");
}

static char moved[2][64];

static const char *make_inotify(void)
{
	int fd;

	own_name(moved[0], sizeof(moved[0]), "a");
	own_name(moved[1], sizeof(moved[1]), "b");
	fd = (int)must(open(moved[0], O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600), "open");
	must(close(fd), "close");
	objects[0].fd = (int)must(inotify_init1(IN_CLOEXEC), "inotify_init1");
	must(inotify_add_watch(objects[0].fd, own_directory(), IN_MOVED_TO), "inotify_add_watch");
	return NULL;
}

/* Events that are alike would become one: these never are, next to each other. */
static void move(struct object *o, long i)
{
	(void)o;
	must(rename(moved[i % 2], moved[(i + 1) % 2]), "rename");
}

/* The name of a moved file takes 16 bytes: one event a read. */
#define EVENT (sizeof(struct inotify_event) + 16)

const struct target event_targets[] = {
	{ "eventfd", "eventfd", "event.eventfd", BY_KIND, 8, make_eventfd, .wait = read_it,
	  .let = count_up },
	{ "timerfd", "timerfd", "timer.timerfd", BY_KIND, 8, make_timerfd, .wait = read_it },
	{ "signalfd", "signalfd", "event.signalfd", BY_KIND, sizeof(struct signalfd_siginfo),
	  make_signalfd, .wait = read_it, .let = send_signal },
	{ "inotify", "inotify", "event.inotify", BY_KIND, EVENT, make_inotify, .wait = read_it,
	  .let = move },
	{ 0 },
};
