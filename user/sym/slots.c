// SPDX-License-Identifier: BSD-2-Clause
#include "sym/slots.h"

#include <stdlib.h>

#include "event/trylock.h"

#define SYMBOLS_MAX	1000000u
#define RELOCATIONS_MAX 4000000u
#define SECTIONS_MAX	64u /* of relocations */

static size_t rows_of(const GElf_Shdr *header, const Elf_Data *data, size_t most)
{
	size_t n =
		data && data->d_buf && header->sh_entsize ? data->d_size / header->sh_entsize : 0;

	return n < most ? n : most;
}

/* What the object imports, and whether it exports what tries a lock: then it is the library. */
static enum slots_found look(Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t n = rows_of(header, data, SYMBOLS_MAX);
	enum slots_found found = SLOTS_STATIC;
	GElf_Sym symbol;

	for (size_t i = 1; i < n && gelf_getsym(data, (int)i, &symbol); i++) {
		const char *name = elf_strptr(elf, header->sh_link, symbol.st_name);
		bool tries = name && is_trylock(name);

		if (tries && symbol.st_shndx != SHN_UNDEF)
			return SLOTS_NONE;
		if (tries)
			found = SLOTS_TRIES;
		else if (symbol.st_shndx == SHN_UNDEF && found == SLOTS_STATIC)
			found = SLOTS_NONE;
	}
	return found;
}

static enum slots_found look_at_all(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(elf, section))) {
		if (gelf_getshdr(section, &header) && header.sh_type == SHT_DYNSYM)
			return look(elf, section, &header);
	}
	return SLOTS_STATIC;
}

/* Where one leads to; 0: that does not matter. */
static uint64_t target_of(Elf *elf, Elf_Data *symbols, size_t strings, const GElf_Rela *r)
{
	unsigned type = GELF_R_TYPE(r->r_info);
	const char *name;
	GElf_Sym symbol;

	if ((type != R_X86_64_JUMP_SLOT && type != R_X86_64_GLOB_DAT) ||
	    !gelf_getsym(symbols, (int)GELF_R_SYM(r->r_info), &symbol))
		return 0;
	if (symbol.st_shndx != SHN_UNDEF)
		return GELF_ST_TYPE(symbol.st_info) == STT_FUNC ? symbol.st_value : 0;
	name = elf_strptr(elf, strings, symbol.st_name);
	return name && is_trylock(name) ? SLOT_TRIES : 0;
}

static void read_relocations(struct slots *s, Elf *elf, Elf_Scn *section, const GElf_Shdr *header)
{
	Elf_Scn *symbols = elf_getscn(elf, header->sh_link);
	Elf_Data *data = elf_getdata(section, NULL), *of_symbols;
	size_t n = rows_of(header, data, RELOCATIONS_MAX);
	GElf_Shdr names;
	GElf_Rela r;

	of_symbols = symbols ? elf_getdata(symbols, NULL) : NULL;
	if (!of_symbols || !gelf_getshdr(symbols, &names) || names.sh_type != SHT_DYNSYM)
		return;
	for (size_t i = 0; i < n && gelf_getrela(data, (int)i, &r); i++) {
		uint64_t target = target_of(elf, of_symbols, names.sh_link, &r);

		if (target)
			*vec_add(&s->list) = (struct slot){ r.r_offset, target };
	}
}

static int by_address(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return x->at != y->at ? (x->at < y->at ? -1 : 1) : 0;
}

enum slots_found slots_read(struct slots *s, Elf *elf)
{
	enum slots_found found = look_at_all(elf);
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t n = 0;

	if (found != SLOTS_TRIES)
		return found;
	while (n < SECTIONS_MAX && (section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_RELA ||
		    !(header.sh_flags & SHF_ALLOC))
			continue;
		read_relocations(s, elf, section, &header);
		n++;
	}
	if (s->list.n)
		qsort(s->list.items, s->list.n, sizeof(*s->list.items), by_address);
	return found;
}

const struct slot *slots_find(const struct slots *s, uint64_t at)
{
	const struct slot key = { .at = at };

	return s->list.n ? bsearch(&key, s->list.items, s->list.n, sizeof(key), by_address) : NULL;
}

void slots_free(struct slots *s)
{
	free(s->list.items);
}
