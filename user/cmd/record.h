/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* The events of a run to a file, whole or not at all. */
#include "base/err.h"
#include "event/event.h"

struct record;

/* path: "-" is standard output. */
int record_open(struct record **ret, const char *path, struct err *err);
/* An event_fn; ctx is the struct record. That it cannot be written is said by record_close(). */
int record_event(void *ctx, const struct event *ev);
/* Writes the end, and frees it. An error leaves no file behind. */
int record_close(struct record *r, struct err *err);
/* Frees it, and leaves no file behind. May be NULL. */
void record_abandon(struct record *r);
