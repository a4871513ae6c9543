// SPDX-License-Identifier: BSD-2-Clause
#include "sym/line_program.h"

#include <dwarf.h>
#include <string.h>

const uint8_t *line_take(struct reader *r, uint64_t n)
{
	const uint8_t *at = r->at;

	if (n > (uint64_t)(r->end - at)) {
		r->is_bad = true;
		r->at = r->end;
		return NULL;
	}
	r->at += n;
	return at;
}

uint64_t line_number(struct reader *r, unsigned size)
{
	const uint8_t *from = line_take(r, size);
	uint64_t value = 0;

	if (from)
		memcpy(&value, from, size); /* little-endian, as all machines that it runs on */
	return value;
}

uint64_t line_leb(struct reader *r, bool is_signed)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = (uint8_t)line_number(r, 1);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80 && !r->is_bad);
	if (is_signed && byte & 0x40 && shift < 64)
		value |= ~UINT64_C(0) << shift;
	return value;
}

const char *line_string(struct reader *r)
{
	const uint8_t *end = memchr(r->at, 0, (size_t)(r->end - r->at));

	return end ? (const char *)line_take(r, (uint64_t)(end - r->at) + 1)
		   : (r->is_bad = true, NULL);
}

static void read_sections(struct object *o)
{
	static const char *const names[LINE_SECTIONS] = {
		[LINE_PROGRAMS] = ".debug_line",
		[LINE_STRINGS] = ".debug_line_str",
		[LINE_OTHER_STRINGS] = ".debug_str",
	};

	for (unsigned i = 0; i < LINE_SECTIONS; i++) {
		GElf_Shdr header;
		Elf_Scn *found = object_section(o->dwarf_elf, names[i], &header);

		if (found && !(header.sh_flags & SHF_COMPRESSED))
			o->line_sections[i] = elf_rawdata(found, NULL);
	}
	o->have_line_sections_been_read = true;
}

struct reader line_section(struct object *o, enum line_section which)
{
	const Elf_Data *data;

	if (!o->have_line_sections_been_read)
		read_sections(o);
	data = o->line_sections[which];
	if (!data || !data->d_buf)
		return (struct reader){ .is_bad = true };
	return (struct reader){ data->d_buf, (const uint8_t *)data->d_buf + data->d_size, false };
}

/* The header at this offset of .debug_line. */
static bool read_program(struct object *o, uint64_t offset, struct program *p)
{
	struct reader r = line_section(o, LINE_PROGRAMS);
	uint64_t length;

	line_take(&r, offset);
	length = line_number(&r, 4);
	p->is_64 = length == UINT32_MAX;
	if (p->is_64)
		length = line_number(&r, 8);
	if (r.is_bad || length > (uint64_t)(r.end - r.at))
		return false;
	r.end = r.at + length;
	p->version = (unsigned)line_number(&r, 2);
	if (p->version < 2 || p->version > 5)
		return false;
	if (p->version == 5 && line_number(&r, 2) != sizeof(uint64_t)) /* addresses; no segments */
		return false;
	length = line_number(&r, p->is_64 ? 8 : 4);
	p->ops = r;
	line_take(&p->ops, length);
	p->step = (unsigned)line_number(&r, 1);
	if (p->version >= 4 && line_number(&r, 1) != 1)
		return false;
	line_take(&r, 1);
	p->line_base = (int8_t)line_number(&r, 1);
	p->line_range = (unsigned)line_number(&r, 1);
	p->opcode_base = (unsigned)line_number(&r, 1);
	p->lengths = line_take(&r, p->opcode_base ? p->opcode_base - 1 : 0);
	p->tables = r;
	return !r.is_bad && !p->ops.is_bad && p->line_range && p->opcode_base >= 10;
}

bool line_program_of(struct object *o, Dwarf_Die *unit, struct program *ret)
{
	Dwarf_Attribute attribute;
	Dwarf_Word offset;

	/* that of a split or shared unit is in another file */
	return o->native && dwarf_cu_getdwarf(unit->cu) == o->dwarf &&
	       dwarf_attr(unit, DW_AT_stmt_list, &attribute) &&
	       !dwarf_formudata(&attribute, &offset) && read_program(o, offset, ret);
}
