/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#pragma once

/* A living thread, for who looks on while the measurement goes on. */
#include "event.h"

struct peeked {
	struct ev_thread thread; /* as if the measurement had ended at `at` */
	__u64 at;		 /* of the scheduler's clock */
	__u32 position;		 /* enum position */
	__u32 cause;		 /* what it is blocked in, if it is */
};
