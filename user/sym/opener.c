// SPDX-License-Identifier: BSD-2-Clause
/*
 * To open a file of the workload may take for ever: what serves its file system may be dead (NFS), or
 * be the workload's own (FUSE), and then even SIGKILL does not end who waits. The same goes for
 * closing it. So each file is opened by a process that nobody waits for, and what holds a descriptor
 * of it can be left behind as well: the keeper and the worker, but never concprof itself.
 */
#include "sym/server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_MS 100 /* for one that was killed to end */

/* Some file systems have another device number for stat(2) than for those who map (btrfs). */
enum match { MATCH_DEVICE, MATCH_INODE };

/* Another file at this path has other code. */
static bool is_same(const struct stat *st, const struct sym_file *f, enum match match)
{
	return st->st_ino == f->inode &&
	       (match == MATCH_INODE || st->st_dev == makedev(f->major, f->minor));
}

static int open_same(const char *path, const struct sym_file *f, enum match match)
{
	int place = open(path, O_PATH | O_CLOEXEC), fd = -ESTALE;
	char again[32];
	struct stat st;

	if (place < 0)
		return -errno;
	/* Only to open a device, or a FIFO, may do something. */
	if (!fstat(place, &st) && S_ISREG(st.st_mode) && is_same(&st, f, match)) {
		snprintf(again, sizeof(again), "/proc/self/fd/%d", place);
		fd = open(again, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			fd = -errno;
	}
	close(place);
	return fd;
}

/* By its name; or, in another mount namespace, by what is that name to the process. */
static int open_file(const char *path, const struct sym_file *f)
{
	char there[PATH_MAX + 32];
	int fd = -ENOENT, first = 0;

	snprintf(there, sizeof(there), "/proc/%u/root%s", f->pid, path);
	for (enum match match = MATCH_DEVICE; match <= MATCH_INODE; match++) {
		const char *const paths[] = { path, there };

		for (size_t i = 0; i < 2; i++) {
			fd = open_same(paths[i], f, match);
			if (fd >= 0)
				return fd;
			first = first ? first : fd;
		}
	}
	return first;
}

static void run_opener(int socket, const char *path, const struct sym_file *f)
{
	struct verdict verdict = { 0 };
	int fd = sandbox_opener();

	if (!fd)
		fd = open_file(path, f);
	verdict.status = fd < 0 ? fd : 0;
	(void)wire_send(socket, &verdict, sizeof(verdict), fd < 0 ? -1 : fd);
	_exit(0);
}

/* A place for one more; NULL: all are taken by some that hang. */
static pid_t *free_place(struct openers *o)
{
	pid_t *place = NULL;

	for (size_t i = 0; i < sizeof(o->pids) / sizeof(*o->pids); i++) {
		if (o->pids[i] && waitpid(o->pids[i], NULL, WNOHANG))
			o->pids[i] = 0;
		if (!o->pids[i])
			place = &o->pids[i];
	}
	return place;
}

static int take_file(int socket, int *ret_fd)
{
	struct pollfd p = { .fd = socket, .events = POLLIN };
	struct verdict verdict;
	int n = wire_wait(&p, 1, SYM_OPEN_MS);

	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	if (wire_receive(socket, &verdict, sizeof(verdict), ret_fd) != sizeof(verdict))
		return -EIO;
	return verdict.status ? verdict.status : *ret_fd < 0 ? -EIO : 0;
}

int openers_open(struct openers *o, const struct request *request, const char *path, int *ret_fd)
{
	pid_t *place = free_place(o);
	int pair[2], r;

	*ret_fd = -1;
	if (!place)
		return -ETIMEDOUT;
	if (path[0] != '/')
		return -ENOENT;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	*place = fork();
	if (!*place)
		run_opener(pair[1], path, &request->file);
	r = *place < 0 ? -errno : 0;
	close(pair[1]);
	if (!r)
		r = take_file(pair[0], ret_fd);
	close(pair[0]);
	if (*place < 0)
		*place = 0;
	else
		kill(*place, SIGKILL); /* it has nothing more to do, or hangs */
	return r;
}

void openers_end(struct openers *o)
{
	int status;

	/* all were killed: only one that hangs is not to be reaped */
	for (size_t i = 0; i < sizeof(o->pids) / sizeof(*o->pids); i++) {
		if (o->pids[i])
			(void)child_reap(o->pids[i], END_MS, &status);
	}
}
