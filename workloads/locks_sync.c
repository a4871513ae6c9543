// SPDX-License-Identifier: BSD-2-Clause
/* Waits for what another thread does: conditions, semaphores, barriers, ends and beginnings. */
#include "locks.h"

#include <errno.h>
#include <semaphore.h>
#include <unistd.h>

#define SIGNALS 60
#define PERIOD	(3 * MS)

/* Not static: their names are to be found in the report. */
pthread_mutex_t mail_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t mail_arrived = PTHREAD_COND_INITIALIZER;
pthread_cond_t never_signalled = PTHREAD_COND_INITIALIZER;
sem_t connections, tickets;
pthread_barrier_t frame_barrier;
pthread_once_t catalogue_once = PTHREAD_ONCE_INIT;

static int letters;
static struct record *record;
static pid_t initialiser;

static void lock(void)
{
	must0(pthread_mutex_lock(&mail_lock), "pthread_mutex_lock");
}

static void unlock(void)
{
	must0(pthread_mutex_unlock(&mail_lock), "pthread_mutex_unlock");
}

/* The mutex is free when the other wakes: it waits for the condition alone. */
static void send_letters(struct record *unused, int party)
{
	(void)unused, (void)party;
	for (int i = 0; i < SIGNALS; i++) {
		sleep_ns(PERIOD);
		lock();
		letters++;
		unlock();
		must0(pthread_cond_signal(&mail_arrived), "pthread_cond_signal");
	}
}

static void receive_letters(struct record *r, int party)
{
	for (int i = 0; i < SIGNALS; i++) {
		lock();
		while (letters <= i) {
			call_begins();
			must0(pthread_cond_wait(&mail_arrived, &mail_lock), "pthread_cond_wait");
			call_ends(r, party);
		}
		unlock();
	}
}

/* One thread waits for what another does; the latter's tid. */
static pid_t run_two(void (*source)(struct record *, int), void (*waiter)(struct record *, int))
{
	struct actor s = { .comm = "source", .body = source };
	struct actor w = { .comm = "waiter", .body = waiter };

	w.record = record = record_new();
	actor_start(&w);
	actor_start(&s);
	actor_end(&w);
	actor_end(&s);
	return s.tid;
}

static const char *run_cond(void)
{
	const struct row row = {
		.how = "waker", .which = "name=mail_arrived", .kind = "cond", .who = "waiter"
	};
	pid_t source = run_two(send_letters, receive_letters);

	expect_row(record, &row);
	expect_culprit(record, &row, source);
	expect_ledger_or_futex(record, &row, "sync.cond");
	expect_no_contention("the mutex is free whenever somebody wants it");
	return NULL;
}

static void wait_in_vain(struct record *r, int party)
{
	for (int i = 0; i < 10; i++) {
		struct timespec t = deadline(CLOCK_REALTIME, 10 * MS);
		int error;

		lock();
		call_begins();
		error = pthread_cond_timedwait(&never_signalled, &mail_lock, &t);
		must0(error == ETIMEDOUT ? 0 : EBUSY, "pthread_cond_timedwait");
		call_times_out(r, party);
		unlock();
	}
}

static const char *run_cond_timeout(void)
{
	const struct row row = { .which = "name=never_signalled", .kind = "cond", .who = "waiter" };
	struct actor w = { .comm = "waiter", .body = wait_in_vain };

	w.record = record_new();
	actor_start(&w);
	actor_end(&w);
	expect_row(w.record, &row);
	expect_ledger_or_futex(w.record, &row, "sync.cond");
	expect_no_contention("nobody else wants the mutex");
	return NULL;
}

static void connect_one(int seat)
{
	(void)seat;
	must(sem_wait(&connections), "sem_wait");
}

static void release_one(int seat)
{
	(void)seat;
	must(sem_post(&connections), "sem_post");
}

static void use_connection(int seat)
{
	sleep_ns((seat + 1) * MS);
}

/* Two of a resource, for four threads. */
static const char *run_sem_pool(void)
{
	const struct contest c = { .take = connect_one,
				   .drop = release_one,
				   .hold = use_connection,
				   .seats = 4,
				   .waits = 120,
				   .pause = 100 * US };
	const struct row row = { .which = "name=connections", .kind = "sem", .who = CONTENDER "*" };
	struct record *r;

	must(sem_init(&connections, 0, 2), "sem_init");
	r = contest_of_threads(&c);
	expect_row(r, &row);
	expect_ledger_or_futex(r, &row, "sync.sem");
	return NULL;
}

static void post_tickets(struct record *unused, int party)
{
	(void)unused, (void)party;
	for (int i = 0; i < SIGNALS; i++) {
		sleep_ns(PERIOD);
		must(sem_post(&tickets), "sem_post");
	}
}

static void collect_tickets(struct record *r, int party)
{
	for (int i = 0; i < SIGNALS; i++) {
		call_begins();
		must(sem_wait(&tickets), "sem_wait");
		call_ends(r, party);
	}
}

static const char *run_sem_signal(void)
{
	const struct row row = { .which = "name=tickets", .kind = "sem", .who = "waiter" };
	pid_t source;

	must(sem_init(&tickets, 0, 0), "sem_init");
	source = run_two(post_tickets, collect_tickets);
	expect_row(record, &row);
	expect_culprit(record, &row, source);
	expect_ledger_or_futex(record, &row, "sync.sem");
	expect_no_contention("one waits until another has something for it");
	truth_verdict("sleep-bound", "all that is waited for is another's sleep");
	return NULL;
}

static void wait_in_vain_for_ticket(struct record *r, int party)
{
	for (int i = 0; i < 10; i++) {
		struct timespec t = deadline(CLOCK_REALTIME, 10 * MS);

		call_begins();
		must(sem_timedwait(&tickets, &t) == -1 && errno == ETIMEDOUT ? 0 : -1,
		     "sem_timedwait");
		call_times_out(r, party);
	}
}

static const char *run_sem_timeout(void)
{
	const struct row row = { .which = "name=tickets", .kind = "sem", .who = "waiter" };
	struct actor w = { .comm = "waiter", .body = wait_in_vain_for_ticket };

	must(sem_init(&tickets, 0, 0), "sem_init");
	w.record = record_new();
	actor_start(&w);
	actor_end(&w);
	expect_row(w.record, &row);
	expect_ledger_or_futex(w.record, &row, "sync.sem");
	expect_no_contention("nobody posts it");
	return NULL;
}

static void draw_frames(struct record *r, int party)
{
	for (int i = 0; i < 50; i++) {
		int rc;

		sleep_ns((1 + (i + party) % 3) * MS);
		call_begins();
		rc = pthread_barrier_wait(&frame_barrier);
		call_ends(r, party);
		must0(rc == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : rc, "pthread_barrier_wait");
	}
}

static struct record *run_actors(struct actor *actors, int count,
				 void (*body)(struct record *, int))
{
	struct record *r = record_new();

	for (int i = 0; i < count; i++) {
		actors[i] = (struct actor){ .comm = "waiter", .body = body, .record = r };
		actor_start(&actors[i]);
	}
	for (int i = 0; i < count; i++)
		actor_end(&actors[i]);
	return r;
}

static const char *run_barrier(void)
{
	const struct row row = { .which = "name=frame_barrier",
				 .kind = "barrier",
				 .who = "waiter*" };
	struct actor actors[3];
	struct record *r;

	must0(pthread_barrier_init(&frame_barrier, NULL, 3), "pthread_barrier_init");
	r = run_actors(actors, 3, draw_frames);
	expect_row(r, &row);
	expect_ledger_or_futex(r, &row, "sync.barrier");
	expect_no_contention("they wait for the last of them");
	return NULL;
}

static void sleep_a_while(struct record *r, int party)
{
	call_begins();
	call_ends(r, party);
	hold_begins(r, party);
	sleep_ns(60 * MS);
}

/* The word that is waited for lies in the other thread's memory, which has no symbol. */
__attribute__((noinline)) void join_sleepers(struct record *r, int party)
{
	for (int i = 0; i < 3; i++) {
		struct actor a = { .comm = "source", .body = sleep_a_while, .record = r };

		actor_start(&a);
		sleep_ns(10 * MS);
		call_begins();
		must0(pthread_join(a.thread, NULL), "pthread_join");
		call_ends(r, party);
	}
}

static const char *run_join(void)
{
	const struct row row = { .which = "name=join_sleepers", .kind = "join", .who = "waiter" };
	struct actor w = { .comm = "waiter", .body = join_sleepers };

	w.record = record_new();
	actor_start(&w);
	actor_end(&w);
	expect_row(w.record, &row);
	expect_holders(w.record, &row);
	expect_ledger(w.record, &row, "sync.join");
	return NULL;
}

static void make_catalogue(void)
{
	initialiser = gettid();
	sleep_ns(100 * MS);
}

static void open_catalogue(struct record *r, int party)
{
	call_begins();
	must0(pthread_once(&catalogue_once, make_catalogue), "pthread_once");
	/* Who does it sleeps in it, but does not wait for it. */
	if (initialiser != gettid())
		call_ends(r, party);
}

static const char *run_once(void)
{
	const struct row row = { .which = "name=catalogue_once", .kind = "once", .who = "waiter*" };
	struct actor actors[4];
	struct record *r = run_actors(actors, 4, open_catalogue);

	expect_row(r, &row);
	expect_culprit(r, &row, initialiser);
	expect_ledger(r, &row, "sync.futex");
	expect_no_deadlock("it is made in time");
	return NULL;
}

const struct mode sync_modes[] = {
	{ "cond", run_cond },
	{ "cond-timeout", run_cond_timeout },
	{ "sem-pool", run_sem_pool },
	{ "sem-signal", run_sem_signal },
	{ "sem-timeout", run_sem_timeout },
	{ "barrier", run_barrier },
	{ "join", run_join },
	{ "once", run_once },
	{ 0 },
};
