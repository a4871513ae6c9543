/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Recordings in memory: by the recorder, and by hand as user/event/recording.h says. */
#include <criterion/criterion.h>
#include <errno.h>
#include <zlib.h>

#include "event/layout.h"
#include "event/recording.h"
#include "stream.h"

#define BLOCK_MAX (1u << 20)

/* A growing array of bytes; of events, one after another, too. */
struct bytes {
	char *data;
	size_t size, room;
};

static inline void add(struct bytes *to, const void *data, size_t size)
{
	if (!size)
		return;
	if (to->size + size > to->room) {
		to->room = 2 * (to->size + size);
		to->data = realloc(to->data, to->room);
		cr_assert(to->data);
	}
	memcpy(to->data + to->size, data, size);
	to->size += size;
}

static inline void add_u32(struct bytes *to, __u32 value)
{
	add(to, &value, sizeof(value));
}

static inline void drop(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){ NULL };
}

static inline bool same(const struct bytes *a, const struct bytes *b)
{
	return a->size == b->size && (!a->size || !memcmp(a->data, b->data, a->size));
}

/* --- by hand ---------------------------------------------------------------------- */

/* Begun here: what comes before the kinds. */
static inline void add_start(struct bytes *to, __u32 version, __u32 kinds)
{
	add(to, RECORDING_MAGIC, 8);
	add_u32(to, version);
	add_u32(to, kinds);
}

static inline void add_layout(struct bytes *to, const struct layout *l)
{
	add_u32(to, (__u32)l->n);
	for (size_t i = 0; i < l->n; i++)
		add_u32(to, l->parts[i].size);
}

/* Of all that is there. */
static inline void add_check(struct bytes *to)
{
	add_u32(to, (__u32)crc32(0, (const Bytef *)to->data, to->size));
}

/* Of a version that has so many kinds; those that we do not have are 64 bytes. */
static inline void add_header(struct bytes *to, __u32 version, __u32 kinds)
{
	struct layout l;

	cr_assert_eq(to->size, 0);
	add_start(to, version, kinds);
	for (__u32 k = 0; k < kinds; k++) {
		layout_own(&l, k);
		if (k >= EV_KIND_COUNT) {
			l.n = 1;
			l.parts[0].size = 64;
		}
		add_layout(to, &l);
	}
	add_check(to);
}

/* Of one that is made by add_header(), with our own kinds. */
static inline size_t header_size(void)
{
	struct bytes b = { NULL };
	size_t size;

	add_header(&b, RECORDING_VERSION, EV_KIND_COUNT);
	size = b.size;
	free(b.data);
	return size;
}

/* It says that it holds so many bytes. */
static inline void add_block_of(struct bytes *to, const void *events, size_t size, __u32 said)
{
	uLongf packed = compressBound(size);
	Bytef *text = malloc(packed);

	cr_assert(text && compress(text, &packed, events, size) == Z_OK);
	add_u32(to, (__u32)packed);
	add_u32(to, said);
	add_u32(to, (__u32)crc32(0, text, packed));
	add(to, text, packed);
	free(text);
}

static inline void add_block(struct bytes *to, const void *events, size_t size)
{
	add_block_of(to, events, size, (__u32)size);
}

static inline void add_end(struct bytes *to)
{
	for (int i = 0; i < 3; i++)
		add_u32(to, 0);
}

/* --- by the recorder -------------------------------------------------------------- */

static inline struct bytes recorded(const struct bytes *events)
{
	struct bytes b = { NULL };
	FILE *out = open_memstream(&b.data, &b.size);
	struct recorder *r = recorder_new(out);

	cr_assert(out && r);
	for (size_t at = 0; at < events->size;) {
		const struct event *ev = (const struct event *)(events->data + at);

		cr_assert_eq(recorder_event(r, ev), 0);
		at += ev->size;
	}
	cr_assert_eq(recorder_finish(r), 0);
	cr_assert_eq(fclose(out), 0);
	b.room = b.size;
	return b;
}

/* --- reading ---------------------------------------------------------------------- */

/* An event_fn; ctx is a struct bytes. */
static int collect(void *ctx, const struct event *ev)
{
	cr_assert(event_is_valid(ev, ev->size));
	cr_assert_eq((uintptr_t)ev % 8, 0, "alignment");
	add(ctx, ev, ev->size);
	return 0;
}

struct result {
	int error;
	bool cut;
	struct bytes events;
	struct err err;
};

/* The first `size` bytes of it, as a file. */
static inline struct result read_first(const struct bytes *from, size_t size)
{
	struct result r = { .cut = true };
	FILE *in = size ? fmemopen(from->data, size, "rb") : fopen("/dev/null", "rb");

	cr_assert(in);
	r.error = recording_read(in, collect, &r.events, &r.cut, &r.err);
	cr_assert_eq(r.error != 0, r.err.text[0] != '\0', "an error has its words: %d", r.error);
	cr_assert(!r.error || !r.cut, "an error is no cut");
	fclose(in);
	return r;
}

static inline struct result read_all(const struct bytes *from)
{
	return read_first(from, from->size);
}
