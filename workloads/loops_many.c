// SPDX-License-Identifier: BSD-2-Clause
/* Several loops, or several threads in one. */
#include "loops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define HERD  4
#define WAKES 150
#define INNER 10 /* descriptors */

static struct watch watches[HERD];
static struct journal *journals[HERD];
static int ready[MOST];

/* --- an epoll inside an epoll --------------------------------------------------------------- */

/* First it waits for the inner one alone, so that both have waited. */
static void feed_inner(struct record *unused, int party)
{
	(void)unused, (void)party;
	for (long i = 0; i < ROUNDS; i++) {
		let_wait(i + 1);
		give_event(watches[1].fd[i % INNER]);
	}
}

static void take_inner(int n)
{
	for (int k = 0; k < n; k++) {
		take_event(watches[1].fd[ready[k]]);
		burn(200);
	}
}

static const char *run_nested(void)
{
	struct actor feeder = { .comm = "feeder", .body = feed_inner };

	for (int i = 0; i < 2; i++) {
		watch_begin(&watches[i], EPOLL);
		journals[i] = journal_new();
	}
	watch_events(&watches[1], INNER, 0);
	watch_add(&watches[0], watches[1].epoll, 0);
	name_thread(LOOP);
	actor_start(&feeder);
	for (int i = 0; i < ROUNDS; i++) {
		come_back();
		if (i >= ROUNDS / 4)
			turn(&watches[0], journals[0], FOREVER, ready);
		take_inner(turn(&watches[1], journals[1], i >= ROUNDS / 4 ? 0 : FOREVER, ready));
	}
	actor_end(&feeder);

	expect_rows(2);
	for (int i = 0; i < 2; i++) {
		const char *row = row_of(&watches[i]);

		expect_watch(row, &watches[i]);
		expect_crowd(row, LOOP, &journals[i], 1);
		expect_calls(row, &journals[i], 1);
	}
	expect_waiter(LOOP, "event.epoll", journals, 2);
	return NULL;
}

/* --- one after the other under one number --------------------------------------------------- */

static void feed_both(struct record *unused, int party)
{
	(void)unused, (void)party;
	for (long i = 0; i < 2 * WAKES; i++) {
		let_wait(i + 1);
		give_event(watches[i / WAKES].fd[0]);
	}
}

static void wait_in(int which)
{
	for (int i = 0; i < WAKES; i++) {
		come_back();
		turn(&watches[which], journals[which], FOREVER, ready);
		take_event(watches[which].fd[0]);
		/* The second is away for longer. */
		burn(which ? 2000 : 200);
	}
}

static const char *run_successor(void)
{
	struct actor feeder = { .comm = "feeder", .body = feed_both };
	int number;

	for (int i = 0; i < 2; i++) {
		watch_begin(&watches[i], EPOLL);
		watch_events(&watches[i], 3 + i, 0);
		journals[i] = journal_new();
	}
	number = watches[0].epoll;
	name_thread(LOOP);
	actor_start(&feeder);
	wait_in(0);
	must(dup2(watches[1].epoll, number), "dup2");
	must(close(watches[1].epoll), "close");
	watches[1].epoll = number;
	wait_in(1);
	actor_end(&feeder);

	expect_rows(2);
	for (int i = 0; i < 2; i++) {
		char row[64];

		snprintf(row, sizeof(row), "loops[watches=%d]", watches[i].n);
		expect_watch(row, &watches[i]);
		expect_loop(row, LOOP, journals[i], NULL);
		expect_calls(row, &journals[i], 1);
	}
	expect_waiter(LOOP, "event.epoll", journals, 2);
	return NULL;
}

/* --- loops side by side ---------------------------------------------------------------------- */

static void loop_beside(struct record *unused, int party)
{
	static __thread int found[MOST];
	int seat = party;

	(void)unused;
	for (int i = 0; i < 60 + 20 * seat; i++) {
		turn(&watches[seat], journals[seat], 2 + 2 * seat, found);
		burn(300 * (seat + 1));
	}
}

/* Two threads, of poll each: a row for each of them; their ends keep them apart. */
static const char *run_beside(void)
{
	struct actor loops[2];
	struct record *r = record_new();

	for (int i = 0; i < 2; i++) {
		watch_begin(&watches[i], POLL);
		watch_events(&watches[i], 3 + i, 0);
		journals[i] = journal_new();
		loops[i] = (struct actor){ .comm = i ? "second" : "first",
					   .body = loop_beside,
					   .record = r };
		actor_start(&loops[i]);
		/* Each by its number as a party. */
		while (__atomic_load_n(&r->parties, __ATOMIC_SEQ_CST) <= i)
			sleep_ns(100 * US);
	}
	for (int i = 0; i < 2; i++)
		actor_end(&loops[i]);

	expect_rows(2);
	for (int i = 0; i < 2; i++) {
		char row[64];

		snprintf(row, sizeof(row), "loops[watches=%d]", watches[i].n);
		expect_watch(row, &watches[i]);
		expect_loop(row, loops[i].comm, journals[i], NULL);
		expect_calls(row, &journals[i], 1);
		expect_waiter(loops[i].comm, "event.poll", &journals[i], 1);
	}
	return NULL;
}

/* --- a herd of threads in one instance ------------------------------------------------------ */

#define END 1 /* of the descriptors: what all of them are told by */

static int taken;

/* What came may have been taken by another one. */
static void take_of_herd(struct record *unused, int party)
{
	static __thread int found[MOST];
	eventfd_t value;
	int n;

	(void)unused;
	for (;;) {
		n = turn(&watches[0], journals[party], FOREVER, found);
		for (int k = 0; k < n; k++)
			if (found[k] == END)
				return;
		if (eventfd_read(watches[0].fd[0], &value) == -1)
			must(errno == EAGAIN ? 0 : -1, "eventfd_read");
		else
			__atomic_add_fetch(&taken, 1, __ATOMIC_SEQ_CST);
		burn(100);
	}
}

static const char *run_herd_of_threads(void)
{
	struct actor herd[HERD];
	struct record *r = record_new();

	watch_begin(&watches[0], EPOLL);
	watch_events(&watches[0], END + 1, 0);
	for (int i = 0; i < HERD; i++) {
		journals[i] = journal_new();
		herd[i] = (struct actor){ .comm = "herd", .body = take_of_herd, .record = r };
		actor_start(&herd[i]);
		while (__atomic_load_n(&r->parties, __ATOMIC_SEQ_CST) <= i)
			sleep_ns(100 * US);
	}
	while (__atomic_load_n(&taken, __ATOMIC_SEQ_CST) < WAKES) {
		sleep_ns(2 * MS);
		give_event(watches[0].fd[0]);
	}
	give_event(watches[0].fd[END]);
	for (int i = 0; i < HERD; i++)
		actor_end(&herd[i]);

	expect_rows(1);
	expect_watch(row_of(&watches[0]), &watches[0]);
	expect_crowd(row_of(&watches[0]), "herd*", journals, HERD);
	expect_calls(row_of(&watches[0]), journals, HERD);
	expect_waiter("herd*", "event.epoll", journals, HERD);
	return NULL;
}

/* --- a herd of processes at one socket ------------------------------------------------------ */

static int listener;
static int *accepted, *missed;
static uint32_t how_to_wait;

static void accept_in_herd(void *arg)
{
	int seat = *(int *)arg, fd;

	name_thread(truth_path("herd-%d", seat));
	watch_begin(&watches[seat], EPOLL);
	watch_add(&watches[seat], listener, how_to_wait);
	while (__atomic_load_n(accepted, __ATOMIC_SEQ_CST) < WAKES) {
		if (!turn(&watches[seat], journals[seat], 50, ready))
			continue;
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1) {
			must(errno == EAGAIN ? 0 : -1, "accept4");
			__atomic_add_fetch(missed, 1, __ATOMIC_SEQ_CST);
			continue;
		}
		__atomic_add_fetch(accepted, 1, __ATOMIC_SEQ_CST);
		must(close(fd), "close");
	}
}

/* Who sleeps on in its call was woken for nothing; who misses what it was told of, perhaps not yet when it
 * woke. */
static void expect_empty(void)
{
	int64_t on = slept_on(journals, HERD);

	truth_expect((struct expectation){
		.path = "io[cause=event.epoll]*.empty",
		.in = { on - on / 10 - 5, on + *missed + 5 },
		.why = "growth of ru_nvcsw over the calls beyond one each, and accept4() that "
		       "failed",
	});
}

static const char *run_herd_of_processes(void)
{
	pid_t children[HERD];
	int port, seats[HERD];

	listener = listen_at(0);
	must(fcntl(listener, F_SETFL, O_NONBLOCK), "F_SETFL");
	port = port_of(listener);
	accepted = shared_memory(sizeof(*accepted));
	missed = shared_memory(sizeof(*missed));
	for (int i = 0; i < HERD; i++) {
		seats[i] = i;
		journals[i] = journal_new();
		children[i] = start_child(accept_in_herd, &seats[i]);
	}
	for (int i = 0; i < WAKES; i++) {
		sleep_ns(2 * MS);
		must(close(connect_to(port)), "close");
	}
	for (int i = 0; i < HERD; i++)
		reap_child(children[i]);

	expect_rows(HERD);
	expect_empty();
	for (int i = 0; i < HERD; i++) {
		char row[64], who[16];

		snprintf(who, sizeof(who), "herd-%d", i);
		snprintf(row, sizeof(row), "loops[pid=%d]", children[i]);
		expect_crowd(row, who, &journals[i], 1);
		expect_calls(row, &journals[i], 1);
		expect_waiter(who, "event.epoll", &journals[i], 1);
	}
	return NULL;
}

static const char *run_herd_of_one(void)
{
	how_to_wait = EPOLLEXCLUSIVE;
	return run_herd_of_processes();
}

/* --- an instance that a child has, too -------------------------------------------------------- */

static void feed_parent_and_child(struct record *unused, int party)
{
	(void)unused, (void)party;
	for (long i = 0; i < 2 * WAKES; i++) {
		let_wait(i + 1);
		give_event(watches[0].fd[0]);
	}
}

static void wait_inherited(void *which)
{
	name_thread(LOOP);
	for (int i = 0; i < WAKES; i++) {
		come_back();
		turn(&watches[0], journals[*(int *)which], FOREVER, ready);
		take_event(watches[0].fd[0]);
		burn(200);
	}
}

/* The child first, then the parent: never both. */
static const char *run_inherited(void)
{
	struct actor feeder = { .comm = "feeder", .body = feed_parent_and_child };
	int parents = 0, childs = 1;
	pid_t child;

	watch_begin(&watches[0], EPOLL);
	watch_events(&watches[0], 5, 0);
	for (int i = 0; i < 2; i++)
		journals[i] = journal_new();
	child = start_child(wait_inherited, &childs);
	actor_start(&feeder);
	reap_child(child);
	wait_inherited(&parents);
	actor_end(&feeder);

	expect_rows(1);
	expect_watch(row_of(&watches[0]), &watches[0]);
	truth_number(truth_path("%s.pid", row_of(&watches[0])), child, "it is the first to wait");
	expect_crowd(row_of(&watches[0]), LOOP "*", journals, 2);
	expect_calls(row_of(&watches[0]), journals, 2);
	expect_waiter(LOOP "*", "event.epoll", journals, 2);
	return NULL;
}

const struct mode many_loops[] = {
	{ "nested", run_nested },
	{ "successor", run_successor },
	{ "beside", run_beside },
	{ "herd-threads", run_herd_of_threads },
	{ "herd-processes", run_herd_of_processes },
	{ "herd-exclusive", run_herd_of_one },
	{ "inherited", run_inherited },
	{ NULL, NULL },
};
