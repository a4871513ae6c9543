// SPDX-License-Identifier: BSD-2-Clause
/*
 * steady MODE [N]: does the same again and again until it is ended, so that a part of it is like the
 * whole: to be attached to. Says "up" when all of it is under way.
 */
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK (64 << 10)

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int ends[2];

/* So much of its own CPU time, however fast that is and whoever else wants it. */
static void compute_ns(int64_t ns)
{
	int64_t until = clock_ns(CLOCK_THREAD_CPUTIME_ID) + ns;

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) < until)
		burn(20);
}

static void *compute(void *unused)
{
	for (;;)
		compute_ns(MS);
	return unused;
}

static void *nap_and_compute(void *unused)
{
	for (;;) {
		sleep_ns(6 * MS);
		compute_ns(2 * MS);
	}
	return unused;
}

/* Has the mutex for half of the time, all of which the other waits for it. */
static void *hold(void *unused)
{
	for (;;) {
		must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
		sleep_ns(5 * MS);
		must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
		sleep_ns(5 * MS);
	}
	return unused;
}

static void *want(void *unused)
{
	for (;;) {
		must0(pthread_mutex_lock(&mutex), "pthread_mutex_lock");
		must0(pthread_mutex_unlock(&mutex), "pthread_mutex_unlock");
		sleep_ns(MS / 2);
	}
	return unused;
}

static void *write_slowly(void *unused)
{
	for (;;) {
		sleep_ns(5 * MS);
		must(write(ends[1], "x", 1), "write");
	}
	return unused;
}

static void *read_all(void *unused)
{
	char byte;

	for (;;) {
		must(read(ends[0], &byte, 1), "read");
		compute_ns(MS);
	}
	return unused;
}

static void *loop(void *unused)
{
	struct itimerspec each = { .it_interval.tv_nsec = 5 * MS, .it_value.tv_nsec = 5 * MS };
	int epoll = (int)must(epoll_create1(0), "epoll_create1"),
	    timer = (int)must(timerfd_create(CLOCK_MONOTONIC, 0), "timerfd_create");
	struct epoll_event event = { .events = EPOLLIN };
	uint64_t times;

	must(epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event), "epoll_ctl");
	must(timerfd_settime(timer, 0, &each, NULL), "timerfd_settime");
	for (;;) {
		must(epoll_wait(epoll, &event, 1, -1), "epoll_wait");
		must(read(timer, &times, sizeof(times)), "read");
		compute_ns(MS);
	}
	return unused;
}

static void *idle(void *unused)
{
	for (;;)
		pause();
	return unused;
}

/* One process after the other. */
static void *breed(void *unused)
{
	for (;;) {
		pid_t pid = (pid_t)must(fork(), "fork");

		if (!pid)
			_exit(0);
		must(waitpid(pid, NULL, 0), "waitpid");
		sleep_ns(5 * MS);
	}
	return unused;
}

static void *nothing(void *unused)
{
	return unused;
}

static void *churn(void *unused)
{
	pthread_t threads[4];

	for (;;) {
		for (int i = 0; i < 4; i++)
			must0(pthread_create(&threads[i], NULL, nothing, NULL), "pthread_create");
		for (int i = 0; i < 4; i++)
			must0(pthread_join(threads[i], NULL), "pthread_join");
	}
	return unused;
}

static void start(const char *name, void *(*body)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;

	must0(pthread_attr_init(&attr), "pthread_attr_init");
	must0(pthread_attr_setstacksize(&attr, STACK), "pthread_attr_setstacksize");
	must0(pthread_create(&thread, &attr, body, NULL), "pthread_create");
	must0(pthread_setname_np(thread, name), "pthread_setname_np");
	must0(pthread_attr_destroy(&attr), "pthread_attr_destroy");
}

static const struct mode {
	const char *name;
	struct {
		const char *name;
		void *(*body)(void *);
	} threads[2];
	bool leaves; /* the first thread ends, and the others live on */
} modes[] = {
	{ "compute", { { "computer", compute } }, false },
	{ "nap", { { "napper", nap_and_compute } }, false },
	{ "mutex", { { "holder", hold }, { "waiter", want } }, false },
	{ "pipe", { { "writer", write_slowly }, { "reader", read_all } }, false },
	{ "loop", { { "loop", loop } }, false },
	{ "idle", { { "idler", idle } }, false },
	{ "breed", { { "breeder", breed } }, false },
	{ "churn", { { "churner", churn } }, false },
	{ "leave", { { "napper", nap_and_compute } }, true },
};

int main(int argc, char **argv)
{
	int n = argc > 2 ? atoi(argv[2]) : 1;

	must(pipe(ends), "pipe");
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++) {
		const struct mode *m = &modes[i];

		if (strcmp(m->name, argv[1]))
			continue;
		for (int k = 0; k < 2 * n; k++) {
			if (m->threads[k % 2].body)
				start(m->threads[k % 2].name, m->threads[k % 2].body);
		}
		printf("up\n");
		fflush(stdout);
		if (m->leaves)
			pthread_exit(NULL);
		idle(NULL);
	}
	fprintf(stderr, "steady: no such mode; it has:\n");
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		fprintf(stderr, "%s\n", modes[i].name);
	return 2;
}
