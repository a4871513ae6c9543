// SPDX-License-Identifier: BSD-2-Clause
/* What threads know of their own waits, and the ways to make them wait for each other. */
#include "locks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static __thread struct {
	pid_t tid; /* whose file it is: a child has its parent's copy */
	int fd;
} schedstat;
static __thread struct account before, last;

static int64_t own_delay(void)
{
	char text[128], *end;
	ssize_t n;

	if (schedstat.tid != gettid()) {
		schedstat.tid = gettid();
		schedstat.fd = (int)must(open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC),
					 "/proc/thread-self/schedstat");
	}
	n = must(pread(schedstat.fd, text, sizeof(text) - 1, 0), "pread");
	text[n] = '\0';
	hope(strtoll(text, &end, 10) < 0 ? -1 : 0, "strtoll");
	return strtoll(end, NULL, 10);
}

struct account look(void)
{
	struct rusage u, after;
	struct account a;

	/* All of one moment: once more if it lost the CPU between two of the readings. */
	do {
		must(getrusage(RUSAGE_THREAD, &u), "getrusage");
		a = (struct account){
			.delay = own_delay(),
			.voluntary = u.ru_nvcsw,
			.involuntary = u.ru_nivcsw,
			.major_faults = u.ru_majflt,
		};
		a.cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		a.wall = clock_ns(CLOCK_MONOTONIC);
		must(getrusage(RUSAGE_THREAD, &after), "getrusage");
	} while (after.ru_nvcsw != u.ru_nvcsw || after.ru_nivcsw != u.ru_nivcsw);
	return a;
}

struct record *record_new(void)
{
	return shared_memory(sizeof(struct record));
}

static int next_of(int *count, int max)
{
	int i = __atomic_fetch_add(count, 1, __ATOMIC_SEQ_CST);

	if (i >= max) {
		fprintf(stderr, "locks: a record is full\n");
		exit(EXIT_FAILURE);
	}
	return i;
}

int record_enter(struct record *r)
{
	int party = next_of(&r->parties, PARTIES);

	r->party[party].tid = gettid();
	return party;
}

void call_begins(void)
{
	before = look();
}

static void end_call(struct record *r, int party, bool timed_out)
{
	struct account span;

	last = look();
	span = account_between(before, last);
	if (!span.voluntary)
		return;
	r->wait[next_of(&r->waits, LOG)] = (struct wait){
		.from = before.wall,
		.ns = account_blocked(span),
		.count = span.voluntary,
		.party = party,
		.timed_out = timed_out,
	};
}

void call_ends(struct record *r, int party)
{
	end_call(r, party, false);
}

void call_times_out(struct record *r, int party)
{
	end_call(r, party, true);
}

void hold_begins(struct record *r, int party)
{
	r->taking[next_of(&r->takings, LOG)] = (struct taking){ last.wall, 0, party };
}

void hold_ends(struct record *r, int party)
{
	struct account now = look();

	account_add(&r->party[party].held, account_between(last, now));
	r->taking[r->takings - 1].until = now.wall;
}

void hold_asleep(int seat)
{
	sleep_ns((seat + 1) * MS / 2);
}

struct seat {
	const struct contest *contest;
	struct record *record;
	int number;
};

static void contend(const struct seat *s)
{
	const struct contest *c = s->contest;
	int64_t end;
	int party;

	name_thread(CONTENDER);
	/* Two on one CPU would hardly meet: while one sleeps the other is through. */
	bind_to_cpu(s->number);
	if (c->begin)
		c->begin(s->number);
	party = record_enter(s->record);
	while (__atomic_load_n(&s->record->parties, __ATOMIC_SEQ_CST) < c->seats)
		sleep_ns(100 * US);
	end = clock_ns(CLOCK_MONOTONIC) + CONTEST_NS;
	while (__atomic_load_n(&s->record->waits, __ATOMIC_SEQ_CST) < c->waits &&
	       clock_ns(CLOCK_MONOTONIC) < end) {
		call_begins();
		c->take(s->number);
		call_ends(s->record, party);
		hold_begins(s->record, party);
		if (c->hold)
			c->hold(s->number);
		else
			burn(500 * (s->number + 1));
		hold_ends(s->record, party);
		c->drop(s->number);
		sleep_ns(c->pause);
	}
}

static void *contend_as_thread(void *seat)
{
	contend(seat);
	return NULL;
}

static void contend_as_process(void *seat)
{
	contend(seat);
}

struct record *contest_of_threads(const struct contest *c)
{
	struct record *r = record_new();
	struct seat seats[PARTIES];
	pthread_t ids[PARTIES];

	for (int i = 0; i < c->seats; i++) {
		seats[i] = (struct seat){ c, r, i };
		ids[i] = start_thread(contend_as_thread, &seats[i]);
	}
	for (int i = 0; i < c->seats; i++)
		join_thread(ids[i]);
	return r;
}

struct record *contest_of_processes(const struct contest *c)
{
	struct record *r = record_new();
	pid_t children[PARTIES];

	for (int i = 0; i < c->seats; i++)
		children[i] = start_child(contend_as_process, &(struct seat){ c, r, i });
	for (int i = 0; i < c->seats; i++)
		reap_child(children[i]);
	return r;
}

static void *act(void *arg)
{
	struct actor *a = arg;

	name_thread(a->comm);
	a->tid = gettid();
	a->body(a->record, a->record ? record_enter(a->record) : NOBODY);
	return NULL;
}

void actor_start(struct actor *a)
{
	a->thread = start_thread(act, a);
}

void actor_end(struct actor *a)
{
	join_thread(a->thread);
}

void await(const bool *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_SEQ_CST))
		sleep_ns(100 * US);
}

void tell(bool *flag)
{
	__atomic_store_n(flag, true, __ATOMIC_SEQ_CST);
}

struct timespec deadline(clockid_t clock, int64_t after)
{
	int64_t at = clock_ns(clock) + after;

	return (struct timespec){ .tv_sec = at / SEC, .tv_nsec = at % SEC };
}
