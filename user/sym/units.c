// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which compilation unit and which function cover an address. .debug_aranges is not asked: clang and
 * rustc leave it out. The ranges of all units are read once, those of a unit's functions when it is
 * first needed.
 */
#include "sym/object.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define UNITS_MAX  1000000u
#define RANGES_MAX 4000000u
#define DEPTH_MAX  64	     /* of namespaces and blocks */
#define DIES_MAX   20000000u /* of one unit */
#define BACK_MAX   32	     /* ranges before an address that are looked at */

struct range {
	uint64_t low, high;
	uint64_t what; /* a number of a unit, or the offset of a function */
};

struct ranges {
	VEC(struct range) v;
};

struct unit {
	Dwarf_Off offset;
	struct ranges functions;
	struct lines *lines;
	bool has_been_read, has_been_read_deep;
};

struct units {
	VEC(struct unit) units;
	struct ranges ranges;
};

static int compare(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	/* of two that start together the smaller is found first, from behind */
	if (x->high != y->high)
		return x->high > y->high ? -1 : 1;
	return x->what < y->what ? -1 : x->what > y->what;
}

static void sort(struct ranges *r)
{
	if (r->v.n)
		qsort(r->v.items, r->v.n, sizeof(*r->v.items), compare);
}

static const struct range *find(const struct ranges *r, uint64_t address)
{
	size_t low = 0, high = r->v.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->v.items[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i > 0 && low - i < BACK_MAX; i--) {
		if (address < r->v.items[i - 1].high)
			return &r->v.items[i - 1];
	}
	return NULL;
}

/* What the linker has thrown away is left at 0. */
static void add_ranges(struct ranges *to, Dwarf_Die *die, uint64_t what)
{
	Dwarf_Addr base, low, high;
	ptrdiff_t at = 0;

	while (to->v.n < RANGES_MAX && (at = dwarf_ranges(die, at, &base, &low, &high)) > 0) {
		if (low && low < high)
			*vec_add(&to->v) = (struct range){ low, high, what };
	}
}

static struct units *read_units(Dwarf *dwarf)
{
	struct units *u = calloc(1, sizeof(*u));
	Dwarf_CU *cu = NULL;
	uint8_t type;
	Dwarf_Die die;

	while (u && u->units.n < UNITS_MAX &&
	       !dwarf_get_units(dwarf, cu, &cu, NULL, &type, &die, NULL)) {
		if (type != DW_UT_compile && type != DW_UT_skeleton)
			continue;
		add_ranges(&u->ranges, &die, u->units.n);
		*vec_add(&u->units) = (struct unit){ .offset = dwarf_dieoffset(&die) };
	}
	if (u)
		sort(&u->ranges);
	return u;
}

/* The DIE that has the unit's functions: with split DWARF it is in a file of its own. */
static bool root(Dwarf_Die *unit, Dwarf_Die *ret)
{
	uint8_t type;
	Dwarf_Die split;

	*ret = *unit;
	if (dwarf_cu_info(unit->cu, NULL, &type, NULL, &split, NULL, NULL, NULL))
		return false;
	if (type == DW_UT_skeleton && dwarf_tag(&split) != DW_TAG_invalid)
		*ret = split;
	return true;
}

/* Functions are in units and namespaces; those within types, functions and blocks only if deep. */
static bool may_hold_functions(int tag, bool deep)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module:
		return true;
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_subprogram:
	case DW_TAG_lexical_block:
		return deep;
	default:
		return false;
	}
}

static void read_functions(struct ranges *to, Dwarf_Die *parent, bool deep, unsigned depth,
			   unsigned *budget)
{
	Dwarf_Die die;
	int tag;

	if (depth == DEPTH_MAX || dwarf_child(parent, &die))
		return;
	do {
		if (!*budget)
			return;
		--*budget;
		tag = dwarf_tag(&die);
		if (tag == DW_TAG_subprogram)
			add_ranges(to, &die, dwarf_dieoffset(&die));
		if (may_hold_functions(tag, deep))
			read_functions(to, &die, deep, depth + 1, budget);
	} while (!dwarf_siblingof(&die, &die));
}

static const struct range *find_function(struct unit *unit, Dwarf_Die *top, uint64_t address)
{
	const struct range *found = NULL;
	unsigned budget = DIES_MAX;

	if (!unit->has_been_read) {
		read_functions(&unit->functions, top, false, 0, &budget);
		sort(&unit->functions);
		unit->has_been_read = true;
	}
	found = find(&unit->functions, address);
	if (!found && !unit->has_been_read_deep) {
		unit->functions.v.n = 0;
		read_functions(&unit->functions, top, true, 0, &budget);
		sort(&unit->functions);
		unit->has_been_read_deep = true;
		found = find(&unit->functions, address);
	}
	return found;
}

bool object_function(struct object *o, uint64_t address, struct function_found *ret)
{
	Dwarf *dwarf = object_dwarf(o);
	const struct range *found;
	struct unit *unit;
	Dwarf_Die top;

	if (!dwarf)
		return false;
	if (!o->units)
		o->units = read_units(dwarf);
	found = o->units ? find(&o->units->ranges, address) : NULL;
	if (!found)
		return false;
	unit = &o->units->units.items[found->what];
	if (!dwarf_offdie(dwarf, unit->offset, &ret->unit) || !root(&ret->unit, &top))
		return false;
	if (o->last_unit != unit->offset || !o->units_used)
		o->units_used++;
	o->last_unit = unit->offset;
	ret->lines = &unit->lines;
	found = find_function(unit, &top, address);
	ret->has_function =
		found && dwarf_offdie(dwarf_cu_getdwarf(top.cu), found->what, &ret->function);
	return true;
}

void units_free(struct units *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->units.n; i++) {
		free(u->units.items[i].functions.v.items);
		lines_free(u->units.items[i].lines);
	}
	free(u->units.items);
	free(u->ranges.v.items);
	free(u);
}
