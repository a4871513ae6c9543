// SPDX-License-Identifier: BSD-2-Clause
/* Maps of code that a program made itself: written by the workload, so they may hold anything. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sym/jit.h"
#include "sym/owners.h"

static char path[64];

static struct jit *opened(const char *at, uint32_t uid)
{
	struct jit *j = NULL;

	return jit_open_path(&j, at, uid) ? NULL : j;
}

static struct jit *map_of(const char *text, size_t size)
{
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/concprof-test-%d.map", getpid());
	f = fopen(path, "w");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(text, 1, size, f), size);
	cr_assert_eq(fclose(f), 0);
	return opened(path, getuid());
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

static int refused(const char *at, uint32_t uid)
{
	struct jit *j = NULL;
	int error = jit_open_path(&j, at, uid);

	cr_expect_null(j);
	return error;
}

Test(jit, a_link_is_not_followed)
{
	struct jit *none = NULL;
	char link[80];

	away(MAP_OF("1000 10 name\n"));
	snprintf(link, sizeof(link), "/tmp/concprof-test-%d.link", getpid());
	cr_assert_eq(symlink("/etc/passwd", link), 0);
	cr_expect_eq(refused(link, 0), -EPERM);
	unlink(link);
	cr_assert_eq(mkfifo(link, 0600), 0);
	cr_expect_eq(refused(link, getuid()), -EPERM); /* and does not wait for a writer */
	unlink(link);
	cr_expect_eq(refused("/tmp", 0), -EPERM);
	cr_expect_eq(refused(link, 0), -ENOENT);
	cr_expect_eq(jit_open(&none, 0, 0), -ENOENT);
}

/* Anybody may put a file there under the name of a process that is not theirs. */
Test(jit, a_file_of_another_user_is_not_read)
{
	static const char text[] = "1000 10 name\n";
	struct jit *j;

	if (getuid())
		return;			/* only root can give a file away */
	away(MAP_OF("1000 10 name\n")); /* for the path */
	for (uint32_t owner = 0; owner < 3; owner++) {
		FILE *f = fopen(path, "w");

		cr_assert(f && fputs(text, f) >= 0 && !fclose(f));
		cr_assert_eq(chown(path, owner, 0), 0);
		if (owner == 2) {
			cr_expect_eq(refused(path, 1), -EPERM);
			continue;
		}
		j = opened(path, 1);
		cr_assert_not_null(j, "of user %u", owner);
		cr_expect_str_eq(jit_name(j, 0x1000), "name");
		jit_close(j);
	}
	unlink(path);
}

Test(owners, who_a_process_is)
{
	struct owners o = { .uid = 0 };

	cr_expect_eq(owners_uid(&o, 5), 0);
	owners_exec(&o, 5, 1000);
	owners_fork(&o, 5, 6);
	owners_exec(&o, 6, 0); /* sudo */
	owners_fork(&o, 6, 7);
	cr_expect_eq(owners_uid(&o, 5), 1000);
	cr_expect_eq(owners_uid(&o, 6), 0);
	cr_expect_eq(owners_uid(&o, 7), 0);
	owners_fork(&o, 5, 7); /* its number is another's now */
	cr_expect_eq(owners_uid(&o, 7), 1000);
	owners_exec(&o, 6, 1000);
	cr_expect_eq(owners_uid(&o, 6), 1000);
	cr_expect_eq(o.other.n, 0);
	owners_free(&o);
}
