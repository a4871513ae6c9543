// SPDX-License-Identifier: BSD-2-Clause
/* What moves through descriptors that are no sockets. */
#include "channels.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

static const char page[PAGE];

void small_pipe(int fd[ROLES])
{
	must(pipe2(fd, O_CLOEXEC), "pipe2");
	must(fcntl(fd[WRITER], F_SETPIPE_SZ, PAGE), "F_SETPIPE_SZ");
}

void put_page(int fd, char first)
{
	char buffer[PAGE] = { first };

	must(write(fd, buffer, sizeof(buffer)) == PAGE ? 0 : -1, "write");
}

char take_page(int fd)
{
	char buffer[PAGE];

	must(read(fd, buffer, sizeof(buffer)) == PAGE ? 0 : -1, "read");
	return buffer[0];
}

void close_end(int fd)
{
	must(close(fd), "close");
}

/* A process has its own end alone. */
void keep_own(struct scene *s, enum role role)
{
	if (!s->threads)
		close_end(s->fd[!role]);
}

static void read_page(struct scene *s, long i)
{
	(void)i;
	take_page(s->fd[READER]);
}

static void write_page(struct scene *s, long i)
{
	(void)i;
	must(write(s->fd[WRITER], page, PAGE) == PAGE ? 0 : -1, "write");
}

static const char *make_pipe(struct scene *s)
{
	small_pipe(s->fd);
	return NULL;
}

static const char *make_fifo(struct scene *s)
{
	int both;

	snprintf(s->path, sizeof(s->path), "/tmp/concprof-fifo.%d", getpid());
	must(mkfifo(s->path, 0600), "mkfifo");
	/* So that opening it waits for nobody. */
	both = (int)must(open(s->path, O_RDWR | O_CLOEXEC), "open");
	s->fd[READER] = (int)must(open(s->path, O_RDONLY | O_CLOEXEC), "open");
	s->fd[WRITER] = (int)must(open(s->path, O_WRONLY | O_CLOEXEC), "open");
	must(fcntl(both, F_SETPIPE_SZ, PAGE), "F_SETPIPE_SZ");
	close_end(both);
	return NULL;
}

static void remove_fifo(struct scene *s)
{
	hope(unlink(s->path), s->path);
}

static const char *make_eventfd(struct scene *s)
{
	s->fd[READER] = (int)must(eventfd(0, EFD_CLOEXEC), "eventfd");
	s->fd[WRITER] = s->fd[READER];
	return NULL;
}

static void count_down(struct scene *s, long i)
{
	eventfd_t value;

	(void)i;
	must(eventfd_read(s->fd[READER], &value), "eventfd_read");
}

/* As much as it can hold. */
static void count_up(struct scene *s, long i)
{
	(void)i;
	must(eventfd_write(s->fd[WRITER], UINT64_MAX - 1), "eventfd_write");
}

#define PAGES .move = { read_page, write_page }

const struct medium file_media[] = {
	{ "pipe", "pipe", "io.pipe", IN_IO, .threads = true, .by_call = true, .make = make_pipe,
	  .open = keep_own, PAGES },
	{ "fifo", "fifo", "io.pipe", IN_IO, .path = true, .by_call = true, .make = make_fifo,
	  .open = keep_own, PAGES, .remove = remove_fifo },
	{ "eventfd", "eventfd", "event.eventfd", IN_IO, .by_call = true, .make = make_eventfd,
	  .move = { count_down, count_up } },
	{ 0 },
};
