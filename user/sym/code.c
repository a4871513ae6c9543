// SPDX-License-Identifier: BSD-2-Clause
/* From raw stacks to places in files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/vec.h"
#include "sym/credit.h"
#include "sym/internal.h"
#include "sym/unwind.h"

#define RULES_MAX 65536
#define TRIES	  4    /* at a file, each for another process */
#define WAIT_MS	  100u /* at most for a rule, while it is measured */

/* What the server calls a file. */
struct object {
	uint32_t tries;
	uint32_t pid; /* that it was tried for last */
	int error;    /* why it cannot be read; 0: it can */
	uint32_t number;
};

struct rule {
	int error;
	struct unwind_rule rule;
};

struct code {
	struct sym *sym;
	struct spaces *spaces;
	VEC(struct object) objects; /* by number of the file */
	struct map rule_by_place;   /* a place in rules */
	VEC(struct rule) rules;
	bool takes_time;
	struct credit credit;	     /* else */
	uint32_t pid;		     /* whose stack is unwound */
	const struct memory *memory; /* ... and what it had then */
	bool is_late;		     /* a rule of it is */
};

struct code *code_new(struct sym *sym, struct spaces *spaces)
{
	struct code *c = calloc(1, sizeof(*c));

	if (c) {
		c->sym = sym;
		c->spaces = spaces;
	}
	return c;
}

void code_free(struct code *c)
{
	if (!c)
		return;
	map_free(&c->rule_by_place);
	free(c->rules.items);
	free(c->objects.items);
	free(c);
}

void code_take_time(struct code *c)
{
	c->takes_time = true;
}

static int add_object(struct code *c, const struct space_file *f, uint32_t *ret_number)
{
	struct sym_file id = { f->inode, f->major, f->minor, c->pid, 0 };

	if (strcmp(f->path, SYM_VDSO) && (f->pid || f->path[0] != '/'))
		return -ENOENT; /* memory that has no file */
	return sym_open(c->sym, &id, f->path, c->takes_time, ret_number);
}

static void try_object(struct code *c, struct object *o, const struct space_file *f)
{
	uint64_t now = clock_ns();
	bool can_wait = c->takes_time || credit_left(&c->credit, now) > 0;

	o->error = can_wait ? add_object(c, f, &o->number) : -EAGAIN;
	credit_spend(&c->credit, clock_ns() - now);
	if (o->error == -EAGAIN)
		return;
	o->pid = c->pid;
	o->tries++;
}

/* What one process has no right to, or has no longer, another one may still have. */
static bool is_worth_trying(const struct code *c, const struct object *o)
{
	return !o->tries || o->error == -EAGAIN ||
	       (o->error && o->pid != c->pid && o->tries < TRIES);
}

int code_object(struct code *c, uint32_t file, uint32_t *ret_object)
{
	struct object *o;

	while (c->objects.n <= file)
		*vec_add(&c->objects) = (struct object){ 0 };
	o = &c->objects.items[file];
	if (is_worth_trying(c, o))
		try_object(c, o, spaces_file(c->spaces, file));
	*ret_object = o->number;
	return o->error;
}

static bool find_place(void *ctx, uint64_t pc, uint64_t *ret)
{
	struct code *c = ctx;
	struct place place;

	if (!memory_find(c->memory, pc, &place) || place.offset >> PLACE_OFFSET_BITS)
		return false;
	*ret = (uint64_t)place.file << PLACE_OFFSET_BITS | place.offset;
	return true;
}

static bool is_code(void *ctx, uint64_t pc)
{
	uint64_t place;

	return find_place(ctx, pc, &place);
}

static int ask_rule(struct code *c, uint32_t object, uint64_t offset, struct unwind_rule *ret)
{
	uint64_t now = clock_ns();
	int64_t left;
	int error;

	if (c->takes_time)
		return sym_rule(c->sym, object, offset, ret);
	left = credit_left(&c->credit, now) / 1000000;
	left = left < 0 ? 0 : left > WAIT_MS ? WAIT_MS : left;
	error = sym_rule_within(c->sym, object, offset, (unsigned)left, ret);
	credit_spend(&c->credit, clock_ns() - now);
	return error;
}

static struct rule *add_rule(struct code *c, uint64_t place)
{
	if (c->rules.n == RULES_MAX) {
		map_free(&c->rule_by_place);
		c->rules.n = 0;
	}
	*map_add(&c->rule_by_place, place) = c->rules.n;
	return vec_add(&c->rules);
}

/* Asked once for each place, unless its file may yet be had. */
static int find_rule(struct code *c, uint64_t place, struct unwind_rule *ret)
{
	const uint64_t *value = map_find(&c->rule_by_place, place);
	struct rule rule = { 0 };
	uint32_t object;

	if (value) {
		*ret = c->rules.items[*value].rule;
		return c->rules.items[*value].error;
	}
	rule.error = code_object(c, PLACE_FILE(place), &object);
	if (rule.error)
		return rule.error;
	rule.error = ask_rule(c, object, PLACE_OFFSET(place), &rule.rule);
	if (rule.error != -EAGAIN && rule.error != -ECANCELED)
		*add_rule(c, place) = rule;
	*ret = rule.rule;
	return rule.error;
}

/* An unwind_rule_fn. */
static int rule_of(void *ctx, uint64_t pc, struct unwind_rule *ret)
{
	struct code *c = ctx;
	uint64_t place;
	int error;

	if (c->is_late) /* it is done again anyway */
		return -EAGAIN;
	if (!find_place(c, pc, &place))
		return -ENOENT;
	error = find_rule(c, place, ret);
	c->is_late |= error == -EAGAIN || error == -ECANCELED;
	return error;
}

#if defined(__x86_64__)
/* From the order of struct pt_regs to DWARF's: rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15, pc. */
static const uint8_t register_of[UNWIND_REGS] = { 10, 12, 11, 5, 13, 14, 4, 19, 9,
						  8,  7,  6,  3, 2,  1,	 0, 16 };
#elif defined(__aarch64__)
static const uint8_t register_of[UNWIND_REGS] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
						  11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
						  22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32 };
#endif

static const uint8_t ends[] = {
	[UNWIND_COMPLETE] = STACK_COMPLETE, [UNWIND_CUT] = STACK_CUT,
	[UNWIND_NO_RULE] = STACK_NO_RULE,   [UNWIND_GARBAGE] = STACK_GARBAGE,
	[UNWIND_FULL] = STACK_FULL,
};

/* Places of the kernel: of one that gives no address, that it was there. */
static size_t kernel_places(const struct code_stack *raw, uint64_t *to)
{
	size_t n = 0;

	for (size_t i = 0; i < raw->n_kernel && i < CODE_KERNEL; i++) {
		uint64_t place = raw->kernel[i] - (i || raw->what != CODE_CPU);

		to[n++] = PLACE_IS_ADDRESS(place) ? place : PLACE_KERNEL;
	}
	if (n == CODE_KERNEL || (!n && raw->in_kernel))
		to[n++] = PLACE_KERNEL;
	return n;
}

int code_unwind(struct code *c, const struct memory *memory, const struct code_stack *raw,
		uint64_t frames[PLACES_MAX], struct stack *ret)
{
	struct unwind_frame found[STACK_MAX - 1];
	struct unwind_regs regs = { .known = (1ull << UNWIND_REGS) - 1 };
	struct unwind_stack stack = { .bytes = raw->bytes, .size = raw->n_bytes };
	enum unwind_end end;
	size_t n;

	for (int i = 0; i < UNWIND_REGS; i++)
		regs.r[i] = raw->regs[register_of[i]];
	stack.sp = regs.r[UNWIND_SP];
	c->pid = raw->pid;
	c->memory = memory;
	c->is_late = false;
	n = unwind(&regs, &stack, rule_of, is_code, c, found, STACK_MAX - 1, &end);
	*ret = (struct stack){ .frames = frames,
			       .n = kernel_places(raw, frames),
			       .end = ends[end],
			       .is_wait = raw->what != CODE_CPU };
	for (size_t i = 0; i < n; i++) {
		uint64_t *place = &frames[ret->n++];

		ret->flags |= found[i].by_frame_pointer ? STACK_BY_FRAME_POINTER : 0;
		/* it has not called what lies further in */
		ret->flags |= i && !found[i].is_return ? STACK_IN_HANDLER : 0;
		if (!find_place(c, found[i].pc - found[i].is_return, place))
			*place = PLACE_UNKNOWN;
	}
	return c->is_late ? -EAGAIN : 0;
}
