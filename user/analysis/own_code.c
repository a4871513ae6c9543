// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which function of a chain of calls is the program's own: whoever reads a report can
 * change that one, and not what the system's and the language's libraries do below it.
 */
#include <string.h>

#include "analysis/internal.h"

/* Objects by how their names begin. */
static const char *const libraries[] = {
	"[kernel]",   "[vdso]",	  "ld-linux", "ld-musl",      "libc.so",   "libc-2.",
	"libpthread", "librt.so", "libm.so",  "libstdc++.so", "libc++.so", "libgcc_s.so",
};

/* Functions, where those libraries are part of the program (static linking, Rust, Go). */
static const char *const functions[] = {
	"__lll_",  "__futex",  "__pthread_", "___pthread_", "pthread_", "__GI_",
	"__libc_", "__clock_", "futex_",     "std::",	    "core::",	"alloc::",
	"<std::",  "<core::",  "<alloc::",   "runtime.",    "syscall.", "internal/",
	"sync.(",  "_start",   "time.Sleep", "crosscall_",  "_cgo_",	"runtime/",
};

/* Sources of what comes with the system or the language, and is compiled into programs: templates,
 * inline functions, Rust's and Go's libraries. */
static const char *const sources[] = {
	"/usr/include/", "/usr/lib/", "/usr/local/include/", "/usr/local/go/src/", "/rustc/",
};

static bool begins_with(const char *text, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strncmp(text, list[i], strlen(list[i])))
			return true;
	}
	return false;
}

#define BEGINS_WITH(text, list) begins_with(text, list, sizeof(list) / sizeof(*(list)))

bool frame_is_own(const struct frame *f)
{
	const char *slash = strrchr(f->object, '/');

	return f->object[0] && !(f->flags & FRAME_KERNEL) &&
	       !BEGINS_WITH(slash ? slash + 1 : f->object, libraries) &&
	       !BEGINS_WITH(f->function, functions) && !BEGINS_WITH(f->file, sources);
}

ptrdiff_t own_frame(const struct model *m, const struct stack *s)
{
	ptrdiff_t unnamed = -1;

	for (size_t i = 0; i < s->n; i++) {
		const struct frame *f = &m->frames[s->frames[i]];

		if (!frame_is_own(f))
			continue;
		if (f->function[0])
			return i;
		if (unnamed < 0)
			unnamed = i;
	}
	return unnamed;
}
