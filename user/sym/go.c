// SPDX-License-Identifier: BSD-2-Clause
/*
 * The functions of a Go program, from the table that its runtime prints its own stacks by: it is there
 * when all symbols have been taken away. As of Go 1.18 (src/internal/abi/symtab.go, src/debug/gosym).
 */
#include "sym/go.h"

#include <string.h>

#define MAGIC_18      0xfffffff0u
#define MAGIC_20      0xfffffff1u
#define HEADER_SIZE   72
#define ENTRY_SIZE    8u /* where the code is, where more is: 32 bits each */
#define FUNCTION_SIZE 8u /* as far as it is read here */
#define NAME_MOST     4096

enum { AT_ZERO = 4, AT_WORD = 7, AT_NUMBER = 8, AT_TEXT = 24, AT_NAMES = 32, AT_FUNCTIONS = 64 };

static uint32_t read_32(const char *from)
{
	uint32_t ret;

	memcpy(&ret, from, sizeof(ret));
	return ret;
}

static uint64_t read_64(const char *from)
{
	uint64_t ret;

	memcpy(&ret, from, sizeof(ret));
	return ret;
}

static const Elf_Data *find_table(Elf *elf)
{
	static const char *const names[] = { ".gopclntab", ".data.rel.ro.gopclntab" };
	GElf_Shdr header;

	for (size_t i = 0; elf && i < sizeof(names) / sizeof(*names); i++) {
		Elf_Scn *section = object_section(elf, names[i], &header);
		Elf_Data *data = section ? elf_getdata(section, NULL) : NULL;

		if (data && data->d_buf)
			return data;
	}
	return NULL;
}

bool go_open(Elf *elf, struct go_table *ret)
{
	const Elf_Data *data = find_table(elf);
	const char *at = data ? data->d_buf : NULL;
	uint64_t names, functions;

	if (!at || data->d_size < HEADER_SIZE ||
	    (read_32(at) != MAGIC_18 && read_32(at) != MAGIC_20) || at[AT_ZERO] ||
	    at[AT_WORD] != sizeof(uint64_t))
		return false;
	names = read_64(at + AT_NAMES);
	functions = read_64(at + AT_FUNCTIONS);
	*ret = (struct go_table){
		.text = read_64(at + AT_TEXT),
		.n = read_64(at + AT_NUMBER),
	};
	/* Without it, in what is loaded anywhere, or as of Go 1.26: it is in a variable then. */
	if (!ret->text || names >= data->d_size || functions >= data->d_size)
		return false;
	ret->names = at + names;
	ret->names_size = data->d_size - names;
	ret->functions = at + functions;
	ret->size = data->d_size - functions;
	/* One more: where the last one ends. */
	return ret->n && ret->n < ret->size / ENTRY_SIZE;
}

bool go_function(const struct go_table *t, size_t i, struct go_function *ret)
{
	const char *entry = t->functions + i * ENTRY_SIZE;
	uint32_t begin = read_32(entry), end = read_32(entry + ENTRY_SIZE);
	uint32_t more = read_32(entry + sizeof(begin));

	if (end <= begin || more > t->size - FUNCTION_SIZE)
		return false;
	ret->address = t->text + begin;
	ret->size = end - begin;
	ret->name = read_32(t->functions + more + sizeof(uint32_t));
	return go_name(t, ret->name) && *go_name(t, ret->name);
}

const char *go_name(const struct go_table *t, uint32_t name)
{
	size_t most = name < t->names_size ? t->names_size - name : 0;

	if (most > NAME_MOST)
		most = NAME_MOST;
	return most && memchr(t->names + name, '\0', most) ? t->names + name : NULL;
}
