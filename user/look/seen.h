/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * What a thread waits for, from what the kernel keeps of it at one moment. Pure: the same that the
 * probes conclude at a switch (bpf/cause.bpf.c), but for what takes more than one wait to tell.
 */
#include <stdbool.h>
#include <stdint.h>

#include "../bpf/look.h"
#include "event/event.h"

struct seen_wait {
	enum stand_state state;
	enum cause cause; /* of STAND_BLOCKED */
	enum wall_row row;
	bool is_deep;		  /* no signal reaches it: state D */
	bool is_timed;		  /* it has a time-out, or an alarm will come */
	uint32_t hints;		  /* enum lock_hint; 0: it is at no futex */
	uint64_t word;		  /* ... whose address this is */
	bool is_shared;		  /* ... which several processes may share */
	uint32_t holder_nr;	  /* ... and who has it; 0: not known */
	const struct seen_fd *fd; /* that it waits at; NULL: none */
	enum stuck_want want;	  /* of a pipe or child; else WANT_HOLDER */
	uint64_t object;	  /* ... as in struct stuck */
};

void seen_wait_of(const struct seen *s, struct seen_wait *ret);
