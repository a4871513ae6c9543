// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/part.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event/recording.h"

#define SUFFIX ".part"
#define TRIES  100

/* Nothing that could be of use to somebody: an empty file, or a recording of ours. */
static bool may_replace(int fd, const struct stat *st)
{
	char magic[RECORDING_MAGIC_SIZE];

	if (!S_ISREG(st->st_mode) || st->st_uid != geteuid() || st->st_nlink > 1)
		return false;
	return !st->st_size || (pread(fd, magic, sizeof(magic), 0) == (ssize_t)sizeof(magic) &&
				!memcmp(magic, RECORDING_MAGIC, sizeof(magic)));
}

/* Does the name still lead to what we have locked? Who had it before may have renamed it. */
static bool is_there(const struct target *t, const struct stat *ours)
{
	struct stat st;

	return !lstat(t->temporary, &st) && st.st_dev == ours->st_dev && st.st_ino == ours->st_ino;
}

/* The lock is held until the file is closed. */
static int claim(struct target *t, struct err *err)
{
	struct stat st;

	if (flock(t->fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return err_set(err, -EBUSY,
			       "another concprof is recording to '%s'; choose another file with -o",
			       t->path);
	if (fstat(t->fd, &st))
		return -errno;
	if (!is_there(t, &st))
		return -ESTALE;
	if (!may_replace(t->fd, &st))
		return err_set(
			err, -EEXIST,
			"'%s' is in the way, and no recording of yours; remove it, or choose "
			"another file with -o",
			t->temporary);
	return ftruncate(t->fd, 0) || fchmod(t->fd, target_mode()) ? -errno : 0;
}

/* Not to wait for a reader of a FIFO, nor to follow a link that somebody else has put there. */
#define FLAGS (O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

static int open_once(struct target *t, struct err *err)
{
	int error;

	t->fd = open(t->temporary, FLAGS, 0666);
	if (t->fd < 0 && (errno == ELOOP || errno == EISDIR))
		return err_set(err, -EEXIST,
			       "'%s' is in the way; remove it, or choose another file with -o",
			       t->temporary);
	if (t->fd < 0)
		return -errno;
	error = claim(t, err);
	if (error) {
		close(t->fd);
		t->fd = -1;
	}
	return error;
}

static int open_part(struct target *t, struct err *err)
{
	int error = -ESTALE;

	if (snprintf(t->temporary, sizeof(t->temporary), "%s" SUFFIX, t->path) >=
	    (int)sizeof(t->temporary))
		return -ENAMETOOLONG;
	for (int i = 0; i < TRIES && error == -ESTALE; i++)
		error = open_once(t, err);
	return error;
}

int part_open(struct target *t, const char *path, struct err *err)
{
	struct err why = { "" };
	bool is_file;
	int error = target_find(t, path, &is_file);

	if (!error && !is_file)
		error = target_open(t, path);
	else if (!error)
		error = open_part(t, &why);
	if (!error)
		return 0;
	t->temporary[0] = '\0'; /* it is not ours to remove */
	return why.text[0] ? err_set(err, error, "%s", why.text)
			   : target_complain(path, error, err);
}
