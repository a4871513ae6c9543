/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* Of findings beside the verdict: that they are there, and what they say. */
#include "findings.h"

static inline const struct finding *find(const char *rule)
{
	for (size_t i = 0; i < f->n_list; i++) {
		if (!strcmp(f->list[i].rule, rule))
			return &f->list[i];
	}
	return NULL;
}

static inline const struct finding *fires(const char *rule)
{
	cr_assert(find(rule), "%s does not fire", rule);
	return find(rule);
}

static inline void is_silent(const char *rule)
{
	cr_assert(!find(rule), "%s fires: %s", rule, find(rule)->title);
}

static inline void says(const struct finding *it, const char *words)
{
	for (size_t i = 0; i < it->n_evidence; i++) {
		if (strstr(it->evidence[i].text, words))
			return;
	}
	cr_assert(strstr(it->title, words), "no \"%s\" in \"%s\" nor behind it", words, it->title);
}

static inline void again(void)
{
	teardown();
	setup();
}

static inline void put_freed(void *event)
{
	put(event);
	free(event);
}

/* The first: a chain of functions, innermost first; those that begin with "k:" are the kernel's,
 * with "c:" the C library's. */
static inline void put_stack(const char *const *functions)
{
	__u32 frames[8];
	size_t n = 0;

	for (; functions[n]; n++) {
		const char *name = functions[n];
		bool is_kernel = !strncmp(name, "k:", 2), is_library = !strncmp(name, "c:", 2);
		struct ev_frame *one = frame(n + 1, name + 2 * (is_kernel || is_library), "",
					     is_kernel	  ? "[kernel]"
					     : is_library ? "/lib/libc.so.6"
							  : "/bin/a");

		one->flags = is_kernel ? FRAME_KERNEL : 0;
		frames[n] = one->id;
		put_freed(one);
	}
	put_freed(stack(1, frames, n));
}

static inline void counted(struct ev_thread *t, uint64_t reads, uint64_t read_bytes,
			   uint64_t writes, uint64_t written_bytes)
{
	t->flags |= THREAD_IO_COUNTED;
	t->witness.reads = reads;
	t->witness.read_bytes = read_bytes;
	t->witness.writes = writes;
	t->witness.written_bytes = written_bytes;
}
