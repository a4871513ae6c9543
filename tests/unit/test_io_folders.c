// SPDX-License-Identifier: BSD-2-Clause
/* Directories of a recording that was made to take long. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "analysis/internal.h"

#define KEPT	 10000	/* directories that are worth a row */
#define IN_EACH	 11	/* files */
#define ALONE	 200000 /* files that are in none, and have four above them each */
#define FILES	 (KEPT * IN_EACH + ALONE)
#define CPU_MOST 4 /* s; with each directory compared with each kept one, four times that */

static struct io *ios;
static char (*paths)[64];

static void put_file(size_t i)
{
	size_t alone = i - KEPT * IN_EACH;

	if (i < KEPT * IN_EACH)
		snprintf(paths[i], sizeof(*paths), "/a/b/c/d%07zu/%zu", i / IN_EACH, i % IN_EACH);
	else
		snprintf(paths[i], sizeof(*paths), "/e/%06zu/%06zu/%06zu/%06zu/f", alone, alone,
			 alone, alone);
	ios[i] = (struct io){ .path = paths[i],
			      .kind = TARGET_FILE,
			      .cause = CAUSE_IO_FILE,
			      .waits = 1,
			      .ns = 10,
			      .any_ns = 10,
			      .max_ns = i };
}

static double cpu_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

Test(io_folders, take_no_time_by_the_square)
{
	struct model m = { .n_ios = FILES, .wall_ns = 10000 };
	struct findings f = { .model = &m };
	double begin;

	m.ios = ios = calloc(FILES, sizeof(*ios));
	paths = calloc(FILES, sizeof(*paths));
	cr_assert(ios && paths);
	for (size_t i = 0; i < FILES; i++)
		put_file(i);
	begin = cpu_now();
	io_folders_find(&f);
	cr_expect_lt(cpu_now() - begin, CPU_MOST);
	/* In the order of their first files; what is in /e/ alone adds up nowhere. */
	cr_assert_eq(f.n_folders, KEPT);
	for (size_t k = 0; k < KEPT; k++) {
		const struct io_folder *folder = &f.folders[k];

		cr_assert_eq(folder->files, IN_EACH);
		cr_assert_eq(folder->any_ns, 110);
		cr_assert_eq(folder->max_ns, k * IN_EACH + IN_EACH - 1);
		cr_assert_eq(folder->size, sizeof("/a/b/c/d0000000/") - 1);
		cr_assert_eq(f.folder_of[k * IN_EACH], k);
	}
	for (size_t i = KEPT * IN_EACH; i < FILES; i++)
		cr_assert_eq(f.folder_of[i], NO_FOLDER);
	free(f.folders);
	free(f.folder_of);
	free(paths);
	free(ios);
}
