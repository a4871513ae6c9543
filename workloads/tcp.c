// SPDX-License-Identifier: BSD-2-Clause
/*
 * tcp both [sleep]: a client asks and a server answers over loopback, for about a second; each
 * answer costs the server 1 ms of computing, or 5 ms of sleep. Each side alone, for a partner that
 * is not of this program:
 * tcp serve [sleep]: on a port that it prints, until its one client goes.
 * tcp ask PORT [PAUSE_MS]: asks, and sleeps for so long after each answer.
 */
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ASK	"tcp-ask"
#define SERVE	"tcp-serve"
#define STEPS	1000
#define NAP	(5 * MS)
#define COMPUTE 800 /* requests */
#define SLEEP	160
#define PAUSED	40

struct side {
	struct account from, span, end;
	int64_t slept; /* and what it queued for a CPU after that */
	long requests;
};

static int listener;
static bool sleeps;

static void nap(struct side *self, int64_t ns)
{
	int64_t before = clock_ns(CLOCK_MONOTONIC);

	sleep_ns(ns);
	self->slept += clock_ns(CLOCK_MONOTONIC) - before;
}

static void serve(struct side *self)
{
	struct account before;
	uint64_t request;
	int fd;

	name_thread(SERVE);
	before = account_now();
	fd = (int)must(accept(listener, NULL, NULL), "accept");
	while (must(recv(fd, &request, sizeof(request), MSG_WAITALL), "recv") > 0) {
		if (sleeps)
			nap(self, NAP);
		else
			burn(STEPS);
		must(send(fd, &request, sizeof(request), MSG_NOSIGNAL), "send");
		self->requests++;
	}
	must(close(fd), "close");
	self->span = account_since(before);
	self->end = account_now();
}

static void ask(struct side *self, int port, long requests, int64_t pause)
{
	struct account before;
	int fd;

	name_thread(ASK);
	fd = connect_to(port);
	before = account_now();
	for (uint64_t i = 0; i < (uint64_t)requests; i++) {
		uint64_t answer = 0;

		must(send(fd, &i, sizeof(i), MSG_NOSIGNAL), "send");
		must(recv(fd, &answer, sizeof(answer), MSG_WAITALL), "recv");
		must(answer == i ? 0 : -1, "the answer");
		if (pause)
			nap(self, pause);
		self->requests++;
	}
	self->span = account_since(before);
	must(close(fd), "close");
	self->end = account_now();
}

/* Its sleeps, and all the rest that it was blocked: waits for the other side. */
static void expect_side(const char *who, const struct side *self)
{
	int64_t blocked = account_blocked(self->span), waits = self->span.voluntary;
	int64_t slack = 2 * MS + 100 * waits, naps = self->slept ? self->requests : 0;

	truth_thread(who, self->from, self->end);
	truth_expect((struct expectation){
		.path = blocked_path(who, "io.socket", "count"),
		.in = { waits - naps - waits / 50 - 2, waits - naps + 4 },
		.why = "ru_nvcsw less the sleeps: only the socket is waited for; 2 %",
	});
	truth_expect((struct expectation){
		.path = blocked_path(who, "timer.sleep", "count"),
		.in = { naps, naps },
		.zero_if_absent = true,
		.why = "each nanosleep blocks once",
	});
	truth_expect((struct expectation){
		.path = blocked_path(who, "timer.sleep", "ns"),
		.in = { self->slept - self->span.delay - self->slept / 20, self->slept },
		.zero_if_absent = true,
		.why = "the time inside the sleeps, which holds run delay and 5 % of work too",
	});
	truth_expect((struct expectation){
		.path = blocked_path(who, "io.socket", "ns"),
		.plus = { blocked_path(who, "timer.sleep", "ns"),
			  thread_path(who, "cpu.stolen_ns") },
		.in = { blocked - blocked / 50 - slack, blocked + blocked / 50 + slack },
		.zero_if_absent = true,
		.why = "the wall time less CPU time and run delay; 2 %, 2 ms, 100 ns a switch",
	});
}

/* From one side's wake-up by the other until it is queued or runs: an idle CPU has to wake up. */
static void expect_gaps(const struct side *client, const struct side *server)
{
	int64_t wall = client->span.wall;
	int64_t gaps = wall - client->span.cpu - server->span.cpu;

	truth_expect((struct expectation){
		.path = "wall.io_ns",
		.plus = { "wall.runnable_ns", thread_path(ASK, "cpu.stolen_ns"),
			  thread_path(SERVE, "cpu.stolen_ns") },
		.in = { gaps - wall / 100, gaps + wall * 3 / 100 },
		.why = "each waits for the other, nobody for anything outside: the wall time less "
		       "both's CPU time; 1 % of all, and 2 % that both run after a wake-up",
	});
}

static void expect_both(const struct side *client, const struct side *server)
{
	truth_number("totals.processes", 2, "client and server");
	truth_number("totals.threads", 2, "one of the client, one of the server");
	if (!sleeps)
		expect_gaps(client, server);
	else
		truth_expect((struct expectation){
			.path = "wall.io_ns",
			.in = { 0, client->span.wall / 20 },
			.why = "each waits for the other, nobody for anything outside; 5 %",
		});
	if (!sleeps) {
		truth_verdict_of("cpu-bound", server->span,
				 "the client waits for what the server computes");
		return;
	}
	truth_expect((struct expectation){
		.path = "wall.timer_ns",
		.in = { server->slept - server->slept / 20 - server->span.delay, server->slept },
		.why = "the client waits for a server that sleeps; 5 %",
	});
	truth_verdict_of("sleep-bound", server->span, "the client waits for a server that sleeps");
}

static int run_both(void)
{
	struct side *sides = shared_memory(2 * sizeof(*sides));
	pid_t child;

	sides[0].from = account_now();
	listener = listen_at(0);
	child = (pid_t)must(fork(), "fork");
	if (!child) {
		serve(&sides[1]);
		_exit(EXIT_SUCCESS);
	}
	ask(&sides[0], port_of(listener), sleeps ? SLEEP : COMPUTE, 0);
	/* Counted by neither side: only the end of the server. */
	reap_child(child);
	sides[0].end = account_now();
	truth_begin(sleeps ? "tcp both sleep" : "tcp both");
	expect_side(ASK, &sides[0]);
	expect_side(SERVE, &sides[1]);
	expect_both(&sides[0], &sides[1]);
	return truth_end();
}

static int run_server(void)
{
	struct side self = { .from = account_now() };

	listener = listen_at(0);
	printf("port %d open\n", port_of(listener));
	must(fflush(stdout), "stdout");
	serve(&self);
	truth_begin("tcp serve");
	expect_side(SERVE, &self);
	truth_verdict_of("idle", self.span, "it waits for a client that asks now and then");
	return truth_end();
}

static int run_client(int port, int64_t pause)
{
	struct side self = { .from = account_now() };
	int64_t blocked;

	ask(&self, port, pause ? PAUSED : SLEEP, pause);
	truth_begin("tcp ask");
	expect_side(ASK, &self);
	blocked = account_blocked(self.span);
	if (pause)
		return truth_end();
	truth_expect((struct expectation){
		.path = "wall.io_ns",
		.in = { blocked - blocked / 20 - 2 * MS, blocked + self.span.delay + 2 * MS },
		.why = "its only thread waits for a server that is not of this program; 5 %",
	});
	truth_verdict_of("io-bound", self.span, "it waits for a server outside");
	return truth_end();
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "both";

	sleeps = argc > 2 && !strcmp(argv[2], "sleep");
	if (!strcmp(mode, "both"))
		return run_both();
	if (!strcmp(mode, "serve"))
		return run_server();
	if (!strcmp(mode, "ask") && argc > 2)
		return run_client((int)number_arg(argv[2], 1, 65535),
				  argc > 3 ? number_arg(argv[3], 0, 1000) * MS : 0);
	fprintf(stderr, "usage: tcp both|serve [sleep], tcp ask PORT [PAUSE_MS]\n");
	return EXIT_FAILURE;
}
