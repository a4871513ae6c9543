// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/cgroups.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CGROUPS_MOST                                                                               \
	16384 /* more than there are of processes, as a rule; the others have no name */
#define DEPTH_MOST 32

struct walk {
	event_fn fn;
	void *ctx;
	struct map *told;
	char path[4096];
	size_t root; /* length of the mount's path */
	size_t n;
};

/* proc_pid_mountinfo(5): "36 35 0:31 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw"; a space in a name is \040, and
 * such a mount is not looked for. */
static bool find_mount(char *to, size_t size)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096], at[2048];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		const char *rest = strstr(line, " - cgroup2 ");

		found = rest && sscanf(line, "%*d %*d %*s / %2047s", at) == 1;
		if (found)
			snprintf(to, size, "%s", at);
	}
	if (f)
		fclose(f);
	return found;
}

static int tell(struct walk *w)
{
	struct ev_cgroup ev = { .head = { EV_CGROUP, sizeof(ev) } };
	const char *below = w->path + w->root;
	struct stat st;

	if (stat(w->path, &st)) /* it has gone */
		return 0;
	ev.id = st.st_ino; /* of 64 bits it is the cgroup's number (kernfs) */
	if (map_find(w->told, ev.id))
		return 0;
	*map_add(w->told, ev.id) = 1;
	snprintf(ev.path, sizeof(ev.path), "%s", *below ? below : "/");
	w->n++;
	return w->fn(w->ctx, &ev.head);
}

static int walk(struct walk *w, unsigned int depth)
{
	size_t length = strlen(w->path);
	struct dirent *entry;
	int error = tell(w);
	DIR *dir;

	if (error || depth == DEPTH_MOST)
		return error;
	dir = opendir(w->path);
	while (dir && !error && w->n < CGROUPS_MOST && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (length + strlen(entry->d_name) + 2 > sizeof(w->path))
			continue;
		snprintf(w->path + length, sizeof(w->path) - length, "/%s", entry->d_name);
		error = walk(w, depth + 1);
		w->path[length] = '\0';
	}
	if (dir)
		closedir(dir);
	return error;
}

int cgroups_tell(event_fn fn, void *ctx, struct map *told)
{
	struct walk w = { .fn = fn, .ctx = ctx, .told = told };

	if (!find_mount(w.path, sizeof(w.path)))
		return 0;
	w.root = strlen(w.path);
	return walk(&w, 0);
}
