/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The lives of processes, in a stream whose command lives for a second from start() on; and
 * what is said about them. */

#include "findings.h"

static inline void put_life(struct ev_life l)
{
	put(&l);
}

/* A process of one thread. */
static inline void process(uint64_t id, uint64_t creator, uint64_t start_ms, uint64_t end_ms)
{
	put_thread(thread(id, creator, 0, start_ms * MS, end_ms * MS));
}

/* A child of the command that died; nobody has waited for it yet. */
static inline void dead(uint64_t id, uint64_t at_ms)
{
	process(id, COMMAND_ID, id, at_ms);
	put_life(life(LIFE_DIED, at_ms * MS, id));
}

static inline void alive(uint64_t id, uint64_t creator, uint64_t start_ms)
{
	struct ev_thread t = thread(id, creator, 0, start_ms * MS, SECOND);

	waits(&t, CAUSE_EVENT_POLL, 900 * MS);
	put(&t);
}

/* The command lives for a second, the measurement as long. */
static inline void start(void)
{
	setup();
	process(COMMAND_ID, 0, 0, 1000);
}

static inline const struct finding *next_of(const char *rule, const struct finding *after)
{
	for (const struct finding *one = after ? after + 1 : f->list; one < f->list + f->n_list;
	     one++) {
		if (!strcmp(one->rule, rule))
			return one;
	}
	return NULL;
}

static inline const struct finding *said(const char *rule)
{
	const struct finding *one = next_of(rule, NULL);

	cr_assert_not_null(one, "nothing is said of %s", rule);
	return one;
}

static inline bool unsaid(const char *rule)
{
	return !next_of(rule, NULL);
}

static inline bool tells(const struct finding *one, const char *words)
{
	for (size_t i = 0; i < one->n_evidence; i++) {
		if (strstr(one->evidence[i].text, words))
			return true;
	}
	return false;
}
