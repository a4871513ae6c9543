/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * One ELF object as the server sees it: what of it has been read, and what can be asked. All reading
 * is lazy. libelf and libdw do it, from files that are only mapped: not libdwfl, which maps them
 * writable (so that they count as memory) and searches all symbols for each address.
 */
#include <elfutils/libdw.h>
#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sym/sym.h"

struct segment {
	uint64_t offset, file_size, address, size;
	bool executable;
};

#define SEGMENTS_MAX 64

enum object_level {
	OBJECT_FULL,
	OBJECT_PLAIN, /* its debug information ended a server: leave it alone */
	OBJECT_REFUSED,
};

/* An ELF file that is open; bytes: what has to be freed after it. */
struct elf_file {
	Elf *elf;
	int fd;
	void *bytes;
};

struct lines;
struct symbols;
struct tries;
struct units;
struct variables;

enum line_section { LINE_PROGRAMS, LINE_STRINGS, LINE_OTHER_STRINGS, LINE_SECTIONS };

struct object {
	/* what it is */
	int fd; /* -1: none, see bytes */
	char *path;
	char *bytes; /* an image in memory instead of a file; borrowed */
	size_t size;
	uint8_t level; /* enum object_level */
	bool debuginfod;

	/* what has been read; object_close() forgets it */
	Elf *elf;
	bool native; /* code of this machine */
	struct segment segments[SEGMENTS_MAX];
	size_t n_segments;
	Dwarf_CFI *eh_frame;
	bool has_eh_frame_been_read;
	struct elf_file debug, mini; /* the file with its debug information; MiniDebugInfo */
	Elf *dwarf_elf;		     /* the one of these that dwarf is read from; NULL: none */
	Dwarf *dwarf;
	bool has_debug_been_looked_for, has_server_been_asked;
	Elf_Data *line_sections[LINE_SECTIONS]; /* lines.c; NULL: there is none */
	bool have_line_sections_been_read;
	struct symbols *code, *data;
	struct units *units;
	uint64_t units_used; /* how often another one than the last was */
	Dwarf_Off last_unit;
	struct variables *variables;
	struct tries *tries; /* tries.c; NULL: not looked for yet */
};

/* One function at a place; strings end in NUL. */
struct place_frame {
	char function[SYM_NAME_SIZE];
	char file[SYM_FILE_SIZE];
	uint32_t line;
	uint32_t is_inlined;
	uint32_t tries_lock;
};

/* object.c: 0, -ENOEXEC if it is no ELF object, -errno. Opening what is open does nothing. */
int object_open(struct object *o);
void object_close(struct object *o);
/* The address of code, or the start of a mapping, at an offset into the file; -ENOENT. */
int object_code_address(const struct object *o, uint64_t offset, uint64_t *ret);
int object_image(const struct object *o, uint64_t offset, bool executable, uint64_t *ret);
/* Behind its last address. */
uint64_t object_image_end(const struct object *o);
/* Lets go of the pages of its files that have been looked at: they are read again when needed. */
void object_release_pages(struct object *o);
/* The section of this name, with data: NULL if there is none. */
Elf_Scn *object_section(Elf *elf, const char *name, GElf_Shdr *ret_header);

/* debug.c: NULL if there is none, or it may not be read. After it debug and mini are set as well. */
Dwarf *object_dwarf(struct object *o);
/* Has a server asked for what is not on this machine, if that may be: before the first names, since it
 * may take minutes, which whoever wants a rule does not have. */
void object_ask_server(struct object *o);
/* Gives back the memory of what has been read; the next object_dwarf() begins anew. */
void object_forget_dwarf(struct object *o);
void object_close_debug(struct object *o);

/* cfi.c */
int object_rule(struct object *o, uint64_t address, struct unwind_rule *ret);

/* symbols.c: the symbols of ELF. found.name and file may be NULL, and are not demangled. */
struct symbol_found {
	const char *name, *file;
	uint64_t address, size;
};

bool object_code_symbol(struct object *o, uint64_t address, struct symbol_found *ret);
bool object_data_symbol(struct object *o, uint64_t address, struct symbol_found *ret);
/* Whether the object's own code has a symbol that `is` is true of; of the first most of them, to[] gets
 * the addresses. */
size_t object_code_symbols(struct object *o, bool (*is)(const char *name), uint64_t *to,
			   size_t most);
void symbols_free(struct symbols *s);

/* tries.c: where the function at an address calls what tries to take a lock, itself or through small
 * functions of its own object. 0: it does not, or that cannot be told. */
#define TRIES_CALLS 16

size_t object_tries(struct object *o, uint64_t address, uint64_t calls[TRIES_CALLS]);
void tries_free(struct tries *t);

/* units.c: the compilation units of DWARF, and which functions cover an address. */
struct function_found {
	Dwarf_Die unit;	    /* with the table of lines */
	Dwarf_Die function; /* has_function: the function that covers the address */
	bool has_function;
	struct lines **lines; /* kept with the unit for lines_find() */
};

bool object_function(struct object *o, uint64_t address, struct function_found *ret);
void units_free(struct units *u);

/* lines.c: the file and line of an address, and a file of a unit by its number. false: not found, or
 * of a kind that is left to libdw. *kept is for the same unit's next time, until lines_free(). */
bool lines_find(struct object *o, Dwarf_Die *unit, struct lines **kept, uint64_t address,
		struct place_frame *frame);
bool lines_file(struct object *o, Dwarf_Die *unit, uint64_t number, char to[SYM_FILE_SIZE]);
void lines_free(struct lines *l);

/* names.c: how many frames there are at the address. */
size_t object_names(struct object *o, uint64_t address, struct place_frame frames[SYM_DEPTH]);

/* variable.c: -ENOENT if none is known. */
int object_data(struct object *o, uint64_t address, struct sym_data *ret);
void variables_free(struct variables *v);

/* text.c: bounded copies. */
void text_name(char to[SYM_NAME_SIZE], const char *mangled);
/* Of a symbol: without its version. */
void text_symbol(char to[SYM_NAME_SIZE], const char *name);
void text_cut_name(char to[SYM_NAME_SIZE], const char *name);
void text_file(char to[SYM_FILE_SIZE], const char *path);
/* One that may be relative to the directory that the unit was compiled in. */
void text_file_of(char to[SYM_FILE_SIZE], Dwarf_Die *unit, const char *path);
/* By an attribute that is the number of one, such as DW_AT_decl_file. */
void text_file_by(struct object *o, char to[SYM_FILE_SIZE], Dwarf_Attribute *attribute);
bool text_is_mangled(const char *name);

enum text_name { TEXT_NO_NAME, TEXT_PLAIN_NAME, TEXT_LINKAGE_NAME };

/* The linkage name of a DIE, demangled, or the plain one. */
enum text_name text_name_of(char to[SYM_NAME_SIZE], Dwarf_Die *die);
