// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names of data: "accounts[3].lock" by DWARF's variables and types, else "accounts+120" by the symbol.
 * DWARF has no index of variables by address, so all units are walked once, as far as DIES_MAX.
 */
#include "sym/object.h"

#include <dwarf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define DIES_MAX      4000000u
#define VARIABLES_MAX 500000u
#define DEPTH_MAX     32 /* of blocks, and of types */
#define DIMENSIONS    8

struct variable {
	uint64_t address;
	Dwarf_Die die;
};

struct variables {
	VEC(struct variable) v;
	unsigned budget;
};

/* Not by dwarf_getlocation() where that can be: it keeps what it has parsed, and refuses Go's forms. */
static bool has_address(Dwarf_Die *die, uint64_t *ret)
{
	Dwarf_Attribute location, address;
	Dwarf_Block block;
	Dwarf_Op *ops;
	size_t n;

	if (!dwarf_attr(die, DW_AT_location, &location) || dwarf_formblock(&location, &block) ||
	    !block.length)
		return false;
	*ret = 0;
	switch (block.data[0]) {
	case DW_OP_addr:
		if (block.length == 1 + sizeof(*ret))
			memcpy(ret, block.data + 1, sizeof(*ret));
		return *ret;
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		return !dwarf_getlocation(&location, &ops, &n) && n == 1 &&
		       !dwarf_getlocation_attr(&location, ops, &address) &&
		       !dwarf_formaddr(&address, ret) && *ret;
	default:
		return false;
	}
}

static void walk(struct variables *to, Dwarf_Die *parent, unsigned depth)
{
	Dwarf_Die die;
	uint64_t address;

	if (depth == DEPTH_MAX || dwarf_child(parent, &die))
		return;
	do {
		if (!to->budget || to->v.n == VARIABLES_MAX)
			return;
		to->budget--;
		switch (dwarf_tag(&die)) {
		case DW_TAG_variable:
			if (has_address(&die, &address))
				*vec_add(&to->v) = (struct variable){ address, die };
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
		case DW_TAG_subprogram:
		case DW_TAG_lexical_block:
			walk(to, &die, depth + 1);
			break;
		default:
			break;
		}
	} while (!dwarf_siblingof(&die, &die));
}

static int compare(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	/* of the same place in the file, by which one is read first */
	return x->die.addr < y->die.addr ? -1 : x->die.addr > y->die.addr;
}

static struct variables *read_all(Dwarf *dwarf)
{
	struct variables *v = calloc(1, sizeof(*v));
	Dwarf_Die die, split;
	Dwarf_CU *cu = NULL;
	uint8_t type;

	if (!v)
		return NULL;
	v->budget = DIES_MAX;
	while (!dwarf_get_units(dwarf, cu, &cu, NULL, &type, &die, &split)) {
		if (type == DW_UT_compile)
			walk(v, &die, 0);
		else if (type == DW_UT_skeleton && dwarf_tag(&split) != DW_TAG_invalid)
			walk(v, &split, 0);
	}
	if (v->v.n)
		qsort(v->v.items, v->v.n, sizeof(*v->v.items), compare);
	return v;
}

/* The type of a variable or member, or what a type stands for. */
static bool type_of(Dwarf_Die *die, Dwarf_Die *ret)
{
	Dwarf_Attribute attribute;

	return dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
	       dwarf_formref_die(&attribute, ret);
}

static uint64_t size_of(Dwarf_Die *type)
{
	Dwarf_Word size;

	return dwarf_aggregate_size(type, &size) ? 0 : size;
}

static const struct variable *find(const struct variables *v, uint64_t address)
{
	size_t low = 0, high = v->v.n;
	struct variable *found;
	Dwarf_Die type;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (v->v.items[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low)
		return NULL;
	found = &v->v.items[low - 1];
	if (address == found->address)
		return found;
	return type_of(&found->die, &type) && address - found->address < size_of(&type) ? found
											: NULL;
}

/* ---- the part of it ---- */

struct part {
	char text[4 * SYM_NAME_SIZE];
	size_t n;
	Dwarf_Die type;
	uint64_t offset; /* into the type */
	bool whole;	 /* it is one thing, wherever in it the offset points */
};

static void append(struct part *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void append(struct part *p, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(p->text + p->n, sizeof(p->text) - p->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		p->n += (size_t)n;
	if (p->n >= sizeof(p->text))
		p->n = sizeof(p->text) - 1;
}

/* What programs use as one thing: nobody wants to read which word of a mutex it was. */
static bool is_whole(Dwarf_Die *type)
{
	static const char *const types[] = {
		"pthread_mutex_t",
		"pthread_cond_t",
		"pthread_rwlock_t",
		"pthread_barrier_t",
		"pthread_spinlock_t",
		"pthread_once_t",
		"sem_t",
		"mtx_t",
		"cnd_t",
		"once_flag",
		"mutex",
		"timed_mutex",
		"recursive_mutex",
		"recursive_timed_mutex",
		"shared_mutex",
		"shared_timed_mutex",
		"condition_variable",
		"latch",
		"barrier",
		"counting_semaphore",
		"atomic",
		"Mutex",
		"RwLock",
		"Condvar",
		"Once",
		"OnceLock",
		"Barrier",
		"sync.Mutex",
		"sync.RWMutex",
		"sync.WaitGroup",
		"sync.Cond",
		"sync.Once",
		"runtime.mutex",
		"runtime.rwmutex",
		"runtime.note",
	};
	const char *name = dwarf_diename(type);
	size_t length = name ? strcspn(name, "<") : 0;

	for (size_t i = 0; length && i < sizeof(types) / sizeof(*types); i++) {
		if (strlen(types[i]) == length && !strncmp(name, types[i], length))
			return true;
	}
	return false;
}

static size_t dimensions(Dwarf_Die *array, uint64_t counts[DIMENSIONS])
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;
	Dwarf_Die die;
	size_t n = 0;

	if (dwarf_child(array, &die))
		return 0;
	do {
		if (dwarf_tag(&die) != DW_TAG_subrange_type || n == DIMENSIONS)
			continue;
		counts[n] = 0;
		if (dwarf_attr(&die, DW_AT_count, &attribute) &&
		    !dwarf_formudata(&attribute, &value))
			counts[n] = value;
		else if (dwarf_attr(&die, DW_AT_upper_bound, &attribute) &&
			 !dwarf_formudata(&attribute, &value))
			counts[n] = value + 1;
		n++;
	} while (!dwarf_siblingof(&die, &die));
	return n;
}

static bool into_array(struct part *p)
{
	uint64_t counts[DIMENSIONS], stride;
	size_t n = dimensions(&p->type, counts);
	Dwarf_Die element;

	if (!n || !type_of(&p->type, &element))
		return false;
	stride = size_of(&element);
	for (size_t i = 1; i < n; i++) {
		if (__builtin_mul_overflow(stride, counts[i], &stride))
			return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (i)
			stride = counts[i] ? stride / counts[i] : 0;
		if (!stride)
			return false;
		append(p, "[%" PRIu64 "]", p->offset / stride);
		p->offset %= stride;
	}
	p->type = element;
	return true;
}

/* The member or base class that the offset lies in. */
static bool find_member(const struct part *p, Dwarf_Die *ret, uint64_t *ret_at)
{
	Dwarf_Die parent = p->type, die, type;
	Dwarf_Attribute attribute;
	Dwarf_Word at;

	if (dwarf_child(&parent, &die))
		return false;
	do {
		int tag = dwarf_tag(&die);

		if ((tag != DW_TAG_member && tag != DW_TAG_inheritance) ||
		    dwarf_hasattr(&die, DW_AT_bit_size) || dwarf_hasattr(&die, DW_AT_external) ||
		    !type_of(&die, &type))
			continue;
		if (!dwarf_attr(&die, DW_AT_data_member_location, &attribute))
			at = 0;
		else if (dwarf_formudata(&attribute, &at))
			continue;
		if (p->offset >= at && p->offset - at < size_of(&type)) {
			*ret = die;
			*ret_at = at;
			return true;
		}
	} while (!dwarf_siblingof(&die, &die));
	return false;
}

static bool into_member(struct part *p)
{
	Dwarf_Die member;
	uint64_t at;
	const char *name;

	if (!find_member(p, &member, &at))
		return false;
	name = dwarf_tag(&member) == DW_TAG_member ? dwarf_diename(&member) : NULL;
	/* what a library keeps to itself */
	if (name && name[0] == '_') {
		p->whole = true;
		return false;
	}
	if (name && *name)
		append(p, ".%s", name);
	p->offset -= at;
	return type_of(&member, &p->type);
}

static bool into(struct part *p)
{
	p->whole = is_whole(&p->type);
	if (p->whole)
		return false;
	switch (dwarf_tag(&p->type)) {
	case DW_TAG_typedef:
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_atomic_type: {
		Dwarf_Die alias = p->type;

		return type_of(&alias, &p->type);
	}
	case DW_TAG_array_type:
		return into_array(p);
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		return into_member(p);
	default:
		return false;
	}
}

/* A static variable has no linkage name, but its symbol says which namespace it is in. */
static bool set_name(struct object *o, char name[SYM_NAME_SIZE], const struct variable *variable)
{
	Dwarf_Die die = variable->die;
	struct symbol_found found;
	enum text_name is = text_name_of(name, &die);

	if (is == TEXT_PLAIN_NAME && object_data_symbol(o, variable->address, &found) &&
	    found.address == variable->address && text_is_mangled(found.name))
		text_symbol(name, found.name);
	return is != TEXT_NO_NAME;
}

static bool name_by_dwarf(struct object *o, uint64_t address, struct sym_data *ret)
{
	Dwarf *dwarf = object_dwarf(o);
	struct part p = { .n = 0 };
	const struct variable *found;
	char name[SYM_NAME_SIZE];
	Dwarf_Attribute file;
	Dwarf_Die die;

	if (dwarf && !o->variables)
		o->variables = read_all(dwarf);
	found = o->variables ? find(o->variables, address) : NULL;
	if (!found)
		return false;
	die = found->die;
	if (!set_name(o, name, found))
		return false;
	append(&p, "%s", name);
	p.offset = address - found->address;
	if (type_of(&die, &p.type)) {
		for (unsigned depth = 0; depth < DEPTH_MAX && into(&p);)
			depth++;
	}
	if (p.offset && !p.whole)
		append(&p, "+%" PRIu64, p.offset);
	text_cut_name(ret->name, p.text);
	if (dwarf_attr_integrate(&die, DW_AT_decl_file, &file))
		text_file_by(o, ret->file, &file);
	return true;
}

int object_data(struct object *o, uint64_t address, struct sym_data *ret)
{
	struct symbol_found found;
	char name[SYM_NAME_SIZE];
	char text[SYM_NAME_SIZE + 32];

	memset(ret, 0, sizeof(*ret));
	if (name_by_dwarf(o, address, ret))
		return 0;
	if (!object_data_symbol(o, address, &found))
		return -ENOENT;
	text_symbol(name, found.name);
	if (address == found.address)
		snprintf(text, sizeof(text), "%s", name);
	else
		snprintf(text, sizeof(text), "%s+%" PRIu64, name, address - found.address);
	text_cut_name(ret->name, text);
	if (found.file)
		text_file(ret->file, found.file);
	return 0;
}

void variables_free(struct variables *v)
{
	if (v)
		free(v->v.items);
	free(v);
}
