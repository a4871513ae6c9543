// SPDX-License-Identifier: BSD-2-Clause
/*
 * Where code calls what tries to take a lock and does not wait for it: of that nothing is seen from
 * outside. The bytes of a function are searched for calls, of x86-64 only; where they are no
 * instruction they lead to no function, but by a rare chance.
 */
#include "sym/object.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "event/trylock.h"
#include "sym/slots.h"

#define FUNCTION_MAX (16u << 10) /* a larger one does much else: an interpreter */
#define HELPER_MAX   512u	 /* of a function that does little else */
#define COST_MAX     (8u << 20)	 /* of one object: bytes that are searched ... */
#define COST_LOOK_UP 64u	 /* ... and looking up a function is as many */
#define OWN_MAX	     32u

struct tries {
	bool is_scanned; /* it does call such functions */
	struct slots slots;
	uint64_t own[OWN_MAX]; /* such functions in the object itself */
	size_t n_own;
	struct map helpers; /* whether they do, by key() */
	uint32_t cost;
	/* The function that was asked about last. */
	uint64_t start, calls[TRIES_CALLS];
	size_t n_calls;
};

/* How many functions may lie between: of the program's own, of its language's library. */
struct reach {
	uint8_t own, library;
};

static const struct reach all_reach = { 1, 3 };

struct scan {
	struct object *o;
	struct tries *t;
	struct reach reach;
};

#if defined(__x86_64__)
#define CAN_READ_CODE true
#else
#define CAN_READ_CODE false
#endif

static struct tries *tries_new(struct object *o)
{
	struct tries *t = calloc(1, sizeof(*t));
	enum slots_found found;

	if (!t || !CAN_READ_CODE || !o->native)
		return t;
	found = slots_read(&t->slots, o->elf);
	if (found == SLOTS_STATIC)
		t->n_own = object_code_symbols(o, is_trylock, t->own, OWN_MAX);
	t->is_scanned = found == SLOTS_TRIES || t->n_own;
	return t;
}

void tries_free(struct tries *t)
{
	if (!t)
		return;
	slots_free(&t->slots);
	map_free(&t->helpers);
	free(t);
}

/* NULL: not all of it is code of the file. */
static const uint8_t *code_at(const struct object *o, uint64_t address, size_t size)
{
	size_t room;
	const char *file = elf_rawfile(o->elf, &room);

	for (size_t i = 0; file && i < o->n_segments; i++) {
		const struct segment *s = &o->segments[i];
		uint64_t at = address - s->address;

		if (s->executable && address >= s->address && at <= s->file_size &&
		    size <= s->file_size - at && s->offset <= room && at <= room - s->offset &&
		    size <= room - s->offset - at)
			return (const uint8_t *)file + s->offset + at;
	}
	return NULL;
}

/* What lies so many bytes behind the end of the instruction that the number is in. */
static uint64_t target_of(const uint8_t *number, uint64_t end)
{
	int32_t distance;

	memcpy(&distance, number, sizeof(distance));
	return end + (uint64_t)(int64_t)distance;
}

static bool spend(struct tries *t, size_t cost)
{
	if (cost > COST_MAX - t->cost)
		return false;
	t->cost += (uint32_t)cost;
	return true;
}

static bool begins_with_one_of(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!strncmp(name, list[i], strlen(list[i])))
			return true;
	}
	return false;
}

#define BEGINS_WITH_ONE_OF(name, list)                                                             \
	begins_with_one_of(name, list, sizeof(list) / sizeof(*(list)))

/* std::lock() tries, but waits for one of its locks. */
static bool waits_in_the_end(const char *mangled)
{
	static const char *const names[] = { "_ZSt4lockI", "_ZNSt8__detail11__lock_impl",
					     "_ZSt11__lock_impl" };

	return BEGINS_WITH_ONE_OF(mangled, names);
}

static bool is_of_library(const char *mangled)
{
	static const char *const names[] = { "_ZNSt", "_ZSt", "__gthr" };

	return BEGINS_WITH_ONE_OF(mangled, names) ||
	       (!strncmp(mangled, "_ZL", 3) && strstr(mangled, "__gthread_"));
}

static size_t scan(const struct scan *s, uint64_t start, uint64_t size, uint64_t *calls,
		   size_t most);

/* A small function of the object, which does it for its callers. */
static bool helper_tries(struct scan s, uint64_t address)
{
	uint64_t key = address << 4 | (uint64_t)s.reach.own << 2 | s.reach.library, call;
	uint64_t *known = map_find(&s.t->helpers, key);
	struct symbol_found found;
	bool tries;

	if (known)
		return *known;
	if (!spend(s.t, COST_LOOK_UP))
		return false;
	*map_add(&s.t->helpers, key) = false; /* should it call itself */
	if (!object_code_symbol(s.o, address, &found) || found.address != address || !found.size ||
	    found.size > HELPER_MAX || waits_in_the_end(found.name))
		return false;
	if (is_of_library(found.name) ? !s.reach.library-- : !s.reach.own--)
		return false;
	tries = scan(&s, address, found.size, &call, 1);
	*map_find(&s.t->helpers, key) = tries;
	return tries;
}

static bool slot_tries(const struct scan *s, uint64_t at)
{
	const struct slot *slot = slots_find(&s->t->slots, at);

	return slot && (slot->target == SLOT_TRIES || helper_tries(*s, slot->target));
}

/* A stub of the PLT jumps to what a slot says. */
static bool stub_slot(const struct object *o, uint64_t address, uint64_t *ret_slot)
{
	static const uint8_t marks[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	const uint8_t *code = code_at(o, address, 16);
	size_t at = 0;

	if (!code)
		return false;
	if (!memcmp(code, marks, sizeof(marks)))
		at += sizeof(marks);
	at += code[at] == 0xf2;
	if (code[at] != 0xff || code[at + 1] != 0x25)
		return false;
	*ret_slot = target_of(code + at + 2, address + at + 6);
	return true;
}

static bool function_tries(const struct scan *s, uint64_t address)
{
	uint64_t slot;

	for (size_t i = 0; i < s->t->n_own; i++) {
		if (s->t->own[i] == address)
			return true;
	}
	if (stub_slot(s->o, address, &slot))
		return slot_tries(s, slot);
	return code_at(s->o, address, 1) && helper_tries(*s, address);
}

/* A call, or a jump to where the callee returns to the caller's caller; directly or through a slot. */
static bool instruction_tries(const struct scan *s, const uint8_t *code, size_t left,
			      uint64_t address)
{
	if (left >= 5 && (code[0] == 0xe8 || code[0] == 0xe9))
		return function_tries(s, target_of(code + 1, address + 5));
	if (left >= 6 && code[0] == 0xff && (code[1] == 0x15 || code[1] == 0x25))
		return slot_tries(s, target_of(code + 2, address + 6));
	return false;
}

static size_t scan(const struct scan *s, uint64_t start, uint64_t size, uint64_t *calls,
		   size_t most)
{
	const uint8_t *code = code_at(s->o, start, size);
	size_t n = 0;

	if (!code || !spend(s->t, size))
		return 0;
	for (size_t i = 0; i < size && n < most; i++) {
		if (instruction_tries(s, code + i, size - i, start + i))
			calls[n++] = start + i;
	}
	return n;
}

size_t object_tries(struct object *o, uint64_t address, uint64_t calls[TRIES_CALLS])
{
	struct symbol_found found;
	struct tries *t;

	if (!o->tries)
		o->tries = tries_new(o);
	t = o->tries;
	if (!t || !t->is_scanned || !object_code_symbol(o, address, &found) || !found.size ||
	    found.size > FUNCTION_MAX || is_trylock(found.name) || waits_in_the_end(found.name))
		return 0;
	if (found.address != t->start || !t->start) {
		t->start = found.address;
		t->n_calls = scan(&(struct scan){ o, t, all_reach }, found.address, found.size,
				  t->calls, TRIES_CALLS);
	}
	memcpy(calls, t->calls, t->n_calls * sizeof(*calls));
	return t->n_calls;
}
