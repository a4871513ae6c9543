/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* A recording of three blocks, to be damaged. */
#include "recording.h"

static struct bytes file, events;
static size_t ends[4];	/* of the header, and of each block */
static size_t sizes[4]; /* of the events before */

static inline void put_events(size_t block)
{
	struct ev_loss l = loss(LOSS_EXEC, block, 0, "ring");
	struct ev_other o = other(77, 1000 * block);

	for (size_t i = 0; i <= block; i++)
		add(&events, &l, sizeof(l));
	add(&events, &o, sizeof(o));
}

/* Three blocks of a few events each. */
static inline void setup(void)
{
	add_header(&file, RECORDING_VERSION, EV_KIND_COUNT);
	for (size_t i = 0; i < 3; i++) {
		ends[i] = file.size;
		sizes[i] = events.size;
		put_events(i);
		add_block(&file, events.data + sizes[i], events.size - sizes[i]);
	}
	ends[3] = file.size;
	sizes[3] = events.size;
	add_end(&file);
}

static inline void teardown(void)
{
	drop(&file);
	drop(&events);
}

static inline void starts(const struct result *r)
{
	cr_assert_leq(r->events.size, events.size);
	cr_assert(!r->events.size || !memcmp(r->events.data, events.data, r->events.size));
}

static inline void refused(const struct bytes *what, int error, const char *words)
{
	struct result r = read_all(what);

	cr_assert_eq(r.error, error, "%d: %s", r.error, r.err.text);
	cr_assert(strstr(r.err.text, words), "no '%s': %s", words, r.err.text);
	drop(&r.events);
}
