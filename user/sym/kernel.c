// SPDX-License-Identifier: BSD-2-Clause
#include "sym/kernel.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define LINES_MAX     4000000 /* kernels have some 200,000 */
#define BLOCK	      65536   /* that is read at once; no line is longer */
#define FUNCTION_MOST 0x20000 /* bytes; what is farther behind a symbol is of none */

int kernel_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

struct symbol {
	uint64_t start;
	char type;
	const char *name, *module;
};

/* "ffffffff81000c60 t name\t[module]", which is cut where its parts end; false: it is no such
 * line. There are so many that this is not left to the library. */
static bool parse(char *line, struct symbol *ret)
{
	char *at = line;

	ret->start = 0;
	for (; at - line < 16 && isxdigit((unsigned char)*at); at++)
		ret->start = ret->start << 4 | (*at <= '9' ? *at - '0' : (*at | 32) - 'a' + 10);
	if (at - line < 8 || at[0] != ' ' || !at[1] || at[2] != ' ')
		return false;
	ret->type = at[1];
	ret->name = at + 3;
	ret->module = "";
	at += 3 + strcspn(at + 3, " \t");
	if (at[0] == '\t' && at[1] == '[') {
		ret->module = at + 2;
		at[2 + strcspn(at + 2, "]")] = '\0';
	}
	*at = '\0';
	return *ret->name;
}

/* The first of the addresses that is not below. */
static size_t find_first(const uint64_t *addresses, size_t n, uint64_t start)
{
	size_t low = 0;

	while (n) {
		size_t half = n / 2;

		if (addresses[low + half] < start) {
			low += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return low;
}

/* Of two names for one place the global one, else the one that comes first. */
static bool is_better(const struct kernel_function *f, const struct symbol *s)
{
	return s->start > f->start || (s->start == f->start && s->type == 'T' && f->type != 'T');
}

static void copy(char *to, size_t size, const char *from)
{
	size_t n = strnlen(from, size - 1);

	memcpy(to, from, n);
	to[n] = '\0';
}

struct search {
	const uint64_t *addresses;
	size_t n;
	struct kernel_function
		*found; /* of each: the nearest below it and not below the one before */
	size_t lines, shown;
};

static void take_line(struct search *to, char *line)
{
	struct kernel_function *f;
	struct symbol s;
	size_t i;

	to->lines++;
	if (!parse(line, &s) || !s.start)
		return;
	to->shown++;
	i = find_first(to->addresses, to->n, s.start);
	f = &to->found[i];
	if (i == to->n || !is_better(f, &s))
		return;
	f->start = s.start;
	f->type = s.type;
	copy(f->name, sizeof(f->name), s.name);
	copy(f->module, sizeof(f->module), s.module);
}

/* All whole lines of a block; what is left of it. */
static size_t take_block(struct search *to, char *block, size_t n, bool *is_rest)
{
	char *at = block, *end;

	while ((end = memchr(at, '\n', block + n - at))) {
		*end = '\0';
		if (!*is_rest)
			take_line(to, at);
		*is_rest = false;
		at = end + 1;
	}
	n = block + n - at;
	memmove(block, at, n);
	return n;
}

static void read_lines(struct search *to, int fd)
{
	char block[BLOCK + 1];
	bool is_rest = false; /* of a line that is longer than a block */
	size_t have = 0;
	ssize_t n;

	while (to->lines < LINES_MAX) {
		n = read(fd, block + have, BLOCK - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have = take_block(to, block, have + n, &is_rest);
		if (have == BLOCK) {
			is_rest = true;
			have = 0;
		}
	}
	block[have] = '\0';
	if (have && !is_rest)
		take_line(to, block);
}

static bool is_code(char type)
{
	return type && strchr("tTwW", type);
}

/* The nearest symbol below an address is known for the first address behind it; those that
 * follow have the same one, or a nearer one. */
static void settle(const uint64_t *addresses, size_t n, struct kernel_function *found)
{
	for (size_t i = 1; i < n; i++) {
		if (found[i].start < found[i - 1].start)
			found[i] = found[i - 1];
	}
	for (size_t i = 0; i < n; i++) {
		if (!is_code(found[i].type) || addresses[i] - found[i].start >= FUNCTION_MOST)
			found[i] = (struct kernel_function){ .start = 0 };
	}
}

size_t kernel_find(int fd, const uint64_t *addresses, size_t n, struct kernel_function *ret)
{
	struct search search = { .addresses = addresses, .n = n, .found = ret };

	memset(ret, 0, n * sizeof(*ret));
	if (lseek(fd, 0, SEEK_SET))
		return 0;
	read_lines(&search, fd);
	settle(addresses, n, ret);
	return search.shown;
}
