// SPDX-License-Identifier: BSD-2-Clause
#include "sym/space.h"

#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
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
	struct map by_pid;		/* struct space * */
	struct intern paths, file_keys; /* the latter are numbered as the files */
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

	if (!p)
		out_of_memory();
	return p;
}

static struct memory *memory_new(void)
{
	struct memory *m = zeroed(sizeof(*m));

	m->users = 1;
	return m;
}

void memory_hold(struct memory *m)
{
	if (m)
		m->users++;
}

void memory_release(struct memory *m)
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

		memory_release(space->memory);
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
	free(s->files.items);
	map_free(&s->by_pid);
	intern_free(&s->paths);
	intern_free(&s->file_keys);
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
	return !strcmp(m->path, MAPPING_ANONYMOUS) ? m->pid : 0;
}

/* Its number; or FILES_MAX: there are too many. */
static uint32_t file_of(struct spaces *s, const struct mapping *m)
{
	struct space_file f = {
		.major = m->major, .minor = m->minor, .inode = m->inode, .pid = owner_of(m)
	};
	size_t (*number_of)(struct intern *, const void *, size_t) =
		s->files.n < FILES_MAX ? intern : intern_find;
	size_t path = number_of(&s->paths, m->path, strlen(m->path)), number;
	uint64_t key[] = { (uint64_t)f.major << 32 | f.minor, f.inode, f.pid, path };

	number = number_of(&s->file_keys, key, sizeof(key));
	if (number == INTERN_NONE)
		return FILES_MAX;
	if (number == s->files.n) {
		f.path = s->paths.list.items[path].bytes;
		f.first = m->offset;
		*vec_add(&s->files) = f;
	}
	return number;
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
	memory_release(shared);
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
	memory_hold(parent);
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

struct memory *spaces_memory(const struct spaces *s, uint32_t pid, uint64_t at)
{
	const struct space *space = space_of(s, pid);

	while (space && at < space->since)
		space = space->before;
	return space ? space->memory : NULL;
}

bool memory_find(const struct memory *m, uint64_t address, struct place *ret)
{
	size_t i = m ? first_behind(m, address) : 0;

	if (!m || i == m->ranges.n || m->ranges.items[i].start > address)
		return false;
	ret->file = m->ranges.items[i].file;
	ret->offset = address - m->ranges.items[i].start + m->ranges.items[i].offset;
	return true;
}

bool memory_below(const struct memory *m, const struct spaces *s, uint64_t address,
		  uint64_t *ret_start, struct place *ret)
{
	size_t i = m ? first_behind(m, address) : 0;

	if (m && i < m->ranges.n && m->ranges.items[i].start <= address)
		i++;
	while (i--) {
		const struct range *r = &m->ranges.items[i];

		if (s->files.items[r->file].pid || s->files.items[r->file].path[0] != '/')
			continue;
		*ret_start = r->start;
		*ret = (struct place){ r->file, r->offset };
		return true;
	}
	return false;
}

const struct space_file *spaces_file(const struct spaces *s, uint32_t file)
{
	return &s->files.items[file];
}

uint32_t spaces_files(const struct spaces *s)
{
	return s->files.n;
}
