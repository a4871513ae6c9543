// SPDX-License-Identifier: BSD-2-Clause
#include "base/procfs.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PATH_SIZE 96

/* proc_pid_task_tid_children(5) */
static bool children_of(uint32_t pid, const char *tid, procfs_child_fn fn, void *ctx)
{
	char path[PATH_SIZE];
	uint32_t child;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/task/%.16s/children", pid, tid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fscanf(f, "%" SCNu32, &child) == 1)
		fn(ctx, child);
	fclose(f);
	return true;
}

bool procfs_children(uint32_t pid, procfs_child_fn fn, void *ctx)
{
	struct dirent *entry;
	char path[PATH_SIZE];
	bool known = true;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.')
			known &= children_of(pid, entry->d_name, fn, ctx);
	}
	closedir(dir);
	return known;
}

/* proc_pid_stat(5): the name may hold anything, so it is the last ')' that ends it. */
const char *procfs_stat(uint32_t pid, char *buf, size_t size)
{
	char path[PATH_SIZE], *end;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return NULL;
	n = fread(buf, 1, size - 1, f);
	fclose(f);
	buf[n] = '\0';
	end = strrchr(buf, ')');
	return end && end[1] == ' ' ? end + 2 : NULL;
}
