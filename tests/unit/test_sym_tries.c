// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which functions of a program try to take locks: the names in tests/sym/tries.cpp say it. Run from the
 * top of the source.
 */
#include "sym/sym.h"

#include <gelf.h>
#include <string.h>

#include "base/vec.h"
#include "tests/unit/objects.h"

#if defined(__x86_64__)
#define CAN_BE_TOLD true
#else
#define CAN_BE_TOLD false
#endif

struct function {
	char name[64];
	unsigned long start, size;
	size_t places, tried; /* ... of them in a function that tries */
};

struct functions {
	VEC(struct function) list;
	struct function *now;
};

static const char *built(const char *command)
{
	const char *path = object_path("program");

	cr_assert(shell("cd tests/sym && %s -pthread -o %s tries.cpp 2>&1", command, path), "%s",
		  command);
	return path;
}

/* Those of tests/sym/tries.cpp. */
static struct functions functions_in(const char *path)
{
	struct functions to = { .list = { 0 } };
	struct function f = { .places = 0 };
	char command[PATH_MAX + 64], line[4096];
	FILE *nm;

	snprintf(command, sizeof(command), "nm -S --defined-only '%s'", path);
	nm = popen(command, "re");
	while (fgets(line, sizeof(line), nm)) {
		if (sscanf(line, "%lx %lx T %63s", &f.start, &f.size, f.name) == 3 &&
		    (!strncmp(f.name, "tries_", 6) || !strncmp(f.name, "not_", 4)) &&
		    !strchr(f.name, '.'))
			*vec_add(&to.list) = f;
	}
	pclose(nm);
	cr_assert_eq(to.list.n, 11);
	return to;
}

static uint64_t offset_of(Elf *elf, uint64_t address)
{
	size_t n;
	GElf_Phdr p;

	cr_assert_eq(elf_getphdrnum(elf, &n), 0);
	for (size_t i = 0; i < n; i++) {
		gelf_getphdr(elf, (int)i, &p);
		if (p.p_type == PT_LOAD && p.p_flags & PF_X && address >= p.p_vaddr &&
		    address - p.p_vaddr < p.p_filesz)
			return address - p.p_vaddr + p.p_offset;
	}
	cr_assert_fail("%#lx is in no segment", (unsigned long)address);
	return 0;
}

static int keep(void *ctx, size_t index, const struct sym_frame *frames, size_t n)
{
	struct functions *to = ctx;
	bool tries = false;

	(void)index;
	for (size_t i = 0; i < n; i++)
		tries |= frames[i].tries_lock;
	to->now->places++;
	to->now->tried += tries;
	return 0;
}

/* Asks about each byte of each, in another order than that of the file. */
static void ask(struct functions *of, const char *path, const char *whole)
{
	struct sym *s = server();
	uint32_t object = add_file(s, path);
	FILE *file = fopen(whole, "re");
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fileno(file), ELF_C_READ, NULL);
	for (size_t i = 0; i < of->list.n; i++) {
		uint64_t offsets[4096];

		of->now = &of->list.items[of->list.n - 1 - i];
		cr_assert_lt(of->now->size, 4096);
		for (size_t k = 0; k < of->now->size; k++)
			offsets[k] = offset_of(elf, of->now->start + k);
		cr_assert_eq(sym_names(s, object, offsets, of->now->size, keep, of), 0);
	}
	elf_end(elf);
	fclose(file);
	sym_stop(s);
}

/* but: one for which it cannot be told; NULL: none. */
static void check(const char *command, const char *but)
{
	const char *path = built(command);
	struct functions all = functions_in(path);

	ask(&all, path, path);
	for (size_t i = 0; i < all.list.n; i++) {
		const struct function *f = &all.list.items[i];
		bool tries = CAN_BE_TOLD && !strncmp(f->name, "tries_", 6);

		if (but && !strcmp(f->name, but))
			continue;
		cr_expect_eq(f->places, f->size);
		cr_expect_eq(f->tried, tries ? f->places : 0, "%s: %s: %zu of %zu", command,
			     f->name, f->tried, f->places);
	}
	free(all.list.items);
}

/* As `command` builds it, and then without what `strip` takes away: nothing is told. */
static void check_none(const char *command, const char *strip)
{
	const char *path = built(command), *whole = object_path("whole");
	struct functions all;

	cr_assert(shell("cp %s %s && %s %s", path, whole, strip, path));
	all = functions_in(whole);
	ask(&all, path, whole);
	for (size_t i = 0; i < all.list.n; i++)
		cr_expect_eq(all.list.items[i].tried, 0, "%s", all.list.items[i].name);
	free(all.list.items);
}

TestSuite(sym_tries, .init = objects_begin, .fini = objects_end);

Test(sym_tries, through_the_plt)
{
	if (!have("g++", "tries"))
		return;
	check("g++ -O2 -g", NULL);
	check("g++ -O0 -g", NULL);
	check("g++ -O2 -g -no-pie -fcf-protection=none", NULL);
	check("g++ -O2 -g -Wl,-z,lazy,-z,ibtplt", NULL);
}

Test(sym_tries, without_a_plt)
{
	if (have("g++", "tries_no_plt"))
		check("g++ -O2 -g -fno-plt", NULL);
}

Test(sym_tries, in_a_library)
{
	if (!have("g++", "tries_shared"))
		return;
	check("g++ -O2 -g -shared -fPIC", NULL);
	check("g++ -O0 -g -shared -fPIC -fno-plt", NULL);
}

Test(sym_tries, static_binary)
{
	if (!have("g++", "tries_static"))
		return;
	check("g++ -O2 -g -static", NULL);
	check("g++ -O0 -g -static-pie", NULL);
}

/* That std::lock() is inlined is said by nothing then. */
Test(sym_tries, without_debug_information)
{
	if (!have("g++", "tries_plain"))
		return;
	check("g++ -O2", "not_both_at_once");
	check("g++ -O0", "not_both_at_once");
}

Test(sym_tries, not_without_symbols)
{
	if (!have("g++", "tries_stripped"))
		return;
	check_none("g++ -O2", "strip -s");
	check_none("g++ -O2 -static", "strip -s");
}

/* What is not whole is not read. */
Test(sym_tries, not_behind_the_end_of_the_file)
{
	if (have("g++", "tries_cut"))
		check_none("g++ -O2 -g", "truncate -s 8192");
}
