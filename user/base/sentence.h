/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Text that is put together piece by piece; what does not fit is cut off. */
#include <stddef.h>

struct sentence {
	char *to;
	size_t size, n; /* n: its length so far */
};

/* An empty one in this room, which is at least 1. */
struct sentence sentence_in(char *to, size_t size);
void sentence_add(struct sentence *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
