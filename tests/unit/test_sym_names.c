// SPDX-License-Identifier: BSD-2-Clause
/*
 * Names of code as binutils' addr2line gives them, in programs of several languages and of several
 * ways to keep debug information. Run from the top of the source.
 */
#include "sym/sym.h"

#include <errno.h>
#include <gelf.h>
#include <string.h>

#include "base/vec.h"
#include "tests/unit/objects.h"

#define TEXT 16384 /* of all functions inlined at one place */

/* All places of code that are compared. */
struct places {
	VEC(uint64_t) addresses;
	uint64_t *offsets;
	char **ours;
	size_t n, with_lines, inlined, quirks;
};

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
	cr_assert(false, "%#lx is in no segment", (unsigned long)address);
	return 0;
}

/* Every so many bytes of every function that has a size; most must be the program's own. */
static struct places *places_in(const char *path, unsigned step, size_t most)
{
	struct places *p = calloc(1, sizeof(*p));
	char command[PATH_MAX + 64], line[4096];
	unsigned long start, size;
	char type;
	FILE *nm;

	cr_assert(p);
	snprintf(command, sizeof(command), "nm -S --defined-only '%s'", path);
	nm = popen(command, "re");
	while (fgets(line, sizeof(line), nm)) {
		if (sscanf(line, "%lx %lx %c", &start, &size, &type) != 3 || !strchr("tTwW", type))
			continue;
		for (unsigned long at = start; at < start + size && p->addresses.n < most;
		     at += step)
			*vec_add(&p->addresses) = at;
	}
	pclose(nm);
	cr_assert_gt(p->addresses.n, 20);
	return p;
}

static int keep(void *ctx, size_t index, const struct sym_frame *frames, size_t n)
{
	struct places *p = ctx;
	static char to[TEXT];

	to[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t at = strlen(to);

		snprintf(to + at, TEXT - at, "%s\n%s:%u\n",
			 frames[i].function ? frames[i].function : "??",
			 frames[i].file ? frames[i].file : "??", frames[i].line);
		cr_expect_eq(frames[i].is_inlined, i + 1 < n);
	}
	p->n++;
	p->inlined += n > 1;
	free(p->ours[index]);
	p->ours[index] = strdup(to);
	return 0;
}

static void name_all(struct places *p, const char *path)
{
	struct sym *s = server();
	uint32_t object = add_file(s, path);
	FILE *file = fopen(path, "re");
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_begin(fileno(file), ELF_C_READ, NULL);
	p->offsets = calloc(p->addresses.n, sizeof(*p->offsets));
	p->ours = calloc(p->addresses.n, sizeof(*p->ours));
	for (size_t i = 0; i < p->addresses.n; i++)
		p->offsets[i] = offset_of(elf, p->addresses.items[i]);
	elf_end(elf);
	fclose(file);
	cr_assert_eq(sym_names(s, object, p->offsets, p->addresses.n, keep, p), 0);
	cr_assert_eq(p->n, p->addresses.n);
	sym_stop(s);
}

/* Line of addr2line -> line of ours: no discriminators, "?" is 0, names are cut. */
static void normalise(char *line)
{
	char *mark = strstr(line, " (discriminator");
	size_t n;

	line[strcspn(line, "\n")] = '\0';
	if (mark)
		*mark = '\0';
	n = strlen(line);
	if (n > 2 && !strcmp(line + n - 2, ":?"))
		line[n - 1] = '0';
	if (n >= SYM_NAME_SIZE && line[0] != '/')
		strcpy(line + SYM_NAME_SIZE - 4, "...");
}

/* Not in C and Rust: addr2line names a function without a linkage name by the symbol that it is in,
 * and so what is inlined by what it is inlined into; and it mistakes the first two files of C++ units,
 * which eu-addr2line does not. The lines' numbers are the same. */
static bool is_quirk(const char *ours, const char *theirs)
{
	for (bool is_line = false; *ours && *theirs; is_line = !is_line) {
		size_t a = strcspn(ours, "\n"), b = strcspn(theirs, "\n");
		const char *number_a = memrchr(ours, ':', a), *number_b = memrchr(theirs, ':', b);

		if (is_line && atoi(number_a + 1) != atoi(number_b + 1))
			return false;
		ours += a + 1;
		theirs += b + 1;
	}
	return !*ours && !*theirs;
}

static void compare_one(struct places *p, size_t i, const char *theirs)
{
	/* without a line it would name any function before it */
	if (!strncmp(strchr(theirs, '\n') + 1, "??", 2) || strstr(theirs, ".o:0\n"))
		return;
	p->with_lines++;
	if (!strcmp(p->ours[i], theirs))
		return;
	if (is_quirk(p->ours[i], theirs))
		p->quirks++;
	else
		cr_expect(false, "%#lx:\n%s-- addr2line:\n%s", (unsigned long)p->addresses.items[i],
			  p->ours[i], theirs);
}

static void compare(struct places *p, const char *path)
{
	static char theirs[TEXT], line[TEXT];
	char command[2 * PATH_MAX];
	const char *list = object_path("addresses");
	FILE *file = fopen(list, "we");
	ssize_t i = -1;

	for (size_t k = 0; k < p->addresses.n; k++)
		fprintf(file, "%#lx\n", (unsigned long)p->addresses.items[k]);
	fclose(file);
	snprintf(command, sizeof(command), "addr2line -afiC -e '%s' < '%s'", path, list);
	file = popen(command, "re");
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "0x", 2)) {
			if (i++ >= 0)
				compare_one(p, (size_t)i - 1, theirs);
			theirs[0] = '\0';
			continue;
		}
		normalise(line);
		strncat(theirs, line, sizeof(theirs) - strlen(theirs) - 2);
		strcat(theirs, "\n");
	}
	compare_one(p, (size_t)i, theirs);
	pclose(file);
	cr_assert_eq((size_t)i + 1, p->addresses.n);
}

static void places_free(struct places *p)
{
	for (size_t i = 0; i < p->addresses.n; i++)
		free(p->ours[i]);
	free(p->addresses.items);
	free(p->offsets);
	free(p->ours);
	free(p);
}

/* shown: the program as it is run; whole: the same with all its debug information. */
static void check_some(const char *shown, const char *whole, unsigned step, bool has_inlined,
		       bool may_have_quirks)
{
	struct places *p = places_in(whole, step, 40000);

	name_all(p, shown);
	compare(p, whole);
	cr_assert_gt(p->with_lines, 10);
	cr_assert_leq(p->quirks, may_have_quirks ? p->with_lines / 2 : 0);
	cr_assert(p->inlined || !has_inlined);
	places_free(p);
}

static void check(const char *shown, const char *whole)
{
	check_some(shown, whole, 1, true, false);
}

static const char *built(const char *command, const char *source)
{
	const char *path = object_path("program");

	cr_assert(shell("cd tests/sym && %s -o %s %s 2>&1", command, path, source), "%s", command);
	return path;
}

static void check_c(const char *command)
{
	const char *path = built(command, "names.c -pthread");

	check_some(path, path, 1, !strstr(command, "-O0"), false);
}

TestSuite(sym_names, .init = objects_begin, .fini = objects_end);

Test(sym_names, c)
{
	check_c("gcc -O2 -g");
	check_c("gcc -O0 -g");
	check_c("gcc -O2 -g -fomit-frame-pointer -no-pie");
	check_c("gcc -O2 -gdwarf-4");
	check_c("gcc -O2 -g -gz");
}

Test(sym_names, static_binary)
{
	const char *path = built("gcc -O2 -g -static", "names.c -pthread");

	check_some(path, path, 29, false, false);
}

Test(sym_names, by_another_compiler)
{
	if (have("clang", "names_by_clang"))
		check_c("clang -O2 -g");
}

Test(sym_names, cpp)
{
	const char *path;

	if (!have("g++", "names_cpp"))
		return;
	path = built("g++ -O2 -g", "names.cpp -pthread");
	check_some(path, path, 3, true, true);
}

Test(sym_names, rust)
{
	const char *path;

	if (!have("rustc", "names_rust"))
		return;
	path = built("rustc -O -g", "names.rs");
	check_some(path, path, 41, true, false);
}

Test(sym_names, go)
{
	const char *path = object_path("program");

	if (!have("go", "names_go"))
		return;
	cr_assert(shell("GOFLAGS=-mod=mod GOCACHE=%s/cache go build -o %s tests/sym/names.go",
			objects_folder, path));
	check_some(path, path, 101, true, true);
}

/* The function that the code belongs to, without what only one of the two sources says: which calling
 * convention it has, and which types its parameters have. */
static void function_of(char *to, size_t size, const char *ours)
{
	const char *at = ours;
	char *end;

	for (const char *next = at; *next; next = strchr(strchr(next, '\n') + 1, '\n') + 1)
		at = next;
	snprintf(to, size, "%.*s", (int)strcspn(at, "[\n"), at);
	end = strstr(to, ".abi");
	if (end)
		*end = '\0';
}

/* Go's own table has the names that its symbols had, and no lines. */
Test(sym_names, stripped_go)
{
	const char *path = object_path("program"), *stripped = object_path("stripped");
	struct places *whole, *own;
	size_t same = 0;

	if (!have("go", "names_stripped_go"))
		return;
	cr_assert(shell("GOFLAGS=-mod=mod GOCACHE=%s/cache go build -o %s tests/sym/names.go && "
			"strip -o %s %s",
			objects_folder, path, stripped, path));
	whole = places_in(path, 101, 20000);
	own = places_in(path, 101, 20000);
	name_all(whole, path);
	name_all(own, stripped);
	for (size_t i = 0; i < whole->addresses.n; i++) {
		char is[512], expected[512];

		function_of(expected, sizeof(expected), whole->ours[i]);
		function_of(is, sizeof(is), own->ours[i]);
		cr_expect_str_eq(is, expected, "%#lx", (unsigned long)whole->addresses.items[i]);
		same += !strcmp(is, expected);
	}
	cr_assert_gt(same, 1000);
	places_free(whole);
	places_free(own);
}

/* ---- where debug information can be ---- */

Test(sym_names, stripped_with_a_debug_link)
{
	const char *path = built("gcc -O2 -g", "names.c -pthread");

	cr_assert(shell("cd %s && cp program whole && objcopy --only-keep-debug program p.debug && "
			"strip program && objcopy --add-gnu-debuglink=p.debug program",
			objects_folder));
	check(path, object_path("whole"));
	cr_assert(shell("cd %s && mkdir .debug && mv p.debug .debug", objects_folder));
	check(path, object_path("whole"));
}

static int is_unknown(void *ctx, size_t index, const struct sym_frame *frames, size_t n)
{
	(void)ctx;
	(void)index;
	return n && frames[0].file;
}

static int any_has_a_file(const char *path, const char *whole)
{
	struct places *p = places_in(whole, 1, 600);
	struct sym *s = server();
	int r;

	name_all(p, whole);
	r = sym_names(s, add_file(s, path), p->offsets, p->addresses.n, is_unknown, NULL);
	sym_stop(s);
	places_free(p);
	return r;
}

/* Without build-ids only the check sum tells. */
Test(sym_names, debug_link_to_another_file)
{
	const char *path = built("gcc -O2 -g -Wl,--build-id=none", "names.c -pthread");

	cr_assert(shell("cd %s && cp program whole && objcopy --only-keep-debug program p.debug && "
			"strip program && objcopy --add-gnu-debuglink=p.debug program",
			objects_folder));
	check(path, object_path("whole"));
	cr_assert(shell("printf x >> %s/p.debug", objects_folder));
	cr_assert_eq(any_has_a_file(path, object_path("whole")), 0);
}

Test(sym_names, debug_link_of_another_build)
{
	const char *path = built("gcc -O2 -g", "names.c -pthread");

	cr_assert(shell("cd %s && cp program whole && strip program && "
			"gcc -O1 -g -pthread -o other %s/tests/sym/names.c && "
			"objcopy --only-keep-debug other p.debug && "
			"objcopy --add-gnu-debuglink=p.debug program",
			objects_folder, getcwd((char[PATH_MAX]){ "" }, PATH_MAX)));
	cr_assert_eq(any_has_a_file(path, object_path("whole")), 0);
}

Test(sym_names, debug_link_to_a_fifo_does_not_hang)
{
	const char *path = built("gcc -O2 -g", "names.c -pthread");

	cr_assert(shell("cd %s && cp program whole && objcopy --only-keep-debug program p.debug && "
			"strip program && objcopy --add-gnu-debuglink=p.debug program && "
			"rm p.debug && mkfifo p.debug",
			objects_folder));
	cr_assert_eq(any_has_a_file(path, object_path("whole")), 0);
}

Test(sym_names, mini_debug_info)
{
	const char *path = built("gcc -O2 -g", "names.c -pthread");
	struct places *p;

	if (!have("xz", "names_mini_debug_info"))
		return;
	cr_assert(shell("cd %s && cp program whole && objcopy -S --keep-symbol=outer "
			"--only-keep-debug program mini && strip -s --keep-symbol=outer mini && "
			"xz mini && strip program && "
			"objcopy --add-section .gnu_debugdata=mini.xz program",
			objects_folder));
	p = places_in(object_path("whole"), 1, 6000);
	name_all(p, path);
	for (size_t i = 0; i < p->n; i++)
		p->with_lines += !strncmp(p->ours[i], "outer\n", 6);
	cr_assert_gt(p->with_lines, 10);
	places_free(p);
}

Test(sym_names, split_debug_information)
{
	const char *path;

	/* compiled by its own path, with the .dwo file beside the program */
	cr_assert(shell("cp tests/sym/names.c %s && cd %s && "
			"gcc -O2 -g -gsplit-dwarf -pthread -o program names.c && "
			"gcc -O2 -g -pthread -o whole names.c",
			objects_folder, objects_folder));
	path = object_path("program");
	check(path, object_path("whole"));
}

Test(sym_names, shared_debug_information)
{
	if (!have("dwz", "names_dwz"))
		return;
	cr_assert(shell("cd tests/sym && gcc -O2 -g -pthread -o %s/program names.c && cd %s && "
			"cp program whole && cp program second && dwz -m common program second",
			objects_folder, objects_folder));
	check(object_path("program"), object_path("whole"));
}

/* The binary is gone, its descriptor is not. */
Test(sym_names, deleted_binary)
{
	const char *path = built("gcc -O2 -g", "names.c -pthread");
	struct places *p;
	struct sym *s = server();
	uint32_t object = add_file(s, path);

	p = places_in(path, 1, 600);
	name_all(p, path);
	p->n = 0;
	cr_assert(shell("cd %s && cp program whole && rm program", objects_folder));
	cr_assert_eq(sym_names(s, object, p->offsets, p->addresses.n, keep, p), 0);
	compare(p, object_path("whole"));
	cr_assert_gt(p->with_lines, 10);
	sym_stop(s);
	places_free(p);
}

/* ---- what nobody writes by hand ---- */

struct deepest {
	size_t frames;
	char innermost[SYM_NAME_SIZE], outermost[SYM_NAME_SIZE];
	bool has_escape, is_cut;
};

static int look(void *ctx, size_t index, const struct sym_frame *frames, size_t n)
{
	struct deepest *d = ctx;

	(void)index;
	if (n && frames[0].function && strchr(frames[0].function, '\33'))
		d->has_escape = true;
	if (n && frames[0].function && strlen(frames[0].function) == SYM_NAME_SIZE - 1)
		d->is_cut = !strcmp(frames[0].function + SYM_NAME_SIZE - 4, "...");
	if (n <= d->frames)
		return 0;
	d->frames = n;
	snprintf(d->innermost, sizeof(d->innermost), "%s", frames[0].function);
	snprintf(d->outermost, sizeof(d->outermost), "%s", frames[n - 1].function);
	return 0;
}

static struct deepest looked_at(const char *path)
{
	struct places *p = places_in(path, 1, 6000);
	struct sym *s = server();
	struct deepest d = { .frames = 0 };

	name_all(p, path);
	cr_assert_eq(sym_names(s, add_file(s, path), p->offsets, p->addresses.n, look, &d), 0);
	sym_stop(s);
	places_free(p);
	return d;
}

Test(sym_names, endless_inlining)
{
	FILE *c = fopen(object_path("deep.c"), "we");
	struct deepest d;

	fprintf(c, "volatile int sink;\n"
		   "static inline __attribute__((always_inline)) void f0(void) { sink++; }\n");
	for (int i = 1; i < 200; i++)
		fprintf(c,
			"static inline __attribute__((always_inline)) void f%d(void) "
			"{ sink += %d; f%d(); }\n",
			i, i, i - 1);
	fprintf(c, "int main(void) { f199(); return sink; }\n");
	fclose(c);
	cr_assert(shell("cd %s && gcc -O2 -g -o deep deep.c", objects_folder));
	d = looked_at(object_path("deep"));
	cr_assert_eq(d.frames, SYM_DEPTH);
	cr_assert_str_eq(d.outermost, "main");
	cr_assert_eq(d.innermost[0], 'f');
}

Test(sym_names, control_characters_and_long_names)
{
	FILE *c = fopen(object_path("evil.c"), "we");
	struct deepest d;

	fprintf(c,
		"int evilXname(int n) { return n * 3; }\n"
		"int long%0500d(int n) { return n * 5; }\n"
		"int main(int n, char **v) { return evilXname(n); }\n",
		0);
	fclose(c);
	cr_assert(shell("cd %s && gcc -O0 -o evil evil.c && "
			"LC_ALL=C sed -i 's/evilXname/evil\\x1bname/g' evil",
			objects_folder));
	d = looked_at(object_path("evil"));
	/* escaping is for those who show it */
	cr_assert(d.has_escape);
	cr_assert(d.is_cut);
}
