/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * The wire format of protocol buffers, as far as a profile and a trace need it: numbers, and what has
 * a length. By hand, because a library would bring a generator to the build, and these are
 * four functions. Numbers that are 0 and empty strings are left out, as proto3 does.
 */
#include <stdint.h>

#include "base/vec.h"

struct proto {
	uint8_t *items;
	size_t n, room;
};

void proto_u64(struct proto *p, unsigned int field, uint64_t value);
/* ... a 0 too: with proto2 it is not the same as none. */
void proto_number(struct proto *p, unsigned int field, uint64_t value);
void proto_double(struct proto *p, unsigned int field, double value);
/* A string, or another message. */
void proto_bytes(struct proto *p, unsigned int field, const void *bytes, size_t n);
/* The same for what may be empty: an element of a list. */
void proto_element(struct proto *p, unsigned int field, const void *bytes, size_t n);
/* A list of numbers, zeros included. */
void proto_packed(struct proto *p, unsigned int field, const uint64_t *values, size_t n);
