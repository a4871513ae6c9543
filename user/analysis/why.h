/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* What threads wait for that one look found, in words: for the reports. */
#include "analysis/findings.h"

#define WHY_WORDS 512 /* bytes are enough for any sentence */

/* "waits for queue_lock (mutex), which logger (12) has": what the thread does; of several, "wait
 * for ...". Returns buf. */
char *why_words(char *buf, size_t size, const struct findings *f, const struct stand *s, bool many);
