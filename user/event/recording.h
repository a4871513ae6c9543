/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The event stream in a file, and back. All numbers in it are little-endian.
 *
 *	magic          8 bytes: RECORDING_MAGIC
 *	version        u32: RECORDING_VERSION; another one is another layout of the events
 *	kinds          u32: how many kinds of events there are
 *	sizes          u32 for each kind, from 0 on: the size of its fixed part
 *	check          u32: crc32 of all that comes before
 *	blocks, each   u32 packed size, u32 size, u32 crc32 of what is packed, then that:
 *	               zlib's format (RFC 1950) of whole events, one after another
 *	end            a block of packed size 0 whose size is 0 too
 *
 * An event is what bpf/event.h says, and does not cross a block. A file that is cut is
 * good up to its last whole block. What a newer version of the same layout adds is a
 * kind with a number that is not known here: it is skipped.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "event/event.h"

#define RECORDING_MAGIC                                                                            \
	"\x89"                                                                                     \
	"cpr\r\n\x1a\n"
#define RECORDING_VERSION 1
/* A million threads; what is beyond can only be meant to fill the memory. */
#define RECORDING_MAX (4ull << 30)

struct recorder;

/* `out` is borrowed. NULL: out of memory. */
struct recorder *recorder_new(FILE *out);
/* An event_fn; ctx is the recorder. -errno: it could not be written. */
int recorder_event(void *ctx, const struct event *ev);
/* Writes what is left, and the end. The recorder is freed in any case. */
int recorder_finish(struct recorder *r);
/* Frees it; what it wrote has no end. */
void recorder_free(struct recorder *r);

/* Hands over all events. A negative errno, with err filled: it is no recording, or of another
 * version, or damaged where only a writer can have done it, or it cannot be read; or what fn
 * returned. *ret_cut: it is cut or damaged somewhere, and what came before was handed over. */
int recording_read(FILE *in, event_fn fn, void *ctx, bool *ret_cut, struct err *err);
/* The same for one that may hold `most` bytes of events; -EFBIG: it holds more. */
int recording_read_most(FILE *in, uint64_t most, event_fn fn, void *ctx, bool *ret_cut,
			struct err *err);
