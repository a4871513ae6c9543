// SPDX-License-Identifier: BSD-2-Clause
/* Locks of files, of threads and of processes. */
#include "locks.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

static int shared_fd;
static int own_fds[PARTIES]; /* a thread's own open file each */

/* Other open files of the same nameless file. */
static void open_files(void)
{
	char path[64];

	shared_fd = nameless_file("locks", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", shared_fd);
	for (int i = 0; i < PARTIES; i++)
		own_fds[i] = (int)must(open(path, O_RDWR | O_CLOEXEC), path);
}

static void lock_whole(int seat)
{
	must(flock(own_fds[seat], LOCK_EX), "flock");
}

static void unlock_whole(int seat)
{
	must(flock(own_fds[seat], LOCK_UN), "flock");
}

static void set_lock(int fd, int command, int type)
{
	struct flock l = { .l_type = (short)type, .l_whence = SEEK_SET, .l_len = 100 };

	must(fcntl(fd, command, &l), "fcntl");
}

static void lock_of_process(int seat)
{
	(void)seat;
	set_lock(shared_fd, F_SETLKW, F_WRLCK);
}

static void unlock_of_process(int seat)
{
	(void)seat;
	set_lock(shared_fd, F_SETLKW, F_UNLCK);
}

static void lock_of_file(int seat)
{
	set_lock(own_fds[seat], F_OFD_SETLKW, F_WRLCK);
}

static void unlock_of_file(int seat)
{
	set_lock(own_fds[seat], F_OFD_SETLKW, F_UNLCK);
}

static const char *expect_file(const struct record *r)
{
	const struct row row = {
		.which = "kind=file", .kind = "file", .who = CONTENDER "*", .shared = true
	};

	expect_row(r, &row);
	expect_holders(r, &row);
	expect_ledger(r, &row, "lock.file");
	return NULL;
}

static const char *run_flock(void)
{
	const struct contest c = { .take = lock_whole, .drop = unlock_whole, CONTEST_OF(2) };

	open_files();
	return expect_file(contest_of_threads(&c));
}

static const char *run_fcntl(void)
{
	const struct contest c = { .take = lock_of_process,
				   .drop = unlock_of_process,
				   CONTEST_OF(2) };

	open_files();
	return expect_file(contest_of_processes(&c));
}

static const char *run_ofd(void)
{
	const struct contest c = { .take = lock_of_file, .drop = unlock_of_file, CONTEST_OF(2) };

	open_files();
	return expect_file(contest_of_threads(&c));
}

const struct mode file_modes[] = {
	{ "flock", run_flock },
	{ "fcntl", run_fcntl },
	{ "fcntl-ofd", run_ofd },
	{ 0 },
};
