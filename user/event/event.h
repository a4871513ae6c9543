/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stddef.h>

/*
 * The seam, as the user half sees it. Sources (the probes, a recording, a test
 * fixture) call an event_fn for each event; sinks (the model, a recorder) are
 * one. The event is borrowed for the call. Returns 0, or a negative errno that
 * the source hands up unchanged.
 */
#include "../bpf/event.h"
#include "../bpf/event_code.h"
#include "../bpf/event_io.h"
#include "../bpf/event_life.h"
#include "../bpf/event_loop.h"
#include "../bpf/event_sched.h"
#include "../bpf/event_use.h"
#include "../bpf/event_lock.h"
#include "../bpf/event_mark.h"
#include "../bpf/event_stand.h"
#include "../bpf/event_wake.h"

typedef int (*event_fn)(void *ctx, const struct event *ev);

/* Is this a whole event of a known kind, whose size, strings and numbers can be
 * relied on? `room` is what there is from ev on, in bytes. Events that come from
 * a file are hostile input; a sink may assume that this holds. */
int event_is_valid(const struct event *ev, size_t room);

void lock_calls_add(struct lock_calls *to, const struct lock_calls *from);

/* Of an event without what may follow at its end; 0: there is no such kind. */
size_t event_fixed_size(unsigned int kind);

/* "lock.mutex"; NULL if there is no such cause. */
const char *cause_name(unsigned int cause);
/* The inverse; -1 if there is none of that name. */
int cause_by_name(const char *name);

/* What a thread blocked for that cause waits for, in a few words. */
const char *cause_words(enum cause cause);

/* "io", as in the JSON's wall.io_ns: the kind of a row, row_kind() in bpf/wall.h. */
const char *kind_name(unsigned int kind);
/* "io_peer", as in wall_parts.io_peer_ns; the kind's own name if that has no other row. */
const char *row_name(unsigned int row);
/* Is it one of several of its kind? */
int row_is_part(unsigned int row);
/* "127.0.0.1:5432", "[2001:db8::1]:443", "a local socket". Returns buf; PEER_NAME_SIZE bytes
 * are enough for any. */
char *peer_name(char *buf, size_t size, const struct peer_key *key);
#define PEER_NAME_SIZE 64

/* "running", as in states.running_ns. */
const char *state_name(unsigned int state);

/* "command"; NULL: not known. */
const char *ended_by_name(unsigned int ended_by);
/* "preempted" */
const char *taker_how_name(unsigned int how);
/* "program" */
const char *taker_is_name(unsigned int is);
/* "owner-word"; "running". */
const char *holder_how_name(unsigned int how);
const char *doing_kind_name(unsigned int doing);
/* "epoll_wait"; NULL: none of those that have a name. */
const char *io_call_name(unsigned int call);
/* "blocked" */
const char *stand_state_name(unsigned int state);
/* "reader" */
const char *need_how_name(unsigned int how);
/* "run"; NULL: not known. */
const char *mode_name(unsigned int mode);
