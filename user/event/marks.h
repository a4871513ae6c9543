/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The timeline in the stream: steps of threads (struct mark), packed to some 12 bytes each, and
 * what becomes of them. Numbers are varints of 7 bits a byte, low ones first; those that may be
 * negative zigzag (0, -1, 1, -2 ...). Of each:
 *
 *	byte     kind, off << 2, and whether there is `stolen` (0x20), `rest` (0x40), the end of the
 *	         wait before (0x80)
 *	byte     was_row, behind << 4, and whether behind_ns is without end (0x80)
 *	varint   the zigzag of thread, less the one before in this event; twice, and 1 if there is a gap
 *	zigzag   at, less that before
 *	varint   ran; or the gap, the zigzag of at, less that before, less ran: how long the CPU had
 *	         none of these threads, which often is shorter
 *	varint   queued
 *	byte     cause, if `off` is a wait, and whether its row is that of the one before in this event that
 *	         had this cause (0x80; of the first it is 0); else
 *	byte     row
 *	varint   behind_ns, if `behind` is known and it is not without end
 *	varint   stolen, if there is some
 *	varint   uncharged, then unseen, if there is `rest`
 *	varint   if the end of the wait before is known: who woke it, twice, and 1 if there is a place; 0:
 *	         not seen, 1 an interrupt, 2 one from outside, else 3 more than the zigzag of woken_by,
 *	         less thread
 *	varint   place, if there is one
 *
 * In MARKS_FIRST_FORM there is no gap and no place, nothing is twice, who woke it is one less, and there is
 * always a row.
 */
#include <stdbool.h>

#include "../bpf/event_mark.h"
#include "../bpf/mark.h"

#include "event/event.h"

/* What an event of so many marks takes at most. */
#define MARKS_ROOM(n) (sizeof(struct ev_marks) + (size_t)(n)*80 + 8)

/* n of one CPU, into `to`, which has room for MARKS_ROOM(n). */
void marks_pack(struct ev_marks *to, const struct mark *marks, size_t n, __u32 cpu);

/* A reader of one event. */
struct marks_reader {
	const __u8 *at, *end;
	__u32 left;
	__u64 last_at;
	__u32 last_thread;
	bool is_first_form;
	__u8 rows[CAUSE_COUNT]; /* the last ones */
};

void marks_begin(struct marks_reader *r, const struct ev_marks *ev);
/* 1, 0 at the end, -EPROTO: it is damaged. What it gives has a known kind, off, cause and rows. */
int marks_next(struct marks_reader *r, struct mark *ret);

/* Tells a thread's ledger, so far, what the probes told theirs. */
void marks_replay(struct track *t, const struct mark *mark);
