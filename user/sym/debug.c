// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where the debug information of an object is: in itself, in a file of its own, found by build-id or
 * by .gnu_debuglink, or, on request, at a debuginfod server; MiniDebugInfo beside that. Paths come out of the
 * object: only regular files are opened, and only those that prove that they belong to it are used.
 */
#include "sym/object.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <limits.h>
#include <lzma.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "sym/debuginfod.h"

#define DEBUG_ROOT "/usr/lib/debug"
#define MINI_MAX   (64u << 20)
#define ID_MAX	   64

static void close_file(struct elf_file *file)
{
	elf_end(file->elf);
	if (file->elf && file->fd >= 0)
		close(file->fd);
	free(file->bytes);
	*file = (struct elf_file){ .elf = NULL };
}

/* Whether they bear the same build-id; unknown if one has none. */
enum same { SAME_UNKNOWN, SAME_YES, SAME_NO };

static enum same same_build_id(Elf *a, Elf *b)
{
	const void *id_a, *id_b;
	ssize_t n_a = dwelf_elf_gnu_build_id(a, &id_a), n_b = dwelf_elf_gnu_build_id(b, &id_b);

	if (n_a <= 0 || n_b <= 0)
		return SAME_UNKNOWN;
	return n_a == n_b && !memcmp(id_a, id_b, (size_t)n_a) ? SAME_YES : SAME_NO;
}

/* Read, not mapped: all of a big file would be resident. */
static bool has_checksum(int fd, GElf_Word wanted)
{
	static uint8_t block[65536];
	uLong crc = 0;
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, block, sizeof(block), at)) > 0) {
		crc = crc32_z(crc, block, (size_t)n);
		at += n;
	}
	return !n && crc == wanted;
}

/* Takes the descriptor over. crc may be NULL: only a build-id will do. */
static bool try_descriptor(const struct object *o, int fd, const GElf_Word *crc,
			   struct elf_file *ret)
{
	struct stat st;
	enum same same;

	if (fd < 0)
		return false;
	*ret = (struct elf_file){ .fd = fd };
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		ret->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (!ret->elf) {
		close(fd);
		return false;
	}
	if (elf_kind(ret->elf) == ELF_K_ELF) {
		same = same_build_id(o->elf, ret->elf);
		if (same == SAME_YES || (same == SAME_UNKNOWN && crc && has_checksum(fd, *crc)))
			return true;
	}
	close_file(ret);
	return false;
}

static bool try_path(const struct object *o, const GElf_Word *crc, struct elf_file *ret,
		     const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static bool try_path(const struct object *o, const GElf_Word *crc, struct elf_file *ret,
		     const char *fmt, ...)
{
	struct stat st;
	char path[PATH_MAX];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	/* looked at first: to open a device may do something */
	if (n < 0 || n >= (int)sizeof(path) || stat(path, &st) || !S_ISREG(st.st_mode))
		return false;
	return try_descriptor(o, open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), crc,
			      ret);
}

static bool by_build_id(const struct object *o, struct elf_file *ret)
{
	char hex[2 * ID_MAX + 1] = "";
	const uint8_t *id;
	ssize_t n = dwelf_elf_gnu_build_id(o->elf, (const void **)&id);

	if (n < 2 || n > ID_MAX)
		return false;
	for (ssize_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	return try_path(o, NULL, ret, DEBUG_ROOT "/.build-id/%.2s/%s.debug", hex, hex + 2);
}

static bool by_link(const struct object *o, struct elf_file *ret)
{
	GElf_Word crc;
	const char *name = dwelf_elf_gnu_debuglink(o->elf, &crc), *slash = strrchr(o->path, '/');
	int n = slash ? (int)(slash - o->path) : 0;

	if (!name || !*name || strchr(name, '/') || o->path[0] != '/')
		return false;
	return try_path(o, &crc, ret, "%.*s/%s", n, o->path, name) ||
	       try_path(o, &crc, ret, "%.*s/.debug/%s", n, o->path, name) ||
	       try_path(o, &crc, ret, DEBUG_ROOT "%.*s/%s", n, o->path, name);
}

static bool by_server(const struct object *o, struct elf_file *ret)
{
	const void *id;
	ssize_t n = dwelf_elf_gnu_build_id(o->elf, &id);

	if (n <= 0 || n > ID_MAX)
		return false;
	return try_descriptor(o, debuginfod_find(id, (int)n), NULL, ret);
}

/* MiniDebugInfo: an ELF object with symbols, compressed, in a section. */
static void open_mini(struct object *o)
{
	GElf_Shdr header;
	Elf_Scn *section = object_section(o->elf, ".gnu_debugdata", &header);
	Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;

	if (!data || !data->d_buf)
		return;
	for (size_t room = data->d_size * 4; room <= MINI_MAX; room *= 2) {
		uint64_t memory = MINI_MAX;
		size_t from = 0, n = 0;
		char *bytes = malloc(room + 1);
		lzma_ret r;

		if (!bytes)
			return;
		r = lzma_stream_buffer_decode(&memory, 0, NULL, data->d_buf, &from, data->d_size,
					      (uint8_t *)bytes, &n, room);
		o->mini = (struct elf_file){ .fd = -1, .bytes = bytes };
		if (r == LZMA_OK)
			o->mini.elf = elf_memory(bytes, n);
		if (o->mini.elf && elf_kind(o->mini.elf) == ELF_K_ELF)
			return;
		close_file(&o->mini);
		if (r != LZMA_BUF_ERROR || !room)
			return;
	}
}

static void find_debug(struct object *o)
{
	GElf_Shdr header;

	open_mini(o);
	if (object_section(o->elf, ".debug_info", &header) ||
	    object_section(o->elf, ".zdebug_info", &header))
		o->dwarf_elf = o->elf;
	else if (by_build_id(o, &o->debug) || by_link(o, &o->debug))
		o->dwarf_elf = o->debug.elf;
	else if (object_section(o->elf, ".debug_frame", &header))
		o->dwarf_elf = o->elf;
}

Dwarf *object_dwarf(struct object *o)
{
	if (o->level != OBJECT_FULL)
		return NULL;
	if (!o->has_debug_been_looked_for) {
		o->has_debug_been_looked_for = true;
		find_debug(o);
	}
	if (!o->dwarf && o->dwarf_elf) {
		o->dwarf = dwarf_begin_elf(o->dwarf_elf, DWARF_C_READ, NULL);
		if (!o->dwarf)
			o->dwarf_elf = NULL;
	}
	return o->dwarf;
}

static bool has_debug_info(const struct object *o)
{
	GElf_Shdr header;

	return o->dwarf_elf && (o->dwarf_elf == o->debug.elf ||
				object_section(o->dwarf_elf, ".debug_info", &header) ||
				object_section(o->dwarf_elf, ".zdebug_info", &header));
}

void object_ask_server(struct object *o)
{
	if (!o->debuginfod || o->has_server_been_asked || o->level != OBJECT_FULL)
		return;
	o->has_server_been_asked = true;
	(void)object_dwarf(o); /* it looks here first */
	if (has_debug_info(o) || !by_server(o, &o->debug))
		return;
	object_forget_dwarf(o);
	o->dwarf_elf = o->debug.elf;
}

/* Variables point into it; units are known by their offsets. */
void object_forget_dwarf(struct object *o)
{
	variables_free(o->variables);
	o->variables = NULL;
	if (o->dwarf)
		dwarf_end(o->dwarf);
	o->dwarf = NULL;
}

void object_close_debug(struct object *o)
{
	object_forget_dwarf(o);
	close_file(&o->debug);
	close_file(&o->mini);
}
