// SPDX-License-Identifier: BSD-2-Clause
#include "base/sentence.h"

#include <stdarg.h>
#include <stdio.h>

struct sentence sentence_in(char *to, size_t size)
{
	to[0] = '\0';
	return (struct sentence){ to, size, 0 };
}

void sentence_add(struct sentence *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->to + s->n, s->size - s->n, fmt, ap);
	va_end(ap);
	if (n < 0)
		s->to[s->n] = '\0';
	else
		s->n = (size_t)n < s->size - s->n ? s->n + (size_t)n : s->size - 1;
}
