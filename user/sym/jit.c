// SPDX-License-Identifier: BSD-2-Clause
#include "sym/jit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"

#define LINES_MAX 500000 /* what is beyond is left out */
#define LINE_MAX  1024
#define NAME_MAX_ 200

struct entry {
	uint64_t start, end;
	size_t order;
	char *name;
};

struct jit {
	VEC(struct entry) entries; /* by start; of one start, the last one of the file */
};

/* The workload writes it, or anybody: /tmp is everybody's. No link to elsewhere, and nothing to wait
 * for. */
static int open_map(FILE **ret, const char *path, uint32_t uid)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	*ret = NULL;
	if (fd < 0)
		return errno == ELOOP ? -EPERM : -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && (st.st_uid == uid || !st.st_uid))
		*ret = fdopen(fd, "r");
	if (*ret)
		return 0;
	close(fd);
	return -EPERM;
}

static void take_line(struct jit *j, char *line)
{
	char *at = line, *end;
	struct entry *entry;
	uint64_t start, size;

	errno = 0;
	start = strtoull(at, &end, 16);
	if (end == at || *end != ' ')
		return;
	at = end + 1;
	size = strtoull(at, &end, 16);
	if (errno || end == at || *end != ' ' || !size || start + size < start)
		return;
	at = end + 1;
	at[strcspn(at, "\n")] = '\0';
	if (!*at)
		return;
	entry = vec_add(&j->entries);
	*entry = (struct entry){ start, start + size, j->entries.n, strndup(at, NAME_MAX_ - 1) };
}

static int by_start(const void *a, const void *b)
{
	const struct entry *e = a, *f = b;

	if (e->start != f->start)
		return e->start < f->start ? -1 : 1;
	return e->order < f->order ? -1 : e->order > f->order;
}

int jit_open_path(struct jit **ret, const char *path, uint32_t uid)
{
	char line[LINE_MAX];
	struct jit *j;
	FILE *f;
	int error = open_map(&f, path, uid);

	if (error)
		return error;
	j = calloc(1, sizeof(*j));
	/* A line that is too long comes in pieces, of which the later ones are no lines. */
	for (size_t n = 0; j && n < LINES_MAX && fgets(line, sizeof(line), f); n++)
		take_line(j, line);
	fclose(f);
	if (!j)
		return -ENOMEM;
	if (j->entries.n)
		qsort(j->entries.items, j->entries.n, sizeof(*j->entries.items), by_start);
	*ret = j;
	return 0;
}

int jit_open(struct jit **ret, uint32_t pid, uint32_t uid)
{
	char path[JIT_PATH_SIZE];

	return jit_open_path(ret, jit_path(path, pid), uid);
}

char *jit_path(char path[JIT_PATH_SIZE], uint32_t pid)
{
	snprintf(path, JIT_PATH_SIZE, "/tmp/perf-%u.map", pid);
	return path;
}

void jit_close(struct jit *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < j->entries.n; i++)
		free(j->entries.items[i].name);
	free(j->entries.items);
	free(j);
}

#define LOOK_BACK 64 /* entries that may overlap */

const char *jit_name(const struct jit *j, uint64_t address)
{
	const struct entry *best = NULL;
	size_t low = 0, high = j->entries.n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (j->entries.items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i && low - i < LOOK_BACK; i--) {
		const struct entry *e = &j->entries.items[i - 1];

		if (address < e->end && (!best || e->order > best->order))
			best = e;
	}
	return best ? best->name : NULL;
}
