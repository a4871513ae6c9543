// SPDX-License-Identifier: BSD-2-Clause
#include "report/text_parts.h"

#include <stdio.h>
#include <string.h>

#include "report/frames.h"

/* How many frames from there on are one and the same. */
static size_t alike(const struct stack *s, size_t from)
{
	size_t n = 1;

	while (from + n < s->n && s->frames[from + n] == s->frames[from])
		n++;
	return n;
}

/* Calls of which no name is known stand in one line. */
void text_stack(struct page *p, size_t indent, const struct model *m, size_t stack, size_t most)
{
	const struct stack *s = stack == NO_STACK ? NULL : &m->stacks[stack];
	char text[FRAME_TEXT_SIZE], shown[FRAME_TEXT_SIZE], times[32];
	size_t lines = 0, n;

	if (!s)
		page_line(p, indent, STYLE_DIM, "its stack could not be read");
	for (size_t i = 0; s && i < s->n; i += n) {
		if (lines++ == most) {
			page_line(p, indent, STYLE_DIM, "...");
			return;
		}
		n = alike(s, i);
		frame_text(text, sizeof(text) - sizeof(times), &m->frames[s->frames[i]]);
		if (n > 1)
			snprintf(text + strlen(text), sizeof(times), ", %zu times", n);
		page_line(p, indent, STYLE_PLAIN, NAME(p, shown, text, 0));
	}
}
