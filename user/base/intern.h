/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Strings of bytes, each kept once and numbered from 0 on in the order of their coming.
 * Out of memory ends the program, as with a vector. */
#include "base/map.h"
#include "base/vec.h"

struct interned {
	char *bytes; /* a NUL follows */
	size_t n;
};

struct intern {
	struct map by_hash;
	VEC(struct interned) list;
};

#define INTERN_NONE SIZE_MAX

/* Its number. */
size_t intern(struct intern *in, const void *bytes, size_t n);
/* The same, or INTERN_NONE: it has none. */
size_t intern_find(struct intern *in, const void *bytes, size_t n);
void intern_free(struct intern *in);
