// SPDX-License-Identifier: BSD-2-Clause
/* Deadlocks of processes through locks of files. */
#include "deadlocks.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

struct lock_file {
	int any; /* a descriptor of it, without a lock */
	int own; /* of an open file of the process's own; -1: not yet */
};

static struct lock_file left, right;

static struct lock_file *new_file(struct lock_file *f)
{
	*f = (struct lock_file){ nameless_file("deadlocks", 0), -1 };
	return f;
}

int open_again(int fd)
{
	char path[32]; /* of its own: threads do this at once */

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return (int)must(open(path, O_RDWR | O_CLOEXEC), path);
}

static int own_of(struct lock_file *f)
{
	if (f->own < 0)
		f->own = open_again(f->any);
	return f->own;
}

int record_lock(int fd, int command, int type)
{
	struct flock l = { .l_type = (short)type, .l_whence = SEEK_SET };

	return fcntl(fd, command, &l);
}

static void take_whole(void *file)
{
	must(flock(own_of(file), LOCK_EX), "flock");
}

static void take_whole_to_read(void *file)
{
	must(flock(own_of(file), LOCK_SH), "flock");
}

static void take_once_more(void *file)
{
	must(flock(open_again(own_of(file)), LOCK_EX), "flock");
}

static void take_record(void *file)
{
	must(record_lock(own_of(file), F_OFD_SETLKW, F_WRLCK), "F_OFD_SETLKW");
}

static void take_record_to_read(void *file)
{
	must(record_lock(own_of(file), F_OFD_SETLKW, F_RDLCK), "F_OFD_SETLKW");
}

static void take_posix(void *file)
{
	must(record_lock(own_of(file), F_SETLKW, F_WRLCK), "F_SETLKW");
}

static void run_flock(void)
{
	const struct thing things[] = { { take_whole, take_whole, new_file(&left) },
					{ take_whole, take_whole, new_file(&right) } };

	add_ring("flock", things, 2);
	add_behind("late", (struct thing){ 0 }, 0);
	processes_stand();
}

static void run_own(void)
{
	const struct thing thing = { take_whole, take_once_more, new_file(&left) };

	add_ring("again", &thing, 1);
	processes_stand();
}

static void run_ofd(void)
{
	const struct thing things[] = { { take_record, take_record, new_file(&left) },
					{ take_record, take_record, new_file(&right) } };

	add_ring("ofd", things, 2);
	processes_stand();
}

/* Both read, and each waits for the other to stop. */
static void run_upgrade(void)
{
	const struct thing thing = { take_record_to_read, take_record, new_file(&left) };
	const struct thing things[] = { thing, thing };

	add_ring("upgrade", things, 2);
	processes_stand();
}

/* The kernel looks for circles of POSIX's locks alone. */
static void run_posix(void)
{
	const struct thing things[] = { { take_posix, take_posix, new_file(&left) },
					{ take_whole, take_whole, new_file(&right) } };

	add_ring("posix", things, 2);
	processes_stand();
}

static void read_after(void *file)
{
	take_whole_to_read(file);
	sleep_ns(4 * STUCK_NS);
}

/* One more reads, and goes on: the first reader never will. */
static void run_readers(void)
{
	const struct thing things[] = { { take_whole_to_read, take_whole, new_file(&left) },
					{ take_whole, take_whole, new_file(&right) } };

	add_ring("reader", things, 2);
	seats_start_processes();
	if (!add_child())
		read_after(&left);
	seats_stand();
}

static int pipes[2];

static void keep_end_to_write(void *unused)
{
	(void)unused;
	must(close(pipes[0]), "close");
}

static void read_pipe(void *unused)
{
	char byte;

	(void)unused;
	must(close(pipes[1]), "close");
	must(read(pipes[0], &byte, 1), "read");
}

static void run_pipe(void)
{
	const struct thing things[] = { { take_whole, take_whole, new_file(&left) },
					{ keep_end_to_write, read_pipe, NULL } };

	must(pipe2(pipes, O_CLOEXEC), "pipe2");
	add_ring("pipe", things, 2);
	seats_start_processes();
	must(close(pipes[0]), "close");
	must(close(pipes[1]), "close");
	seats_stand();
}

static void await_child(void *unused)
{
	(void)unused;
	must(waitpid(-1, NULL, 0), "waitpid");
}

/* The parent has what its child wants, and waits for its end. */
static void run_child(void)
{
	const struct thing things[] = { { take_posix, take_posix, new_file(&left) },
					{ NULL, await_child, NULL } };

	add_ring("family", things, 2);
	seats_start_line();
	seats_stand();
}

const struct mode file_modes[] = {
	{ "flock", run_flock },
	{ "flock-own", run_own },
	{ "ofd", run_ofd },
	{ "ofd-upgrade", run_upgrade },
	{ "posix", run_posix },
	{ "flock-readers", run_readers },
	{ "flock-pipe", run_pipe },
	{ "posix-child", run_child },
	{ 0 },
};
