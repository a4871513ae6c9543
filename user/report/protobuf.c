// SPDX-License-Identifier: BSD-2-Clause
#include "report/protobuf.h"

#include <string.h>

enum wire_type { WIRE_VARINT = 0, WIRE_8_BYTES = 1, WIRE_LENGTH = 2 };

static size_t varint_size(uint64_t value)
{
	size_t n = 1;

	while (value >>= 7)
		n++;
	return n;
}

static void put_varint(struct proto *p, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*vec_add(p) = (uint8_t)(value | 0x80);
	*vec_add(p) = (uint8_t)value;
}

static void put_key(struct proto *p, unsigned int field, enum wire_type type)
{
	put_varint(p, (uint64_t)field << 3 | type);
}

void proto_number(struct proto *p, unsigned int field, uint64_t value)
{
	put_key(p, field, WIRE_VARINT);
	put_varint(p, value);
}

void proto_u64(struct proto *p, unsigned int field, uint64_t value)
{
	if (value)
		proto_number(p, field, value);
}

void proto_double(struct proto *p, unsigned int field, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	put_key(p, field, WIRE_8_BYTES);
	for (int i = 0; i < 8; i++)
		*vec_add(p) = (uint8_t)(bits >> 8 * i);
}

void proto_element(struct proto *p, unsigned int field, const void *bytes, size_t n)
{
	put_key(p, field, WIRE_LENGTH);
	put_varint(p, n);
	for (const uint8_t *byte = bytes; n--; byte++)
		*vec_add(p) = *byte;
}

void proto_bytes(struct proto *p, unsigned int field, const void *bytes, size_t n)
{
	if (n)
		proto_element(p, field, bytes, n);
}

void proto_packed(struct proto *p, unsigned int field, const uint64_t *values, size_t n)
{
	size_t size = 0;

	if (!n)
		return;
	for (size_t i = 0; i < n; i++)
		size += varint_size(values[i]);
	put_key(p, field, WIRE_LENGTH);
	put_varint(p, size);
	for (size_t i = 0; i < n; i++)
		put_varint(p, values[i]);
}
