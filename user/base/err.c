// SPDX-License-Identifier: BSD-2-Clause
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* A text that was cut may end within a character: that goes too. */
static void drop_cut_character(char *text, size_t length)
{
	uint32_t c;
	size_t last = length;

	while (last && length - last < 3) {
		unsigned char byte = text[--last];

		if (byte < 0x80 || utf8_decode(text + last, &c))
			return;
		if (byte >= 0xc0) {
			text[last] = '\0';
			return;
		}
	}
}

static void make_safe(char *text)
{
	char *to = text;
	uint32_t c;
	size_t n;

	for (const char *from = text; *from; from += n ? n : 1) {
		n = utf8_decode(from, &c);
		if (n && c >= 0x20 && (c < 0x7f || c > 0x9f)) {
			memmove(to, from, n);
			to += n;
		} else {
			*to++ = '?';
		}
	}
	*to = '\0';
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (!err)
		return code;
	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(err->text))
		drop_cut_character(err->text, sizeof(err->text) - 1);
	make_safe(err->text);
	return code;
}
