// SPDX-License-Identifier: BSD-2-Clause
#include "base/utf8.h"

struct form {
	unsigned char mask, lead; /* of the first byte */
	uint32_t least;		  /* what needs this many bytes */
};

size_t utf8_decode(const char *s, uint32_t *c)
{
	static const struct form forms[] = {
		{ 0x80, 0x00, 0 },
		{ 0xe0, 0xc0, 0x80 },
		{ 0xf0, 0xe0, 0x800 },
		{ 0xf8, 0xf0, 0x10000 },
	};
	const unsigned char *p = (const unsigned char *)s;
	size_t n = 0;

	while (n < 4 && (p[0] & forms[n].mask) != forms[n].lead)
		n++;
	if (n == 4)
		return 0;
	*c = p[0] & (unsigned char)~forms[n].mask;
	/* The NUL is no continuation byte, so this stops at the string's end. */
	for (size_t i = 1; i <= n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	if (*c < forms[n].least || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return n + 1;
}
