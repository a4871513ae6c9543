// SPDX-License-Identifier: BSD-2-Clause
/*
 * loops MODE [--calls]: a thread waits for one of many descriptors again and again, and sees to
 * what is ready. With --calls the truth has what concprof's option of that name counts, too.
 * Without MODE: lists them.
 */
#include "loops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define HANDLE 200 /* steps, of about 1 us each */

bool with_calls;
struct journal *journal;

static const struct plan *const tables[] = { plain_plans, away_plans };
#define TABLES (sizeof(tables) / sizeof(tables[0]))

static const struct plan *plan;
static struct watch watch;
static long *came_back; /* in memory that children share */

void come_back(void)
{
	__atomic_add_fetch(came_back, 1, __ATOMIC_SEQ_CST);
}

/* From 1 to 4 ms, 2 in the middle; n: any number. */
static int64_t pause_ns(long n)
{
	int64_t x = (uint32_t)n * 2654435761u >> 22; /* below 1024 */

	return MS + 3 * MS * x * x / (1024 * 1024);
}

void let_wait(long times)
{
	while (__atomic_load_n(came_back, __ATOMIC_SEQ_CST) < times)
		sleep_ns(100 * US);
	sleep_ns(pause_ns(times));
}

void take_event(int fd)
{
	eventfd_t value;

	must(eventfd_read(fd, &value), "eventfd_read");
}

void give_event(int fd)
{
	must(eventfd_write(fd, 1), "eventfd_write");
}

void handle_it(const struct watch *w, int which, long i)
{
	(void)i;
	take_event(w->fd[which]);
	burn(HANDLE);
}

static long rounds(void)
{
	return plan->rounds ? plan->rounds : ROUNDS;
}

static void feed(struct record *unused, int party)
{
	(void)unused, (void)party;
	for (long i = 0; i < rounds(); i++) {
		let_wait(i + 1);
		give_event(watch.fd[(uint32_t)i * 2654435761u % (uint32_t)watch.n]);
	}
}

static void loop(void)
{
	void (*handle)(const struct watch *, int, long) = plan->handle ? plan->handle : handle_it;
	static int ready[MOST];

	for (long i = 0; i < rounds(); i++) {
		int n;

		come_back();
		n = turn(&watch, journal, plan->timeout ? plan->timeout : FOREVER, ready);
		for (int k = 0; k < n; k++)
			handle(&watch, ready[k], i);
	}
}

static void expect_plan(struct account from)
{
	const char *row = row_of(&watch);

	truth_thread(LOOP, from, account_now());
	expect_rows(1);
	expect_watch(row, &watch);
	expect_loop(row, LOOP, journal, plan->cause);
	expect_calls(row, &journal, 1);
	expect_waiter(LOOP, watch_cause(&watch), &journal, 1);
}

static const char *run_plan(struct account from)
{
	struct actor feeder = { .comm = "feeder", .body = feed };
	const char *reason = NULL;

	journal = journal_new();
	watch_begin(&watch, plan->how);
	watch_events(&watch, plan->watched, plan->also);
	if (!plan->timeout)
		actor_start(&feeder);
	if (plan->make)
		reason = plan->make();
	if (reason) {
		truth_skip(reason);
		/* The feeder waits for a loop that does not come. */
		exit(truth_end());
	}
	name_thread(LOOP);
	loop();
	if (plan->end)
		plan->end();
	if (!plan->timeout)
		actor_end(&feeder);
	/* So many would make the exit long. */
	watch_end(&watch);
	expect_plan(from);
	return NULL;
}

/* --- modes ---------------------------------------------------------------------------------- */

static const struct plan *find_plan(const char *name)
{
	for (size_t i = 0; i < TABLES; i++)
		for (const struct plan *p = tables[i]; p->name; p++)
			if (!strcmp(p->name, name))
				return p;
	return NULL;
}

static const struct mode *find_mode(const char *name)
{
	for (const struct mode *m = many_loops; m->name; m++)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

static int list_modes(void)
{
	for (size_t i = 0; i < TABLES; i++)
		for (const struct plan *p = tables[i]; p->name; p++)
			puts(p->name);
	for (const struct mode *m = many_loops; m->name; m++)
		puts(m->name);
	return EXIT_SUCCESS;
}

static void allow_descriptors(void)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

int main(int argc, char **argv)
{
	struct account from = account_now();
	const struct mode *mode;
	const char *reason;

	if (argc < 2)
		return list_modes();
	plan = find_plan(argv[1]);
	mode = find_mode(argv[1]);
	if (!plan && !mode) {
		fprintf(stderr, "loops: no mode '%s'; without one it lists them\n", argv[1]);
		return EXIT_FAILURE;
	}
	with_calls = argc > 2 && !strcmp(argv[2], "--calls");
	allow_descriptors();
	came_back = shared_memory(sizeof(*came_back));
	truth_begin(truth_path("loops %s", argv[1]));
	reason = plan ? run_plan(from) : mode->run();
	if (reason)
		truth_skip(reason);
	return truth_end();
}
