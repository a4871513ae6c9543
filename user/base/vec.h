/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * A growing array: struct { T *items; size_t n, room; }. Out of memory ends
 * concprof, here as in all of base: see base/memory.h.
 */
#include <stdlib.h>

#include "base/memory.h"

#define VEC(T)                                                                                     \
	struct {                                                                                   \
		T *items;                                                                          \
		size_t n, room;                                                                    \
	}

static inline void *vec_grow(void *items, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 16;

	items = reallocarray(items, more, size);
	if (!items)
		out_of_memory();
	*room = more;
	return items;
}

/* Room for one more at the end, whose address it gives; its content is undefined. */
#define vec_add(v)                                                                                 \
	({                                                                                         \
		if ((v)->n == (v)->room)                                                           \
			(v)->items = vec_grow((v)->items, &(v)->room, sizeof(*(v)->items));        \
		&(v)->items[(v)->n++];                                                             \
	})
