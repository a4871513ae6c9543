// SPDX-License-Identifier: BSD-2-Clause
#include "sym/object.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#else
#define MACHINE EM_AARCH64
#endif

/* The kernel's own image of the vdso, whose section headers end it. */
static void find_vdso(struct object *o)
{
	uintptr_t at = getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *header = (const void *)at;

	if (!at || header->e_ident[EI_CLASS] != ELFCLASS64)
		return;
	o->bytes = (char *)at;
	o->size = header->e_shoff + (size_t)header->e_shnum * header->e_shentsize;
}

static int read_segments(struct object *o)
{
	size_t n;

	if (elf_getphdrnum(o->elf, &n))
		return -ENOEXEC;
	for (size_t i = 0; i < n && o->n_segments < SEGMENTS_MAX; i++) {
		GElf_Phdr p;

		if (!gelf_getphdr(o->elf, (int)i, &p))
			return -ENOEXEC;
		if (p.p_type == PT_LOAD)
			o->segments[o->n_segments++] =
				(struct segment){ p.p_offset, p.p_filesz, p.p_vaddr, p.p_memsz,
						  p.p_flags & PF_X };
	}
	return o->n_segments ? 0 : -ENOEXEC;
}

int object_open(struct object *o)
{
	GElf_Ehdr header;
	int r;

	if (o->elf)
		return 0;
	if (o->fd < 0 && !o->bytes && !strcmp(o->path, SYM_VDSO))
		find_vdso(o);
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -EIO;
	o->elf = o->bytes ? elf_memory(o->bytes, o->size) : elf_begin(o->fd, ELF_C_READ_MMAP, NULL);
	if (!o->elf)
		return -ENOEXEC;
	r = elf_kind(o->elf) == ELF_K_ELF && gelf_getehdr(o->elf, &header) ? read_segments(o)
									   : -ENOEXEC;
	if (r) {
		object_close(o);
		return r;
	}
	o->native = header.e_machine == MACHINE && header.e_ident[EI_CLASS] == ELFCLASS64 &&
		    header.e_ident[EI_DATA] == ELFDATA2LSB;
	return 0;
}

void object_close(struct object *o)
{
	symbols_free(o->code);
	symbols_free(o->data);
	units_free(o->units);
	tries_free(o->tries);
	object_close_debug(o);
	if (o->eh_frame)
		dwarf_cfi_end(o->eh_frame);
	elf_end(o->elf);
	*o = (struct object){ .fd = o->fd,
			      .path = o->path,
			      .bytes = o->bytes,
			      .size = o->size,
			      .level = o->level,
			      .debuginfod = o->debuginfod };
}

int object_code_address(const struct object *o, uint64_t offset, uint64_t *ret)
{
	for (size_t i = 0; i < o->n_segments; i++) {
		const struct segment *s = &o->segments[i];

		if (s->executable && offset >= s->offset && offset - s->offset < s->file_size) {
			*ret = s->address + (offset - s->offset);
			return 0;
		}
	}
	return -ENOENT;
}

/* A mapping begins at a page of the file, so somewhat before its segment. */
int object_image(const struct object *o, uint64_t offset, bool executable, uint64_t *ret)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	for (size_t i = 0; i < o->n_segments; i++) {
		const struct segment *s = &o->segments[i];
		uint64_t start = s->offset - s->offset % page;

		if (executable && !s->executable)
			continue;
		if (offset >= start && offset - start < s->file_size + (s->offset - start)) {
			*ret = s->address - (s->offset - offset);
			return 0;
		}
	}
	return -ENOENT;
}

uint64_t object_image_end(const struct object *o)
{
	uint64_t end = 0;

	for (size_t i = 0; i < o->n_segments; i++) {
		const struct segment *s = &o->segments[i];

		if (s->address + s->size > end)
			end = s->address + s->size;
	}
	return end;
}

/* libelf does not say whether it has mapped a file or read it, and what was read must stay. */
static bool is_mapped_file(const void *start)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long at, inode = 0;
	char line[512];
	bool found = false;

	while (maps && !found && fgets(line, sizeof(line), maps))
		found = sscanf(line, "%lx-%*x r--p %*x %*s %lu", &at, &inode) == 2 &&
			at == (uintptr_t)start && inode;
	if (maps)
		fclose(maps);
	return found;
}

static void release_pages(Elf *elf)
{
	size_t size = 0;
	char *start = elf ? elf_rawfile(elf, &size) : NULL;

	if (start && is_mapped_file(start))
		madvise(start, size, MADV_DONTNEED);
}

void object_release_pages(struct object *o)
{
	if (o->fd >= 0)
		release_pages(o->elf);
	release_pages(o->debug.elf);
}

Elf_Scn *object_section(Elf *elf, const char *name, GElf_Shdr *ret_header)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((section = elf_nextscn(elf, section))) {
		const char *is = NULL;

		if (gelf_getshdr(section, ret_header))
			is = elf_strptr(elf, names, ret_header->sh_name);
		if (is && !strcmp(is, name) && ret_header->sh_type != SHT_NOBITS)
			return section;
	}
	return NULL;
}
