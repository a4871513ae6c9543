// SPDX-License-Identifier: BSD-2-Clause
/* Locks for many readers or one writer. */
#include "locks.h"

#define ROUNDS 40

/* Not static: their names are to be found in the report. */
pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;
pthread_rwlock_t route_lock = PTHREAD_RWLOCK_INITIALIZER;
pthread_rwlock_t cache_lock = PTHREAD_RWLOCK_INITIALIZER;
pthread_rwlock_t index_lock = PTHREAD_RWLOCK_INITIALIZER;
pthread_rwlock_t shelf_lock = PTHREAD_RWLOCK_INITIALIZER;

static bool is_held, written;

static void read_lock(pthread_rwlock_t *l)
{
	must0(pthread_rwlock_rdlock(l), "pthread_rwlock_rdlock");
}

static void write_lock(pthread_rwlock_t *l)
{
	must0(pthread_rwlock_wrlock(l), "pthread_rwlock_wrlock");
}

static void unlock(pthread_rwlock_t *l)
{
	must0(pthread_rwlock_unlock(l), "pthread_rwlock_unlock");
}

static void write_table(struct record *unused, int party)
{
	(void)unused, (void)party;
	for (int i = 0; i < ROUNDS; i++) {
		write_lock(&table_lock);
		tell(&is_held);
		sleep_ns(3 * MS);
		unlock(&table_lock);
		sleep_ns(3 * MS);
	}
	tell(&written);
}

static void read_table(struct record *r, int party)
{
	await(&is_held);
	while (!__atomic_load_n(&written, __ATOMIC_SEQ_CST)) {
		call_begins();
		read_lock(&table_lock);
		call_ends(r, party);
		unlock(&table_lock);
		sleep_ns(MS);
	}
}

/* Readers never hold it when the writer comes but for a moment: all blame is the writer's. */
static const char *run_readers(void)
{
	const struct row row = { .which = "name=table_lock", .kind = "rwlock", .who = "reader*" };
	struct record *r = record_new();
	struct actor writer = { .comm = "writer", .body = write_table };
	struct actor readers[3];

	actor_start(&writer);
	for (int i = 0; i < 3; i++) {
		readers[i] = (struct actor){ .comm = "reader", .body = read_table, .record = r };
		actor_start(&readers[i]);
	}
	for (int i = 0; i < 3; i++)
		actor_end(&readers[i]);
	actor_end(&writer);
	expect_row(r, &row);
	expect_culprit(r, &row, writer.tid);
	expect_ledger_or_futex(r, &row, "lock.rwlock");
	return NULL;
}

static void read_routes(struct record *unused, int party)
{
	(void)unused, (void)party;
	for (int i = 0; i < ROUNDS; i++) {
		read_lock(&route_lock);
		tell(&is_held);
		sleep_ns(3 * MS);
		unlock(&route_lock);
		sleep_ns(3 * MS);
	}
	tell(&written);
}

static void write_routes(struct record *r, int party)
{
	await(&is_held);
	while (!__atomic_load_n(&written, __ATOMIC_SEQ_CST)) {
		call_begins();
		write_lock(&route_lock);
		call_ends(r, party);
		unlock(&route_lock);
		sleep_ns(MS);
	}
}

static const char *run_writer(void)
{
	const struct row row = { .which = "name=route_lock", .kind = "rwlock", .who = "writer" };
	struct record *r = record_new();
	struct actor reader = { .comm = "reader", .body = read_routes };
	struct actor writer = { .comm = "writer", .body = write_routes, .record = r };

	actor_start(&reader);
	actor_start(&writer);
	actor_end(&writer);
	actor_end(&reader);
	expect_row(r, &row);
	/* No word says who reads: the one that lets go last is known by its wake-up. */
	expect_culprit(r, &row, reader.tid);
	expect_ledger_or_futex(r, &row, "lock.rwlock");
	return NULL;
}

static int reading;
static int64_t reading_ends;

/* Two that are never both gone: each stays until the other reads too. */
static void leave_to_other(void)
{
	for (int two = 2; !__atomic_compare_exchange_n(&reading, &two, 1, false, __ATOMIC_SEQ_CST,
						       __ATOMIC_SEQ_CST);
	     two = 2) {
		if (clock_ns(CLOCK_MONOTONIC) >= reading_ends)
			return;
		sleep_ns(100 * US);
	}
}

static void read_in_relay(struct record *unused, int party)
{
	(void)unused, (void)party;
	while (clock_ns(CLOCK_MONOTONIC) < reading_ends) {
		read_lock(&cache_lock);
		__atomic_add_fetch(&reading, 1, __ATOMIC_SEQ_CST);
		sleep_ns(2 * MS);
		leave_to_other();
		unlock(&cache_lock);
	}
}

static void write_once(struct record *r, int party)
{
	while (__atomic_load_n(&reading, __ATOMIC_SEQ_CST) < 1)
		sleep_ns(100 * US);
	call_begins();
	write_lock(&cache_lock);
	call_ends(r, party);
	unlock(&cache_lock);
}

static const char *run_starved(void)
{
	const struct row row = { .which = "name=cache_lock", .kind = "rwlock", .who = "writer" };
	struct record *r = record_new();
	struct actor writer = { .comm = "writer", .body = write_once, .record = r };
	struct actor readers[2];

	reading_ends = clock_ns(CLOCK_MONOTONIC) + 300 * MS;
	for (int i = 0; i < 2; i++) {
		readers[i] = (struct actor){ .comm = "reader", .body = read_in_relay };
		actor_start(&readers[i]);
	}
	actor_start(&writer);
	for (int i = 0; i < 2; i++)
		actor_end(&readers[i]);
	actor_end(&writer);
	expect_row(r, &row);
	expect_ledger_or_futex(r, &row, "lock.rwlock");
	truth_finding("lock.starved", true, "one of the readers always has it, for 300 ms");
	expect_no_deadlock("the readers end some time");
	return NULL;
}

/* In milliseconds from the begin: the first writer leaves at 20, both readers come in. One leaves
 * at once and computes; the other leaves at 60. The second writer wants in from 30 on. */
static int64_t relay_begin;

static void relay_until(int ms)
{
	sleep_ns(relay_begin + ms * MS - clock_ns(CLOCK_MONOTONIC));
}

static void first_writer(struct record *unused, int party)
{
	(void)unused, (void)party;
	write_lock(&shelf_lock);
	relay_until(20);
	unlock(&shelf_lock);
}

static void second_writer(struct record *unused, int party)
{
	(void)unused, (void)party;
	relay_until(30);
	write_lock(&shelf_lock);
	unlock(&shelf_lock);
}

static void short_reader(struct record *unused, int party)
{
	(void)unused, (void)party;
	relay_until(10);
	read_lock(&shelf_lock);
	unlock(&shelf_lock);
	while (clock_ns(CLOCK_MONOTONIC) < relay_begin + 60 * MS)
		burn(100);
}

static void long_reader(struct record *unused, int party)
{
	(void)unused, (void)party;
	relay_until(10);
	read_lock(&shelf_lock);
	relay_until(60);
	unlock(&shelf_lock);
}

static const char *run_left_early(void)
{
	struct actor actors[] = {
		{ .comm = "writer", .body = first_writer },
		{ .comm = "short", .body = short_reader },
		{ .comm = "long", .body = long_reader },
		{ .comm = "writer", .body = second_writer },
	};

	relay_begin = clock_ns(CLOCK_MONOTONIC) + 5 * MS;
	for (int i = 0; i < 4; i++)
		actor_start(&actors[i]);
	for (int i = 0; i < 4; i++)
		actor_end(&actors[i]);
	truth_expect((struct expectation){
		.path = "locks[name=shelf_lock].holders[comm=long].blamed_ns",
		.in = { 20 * MS, 60 * MS },
		.why = "it stays for 30 ms while the second writer waits, and the other does not",
	});
	return NULL;
}

static void take_index(int seat)
{
	(void)seat;
	write_lock(&index_lock);
}

static void drop_index(int seat)
{
	(void)seat;
	unlock(&index_lock);
}

static const char *run_writers(void)
{
	const struct contest c = { .take = take_index, .drop = drop_index, CONTEST_OF(2) };
	const struct row row = { .which = "name=index_lock",
				 .kind = "rwlock",
				 .who = CONTENDER "*" };
	struct record *r = contest_of_threads(&c);

	expect_row(r, &row);
	expect_holders(r, &row);
	expect_ledger_or_futex(r, &row, "lock.rwlock");
	return NULL;
}

const struct mode rwlock_modes[] = {
	{ "rwlock-readers", run_readers },	 { "rwlock-writer", run_writer },
	{ "rwlock-writers", run_writers },	 { "rwlock-starved", run_starved },
	{ "rwlock-left-early", run_left_early }, { 0 },
};
