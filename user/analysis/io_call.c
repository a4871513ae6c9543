// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a call that waits is for, by the functions of its stack: those of the C library, which
 * programs of other languages may not have, and those of the kernel, which all have.
 */
#include <string.h>

#include "analysis/internal.h"

/* Of the C library, without underscores in front. */
static const char *const sync_functions[] = {
	"fsync", "fdatasync", "sync_file_range", "syncfs", "sync", "msync", NULL,
};

static const char *const write_functions[] = {
	"write",
	"writev",
	"fwrite",
	"fwrite_unlocked",
	"fputs",
	"puts",
	"putc",
	"fputc",
	"putchar",
	"printf",
	"fprintf",
	"vprintf",
	"vfprintf",
	"dprintf",
	"vdprintf",
	"fflush",
	"vfprintf_internal",
	"IO_file_xsputn",
	"IO_new_file_xsputn",
	"printf_chk",
	"fprintf_chk",
	"vfprintf_chk",
	NULL,
};

static const char *const log_functions[] = {
	"syslog",	    "vsyslog",	       "syslog_chk", "vsyslog_chk",
	"sd_journal_print", "sd_journal_send", NULL,
};

/* Of the kernel, by what is in their names: ext4_sync_file, xfs_file_fsync, vfs_fsync_range. */
static const char *const sync_parts[] = { "fsync", "sync_file", "fdatasync", "ksys_sync", NULL };

/* ... the outermost that are not the entry of the call. */
static const char *const write_entries[] = {
	"__x64_sys_write",   "__x64_sys_writev",
	"__arm64_sys_write", "__arm64_sys_writev",
	"ksys_write",	     "vfs_write",
	"vfs_writev",	     "do_writev",
	"new_sync_write",    NULL,
};

/* Calls for a place of a file, as databases make them, and not for its end. */
static const char *const place_functions[] = {
	"pwrite",	    "pwrite64",	       "pwritev",	"pwritev2",
	"x64_sys_pwrite64", "x64_sys_pwritev", "ksys_pwrite64", "arm64_sys_pwrite64",
	"libc_pwrite",	    "libc_pwrite64",   "do_pwritev",	NULL,
};

static bool is_among(const char *name, const char *const *list)
{
	for (; *list; list++) {
		if (!strcmp(name, *list))
			return true;
	}
	return false;
}

static const char *bare(const char *name)
{
	name += strspn(name, "_");
	if (!strncmp(name, "GI_", 3))
		name += 3 + strspn(name + 3, "_");
	if (!strncmp(name, "libc_", 5))
		name += 5;
	return name;
}

/* The first of them, from the innermost on, that is not the kernel's; NULL: there is none. */
static const char *user_function(const struct model *m, const struct stack *s,
				 const char *const *list)
{
	for (size_t i = kernel_frames(m, s); i < s->n; i++) {
		const char *name = bare(m->frames[s->frames[i]].function);

		if (is_among(name, list))
			return name;
	}
	return NULL;
}

static bool kernel_has(const struct model *m, const struct stack *s, const char *const *parts)
{
	size_t n = kernel_frames(m, s);

	for (size_t i = 0; i < n; i++) {
		for (const char *const *part = parts; *part; part++) {
			if (strstr(m->frames[s->frames[i]].function, *part))
				return true;
		}
	}
	return false;
}

static bool kernel_writes(const struct model *m, const struct stack *s)
{
	size_t n = kernel_frames(m, s);

	for (size_t i = 0; i < n; i++) {
		if (is_among(m->frames[s->frames[i]].function, write_entries))
			return true;
	}
	return false;
}

static bool is_at_place(const struct model *m, const struct stack *s)
{
	for (size_t i = 0; i < s->n; i++) {
		if (is_among(bare(m->frames[s->frames[i]].function), place_functions))
			return true;
	}
	return false;
}

const char *call_of_sync(const struct model *m, const struct stack *s)
{
	const char *name;

	if (!kernel_has(m, s, sync_parts)) /* of a thread whose kernel side is not known */
		return kernel_frames(m, s) ? NULL : user_function(m, s, sync_functions);
	name = user_function(m, s, sync_functions);
	if (name)
		return name;
	return kernel_writes(m, s) ? "writes that sync (O_SYNC, O_DSYNC)" : "fsync";
}

bool call_is_write(const struct model *m, const struct stack *s)
{
	return !is_at_place(m, s) &&
	       (kernel_writes(m, s) ||
		(!kernel_frames(m, s) && user_function(m, s, write_functions)));
}

const char *call_of_log(const struct model *m, const struct stack *s)
{
	return user_function(m, s, log_functions);
}

/* --- calls on descriptors ------------------------------------------------------------------- */

/* Of the C library, where it is not called as the kernel's. */
static const struct {
	const char *function;
	enum io_call call;
} other_names[] = {
	{ "recv", IO_CALL_recvfrom },	    { "send", IO_CALL_sendto },
	{ "pread", IO_CALL_pread64 },	    { "pwrite", IO_CALL_pwrite64 },
	{ "sendfile64", IO_CALL_sendfile }, { "pselect", IO_CALL_pselect6 },
};

static enum io_call call_of_function(const char *name)
{
	for (int call = 1; call < IO_CALL_COUNT; call++) {
		if (!strcmp(name, io_call_name(call)))
			return call;
	}
	for (size_t i = 0; i < sizeof(other_names) / sizeof(*other_names); i++) {
		if (!strcmp(name, other_names[i].function))
			return other_names[i].call;
	}
	return IO_CALL_OTHER;
}

#define CALL_DEPTH 4 /* frames of the C library between the call and its function */

enum io_call call_of_stack(const struct model *m, const struct stack *s)
{
	size_t first = kernel_frames(m, s);

	for (size_t i = first; i < s->n && i < first + CALL_DEPTH; i++) {
		enum io_call call = call_of_function(bare(m->frames[s->frames[i]].function));

		if (call)
			return call;
	}
	return IO_CALL_OTHER;
}

/* --- aio of the C library -------------------------------------------------------------------- */

static const char *const aio_waits[] = { "aio_suspend", "aio_suspend64", "lio_listio",
					 "lio_listio64", NULL };
static const char *const aio_transfers[] = { "pread", "pread64",   "pwrite", "pwrite64",
					     "read",  "write",	   "preadv", "pwritev",
					     "fsync", "fdatasync", NULL };

static bool is_in_c_library(const struct frame *f)
{
	const char *name = strrchr(f->object, '/');

	name = name ? name + 1 : f->object;
	return !strncmp(name, "libc.so", 7) || !strncmp(name, "libc-", 5) ||
	       !strncmp(name, "ld-musl", 7);
}

/* From its first function on: a thread that the program has not created. */
bool stack_is_of_aio(const struct model *m, const struct stack *s)
{
	size_t first = kernel_frames(m, s);

	if (s->end != STACK_COMPLETE || first == s->n || !user_function(m, s, aio_transfers))
		return false;
	for (size_t i = first; i < s->n; i++) {
		if (!is_in_c_library(&m->frames[s->frames[i]]))
			return false;
	}
	return true;
}

bool stack_awaits_aio(const struct model *m, const struct stack *s)
{
	return user_function(m, s, aio_waits);
}
