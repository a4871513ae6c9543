// SPDX-License-Identifier: BSD-2-Clause
/*
 * Many small files, of which each is waited for a little: a list of them says nothing, and the
 * directory that they are in does.
 */
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"

#define SMALL	    0.01 /* of the wall time: more, and a file is worth a row of its own */
#define FILES_LEAST 11
#define LEVELS                                                                                     \
	4 /* objects of git lie in many directories of one, packages of Python in deeper ones */

/* The directory so many levels above a file, with the slash at its end; 0: none that says something. */
static size_t folder_size(const char *path, int levels)
{
	size_t size = strlen(path), parts = 0;

	for (int i = 0; i < levels && size; i++) {
		size--;
		while (size && path[size - 1] != '/')
			size--;
	}
	for (size_t i = 1; i < size; i++)
		parts += path[i] == '/';
	return parts > (levels > 1) ? size : 0; /* /tmp/ for what is right in it alone */
}

static bool is_small(const struct model *m, const struct io *io)
{
	return io->path && (io->kind == TARGET_FILE || io->kind == TARGET_NAME) &&
	       (double)io->any_ns < SMALL * (double)m->wall_ns;
}

static void add(struct io_folder *to, const struct io_folder *other)
{
	to->files += other->files;
	to->waits += other->waits;
	to->ns += other->ns;
	to->any_ns += other->any_ns;
	if (other->max_ns > to->max_ns)
		to->max_ns = other->max_ns;
}

static void add_file(struct io_folder *to, const struct io *io, size_t size)
{
	const struct io_folder file = { .files = 1,
					.waits = io->waits,
					.ns = io->ns,
					.max_ns = io->max_ns,
					.any_ns = io->any_ns };

	to->path = io->path;
	to->size = size;
	to->cause = io->cause;
	add(to, &file);
}

static bool is_worth_a_row(const struct model *m, const struct io_folder *folder)
{
	return folder->files >= FILES_LEAST && (double)folder->any_ns >= SMALL * (double)m->wall_ns;
}

/* A directory above a file. */
struct above {
	const struct io *io;
	size_t size;  /* of the path, so many bytes */
	size_t place; /* by level and file */
};

struct search {
	size_t *number;	       /* by level and file: that of the directory; NO_FOLDER: none */
	struct io_folder *all; /* by number: what is in it of the files of this level */
	size_t *place;	       /* by number: where it is in f->folders, or NO_FOLDER */
};

static int by_folder(const void *a, const void *b)
{
	const struct above *x = a, *y = b;

	if (x->io->cause != y->io->cause)
		return x->io->cause < y->io->cause ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return memcmp(x->io->path, y->io->path, x->size);
}

static size_t find_above(struct above *all, const struct model *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_ios; i++) {
		const struct io *io = &m->ios[i];

		for (int levels = 1; is_small(m, io) && levels <= LEVELS; levels++) {
			size_t size = folder_size(io->path, levels);

			if (size)
				all[n++] = (struct above){ io, size,
							   (size_t)(levels - 1) * m->n_ios + i };
		}
	}
	return n;
}

/* A recording may have any number of them: sorted, they are compared the fewest times. */
static void number_folders(struct search *s, const struct model *m)
{
	struct above *all = zeroed(LEVELS * m->n_ios, sizeof(*all));
	size_t n = find_above(all, m), number = 0;

	for (size_t i = 0; i < LEVELS * m->n_ios; i++)
		s->number[i] = s->place[i] = NO_FOLDER;
	if (n)
		qsort(all, n, sizeof(*all), by_folder);
	for (size_t i = 0; i < n; i++) {
		number += i && by_folder(&all[i - 1], &all[i]);
		s->number[all[i].place] = number;
	}
	free(all);
}

/* Files right in it came before. */
static void keep(struct findings *f, struct search *s, size_t number)
{
	struct io_folder *folder = &s->all[number];

	if (s->place[number] != NO_FOLDER) {
		add(&f->folders[s->place[number]], folder);
	} else if (is_worth_a_row(f->model, folder)) {
		s->place[number] = f->n_folders++;
		f->folders[s->place[number]] = *folder;
	}
	*folder = (struct io_folder){ 0 };
}

/* Of the files that are in none yet. */
static void find_level(struct findings *f, struct search *s, int levels)
{
	const struct model *m = f->model;
	const size_t *number = s->number + (size_t)(levels - 1) * m->n_ios;

	for (size_t i = 0; i < m->n_ios; i++) {
		if (number[i] != NO_FOLDER && f->folder_of[i] == NO_FOLDER)
			add_file(&s->all[number[i]], &m->ios[i],
				 folder_size(m->ios[i].path, levels));
	}
	for (size_t i = 0; i < m->n_ios; i++) {
		if (number[i] == NO_FOLDER || f->folder_of[i] != NO_FOLDER)
			continue;
		if (s->all[number[i]].files)
			keep(f, s, number[i]);
		f->folder_of[i] = s->place[number[i]];
	}
}

void io_folders_find(struct findings *f)
{
	const struct model *m = f->model;
	struct search s = {
		.number = zeroed(LEVELS * m->n_ios, sizeof(*s.number)),
		.all = zeroed(LEVELS * m->n_ios, sizeof(*s.all)),
		.place = zeroed(LEVELS * m->n_ios, sizeof(*s.place)),
	};

	f->folders = zeroed(m->n_ios, sizeof(*f->folders));
	f->folder_of = zeroed(m->n_ios, sizeof(*f->folder_of));
	for (size_t i = 0; i < m->n_ios; i++)
		f->folder_of[i] = NO_FOLDER;
	number_folders(&s, m);
	for (int levels = 1; levels <= LEVELS; levels++)
		find_level(f, &s, levels);
	for (size_t k = 0; k < f->n_folders; k++) {
		struct io_folder *folder = &f->folders[k];

		if (folder->any_ns > m->wall_ns)
			folder->any_ns = m->wall_ns;
	}
	free(s.place);
	free(s.all);
	free(s.number);
}
