// SPDX-License-Identifier: BSD-2-Clause
/* pingpong [--time] [ROUNDS]: two processes on one CPU pass a byte to and fro through two pipes. */
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct player {
	struct account span; /* of the rounds alone */
	struct account end;
};

static void play(struct player *self, const int in, const int out, long rounds, bool serves)
{
	struct account before = account_now();
	char byte = 0;

	for (long i = 0; i < rounds; i++) {
		if (serves)
			must(write(out, &byte, 1), "write");
		must(read(in, &byte, 1), "read");
		if (!serves)
			must(write(out, &byte, 1), "write");
	}
	self->end = account_now();
	self->span = account_since(before);
}

static void expect_player(const char *comm, struct account from, const struct player *player)
{
	int64_t waits = player->span.voluntary;

	truth_thread(comm, from, player->end);
	truth_waits(comm, "io.pipe", player->span,
		    (struct bounds){ waits - waits / 1000, waits + 2 },
		    "ru_nvcsw of the rounds: only reads of the pipe can block; 0.1 % may wait for "
		    "the pipe's lock");
}

static void referee(pid_t child)
{
	int status;

	must(waitpid(child, &status, 0), "waitpid");
	if (status) {
		fprintf(stderr, "pong failed: wait status %d\n", status);
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char **argv)
{
	struct account from = account_now();
	bool timed = argc > 1 && !strcmp(argv[1], "--time");
	long rounds = argc > 1 + timed ? (long)number_arg(argv[1 + timed], 1, 1000000000) : 100000;
	struct player *players = shared_memory(2 * sizeof(*players));
	int there[2], back[2];
	pid_t child;

	must(pipe(there), "pipe");
	must(pipe(back), "pipe");
	bind_to_one_cpu();
	child = (pid_t)must(fork(), "fork");
	name_thread(child ? "ping" : "pong");
	if (!child) {
		play(&players[1], there[0], back[1], rounds, false);
		_exit(0);
	}
	play(&players[0], back[0], there[1], rounds, true);
	referee(child);
	if (timed)
		fprintf(stderr, "%.1f ns per switch\n",
			(double)players[0].span.wall / (double)(2 * rounds));

	truth_begin("pingpong");
	players[0].end = account_now();
	expect_player("ping", from, &players[0]);
	expect_player("pong", (struct account){ 0 }, &players[1]);
	truth_expect((struct expectation){
		.path = "totals.processes",
		.in = { 2, 2 },
		.why = "ping and pong",
	});
	return truth_end();
}
