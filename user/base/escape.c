// SPDX-License-Identifier: BSD-2-Clause
#include "base/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

struct range {
	uint32_t first, last;
};

/* Controls; marks, isolates and overrides of direction; what cannot be seen; private use. */
static const struct range unsafe[] = {
	{ 0x0, 0x1f },	       { 0x7f, 0x9f },	   { 0xad, 0xad },     { 0x61c, 0x61c },
	{ 0x115f, 0x1160 },    { 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
	{ 0x2060, 0x206f },    { 0x3164, 0x3164 }, { 0xe000, 0xf8ff }, { 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },    { 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0xe0fff },
	{ 0xf0000, 0x10ffff },
};

static const struct range combining[] = {
	{ 0x300, 0x36f },   { 0x483, 0x489 },	{ 0x591, 0x5bd },   { 0x610, 0x61a },
	{ 0x64b, 0x65f },   { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff },
	{ 0x302a, 0x302d }, { 0x3099, 0x309a }, { 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
};

static const struct range wide[] = {
	{ 0x1100, 0x115f },   { 0x231a, 0x231b },   { 0x23e9, 0x23ec },	  { 0x2e80, 0x303e },
	{ 0x3041, 0xa4cf },   { 0xa960, 0xa97f },   { 0xac00, 0xd7a3 },	  { 0xf900, 0xfaff },
	{ 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },	  { 0x1f300, 0x1f64f },
	{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

#define IN(c, ranges) is_in(c, ranges, sizeof(ranges) / sizeof((ranges)[0]))

static bool is_in(uint32_t c, const struct range *ranges, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	}
	return false;
}

static size_t columns_of(uint32_t c)
{
	return IN(c, combining) ? 0 : IN(c, wide) ? 2 : 1;
}

size_t text_fit(const char *text, size_t bytes, size_t columns)
{
	size_t at = 0, used = 0;

	while (at < bytes) {
		uint32_t c;
		size_t n = utf8_decode(text + at, &c);
		size_t w = n ? columns_of(c) : 1;

		if (w > columns - used)
			break;
		used += w;
		at += n ? n : 1;
	}
	return at;
}

size_t text_columns(const char *text, size_t bytes)
{
	size_t columns = 0, n;
	uint32_t c;

	for (size_t at = 0; at < bytes; at += n ? n : 1) {
		n = utf8_decode(text + at, &c);
		columns += n ? columns_of(c) : 1;
	}
	return columns;
}

/* One character as it is shown; its columns, and in *used the bytes that it took. */
static size_t show(char piece[20], const char *text, bool utf8, size_t *used)
{
	uint32_t c = 0;
	size_t n = utf8_decode(text, &c), columns = 0;

	*used = n ? n : 1;
	if (n && (utf8 || c < 0x80) && c != '\\' && !IN(c, unsafe)) {
		memcpy(piece, text, n);
		piece[n] = '\0';
		return columns_of(c);
	}
	if (n == 1 && (c == '\n' || c == '\t' || c == '\\')) {
		snprintf(piece, 20, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : '\\');
		return 2;
	}
	for (size_t i = 0; i < *used; i++)
		columns += (size_t)snprintf(piece + columns, 20 - columns, "\\x%02x",
					    (unsigned char)text[i]);
	return columns;
}

size_t escape_text(char *buf, size_t size, const char *text, size_t columns, bool utf8)
{
	const char *dots = utf8 ? "…" : "...";
	size_t dots_columns = utf8 ? 1 : 3, limit = columns ? columns : SIZE_MAX;
	size_t length = 0, width = 0, safe_length = 0, safe_width = 0, used;

	for (; *text; text += used) {
		char piece[20];
		size_t w = show(piece, text, utf8, &used), bytes = strlen(piece);

		if (width + w > limit || length + bytes + 1 > size) {
			/* Less room than the ellipsis needs: as much of it as fits. */
			length = safe_length;
			if (limit < dots_columns)
				return (size_t)snprintf(buf, size, "%.*s", (int)limit, dots);
			snprintf(buf + length, size - length, "%s", dots);
			return safe_width + dots_columns;
		}
		memcpy(buf + length, piece, bytes);
		length += bytes;
		width += w;
		if (width + dots_columns <= limit && length + 4 <= size) {
			safe_length = length;
			safe_width = width;
		}
	}
	buf[length] = '\0';
	return width;
}

void escape_html(FILE *out, const char *text)
{
	static const char *const marks[128] = {
		['&'] = "&amp;",  ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;",
		['\''] = "&#39;", ['\n'] = " ",	  ['\t'] = " ",
	};
	uint32_t c;
	size_t n;

	for (; *text; text += n ? n : 1) {
		n = utf8_decode(text, &c);
		if (n == 1 && marks[c])
			fputs(marks[c], out);
		else if (!n || IN(c, unsafe))
			fputs("\xef\xbf\xbd", out);
		else
			fwrite(text, 1, n, out);
	}
}
