// SPDX-License-Identifier: BSD-2-Clause
/* A thread, or a process, for each client: each waits in a call for its own. */
#include "echo.h"

#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static void echo_to_end(int fd)
{
	char message[MESSAGE];
	ssize_t n;

	while ((n = must(recv(fd, message, sizeof(message), 0), "recv")) > 0)
		must(send(fd, message, (size_t)n, MSG_NOSIGNAL), "send");
	must(close(fd), "close");
}

static void *serve_one(void *fd)
{
	name_thread("worker");
	echo_to_end((int)(intptr_t)fd);
	return NULL;
}

static int take_client(int listener)
{
	return (int)must(accept(listener, NULL, NULL), "accept");
}

static const char *serve_by_threads(int listener)
{
	pthread_t threads[CLIENTS];

	for (int i = 0; i < CLIENTS; i++)
		threads[i] = start_thread(serve_one, (void *)(intptr_t)take_client(listener));
	for (int i = 0; i < CLIENTS; i++)
		join_thread(threads[i]);
	return NULL;
}

static void serve_child(void *fd)
{
	echo_to_end(*(int *)fd);
}

static const char *serve_by_processes(int listener)
{
	pid_t children[CLIENTS];

	for (int i = 0; i < CLIENTS; i++) {
		int fd = take_client(listener);

		children[i] = start_child(serve_child, &fd);
		must(close(fd), "close");
	}
	for (int i = 0; i < CLIENTS; i++)
		reap_child(children[i]);
	return NULL;
}

const struct server block_servers[] = {
	{ "threads", serve_by_threads, "blocking", CLIENTS, false },
	{ "processes", serve_by_processes, "blocking", CLIENTS, false },
	{ 0 },
};
