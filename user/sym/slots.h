/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Which functions an object calls through its table of addresses (GOT). */
#include "base/vec.h"
#include "sym/object.h"

#define SLOT_TRIES UINT64_MAX /* no address of a function */

struct slot {
	uint64_t at; /* its address */
	uint64_t
		target; /* a function of the object itself, or SLOT_TRIES: another one's that tries a
			  * lock */
};

struct slots {
	VEC(struct slot) list; /* by address */
};

enum slots_found {
	SLOTS_NONE,   /* it calls no such function of another object, or is the library of them */
	SLOTS_TRIES,  /* it does */
	SLOTS_STATIC, /* it calls none of other objects at all */
};

/* Reads the list only if it is SLOTS_TRIES. */
enum slots_found slots_read(struct slots *s, Elf *elf);
const struct slot *slots_find(const struct slots *s, uint64_t at);
void slots_free(struct slots *s);
