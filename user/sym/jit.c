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

/* The workload writes it: no link to elsewhere, and nothing to wait for. */
static FILE *open_map(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	FILE *f;

	if (fd < 0)
		return NULL;
	f = !fstat(fd, &st) && S_ISREG(st.st_mode) ? fdopen(fd, "r") : NULL;
	if (!f)
		close(fd);
	return f;
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

struct jit *jit_open_path(const char *path)
{
	FILE *f = open_map(path);
	char line[LINE_MAX];
	struct jit *j;

	if (!f)
		return NULL;
	j = calloc(1, sizeof(*j));
	/* A line that is too long comes in pieces, of which the later ones are no lines. */
	for (size_t n = 0; j && n < LINES_MAX && fgets(line, sizeof(line), f); n++)
		take_line(j, line);
	fclose(f);
	if (j && j->entries.n)
		qsort(j->entries.items, j->entries.n, sizeof(*j->entries.items), by_start);
	return j;
}

struct jit *jit_open(uint32_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/tmp/perf-%u.map", pid);
	return jit_open_path(path);
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
