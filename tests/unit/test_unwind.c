// SPDX-License-Identifier: BSD-2-Clause
/* Unwinding by made-up rules over made-up stacks, and over garbage. */
#include "sym/unwind.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/random.h"

#define STACK 0x7ffe0000u
#define CODE  0x400000u
#define WORDS 64
#define MAX   32

struct made {
	struct unwind_regs regs;
	uint64_t words[WORDS];
	struct unwind_rule rules[8]; /* of the code at CODE + 256 * i */
	bool has[8];
	struct unwind_frame frames[MAX];
	enum unwind_end end;
	size_t n;
};

static uint64_t code(unsigned function)
{
	return CODE + 256 * function + 16;
}

static uint64_t at(unsigned word)
{
	return STACK + 8 * word;
}

static int rule_of(void *ctx, uint64_t pc, struct unwind_rule *ret)
{
	struct made *m = ctx;
	uint64_t i = (pc - CODE) / 256;

	if (pc < CODE || i >= 8 || !m->has[i])
		return -ENOENT;
	*ret = m->rules[i];
	return 0;
}

static bool is_code(void *ctx, uint64_t pc)
{
	(void)ctx;
	return pc >= CODE && pc < CODE + 8 * 256;
}

/* A function whose frame is of this many bytes below the return address, all on the stack. */
static void framed(struct made *m, unsigned function, int32_t bytes)
{
	struct unwind_rule *r = &m->rules[function];

	m->has[function] = true;
	r->cfa = (struct unwind_from){ UNWIND_REG, UNWIND_SP, bytes + 8, 0 };
	for (unsigned i = 0; i < UNWIND_REGS; i++)
		r->regs[i].kind = UNWIND_SAME;
	r->regs[UNWIND_SP].kind = UNWIND_IS_CFA;
	r->regs[UNWIND_PC] = (struct unwind_from){ UNWIND_AT_CFA, 0, -8, 0 };
}

static void outermost(struct made *m, unsigned function)
{
	framed(m, function, 0);
	m->rules[function].regs[UNWIND_PC].kind = UNWIND_UNDEFINED;
}

static struct made made(void)
{
	struct made m = { .regs.known = (UINT64_C(1) << UNWIND_REGS) - 1 };

	m.regs.r[UNWIND_PC] = code(0);
	m.regs.r[UNWIND_SP] = STACK;
	return m;
}

static void go(struct made *m)
{
	struct unwind_stack stack = { STACK, (const uint8_t *)m->words, sizeof(m->words) };

	m->n = unwind(&m->regs, &stack, rule_of, is_code, m, m->frames, MAX, &m->end);
}

Test(unwind, walks_to_the_outermost_function)
{
	struct made m = made();

	framed(&m, 0, 16);
	framed(&m, 1, 8);
	outermost(&m, 2);
	m.words[2] = code(1);
	m.words[4] = code(2);
	go(&m);
	cr_assert_eq(m.end, UNWIND_COMPLETE);
	cr_assert_eq(m.n, 3);
	cr_assert_eq(m.frames[0].pc, code(0));
	cr_assert_not(m.frames[0].is_return);
	cr_assert_eq(m.frames[1].pc, code(1));
	cr_assert(m.frames[1].is_return);
	cr_assert_eq(m.frames[2].pc, code(2));
	cr_assert_not(m.frames[2].by_frame_pointer);
}

Test(unwind, return_address_belongs_to_the_call_before_it)
{
	struct made m = made();

	framed(&m, 0, 0);
	outermost(&m, 1);
	/* the first byte after function 1: a call that does not return is its last instruction */
	m.words[0] = CODE + 2 * 256;
	go(&m);
	cr_assert_eq(m.end, UNWIND_COMPLETE);
	cr_assert_eq(m.n, 2);
}

Test(unwind, restores_saved_registers)
{
	struct made m = made();

	/* function 1 keeps its frame by the frame pointer, which function 0 has saved */
	framed(&m, 0, 8);
	m.rules[0].regs[UNWIND_FP] = (struct unwind_from){ UNWIND_AT_CFA, 0, -16, 0 };
	framed(&m, 1, 0);
	m.rules[1].cfa = (struct unwind_from){ UNWIND_REG, UNWIND_FP, 16, 0 };
	outermost(&m, 2);
	m.words[0] = at(10);
	m.words[1] = code(1);
	m.words[11] = code(2);
	go(&m);
	cr_assert_eq(m.end, UNWIND_COMPLETE);
	cr_assert_eq(m.n, 3);
}

Test(unwind, finds_a_realigned_frame)
{
	struct made m = made();

	framed(&m, 0, 0);
	m.rules[0].cfa = (struct unwind_from){ UNWIND_AT_REG, UNWIND_FP, -8, 8 };
	m.regs.r[UNWIND_FP] = at(6);
	m.words[5] = at(20);
	m.words[20] = code(1);
	outermost(&m, 1);
	go(&m);
	cr_assert_eq(m.end, UNWIND_COMPLETE);
	cr_assert_eq(m.n, 2);
}

#ifdef __x86_64__
Test(unwind, follows_the_procedure_linkage_table)
{
	for (unsigned pushed = 0; pushed < 2; pushed++) {
		struct made m = made();

		framed(&m, 0, 0);
		m.rules[0].cfa = (struct unwind_from){ UNWIND_PLT, UNWIND_SP, 8, 11 };
		outermost(&m, 1);
		m.regs.r[UNWIND_PC] = code(0) + (pushed ? 11 : 10);
		m.words[pushed] = code(1);
		go(&m);
		cr_assert_eq(m.end, UNWIND_COMPLETE);
		cr_assert_eq(m.n, 2);
	}
}
#endif

Test(unwind, caller_of_a_signal_frame_was_interrupted)
{
	struct made m = made();

	framed(&m, 0, 0);
	framed(&m, 1, 0);
	m.rules[1].is_signal = true;
	m.rules[1].cfa = (struct unwind_from){ UNWIND_AT_REG, UNWIND_SP, 32, 0 };
	m.rules[1].regs[UNWIND_SP] = (struct unwind_from){ UNWIND_AT_REG, UNWIND_SP, 32, 0 };
	m.rules[1].regs[UNWIND_PC] = (struct unwind_from){ UNWIND_AT_REG, UNWIND_SP, 40, 0 };
	outermost(&m, 2);
	m.words[0] = code(1);
	m.words[5] = at(2);	     /* below: the handler had a stack of its own */
	m.words[6] = CODE + 2 * 256; /* its first instruction: one less would be function 1 */
	go(&m);
	cr_assert_eq(m.end, UNWIND_COMPLETE);
	cr_assert_eq(m.n, 3);
	cr_assert_not(m.frames[2].is_return);
}

Test(unwind, says_that_the_copy_ended)
{
	struct made m = made();

	framed(&m, 0, 8 * (WORDS - 1));
	framed(&m, 1, 64);
	m.words[WORDS - 1] = code(1);
	go(&m);
	cr_assert_eq(m.end, UNWIND_CUT);
	cr_assert_eq(m.n, 2);
}

Test(unwind, takes_a_step_by_the_frame_pointer_and_marks_it)
{
	struct made m = made();

	outermost(&m, 2);
	m.regs.r[UNWIND_FP] = at(4);
	m.words[4] = at(8);
	m.words[5] = code(1);
	m.words[8] = 0;
	m.words[9] = code(2);
	go(&m);
	cr_assert_eq(m.end, UNWIND_COMPLETE);
	cr_assert_eq(m.n, 3);
	cr_assert_not(m.frames[0].by_frame_pointer);
	cr_assert(m.frames[1].by_frame_pointer);
	cr_assert(m.frames[2].by_frame_pointer);
}

/* As glibc's clone3 behind its system call: what is on top of the stack leads to the caller. */
Test(unwind, takes_the_top_of_the_stack_of_a_stub_without_a_rule)
{
	struct made m = made();

	outermost(&m, 1);
	m.words[0] = code(1);
	go(&m);
#if defined(__x86_64__)
	cr_assert_eq(m.end, UNWIND_COMPLETE);
	cr_assert_eq(m.n, 2);
	cr_assert(m.frames[1].by_frame_pointer && m.frames[1].is_return);
#else
	cr_assert_eq(m.n, 1);
#endif
}

/* Only of the innermost function: another one has called, and so has a frame. */
Test(unwind, takes_the_top_of_the_stack_once)
{
	struct made m = made();

	m.words[0] = code(1);
	m.words[1] = code(2);
	go(&m);
	cr_assert_eq(m.end, UNWIND_NO_RULE);
	cr_assert_leq(m.n, 2);
}

Test(unwind, refuses_an_implausible_frame_pointer)
{
	static const uint64_t pointers[] = {
		0, 1, STACK - 8, STACK + 8 * WORDS, STACK + 4, UINT64_MAX, UINT64_MAX - 7
	};

	for (size_t i = 0; i < sizeof(pointers) / sizeof(*pointers); i++) {
		struct made m = made();

		for (unsigned w = 0; w < WORDS; w++)
			m.words[w] = w ? code(1) : 0; /* not the caller of a stub */
		m.regs.r[UNWIND_FP] = pointers[i];
		go(&m);
		cr_assert_eq(m.end, UNWIND_NO_RULE, "%#lx", (unsigned long)pointers[i]);
		cr_assert_eq(m.n, 1);
	}
}

Test(unwind, refuses_a_return_address_that_is_no_code)
{
	struct made m = made();

	framed(&m, 0, 0);
	m.words[0] = 0xdeadbeef;
	go(&m);
	cr_assert_eq(m.end, UNWIND_GARBAGE);
	cr_assert_eq(m.n, 1);
}

Test(unwind, ends_where_a_rule_makes_no_progress)
{
	struct made m = made();

	framed(&m, 0, -8);
	m.rules[0].regs[UNWIND_PC] = (struct unwind_from){ .kind = UNWIND_SAME };
	go(&m);
	cr_assert_eq(m.end, UNWIND_GARBAGE);
	cr_assert_eq(m.n, 1);
}

Test(unwind, ends_where_the_stack_pointer_sinks)
{
	struct made m = made();

	framed(&m, 0, 0);
	framed(&m, 1, -24);
	m.words[0] = code(1);
	go(&m);
	cr_assert_neq(m.end, UNWIND_COMPLETE);
	cr_assert_eq(m.n, 2);
}

Test(unwind, fills_no_more_than_there_is_room_for)
{
	struct made m = made();

	framed(&m, 0, 0);
	for (unsigned w = 0; w < WORDS; w++)
		m.words[w] = code(0);
	go(&m);
	cr_assert_eq(m.end, UNWIND_FULL);
	cr_assert_eq(m.n, MAX);
}

Test(unwind, knows_nothing_without_a_program_counter)
{
	struct made m = made();

	m.regs.known &= ~(UINT64_C(1) << UNWIND_PC);
	go(&m);
	cr_assert_eq(m.n, 0);
	cr_assert_eq(m.end, UNWIND_GARBAGE);
}

/* ---- anything at all ---- */

static uint64_t some_value(struct rng *r)
{
	switch (rng_below(r, 6)) {
	case 0:
		return rng_next(r);
	case 1:
		return CODE + rng_below(r, 8 * 256);
	case 2:
		return UINT64_MAX - rng_below(r, 32);
	default:
		return STACK - 16 + rng_below(r, 8 * WORDS + 32) / 8 * 8;
	}
}

static struct unwind_from some_way(struct rng *r)
{
	int32_t offset = rng_one_in(r, 8) ? (int32_t)rng_next(r) : (int32_t)rng_below(r, 64) - 16;

	return (struct unwind_from){ (uint8_t)rng_below(r, UNWIND_PLT + 2), (uint8_t)rng_next(r),
				     offset, (int32_t)rng_below(r, 16) };
}

static int some_rule(void *ctx, uint64_t pc, struct unwind_rule *ret)
{
	struct rng *r = ctx;

	(void)pc;
	if (rng_one_in(r, 4))
		return -ENOENT;
	ret->cfa = some_way(r);
	if (rng_one_in(r, 2))
		ret->cfa = (struct unwind_from){ UNWIND_REG, UNWIND_SP, 16, 0 };
	for (unsigned i = 0; i < UNWIND_REGS; i++)
		ret->regs[i] = some_way(r);
	ret->is_signal = rng_one_in(r, 4);
	return 0;
}

/* Under the sanitizers: it reads nothing outside of the copy, which is as long as it says, and ends. */
Test(unwind, survives_anything)
{
	for (unsigned seed = 0; seed < 20000; seed++) {
		struct rng r = rng_seed(seed);
		size_t size = rng_below(&r, 8 * WORDS + 1), max = rng_below(&r, MAX + 1), n;
		uint8_t *bytes = malloc(size ? size : 1);
		struct unwind_stack stack = { rng_one_in(&r, 8) ? some_value(&r) : STACK, bytes,
					      size };
		struct unwind_regs regs = { .known = rng_one_in(&r, 4) ? rng_next(&r) : ~0ull };
		struct unwind_frame frames[MAX];
		enum unwind_end end;

		cr_assert(bytes);
		for (size_t i = 0; i + 8 <= size; i += 8) {
			uint64_t value = some_value(&r);

			memcpy(bytes + i, &value, 8);
		}
		for (unsigned i = 0; i < UNWIND_REGS; i++)
			regs.r[i] = some_value(&r);
		n = unwind(&regs, &stack, some_rule, rng_one_in(&r, 2) ? is_code : NULL, &r, frames,
			   max, &end);
		cr_assert_leq(n, max);
		cr_assert_leq(end, UNWIND_FULL);
		free(bytes);
	}
}
