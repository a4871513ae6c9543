// SPDX-License-Identifier: BSD-2-Clause
#include "sym/unwind.h"

#include <errno.h>
#include <string.h>

#define WORD ((uint64_t)sizeof(uint64_t))
/* What only user space can have; pointer authentication keeps its signature above. */
#define ADDRESS_MASK ((UINT64_C(1) << 48) - 1)

struct walk {
	struct unwind_regs regs;
	const struct unwind_stack *stack;
	unwind_rule_fn rule;
	unwind_code_fn is_code;
	void *ctx;
	bool is_return, by_frame_pointer; /* how regs were found */
	bool has_left;			  /* they are no longer those of the innermost function */
};

/* What one step came to: 0, or the end. */
#define GOES_ON (-1)

static bool known(const struct unwind_regs *regs, unsigned reg)
{
	return reg < UNWIND_REGS && (regs->known >> reg & 1);
}

static void set(struct unwind_regs *regs, unsigned reg, uint64_t value)
{
	regs->r[reg] = value;
	regs->known |= UINT64_C(1) << reg;
}

static bool read_word(const struct unwind_stack *stack, uint64_t address, uint64_t *ret)
{
	uint64_t at = address - stack->sp;

	if (at > stack->size || stack->size - at < WORD)
		return false;
	memcpy(ret, stack->bytes + at, WORD);
	return true;
}

/* Unsigned throughout: hostile offsets wrap round instead of overflowing. */
static uint64_t plus(uint64_t value, int32_t offset)
{
	return value + (uint64_t)(int64_t)offset;
}

static bool get_cfa(const struct walk *w, const struct unwind_from *from, uint64_t *ret)
{
	uint64_t base;

	if (!known(&w->regs, from->reg))
		return false;
	base = plus(w->regs.r[from->reg], from->offset);
	switch (from->kind) {
	case UNWIND_REG:
		*ret = base;
		return true;
	case UNWIND_PLT:
		*ret = base + ((w->regs.r[UNWIND_PC] & 15) >= (uint64_t)from->add ? WORD : 0);
		return true;
	case UNWIND_AT_REG:
		if (!read_word(w->stack, base, ret))
			return false;
		*ret = plus(*ret, from->add);
		return true;
	default:
		return false;
	}
}

static bool get_register(const struct walk *w, const struct unwind_from *from, unsigned reg,
			 uint64_t cfa, uint64_t *ret)
{
	switch (from->kind) {
	case UNWIND_SAME:
		*ret = w->regs.r[reg];
		return known(&w->regs, reg);
	case UNWIND_AT_CFA:
		return read_word(w->stack, plus(cfa, from->offset), ret);
	case UNWIND_IS_CFA:
		*ret = plus(cfa, from->offset);
		return true;
	case UNWIND_REG:
	case UNWIND_AT_REG:
		return get_cfa(w, from, ret);
	default:
		return false;
	}
}

static bool is_code(const struct walk *w, uint64_t pc)
{
	return pc && (!w->is_code || w->is_code(w->ctx, pc - w->is_return));
}

/* Whether the stack could not be read for this value because it lies deeper than the copy. */
static bool is_cut(const struct walk *w, const struct unwind_from *from, uint64_t cfa)
{
	uint64_t address = cfa;

	if (from->kind != UNWIND_AT_CFA && from->kind != UNWIND_AT_REG)
		return false;
	if (from->kind == UNWIND_AT_REG)
		address = w->regs.r[from->reg % UNWIND_REGS];
	return plus(address, from->offset) >= w->stack->sp;
}

static int by_rule(struct walk *w, const struct unwind_rule *rule)
{
	const struct unwind_from *pc_from = &rule->regs[UNWIND_PC];
	struct unwind_regs caller = { .known = 0 };
	uint64_t cfa, value, sp;

	if (pc_from->kind == UNWIND_UNDEFINED)
		return UNWIND_COMPLETE;
	if (!get_cfa(w, &rule->cfa, &cfa))
		return is_cut(w, &rule->cfa, 0) ? UNWIND_CUT : UNWIND_NO_RULE;
	for (unsigned i = 0; i < UNWIND_REGS; i++) {
		if (get_register(w, &rule->regs[i], i, cfa, &value))
			set(&caller, i, value);
	}
	if (!known(&caller, UNWIND_PC))
		return is_cut(w, pc_from, cfa) ? UNWIND_CUT : UNWIND_NO_RULE;
	if (!known(&caller, UNWIND_SP))
		set(&caller, UNWIND_SP, cfa);
#ifdef __aarch64__
	caller.r[UNWIND_PC] &= ADDRESS_MASK;
#endif
	sp = caller.r[UNWIND_SP];
	/* a handler may have a stack of its own, anywhere; a leaf may have nothing on its stack */
	if (!rule->is_signal && known(&w->regs, UNWIND_SP) &&
	    (sp < w->regs.r[UNWIND_SP] ||
	     (sp == w->regs.r[UNWIND_SP] && caller.r[UNWIND_PC] == w->regs.r[UNWIND_PC])))
		return UNWIND_GARBAGE;
	w->regs = caller;
	w->is_return = !rule->is_signal;
	w->by_frame_pointer = false;
	return GOES_ON;
}

static int by_frame_pointer(struct walk *w)
{
	uint64_t fp = w->regs.r[UNWIND_FP], next, pc;

	if (!known(&w->regs, UNWIND_FP) || !known(&w->regs, UNWIND_SP) || fp % WORD ||
	    fp < w->regs.r[UNWIND_SP])
		return UNWIND_NO_RULE;
	if (!read_word(w->stack, fp, &next) || !read_word(w->stack, fp + WORD, &pc))
		return UNWIND_NO_RULE;
#ifdef __aarch64__
	pc &= ADDRESS_MASK;
#endif
	w->is_return = true;
	/* the outermost frame has 0 for the one before it */
	if ((next && next <= fp) || !is_code(w, pc))
		return UNWIND_NO_RULE;
	w->regs.known = 0;
	set(&w->regs, UNWIND_FP, next);
	set(&w->regs, UNWIND_SP, fp + 2 * WORD);
	set(&w->regs, UNWIND_PC, pc);
	w->by_frame_pointer = true;
	return GOES_ON;
}

#if defined(__x86_64__)
/* The innermost function may have put nothing on the stack yet, as the stub of a system call
 * (glibc's clone3 has no rule behind it): then its caller's address is on top. */
static int by_top(struct walk *w)
{
	uint64_t sp = w->regs.r[UNWIND_SP], pc;

	if (w->has_left || !known(&w->regs, UNWIND_SP) || !is_code(w, w->regs.r[UNWIND_PC]) ||
	    !read_word(w->stack, sp, &pc))
		return UNWIND_NO_RULE;
	w->is_return = true;
	if (!is_code(w, pc))
		return UNWIND_NO_RULE;
	set(&w->regs, UNWIND_SP, sp + WORD);
	set(&w->regs, UNWIND_PC, pc);
	w->by_frame_pointer = true; /* as little is certain */
	return GOES_ON;
}
#else
static int by_top(struct walk *w)
{
	(void)w;
	return UNWIND_NO_RULE;
}
#endif

static int step(struct walk *w)
{
	struct unwind_rule rule;
	uint64_t pc = w->regs.r[UNWIND_PC] - w->is_return;
	int end = w->rule(w->ctx, pc, &rule) ? by_top(w) : by_rule(w, &rule);

	w->has_left = true;
	if (end == UNWIND_NO_RULE)
		end = by_frame_pointer(w);
	if (end != GOES_ON)
		return end;
	if (!w->regs.r[UNWIND_PC])
		return UNWIND_COMPLETE;
	return is_code(w, w->regs.r[UNWIND_PC]) ? GOES_ON : UNWIND_GARBAGE;
}

size_t unwind(const struct unwind_regs *regs, const struct unwind_stack *stack, unwind_rule_fn rule,
	      unwind_code_fn is_code, void *ctx, struct unwind_frame *frames, size_t max,
	      enum unwind_end *ret_end)
{
	struct walk w = { *regs, stack, rule, is_code, ctx, false, false, false };
	int end = known(regs, UNWIND_PC) ? GOES_ON : UNWIND_GARBAGE;
	size_t n = 0;

	while (end == GOES_ON) {
		if (n == max) {
			end = UNWIND_FULL;
			break;
		}
		frames[n++] = (struct unwind_frame){ w.regs.r[UNWIND_PC], w.is_return,
						     w.by_frame_pointer };
		end = step(&w);
	}
	*ret_end = end;
	return n;
}
