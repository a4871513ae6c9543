/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/* .debug_line, as lines.c and line_files.c read it. */
#include "sym/object.h"

/* Reads up to an end; beyond it everything is 0, and it is bad. */
struct reader {
	const uint8_t *at, *end;
	bool is_bad;
};

struct program {
	struct reader tables, ops;
	unsigned version, opcode_base, line_range, step;
	int line_base;
	bool is_64;
	const uint8_t *lengths;
};

/* What is taken from a reader, which then is behind it: bytes, a number, one in LEB128, a string. */
const uint8_t *line_take(struct reader *r, uint64_t n);
uint64_t line_number(struct reader *r, unsigned size);
uint64_t line_leb(struct reader *r, bool is_signed);
const char *line_string(struct reader *r);

/* All of a section; bad if there is none, or it is compressed. */
struct reader line_section(struct object *o, enum line_section which);
/* false: it has none in this object's file, or one of a kind that is left to libdw. */
bool line_program_of(struct object *o, Dwarf_Die *unit, struct program *ret);

/* line_files.c: the path of a file by its number; false if there is none. */
bool line_set_file(struct object *o, Dwarf_Die *unit, const struct program *p, uint64_t file,
		   char to[SYM_FILE_SIZE]);
