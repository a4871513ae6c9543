// SPDX-License-Identifier: BSD-2-Clause
/*
 * dining MODE: five philosophers at a round table, a fork between each two, and who eats needs both
 * that are beside him. Taken carelessly they stand still for ever; each other mode takes one of the
 * conditions of a deadlock away, or keeps out of it. Without MODE: lists them.
 */
#include "truth.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEATS 5
#define MEALS 40
#define EAT   (500 * US)
#define REACH (200 * US) /* from the first fork to the second one */
#define THINK (300 * US)
#define STUCK SEC /* to look at those who wait for ever */

struct seat {
	pthread_t thread;
	int number, meals;
	unsigned int random;
	long waits, given_back, put_off;
};

struct mode {
	const char *name;
	/* Both forks of a seat. */
	void (*take)(struct seat *);
	void (*drop)(struct seat *);
	bool stands;
};

/* Not static: its name is to be found in the report. */
pthread_mutex_t forks[SEATS];

static struct seat seats[SEATS];
static const struct mode *mode;
static pthread_barrier_t first_forks;

static int left_of(const struct seat *s)
{
	return s->number;
}

static int right_of(const struct seat *s)
{
	return (s->number + 1) % SEATS;
}

static void drop_fork(int fork)
{
	must0(pthread_mutex_unlock(&forks[fork]), "pthread_mutex_unlock");
}

static void take_fork(struct seat *s, int fork)
{
	if (!pthread_mutex_trylock(&forks[fork]))
		return;
	s->waits++;
	must0(pthread_mutex_lock(&forks[fork]), "pthread_mutex_lock");
}

static void drop_both(struct seat *s)
{
	drop_fork(left_of(s));
	drop_fork(right_of(s));
}

/* --- carelessly ------------------------------------------------------------------------------- */

/* At the first meal all have one fork before anybody reaches for the second. */
static void take_left_first(struct seat *s)
{
	take_fork(s, left_of(s));
	if (!s->meals)
		pthread_barrier_wait(&first_forks);
	take_fork(s, right_of(s));
}

/* --- no circular wait: all take the fork of the lower number first ------------------------------ */

static void take_in_order(struct seat *s)
{
	bool is_last = right_of(s) < left_of(s);

	take_fork(s, is_last ? right_of(s) : left_of(s));
	sleep_ns(REACH);
	take_fork(s, is_last ? left_of(s) : right_of(s));
}

/* --- no hold and wait: both forks at once, or none ----------------------------------------------- */

static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_taken[SEATS];

static void lock_table(void)
{
	must0(pthread_mutex_lock(&table), "pthread_mutex_lock");
}

static void unlock_table(void)
{
	must0(pthread_mutex_unlock(&table), "pthread_mutex_unlock");
}

static void await_change(struct seat *s)
{
	s->put_off++;
	must0(pthread_cond_wait(&changed, &table), "pthread_cond_wait");
}

static void take_together(struct seat *s)
{
	lock_table();
	while (is_taken[left_of(s)] || is_taken[right_of(s)])
		await_change(s);
	is_taken[left_of(s)] = is_taken[right_of(s)] = true;
	unlock_table();
}

static void put_back(struct seat *s)
{
	lock_table();
	is_taken[left_of(s)] = is_taken[right_of(s)] = false;
	must0(pthread_cond_broadcast(&changed), "pthread_cond_broadcast");
	unlock_table();
}

/* --- preemption: who does not get the second fork gives the first one back ------------------------ */

static void take_or_give_back(struct seat *s)
{
	for (;;) {
		take_fork(s, left_of(s));
		sleep_ns(REACH);
		if (!pthread_mutex_trylock(&forks[right_of(s)]))
			return;
		drop_fork(left_of(s));
		s->given_back++;
		sleep_ns(rand_r(&s->random) % (2 * EAT)); /* or all would try again at once */
	}
}

/* --- no mutual exclusion: a pair of forks for each ------------------------------------------------- */

static void nothing_to_take(struct seat *s)
{
	(void)s;
}

/* --- the banker: no fork is given from which not all could still eat to the end --------------------- */

static bool has[SEATS][SEATS]; /* of the table's lock, as all below */

static bool wants(int seat, int fork)
{
	return (fork == seat || fork == (seat + 1) % SEATS) && !has[seat][fork];
}

static bool is_given(int fork)
{
	for (int seat = 0; seat < SEATS; seat++)
		if (has[seat][fork])
			return true;
	return false;
}

/* One who can have all that he may ask for eats, and gives it back, and so on: do all come to it? */
static bool is_safe(void)
{
	bool is_free[SEATS], is_done[SEATS] = { false };
	int done = 0;

	for (int fork = 0; fork < SEATS; fork++)
		is_free[fork] = !is_given(fork);
	for (int seat = 0; seat < SEATS; seat++) {
		bool can = !is_done[seat];

		for (int fork = 0; fork < SEATS; fork++)
			can = can && (!wants(seat, fork) || is_free[fork]);
		if (!can)
			continue;
		for (int fork = 0; fork < SEATS; fork++)
			is_free[fork] |= has[seat][fork];
		is_done[seat] = true;
		done++;
		seat = -1; /* once more from the first */
	}
	return done == SEATS;
}

static bool is_granted(int seat, int fork)
{
	if (is_given(fork))
		return false;
	has[seat][fork] = true;
	if (is_safe())
		return true;
	has[seat][fork] = false;
	return false;
}

static void ask_banker(struct seat *s, int fork)
{
	lock_table();
	while (!is_granted(s->number, fork))
		await_change(s);
	unlock_table();
}

static void take_from_banker(struct seat *s)
{
	ask_banker(s, left_of(s));
	sleep_ns(REACH);
	ask_banker(s, right_of(s));
}

static void give_to_banker(struct seat *s)
{
	lock_table();
	has[s->number][left_of(s)] = has[s->number][right_of(s)] = false;
	must0(pthread_cond_broadcast(&changed), "pthread_cond_broadcast");
	unlock_table();
}

/* --- dinner ------------------------------------------------------------------------------------- */

static const struct mode modes[] = {
	{ "careless", take_left_first, drop_both, true },
	{ "ordered", take_in_order, drop_both, false },
	{ "together", take_together, put_back, false },
	{ "give-back", take_or_give_back, drop_both, false },
	{ "own-forks", nothing_to_take, nothing_to_take, false },
	{ "banker", take_from_banker, give_to_banker, false },
};

#define MODES (sizeof(modes) / sizeof(*modes))

static void *dine(void *arg)
{
	struct seat *s = arg;
	char comm[16];

	snprintf(comm, sizeof(comm), "thinker-%d", s->number);
	name_thread(comm);
	while (s->meals < MEALS) {
		mode->take(s);
		sleep_ns(EAT);
		s->meals++;
		mode->drop(s);
		sleep_ns(THINK);
	}
	return NULL;
}

static void lay_the_table(void)
{
	must0(pthread_barrier_init(&first_forks, NULL, SEATS), "pthread_barrier_init");
	for (int i = 0; i < SEATS; i++) {
		must0(pthread_mutex_init(&forks[i], NULL), "pthread_mutex_init");
		seats[i].number = i;
		seats[i].random = (unsigned int)i + 1;
		seats[i].thread = start_thread(dine, &seats[i]);
	}
}

#define FORK(number) "locks[name=\"forks[" #number "]\"].waits"

/* Who finds a fork taken, and then asks for it, may get it before he has to wait. */
static void expect_waits(long waits)
{
	if (waits < 20)
		return;
	truth_expect((struct expectation){ .path = FORK(0),
					   .plus = { FORK(1), FORK(2), FORK(3), FORK(4) },
					   .in = { waits / 2, 2 * waits },
					   .why = "forks that were taken when asked for" });
}

static void say(int64_t ns)
{
	struct seat sum = { 0 };

	for (int i = 0; i < SEATS; i++) {
		sum.meals += seats[i].meals;
		sum.waits += seats[i].waits;
		sum.given_back += seats[i].given_back;
		sum.put_off += seats[i].put_off;
	}
	printf("%s: %d meals in %.0f ms; forks waited for %ld times, given back %ld times, put "
	       "off %ld times\n",
	       mode->name, sum.meals, (double)ns / MS, sum.waits, sum.given_back, sum.put_off);
	if (!mode->stands) {
		truth_number("deadlocks", 0, "all have eaten, and gone");
		expect_waits(sum.waits);
		return;
	}
	truth_number("deadlocks", 1, "each has one fork, and waits for the next one's");
	truth_number("deadlocks[0].members", SEATS, "all of them");
	truth_verdict("deadlocked", "to the end");
}

static int list_modes(void)
{
	for (size_t i = 0; i < MODES; i++)
		puts(modes[i].name);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	int64_t start = clock_ns(CLOCK_MONOTONIC);

	if (argc < 2)
		return list_modes();
	for (size_t i = 0; i < MODES; i++)
		if (!strcmp(argv[1], modes[i].name))
			mode = &modes[i];
	if (!mode) {
		fprintf(stderr, "dining: no mode '%s'; without one it lists them\n", argv[1]);
		return EXIT_FAILURE;
	}
	truth_begin(truth_path("dining %s", mode->name));
	lay_the_table();
	if (mode->stands)
		sleep_ns(STUCK);
	for (int i = 0; i < SEATS && !mode->stands; i++)
		join_thread(seats[i].thread);
	say(clock_ns(CLOCK_MONOTONIC) - start);
	return truth_end();
}
