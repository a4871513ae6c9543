// SPDX-License-Identifier: BSD-2-Clause
/* Which file's code lies where in a process's memory, and when. */
#include <criterion/criterion.h>

#include "sym/space.h"

static struct mapping file(uint32_t pid, uint64_t start, uint64_t end, uint64_t offset,
			   const char *path)
{
	return (struct mapping){ .what = MAPPING_FILE,
				 .at = 10,
				 .pid = pid,
				 .start = start,
				 .end = end,
				 .offset = offset,
				 .inode = 7,
				 .path = path };
}

static void map(struct spaces *s, struct mapping m)
{
	spaces_mapping(s, &m);
}

static void fork_at(struct spaces *s, uint64_t at, uint32_t parent, uint32_t pid)
{
	map(s, (struct mapping){ .what = MAPPING_FORK, .at = at, .parent = parent, .pid = pid });
}

static void exec_at(struct spaces *s, uint64_t at, uint32_t pid)
{
	map(s, (struct mapping){ .what = MAPPING_EXEC, .at = at, .pid = pid });
}

#define LATER 1000

/* The file there, NULL if there is none; *ret_offset: where in it. */
static const char *path_at(struct spaces *s, uint32_t pid, uint64_t at, uint64_t address,
			   uint64_t *ret_offset)
{
	struct place place;

	if (!memory_find(spaces_memory(s, pid, at), address, &place))
		return NULL;
	*ret_offset = place.offset;
	return spaces_file(s, place.file)->path;
}

static void expect_at(struct spaces *s, uint32_t pid, uint64_t at, uint64_t address,
		      const char *path, uint64_t offset)
{
	uint64_t found = 0;
	const char *there = path_at(s, pid, at, address, &found);

	cr_assert_not_null(there, "nothing at %lx", (unsigned long)address);
	cr_expect_str_eq(there, path, "at %lx", (unsigned long)address);
	cr_expect_eq(found, offset, "at %lx: %lx", (unsigned long)address, (unsigned long)found);
}

static void expect_none(struct spaces *s, uint32_t pid, uint64_t at, uint64_t address)
{
	uint64_t offset;

	cr_expect_null(path_at(s, pid, at, address, &offset), "at %lx", (unsigned long)address);
}

Test(space, addresses_are_offsets_in_files)
{
	struct spaces *s = spaces_new();

	spaces_follow(s, 1);
	map(s, file(1, 0x1000, 0x3000, 0x500, "/a"));
	map(s, file(1, 0x8000, 0x9000, 0, "/b"));
	expect_at(s, 1, LATER, 0x1000, "/a", 0x500);
	expect_at(s, 1, LATER, 0x2fff, "/a", 0x24ff);
	expect_at(s, 1, LATER, 0x8001, "/b", 1);
	expect_none(s, 1, LATER, 0xfff);
	expect_none(s, 1, LATER, 0x3000);
	expect_none(s, 1, LATER, 0x9000);
	spaces_free(s);
}

Test(space, others_are_not_followed)
{
	struct spaces *s = spaces_new();

	map(s, file(1, 0x1000, 0x3000, 0, "/a"));
	exec_at(s, 5, 1);
	expect_none(s, 1, LATER, 0x1000);
	spaces_free(s);
}

Test(space, a_new_mapping_replaces_a_part)
{
	struct spaces *s = spaces_new();

	spaces_follow(s, 1);
	map(s, file(1, 0x1000, 0x9000, 0, "/a"));
	map(s, file(1, 0x3000, 0x5000, 0, "/b"));
	expect_at(s, 1, LATER, 0x2fff, "/a", 0x1fff);
	expect_at(s, 1, LATER, 0x3000, "/b", 0);
	expect_at(s, 1, LATER, 0x5000, "/a", 0x4000);
	map(s, file(1, 0x2000, 0x6000, 0, "/c"));
	expect_at(s, 1, LATER, 0x1fff, "/a", 0xfff);
	expect_at(s, 1, LATER, 0x3000, "/c", 0x1000);
	expect_at(s, 1, LATER, 0x6000, "/a", 0x5000);
	spaces_free(s);
}

Test(space, a_child_has_its_parents_memory_up_to_its_own_exec)
{
	struct spaces *s = spaces_new();

	spaces_follow(s, 1);
	map(s, file(1, 0x1000, 0x2000, 0, "/a"));
	fork_at(s, 20, 1, 2);
	map(s, file(2, 0x5000, 0x6000, 0, "/child"));
	expect_at(s, 2, LATER, 0x1000, "/a", 0);
	expect_none(s, 1, LATER, 0x5000);
	exec_at(s, 30, 2);
	map(s, file(2, 0x1000, 0x2000, 0, "/b"));
	expect_at(s, 2, LATER, 0x1000, "/b", 0);
	expect_at(s, 1, LATER, 0x1000, "/a", 0);
	spaces_free(s);
}

Test(space, a_stack_of_before_an_exec_finds_what_was_there_then)
{
	struct spaces *s = spaces_new();

	spaces_follow(s, 1);
	map(s, file(1, 0x1000, 0x2000, 0, "/a"));
	exec_at(s, 30, 1);
	map(s, file(1, 0x1000, 0x2000, 0, "/b"));
	exec_at(s, 50, 1);
	map(s, file(1, 0x1000, 0x2000, 0, "/c"));
	expect_at(s, 1, 29, 0x1000, "/a", 0);
	expect_at(s, 1, 30, 0x1000, "/b", 0);
	expect_at(s, 1, 50, 0x1000, "/c", 0);
	spaces_bury(s);
	expect_none(s, 1, 29, 0x1000);
	expect_at(s, 1, 50, 0x1000, "/c", 0);
	spaces_free(s);
}

Test(space, the_dead_are_known_up_to_the_burial)
{
	struct spaces *s = spaces_new();

	spaces_follow(s, 1);
	map(s, file(1, 0x1000, 0x2000, 0, "/a"));
	fork_at(s, 20, 1, 2);
	spaces_ended(s, 2);
	expect_at(s, 2, LATER, 0x1000, "/a", 0);
	spaces_bury(s);
	expect_none(s, 2, LATER, 0x1000);
	expect_at(s, 1, LATER, 0x1000, "/a", 0);
	spaces_free(s);
}

Test(space, a_number_that_is_used_again_is_not_buried)
{
	struct spaces *s = spaces_new();

	spaces_follow(s, 1);
	map(s, file(1, 0x1000, 0x2000, 0, "/a"));
	fork_at(s, 20, 1, 2);
	spaces_ended(s, 2);
	fork_at(s, 40, 1, 2);
	map(s, file(2, 0x5000, 0x6000, 0, "/new"));
	expect_none(s, 2, 30, 0x5000);
	spaces_bury(s);
	expect_at(s, 2, LATER, 0x5000, "/new", 0);
	fork_at(s, 60, 99, 2); /* of a process that is not followed */
	expect_none(s, 2, LATER, 0x1000);
	spaces_free(s);
}

Test(space, memory_without_a_file_is_of_one_process)
{
	struct spaces *s = spaces_new();
	struct place one, two;

	spaces_follow(s, 1);
	fork_at(s, 1, 1, 2);
	map(s, file(1, 0x1000, 0x2000, 0, MAPPING_ANONYMOUS));
	map(s, file(2, 0x1000, 0x2000, 0, MAPPING_ANONYMOUS));
	cr_assert(memory_find(spaces_memory(s, 1, LATER), 0x1234, &one));
	cr_assert(memory_find(spaces_memory(s, 2, LATER), 0x1234, &two));
	cr_expect_neq(one.file, two.file);
	cr_expect_eq(one.offset, 0x1234);
	cr_expect_eq(spaces_file(s, two.file)->pid, 2);
	spaces_free(s);
}

Test(space, nonsense_is_left_out)
{
	struct spaces *s = spaces_new();

	spaces_follow(s, 1);
	map(s, file(1, 0x2000, 0x1000, 0, "/a"));
	map(s, file(1, 0x2000, 0x2000, 0, "/a"));
	expect_none(s, 1, LATER, 0x1800);
	for (uint64_t i = 0; i < 10000; i++)
		map(s, file(1, 0x100000 + 0x2000 * i, 0x101000 + 0x2000 * i, 0, "/a"));
	expect_at(s, 1, LATER, 0x100000, "/a", 0);
	expect_none(s, 1, LATER, 0x100000 + 0x2000 * 9999);
	spaces_free(s);
}
