// SPDX-License-Identifier: BSD-2-Clause
#include "sym/space.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/vec.h"

#define MAPPINGS_MAX 4096 /* of one process: what is beyond is not known */
#define FILES_MAX    16384

struct range {
	uint64_t start, end, offset;
	uint32_t file;
};

/* Shared by a process and its children up to where one of them changes it. */
struct memory {
	size_t users;
	VEC(struct range) ranges; /* by start, disjoint */
};

/* What a process had as its memory, and since when. */
struct space {
	uint64_t since;
	struct memory *memory; /* NULL: not known */
	struct space *before;  /* up to since; NULL: not needed any more */
};

struct spaces {
	struct map by_pid;  /* struct space * */
	struct map by_file; /* hash of a file, or the next free number: its place in files */
	VEC(struct space_file) files;
	struct map dead;    /* pids of processes that ended in this round */
	struct map changed; /* ... that have begun, or executed a program: those with a before */
};

struct spaces *spaces_new(void)
{
	return calloc(1, sizeof(struct spaces));
}

static void *zeroed(size_t size)
{
	void *p = calloc(1, size);

	if (!p) {
		fputs("concprof: out of memory\n", stderr);
		abort();
	}
	return p;
}

static struct memory *memory_new(void)
{
	struct memory *m = zeroed(sizeof(*m));

	m->users = 1;
	return m;
}

static void release(struct memory *m)
{
	if (!m || --m->users)
		return;
	free(m->ranges.items);
	free(m);
}

static void free_space(struct space *space)
{
	while (space) {
		struct space *before = space->before;

		release(space->memory);
		free(space);
		space = before;
	}
}

void spaces_free(struct spaces *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->by_pid.room; i++) {
		if (s->by_pid.rows[i].key != MAP_NONE)
			free_space((struct space *)s->by_pid.rows[i].value);
	}
	for (size_t i = 0; i < s->files.n; i++)
		free(s->files.items[i].path);
	free(s->files.items);
	map_free(&s->by_pid);
	map_free(&s->by_file);
	map_free(&s->dead);
	map_free(&s->changed);
	free(s);
}

static struct space *space_of(const struct spaces *s, uint32_t pid)
{
	uint64_t *value = map_find(&s->by_pid, pid);

	return value ? (struct space *)*value : NULL;
}

static struct memory *memory_of(const struct spaces *s, uint32_t pid)
{
	struct space *space = space_of(s, pid);

	return space ? space->memory : NULL;
}

/* Stacks of the time before may still come. */
static void begin_space(struct spaces *s, uint32_t pid, uint64_t at, struct memory *m)
{
	struct space *space = zeroed(sizeof(*space));
	uint64_t *value = map_add(&s->by_pid, pid);

	space->since = at;
	space->memory = m;
	if (*value != MAP_NONE) {
		space->before = (struct space *)*value;
		map_add(&s->changed, pid);
	}
	*value = (uintptr_t)space;
}

static void forget(struct spaces *s, uint32_t pid)
{
	free_space(space_of(s, pid));
	map_remove(&s->by_pid, pid);
}

/* Memory without a file is of one process. */
static uint32_t owner_of(const struct mapping *m)
{
	return !strcmp(m->path, SPACE_ANONYMOUS) ? m->pid : 0;
}

static uint64_t hash_of(const struct mapping *m)
{
	uint64_t hash = map_hash(m->inode + owner_of(m), (uint64_t)m->major << 32 | m->minor);

	for (const char *c = m->path; *c; c++)
		hash = map_hash(hash, (unsigned char)*c);
	return hash >> 1; /* never MAP_NONE, and none of those that follow it */
}

static bool is_file(const struct space_file *f, const struct mapping *m)
{
	return f->pid == owner_of(m) && f->inode == m->inode && f->major == m->major &&
	       f->minor == m->minor && !strcmp(f->path, m->path);
}

/* Its number; or FILES_MAX: there are too many. */
static uint32_t file_of(struct spaces *s, const struct mapping *m)
{
	uint64_t *value;

	for (uint64_t key = hash_of(m);; key++) {
		value = map_find(&s->by_file, key);
		if (value && is_file(&s->files.items[*value], m))
			return *value;
		if (value)
			continue;
		if (s->files.n == FILES_MAX)
			return FILES_MAX;
		*map_add(&s->by_file, key) = s->files.n;
		*vec_add(&s->files) = (struct space_file){ .major = m->major,
							   .minor = m->minor,
							   .inode = m->inode,
							   .pid = owner_of(m),
							   .path = strdup(m->path) };
		return s->files.n - 1;
	}
}

/* The first range that ends behind the address. */
static size_t first_behind(const struct memory *m, uint64_t address)
{
	size_t low = 0, high = m->ranges.n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (m->ranges.items[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void insert(struct memory *m, size_t at, const struct range *r)
{
	vec_add(&m->ranges);
	memmove(&m->ranges.items[at + 1], &m->ranges.items[at],
		(m->ranges.n - 1 - at) * sizeof(*r));
	m->ranges.items[at] = *r;
}

/* The new one replaces what was there: mmap(2), MAP_FIXED; or an unmapping was not seen. */
static void clear(struct memory *m, uint64_t start, uint64_t end)
{
	size_t i = first_behind(m, start), gone;

	if (i < m->ranges.n && m->ranges.items[i].start < start) {
		struct range rest = m->ranges.items[i];

		m->ranges.items[i].end = start;
		if (rest.end > end) {
			rest.offset += end - rest.start;
			rest.start = end;
			insert(m, i + 1, &rest);
		}
		i++;
	}
	for (gone = i; gone < m->ranges.n && m->ranges.items[gone].end <= end; gone++)
		;
	if (gone < m->ranges.n && m->ranges.items[gone].start < end) {
		m->ranges.items[gone].offset += end - m->ranges.items[gone].start;
		m->ranges.items[gone].start = end;
	}
	if (gone == i)
		return;
	memmove(&m->ranges.items[i], &m->ranges.items[gone],
		(m->ranges.n - gone) * sizeof(*m->ranges.items));
	m->ranges.n -= gone - i;
}

/* One that no other process uses. */
static struct memory *own_memory(struct spaces *s, uint32_t pid, struct memory *shared)
{
	struct memory *m;

	if (shared->users == 1)
		return shared;
	m = memory_new();
	for (size_t i = 0; i < shared->ranges.n; i++)
		*vec_add(&m->ranges) = shared->ranges.items[i];
	release(shared);
	space_of(s, pid)->memory = m;
	return m;
}

static void add_file(struct spaces *s, const struct mapping *m)
{
	struct range r = { m->start, m->end, m->offset, 0 };
	struct memory *memory = memory_of(s, m->pid);

	if (!memory || m->end <= m->start)
		return;
	memory = own_memory(s, m->pid, memory);
	clear(memory, m->start, m->end);
	if (owner_of(m)) /* mmap(2) numbers its pages as it likes */
		r.offset = m->start;
	r.file = file_of(s, m);
	if (memory->ranges.n < MAPPINGS_MAX && r.file < FILES_MAX)
		insert(memory, first_behind(memory, m->start), &r);
}

void spaces_follow(struct spaces *s, uint32_t pid)
{
	begin_space(s, pid, 0, memory_new());
}

static void on_fork(struct spaces *s, const struct mapping *m)
{
	struct memory *parent = memory_of(s, m->parent);

	map_remove(&s->dead, m->pid); /* or it would be the new one that is buried */
	if (parent)
		parent->users++;
	if (parent || space_of(s, m->pid)) /* its number may be another's now */
		begin_space(s, m->pid, m->at, parent);
}

void spaces_mapping(struct spaces *s, const struct mapping *m)
{
	switch (m->what) {
	case MAPPING_FORK:
		on_fork(s, m);
		break;
	case MAPPING_EXEC:
		if (memory_of(s, m->pid))
			begin_space(s, m->pid, m->at, memory_new());
		break;
	case MAPPING_FILE:
		add_file(s, m);
		break;
	}
}

void spaces_ended(struct spaces *s, uint32_t pid)
{
	map_add(&s->dead, pid);
}

static void forget_before(struct spaces *s, uint32_t pid)
{
	struct space *space = space_of(s, pid);

	if (!space)
		return;
	free_space(space->before);
	space->before = NULL;
}

void spaces_bury(struct spaces *s)
{
	for (size_t i = 0; i < s->dead.room; i++) {
		if (s->dead.rows[i].key != MAP_NONE)
			forget(s, s->dead.rows[i].key);
	}
	for (size_t i = 0; i < s->changed.room; i++) {
		if (s->changed.rows[i].key != MAP_NONE)
			forget_before(s, s->changed.rows[i].key);
	}
	map_free(&s->dead);
	map_free(&s->changed);
}

bool spaces_find(const struct spaces *s, uint32_t pid, uint64_t at, uint64_t address,
		 struct place *ret)
{
	const struct space *space = space_of(s, pid);
	const struct memory *m;
	size_t i;

	while (space && at < space->since)
		space = space->before;
	m = space ? space->memory : NULL;
	i = m ? first_behind(m, address) : 0;
	if (!m || i == m->ranges.n || m->ranges.items[i].start > address)
		return false;
	ret->file = m->ranges.items[i].file;
	ret->offset = address - m->ranges.items[i].start + m->ranges.items[i].offset;
	return true;
}

const struct space_file *spaces_file(const struct spaces *s, uint32_t file)
{
	return &s->files.items[file];
}
