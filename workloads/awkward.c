// SPDX-License-Identifier: BSD-2-Clause
/* awkward MODE: one kernel situation each, of less than a second. Without MODE: lists them. */
#include "awkward.h"

#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct account awkward_from;
const char *awkward_arg;
int kick_pipe[2];

static struct account before, span;
static void (*kick_before)(void), (*kick_after)(void);
static sem_t kick_ready;
static pthread_t main_thread;

static const struct mode *const tables[] = { lock_modes, io_modes, ipc_modes, task_modes,
					     fault_modes };
#define TABLES (sizeof(tables) / sizeof(tables[0]))

void wait_begins(void)
{
	before = account_now();
}

void wait_ends(void)
{
	span = account_since(before);
}

struct account wait_span(void)
{
	return span;
}

static void *kicker(void *unused)
{
	name_thread("aw-kick");
	if (kick_before) {
		kick_before();
		must(sem_post(&kick_ready), "sem_post");
	}
	sleep_ns(NAP);
	if (kick_after)
		kick_after();
	return unused;
}

pthread_t kick(void (*first)(void), void (*last)(void))
{
	pthread_t thread;

	kick_before = first;
	kick_after = last;
	must(sem_init(&kick_ready, 0, 0), "sem_init");
	thread = start_thread(kicker, NULL);
	if (first)
		must(sem_wait(&kick_ready), "sem_wait");
	return thread;
}

void open_kick_pipe(void)
{
	must(pipe(kick_pipe), "pipe");
}

void write_kick_pipe(void)
{
	must(write(kick_pipe[1], "x", 1), "write");
}

void signal_main(void)
{
	must0(pthread_kill(main_thread, SIGUSR1), "pthread_kill");
}

void reap(pid_t child)
{
	int status;

	must(waitpid(child, &status, 0), "waitpid");
	if (status) {
		fprintf(stderr, "the child failed: wait status %d\n", status);
		exit(EXIT_FAILURE);
	}
}

static const struct mode *find_mode(const char *name)
{
	for (size_t i = 0; i < TABLES; i++)
		for (const struct mode *m = tables[i]; m->name; m++)
			if (!strcmp(m->name, name))
				return m;
	return NULL;
}

static int list_modes(void)
{
	for (size_t i = 0; i < TABLES; i++)
		for (const struct mode *m = tables[i]; m->name; m++)
			puts(m->name);
	return EXIT_SUCCESS;
}

static void run(const struct mode *mode)
{
	char comm[16];
	const char *reason;

	snprintf(comm, sizeof(comm), "aw-%s", mode->name);
	name_thread(comm);
	reason = mode->run();
	if (reason)
		truth_skip(reason);
	else if (mode->cause)
		truth_waits(comm, mode->cause, span, (struct bounds){ 1, span.voluntary + 2 },
			    "one wait, ended by another after 100 ms; at most ru_nvcsw, and two "
			    "short ones outside it");
}

int main(int argc, char **argv)
{
	const struct mode *mode;

	awkward_from = account_now();
	awkward_arg = argc > 2 ? argv[2] : NULL;
	main_thread = pthread_self();
	if (argc < 2)
		return list_modes();
	mode = find_mode(argv[1]);
	if (!mode) {
		fprintf(stderr, "awkward: no mode '%s'; without one it lists them\n", argv[1]);
		return EXIT_FAILURE;
	}
	truth_begin(truth_path("awkward %s", mode->name));
	run(mode);
	return truth_end();
}
