// SPDX-License-Identifier: BSD-2-Clause
/* From raw stacks to places in files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/map.h"
#include "base/vec.h"
#include "sym/internal.h"
#include "sym/unwind.h"

#define RULES_MAX 65536

/* What the server calls a file. */
struct object {
	bool is_tried;
	int error; /* why it cannot be read; 0: it can */
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
	uint32_t pid; /* whose stack is unwound */
	uint64_t at;  /* ... and when it was so */
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

/* The very file that was mapped, or none: another one has other code. */
static int open_same(const char *path, const struct space_file *f)
{
	int place = open(path, O_PATH | O_CLOEXEC), fd = -ESTALE;
	char again[32];
	struct stat st;

	if (place < 0)
		return -errno;
	/* Only to open a device, or a FIFO, may do something. */
	if (!fstat(place, &st) && S_ISREG(st.st_mode) && st.st_ino == f->inode) {
		snprintf(again, sizeof(again), "/proc/self/fd/%d", place);
		fd = open(again, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			fd = -errno;
	}
	close(place);
	return fd;
}

/* By its name; or, in another mount namespace, by what is that name to the process. */
static int open_file(const struct space_file *f, uint32_t pid)
{
	char path[4352];
	int fd;

	if (f->path[0] != '/')
		return -ENOENT;
	fd = open_same(f->path, f);
	if (fd >= 0)
		return fd;
	snprintf(path, sizeof(path), "/proc/%u/root%s", pid, f->path);
	return open_same(path, f);
}

static void try_object(struct code *c, struct object *o, uint32_t file)
{
	const struct space_file *f = spaces_file(c->spaces, file);
	bool is_vdso = !strcmp(f->path, "[vdso]");
	int fd = is_vdso ? -1 : open_file(f, c->pid);

	o->is_tried = true;
	o->error = fd < 0 && !is_vdso ? fd : sym_add(c->sym, fd, f->path, &o->number);
	if (fd >= 0)
		close(fd);
}

int code_object(struct code *c, uint32_t file, uint32_t *ret_object)
{
	struct object *o;

	while (c->objects.n <= file)
		*vec_add(&c->objects) = (struct object){ 0 };
	o = &c->objects.items[file];
	if (!o->is_tried)
		try_object(c, o, file);
	*ret_object = o->number;
	return o->error;
}

static bool find_place(void *ctx, uint64_t pc, uint64_t *ret)
{
	struct code *c = ctx;
	struct place place;

	if (!spaces_find(c->spaces, c->pid, c->at, pc, &place) || place.offset >> PLACE_OFFSET_BITS)
		return false;
	*ret = (uint64_t)place.file << PLACE_OFFSET_BITS | place.offset;
	return true;
}

static bool is_code(void *ctx, uint64_t pc)
{
	uint64_t place;

	return find_place(ctx, pc, &place);
}

static int ask_rule(struct code *c, uint64_t place, struct unwind_rule *ret)
{
	uint32_t object;
	int error = code_object(c, PLACE_FILE(place), &object);

	return error ? error : sym_rule(c->sym, object, PLACE_OFFSET(place), ret);
}

/* An unwind_rule_fn: asked once for each place. */
static int rule_of(void *ctx, uint64_t pc, struct unwind_rule *ret)
{
	struct code *c = ctx;
	uint64_t place, *value;
	struct rule *rule;

	if (!find_place(c, pc, &place))
		return -ENOENT;
	value = map_find(&c->rule_by_place, place);
	if (!value) {
		if (c->rules.n == RULES_MAX) {
			map_free(&c->rule_by_place);
			c->rules.n = 0;
		}
		*map_add(&c->rule_by_place, place) = c->rules.n;
		rule = vec_add(&c->rules);
		rule->error = ask_rule(c, place, &rule->rule);
	} else {
		rule = &c->rules.items[*value];
	}
	*ret = rule->rule;
	return rule->error;
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
		uint64_t place = raw->kernel[i] - (i || raw->what == CODE_WAIT);

		to[n++] = PLACE_IS_ADDRESS(place) ? place : PLACE_KERNEL;
	}
	if (n == CODE_KERNEL || (!n && raw->in_kernel))
		to[n++] = PLACE_KERNEL;
	return n;
}

void code_unwind(struct code *c, const struct code_stack *raw, uint64_t frames[PLACES_MAX],
		 struct stack *ret)
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
	c->at = raw->at;
	n = unwind(&regs, &stack, rule_of, is_code, c, found, STACK_MAX - 1, &end);
	*ret = (struct stack){ .frames = frames,
			       .n = kernel_places(raw, frames),
			       .end = ends[end],
			       .is_wait = raw->what == CODE_WAIT };
	for (size_t i = 0; i < n; i++) {
		uint64_t *place = &frames[ret->n++];

		ret->by_frame_pointer |= found[i].by_frame_pointer;
		if (!find_place(c, found[i].pc - found[i].is_return, place))
			*place = PLACE_UNKNOWN;
	}
}
