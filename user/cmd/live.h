/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* --live: repeated looks at a measurement, on the terminal, until it ends. */
#include "base/err.h"
#include "opts/opts.h"
#include "probe/probe.h"

struct live;

/* argv: the command, or what was attached to. 0 or a negative errno, with err filled. */
int live_start(struct live **ret, const struct opts *o, char *const *argv, struct err *err);
/* The terminal is as it was before; nothing is shown from now on. */
void live_hide(struct live *l);
void live_stop(struct live *l);

/* Of the session's stream. */
void live_event(struct live *l, const struct event *ev);

/* Looks, and shows it; when it wants to be called again (CLOCK_MONOTONIC). 0 or a negative errno. */
int live_look(struct live *l, struct probe *p, uint64_t now, uint64_t *ret_next);
/* Readable when there are keys ... */
int live_fd(const struct live *l);
/* ... which this reads. True: whoever looks on wants the report. */
bool live_keys(struct live *l);
