/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * From raw stacks to the sites of waiting and of computing: unwinds each stack as it comes,
 * adds up what happened there, and at the end names the places and says all of it as events.
 */
#include <stdbool.h>

#include "event/code.h"
#include "event/event.h"
#include "sym/sym.h"

struct sites;

/* sym is borrowed. symbols: the path of the kernel's list, /proc/kallsyms: whether it shows their
 * addresses is decided here, by the privileges of this moment. NULL: out of memory. */
struct sites *sites_new(struct sym *sym, const char *symbols);
void sites_free(struct sites *s);

/* The process whose code is followed, with all its descendants. */
void sites_follow(struct sites *s, uint32_t pid);
/* What takes stacks and mappings. */
struct code_sink sites_sink(struct sites *s);
/* Reads what names are taken from, of one more file that is mapped: for who has time before the
 * stacks come. False: of all of them it was read, or cannot be. */
bool sites_warm(struct sites *s);
/* An event_fn; ctx is the sites. The stream goes by: ends of threads settle their last waits. */
int sites_event(void *ctx, const struct event *ev);
/* So many of the files that have to be read for names have been. */
typedef void (*sites_progress_fn)(void *ctx, size_t done, size_t all);
/* Frames, stacks, sites and the words that were waited at, in this order. */
int sites_finish(struct sites *s, event_fn fn, sites_progress_fn progress, void *ctx);
