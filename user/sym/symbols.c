// SPDX-License-Identifier: BSD-2-Clause
/*
 * The symbols of an object, of its debug file and of its MiniDebugInfo in one sorted table: one of
 * code, one of data. Entries are small and name their strings by place: a big program has millions.
 */
#include "sym/go.h"
#include "sym/object.h"

#include <stdlib.h>
#include <string.h>

#define SYMBOLS_MAX  3000000u
#define SECTIONS_MAX 65536u
#define TABLES_MAX   4
#define BACK_MAX     64 /* symbols before an address that are looked at for one that covers it */

struct symbol {
	uint64_t address;
	uint32_t size; /* at most UINT32_MAX; 0: not known */
	uint32_t name;
	uint32_t file; /* of a local symbol; 0: not known */
	uint8_t table;
	uint8_t rank; /* of those at one address the lowest is shown */
};

struct symbols {
	bool code; /* else data */
	struct {
		Elf *elf;
		size_t strings;	    /* section */
		struct go_table go; /* instead of both, if elf is NULL */
	} tables[TABLES_MAX];
	size_t n_tables;
	struct symbol *items;
	size_t n, room;
};

/* One table of symbols while it is read. */
struct source {
	Elf *elf;
	Elf_Data *data;
	size_t n, strings;
	uint8_t *executable; /* by section: 0 not in memory, 1 data, 2 code */
	size_t n_sections;
};

static bool wanted(const struct symbols *s, const struct source *from, const GElf_Sym *sym)
{
	unsigned type = GELF_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= from->n_sections || !sym->st_name)
		return false;
	if (from->executable[sym->st_shndx] != (s->code ? 2 : 1))
		return false;
	if (type == STT_NOTYPE)
		return true;
	return s->code ? type == STT_FUNC || type == STT_GNU_IFUNC
		       : type == STT_OBJECT || type == STT_COMMON;
}

static uint8_t rank(const GElf_Sym *sym, const char *name)
{
	static const uint8_t bindings[16] = {
		[STB_GLOBAL] = 1, [STB_GNU_UNIQUE] = 1, [STB_WEAK] = 2, [STB_LOCAL] = 3
	};
	uint8_t ret = bindings[GELF_ST_BIND(sym->st_info)] * 16;

	if (GELF_ST_TYPE(sym->st_info) == STT_NOTYPE)
		ret += 64;
	/* pthread_mutex_lock rather than ___pthread_mutex_lock */
	for (unsigned i = 0; name[i] == '_' && i < 3; i++)
		ret++;
	return ret;
}

static void add(struct symbols *s, const struct source *from, const GElf_Sym *sym, uint32_t file)
{
	const char *name = elf_strptr(from->elf, from->strings, sym->st_name);

	/* marks of the assembler on ARM */
	if (!name || !*name || *name == '$')
		return;
	s->items[s->n++] = (struct symbol){
		.address = sym->st_value,
		.size = sym->st_size > UINT32_MAX ? UINT32_MAX : (uint32_t)sym->st_size,
		.name = sym->st_name,
		.file = GELF_ST_BIND(sym->st_info) == STB_LOCAL ? file : 0,
		.table = (uint8_t)s->n_tables,
		.rank = rank(sym, name),
	};
}

static bool make_room(struct symbols *s, size_t more)
{
	struct symbol *items;

	if (more > SYMBOLS_MAX - s->n)
		return false;
	items = reallocarray(s->items, s->n + more + 1, sizeof(*items));
	if (!items)
		return false;
	s->items = items;
	return true;
}

static void add_all(struct symbols *s, const struct source *from)
{
	uint32_t file = 0;
	size_t n = 0;
	GElf_Sym sym;

	for (size_t i = 0; i < from->n; i++)
		n += gelf_getsym(from->data, (int)i, &sym) && wanted(s, from, &sym);
	if (!make_room(s, n))
		return;
	for (size_t i = 0; i < from->n; i++) {
		if (!gelf_getsym(from->data, (int)i, &sym))
			continue;
		if (GELF_ST_TYPE(sym.st_info) == STT_FILE)
			file = sym.st_name;
		else if (wanted(s, from, &sym))
			add(s, from, &sym, file);
	}
	s->tables[s->n_tables].elf = from->elf;
	s->tables[s->n_tables++].strings = from->strings;
}

static bool classify_sections(struct source *from)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	if (elf_getshdrnum(from->elf, &from->n_sections))
		return false;
	if (from->n_sections > SECTIONS_MAX)
		from->n_sections = SECTIONS_MAX;
	from->executable = calloc(from->n_sections + 1, 1);
	if (!from->executable)
		return false;
	while ((section = elf_nextscn(from->elf, section))) {
		size_t i = elf_ndxscn(section);

		if (i < from->n_sections && gelf_getshdr(section, &header) &&
		    header.sh_flags & SHF_ALLOC && !(header.sh_flags & SHF_TLS))
			from->executable[i] = header.sh_flags & SHF_EXECINSTR ? 2 : 1;
	}
	return true;
}

/* The table of this type, SHT_SYMTAB or SHT_DYNSYM. Whether there is one. */
static bool read_table(struct symbols *s, Elf *elf, unsigned type)
{
	struct source from = { .elf = elf };
	Elf_Scn *section = NULL;
	GElf_Shdr header = { .sh_type = SHT_NULL };

	while (elf && header.sh_type != type && (section = elf_nextscn(elf, section))) {
		if (!gelf_getshdr(section, &header))
			return false;
	}
	if (!section || !header.sh_entsize || s->n_tables == TABLES_MAX)
		return false;
	from.data = elf_getdata(section, NULL);
	if (!from.data || !from.data->d_buf)
		return false;
	from.n = from.data->d_size / header.sh_entsize;
	from.strings = header.sh_link;
	if (from.n <= INT32_MAX && classify_sections(&from))
		add_all(s, &from);
	free(from.executable);
	return true;
}

/* What Go keeps for itself: only if its symbols have been taken away. */
static void read_go(struct symbols *s, Elf *elf)
{
	struct go_function function;
	struct go_table go;

	if (s->n_tables == TABLES_MAX || !go_open(elf, &go) || !make_room(s, go.n))
		return;
	for (size_t i = 0; i < go.n; i++) {
		if (!go_function(&go, i, &function))
			continue;
		s->items[s->n++] = (struct symbol){
			.address = function.address,
			.size = function.size,
			.name = function.name,
			.table = (uint8_t)s->n_tables,
		};
	}
	s->tables[s->n_tables].elf = NULL;
	s->tables[s->n_tables++].go = go;
}

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	/* the best is the last before the next address */
	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	if (x->table != y->table)
		return x->table > y->table ? -1 : 1;
	return x->name > y->name ? -1 : x->name < y->name;
}

static struct symbols *read_all(struct object *o, bool code)
{
	struct symbols *s = calloc(1, sizeof(*s));
	bool has_all;

	if (!s)
		return NULL;
	s->code = code;
	if (o->level == OBJECT_FULL)
		object_dwarf(o); /* finds the others */
	has_all = read_table(s, o->elf, SHT_SYMTAB);
	if (!has_all)
		read_table(s, o->elf, SHT_DYNSYM);
	has_all |= read_table(s, o->debug.elf, SHT_SYMTAB);
	read_table(s, o->mini.elf, SHT_SYMTAB);
	if (code && !has_all)
		read_go(s, o->elf);
	if (s->n)
		qsort(s->items, s->n, sizeof(*s->items), compare);
	return s;
}

static const char *name_of(const struct symbols *s, const struct symbol *symbol)
{
	Elf *elf = s->tables[symbol->table].elf;

	if (!elf)
		return go_name(&s->tables[symbol->table].go, symbol->name);
	return elf_strptr(elf, s->tables[symbol->table].strings, symbol->name);
}

/* The last symbol that starts at address or before it. */
static size_t find(const struct symbols *s, uint64_t address)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->items[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Code without a size reaches up to the next one. */
static bool covers(const struct symbols *s, size_t i, size_t last, uint64_t address)
{
	const struct symbol *symbol = &s->items[i];

	if (!symbol->size)
		return s->code ? symbol->address == s->items[last].address
			       : symbol->address == address;
	return address - symbol->address < symbol->size;
}

static bool look_up(const struct symbols *s, uint64_t address, struct symbol_found *ret)
{
	size_t end = find(s, address);

	for (size_t i = end; i > 0 && end - i < BACK_MAX; i--) {
		const struct symbol *found = &s->items[i - 1];
		Elf *elf = s->tables[found->table].elf;
		size_t strings = s->tables[found->table].strings;

		if (!covers(s, i - 1, end - 1, address))
			continue;
		*ret = (struct symbol_found){
			.name = name_of(s, found),
			.file = found->file ? elf_strptr(elf, strings, found->file) : NULL,
			.address = found->address,
			.size = found->size,
		};
		return ret->name;
	}
	return false;
}

bool object_code_symbol(struct object *o, uint64_t address, struct symbol_found *ret)
{
	if (!o->code)
		o->code = read_all(o, true);
	return o->code && look_up(o->code, address, ret);
}

bool object_data_symbol(struct object *o, uint64_t address, struct symbol_found *ret)
{
	if (!o->data)
		o->data = read_all(o, false);
	return o->data && look_up(o->data, address, ret);
}

size_t object_code_symbols(struct object *o, bool (*is)(const char *name), uint64_t *to,
			   size_t most)
{
	size_t n = 0;

	if (!o->code)
		o->code = read_all(o, true);
	for (size_t i = 0; o->code && i < o->code->n && n < most; i++) {
		const struct symbol *s = &o->code->items[i];
		const char *name = name_of(o->code, s);

		if (name && is(name))
			to[n++] = s->address;
	}
	return n;
}

void symbols_free(struct symbols *s)
{
	if (s)
		free(s->items);
	free(s);
}
