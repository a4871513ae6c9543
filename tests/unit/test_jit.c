// SPDX-License-Identifier: BSD-2-Clause
/* Maps of code that a program made itself: written by the workload, so they may hold anything. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sym/jit.h"

static char path[64];

static struct jit *map_of(const char *text, size_t size)
{
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/concprof-test-%d.map", getpid());
	f = fopen(path, "w");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(text, 1, size, f), size);
	cr_assert_eq(fclose(f), 0);
	return jit_open_path(path);
}

static void away(struct jit *j)
{
	jit_close(j);
	unlink(path);
}

#define MAP_OF(text) map_of(text, sizeof(text) - 1)

Test(jit, finds_names)
{
	struct jit *j = MAP_OF("1000 10 first\n2000 20 JS:~main file.js:1:1\n");

	cr_assert_not_null(j);
	cr_expect_str_eq(jit_name(j, 0x1000), "first");
	cr_expect_str_eq(jit_name(j, 0x100f), "first");
	cr_expect_null(jit_name(j, 0x1010));
	cr_expect_null(jit_name(j, 0xfff));
	cr_expect_str_eq(jit_name(j, 0x2001), "JS:~main file.js:1:1");
	cr_expect_null(jit_name(j, UINT64_MAX));
	away(j);
}

Test(jit, what_is_written_later_counts)
{
	struct jit *j = MAP_OF("1000 100 old\n1000 100 new\n1040 10 inner\n");

	cr_expect_str_eq(jit_name(j, 0x1000), "new");
	cr_expect_str_eq(jit_name(j, 0x1045), "inner");
	cr_expect_str_eq(jit_name(j, 0x1050), "new");
	away(j);
}

Test(jit, lines_that_are_none_are_left_out)
{
	struct jit *j = MAP_OF("\nx\n1000\n1000 10\n1000 10 \nzz 10 name\n1000 0 none\n"
			       "ffffffffffffffff 10 wraps\n10000000000000000 10 too much\n"
			       "3000 10 good\n3000 10 \0cut");

	cr_assert_not_null(j);
	cr_expect_str_eq(jit_name(j, 0x3000), "good");
	cr_expect_null(jit_name(j, 0x1000));
	away(j);
}

Test(jit, long_names_are_cut)
{
	char text[5000];
	struct jit *j;

	memset(text, 'a', sizeof(text));
	memcpy(text, "1000 10 ", 8);
	text[sizeof(text) - 1] = '\n';
	j = map_of(text, sizeof(text));
	cr_assert_not_null(j);
	cr_expect_lt(strlen(jit_name(j, 0x1000)), 256);
	away(j);
}

Test(jit, a_link_is_not_followed)
{
	char link[80];

	away(MAP_OF("1000 10 name\n"));
	snprintf(link, sizeof(link), "/tmp/concprof-test-%d.link", getpid());
	cr_assert_eq(symlink("/etc/passwd", link), 0);
	cr_expect_null(jit_open_path(link));
	unlink(link);
	cr_assert_eq(mkfifo(link, 0600), 0);
	cr_expect_null(jit_open_path(link)); /* and does not wait for a writer */
	unlink(link);
	cr_expect_null(jit_open_path("/tmp"));
	cr_expect_null(jit_open(0));
}
