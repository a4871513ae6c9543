// SPDX-License-Identifier: BSD-2-Clause
/*
 * Many small files, of which each is waited for a little: a list of them says nothing, and the
 * directory that they are in does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/internal.h"
#include "base/intern.h"

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

/* The number of its folder among all of that level. */
static size_t key_of(struct intern *keys, const struct io *io, size_t size)
{
	char key[TARGET_TEXT + 16];
	int n = snprintf(key, sizeof(key), "%u/%.*s", io->cause, (int)size, io->path);

	return intern(keys, key, (size_t)n);
}

static bool is_worth_a_row(const struct model *m, const struct io_folder *folder)
{
	return folder->files >= FILES_LEAST && (double)folder->any_ns >= SMALL * (double)m->wall_ns;
}

/* The one of f->folders that it is, or NO_FOLDER. */
static size_t same_folder(const struct findings *f, const struct io_folder *folder)
{
	for (size_t k = 0; k < f->n_folders; k++) {
		const struct io_folder *one = &f->folders[k];

		if (one->cause == folder->cause && one->size == folder->size &&
		    !memcmp(one->path, folder->path, one->size))
			return k;
	}
	return NO_FOLDER;
}

/* Files right in it came before. Returns where it is in f->folders, or NO_FOLDER. */
static size_t keep(struct findings *f, const struct io_folder *folder)
{
	size_t place = same_folder(f, folder);

	if (place != NO_FOLDER) {
		add(&f->folders[place], folder);
	} else if (is_worth_a_row(f->model, folder)) {
		place = f->n_folders++;
		f->folders[place] = *folder;
	}
	return place;
}

/* Of the files that are in none yet. */
static void find_level(struct findings *f, int levels)
{
	const struct model *m = f->model;
	struct io_folder *all = zeroed(m->n_ios, sizeof(*all));
	size_t *number = zeroed(m->n_ios, sizeof(*number));
	size_t *place = zeroed(m->n_ios, sizeof(*place));
	struct intern keys = { 0 };

	for (size_t i = 0; i < m->n_ios; i++) {
		const struct io *io = &m->ios[i];
		size_t size = is_small(m, io) ? folder_size(io->path, levels) : 0;

		number[i] = SIZE_MAX;
		if (!size || f->folder_of[i] != NO_FOLDER)
			continue;
		number[i] = key_of(&keys, io, size);
		add_file(&all[number[i]], io, size);
	}
	for (size_t k = 0; k < keys.list.n; k++)
		place[k] = keep(f, &all[k]);
	for (size_t i = 0; i < m->n_ios; i++) {
		if (number[i] != SIZE_MAX)
			f->folder_of[i] = place[number[i]];
	}
	intern_free(&keys);
	free(place);
	free(number);
	free(all);
}

void io_folders_find(struct findings *f)
{
	const struct model *m = f->model;

	f->folders = zeroed(m->n_ios, sizeof(*f->folders));
	f->folder_of = zeroed(m->n_ios, sizeof(*f->folder_of));
	for (size_t i = 0; i < m->n_ios; i++)
		f->folder_of[i] = NO_FOLDER;
	for (int levels = 1; levels <= LEVELS; levels++)
		find_level(f, levels);
	for (size_t k = 0; k < f->n_folders; k++) {
		struct io_folder *folder = &f->folders[k];

		if (folder->any_ns > m->wall_ns)
			folder->any_ns = m->wall_ns;
	}
}
