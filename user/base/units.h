/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * Numbers for people. Each writes into the caller's buffer of UNITS_SIZE bytes
 * and returns it; the results are at most 12 columns wide.
 */
#include <stdbool.h>
#include <stdint.h>

#define UNITS_SIZE 32

/* "1.234 s", "56.7 ms", "890 µs" ("us" without utf8), "12 min 5 s". */
char *units_ns(char *buf, uint64_t ns, bool utf8);
/* "1,234", "12.3 M" */
char *units_count(char *buf, uint64_t n);
/* How many on average: "0.26", "1.98", "29.7", "1,502". */
char *units_mean(char *buf, double n);
/* A share of 1: "0.4 %", "12 %", "<0.1 %", "99.9 %". All only if it is all. */
char *units_percent(char *buf, double share);
/* "12.3 MiB" */
char *units_bytes(char *buf, uint64_t bytes);
