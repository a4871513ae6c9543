// SPDX-License-Identifier: BSD-2-Clause
/* Waits that may be for a lock, by what the thread does again: bpf/track.h. */
#include <criterion/criterion.h>

#include "bpf/track.h"

#define US   1000ULL
#define MS   1000000ULL
#define WORD 0x7f0000001040ULL

struct waiter {
	struct train train;
	__u64 run_ns;
};

/* Runs for so long, and then waits for the word. */
static __u32 wait_after(struct waiter *w, __u64 ran, __u64 word)
{
	w->run_ns += ran;
	return track_train(&w->train, word, w->run_ns, 1);
}

/* A first wait, `looks` more that lead to nothing, then `work`, and the next wait: its row. */
static __u32 row_after(struct waiter *w, int looks, __u64 work)
{
	wait_after(w, 50 * MS, WORD);
	for (int i = 0; i < looks; i++)
		wait_after(w, 5 * US, WORD);
	return wait_after(w, work, WORD);
}

Test(train, and_then_work)
{
	struct waiter w = {};

	cr_assert_eq(wait_after(&w, MS, WORD), ROW_SYNC, "one is no train");
	cr_assert_eq(wait_after(&w, 5 * US, WORD), ROW_SYNC, "it may come to nothing");
	cr_assert_eq(wait_after(&w, 5 * US, WORD), ROW_SYNC);
	cr_assert_eq(wait_after(&w, 5 * MS, WORD), ROW_CONVOY);
	cr_assert_eq(wait_after(&w, 5 * US, WORD), ROW_CONVOY, "from here on all of them");
	cr_assert_eq(wait_after(&w, 5 * MS, WORD), ROW_CONVOY);
}

/* A worker that finds its work at the first wait, each time. */
Test(train, single_waits_are_none)
{
	struct waiter w = {};

	for (int i = 0; i < 1000; i++)
		cr_assert_eq(wait_after(&w, 5 * MS, WORD), ROW_SYNC);
}

/* Looks for work, finds none, and never has any. */
Test(train, looks_alone_are_no_convoy)
{
	struct waiter w = {};

	for (int i = 0; i < 1000; i++)
		cr_assert_eq(wait_after(&w, 20 * US, WORD), ROW_SYNC);
}

/* What is too much for a look and too little for work ends the train. */
Test(train, neither_look_nor_work)
{
	struct waiter w = {};

	for (int i = 0; i < 100; i++)
		cr_assert_eq(row_after(&w, 5, MS - 1), ROW_SYNC);
}

static const struct {
	__u64 look, work;
	__u32 row;
} limits[] = {
	{ TRAIN_LOOK_NS - 1, TRAIN_WORK_NS, ROW_CONVOY },
	{ TRAIN_LOOK_NS, TRAIN_WORK_NS, ROW_SYNC },
	{ 0, TRAIN_WORK_NS, ROW_CONVOY },
	{ 0, TRAIN_WORK_NS - 1, ROW_SYNC },
	{ 0, 365ULL * 86400 * 1000 * MS, ROW_CONVOY },
};

Test(train, limits)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct waiter w = {};

		wait_after(&w, MS, WORD);
		wait_after(&w, limits[i].look, WORD);
		cr_assert_eq(wait_after(&w, limits[i].work, WORD), limits[i].row, "%zu", i);
	}
}

/* glibc's condition uses two words in turn. */
Test(train, neighbouring_words_are_one)
{
	for (int apart = 0; apart <= 8; apart++) {
		struct waiter w = {};

		for (int i = 0; i < 4; i++)
			wait_after(&w, 5 * US, i % 2 ? WORD + apart : WORD);
		cr_assert_eq(wait_after(&w, 5 * MS, WORD), ROW_CONVOY, "%d apart", apart);
		cr_assert_eq(wait_after(&w, 5 * US, WORD + apart), ROW_CONVOY, "%d apart", apart);
		cr_assert_eq(wait_after(&w, 5 * US, WORD - apart), ROW_CONVOY, "%d apart", apart);
	}
}

Test(train, words_further_apart_are_two)
{
	static const __u64 others[] = { WORD + 9, WORD - 9, WORD + 64, WORD + (1ULL << 32),
					~WORD,	  ~0ULL };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		struct waiter w = {};

		for (int k = 0; k < 10; k++)
			wait_after(&w, 5 * US, k % 2 ? WORD : others[i]);
		cr_assert_eq(wait_after(&w, 5 * MS, WORD), ROW_SYNC, "0x%llx", others[i]);
	}
}

Test(train, word_is_remembered)
{
	struct waiter w = {};

	cr_assert_eq(row_after(&w, 2, 5 * MS), ROW_CONVOY);
	for (int i = 0; i < 10; i++) {
		cr_assert_eq(wait_after(&w, 5 * MS, WORD + 4096), ROW_SYNC, "another one");
		cr_assert_eq(wait_after(&w, 5 * MS, WORD), ROW_CONVOY);
	}
}

/* One keeps the time at a time: this thread's next wait is for its turn, without end. */
Test(train, before_a_wait_without_a_time_out)
{
	struct waiter w = {};

	wait_after(&w, 50 * MS, WORD);
	wait_after(&w, 5 * US, WORD);
	w.run_ns += 100 * MS;
	cr_assert_eq(track_train(&w.train, WORD, w.run_ns, 0), ROW_CONVOY);
	cr_assert_eq(w.train.waits, 0, "it is none of a train");
	w.run_ns += 100 * MS;
	cr_assert_eq(track_train(&w.train, WORD + 4096, w.run_ns, 0), ROW_SYNC);
}

/* Waits without an end alone are no train; one on another word does not disturb a train. */
Test(train, waits_without_a_time_out)
{
	struct waiter w = {};

	for (int i = 0; i < 100; i++) {
		w.run_ns += i % 3 ? 5 * US : 5 * MS;
		cr_assert_eq(track_train(&w.train, WORD, w.run_ns, 0), ROW_SYNC);
	}
	wait_after(&w, 5 * MS, WORD);
	wait_after(&w, 5 * US, WORD);
	w.run_ns += 5 * MS;
	cr_assert_eq(track_train(&w.train, WORD + 4096, w.run_ns, 0), ROW_SYNC);
	cr_assert_eq(wait_after(&w, 5 * US, WORD), ROW_CONVOY);
}

/* Two locks: the one that was taken in a train last. */
Test(train, last_convoy_counts)
{
	struct waiter w = {};

	cr_assert_eq(row_after(&w, 2, 5 * MS), ROW_CONVOY);
	wait_after(&w, 0, WORD + 4096);
	wait_after(&w, 0, WORD + 4096);
	cr_assert_eq(wait_after(&w, 5 * MS, WORD + 4096), ROW_CONVOY);
	cr_assert_eq(wait_after(&w, 5 * MS, WORD), ROW_SYNC);
	cr_assert_eq(wait_after(&w, 5 * MS, WORD + 4096), ROW_CONVOY);
}

Test(train, first_wait_of_all)
{
	struct waiter w = {};

	cr_assert_eq(wait_after(&w, 0, WORD), ROW_SYNC);
	cr_assert_eq(w.train.waits, 1);
	cr_assert_eq(w.train.convoy_word, 0);
}

/* Waits for years on one word. */
Test(train, count_does_not_matter_when_it_wraps)
{
	struct waiter w = {};

	wait_after(&w, MS, WORD);
	w.train.waits = ~0U - 1;
	wait_after(&w, 0, WORD);
	cr_assert_eq(w.train.waits, ~0U);
	cr_assert_eq(wait_after(&w, 5 * MS, WORD), ROW_CONVOY);
}

/* A condition that counts comes to 2 once; a lock says 2 each time. */
Test(locked, second_wait_at_a_word)
{
	struct locked_words l = {};

	cr_assert_not(track_locked(&l, WORD));
	cr_assert(track_locked(&l, WORD));
	cr_assert(track_locked(&l, WORD));
	cr_assert_not(track_locked(&l, WORD + 8));
	cr_assert(track_locked(&l, WORD), "a neighbour does not disturb it");
	cr_assert(track_locked(&l, WORD + 8));
}

Test(locked, each_word_for_itself)
{
	struct locked_words l = {};

	for (__u64 i = 0; i < 10000; i++)
		cr_assert_not(track_locked(&l, WORD + 4 * i), "word %llu", i);
}
