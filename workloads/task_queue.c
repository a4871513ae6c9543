// SPDX-License-Identifier: BSD-2-Clause
/*
 * task_queue [WORKERS]: a server process hands tasks over TCP to worker processes, each a new one
 * when it is done with the last.
 */
#include "truth.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER "queue-server"
#define WORKER "queue-worker"
#define MAX    64
#define TASKS  500
#define STEPS  2000 /* of each task */
#define STOP   UINT64_MAX

struct worker {
	struct account span;
	int64_t tasks;
};

static struct worker *workers;
static struct pollfd fds[MAX];
static int port;

/* Asks by its last result for the next task. */
static void work(void *arg)
{
	struct account before = account_now();
	struct worker *self = arg;
	uint64_t word = STOP;
	int fd;

	name_thread(WORKER);
	fd = connect_to(port);
	for (;; self->tasks++) {
		must(send(fd, &word, sizeof(word), MSG_NOSIGNAL), "send");
		must(recv(fd, &word, sizeof(word), MSG_WAITALL) == sizeof(word) ? 0 : -1, "recv");
		if (word == STOP)
			break;
		burn(STEPS);
	}
	must(close(fd), "close");
	self->span = account_since(before);
}

/* The next task, or the word that there is none. */
static void answer(struct pollfd *fd, uint64_t *next)
{
	uint64_t word;

	must(recv(fd->fd, &word, sizeof(word), MSG_WAITALL) == sizeof(word) ? 0 : -1, "recv");
	word = *next < TASKS ? (*next)++ : STOP;
	must(send(fd->fd, &word, sizeof(word), MSG_NOSIGNAL), "send");
	if (word == STOP) {
		must(close(fd->fd), "close");
		fd->fd = -1; /* which poll() passes over */
	}
}

static void hand_out(int listener, int count)
{
	uint64_t next = 0;

	for (int i = 0; i < count; i++) {
		fds[i].fd = (int)must(accept(listener, NULL, NULL), "accept");
		fds[i].events = POLLIN;
	}
	for (int left = count; left;) {
		must(poll(fds, (nfds_t)count, -1), "poll");
		for (int i = 0; i < count; i++) {
			if (!fds[i].revents)
				continue;
			answer(&fds[i], &next);
			left -= fds[i].fd == -1;
		}
	}
}

static void expect_waits(struct account server, struct account sum, int count)
{
	int64_t waits = sum.voluntary;

	truth_threads(WORKER "*", count, sum);
	truth_waits(WORKER "*", "io.socket", sum,
		    (struct bounds){ waits - waits / 20 - 2, waits + 2 },
		    "ru_nvcsw of the workers, that wait only for the server; 5 % may be locks");
	truth_expect((struct expectation){
		.path = blocked_path(SERVER, "event.poll", "count"),
		.in = { server.voluntary - server.voluntary / 20 - count, server.voluntary },
		.why = "ru_nvcsw of the server: it waits in poll() but for the connections; 5 %",
	});
	truth_expect((struct expectation){
		.path = "wall.io_ns",
		.in = { 0, server.wall / 20 },
		.why = "each of them waits for another of them; 5 %",
	});
}

static void expect_verdict(int count, struct account sum)
{
	int cpus = cpus_allowed();

	if (count > cpus)
		truth_verdict("oversubscribed|cpu-bound",
			      "more workers than allowed CPUs, but each is done with a task before "
			      "it is preempted for long");
	else
		truth_verdict_of("cpu-bound", sum, "the workers compute, and have a CPU each");
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? (int)number_arg(argv[1], 1, MAX) : 4, listener = listen_at(0);
	struct account from = account_now(), before, server, sum = { 0 };
	pid_t children[MAX];
	int64_t tasks = 0;

	name_thread(SERVER);
	workers = shared_memory(MAX * sizeof(*workers));
	port = port_of(listener);
	for (int i = 0; i < count; i++)
		children[i] = start_child(work, &workers[i]);
	before = account_now();
	hand_out(listener, count);
	server = account_since(before);
	for (int i = 0; i < count; i++) {
		reap_child(children[i]);
		account_add(&sum, workers[i].span);
		tasks += workers[i].tasks;
	}
	must(tasks == TASKS ? 0 : -1, "the tasks");

	truth_begin(truth_path("task_queue %d", count));
	truth_thread(SERVER, from, account_now());
	truth_number("totals.processes", count + 1, "the server and its workers");
	truth_number("totals.threads", count + 1, "a thread for each process");
	expect_waits(server, sum, count);
	expect_verdict(count, sum);
	return truth_end();
}
