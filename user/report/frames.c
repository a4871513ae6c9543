// SPDX-License-Identifier: BSD-2-Clause
#include "report/frames.h"

#include <stdio.h>
#include <string.h>

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *frame_name(char *buf, size_t size, const struct frame *f)
{
	if (f->function[0])
		snprintf(buf, size, "%s", f->function);
	else if (f->object[0] == '[') /* "[kernel]" */
		snprintf(buf, size, "%s", f->object);
	else
		snprintf(buf, size, "[%s]", f->object[0] ? base_name(f->object) : "unknown");
	return buf;
}

char *frame_text(char *buf, size_t size, const struct frame *f)
{
	size_t n;

	frame_name(buf, size, f);
	n = strlen(buf);
	if (f->flags & FRAME_KERNEL && f->function[0])
		snprintf(buf + n, size - n, " %s", f->object);
	else if (f->file[0] && f->line)
		snprintf(buf + n, size - n, " (%s:%u)", base_name(f->file), f->line);
	return buf;
}

/* Where the list of parameters begins that the last ')' ends; n: there is none. */
static size_t parameters(const char *name, size_t n)
{
	int depth = 0;

	while (n && name[n - 1] != ')')
		n--;
	for (size_t i = n; i-- > 1;) {
		depth += (name[i] == ')') - (name[i] == '(');
		if (!depth)
			return i;
	}
	return strlen(name);
}

char *function_short(char *buf, size_t size, const char *function)
{
	size_t n = strcspn(function, "[") /* "[clone .part.0]" */, end;

	if (!n || function[n] != '[' || strncmp(function + n, "[clone ", 7))
		n = strlen(function);
	end = parameters(function, n);
	/* Go's methods have one in the middle: "sync.(*Mutex).Lock" */
	if (end < n && function[end - 1] != '.' && strchr(" c)", function[n - 1]))
		n = end;
	while (n && function[n - 1] == ' ')
		n--;
	snprintf(buf, size, "%.*s", (int)n, function);
	return buf;
}

const char *stack_end_name(enum stack_end end)
{
	static const char *const names[STACK_END_COUNT] = {
		[STACK_COMPLETE] = "complete", [STACK_CUT] = "cut",   [STACK_NO_RULE] = "no-rule",
		[STACK_GARBAGE] = "garbage",   [STACK_FULL] = "full",
	};

	return names[end];
}
