// SPDX-License-Identifier: BSD-2-Clause
/*
 * echo MODE: the same server, written in one of the ways of textbooks: it sends back what its clients
 * send. They are a child process that never waits for a descriptor: it sends, sleeps, and takes what
 * has come, so that only the server's way is one of input and output. Without MODE: lists them.
 */
#include "echo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAUSE (3 * MS)

static const struct server *const tables[] = { block_servers, many_servers, other_servers,
					       ring_servers };
#define TABLES (sizeof(tables) / sizeof(tables[0]))

void set_nonblocking(int fd)
{
	must(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK), "fcntl");
}

bool echo_now(int fd)
{
	char message[MESSAGE];
	ssize_t n;

	while ((n = recv(fd, message, sizeof(message), MSG_DONTWAIT)) > 0)
		must(send(fd, message, (size_t)n, MSG_NOSIGNAL), "send");
	if (n == -1 && errno != EAGAIN)
		must(-1, "recv");
	return n;
}

/* --- clients -------------------------------------------------------------------------------- */

static void take_answer(int fd)
{
	char message[MESSAGE];
	size_t have = 0;

	while (have < sizeof(message)) {
		ssize_t n = recv(fd, message, sizeof(message) - have, MSG_DONTWAIT);

		if (n > 0) {
			have += (size_t)n;
			continue;
		}
		must(n == -1 && errno == EAGAIN ? 0 : -1, "recv of an answer");
		sleep_ns(PAUSE);
	}
}

static void run_clients(void *arg)
{
	const char message[MESSAGE] = "hello";
	int port = *(int *)arg, fd[CLIENTS];

	for (int i = 0; i < CLIENTS; i++)
		fd[i] = connect_to(port);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CLIENTS; i++)
			must(send(fd[i], message, sizeof(message), 0), "send");
		sleep_ns(PAUSE);
		for (int i = 0; i < CLIENTS; i++)
			take_answer(fd[i]);
	}
	for (int i = 0; i < CLIENTS; i++)
		must(close(fd[i]), "close");
}

/* --- the truth ------------------------------------------------------------------------------ */

static void expect_model(const struct server *s)
{
	const char *row = truth_path("io_models[model=%s]", s->model);

	truth_number("model.io", 1, "it is written in one way only");
	truth_equals("model.io[0]", s->model, "that is the way");
	truth_expect((struct expectation){
		.path = truth_path("%s.threads", row),
		.in = { s->threads, MANY },
		.why = "so many threads work so",
	});
	if (s->is_busy) {
		truth_expect((struct expectation){
			.path = truth_path("%s.samples", row),
			.in = { 3, MANY },
			.why = "it is always in such a call, or about to be",
		});
		truth_number(truth_path("%s.waits", row), 0, "it never waits");
	} else {
		truth_expect((struct expectation){
			.path = truth_path("%s.waits", row),
			.in = { ROUNDS / 2, 3 * ROUNDS * CLIENTS },
			.why = "it waits for each round of messages, or for each message",
		});
	}
	truth_finding("io.thread_per_peer", s->threads >= CLIENTS,
		      "one thread for each client, or one for all");
	truth_finding("io.busy_polling", s->is_busy, "it asks and does not wait, or waits");
}

/* --- modes ---------------------------------------------------------------------------------- */

static int list_modes(void)
{
	for (size_t i = 0; i < TABLES; i++)
		for (const struct server *s = tables[i]; s->name; s++)
			puts(s->name);
	return EXIT_SUCCESS;
}

static const struct server *find(const char *name)
{
	for (size_t i = 0; i < TABLES; i++)
		for (const struct server *s = tables[i]; s->name; s++)
			if (!strcmp(s->name, name))
				return s;
	return NULL;
}

int main(int argc, char **argv)
{
	const struct server *s = argc == 2 ? find(argv[1]) : NULL;
	const char *reason;
	int listener, port;
	pid_t clients;

	if (argc < 2)
		return list_modes();
	if (!s) {
		fputs("echo: no such mode; without one it lists them\n", stderr);
		return EXIT_FAILURE;
	}
	truth_begin(truth_path("echo %s", s->name));
	listener = listen_at(0);
	port = port_of(listener);
	clients = start_child(run_clients, &port);
	name_thread("server");
	reason = s->serve(listener);
	if (reason) { /* the clients wait for answers that do not come */
		truth_skip(reason);
		_exit(truth_end());
	}
	reap_child(clients);
	expect_model(s);
	return truth_end();
}
