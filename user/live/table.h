/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The live view's rows: what threads, locks and targets did since the look before, and in the looks
 * before that. Pure: fed with what probe_peek() and the stream say, asked for lines by frame.h.
 */
#include <stdbool.h>
#include <stdint.h>

#include "../bpf/peek.h"
#include "../bpf/wall.h"
#include "base/map.h"
#include "base/vec.h"
#include "event/event.h"

enum live_view { LIVE_THREADS, LIVE_LOCKS, LIVE_TARGETS, LIVE_VIEWS };

/* What rows are sorted by, the highest first. */
enum live_sort {
	LIVE_BY_RUNNING, /* of locks and targets: by LIVE_BY_WAITING */
	LIVE_BY_QUEUED,
	LIVE_BY_WAITING,
	LIVE_BY_RATE, /* switches or waits a second */
	LIVE_BY_NAME,
	LIVE_SORTS,
};

#define LIVE_NAME    128
#define LIVE_HISTORY 24

struct live_row {
	uint64_t key;	      /* id of the thread, hash of the lock's key, index of the target */
	uint32_t tid;	      /* of a thread */
	char name[LIVE_NAME]; /* of any bytes */
	uint32_t position;    /* of a thread: enum position */
	enum cause cause;  /* what it is blocked in; of locks and targets, what the waits are for */
	enum cause mostly; /* ... was blocked in most since the last look */
	double running, queued, waiting; /* shares of the time since the last look */
	double rate;
	float history[LIVE_HISTORY]; /* of what the view is about; the newest last */
	unsigned int n_history;
	bool is_new, has_ended; /* since the last look */
	/* sums at the last look */
	uint64_t at, running_ns, queued_ns, waiting_ns, count;
	uint64_t cause_ns[CAUSE_COUNT]; /* of a thread */
	unsigned int look;		/* it was last there */
};

struct live_table {
	VEC(struct live_row) rows[LIVE_VIEWS];
	struct map places[LIVE_VIEWS];
	VEC(char *) targets;	/* names by index; NULL: not known */
	unsigned int look;	/* how many there have been */
	uint64_t at, since;	/* of the scheduler's clock: this look, the one before */
	double running, queued; /* threads, on average since the last look */
	size_t n_threads;
	uint64_t lost;
};

/* The session's stream: names of targets; what of it is of no use here is ignored. */
void live_note(struct live_table *t, const struct event *ev);

/* One look: begin, whatever probe_peek() gives, end. */
void live_begin_look(struct live_table *t, uint64_t now);
void live_see_thread(struct live_table *t, const struct peeked *seen);
void live_see(struct live_table *t, const struct event *ev);
void live_end_look(struct live_table *t);

/* The rows of a view in that order, those that have done anything first: places in rows[view], in an
 * array that the caller frees. */
size_t *live_order(const struct live_table *t, enum live_view view, enum live_sort by,
		   size_t *ret_n);
void live_free(struct live_table *t);
