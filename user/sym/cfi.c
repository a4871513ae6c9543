// SPDX-License-Identifier: BSD-2-Clause
/*
 * The rules of .eh_frame and .debug_frame in a form of fixed size. Of expressions only those are
 * taken over that compilers, glibc and assembly by hand use; the rest is UNWIND_UNKNOWN.
 */
#include "sym/object.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define RETURN_REG UNWIND_PC
#else
#define RETURN_REG UNWIND_LR
#endif

#define MAX_OPS 15
#define NONE	(-1)

struct op {
	char class; /* a letter, as in the patterns below */
	uint8_t reg;
	int64_t number;
};

/* An expression as the classes of its operations, one letter for each: Base register with offset,
 * Plus constant, Deref, Cfa, Value, Literal, And, Ge, sHift, Sum. */
struct pattern {
	const char *ops;
	uint8_t kind;
	int8_t base, offset, add; /* the operation that has it, or NONE */
};

static const struct pattern cfa_patterns[] = {
	{ "B", UNWIND_REG, 0, 0, NONE },
	{ "BD", UNWIND_AT_REG, 0, 0, NONE },
	{ "BDP", UNWIND_AT_REG, 0, 0, 2 },
#if defined(__x86_64__)
	{ "BBLALGLHS", UNWIND_PLT, 0, 0, 4 },
#endif
	{ .ops = NULL },
};

static const struct pattern register_patterns[] = {
	{ "C", UNWIND_AT_CFA, NONE, NONE, NONE },  { "CP", UNWIND_AT_CFA, NONE, 1, NONE },
	{ "CV", UNWIND_IS_CFA, NONE, NONE, NONE }, { "CPV", UNWIND_IS_CFA, NONE, 1, NONE },
	{ "CB", UNWIND_AT_REG, 1, 1, NONE },	   { "CBV", UNWIND_REG, 1, 1, NONE },
	{ "B", UNWIND_REG, 0, 0, NONE },	   { .ops = NULL },
};

static struct op base(Dwarf_Word reg, Dwarf_Word offset)
{
	return (struct op){ reg < UNWIND_REGS ? 'B' : '?', (uint8_t)reg, (int64_t)offset };
}

static struct op classify(const Dwarf_Op *op)
{
	static const char classes[256] = {
		[DW_OP_plus_uconst] = 'P', [DW_OP_deref] = 'D', [DW_OP_call_frame_cfa] = 'C',
		[DW_OP_stack_value] = 'V', [DW_OP_and] = 'A',	[DW_OP_ge] = 'G',
		[DW_OP_shl] = 'H',	   [DW_OP_plus] = 'S',
	};
	uint8_t atom = op->atom;

	if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31)
		return base(atom - DW_OP_breg0, op->number);
	if (atom >= DW_OP_reg0 && atom <= DW_OP_reg31)
		return base(atom - DW_OP_reg0, 0);
	if (atom == DW_OP_bregx)
		return base(op->number, op->number2);
	if (atom == DW_OP_regx)
		return base(op->number, 0);
	if (atom >= DW_OP_lit0 && atom <= DW_OP_lit31)
		return (struct op){ 'L', 0, atom - DW_OP_lit0 };
	return (struct op){ classes[atom] ? classes[atom] : '?', 0, (int64_t)op->number };
}

static bool fits(int64_t number)
{
	return number >= INT32_MIN && number <= INT32_MAX;
}

static struct unwind_from match(const struct pattern *patterns, const Dwarf_Op *from, size_t n)
{
	struct unwind_from ret = { .kind = UNWIND_UNKNOWN };
	char classes[MAX_OPS + 1] = "";
	struct op ops[MAX_OPS];

	if (n > MAX_OPS)
		return ret;
	for (size_t i = 0; i < n; i++) {
		ops[i] = classify(&from[i]);
		classes[i] = ops[i].class;
		if (!fits(ops[i].number))
			return ret;
	}
	while (patterns->ops && strcmp(patterns->ops, classes))
		patterns++;
	if (!patterns->ops)
		return ret;
	if (patterns->kind == UNWIND_PLT &&
	    (ops[1].reg != UNWIND_PC || ops[1].number || ops[2].number != 15 || ops[6].number != 3))
		return ret;
	ret.kind = patterns->kind;
	if (patterns->base != NONE)
		ret.reg = ops[patterns->base].reg;
	if (patterns->offset != NONE)
		ret.offset = (int32_t)ops[patterns->offset].number;
	if (patterns->add != NONE)
		ret.add = (int32_t)ops[patterns->add].number;
	return ret;
}

static struct unwind_from register_rule(Dwarf_Frame *frame, int reg)
{
	Dwarf_Op own[3], *ops = NULL;
	size_t n = 0;

	if (dwarf_frame_register(frame, reg, own, &ops, &n))
		return (struct unwind_from){ .kind = UNWIND_UNKNOWN };
	if (!n)
		return (struct unwind_from){ .kind = ops ? UNWIND_UNDEFINED : UNWIND_SAME };
	return match(register_patterns, ops, n);
}

static int to_rule(Dwarf_Frame *frame, struct unwind_rule *ret)
{
	struct unwind_from *sp = &ret->regs[UNWIND_SP], *pc = &ret->regs[UNWIND_PC];
	int return_reg = dwarf_frame_info(frame, NULL, NULL, &ret->is_signal);
	Dwarf_Op *ops;
	size_t n;

	if (return_reg != RETURN_REG)
		return -ENOENT;
	if (!dwarf_frame_cfa(frame, &ops, &n))
		ret->cfa = match(cfa_patterns, ops, n);
	for (int i = 0; i < UNWIND_REGS; i++)
		ret->regs[i] = register_rule(frame, i);
	if (sp->kind == UNWIND_SAME || sp->kind == UNWIND_UNDEFINED)
		*sp = (struct unwind_from){ .kind = UNWIND_IS_CFA };
	*pc = ret->regs[RETURN_REG];
	if (pc->kind == UNWIND_SAME && RETURN_REG != UNWIND_PC)
		*pc = (struct unwind_from){ .kind = UNWIND_REG, .reg = RETURN_REG };
	return 0;
}

static int look_up(Dwarf_CFI *cfi, uint64_t address, struct unwind_rule *ret)
{
	Dwarf_Frame *frame = NULL;
	int r;

	if (!cfi || dwarf_cfi_addrframe(cfi, address, &frame) || !frame)
		return -ENOENT;
	r = to_rule(frame, ret);
	free(frame);
	return r;
}

int object_rule(struct object *o, uint64_t address, struct unwind_rule *ret)
{
	Dwarf *dwarf;

	memset(ret, 0, sizeof(*ret));
	if (!o->native)
		return -ENOEXEC;
	if (!o->has_eh_frame_been_read) {
		o->eh_frame = dwarf_getcfi_elf(o->elf);
		o->has_eh_frame_been_read = true;
	}
	if (!look_up(o->eh_frame, address, ret))
		return 0;
	/* it belongs to the Dwarf, which frees it */
	dwarf = object_dwarf(o);
	return look_up(dwarf ? dwarf_getcfi(dwarf) : NULL, address, ret);
}
