// SPDX-License-Identifier: BSD-2-Clause
/* Handlers of signals that compute and wait, on the stack that was there and on one of their own; and a
 * process that has signals, and no handler. */
#include "channels.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SPAN  (1500 * MS)
#define SHARE 0.16 /* four times what 150 samples of a half scatter by */

struct struck {
	volatile int64_t ran, waited; /* in its handler */
	int64_t all;		      /* computing, in and out of it */
	volatile pid_t pid;
	volatile int done;
};

static struct struck *struck, *itself;
static const char *const names[] = { "struck", "struck-apart", "unharmed" };

#define KINDS (sizeof(names) / sizeof(*names))

static void burn_for(int64_t ns)
{
	int64_t from = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) - from < ns)
		burn(20);
}

static void on_struck(int number)
{
	int64_t cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	struct account before;

	(void)number;
	burn_for(2 * MS);
	itself->ran += clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
	before = account_now();
	sleep_ns(MS);
	itself->waited += account_blocked(account_since(before));
}

static void handle(bool is_apart)
{
	struct sigaction action = { .sa_handler = on_struck,
				    .sa_flags = is_apart ? SA_ONSTACK : 0 };
	stack_t apart = { .ss_size = 64 << 10 };

	if (is_apart) {
		apart.ss_sp = malloc(apart.ss_size);
		must(apart.ss_sp ? 0 : -1, "malloc");
		must(sigaltstack(&apart, NULL), "sigaltstack");
	}
	must(sigaction(SIGRTMIN, &action, NULL), "sigaction");
}

static void be_struck(void *arg)
{
	size_t kind = (size_t)arg;

	itself = &struck[kind];
	name_thread(names[kind]);
	if (kind < KINDS - 1)
		handle(kind == 1);
	else
		block_signal();
	itself->pid = getpid();
	while (!itself->done) {
		burn_for(MS);
		if (kind == KINDS - 1)
			sleep_ns(MS);
	}
	itself->all = clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Not in step with any clock. */
static void strike(void)
{
	int64_t end = clock_ns(CLOCK_MONOTONIC) + SPAN;
	unsigned int dice = 1;

	for (size_t i = 0; i < KINDS; i++) {
		while (!struck[i].pid)
			sleep_ns(100 * US);
	}
	while (clock_ns(CLOCK_MONOTONIC) < end) {
		dice = dice * 1103515245 + 12345;
		sleep_ns(3 * MS + (dice >> 16) % 3000 * US);
		for (size_t i = 0; i < KINDS; i++)
			must(kill(struck[i].pid, SIGRTMIN), "kill");
	}
	for (size_t i = 0; i < KINDS; i++)
		struck[i].done = 1;
}

static void expect(size_t kind)
{
	const struct struck *s = &struck[kind];
	const char *of = truth_path("signal_handlers[process.comm=%s]", names[kind]);
	int64_t least = s->waited * 98 / 100;

	truth_expect((struct expectation){
		.path = truth_path("%s.running_ns", of),
		.in = { s->ran - (int64_t)(s->all * SHARE), s->ran + (int64_t)(s->all * SHARE) },
		.why = "its own clock in the handler, sampled",
	});
	truth_expect((struct expectation){
		.path = truth_path("%s.waiting_ns", of),
		.in = { least, s->waited * 102 / 100 },
		.why = "all its sleep is in the handler",
	});
}

static const char *run(void)
{
	pid_t children[KINDS];

	struck = shared_memory(KINDS * sizeof(*struck));
	for (size_t i = 0; i < KINDS; i++)
		children[i] = start_child(be_struck, (void *)i);
	strike();
	for (size_t i = 0; i < KINDS; i++)
		reap_child(children[i]);
	expect(0);
	expect(1);
	truth_number("signal_handlers", KINDS - 1, "the third has no handler");
	return NULL;
}

const struct mode handler_channels[] = {
	{ "signal-handlers", run },
	{ 0 },
};
