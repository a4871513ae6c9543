// SPDX-License-Identifier: BSD-2-Clause
#include "waitfor/waitfor.h"

#include "base/escape.h"
#include "base/sentence.h"

#define SAID_MAX 4 /* members that are named */

static void add_thread(struct sentence *t, const struct stuck *s)
{
	char name[4 * EVENT_COMM_SIZE];

	escape_text(name, sizeof(name), s->comm, 0, true);
	sentence_add(t, "%s (%u)", name, s->tid);
}

static const char *lock_words(const struct stuck *s)
{
	static const struct {
		uint32_t hint;
		const char *words;
	} rows[] = {
		{ LOCK_HINT_PI, "a PI mutex" },
		{ LOCK_HINT_RWLOCK, "a read-write lock" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (s->hints & rows[i].hint)
			return rows[i].words;
	}
	return "a mutex";
}

/* "waits for a mutex of B (12)" */
static void add_wait(struct sentence *t, const struct stuck *s, const struct stuck *holder)
{
	static const char *const before[WANT_COUNT] = {
		[WANT_READER] = " waits for a pipe to be read by ",
		[WANT_WRITER] = " waits for a pipe to be written by ",
		[WANT_CHILD] = " waits for the end of its child ",
		[WANT_FILE_LOCK] = " waits for a file's lock of ",
	};

	if (s->want != WANT_HOLDER)
		sentence_add(t, "%s", before[s->want]);
	else if (s->hints & LOCK_HINT_JOIN)
		sentence_add(t, " waits for the end of ");
	else
		sentence_add(t, " waits for %s of ", lock_words(s));
	if (holder != s)
		add_thread(t, holder);
	else
		sentence_add(t, stuck_is_for_lock(s->want) ? "its own" : "itself");
}

static void add_cycle(struct sentence *t, const struct knot *k)
{
	if (k->n_members > SAID_MAX)
		sentence_add(t, "of %zu threads: ", k->n_members);
	add_thread(t, &k->waits[0]);
	for (size_t i = 0; i < k->n_members && i < SAID_MAX; i++) {
		if (i)
			sentence_add(t, ", which");
		add_wait(t, &k->waits[i], &k->waits[(i + 1) % k->n_members]);
	}
	if (k->n_members > SAID_MAX)
		sentence_add(t, ", and so on");
}

static void add_abandoned(struct sentence *t, const struct knot *k)
{
	const struct stuck *s = &k->waits[0];

	add_thread(t, s);
	if (k->n_members > 1)
		sentence_add(t, " and %zu more wait", k->n_members - 1);
	else
		sentence_add(t, " waits");
	sentence_add(t, " for %s that nobody can let go: thread %u, which took it, %s",
		     lock_words(s), s->holder_nr,
		     s->holder_is == HOLDER_IS_FOREIGN
			     ? "is none of this process (a fork left a copy of it)"
			     : "is dead");
}

void knot_say(const struct knot *k, char *text, size_t size)
{
	struct sentence t = sentence_in(text, size);

	sentence_add(&t, "deadlock: ");
	if (k->kind == DEADLOCK_CYCLE)
		add_cycle(&t, k);
	else
		add_abandoned(&t, k);
}
