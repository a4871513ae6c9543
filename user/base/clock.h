/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdint.h>

/* CLOCK_MONOTONIC, in nanoseconds. */
uint64_t clock_ns(void);
