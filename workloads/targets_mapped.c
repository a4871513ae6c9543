// SPDX-License-Identifier: BSD-2-Clause
/* Files that are mapped to memory: their pages are waited for when they are touched. */
#include "targets.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096
#define PAGES 1024
#define SIZE  ((size_t)PAGES * PAGE)

static const char *maps[2];
static char names[2][64];

static const volatile char *page_of(const struct object *o, long i)
{
	/* Not a neighbour of the last one, and each page once: the stride is odd, PAGES a power of 2. */
	return maps[o - objects] + i * 1021 % PAGES * PAGE;
}

/* What waits to open or remove it does so by another name, and so has another row; and it is
 * written under another one. */
static void name_file(struct object *o, const char *name)
{
	own_name(names[o - objects], sizeof(names[0]), truth_path("./%s", name));
	snprintf(o->text[BY_PATH], sizeof(o->text[0]), "%s/%s", own_directory(), name);
}

static void fill_file(const char *name)
{
	const char *other = truth_path("%s.new", name);
	static char page[PAGE];
	int fd = (int)must(open(other, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600), "open");

	for (int i = 0; i < PAGES; i++) {
		memset(page, i | 1, sizeof(page));
		must(write(fd, page, PAGE), "write");
	}
	must(close(fd), "close");
	/* Not renamed: what was sampled of the writing would have the new name, and so a row. */
	must(link(other, name), "link");
	must(unlink(other), "unlink");
}

/* Another process waits for the device, with a descriptor of something else. */
static void fill_files(void)
{
	pid_t child;
	int fd;

	name_file(&objects[0], "a");
	name_file(&objects[1], "b");
	child = (pid_t)must(fork(), "fork");
	if (child) {
		must(waitpid(child, NULL, 0), "waitpid");
		return;
	}
	for (int i = 0; i < 2; i++)
		fill_file(names[i]);
	fd = (int)must(open(own_directory(), O_RDONLY | O_CLOEXEC), "open");
	must(syncfs(fd), "syncfs");
	_exit(EXIT_SUCCESS);
}

static bool is_cold(const void *map)
{
	unsigned char in_memory[PAGES];

	must(mincore((void *)(uintptr_t)map, SIZE, in_memory), "mincore");
	return !memchr(in_memory, 1, sizeof(in_memory));
}

/* Its descriptor is closed: nothing but the mapping leads to it. */
static bool map_cold(struct object *o)
{
	int fd = (int)must(open(names[o - objects], O_RDONLY | O_CLOEXEC), "open");
	void *map = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);

	must(map == MAP_FAILED ? -1 : 0, "mmap");
	must(madvise(map, SIZE, MADV_RANDOM), "madvise");
	must0(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), "posix_fadvise");
	must(close(fd), "close");
	maps[o - objects] = map;
	return is_cold(map);
}

static int ends[2];

static const char *make_mapped(void)
{
	fill_files();
	must(pipe2(ends, O_CLOEXEC), "pipe2");
	if (!map_cold(&objects[0]) || !map_cold(&objects[1]))
		return "the file system does not forget the files";
	return NULL;
}

static void touch(struct object *o, long i)
{
	must(*page_of(o, i) ? 0 : -1, "touching a page");
}

/* The kernel touches it, in a call on something else. */
static void touch_inside(struct object *o, long i)
{
	must(write(ends[1], (const void *)(uintptr_t)page_of(o, i), PAGE), "write");
}

static void empty(struct object *o, long i)
{
	char page[PAGE];

	(void)o, (void)i;
	must(read(ends[0], page, sizeof(page)), "read");
}

#define MAPPED "file", "fault.major", BY_PATH, PAGE, make_mapped, .replaced = true, .mapped = true

const struct target mapped_targets[] = {
	{ "mapped", MAPPED, .wait = touch },
	{ "mapped-inside", MAPPED, .wait = touch_inside, .after = empty },
	{ 0 },
};
