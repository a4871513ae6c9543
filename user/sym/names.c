// SPDX-License-Identifier: BSD-2-Clause
/* The functions and lines at an address: DWARF's, else the symbol's. */
#include "sym/object.h"

#include <dwarf.h>
#include <string.h>

#define BLOCKS_MAX 1000	    /* one within another */
#define DIES_MAX   2000000u /* of one function */

/* The function and what is inlined at the address, outermost first. */
struct chain {
	Dwarf_Die items[SYM_DEPTH];
	size_t n;
	bool has_gap; /* after the first: of too many the innermost are kept */
	unsigned budget;
};

static void add(struct chain *c, const Dwarf_Die *die)
{
	if (c->n == SYM_DEPTH) {
		memmove(&c->items[1], &c->items[2], (SYM_DEPTH - 2) * sizeof(*c->items));
		c->has_gap = true;
		c->n--;
	}
	c->items[c->n++] = *die;
}

static bool has_code(Dwarf_Die *die)
{
	return dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges);
}

/* Blocks may have no code of their own, and yet hold some. */
static bool leads_on(Dwarf_Die *die, uint64_t address)
{
	switch (dwarf_tag(die)) {
	case DW_TAG_inlined_subroutine:
		return dwarf_haspc(die, address) > 0;
	case DW_TAG_lexical_block:
	case DW_TAG_try_block:
	case DW_TAG_catch_block:
		return !has_code(die) || dwarf_haspc(die, address) > 0;
	default:
		return false;
	}
}

/* Whether something is inlined there. */
static bool follow(struct chain *c, Dwarf_Die *parent, uint64_t address, unsigned depth)
{
	Dwarf_Die die;

	if (depth == BLOCKS_MAX || dwarf_child(parent, &die))
		return false;
	do {
		if (!c->budget)
			return false;
		c->budget--;
		if (!leads_on(&die, address))
			continue;
		if (dwarf_tag(&die) == DW_TAG_inlined_subroutine) {
			add(c, &die);
			follow(c, &die, address, depth + 1);
			return true;
		}
		if (follow(c, &die, address, depth + 1))
			return true;
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

static uint32_t number(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	if (!dwarf_attr(die, name, &attribute) || dwarf_formudata(&attribute, &value) ||
	    value > UINT32_MAX)
		return 0;
	return (uint32_t)value;
}

static void set_call_site(struct object *o, struct place_frame *frame, Dwarf_Die *inlined)
{
	Dwarf_Attribute file;

	frame->line = number(inlined, DW_AT_call_line);
	if (dwarf_attr(inlined, DW_AT_call_file, &file))
		text_file_by(o, frame->file, &file);
}

static void set_line(struct object *o, struct function_found *in, uint64_t address,
		     struct place_frame *frame)
{
	Dwarf_Line *line;
	const char *path;
	int n;

	if (lines_find(o, &in->unit, in->lines, address, frame))
		return;
	line = dwarf_getsrc_die(&in->unit, address);
	path = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	if (path)
		text_file_of(frame->file, &in->unit, path);
	if (line && !dwarf_lineno(line, &n) && n > 0)
		frame->line = (uint32_t)n;
}

static void set_symbol(struct object *o, uint64_t address, struct place_frame *frame)
{
	struct symbol_found found;

	if (!object_code_symbol(o, address, &found))
		return;
	text_symbol(frame->function, found.name);
	if (!frame->file[0] && found.file)
		text_file(frame->file, found.file);
}

/* A function of a local type has no linkage name, only "operator()": its symbol says more. */
static void set_function(struct object *o, struct place_frame *frame, Dwarf_Die *die)
{
	enum text_name is = text_name_of(frame->function, die);
	struct symbol_found found;
	Dwarf_Addr entry;

	if (is != TEXT_PLAIN_NAME || dwarf_entrypc(die, &entry) ||
	    !object_code_symbol(o, entry, &found))
		return;
	if (found.address == entry && text_is_mangled(found.name))
		text_symbol(frame->function, found.name);
}

/* frames[i] is inlined into frames[i + 1] at a line that DWARF keeps with the former. */
static size_t set_chain(struct object *o, struct place_frame *frames, struct chain *c)
{
	for (size_t i = 0; i + 1 < c->n; i++) {
		Dwarf_Die *die = &c->items[c->n - 1 - i];

		text_name_of(frames[i].function, die);
		frames[i].is_inlined = true;
		if (!c->has_gap || i + 2 < c->n)
			set_call_site(o, &frames[i + 1], die);
	}
	set_function(o, &frames[c->n - 1], &c->items[0]);
	return c->n;
}

static bool is_same(Dwarf_Die *a, Dwarf_Die *b)
{
	return dwarf_dieoffset(a) == dwarf_dieoffset(b);
}

/* std::lock() tries, but waits for one of its locks. */
static bool waits_in_the_end(struct chain *c)
{
	for (size_t i = 1; i < c->n; i++) {
		const char *name = dwarf_diename(&c->items[i]);

		if (name && (!strncmp(name, "lock<", 5) || !strncmp(name, "__lock_impl<", 12)))
			return true;
	}
	return false;
}

/* Of the functions at a place the innermost that such a call is in as well, itself or by what is
 * inlined into it. */
static void set_tries(struct chain *here, struct place_frame *frames, size_t n, uint64_t call)
{
	struct chain there = { .n = 0, .budget = DIES_MAX };
	size_t alike = 1;

	if (here->n) {
		add(&there, &here->items[0]);
		follow(&there, &here->items[0], call, 0);
	}
	if (waits_in_the_end(&there))
		return;
	while (!here->has_gap && !there.has_gap && alike < here->n && alike < there.n &&
	       is_same(&here->items[alike], &there.items[alike]))
		alike++;
	frames[n - alike].tries_lock = true;
}

static void find_tries(struct object *o, uint64_t address, struct chain *c,
		       struct place_frame *frames, size_t n)
{
	uint64_t calls[TRIES_CALLS];
	size_t n_calls = object_tries(o, address, calls);

	for (size_t i = 0; i < n_calls; i++)
		set_tries(c, frames, n, calls[i]);
}

size_t object_names(struct object *o, uint64_t address, struct place_frame frames[SYM_DEPTH])
{
	struct function_found found;
	struct chain c = { .n = 0, .budget = DIES_MAX };
	size_t n = 1;

	memset(frames, 0, SYM_DEPTH * sizeof(*frames));
	if (object_function(o, address, &found)) {
		set_line(o, &found, address, &frames[0]);
		if (found.has_function) {
			add(&c, &found.function);
			follow(&c, &found.function, address, 0);
			n = set_chain(o, frames, &c);
		}
	}
	if (!frames[n - 1].function[0])
		set_symbol(o, address, &frames[n - 1]);
	find_tries(o, address, &c, frames, n);
	return n > 1 || frames[0].function[0] || frames[0].file[0] ? n : 0;
}
