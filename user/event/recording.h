/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The event stream in a file, and back. All numbers in it are little-endian.
 *
 *	magic          8 bytes: RECORDING_MAGIC
 *	version        u32: RECORDING_VERSION
 *	kinds          u32: how many kinds of events there are
 *	layouts        for each kind, from 0 on: u32 how many parts, then u32 the size of each
 *	check          u32: crc32 of all that comes before
 *	blocks, each   u32 packed size, u32 size, u32 crc32 of what is packed, then that:
 *	               zlib's format (RFC 1950) of whole events, one after another
 *	end            a block of packed size 0 whose size is 0 too; nothing follows it
 *
 * An event is what bpf/event.h says, and does not cross a block. A file that is cut is
 * good up to its last whole block.
 *
 * The rule for who changes bpf/event.h, so that each version reads the recordings of all
 * earlier ones, and of later ones what it knows:
 *
 *	a new field    at the end of a part of its event (event/layout.c); 0 has to mean
 *	               "not known", because that is what older recordings give for it
 *	a new cause, row, state ...  at the end of its enum; its arrays are parts already
 *	a new kind     at the end of enum event_kind; older versions skip it
 *	anything else  (a field that moves, goes, or changes its meaning) raises
 *	               RECORDING_VERSION, and the reader has to turn the old one's events
 *	               into new ones: see read_version()
 *
 * tests/recordings/ has a recording of each version since 2, which a test reads for ever.
 * (1 was in no release, and named one size for each kind.)
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "event/event.h"

#define RECORDING_MAGIC                                                                            \
	"\x89"                                                                                     \
	"cpr\r\n\x1a\n"
#define RECORDING_MAGIC_SIZE 8
#define RECORDING_VERSION    2
/* What may be unpacked from a file, so that a small one cannot fill the memory. Runs of many
 * threads are packed 15 to 30 times, of few up to 70 times; but these are far below the floor. In
 * all, a million threads. */
#define RECORDING_MAX	(4ull << 30)
#define RECORDING_FLOOR (64u << 20) /* of any file */
#define RECORDING_RATIO 64	    /* and so many times what was read */

struct recorder;

/* `out` is borrowed. NULL: out of memory. */
struct recorder *recorder_new(FILE *out);
/* An event_fn; ctx is the recorder. -errno: it could not be written. */
int recorder_event(void *ctx, const struct event *ev);
/* What was recorded so far is in the file from here on. -errno as recorder_event(). */
int recorder_flush(struct recorder *r);
/* Writes what is left, and the end. The recorder is freed in any case. */
int recorder_finish(struct recorder *r);
/* Frees it; what it wrote has no end. */
void recorder_free(struct recorder *r);

/* Hands over all events, as this version lays them out. A negative errno, with err filled: it is
 * no recording, or of a version that cannot be read, or damaged where only a writer can have done
 * it, or it cannot be read; or what fn returned. *ret_cut: it is cut or damaged somewhere, and what
 * came before was handed over. What a newer version has recorded and this one does not know is
 * left out, and a TEXT_NOTE handed over that says so. */
int recording_read(FILE *in, event_fn fn, void *ctx, bool *ret_cut, struct err *err);
/* The same for one that may hold `most` bytes of events; -EFBIG: it holds more. */
int recording_read_most(FILE *in, uint64_t most, event_fn fn, void *ctx, bool *ret_cut,
			struct err *err);
