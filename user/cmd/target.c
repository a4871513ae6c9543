// SPDX-License-Identifier: BSD-2-Clause
#include "cmd/target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int target_complain(const char *path, int error, struct err *err)
{
	return err_set(err, error,
		       "cannot write the report to '%s': %s; choose another file with -o", path,
		       strerror(-error));
}

mode_t target_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static int open_straight(struct target *t)
{
	t->fd = open(t->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return t->fd < 0 ? -errno : 0;
}

/* What is being written, for exit(3), as out_of_memory() has it. */
static const struct target *unfinished;

static void remove_unfinished(void)
{
	if (unfinished)
		(void)unlink(unfinished->temporary); /* nothing more can be done about it */
}

static int remove_at_exit(const struct target *t)
{
	static bool is_registered;

	if (!is_registered && atexit(remove_unfinished))
		return -ENOMEM;
	is_registered = true;
	unfinished = t;
	return 0;
}

static int open_beside(struct target *t)
{
	const char *slash = strrchr(t->path, '/');
	int directory = slash ? slash - t->path + 1 : 0;

	if (snprintf(t->temporary, sizeof(t->temporary), "%.*s.concprof-XXXXXX", directory,
		     t->path) >= (int)sizeof(t->temporary))
		return -ENAMETOOLONG;
	t->fd = mkostemp(t->temporary, O_CLOEXEC);
	if (t->fd < 0)
		return -errno;
	return fchmod(t->fd, target_mode()) ? -errno : remove_at_exit(t);
}

int target_find(struct target *t, const char *path, bool *ret_file)
{
	struct stat st;

	t->fd = -1;
	t->temporary[0] = '\0';
	*ret_file = true;
	if (strlen(path) >= sizeof(t->path))
		return -ENAMETOOLONG;
	if (!realpath(path, t->path)) {
		if (errno != ENOENT)
			return -errno;
		strcpy(t->path, path);
	}
	if (stat(t->path, &st))
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	*ret_file = S_ISREG(st.st_mode);
	/* Replacing it needs only the directory; that its owner may write it matters all the same. */
	return *ret_file && access(t->path, W_OK) ? -errno : 0;
}

int target_open(struct target *t, const char *path)
{
	bool is_file;
	int error = target_find(t, path, &is_file);

	if (error)
		return error;
	return is_file ? open_beside(t) : open_straight(t);
}

int target_abandon(struct target *t)
{
	int error = t->temporary[0] && unlink(t->temporary) ? -errno : 0;

	unfinished = NULL;
	if (t->fd >= 0)
		close(t->fd);
	return error;
}

int target_commit(struct target *t)
{
	if (t->temporary[0] && rename(t->temporary, t->path))
		return -errno;
	unfinished = NULL;
	t->temporary[0] = '\0';
	return 0;
}

int target_write(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EAGAIN) {
			struct pollfd full = { .fd = fd, .events = POLLOUT };

			(void)poll(&full, 1, -1);
			continue;
		}
		if (n < 0 && errno != EINTR)
			return -errno;
		text += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}
