/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * From registers and a copy of the top of a stack to the chain of calls. Pure: it knows no ELF, and
 * asks for the rule of each place of code. Registers and stack may hold anything: it reads nothing
 * outside of the copy, and always ends.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Registers by their DWARF numbers, then the program counter. */
#if defined(__x86_64__)
#define UNWIND_REGS 17
#define UNWIND_FP   6
#define UNWIND_SP   7
#define UNWIND_PC   16
#elif defined(__aarch64__)
#define UNWIND_REGS 33
#define UNWIND_FP   29
#define UNWIND_LR   30
#define UNWIND_SP   31
#define UNWIND_PC   32
#else
#error "no unwinding on this machine"
#endif

struct unwind_regs {
	uint64_t r[UNWIND_REGS];
	uint64_t known; /* a bit for each: (uint64_t)1 << number */
};

/* How to get a value of the caller. The CFA is the caller's stack pointer at the call. */
enum unwind_kind {
	UNWIND_UNKNOWN,	  /* by a way that is not understood */
	UNWIND_UNDEFINED, /* lost; of the pc: this is the outermost function */
	UNWIND_SAME,	  /* still in its register */
	UNWIND_AT_CFA,	  /* saved at CFA + offset */
	UNWIND_IS_CFA,	  /* CFA + offset */
	UNWIND_REG,	  /* reg + offset */
	UNWIND_AT_REG,	  /* what is saved at reg + offset, + add */
	UNWIND_PLT,	  /* only the CFA, x86-64: reg + offset, + 8 if (pc & 15) >= add */
};

struct unwind_from {
	uint8_t kind; /* enum unwind_kind */
	uint8_t reg;  /* below UNWIND_REGS */
	int32_t offset;
	int32_t add;
};

struct unwind_rule {
	struct unwind_from cfa; /* UNWIND_REG, UNWIND_AT_REG, UNWIND_PLT or UNWIND_UNKNOWN */
	struct unwind_from regs[UNWIND_REGS];
	bool is_signal; /* a signal's frame: its caller was interrupted and has called nothing */
};

/* A copy of the top of a stack; bytes[0] was at the address sp. */
struct unwind_stack {
	uint64_t sp;
	const uint8_t *bytes;
	size_t size;
};

/* The rule of the code at pc (of a return address: the byte before it); -errno if there is none. */
typedef int (*unwind_rule_fn)(void *ctx, uint64_t pc, struct unwind_rule *ret);
/* Can this be an address of code at all? */
typedef bool (*unwind_code_fn)(void *ctx, uint64_t pc);

enum unwind_end {
	UNWIND_COMPLETE, /* up to the outermost function */
	UNWIND_CUT,	 /* the copy of the stack ended */
	UNWIND_NO_RULE,	 /* code without a rule, and no frame pointer that leads on */
	UNWIND_GARBAGE,	 /* the caller's place or stack pointer cannot be true */
	UNWIND_FULL,	 /* max frames */
};

struct unwind_frame {
	uint64_t pc;
	bool is_return;	       /* pc is where a call returns to: look up pc - 1 */
	bool by_frame_pointer; /* found by the frame pointer: functions before it may be missing */
};

/* Fills at most max frames, innermost first, and gives their number. The first is the pc of regs, if
 * that is known. Where there is no rule, a step by the frame pointer is tried if all of it is
 * plausible. is_code may be NULL: all but 0 may be code. */
size_t unwind(const struct unwind_regs *regs, const struct unwind_stack *stack, unwind_rule_fn rule,
	      unwind_code_fn is_code, void *ctx, struct unwind_frame *frames, size_t max,
	      enum unwind_end *ret_end);
