/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* How threads do their input and output, as the probes count it. */
#include "event_use.h"

/* More are lost, which is counted. */
#define USES 16384

#define USE_NO_CALL (~0u)

struct use_key {
	__u64 thread_id;
	__u32 what, flags;
	__u32 nr; /* of the call, as the machine's own ABI numbers it; USE_NO_CALL: another ABI's, or none */
	__u32 target, cause;
	__u32 pad;
};

struct use_sum {
	__u64 count;
	__u32 fd; /* the first; TARGET_NO_FD: several */
	__u32 pad;
};
