// SPDX-License-Identifier: BSD-2-Clause
/* Names of data, with debug information and without. Run from the top of the source. */
#include "sym/sym.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "tests/unit/objects.h"

/* As in tests/sym/names.c. */
struct account {
	long balance;
	pthread_mutex_t lock;
};

struct queue {
	int items[10];
	pthread_mutex_t lock;
	pthread_cond_t ready;
};

static uint64_t address_of(const char *path, const char *symbol)
{
	char command[PATH_MAX + 64], line[4096], name[4096];
	unsigned long at;
	FILE *nm;

	snprintf(command, sizeof(command), "nm '%s'", path);
	nm = popen(command, "re");
	cr_assert(nm);
	while (fgets(line, sizeof(line), nm)) {
		if (sscanf(line, "%lx %*c %4095s", &at, name) == 2 &&
		    (*symbol == '*' ? !!strstr(name, symbol + 1) : strstr(name, symbol) == name)) {
			pclose(nm);
			return at;
		}
	}
	cr_assert(false, "no symbol %s", symbol);
	return 0;
}

struct part {
	const char *symbol; /* as it begins; with * before it: what is in it */
	uint64_t offset;
	const char *name; /* NULL: none */
	const char *file; /* as it ends */
};

static void check_from(const char *shown, const char *whole, const struct part *parts)
{
	struct sym *s = server();
	uint32_t object = add_file(s, shown);

	for (; parts->symbol; parts++) {
		uint64_t address = address_of(whole, parts->symbol) + parts->offset;
		struct sym_data data = { .name = "" };
		int r = sym_data(s, object, address, &data);
		size_t end = strlen(data.file), length = parts->file ? strlen(parts->file) : 0;

		cr_expect_eq(r, parts->name ? 0 : -ENOENT);
		if (!parts->name)
			continue;
		cr_expect_str_eq(data.name, parts->name);
		cr_expect(length ? end >= length && !strcmp(data.file + end - length, parts->file)
				 : !end,
			  "%s: file %s", data.name, data.file);
	}
	sym_stop(s);
}

static const char *built(const char *command, const char *source)
{
	const char *path = object_path("program");

	cr_assert(shell("cd tests/sym && %s -o %s %s", command, path, source), "%s", command);
	return path;
}

#define LOCK  offsetof(struct account, lock)
#define READY offsetof(struct queue, ready)

static const struct part by_dwarf[] = {
	{ "account_lock", 0, "account_lock", "/sym/names.c" },
	{ "account_lock", 16, "account_lock", "/sym/names.c" }, /* any word of a mutex */
	{ "accounts", LOCK, "accounts[0].lock", "/sym/names.c" },
	{ "accounts", 3 * sizeof(struct account) + LOCK, "accounts[3].lock", "/sym/names.c" },
	{ "accounts", 3 * sizeof(struct account), "accounts[3].balance", "/sym/names.c" },
	{ "accounts", 2 * sizeof(struct account) + 3, "accounts[2].balance+3", "/sym/names.c" },
	{ "matrix", 7 * sizeof(struct account) + LOCK, "matrix[1][2].lock", "/sym/names.c" },
	{ "queue", 40, "queue.lock", "/sym/names.c" },
	{ "queue", READY + 8, "queue.ready", "/sym/names.c" },
	{ "queue", 8, "queue.items[2]", "/sym/names.c" },
	{ "hidden", 0, "hidden", "/sym/names.c" },
	{ "own.", 0, "own", "/sym/names.c" }, /* static in a function */
	{ NULL },
};

static const struct part by_symbol[] = {
	{ "account_lock", 0, "account_lock", NULL },
	{ "account_lock", 16, "account_lock+16", NULL },
	{ "queue", 40, "queue+40", NULL },
	{ "hidden", 0, "hidden", "names.c" }, /* local symbols say their file */
	{ NULL },
};

static const struct part none[] = {
	{ "account_lock", 0, NULL, NULL },
	{ "_start", 0, NULL, NULL },
	{ NULL },
};

TestSuite(sym_data, .init = objects_begin, .fini = objects_end);

Test(sym_data, by_debug_information)
{
	const char *path = built("gcc -O1 -g", "names.c -pthread");

	check_from(path, path, by_dwarf);
	path = built("gcc -O1 -gdwarf-4 -no-pie", "names.c -pthread");
	check_from(path, path, by_dwarf);
}

Test(sym_data, by_split_debug_information)
{
	cr_assert(shell("mkdir -p %s/sym && cp tests/sym/names.c %s/sym && cd %s && "
			"gcc -O1 -g -gsplit-dwarf -pthread -o program sym/names.c",
			objects_folder, objects_folder, objects_folder));
	check_from(object_path("program"), object_path("program"), by_dwarf);
}

Test(sym_data, by_symbols)
{
	const char *path = built("gcc -O1", "names.c -pthread");

	check_from(path, path, by_symbol);
}

Test(sym_data, of_a_stripped_binary)
{
	const char *path = built("gcc -O1", "names.c -pthread");

	cr_assert(shell("cd %s && cp program whole && strip program", objects_folder));
	check_from(path, object_path("whole"), none);
}

Test(sym_data, cpp)
{
	static const struct part parts[] = {
		{ "_ZN4bank8accountsE", 48 + 8, "bank::accounts[1].lock", "/sym/names.cpp" },
		{ "_ZN4bankL6hiddenE", 0, "bank::hidden", "/sym/names.cpp" },
		{ NULL },
	};
	const char *path;

	if (!have("g++", "data_cpp"))
		return;
	path = built("g++ -O1 -g", "names.cpp -pthread");
	check_from(path, path, parts);
}

Test(sym_data, rust)
{
	static const struct part parts[] = {
		{ "*5names7ACCOUNT", 0, "names::ACCOUNT", "names.rs" },
		{ NULL },
	};
	const char *path;

	if (!have("rustc", "data_rust"))
		return;
	path = built("rustc -O -g", "names.rs");
	check_from(path, path, parts);
}

Test(sym_data, go)
{
	static const struct part parts[] = {
		{ "main.accounts", 3 * 16 + 8, "main.accounts[3].lock", NULL },
		{ NULL },
	};
	const char *path = object_path("program");

	if (!have("go", "data_go"))
		return;
	cr_assert(
		shell("GOCACHE=%s/cache go build -o %s tests/sym/names.go", objects_folder, path));
	check_from(path, path, parts);
}

/* How a mapping of the file becomes an address of the image. */
Test(sym_data, image_of_a_mapping)
{
	const char *path = built("gcc -O1 -g", "names.c -pthread");
	struct sym *s = server();
	uint32_t object = add_file(s, path);
	uint64_t address;

	cr_assert_eq(sym_image(s, object, 0, false, &address), 0);
	cr_assert_eq(address, 0);
	cr_assert_eq(sym_image(s, object, 0x1000, true, &address), 0);
	cr_assert_eq(address, 0x1000);
	cr_assert_eq(sym_image(s, object, 1ull << 40, false, &address), -ENOENT);
	sym_stop(s);
	path = built("gcc -O1 -g -no-pie", "names.c -pthread");
	s = server();
	object = add_file(s, path);
	cr_assert_eq(sym_image(s, object, 0, false, &address), 0);
	cr_assert_eq(address, 0x400000);
	sym_stop(s);
}
