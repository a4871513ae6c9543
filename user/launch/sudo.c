// SPDX-License-Identifier: BSD-2-Clause
#include "launch/sudo.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_ANCESTORS 32

/* The kernel takes no more than 6 MiB of arguments and environment together (execve(2)). */
#define MAX_ENVIRON (6u << 20)

/* Reads a file of /proc whole; fails with -E2BIG if it holds more than max bytes. */
static int read_whole(char **ret, size_t *ret_len, int dir, const char *name, size_t max)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t len = 0, room = 0;
	char *text = NULL;
	int r = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		if (len + 1 >= room) {
			char *more = realloc(text, room = room ? 2 * room : 4096);

			r = more ? 0 : -ENOMEM;
			if (r)
				goto out;
			text = more;
		}
		ssize_t n = read(fd, text + len, room - len - 1);

		if (n < 0 && errno == EINTR)
			continue;
		r = n < 0 ? -errno : len + n > max ? -E2BIG : 0;
		if (r)
			goto out;
		if (!n)
			break;
		len += n;
	}
	text[len] = '\0';
out:
	if (close(fd) && !r)
		r = -errno;
	if (r) {
		free(text);
		return r;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}

/* Debian, sudo-rs, and Ubuntu's name for the original beside sudo-rs. */
static bool is_sudo_name(const char *name)
{
	return !strcmp(name, "sudo") || !strcmp(name, "sudo-rs") || !strcmp(name, "sudo.ws");
}

/* Nobody but root can make a file that passes for this. */
static bool is_sudo(int dir)
{
	char path[PATH_MAX];
	ssize_t n = readlinkat(dir, "exe", path, sizeof(path) - 1);
	struct stat st;
	char *deleted, *name;

	if (n < 0)
		return false;
	path[n] = '\0';
	/* an upgrade can replace sudo while it runs */
	deleted = strstr(path, " (deleted)");
	if (deleted)
		*deleted = '\0';
	name = strrchr(path, '/');
	if (!name || !is_sudo_name(name + 1) || fstatat(dir, "exe", &st, 0))
		return false;
	return S_ISREG(st.st_mode) && !st.st_uid && (st.st_mode & S_ISUID);
}

/* sudo keeps its caller's real uid; with any other this is not the sudo that set SUDO_UID. */
static bool called_by(int dir, uid_t uid)
{
	unsigned int real;
	char *text = NULL, *line;
	bool is;
	size_t len;

	if (read_whole(&text, &len, dir, "status", 1 << 16))
		return false;
	line = strstr(text, "\nUid:");
	is = line && sscanf(line, "\nUid: %u", &real) == 1 && real == uid;
	free(text);
	return is;
}

/* 0 if it cannot be told, which ends the walk as PID 1's parent does. */
static pid_t parent_of(int dir)
{
	char *text = NULL, *end;
	pid_t ppid = 0;
	size_t len;

	if (read_whole(&text, &len, dir, "stat", 1 << 16))
		return 0;
	/* the name in the second field can hold anything, a ')' too */
	end = strrchr(text, ')');
	if (!end || sscanf(end, ") %*c %d", &ppid) != 1)
		ppid = 0;
	free(text);
	return ppid;
}

/* 1 to go on to *pid's parent, which *pid then is; else as launch_sudo_environ(). */
static int look_at(pid_t *pid, char **ret, size_t *ret_len, uid_t uid)
{
	char path[32];
	int dir, r;

	snprintf(path, sizeof(path), "/proc/%d", *pid);
	/* all files below are read through this: a pid can be another process a moment later */
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	if (is_sudo(dir) && called_by(dir, uid)) {
		r = read_whole(ret, ret_len, dir, "environ", MAX_ENVIRON);
	} else {
		*pid = parent_of(dir);
		r = *pid > 0 ? 1 : -ENOENT;
	}
	if (close(dir) && r >= 0) {
		if (!r)
			free(*ret);
		r = -errno;
	}
	return r;
}

int launch_sudo_environ(char **ret, size_t *ret_len, uid_t uid)
{
	pid_t pid = getppid();
	int r = -ENOENT;

	for (int i = 0; i < MAX_ANCESTORS && pid > 0; i++) {
		r = look_at(&pid, ret, ret_len, uid);
		if (r <= 0)
			return r;
	}
	return -ENOENT;
}
