// SPDX-License-Identifier: BSD-2-Clause
#include "base/err.h"

#include <errno.h>
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

static void fill(struct err *err, const char *fmt, va_list ap)
{
	int n = vsnprintf(err->text, sizeof(err->text), fmt, ap);

	if (n >= (int)sizeof(err->text))
		drop_cut_character(err->text, sizeof(err->text) - 1);
	make_safe(err->text);
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	fill(err, fmt, ap);
	va_end(ap);
	return code;
}

static const struct remedy {
	int error;
	const char *text;
} remedies[] = {
	{ ENOMEM, "see the limits of ulimit -a, and those of its cgroup" },
	{ EAGAIN, "see the limits of ulimit -a, and those of its cgroup" },
	{ EMFILE, "more files have to be allowed: see ulimit -n" },
	{ ENFILE, "close files elsewhere, or raise the limit in /proc/sys/fs/file-max" },
	{ ENOENT, "check the name" },
	{ ENOTDIR, "check the name" },
	{ EACCES, "check its permissions" },
	{ EPERM, "see 'concprof check'" },
	{ ESRCH, "it has ended: look whether it should have" },
};

static const char *remedy_of(int error)
{
	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++) {
		if (remedies[i].error == error)
			return remedies[i].text;
	}
	return "try again, and if it stays see 'concprof check' and dmesg";
}

int err_failed(struct err *err, int code, const char *fmt, ...)
{
	struct err doing;
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	fill(&doing, fmt, ap);
	va_end(ap);
	return err_set(err, code, "%.300s: %s; %s", doing.text, strerror(-code), remedy_of(-code));
}
